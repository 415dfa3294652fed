//! The GPU backend: WGSL compute kernels (`shaders/`) through `wgpu`: WebGPU in a browser, Vulkan or Metal natively.
//!
//! [`device`] finds and watches the device, [`memory`] holds its buffers, [`weights`] the matrices, [`kernels`] the
//! pipelines, [`recorder`] a forward pass on its way, [`read`] its result, [`profile`] its times, [`scopes`] what the device has against it; [`geometry`] says how a
//! kernel's work is cut. Nothing here knows a model.
//!
//! A tensor's rows are `stride` values apart: its columns, rounded up to a multiple of [`weights::BLOCK`], with zeros
//! behind the last column. Every kernel keeps to that, so none needs to know where a row really ends.

pub mod device;
pub mod geometry;
pub mod kernels;
pub mod memory;
pub mod profile;
mod read;
mod recorder;
mod scopes;
pub mod weights;

use super::cpu::layer_norm;
use super::cpu::team::Team;
use super::{Activation, Backend, Columns, Epilogue, Precision, Spans};
use crate::error::{Error, ErrorKind, Result};
use device::Device;
use kernels::{Format, Kernel, Pipelines};
use memory::{GpuBuffer, Pool, Pooled};
pub use recorder::Counts;
use recorder::{Dispatch, Parameters, Recorder};
use scopes::Scopes;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use weights::{BLOCK, Linear, LinearBuilder};

/// Values of a vector in the shaders.
const QUAD: usize = 4;
/// Tensors have room for at least so many rows, so that short texts share a size class.
const MIN_ROWS: usize = 16;
/// The most tokens of a forward pass: its largest tensor, the feed-forward network's inner rows, takes 50 MB at width 768.
const TOKEN_BUDGET: usize = 4096;
/// On a software adapter, whose speed doesn't grow with the batch.
const SOFTWARE_TOKEN_BUDGET: usize = 1024;

/// A graphics device, with the buffers that its tensors share.
pub struct GpuBackend {
    device: Rc<Device>,
    pipelines: Pipelines,
    tensors: Pool,
    lists: Pool,
    readable: Pool,
    recorder: RefCell<Recorder>,
    profile: RefCell<Option<Vec<(Kernel, f64)>>>,
    blocks: Cell<bool>,
    int8_dot: Cell<bool>,
    loading: RefCell<Option<Scopes>>,
}

/// A (rows, columns) tensor; its buffer goes back to the backend when the last tensor on it is dropped.
#[derive(Clone)]
pub struct GpuTensor {
    data: Rc<Pooled>,
    rows: usize,
    columns: usize,
    // Which of the buffer's rows they are; all in their order where it is none.
    taken: Option<Rc<Pooled>>,
}

/// γ and β of a layer normalization on both sides: the embedding's is computed by the CPU, which gathers its rows.
pub struct LayerNorm {
    cpu: layer_norm::LayerNorm,
    gamma_beta: GpuBuffer,
}

fn stride(columns: usize) -> usize {
    columns.next_multiple_of(BLOCK)
}

impl GpuTensor {
    /// N
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// D
    pub fn columns(&self) -> usize {
        self.columns
    }

    fn stride(&self) -> usize {
        stride(self.columns)
    }

    fn buffer(&self) -> &GpuBuffer {
        self.data.get()
    }
}

impl GpuBackend {
    /// A backend on `device` that holds no memory yet.
    pub fn new(device: Device) -> Self {
        use wgpu::BufferUsages as Usage;
        let scopes = Scopes::open(&device);
        let blocks = Cell::new(device.info().software);
        Self {
            device: Rc::new(device),
            pipelines: Pipelines::default(),
            tensors: Pool::new(Usage::STORAGE | Usage::COPY_DST | Usage::COPY_SRC),
            lists: Pool::new(Usage::STORAGE | Usage::COPY_DST),
            readable: Pool::new(Usage::MAP_READ | Usage::COPY_DST),
            recorder: RefCell::default(),
            profile: RefCell::default(),
            blocks,
            int8_dot: Cell::new(false),
            loading: RefCell::new(Some(scopes)),
        }
    }

    /// The device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// What was submitted so far.
    pub fn counts(&self) -> Counts {
        self.recorder.borrow().counts()
    }

    /// How many pipelines there are.
    pub fn pipelines(&self) -> usize {
        self.pipelines.count()
    }

    /// Whether products take the kernel that suits software adapters, as they do on those; for tests and measurements.
    pub fn set_blocks(&self, on: bool) {
        self.blocks.set(on);
    }

    /// Whether products of many rows with int8 weights are computed in int8 arithmetic, activations rounded too: faster where
    /// the adapter has instructions for it, and less exact.
    pub fn set_int8_dot(&self, on: bool) {
        self.int8_dot.set(on);
    }

    /// Has the next forward pass timed, kernel by kernel, where the device can.
    pub fn start_profile(&self) {
        if self.device.info().timestamps {
            self.recorder.borrow_mut().start_profile(&self.device);
        }
    }

    /// Milliseconds of each dispatch of the last forward pass that was timed ([`profile::by_kernel`] sums them up).
    pub fn take_profile(&self) -> Option<Vec<(Kernel, f64)>> {
        self.profile.borrow_mut().take()
    }

    /// What the device has had against anything since the backend was made. Called once, after loading.
    ///
    /// # Errors
    /// [`ErrorKind::OutOfMemory`], [`ErrorKind::WebgpuUnusable`] for anything else that it refused,
    /// [`ErrorKind::DeviceLost`].
    pub async fn settle(&self) -> Result<()> {
        let scopes = self.loading.take();
        match scopes {
            Some(scopes) => scopes.end(&self.device).await,
            None => self.device.check(),
        }
    }

    /// Runs `f`, and fails with what the device had against it.
    ///
    /// # Errors
    /// Those of `f` and of [`GpuBackend::settle`].
    pub async fn checked<R>(&self, f: impl AsyncFnOnce() -> Result<R>) -> Result<R> {
        let scopes = Scopes::open(&self.device);
        let result = f().await;
        scopes.end(&self.device).await?;
        result
    }

    /// Writes over a number of a matrix on the device: what a fault of its memory would do, for tests.
    #[doc(hidden)]
    pub fn overwrite(&self, matrix: &Linear, word: u64, value: f32) {
        self.device.queue.write_buffer(&matrix.weights.raw, word * size_of::<f32>() as u64, &value.to_le_bytes());
    }

    /// A tensor with whatever its buffer's last user left there.
    fn tensor(&self, rows: usize, columns: usize) -> GpuTensor {
        let class = rows.max(MIN_ROWS).next_power_of_two();
        let bytes = class * stride(columns) * size_of::<f32>();
        GpuTensor { data: Rc::new(self.tensors.take(&self.device, bytes as u64)), rows, columns, taken: None }
    }

    /// A list that kernels read.
    fn list(&self, values: &[u32]) -> Rc<Pooled> {
        let bytes: &[u8] = bytemuck::cast_slice(values);
        let class = bytes.len().next_power_of_two().max(256);
        let list = Rc::new(self.lists.take(&self.device, class as u64));
        self.device.queue.write_buffer(&list.get().raw, 0, bytes);
        self.recorder.borrow_mut().hold(list.clone());
        list
    }

    fn run(
        &self,
        kernel: Kernel,
        format: Format,
        parameters: Parameters,
        buffers: &[&GpuBuffer],
        groups: [u32; 3],
    ) -> Result<()> {
        let pipeline = self.pipelines.get(&self.device, kernel, format);
        let run = Dispatch { kernel, pipeline: &pipeline, parameters, buffers, groups };
        self.recorder.borrow_mut().dispatch(&self.device, &run)
    }

    /// The kernel for a product of `rows` rows.
    fn linear_kernel(&self, rows: usize, format: Format) -> Kernel {
        if self.blocks.get() {
            return Kernel::LinearBlocks;
        }
        let native = format == Format::F16 && self.device.info().f16;
        match (geometry::few_rows(rows as u32), native) {
            (true, true) => Kernel::LinearRowsF16,
            (true, false) => Kernel::LinearRows,
            (false, true) => Kernel::LinearTilesF16,
            (false, false) if format == Format::Int8 && self.int8_dot.get() => Kernel::LinearTilesDot,
            (false, false) => Kernel::LinearTiles,
        }
    }

    /// The tensor with its rows where they are taken from moved together.
    fn gathered(&self, x: &GpuTensor) -> Result<GpuTensor> {
        let Some(rows) = &x.taken else { return Ok(x.clone()) };
        let y = self.tensor(x.rows, x.columns);
        let mut parameters = Parameters::default();
        parameters[..2].copy_from_slice(&[x.rows as u32, (x.stride() / QUAD) as u32]);
        let groups = geometry::by_row(x.rows as u32);
        self.run(Kernel::TakeRows, Format::F32, parameters, &[x.buffer(), rows.get(), y.buffer()], groups)?;
        Ok(y)
    }
}

impl Backend for GpuBackend {
    type Tensor = GpuTensor;
    type Linear = Linear;
    type LinearBuilder = LinearBuilder;
    type LayerNorm = LayerNorm;

    fn precision(&self, wanted: Precision) -> Precision {
        wanted
    }

    fn token_budget(&self) -> usize {
        if self.device.info().software { SOFTWARE_TOKEN_BUDGET } else { TOKEN_BUDGET }
    }

    fn linear_builder(&self, out_features: usize, in_features: usize, precision: Precision) -> Result<LinearBuilder> {
        self.device.check()?;
        let format = Format::of(precision);
        // The browser compiles while the weights come in.
        for rows in [1, usize::MAX] {
            self.pipelines.get(&self.device, self.linear_kernel(rows, format), format);
        }
        for kernel in [Kernel::Attention, Kernel::LayerNorm] {
            self.pipelines.get(&self.device, kernel, format);
        }
        Ok(LinearBuilder::new(&self.device, out_features, in_features, format))
    }

    fn layer_norm_weights(&self, gamma: Vec<f32>, beta: Vec<f32>, eps: f32) -> Result<LayerNorm> {
        assert_eq!(gamma.len(), beta.len(), "γ and β of one layer");
        let mut both = vec![0.0; 2 * stride(gamma.len())];
        let (left, right) = both.split_at_mut(stride(gamma.len()));
        left[..gamma.len()].copy_from_slice(&gamma);
        right[..beta.len()].copy_from_slice(&beta);
        let bytes: &[u8] = bytemuck::cast_slice(&both);
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST;
        let gamma_beta = GpuBuffer::new(&self.device, bytes.len().max(BLOCK) as u64, usage);
        self.device.queue.write_buffer(&gamma_beta.raw, 0, bytes);
        Ok(LayerNorm { cpu: layer_norm::LayerNorm { gamma, beta, eps }, gamma_beta })
    }

    fn embed(
        &self,
        rows: usize,
        columns: usize,
        norm: Option<&LayerNorm>,
        fill: impl FnOnce(&mut [f32]),
    ) -> Result<GpuTensor> {
        self.device.check()?;
        let mut recorder = self.recorder.borrow_mut();
        if !recorder.is_empty() {
            // What is recorded may read the buffer that is written here, and the queue would write it first.
            recorder.submit(&self.device, None);
        }
        drop(recorder);
        let mut values = crate::error::try_vec(rows.saturating_mul(columns), "a text's activations")?;
        fill(&mut values);
        if let Some(norm) = norm {
            let gathered = std::mem::take(&mut values);
            values = vec![0.0; gathered.len()];
            norm.cpu.forward(&Team::default(), &gathered, &mut values);
        }
        let y = self.tensor(rows, columns);
        if stride(columns) != columns {
            let mut padded = vec![0.0; rows * stride(columns)];
            for (to, from) in padded.chunks_exact_mut(stride(columns)).zip(values.chunks_exact(columns.max(1))) {
                to[..columns].copy_from_slice(from);
            }
            values = padded;
        }
        self.device.queue.write_buffer(&y.buffer().raw, 0, bytemuck::cast_slice(&values));
        Ok(y)
    }

    fn linear(&self, x: &GpuTensor, weights: &Linear, epilogue: Epilogue<'_, GpuTensor>) -> Result<GpuTensor> {
        assert_eq!(x.columns, weights.in_features(), "x of the matrix's depth");
        let y = self.tensor(x.rows, weights.out_features());
        let (code, residual) = match epilogue {
            Epilogue::Bias => (0, None),
            Epilogue::Activation(Activation::Gelu) => (1, None),
            Epilogue::Activation(Activation::Relu) => (2, None),
            Epilogue::Residual(r) => {
                assert_eq!((r.rows, r.columns), (y.rows, y.columns), "a residual of the result's shape");
                (3, Some(r))
            }
        };
        // One list serves either x or the residual.
        let x = if residual.is_some_and(|r| r.taken.is_some()) { &self.gathered(x)? } else { x };
        let residual_rows = residual.and_then(|r| r.taken.as_ref());
        let rows = x.taken.as_ref().or(residual_rows).map_or(&weights.columns, |list| list.get());
        let quads = |columns: usize| (stride(columns) / QUAD) as u32;
        let mut parameters = Parameters::default();
        parameters[..7].copy_from_slice(&[
            x.rows as u32,
            weights.out_features() as u32,
            quads(x.columns),
            quads(y.columns),
            code,
            u32::from(residual_rows.is_some()),
            u32::from(x.taken.is_some()),
        ]);
        let kernel = self.linear_kernel(x.rows, weights.format);
        let (n, m) = (x.rows as u32, weights.out_features() as u32);
        let groups = match kernel {
            Kernel::LinearRows | Kernel::LinearRowsF16 => geometry::linear_rows(n, m),
            Kernel::LinearBlocks => geometry::linear_blocks(n, m),
            _ => geometry::linear_tiles(n, m),
        };
        let buffers = [
            x.buffer(),
            &weights.weights,
            &weights.columns,
            // Bindings that aren't read have to be there all the same.
            residual.unwrap_or(x).buffer(),
            rows,
            y.buffer(),
        ];
        self.run(kernel, weights.format, parameters, &buffers, groups)?;
        Ok(y)
    }

    fn attention(
        &self,
        q: Columns<'_, GpuTensor>,
        k: Columns<'_, GpuTensor>,
        v: Columns<'_, GpuTensor>,
        spans: Spans<'_>,
        width: usize,
        heads: usize,
    ) -> Result<GpuTensor> {
        assert!(heads > 0 && width > 0 && width.is_multiple_of(heads), "heads of equal width");
        assert_eq!(spans.queries.len(), spans.keys.len(), "queries and keys of the same sequences");
        let head_width = width / heads;
        if head_width > geometry::MAX_HEAD_WIDTH as usize {
            return Err(Error::new(
                ErrorKind::WebgpuUnusable,
                format!(
                    "The model's attention heads are {head_width} wide; {} are possible on a graphics device: use device \"cpu\".",
                    geometry::MAX_HEAD_WIDTH
                ),
            ));
        }
        let tensors = [&q, &k, &v].map(|columns| self.gathered(columns.tensor));
        let [q_tensor, k_tensor, v_tensor] = tensors;
        let (q_tensor, k_tensor, v_tensor) = (q_tensor?, k_tensor?, v_tensor?);
        let y = self.tensor(spans.queries.last().map_or(0, |end| *end as usize), width);
        let mut tiles = Vec::new();
        for (queries, keys) in spans.queries.windows(2).zip(spans.keys.windows(2)) {
            for first in (queries[0]..queries[1]).step_by(geometry::QUERY_ROWS as usize) {
                let rows = (queries[1] - first).min(geometry::QUERY_ROWS);
                tiles.extend_from_slice(&[first, rows, keys[0], keys[1] - keys[0]]);
            }
        }
        let list = self.list(&tiles);
        let mut parameters = Parameters::default();
        parameters[..10].copy_from_slice(&[
            heads as u32,
            head_width as u32,
            q_tensor.stride() as u32,
            q.first as u32,
            k_tensor.stride() as u32,
            k.first as u32,
            v_tensor.stride() as u32,
            v.first as u32,
            y.stride() as u32,
            (1.0 / (head_width as f32).sqrt()).to_bits(),
        ]);
        let buffers = [q_tensor.buffer(), k_tensor.buffer(), v_tensor.buffer(), list.get(), y.buffer()];
        let groups = geometry::attention((tiles.len() / 4) as u32, heads as u32);
        self.run(Kernel::Attention, Format::F32, parameters, &buffers, groups)?;
        Ok(y)
    }

    fn layer_norm(&self, x: &GpuTensor, weights: &LayerNorm) -> Result<GpuTensor> {
        assert_eq!(x.columns, weights.cpu.gamma.len(), "x of the layer's width");
        let x = self.gathered(x)?;
        let y = self.tensor(x.rows, x.columns);
        let mut parameters = Parameters::default();
        let quads = (x.stride() / QUAD) as u32;
        parameters[..4].copy_from_slice(&[x.rows as u32, x.columns as u32, quads, weights.cpu.eps.to_bits()]);
        let buffers = [x.buffer(), &weights.gamma_beta, y.buffer()];
        self.run(Kernel::LayerNorm, Format::F32, parameters, &buffers, geometry::by_row(x.rows as u32))?;
        Ok(y)
    }

    /// The rows are not copied: whoever reads the tensor reads them from `x`.
    fn take_rows(&self, x: &GpuTensor, rows: &[u32]) -> Result<GpuTensor> {
        let x = self.gathered(x)?;
        Ok(GpuTensor { rows: rows.len(), taken: Some(self.list(rows)), ..x })
    }

    async fn read(&self, x: &GpuTensor) -> Result<Vec<f32>> {
        self.device.check()?;
        let x = self.gathered(x)?;
        let bytes = (x.rows * x.stride() * size_of::<f32>()) as u64;
        let readable = self.readable.take(&self.device, bytes.next_power_of_two().max(256));
        let profile = {
            let mut recorder = self.recorder.borrow_mut();
            recorder.submit(&self.device, Some((x.buffer(), readable.get(), bytes)));
            recorder.take_profile()
        };
        let values = read::map(&self.device, readable.get(), bytes, |bytes| {
            let rows = bytes.chunks_exact(x.stride() * size_of::<f32>());
            let numbers =
                |row: &[u8]| row.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).take(x.columns).collect();
            rows.flat_map(|row| -> Vec<f32> { numbers(row) }).collect()
        })
        .await?;
        if let Some(profile) = profile {
            let times = read::map(&self.device, &profile.readable, profile.bytes(), |bytes| {
                profile.times(&bytemuck::pod_collect_to_vec(bytes))
            });
            *self.profile.borrow_mut() = Some(times.await?);
        }
        Ok(values)
    }
}

impl Drop for GpuBackend {
    fn drop(&mut self) {
        self.recorder.borrow_mut().discard();
        self.device.destroy();
    }
}

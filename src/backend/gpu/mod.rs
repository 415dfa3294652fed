//! The GPU backend: WGSL compute kernels (`shaders/`), run by `wgpu`: with WebGPU in a browser, with Vulkan
//! or Metal natively.
//!
//! [`device`] finds and watches the device. [`memory`] holds its buffers, [`weights`] the matrices,
//! [`kernels`] the pipelines. [`operations`] are the operations of a forward pass, [`recorder`] records and
//! submits its commands, [`read`] reads its result, [`profile`] times it, and [`scopes`] catches its errors.
//! [`geometry`] defines how a kernel's work is divided. Nothing here depends on a model.
//!
//! A tensor's rows are `stride` values apart: its columns, rounded up to a multiple of [`weights::BLOCK`],
//! with zeros after the last column. Every kernel preserves the zeros, so none needs to know where a row
//! really ends.

pub mod device;
pub mod geometry;
pub mod kernels;
pub mod memory;
mod operations;
pub mod profile;
mod read;
mod recorder;
mod scopes;
pub mod weights;

use super::cpu::layer_norm;
use crate::error::Result;
use device::Device;
use kernels::{Format, Kernel, Pipelines};
use memory::{GpuBuffer, Pool, Pooled};
pub use read::Reading;
pub use recorder::Counts;
use recorder::{Dispatch, Parameters, Recorder};
use scopes::Scopes;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use weights::{BLOCK, Linear};

/// Values of a vector in the shaders.
const QUAD: usize = 4;
/// Tensors have room for at least this many rows, so that short texts share a size class.
const MIN_ROWS: usize = 16;

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
    // The scopes of the pass being recorded: inner ones, which must end before the outer ones.
    pass: RefCell<Option<Scopes>>,
    loading: RefCell<Option<Scopes>>,
}

/// A (rows, columns) tensor; its buffer returns to the backend when the last tensor that uses it is dropped.
#[derive(Clone)]
pub struct GpuTensor {
    data: Rc<Pooled>,
    rows: usize,
    columns: usize,
    // Which of the buffer's rows the tensor has; none: all of them, in order.
    taken: Option<Rc<Pooled>>,
}

/// γ and β of a layer normalization, on the device and on the CPU, which gathers and normalizes the
/// embedding.
pub struct LayerNorm {
    cpu: layer_norm::LayerNorm,
    gamma_beta: GpuBuffer,
}

/// What an attention adds to its scores by distance: (H, `row`), where `row` is 2R - 1.
pub struct RelativeBias {
    values: GpuBuffer,
    row: u32,
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
            pass: RefCell::default(),
            loading: RefCell::new(Some(scopes)),
        }
    }

    /// The device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Counts of the work submitted so far.
    pub fn counts(&self) -> Counts {
        self.recorder.borrow().counts()
    }

    /// The number of pipelines.
    pub fn pipelines(&self) -> usize {
        self.pipelines.count()
    }

    /// Sets whether products use the kernel for software adapters, which is the default on such adapters; for
    /// tests and measurements.
    pub fn set_software_kernel(&self, on: bool) {
        self.blocks.set(on);
    }

    /// Sets whether products of many rows with int8 weights are computed in int8 arithmetic, with activations
    /// rounded, too: faster if the adapter has instructions for it, but less exact.
    pub fn set_int8_dot(&self, on: bool) {
        self.int8_dot.set(on);
    }

    /// Times the next forward pass, kernel by kernel, if the device can.
    pub fn start_profile(&self) {
        if self.device.info().timestamps {
            self.recorder.borrow_mut().start_profile(&self.device);
        }
    }

    /// Milliseconds of each dispatch of the last forward pass that was timed ([`profile::by_kernel`] sums
    /// them up).
    pub fn take_profile(&self) -> Option<Vec<(Kernel, f64)>> {
        self.profile.borrow_mut().take()
    }

    /// Fails if the device has rejected any work since the backend was created. Called once, after loading.
    ///
    /// # Errors
    /// [`OutOfMemory`](crate::ErrorKind::OutOfMemory), [`DeviceLost`](crate::ErrorKind::DeviceLost), or
    /// [`WebgpuUnusable`](crate::ErrorKind::WebgpuUnusable) for anything else that it rejected.
    pub async fn settle(&self) -> Result<()> {
        // Includes the scopes of a pass that was begun before.
        let ends = [self.pass.take(), self.loading.take()].map(|scopes| scopes.map(|s| s.end(&self.device)));
        for end in ends.into_iter().flatten() {
            end.await?;
        }
        self.device.check()
    }

    /// Runs `f`, and fails if the device rejected any of its work.
    ///
    /// # Errors
    /// Those of `f` and of [`GpuBackend::settle`].
    pub async fn checked<R>(&self, f: impl AsyncFnOnce() -> Result<R>) -> Result<R> {
        drop(self.pass.take());
        let scopes = Scopes::open(&self.device);
        let result = f().await;
        // Ends a pass that was never read.
        drop(self.pass.take());
        scopes.end(&self.device).await?;
        result
    }

    /// Frees all buffers except the weights', because the device may have failed to allocate some of them.
    fn free_buffers(&self) {
        [&self.tensors, &self.lists, &self.readable].into_iter().for_each(Pool::clear);
        self.recorder.borrow_mut().free();
    }

    /// Overwrites a number of a matrix on the device, as a memory fault would; for tests.
    #[doc(hidden)]
    pub fn overwrite(&self, matrix: &Linear, word: u64, value: f32) {
        self.device.queue.write_buffer(&matrix.weights.raw, word * size_of::<f32>() as u64, &value.to_le_bytes());
    }

    /// Opens the pass's scopes unless they are open. An error that no scope catches may arrive only after the
    /// pass has been answered from the old contents of its buffers.
    fn begin_pass(&self) {
        self.pass.borrow_mut().get_or_insert_with(|| Scopes::open(&self.device));
    }

    /// A tensor with the old contents of its buffer.
    fn tensor(&self, rows: usize, columns: usize) -> GpuTensor {
        self.begin_pass();
        let class = rows.max(MIN_ROWS).next_power_of_two();
        // In WebAssembly a `usize` ends at 4 GiB. The device rejects larger sizes.
        let bytes = (class as u64).saturating_mul((stride(columns) * size_of::<f32>()) as u64);
        GpuTensor { data: Rc::new(self.tensors.take(&self.device, bytes)), rows, columns, taken: None }
    }

    /// A buffer of numbers that are kept as long as the model.
    fn constants(&self, values: &[f32]) -> GpuBuffer {
        let bytes: &[u8] = bytemuck::cast_slice(values);
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST;
        let buffer = GpuBuffer::new(&self.device, bytes.len().max(BLOCK) as u64, usage);
        self.device.queue.write_buffer(&buffer.raw, 0, bytes);
        buffer
    }

    /// A list that kernels read.
    fn list(&self, values: &[u32]) -> Rc<Pooled> {
        self.begin_pass();
        let bytes: &[u8] = bytemuck::cast_slice(values);
        let class = bytes.len().next_power_of_two().max(256);
        let list = Rc::new(self.lists.take(&self.device, class as u64));
        self.device.queue.write_buffer(&list.get().raw, 0, bytes);
        self.recorder.borrow_mut().keep_until_submit(list.clone());
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

    /// The tensor with its taken rows, if any, copied into a buffer of their own.
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

impl Drop for GpuBackend {
    fn drop(&mut self) {
        self.recorder.borrow_mut().discard();
        self.device.destroy();
    }
}

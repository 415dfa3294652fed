//! The operations of a forward pass, recorded for the device; [`Backend::read`] submits them and waits.

use super::kernels::{Format, Kernel};
use super::recorder::Parameters;
use super::weights::{Linear, LinearBuilder};
use super::{GpuBackend, GpuTensor, LayerNorm, QUAD, RelativeBias, geometry, stride};
use crate::backend::cpu::layer_norm;
use crate::backend::cpu::team::Team;
use crate::backend::{Activation, Attention, Backend, Epilogue, Precision};
use crate::error::{Error, ErrorKind, Result, try_vec};

/// The maximum number of tokens of a forward pass: its largest tensor, the feed-forward network's inner rows,
/// takes 50 MB at width 768.
const TOKEN_BUDGET: usize = 4096;
/// The same on a software adapter, whose speed doesn't grow with the batch.
const SOFTWARE_TOKEN_BUDGET: usize = 1024;
/// The purpose of an allocation, for its error message.
pub(super) const ACTIVATIONS: &str = "a text's activations";

impl Backend for GpuBackend {
    type Tensor = GpuTensor;
    type Linear = Linear;
    type LinearBuilder = LinearBuilder;
    type LayerNorm = LayerNorm;
    type RelativeBias = RelativeBias;

    fn precision(&self, wanted: Precision) -> Precision {
        wanted
    }

    fn token_budget(&self) -> usize {
        if self.device.info().software { SOFTWARE_TOKEN_BUDGET } else { TOKEN_BUDGET }
    }

    fn linear_builder(&self, out_features: usize, in_features: usize, precision: Precision) -> Result<LinearBuilder> {
        self.device.check()?;
        let format = Format::of(precision);
        // The browser compiles these while the weights are loaded.
        for rows in [1, usize::MAX] {
            self.pipelines.get(&self.device, self.linear_kernel(rows, format), format);
        }
        for kernel in [Kernel::Attention, Kernel::LayerNorm] {
            self.pipelines.get(&self.device, kernel, format);
        }
        LinearBuilder::new(&self.device, out_features, in_features, format)
    }

    fn layer_norm_weights(&self, gamma: Vec<f32>, beta: Vec<f32>, eps: f32) -> Result<LayerNorm> {
        assert_eq!(gamma.len(), beta.len(), "γ and β of one layer");
        let mut both = try_vec(2 * stride(gamma.len()), "a layer normalization")?;
        let (left, right) = both.split_at_mut(stride(gamma.len()));
        left[..gamma.len()].copy_from_slice(&gamma);
        right[..beta.len()].copy_from_slice(&beta);
        let gamma_beta = self.constants(&both);
        Ok(LayerNorm { cpu: layer_norm::LayerNorm { gamma, beta, eps }, gamma_beta })
    }

    fn relative_bias(&self, heads: usize, values: Vec<f32>) -> Result<RelativeBias> {
        assert!(heads > 0 && values.len() / heads % 2 == 1 && values.len().is_multiple_of(heads), "2R - 1 a head");
        Ok(RelativeBias { values: self.constants(&values), row: (values.len() / heads) as u32 })
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
            // The recorded commands may read the buffer that is written here, and the queue would write it
            // first.
            recorder.submit(&self.device, None);
        }
        drop(recorder);
        let mut values = try_vec(rows.saturating_mul(columns), ACTIVATIONS)?;
        fill(&mut values);
        if let Some(norm) = norm {
            let gathered = std::mem::take(&mut values);
            values = try_vec(gathered.len(), ACTIVATIONS)?;
            norm.cpu.forward(&Team::default(), &gathered, &mut values);
        }
        let y = self.tensor(rows, columns);
        if stride(columns) != columns {
            let mut padded = try_vec(rows.saturating_mul(stride(columns)), ACTIVATIONS)?;
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
            Epilogue::Activation(Activation::GeluTanh) => (4, None),
            Epilogue::Activation(Activation::Tanh) => (5, None),
            Epilogue::Residual(r) => {
                assert_eq!((r.rows, r.columns), (y.rows, y.columns), "a residual of the result's shape");
                (3, Some(r))
            }
        };
        // The kernel has one list of rows, for x or for the residual.
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
            // Unused bindings must be bound, too.
            residual.unwrap_or(x).buffer(),
            rows,
            y.buffer(),
        ];
        self.run(kernel, weights.format, parameters, &buffers, groups)?;
        Ok(y)
    }

    fn attention(&self, of: Attention<'_, GpuTensor, RelativeBias>) -> Result<GpuTensor> {
        let Attention { q, k, v, spans, width, heads, bias } = of;
        assert!(heads > 0 && width > 0 && width.is_multiple_of(heads), "heads of equal width");
        assert_eq!(spans.queries.len(), spans.keys.len(), "queries and keys of the same sequences");
        let head_width = width / heads;
        if head_width > geometry::MAX_HEAD_WIDTH as usize {
            return Err(Error::new(
                ErrorKind::WebgpuUnusable,
                format!(
                    "The model's attention heads are {head_width} wide; WebGPU supports at most {}: use device \
                     \"cpu\".",
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
            assert!(bias.is_none_or(|bias| keys[1] - keys[0] <= bias.row.div_ceil(2)), "a bias for every distance");
            for first in (queries[0]..queries[1]).step_by(geometry::QUERY_ROWS as usize) {
                let rows = (queries[1] - first).min(geometry::QUERY_ROWS);
                let rows_and_place = rows | (first - queries[0]) << 8;
                tiles.extend_from_slice(&[first, rows_and_place, keys[0], keys[1] - keys[0]]);
            }
        }
        let list = self.list(&tiles);
        let mut parameters = Parameters::default();
        parameters[..11].copy_from_slice(&[
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
            bias.map_or(0, |bias| bias.row),
        ]);
        let biases = bias.map_or(list.get(), |bias| &bias.values);
        let buffers = [q_tensor.buffer(), k_tensor.buffer(), v_tensor.buffer(), list.get(), biases, y.buffer()];
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

    /// The rows are not copied: readers of the tensor read them from `x`.
    fn take_rows(&self, x: &GpuTensor, rows: &[u32]) -> Result<GpuTensor> {
        let x = self.gathered(x)?;
        Ok(GpuTensor { rows: rows.len(), taken: Some(self.list(rows)), ..x })
    }

    fn mean_rows(&self, x: &GpuTensor, starts: &[u32]) -> Result<GpuTensor> {
        let x = self.gathered(x)?;
        let y = self.tensor(starts.len().saturating_sub(1), x.columns);
        let mut parameters = Parameters::default();
        parameters[..2].copy_from_slice(&[y.rows as u32, (x.stride() / QUAD) as u32]);
        let starts = self.list(starts);
        let groups = geometry::by_row(y.rows as u32);
        self.run(Kernel::MeanRows, Format::F32, parameters, &[x.buffer(), starts.get(), y.buffer()], groups)?;
        Ok(y)
    }

    async fn read(&self, x: &GpuTensor) -> Result<Vec<f32>> {
        self.finish(self.submit(x)?).await
    }
}

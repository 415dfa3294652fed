//! The CPU backend: 128-bit SIMD on one thread or several, written once for WebAssembly and for the host
//! (`simd.rs`).
//!
//! One file or folder per kernel: `linear/`, `attention.rs`, `layer_norm.rs`; `tile/` holds the inner loops
//! of every product, `math.rs` the elementary functions, `pool.rs` the buffers, `team.rs` the threads.
//! Nothing here depends on a model.

pub mod attention;
pub mod layer_norm;
pub mod linear;
pub mod math;
pub mod pool;
pub mod simd;
pub mod team;
pub mod tile;

use super::{Attention, Backend, Epilogue, Precision};
use crate::error::{Result, try_vec};
use attention::{Places, RelativeBias, View, attention, scratch_len};
use layer_norm::LayerNorm;
use linear::{Linear, LinearBuilder, Scratch};
use pool::{Buffer, Pool};
use team::{Parts, Team};

/// The purpose of an allocation, for its error message.
const ACTIVATIONS: &str = "a text's activations";
/// The maximum number of tokens of a forward pass: their largest activations, the feed-forward network's
/// inner rows, take 12.6 MB at width 768.
const TOKEN_BUDGET: usize = 1024;

/// The CPU, with the threads that compute and the buffers that its tensors share.
pub struct CpuBackend {
    team: Team,
    f32: Pool<f32>,
    i16: Pool<i16>,
}

/// A (rows, columns) tensor; its buffer goes back to the backend when it is dropped.
pub struct CpuTensor {
    data: Buffer<f32>,
    rows: usize,
    columns: usize,
}

impl CpuBackend {
    /// A backend that holds no memory yet.
    pub fn new() -> Self {
        Self { team: Team::default(), f32: Pool::default(), i16: Pool::default() }
    }

    /// A backend that computes on `threads` threads, including the calling one.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn with_threads(threads: usize) -> Self {
        Self { team: Team::with_threads(threads), ..Self::default() }
    }

    /// The number of threads that compute.
    pub fn threads(&self) -> usize {
        self.team.threads()
    }

    /// Bytes of the buffers that no tensor uses now.
    pub fn spare_bytes(&self) -> usize {
        self.f32.spare_elements() * size_of::<f32>() + self.i16.spare_elements() * size_of::<i16>()
    }

    /// A tensor with old contents.
    fn tensor(&self, rows: usize, columns: usize) -> Result<CpuTensor> {
        // A product that is too large saturates, and its allocation then fails.
        let data = self.f32.take(rows.saturating_mul(columns), ACTIVATIONS)?;
        Ok(CpuTensor { data, rows, columns })
    }
}

impl Default for CpuBackend {
    fn default() -> Self {
        Self::new()
    }
}

impl CpuTensor {
    /// N
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// D
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The values, row by row.
    pub fn values(&self) -> &[f32] {
        &self.data
    }

    /// The columns, starting at `first`.
    fn view(&self, first: usize) -> View<'_> {
        View { data: &self.data[first.min(self.data.len())..], stride: self.columns }
    }
}

impl Backend for CpuBackend {
    type Tensor = CpuTensor;
    type Linear = Linear;
    type LinearBuilder = LinearBuilder;
    type LayerNorm = LayerNorm;
    type RelativeBias = RelativeBias;

    /// WebAssembly has no half-precision arithmetic: halves become f32. Without relaxed SIMD's products of
    /// bytes, int4 weights would have to be widened at each use, which takes longer than reading int8
    /// weights, so they become int8.
    fn precision(&self, wanted: Precision) -> Precision {
        match wanted {
            Precision::F16 => Precision::F32,
            Precision::Int4 if !cfg!(target_feature = "relaxed-simd") => Precision::Int8,
            other => other,
        }
    }

    fn token_budget(&self) -> usize {
        TOKEN_BUDGET
    }

    fn linear_builder(&self, out_features: usize, in_features: usize, precision: Precision) -> Result<LinearBuilder> {
        LinearBuilder::new(out_features, in_features, self.precision(precision))
    }

    fn layer_norm_weights(&self, gamma: Vec<f32>, beta: Vec<f32>, eps: f32) -> Result<LayerNorm> {
        assert_eq!(gamma.len(), beta.len(), "γ and β of one layer");
        Ok(LayerNorm { gamma, beta, eps })
    }

    fn relative_bias(&self, heads: usize, values: Vec<f32>) -> Result<RelativeBias> {
        Ok(RelativeBias::new(heads, values))
    }

    fn embed(
        &self,
        rows: usize,
        columns: usize,
        norm: Option<&LayerNorm>,
        fill: impl FnOnce(&mut [f32]),
    ) -> Result<CpuTensor> {
        let mut x = self.tensor(rows, columns)?;
        fill(&mut x.data);
        match norm {
            Some(norm) => self.layer_norm(&x, norm),
            None => Ok(x),
        }
    }

    fn linear(&self, x: &CpuTensor, weights: &Linear, epilogue: Epilogue<'_, CpuTensor>) -> Result<CpuTensor> {
        assert_eq!(x.columns, weights.in_features(), "x of the matrix's depth");
        let mut y = self.tensor(x.rows, weights.out_features())?;
        let epilogue: Epilogue<'_, [f32]> = match epilogue {
            Epilogue::Bias => Epilogue::Bias,
            Epilogue::Activation(activation) => Epilogue::Activation(activation),
            Epilogue::Residual(r) => {
                assert_eq!((r.rows, r.columns), (y.rows, y.columns), "a residual of the result's shape");
                Epilogue::Residual(&*r.data)
            }
        };
        let scratch = Scratch { integers: &self.i16, floats: &self.f32 };
        weights.forward(&self.team, &x.data, scratch, epilogue, &mut y.data)?;
        Ok(y)
    }

    fn attention(&self, of: Attention<'_, CpuTensor, RelativeBias>) -> Result<CpuTensor> {
        let Attention { q, k, v, spans, width, heads, bias } = of;
        assert!(heads > 0 && width > 0 && width.is_multiple_of(heads), "heads of equal width");
        assert_eq!(spans.queries.len(), spans.keys.len(), "queries and keys of the same sequences");
        let ends = |spans: &[u32]| spans.last().map_or(0, |end| *end as usize);
        for (columns, rows) in [(&q, ends(spans.queries)), (&k, ends(spans.keys)), (&v, ends(spans.keys))] {
            assert!(
                columns.first + width <= columns.tensor.columns && rows <= columns.tensor.rows,
                "spans in the tensors"
            );
        }
        let mut y = self.tensor(ends(spans.queries), width)?;
        let longest = spans.keys.windows(2).map(|span| (span[1] - span[0]) as usize).max().unwrap_or(0);
        let scratch_len = scratch_len(longest, width / heads);
        assert!(bias.is_none_or(|bias| longest <= bias.reach(heads)), "a bias for every distance");
        let mut scratch = self.f32.take(self.team.threads().saturating_mul(scratch_len), ACTIVATIONS)?;
        let (scratch, places) = (Parts::new(&mut scratch), Parts::new(&mut y.data));
        // Slices instead of tensors, whose buffers can't leave their thread.
        let [q, k, v] = [q, k, v].map(|columns| columns.tensor.view(columns.first));
        let head_width = width / heads;
        self.team.run(spans.keys.len().saturating_sub(1) * heads, |thread, task| {
            let (b, first) = (task / heads, task % heads * head_width);
            let [queries, keys] = [spans.queries, spans.keys].map(|rows| rows[b] as usize..rows[b + 1] as usize);
            let bias = bias.map(|bias| bias.of_head(task % heads, heads));
            let views = [q.at(queries.start, first), k.at(keys.start, first), v.at(keys.start, first)];
            let y = Places { all: &places, first: queries.start * width + first, stride: width };
            // SAFETY: a thread does one task at a time, in its own part of the scratch; and no other task has
            // this sequence and head, so no other writes these places of y.
            unsafe {
                let scratch = scratch.part(thread * scratch_len..(thread + 1) * scratch_len);
                attention(views, queries.len(), keys.len(), head_width, bias, scratch, y);
            }
        });
        Ok(y)
    }

    fn layer_norm(&self, x: &CpuTensor, weights: &LayerNorm) -> Result<CpuTensor> {
        assert_eq!(x.columns, weights.gamma.len(), "x of the layer's width");
        let mut y = self.tensor(x.rows, x.columns)?;
        weights.forward(&self.team, &x.data, &mut y.data);
        Ok(y)
    }

    fn take_rows(&self, x: &CpuTensor, rows: &[u32]) -> Result<CpuTensor> {
        let mut y = self.tensor(rows.len(), x.columns)?;
        for (to, row) in y.data.chunks_exact_mut(x.columns.max(1)).zip(rows) {
            to.copy_from_slice(&x.data[*row as usize * x.columns..][..x.columns]);
        }
        Ok(y)
    }

    fn mean_rows(&self, x: &CpuTensor, starts: &[u32]) -> Result<CpuTensor> {
        let width = x.columns.max(1);
        let mut y = self.tensor(starts.len().saturating_sub(1), x.columns)?;
        for (mean, text) in y.data.chunks_exact_mut(width).zip(starts.windows(2)) {
            mean.fill(0.0);
            for row in x.data[text[0] as usize * width..text[1] as usize * width].chunks_exact(width) {
                mean.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
            }
            let factor = 1.0 / (text[1] - text[0]).max(1) as f32;
            mean.iter_mut().for_each(|sum| *sum *= factor);
        }
        Ok(y)
    }

    async fn read(&self, x: &CpuTensor) -> Result<Vec<f32>> {
        let mut values = try_vec(x.data.len(), ACTIVATIONS)?;
        values.copy_from_slice(&x.data);
        Ok(values)
    }
}

//! The CPU backend: 128-bit SIMD on one thread, written once for WebAssembly and for the host (`simd.rs`).
//!
//! A file a kernel: `linear/`, `attention.rs`, `layer_norm.rs`; `tile/` holds the inner loops of every product, `math.rs`
//! the elementary functions, `pool.rs` the buffers. Nothing here knows a model.

pub mod attention;
pub mod layer_norm;
pub mod linear;
pub mod math;
pub mod pool;
pub mod simd;
pub mod tile;

use super::{Activation, Backend, Columns, Epilogue, Precision, Spans};
use crate::error::{Result, try_vec};
use attention::{View, attention, scratch_len};
use layer_norm::LayerNorm;
use linear::{Input, Linear, LinearBuilder, Scratch};
use pool::{Buffer, Pool};
use std::cell::Cell;

/// What an allocation that fails was for.
const ACTIVATIONS: &str = "a text's activations";
/// The most tokens of a forward pass: activations of so many take 12.6 MB at width 768 (the feed-forward network's inner
/// rows).
const TOKEN_BUDGET: usize = 1024;

/// What no value of GELU is below: its minimum is -0.169971, and it is computed to within 2e-7.
const GELU_FLOOR: f32 = -0.17;

/// How activations are rounded for products with integer weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// To int16, with a scale a row: 12 bits or more.
    Fine,
    /// To 7 bits with a scale a group for int8 weights, and to int8 with a scale a row for int4 weights: what an instruction of
    /// relaxed SIMD multiplies sixteen of at once.
    Coarse,
}

impl Rounding {
    /// What is fastest in this build.
    pub const FASTEST: Self = if cfg!(target_feature = "relaxed-simd") { Self::Coarse } else { Self::Fine };
}

/// The CPU, with the buffers that its tensors share.
pub struct CpuBackend {
    f32: Pool<f32>,
    i16: Pool<i16>,
    rounding: Cell<Rounding>,
}

/// A (rows, columns) tensor; its buffer goes back to the backend when it is dropped.
pub struct CpuTensor {
    data: Buffer<f32>,
    rows: usize,
    columns: usize,
    // What no value is below, where that is known.
    floor: Option<f32>,
}

impl CpuBackend {
    /// A backend that holds no memory yet.
    pub fn new() -> Self {
        Self { f32: Pool::default(), i16: Pool::default(), rounding: Cell::new(Rounding::FASTEST) }
    }

    /// How activations are rounded for integer products from now on; returns how they were before. Matrices that are built before
    /// may be rounded finer, but not coarser, than they were built for.
    pub fn set_rounding(&self, rounding: Rounding) -> Rounding {
        self.rounding.replace(rounding)
    }

    /// Bytes of the buffers that no tensor uses now.
    pub fn spare_bytes(&self) -> usize {
        self.f32.spare_elements() * size_of::<f32>() + self.i16.spare_elements() * size_of::<i16>()
    }

    /// A tensor with whatever its buffer's last user left there.
    fn tensor(&self, rows: usize, columns: usize) -> Result<CpuTensor> {
        // Too large a product saturates, and is then refused as an allocation.
        let data = self.f32.take(rows.saturating_mul(columns), ACTIVATIONS)?;
        Ok(CpuTensor { data, rows, columns, floor: None })
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

    /// `width` columns from `first` on, of row `row` and those below it.
    fn view(&self, row: u32, first: usize) -> View<'_> {
        let from = (row as usize * self.columns + first).min(self.data.len());
        View { data: &self.data[from..], stride: self.columns }
    }
}

impl Backend for CpuBackend {
    type Tensor = CpuTensor;
    type Linear = Linear;
    type LinearBuilder = LinearBuilder;
    type LayerNorm = LayerNorm;

    /// WebAssembly has no half-precision arithmetic: halves become f32.
    fn precision(&self, wanted: Precision) -> Precision {
        match wanted {
            Precision::F16 => Precision::F32,
            other => other,
        }
    }

    fn token_budget(&self) -> usize {
        TOKEN_BUDGET
    }

    fn linear_builder(&self, out_features: usize, in_features: usize, precision: Precision) -> Result<LinearBuilder> {
        LinearBuilder::new(out_features, in_features, precision, self.rounding.get())
    }

    fn layer_norm_weights(&self, gamma: Vec<f32>, beta: Vec<f32>, eps: f32) -> Result<LayerNorm> {
        assert_eq!(gamma.len(), beta.len(), "γ and β of one layer");
        Ok(LayerNorm { gamma, beta, eps })
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
        let epilogue = match epilogue {
            Epilogue::Bias => Epilogue::Bias,
            Epilogue::Activation(activation) => Epilogue::Activation(activation),
            Epilogue::Residual(r) => {
                assert_eq!((r.rows, r.columns), (y.rows, y.columns), "a residual of the result's shape");
                Epilogue::Residual(&r.data)
            }
        };
        y.floor = match epilogue {
            Epilogue::Activation(Activation::Gelu) => Some(GELU_FLOOR),
            Epilogue::Activation(Activation::Relu) => Some(0.0),
            Epilogue::Bias | Epilogue::Residual(_) => None,
        };
        let input = Input { values: &x.data, floor: x.floor, rounding: self.rounding.get() };
        weights.forward(input, Scratch { integers: &self.i16, floats: &self.f32 }, epilogue, &mut y.data)?;
        Ok(y)
    }

    fn attention(
        &self,
        q: Columns<'_, CpuTensor>,
        k: Columns<'_, CpuTensor>,
        v: Columns<'_, CpuTensor>,
        spans: Spans<'_>,
        width: usize,
        heads: usize,
    ) -> Result<CpuTensor> {
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
        let mut scratch = self.f32.take(scratch_len(longest, width / heads), ACTIVATIONS)?;
        for (queries, keys) in spans.queries.windows(2).zip(spans.keys.windows(2)) {
            let views =
                [q.tensor.view(queries[0], q.first), k.tensor.view(keys[0], k.first), v.tensor.view(keys[0], v.first)];
            let rows = (queries[1] - queries[0]) as usize;
            let y = &mut y.data[queries[0] as usize * width..queries[1] as usize * width];
            attention(views, rows, (keys[1] - keys[0]) as usize, heads, width / heads, &mut scratch, y);
        }
        Ok(y)
    }

    fn layer_norm(&self, x: &CpuTensor, weights: &LayerNorm) -> Result<CpuTensor> {
        assert_eq!(x.columns, weights.gamma.len(), "x of the layer's width");
        let mut y = self.tensor(x.rows, x.columns)?;
        weights.forward(&x.data, &mut y.data);
        Ok(y)
    }

    fn take_rows(&self, x: &CpuTensor, rows: &[u32]) -> Result<CpuTensor> {
        let mut y = self.tensor(rows.len(), x.columns)?;
        y.floor = x.floor;
        for (to, row) in y.data.chunks_exact_mut(x.columns.max(1)).zip(rows) {
            to.copy_from_slice(&x.data[*row as usize * x.columns..][..x.columns]);
        }
        Ok(y)
    }

    async fn read(&self, x: &CpuTensor) -> Result<Vec<f32>> {
        let mut values = try_vec(x.data.len(), ACTIVATIONS)?;
        values.copy_from_slice(&x.data);
        Ok(values)
    }
}

//! The interface between models and backends: a handful of operations over tensors of f32 rows.
//!
//! A new architecture (`model/`) changes nothing here. A new backend implements these traits and changes no
//! model.
//! Letters: N tokens of all texts, B texts, D width, H heads, K a product's depth (in_features), M its
//! out_features.

pub mod auto;
pub mod cpu;
pub mod gpu;

use crate::error::Result;
use crate::weights::int4;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// The arithmetic of a weight matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// f32 weights, f32 activations.
    F32,
    /// f16 weights, f32 activations and sums.
    F16,
    /// int8 weights with a scale per row; how activations are quantized is up to the backend.
    Int8,
    /// int4 weights with a scale per group ([`crate::weights::int4`]), for a depth of whole groups;
    /// activations as for int8.
    Int4,
}

/// A nonlinearity at the end of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// x · Φ(x) with the exact Φ: the erf form (Hendrycks & Gimpel 2016).
    Gelu,
    /// x / 2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))): the tanh form.
    GeluTanh,
    /// max(x, 0).
    Relu,
    /// tanh x.
    Tanh,
}

/// What is done to a product before it is stored; the bias is always added.
pub enum Epilogue<'a, T: ?Sized> {
    /// y = xWᵀ + b
    Bias,
    /// y = f(xWᵀ + b)
    Activation(Activation),
    /// y = xWᵀ + b + r, with r of y's shape
    Residual(&'a T),
}

/// D columns of a tensor, starting at column `first`.
pub struct Columns<'a, T> {
    /// The tensor, (N, at least `first` + D).
    pub tensor: &'a T,
    /// The first of the columns.
    pub first: usize,
}

/// Where the sequences of a packed batch are; both lists have B + 1 entries and start at 0.
#[derive(Clone, Copy)]
pub struct Spans<'a> {
    /// Sequence b's queries are rows `queries[b]..queries[b + 1]` of q.
    pub queries: &'a [u32],
    /// Sequence b's keys and values are rows `keys[b]..keys[b + 1]` of k and v.
    pub keys: &'a [u32],
}

/// The operands of an attention. q: D = `width` columns, one row per query; k, v: D columns, one row per key.
pub struct Attention<'a, T, R> {
    /// Queries.
    pub q: Columns<'a, T>,
    /// Keys.
    pub k: Columns<'a, T>,
    /// Values.
    pub v: Columns<'a, T>,
    /// Which queries see which keys.
    pub spans: Spans<'a>,
    /// D
    pub width: usize,
    /// H; divides D.
    pub heads: usize,
    /// What each head adds to a score for the distance between key and query.
    pub bias: Option<&'a R>,
}

impl<'a, T, R> Attention<'a, T, R> {
    /// Plain attention of q, k and v.
    pub fn new([q, k, v]: [Columns<'a, T>; 3], spans: Spans<'a>, width: usize, heads: usize) -> Self {
        Self { q, k, v, spans, width, heads, bias: None }
    }
}

/// A weight matrix (M, K) and its bias (M) being loaded. Rows arrive in any order, each once.
pub trait LinearBuilder {
    /// The finished matrix.
    type Linear;

    /// Sets row `m` (K finite values). It is quantized here if the matrix is [`Precision::Int8`] or
    /// [`Precision::Int4`], with [`crate::weights::quantize::quantize_row`] or
    /// [`crate::weights::int4::quantize_row`].
    fn row_f32(&mut self, m: usize, row: &[f32]);

    /// Sets row `m` (K values in -127..=127) of a matrix stored as int8. [`LinearBuilder::scales`] sets its
    /// scale, before or after.
    fn row_i8(&mut self, m: usize, row: &[i8]);

    /// Sets row `m` of a matrix stored as int4: K / 2 bytes, and the scale of each group.
    fn row_i4(&mut self, m: usize, packed: &[u8], group_scales: &[f32]) {
        self.row_f32(m, &int4::dequantized(packed, group_scales));
    }

    /// Sets the scales of stored int8 rows, starting at row `first`.
    fn scales(&mut self, first: usize, scales: &[f32]);

    /// Sets the biases of rows, starting at row `first`.
    fn bias(&mut self, first: usize, bias: &[f32]);

    /// Returns the finished matrix. The caller must have set every row, scale and bias.
    fn finish(self) -> Self::Linear;
}

/// The result of a future that never waits, such as a product on the CPU.
///
/// # Panics
/// If it waits.
pub fn now<R>(future: impl Future<Output = R>) -> R {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => unreachable!("there is nothing to wait for"),
    }
}

/// The operations of a forward pass. Tensors are row-major (rows, columns) of f32.
///
/// Only [`Backend::product`] and [`Backend::read`] may wait. All others just record or compute.
#[allow(async_fn_in_trait)] // One thread per tab: no `Send` bound is needed.
pub trait Backend {
    /// A (rows, columns) tensor of activations.
    type Tensor;
    /// A weight matrix with its bias, packed.
    type Linear;
    /// A weight matrix being loaded.
    type LinearBuilder: LinearBuilder<Linear = Self::Linear>;
    /// γ and β of a layer normalization.
    type LayerNorm;
    /// What an attention adds to its scores by distance.
    type RelativeBias;

    /// The precision in which weights are stored here if `wanted` is requested.
    fn precision(&self, wanted: Precision) -> Precision;

    /// The maximum number of tokens of one forward pass, which bounds the memory of a call.
    fn token_budget(&self) -> usize;

    /// A builder for a weight matrix (M = `out_features`, K = `in_features`).
    ///
    /// # Errors
    /// [`crate::ErrorKind::OutOfMemory`].
    fn linear_builder(
        &self,
        out_features: usize,
        in_features: usize,
        precision: Precision,
    ) -> Result<Self::LinearBuilder>;

    /// γ and β (D each) of a layer normalization with `eps` under the root.
    ///
    /// # Errors
    /// [`crate::ErrorKind::OutOfMemory`].
    fn layer_norm_weights(&self, gamma: Vec<f32>, beta: Vec<f32>, eps: f32) -> Result<Self::LayerNorm>;

    /// The biases of `heads` heads for sequences of up to R tokens. `values` is (H, 2R - 1): the bias of
    /// key j and query i of a sequence is in column j - i + R - 1.
    ///
    /// # Errors
    /// [`crate::ErrorKind::OutOfMemory`].
    fn relative_bias(&self, heads: usize, values: Vec<f32>) -> Result<Self::RelativeBias>;

    /// A tensor that `fill` writes, normalized if there is a `norm`: the embedding, which every backend
    /// gathers and normalizes on the CPU.
    ///
    /// # Errors
    /// [`crate::ErrorKind::OutOfMemory`]; a backend's own failure to compute.
    fn embed(
        &self,
        rows: usize,
        columns: usize,
        norm: Option<&Self::LayerNorm>,
        fill: impl FnOnce(&mut [f32]),
    ) -> Result<Self::Tensor>;

    /// epilogue(x·Wᵀ + b): x (N, K), W (M, K) → (N, M).
    ///
    /// # Errors
    /// [`crate::ErrorKind::OutOfMemory`].
    fn linear(
        &self,
        x: &Self::Tensor,
        weights: &Self::Linear,
        epilogue: Epilogue<'_, Self::Tensor>,
    ) -> Result<Self::Tensor>;

    /// [`Backend::linear`] with weights that may have to be read back first: the only operation that may wait
    /// before [`Backend::read`].
    ///
    /// # Errors
    /// Those of [`Backend::linear`], and of reading the weights back.
    async fn product(
        &self,
        x: &Self::Tensor,
        weights: &Self::Linear,
        epilogue: Epilogue<'_, Self::Tensor>,
    ) -> Result<Self::Tensor> {
        self.linear(x, weights, epilogue)
    }

    /// softmax(q·kᵀ / √(D/H) + bias)·v for each sequence and each head → (queries, D).
    ///
    /// # Errors
    /// [`crate::ErrorKind::OutOfMemory`].
    fn attention(&self, of: Attention<'_, Self::Tensor, Self::RelativeBias>) -> Result<Self::Tensor>;

    /// (x - mean) / √(var + eps) · γ + β for each row; var is the biased variance: (N, D) → (N, D).
    ///
    /// # Errors
    /// [`crate::ErrorKind::OutOfMemory`].
    fn layer_norm(&self, x: &Self::Tensor, weights: &Self::LayerNorm) -> Result<Self::Tensor>;

    /// Rows `rows` of x, in that order: (N, D) → (rows.len(), D).
    ///
    /// # Errors
    /// [`crate::ErrorKind::OutOfMemory`].
    fn take_rows(&self, x: &Self::Tensor, rows: &[u32]) -> Result<Self::Tensor>;

    /// The mean of rows `starts[b]..starts[b + 1]` of x, for each b: (N, D) → (starts.len() - 1, D); zeros if
    /// there are none.
    ///
    /// # Errors
    /// [`crate::ErrorKind::OutOfMemory`].
    fn mean_rows(&self, x: &Self::Tensor, starts: &[u32]) -> Result<Self::Tensor>;

    /// The values of a tensor, row by row.
    ///
    /// # Errors
    /// A backend's own failure to compute or to copy.
    async fn read(&self, x: &Self::Tensor) -> Result<Vec<f32>>;
}

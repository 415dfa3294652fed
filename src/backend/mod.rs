//! The interface between models and backends: a handful of operations over tensors of f32 rows.
//!
//! A new architecture (`model/`) touches nothing here; a new backend implements these traits and touches no
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
    /// int8 weights with a scale a row; activations quantized by the backend as it sees fit.
    Int8,
    /// int4 weights with a scale a group ([`crate::weights::int4`]), for a depth of whole groups; activations
    /// as for int8.
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

/// D columns of a tensor from column `first` on.
pub struct Columns<'a, T> {
    /// The tensor, (N, at least `first` + D).
    pub tensor: &'a T,
    /// The first of the columns.
    pub first: usize,
}

/// Where the sequences of a packed batch lie; both lists have B + 1 entries and start at 0.
#[derive(Clone, Copy)]
pub struct Spans<'a> {
    /// Sequence b's queries are rows `queries[b]..queries[b + 1]` of q.
    pub queries: &'a [u32],
    /// Sequence b's keys and values are rows `keys[b]..keys[b + 1]` of k and v.
    pub keys: &'a [u32],
}

/// What an attention is computed of. q: D = `width` columns, one row a query; k, v: D columns, one row a key.
pub struct Attention<'a, T, R> {
    /// Queries.
    pub q: Columns<'a, T>,
    /// Keys.
    pub k: Columns<'a, T>,
    /// Values.
    pub v: Columns<'a, T>,
    /// Which rows see which.
    pub spans: Spans<'a>,
    /// D
    pub width: usize,
    /// H; divides D.
    pub heads: usize,
    /// What each head adds to a score for the distance of key and query.
    pub bias: Option<&'a R>,
}

impl<'a, T, R> Attention<'a, T, R> {
    /// Plain attention of q, k and v.
    pub fn new([q, k, v]: [Columns<'a, T>; 3], spans: Spans<'a>, width: usize, heads: usize) -> Self {
        Self { q, k, v, spans, width, heads, bias: None }
    }
}

/// A weight matrix (M, K) and its bias (M) on their way in: rows come in any order, each once.
pub trait LinearBuilder {
    /// What it becomes.
    type Linear;

    /// Row `m` (K values), finite. Quantized here, where the matrix is [`Precision::Int8`] or
    /// [`Precision::Int4`], with [`crate::weights::quantize::quantize_row`] or
    /// [`crate::weights::int4::quantize_row`].
    fn row_f32(&mut self, m: usize, row: &[f32]);

    /// Row `m` (K values in -127..=127) of a matrix stored as int8; its scale comes by
    /// [`LinearBuilder::scales`], before or after.
    fn row_i8(&mut self, m: usize, row: &[i8]);

    /// Row `m` of a matrix stored as int4: K / 2 bytes, and the scale of each group.
    fn row_i4(&mut self, m: usize, packed: &[u8], group_scales: &[f32]) {
        self.row_f32(m, &int4::dequantized(packed, group_scales));
    }

    /// Scales of the stored int8 rows from `first` on.
    fn scales(&mut self, first: usize, scales: &[f32]);

    /// Biases of the rows from `first` on.
    fn bias(&mut self, first: usize, bias: &[f32]);

    /// The finished matrix. The caller has given every row, scale and bias.
    fn finish(self) -> Self::Linear;
}

/// The result of a future that never waits, as those of the CPU's products don't.
///
/// # Panics
/// Where it waits.
pub fn now<R>(future: impl Future<Output = R>) -> R {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => unreachable!("there is nothing to wait for"),
    }
}

/// The operations of a forward pass. Tensors are row-major (rows, columns) of f32.
///
/// All but [`Backend::read`] only record or compute; `read` is the one asynchronous step.
#[allow(async_fn_in_trait)] // One thread a tab: no `Send` bound is wanted.
pub trait Backend {
    /// A (rows, columns) tensor of activations.
    type Tensor;
    /// A weight matrix with its bias, packed.
    type Linear;
    /// A weight matrix on its way in.
    type LinearBuilder: LinearBuilder<Linear = Self::Linear>;
    /// γ and β of a layer normalization.
    type LayerNorm;
    /// What an attention adds to its scores by distance.
    type RelativeBias;

    /// How weights that are wanted in a precision are stored here.
    fn precision(&self, wanted: Precision) -> Precision;

    /// The most tokens of one forward pass, so that the memory of a call is bounded.
    fn token_budget(&self) -> usize;

    /// Room for a weight matrix (M = `out_features`, K = `in_features`).
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

    /// A tensor that `fill` writes, normalized where there is a `norm`: the embedding, gathered and
    /// normalized on the CPU side in every backend.
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

    /// [`Backend::linear`], where the weights may have to be brought first: the one operation of a forward
    /// pass that may wait.
    ///
    /// # Errors
    /// Those of [`Backend::linear`], and of bringing them.
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

    /// (x - mean) / √(var + eps) · γ + β a row, var the biased variance: (N, D) → (N, D).
    ///
    /// # Errors
    /// [`crate::ErrorKind::OutOfMemory`].
    fn layer_norm(&self, x: &Self::Tensor, weights: &Self::LayerNorm) -> Result<Self::Tensor>;

    /// Rows `rows` of x, in that order: (N, D) → (rows.len(), D).
    ///
    /// # Errors
    /// [`crate::ErrorKind::OutOfMemory`].
    fn take_rows(&self, x: &Self::Tensor, rows: &[u32]) -> Result<Self::Tensor>;

    /// The mean of rows `starts[b]..starts[b + 1]` of x, for each b: (N, D) → (starts.len() - 1, D); zeros
    /// where there are none.
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

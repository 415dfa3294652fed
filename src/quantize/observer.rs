//! The CPU backend in f32 that also sums XᵀX over the inputs of every matrix.

use crate::backend::cpu::{self, CpuBackend, CpuTensor};
use crate::backend::{Attention, Backend, Epilogue, LinearBuilder, Precision};
use crate::error::Result;
use std::cell::RefCell;
use std::rc::Rc;

/// A backend that computes as [`CpuBackend`] does, in f32, and observes the inputs of each product.
#[derive(Default)]
pub struct Observer {
    cpu: CpuBackend,
}

/// The sum XᵀX (K, K) of a matrix's inputs X (N, K), in f32; each forward pass adds its own sum.
#[derive(Default)]
pub struct Gram {
    sum: Option<CpuTensor>,
    rows: usize,
}

/// A weight matrix and what is known about its inputs.
pub struct Observed {
    linear: cpu::linear::Linear,
    gram: Rc<RefCell<Gram>>,
}

/// Builds an [`Observed`] matrix.
pub struct Builder(cpu::linear::LinearBuilder);

impl Gram {
    /// XᵀX (K, K), row by row; empty before the first input.
    pub fn values(&self) -> &[f32] {
        self.sum.as_ref().map_or(&[], CpuTensor::values)
    }

    /// N: the number of inputs so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// XᵀX is a product like any other, so the backend's own kernel computes it: Xᵀ (K, N) times the matrix
    /// Xᵀ, plus the sum so far.
    fn add(&mut self, cpu: &CpuBackend, x: &CpuTensor) -> Result<()> {
        let (rows, columns) = (x.rows(), x.columns());
        let transposed = cpu.embed(columns, rows, None, |out| {
            for (n, row) in x.values().chunks_exact(columns).enumerate() {
                out.iter_mut().skip(n).step_by(rows).zip(row).for_each(|(to, x)| *to = *x);
            }
        })?;
        let mut matrix = cpu.linear_builder(columns, rows, Precision::F32)?;
        for (k, column) in transposed.values().chunks_exact(rows).enumerate() {
            matrix.row_f32(k, column);
        }
        let before = self.sum.take();
        let epilogue = before.as_ref().map_or(Epilogue::Bias, Epilogue::Residual);
        self.sum = Some(cpu.linear(&transposed, &matrix.finish(), epilogue)?);
        self.rows += rows;
        Ok(())
    }
}

impl Observed {
    /// What is known about its inputs; outlives the matrix.
    pub fn gram(&self) -> Rc<RefCell<Gram>> {
        Rc::clone(&self.gram)
    }
}

impl LinearBuilder for Builder {
    type Linear = Observed;

    fn row_f32(&mut self, m: usize, row: &[f32]) {
        self.0.row_f32(m, row);
    }

    fn row_i8(&mut self, m: usize, row: &[i8]) {
        self.0.row_i8(m, row);
    }

    fn scales(&mut self, first: usize, scales: &[f32]) {
        self.0.scales(first, scales);
    }

    fn bias(&mut self, first: usize, bias: &[f32]) {
        self.0.bias(first, bias);
    }

    fn finish(self) -> Observed {
        Observed { linear: self.0.finish(), gram: Rc::default() }
    }
}

impl Backend for Observer {
    type Tensor = CpuTensor;
    type Linear = Observed;
    type LinearBuilder = Builder;
    type LayerNorm = cpu::layer_norm::LayerNorm;
    type RelativeBias = cpu::attention::RelativeBias;

    /// Always f32: the inputs must be those of the weights before they are rounded.
    fn precision(&self, _wanted: Precision) -> Precision {
        Precision::F32
    }

    fn token_budget(&self) -> usize {
        self.cpu.token_budget()
    }

    fn linear_builder(&self, out_features: usize, in_features: usize, precision: Precision) -> Result<Builder> {
        self.cpu.linear_builder(out_features, in_features, precision).map(Builder)
    }

    fn layer_norm_weights(&self, gamma: Vec<f32>, beta: Vec<f32>, eps: f32) -> Result<Self::LayerNorm> {
        self.cpu.layer_norm_weights(gamma, beta, eps)
    }

    fn relative_bias(&self, heads: usize, values: Vec<f32>) -> Result<Self::RelativeBias> {
        self.cpu.relative_bias(heads, values)
    }

    fn embed(
        &self,
        rows: usize,
        columns: usize,
        norm: Option<&Self::LayerNorm>,
        fill: impl FnOnce(&mut [f32]),
    ) -> Result<CpuTensor> {
        self.cpu.embed(rows, columns, norm, fill)
    }

    fn linear(&self, x: &CpuTensor, weights: &Observed, epilogue: Epilogue<'_, CpuTensor>) -> Result<CpuTensor> {
        weights.gram.borrow_mut().add(&self.cpu, x)?;
        self.cpu.linear(x, &weights.linear, epilogue)
    }

    fn attention(&self, of: Attention<'_, CpuTensor, Self::RelativeBias>) -> Result<CpuTensor> {
        self.cpu.attention(of)
    }

    fn layer_norm(&self, x: &CpuTensor, weights: &Self::LayerNorm) -> Result<CpuTensor> {
        self.cpu.layer_norm(x, weights)
    }

    fn take_rows(&self, x: &CpuTensor, rows: &[u32]) -> Result<CpuTensor> {
        self.cpu.take_rows(x, rows)
    }

    fn mean_rows(&self, x: &CpuTensor, starts: &[u32]) -> Result<CpuTensor> {
        self.cpu.mean_rows(x, starts)
    }

    async fn read(&self, x: &CpuTensor) -> Result<Vec<f32>> {
        self.cpu.read(x).await
    }
}

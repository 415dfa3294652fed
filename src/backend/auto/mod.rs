//! One backend over the CPU, the GPU, or both with the weights on each. With both, the number of tokens
//! decides where a forward pass runs. A pass stays on the backend where it began. [`weights`] holds each
//! backend's copy of a matrix.

mod submitted;
mod weights;

use super::cpu::{CpuBackend, CpuTensor};
use super::gpu::{GpuBackend, GpuTensor};
use super::{Attention, Backend, Columns, Epilogue, Precision};
use crate::error::{Error, ErrorKind, Result};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
pub use submitted::Submitted;
pub use weights::{LayerNorm, Linear, LinearBuilder, RelativeBias};

/// Where a forward pass is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The processor.
    Cpu,
    /// The graphics device.
    Gpu,
}

/// The CPU and, if available, a graphics device.
pub struct AutoBackend {
    cpu: CpuBackend,
    // Whether the CPU holds weights.
    cpu_has_weights: bool,
    gpu: RefCell<Option<Rc<GpuBackend>>>,
    // Why a device that was in use no longer is.
    reason: RefCell<Option<String>>,
    forced: Cell<Option<Side>>,
    uses_gpu_weights: Cell<bool>,
    from_tokens: Cell<Option<usize>>,
}

/// A tensor on the backend that computed it.
pub enum Tensor {
    /// Computed by the processor.
    Cpu(CpuTensor),
    /// Computed by the graphics device.
    Gpu(GpuTensor),
}

impl AutoBackend {
    /// Only the CPU.
    pub fn cpu() -> Self {
        Self::new(None, true)
    }

    /// A graphics device. `cpu_has_weights`: whether the CPU gets the weights, too.
    pub fn with_gpu(gpu: GpuBackend, cpu_has_weights: bool) -> Self {
        Self::new(Some(Rc::new(gpu)), cpu_has_weights)
    }

    fn new(gpu: Option<Rc<GpuBackend>>, cpu_has_weights: bool) -> Self {
        Self {
            cpu: CpuBackend::new(),
            cpu_has_weights,
            gpu: RefCell::new(gpu),
            reason: RefCell::default(),
            forced: Cell::new(None),
            uses_gpu_weights: Cell::new(false),
            from_tokens: Cell::new(None),
        }
    }

    /// The graphics device's backend, while it is in use.
    pub fn gpu(&self) -> Option<Rc<GpuBackend>> {
        self.gpu.borrow().clone()
    }

    /// The number of CPU threads.
    pub fn cpu_threads(&self) -> usize {
        self.cpu.threads()
    }

    /// Whether the CPU holds weights.
    pub fn cpu_has_weights(&self) -> bool {
        self.cpu_has_weights
    }

    /// The maximum number of tokens of a forward pass on the CPU.
    pub fn cpu_token_budget(&self) -> usize {
        self.cpu.token_budget()
    }

    /// Bytes of the CPU's spare buffers.
    pub fn cpu_spare_bytes(&self) -> usize {
        self.cpu.spare_bytes()
    }

    /// The number of tokens from which a pass runs on the graphics device if both backends hold weights;
    /// none: never.
    pub fn from_tokens(&self) -> Option<usize> {
        self.from_tokens.get()
    }

    /// Sets [`AutoBackend::from_tokens`].
    pub fn set_from_tokens(&self, tokens: Option<usize>) {
        self.from_tokens.set(tokens);
    }

    /// Stops using the graphics device because of `error`. Its buffers are freed with the matrices' GPU
    /// copies ([`Linear::drop_gpu`]).
    pub fn abandon_gpu(&self, error: &Error) {
        self.gpu.take();
        // Keeps the first reason: all passes in flight fail after it.
        self.reason.borrow_mut().get_or_insert_with(|| error.message().to_owned());
    }

    /// Why a graphics device that was in use no longer is.
    pub fn reason(&self) -> Option<String> {
        self.reason.borrow().clone()
    }

    /// The result of `f` on the device, if any, while the weights are loaded. A device that fails is
    /// abandoned if the CPU holds weights.
    fn on_gpu<R>(&self, f: impl FnOnce(&GpuBackend) -> Result<R>) -> Result<Option<R>> {
        match self.gpu().map(|gpu| f(&gpu)).transpose() {
            Err(error) if self.cpu_has_weights => {
                self.abandon_gpu(&error);
                Ok(None)
            }
            result => result,
        }
    }

    /// Computes the passes of `f` on one backend.
    pub async fn on<R>(&self, side: Side, f: impl AsyncFnOnce() -> R) -> R {
        let before = self.forced.replace(Some(side));
        let result = f().await;
        self.forced.set(before);
        result
    }

    /// Computes the passes of `f` on the CPU with the matrices as the device holds them. Each is read back
    /// for its product and then dropped, so that only one at a time is in memory.
    pub async fn with_gpu_weights<R>(&self, f: impl AsyncFnOnce() -> R) -> R {
        self.uses_gpu_weights.set(true);
        let result = self.on(Side::Cpu, f).await;
        self.uses_gpu_weights.set(false);
        result
    }

    /// The backend for a pass of `tokens` tokens.
    pub fn side(&self, tokens: usize) -> Side {
        match (self.forced.get(), self.gpu.borrow().is_some()) {
            (Some(side), _) => side,
            (None, false) => Side::Cpu,
            (None, true) if !self.cpu_has_weights => Side::Gpu,
            (None, true) => match self.from_tokens.get() {
                Some(from) if tokens >= from => Side::Gpu,
                _ => Side::Cpu,
            },
        }
    }

    /// Starts to compute a tensor on the device and to copy it back. The processor is free until
    /// [`Submitted::finish`].
    ///
    /// # Errors
    /// [`ErrorKind::DeviceLost`], [`ErrorKind::OutOfMemory`].
    ///
    /// # Panics
    /// If the tensor is on the CPU.
    pub fn submit(&self, x: &Tensor) -> Result<Submitted> {
        let gpu = self.require_gpu()?;
        Ok(Submitted { reading: gpu.submit(x.on_gpu())?, gpu })
    }

    fn require_gpu(&self) -> Result<Rc<GpuBackend>> {
        self.gpu().ok_or_else(device_lost)
    }
}

fn device_lost() -> Error {
    Error::new(ErrorKind::DeviceLost, "The graphics device was lost.")
}

/// The operands of an operation must be on the same backend: a pass stays where it began.
const ONE_SIDE: &str = "the operands are on one backend";

impl Tensor {
    fn on_cpu(&self) -> &CpuTensor {
        match self {
            Self::Cpu(x) => x,
            Self::Gpu(_) => unreachable!("{ONE_SIDE}"),
        }
    }

    fn on_gpu(&self) -> &GpuTensor {
        match self {
            Self::Gpu(x) => x,
            Self::Cpu(_) => unreachable!("{ONE_SIDE}"),
        }
    }
}

/// The epilogue with its residual on one backend.
fn epilogue_of<'a, T>(epilogue: Epilogue<'a, Tensor>, side: impl FnOnce(&'a Tensor) -> &'a T) -> Epilogue<'a, T> {
    match epilogue {
        Epilogue::Bias => Epilogue::Bias,
        Epilogue::Activation(activation) => Epilogue::Activation(activation),
        Epilogue::Residual(r) => Epilogue::Residual(side(r)),
    }
}

/// The attention with its q, k, v and bias on one backend.
fn attention_of<'a, T, R>(
    of: Attention<'a, Tensor, RelativeBias>,
    side: impl Fn(&'a Tensor) -> &'a T,
    bias: Option<&'a R>,
) -> Attention<'a, T, R> {
    let Attention { q, k, v, spans, width, heads, .. } = of;
    let [q, k, v] = [q, k, v].map(|columns| Columns { tensor: side(columns.tensor), first: columns.first });
    Attention { q, k, v, spans, width, heads, bias }
}

impl Backend for AutoBackend {
    type Tensor = Tensor;
    type Linear = Linear;
    type LinearBuilder = LinearBuilder;
    type LayerNorm = LayerNorm;
    type RelativeBias = RelativeBias;

    fn precision(&self, wanted: Precision) -> Precision {
        self.gpu().map_or_else(|| self.cpu.precision(wanted), |gpu| gpu.precision(wanted))
    }

    fn token_budget(&self) -> usize {
        match self.gpu() {
            Some(gpu) if self.side(gpu.token_budget()) == Side::Gpu => gpu.token_budget(),
            _ => self.cpu.token_budget(),
        }
    }

    fn linear_builder(&self, out_features: usize, in_features: usize, precision: Precision) -> Result<LinearBuilder> {
        let cpu = self.cpu_has_weights.then(|| self.cpu.linear_builder(out_features, in_features, precision));
        let gpu = self.on_gpu(|gpu| gpu.linear_builder(out_features, in_features, precision))?;
        Ok(LinearBuilder { cpu: cpu.transpose()?, gpu, precision })
    }

    fn layer_norm_weights(&self, gamma: Vec<f32>, beta: Vec<f32>, eps: f32) -> Result<LayerNorm> {
        let gpu = self.on_gpu(|gpu| gpu.layer_norm_weights(gamma.clone(), beta.clone(), eps))?;
        Ok(LayerNorm { cpu: self.cpu.layer_norm_weights(gamma, beta, eps)?, gpu: RefCell::new(gpu) })
    }

    fn relative_bias(&self, heads: usize, values: Vec<f32>) -> Result<RelativeBias> {
        let gpu = self.on_gpu(|gpu| gpu.relative_bias(heads, values.clone()))?;
        Ok(RelativeBias { cpu: self.cpu.relative_bias(heads, values)?, gpu: RefCell::new(gpu) })
    }

    fn embed(
        &self,
        rows: usize,
        columns: usize,
        norm: Option<&LayerNorm>,
        fill: impl FnOnce(&mut [f32]),
    ) -> Result<Tensor> {
        match self.side(rows) {
            Side::Cpu => Ok(Tensor::Cpu(self.cpu.embed(rows, columns, norm.map(|norm| &norm.cpu), fill)?)),
            Side::Gpu => {
                let norm = norm.map(|norm| norm.gpu.borrow());
                let norm = norm.as_ref().and_then(|norm| norm.as_ref());
                Ok(Tensor::Gpu(self.require_gpu()?.embed(rows, columns, norm, fill)?))
            }
        }
    }

    fn linear(&self, x: &Tensor, weights: &Linear, epilogue: Epilogue<'_, Tensor>) -> Result<Tensor> {
        match x {
            Tensor::Cpu(x) => {
                let weights = weights.cpu.as_ref().expect("a pass on a backend that holds the weights");
                Ok(Tensor::Cpu(self.cpu.linear(x, weights, epilogue_of(epilogue, Tensor::on_cpu))?))
            }
            Tensor::Gpu(x) => {
                let (gpu, weights) = (self.require_gpu()?, weights.gpu.borrow());
                let weights = weights.as_ref().expect("a pass on a backend that holds the weights");
                Ok(Tensor::Gpu(gpu.linear(x, weights, epilogue_of(epilogue, Tensor::on_gpu))?))
            }
        }
    }

    /// Within [`AutoBackend::with_gpu_weights`], the CPU computes with the device's matrices.
    async fn product(&self, x: &Tensor, weights: &Linear, epilogue: Epilogue<'_, Tensor>) -> Result<Tensor> {
        match x {
            Tensor::Cpu(x) if self.uses_gpu_weights.get() => {
                let lent = weights.read_back(self).await?;
                Ok(Tensor::Cpu(self.cpu.linear(x, &lent, epilogue_of(epilogue, Tensor::on_cpu))?))
            }
            _ => self.linear(x, weights, epilogue),
        }
    }

    fn attention(&self, of: Attention<'_, Tensor, RelativeBias>) -> Result<Tensor> {
        match of.q.tensor {
            Tensor::Cpu(_) => {
                let bias = of.bias.map(|bias| &bias.cpu);
                Ok(Tensor::Cpu(self.cpu.attention(attention_of(of, Tensor::on_cpu, bias))?))
            }
            Tensor::Gpu(_) => {
                let bias = of.bias.map(|bias| bias.gpu.borrow());
                let bias = bias.as_ref().and_then(|bias| bias.as_ref());
                Ok(Tensor::Gpu(self.require_gpu()?.attention(attention_of(of, Tensor::on_gpu, bias))?))
            }
        }
    }

    fn layer_norm(&self, x: &Tensor, weights: &LayerNorm) -> Result<Tensor> {
        match x {
            Tensor::Cpu(x) => Ok(Tensor::Cpu(self.cpu.layer_norm(x, &weights.cpu)?)),
            Tensor::Gpu(x) => {
                let weights = weights.gpu.borrow();
                let weights = weights.as_ref().expect("a pass on a backend that holds the weights");
                Ok(Tensor::Gpu(self.require_gpu()?.layer_norm(x, weights)?))
            }
        }
    }

    fn take_rows(&self, x: &Tensor, rows: &[u32]) -> Result<Tensor> {
        match x {
            Tensor::Cpu(x) => Ok(Tensor::Cpu(self.cpu.take_rows(x, rows)?)),
            Tensor::Gpu(x) => Ok(Tensor::Gpu(self.require_gpu()?.take_rows(x, rows)?)),
        }
    }

    fn mean_rows(&self, x: &Tensor, starts: &[u32]) -> Result<Tensor> {
        match x {
            Tensor::Cpu(x) => Ok(Tensor::Cpu(self.cpu.mean_rows(x, starts)?)),
            Tensor::Gpu(x) => Ok(Tensor::Gpu(self.require_gpu()?.mean_rows(x, starts)?)),
        }
    }

    async fn read(&self, x: &Tensor) -> Result<Vec<f32>> {
        match x {
            Tensor::Cpu(x) => self.cpu.read(x).await,
            Tensor::Gpu(x) => {
                // Keeps the device alive until the values are read, even if it is abandoned.
                let gpu = self.require_gpu()?;
                gpu.read(x).await
            }
        }
    }
}

//! Weights on each backend that holds them.

use super::{AutoBackend, device_lost};
use crate::backend::{self, Precision, cpu, gpu};
use crate::error::Result;
use crate::weights::int4;
use std::cell::RefCell;

/// A weight matrix on each backend that holds weights.
pub struct Linear {
    pub(super) cpu: Option<cpu::linear::Linear>,
    pub(super) gpu: RefCell<Option<gpu::weights::Linear>>,
}

/// A weight matrix being loaded to each backend.
pub struct LinearBuilder {
    pub(super) cpu: Option<cpu::linear::LinearBuilder>,
    pub(super) gpu: Option<gpu::weights::LinearBuilder>,
    pub(super) precision: Precision,
}

/// γ and β on both backends; they are small.
pub struct LayerNorm {
    pub(super) cpu: cpu::layer_norm::LayerNorm,
    pub(super) gpu: RefCell<Option<gpu::LayerNorm>>,
}

/// The biases of an attention on both backends; they are small.
pub struct RelativeBias {
    pub(super) cpu: cpu::attention::RelativeBias,
    pub(super) gpu: RefCell<Option<gpu::RelativeBias>>,
}

impl RelativeBias {
    /// Frees the GPU's copy.
    pub fn drop_gpu(&self) {
        self.gpu.take();
    }
}

impl Linear {
    /// The matrix as the device holds it, packed for the CPU.
    ///
    /// # Errors
    /// Those of [`gpu::weights::Linear::read_back`], and [`crate::ErrorKind::DeviceLost`] if the matrix is not
    /// on a device.
    #[allow(clippy::await_holding_refcell_ref)] // Nothing replaces a matrix while the self-test runs.
    pub(super) async fn read_back(&self, auto: &AutoBackend) -> Result<cpu::linear::Linear> {
        match &*self.gpu.borrow() {
            Some(linear) => linear.read_back(&auto.cpu).await,
            None => Err(device_lost()),
        }
    }

    /// Frees the GPU's copy.
    pub fn drop_gpu(&self) {
        self.gpu.take();
    }

    /// The GPU's copy.
    pub fn gpu(&self) -> std::cell::Ref<'_, Option<gpu::weights::Linear>> {
        self.gpu.borrow()
    }
}

impl LayerNorm {
    /// Frees the GPU's copy.
    pub fn drop_gpu(&self) {
        self.gpu.take();
    }
}

impl backend::LinearBuilder for LinearBuilder {
    type Linear = Linear;

    fn row_f32(&mut self, m: usize, row: &[f32]) {
        if self.precision == Precision::Int4 && self.cpu.is_some() && self.gpu.is_some() {
            // Rounded to int4 first: a CPU that stores int8 would otherwise skip that, and its results would
            // differ from the device's.
            let (mut q, mut scales) = (vec![0; row.len()], vec![0.0; row.len() / int4::GROUP]);
            int4::quantize_row(row, &mut q, &mut scales);
            return self.row_i4(m, &int4::pack(&q).collect::<Vec<_>>(), &scales);
        }
        self.cpu.iter_mut().for_each(|side| side.row_f32(m, row));
        self.gpu.iter_mut().for_each(|side| side.row_f32(m, row));
    }

    fn row_i8(&mut self, m: usize, row: &[i8]) {
        self.cpu.iter_mut().for_each(|side| side.row_i8(m, row));
        self.gpu.iter_mut().for_each(|side| side.row_i8(m, row));
    }

    fn row_i4(&mut self, m: usize, packed: &[u8], group_scales: &[f32]) {
        self.cpu.iter_mut().for_each(|side| side.row_i4(m, packed, group_scales));
        self.gpu.iter_mut().for_each(|side| side.row_i4(m, packed, group_scales));
    }

    fn scales(&mut self, first: usize, scales: &[f32]) {
        self.cpu.iter_mut().for_each(|side| side.scales(first, scales));
        self.gpu.iter_mut().for_each(|side| side.scales(first, scales));
    }

    fn bias(&mut self, first: usize, bias: &[f32]) {
        self.cpu.iter_mut().for_each(|side| side.bias(first, bias));
        self.gpu.iter_mut().for_each(|side| side.bias(first, bias));
    }

    fn finish(self) -> Linear {
        Linear {
            cpu: self.cpu.map(backend::LinearBuilder::finish),
            gpu: RefCell::new(self.gpu.map(backend::LinearBuilder::finish)),
        }
    }
}

//! A model on the available devices: a graphics device is tested before it is used
//! ([`self_test`]), the faster backend is found by measuring ([`calibration`]), and a device that fails is dropped.
//!
//! Not here: where files come from, JavaScript (`web`).

pub mod calibration;
pub mod self_test;
pub mod warm_up;

use crate::backend::Precision;
use crate::backend::auto::{AutoBackend, LayerNorm, Linear, RelativeBias, Side};
use crate::backend::gpu::profile::{KernelTime, by_kernel};
use crate::batch::micro_batches;
use crate::error::{Error, ErrorKind, Result};
#[cfg(doc)]
use crate::model::Model;
use crate::text_model::TextModel;
use crate::tokenize::Encoding;
use calibration::Measured;

/// A monotonic clock, in milliseconds.
pub type Clock<'a> = &'a dyn Fn() -> f64;

/// A model that is ready for use.
pub struct Engine {
    text_model: TextModel<AutoBackend>,
    calibration: Vec<Measured>,
}

/// What the model computed for a group of texts, and where.
pub struct Computed {
    /// For each text: [`TextModel::outputs`].
    pub outputs: Vec<Vec<f32>>,
    /// Where they were computed.
    pub side: Side,
    /// The device's time by kernel, if requested and supported.
    pub kernels: Option<Vec<KernelTime>>,
}

impl Engine {
    /// Prepares a loaded model: warms up the device, tests it, and measures both backends if both have the
    /// weights.
    ///
    /// # Errors
    /// If the CPU has no weights: [`ErrorKind::WebgpuUnusable`] for a device that refuses the work or
    /// computes wrong results, [`ErrorKind::DeviceLost`], [`ErrorKind::OutOfMemory`]. If it has them, such a
    /// device is dropped.
    pub async fn prepare(text_model: TextModel<AutoBackend>, clock: Clock<'_>) -> Result<Self> {
        let mut engine = Self { text_model, calibration: Vec::new() };
        if let Err(error) = engine.try_gpu(clock).await {
            if !engine.backend().cpu_has_weights() {
                return Err(error);
            }
            engine.abandon_gpu(&error);
        }
        Ok(engine)
    }

    async fn try_gpu(&mut self, clock: Clock<'_>) -> Result<()> {
        let Some(gpu) = self.backend().gpu() else { return Ok(()) };
        gpu.settle().await?;
        let difference = gpu.checked(async || self_test::largest_difference(&self.text_model).await).await?;
        let precision = self.text_model.loaded().precision;
        self_test::check(difference, precision)?;
        if precision == Precision::Int8 && !gpu.device().info().software {
            calibration::choose_arithmetic(&self.text_model, &gpu, clock).await?;
        }
        if self.backend().cpu_has_weights() {
            self.calibration = calibration::measure(&self.text_model, clock).await?;
            self.backend().set_from_tokens(calibration::crossing(&self.calibration));
        }
        Ok(())
    }

    /// The model with its tokenizer.
    pub fn text_model(&self) -> &TextModel<AutoBackend> {
        &self.text_model
    }

    fn backend(&self) -> &AutoBackend {
        self.text_model.backend()
    }

    /// How long both backends took, if both were measured.
    pub fn calibration(&self) -> &[Measured] {
        &self.calibration
    }

    /// Why the graphics device was dropped, if it was.
    pub fn reason(&self) -> Option<String> {
        self.backend().reason()
    }

    /// What the model computes for each text of one group; `profile`: with the device's time by kernel.
    ///
    /// A device that is lost meanwhile, rejects the work or lacks memory for it is dropped if the CPU has the
    /// weights, and the CPU computes the outputs.
    ///
    /// # Errors
    /// The errors of [`Model::outputs`]; [`ErrorKind::DeviceLost`] and [`ErrorKind::WebgpuUnusable`] if the
    /// CPU has no weights.
    pub async fn outputs(&self, group: &[Encoding], profile: bool) -> Result<Computed> {
        let side = self.side(group);
        match self.outputs_once(group, profile).await {
            Err(error) if side == Side::Gpu && may_be_gpu_error(&error) && self.backend().cpu_has_weights() => {
                self.abandon_gpu(&error);
                self.outputs_once(group, profile).await
            }
            result => result,
        }
    }

    fn side(&self, group: &[Encoding]) -> Side {
        self.backend().side(group.iter().map(|text| text.ids.len()).sum())
    }

    async fn outputs_once(&self, group: &[Encoding], profile: bool) -> Result<Computed> {
        let side = self.side(group);
        if side == Side::Cpu {
            // The group may have been cut for a graphics device.
            let lengths: Vec<usize> = group.iter().map(|text| text.ids.len()).collect();
            let mut outputs = Vec::with_capacity(group.len());
            for part in micro_batches(&lengths, self.backend().cpu_token_budget()) {
                outputs.extend(self.text_model.outputs(&group[part]).await?);
            }
            return Ok(Computed { outputs, side, kernels: None });
        }
        let gpu = self.backend().gpu().filter(|_| profile);
        if let Some(gpu) = &gpu {
            gpu.start_profile();
        }
        let outputs = self.text_model.outputs(group).await?;
        let times = gpu.and_then(|gpu| gpu.take_profile());
        Ok(Computed { outputs, side, kernels: times.map(|times| by_kernel(&times)) })
    }

    /// Stops using the graphics device.
    fn abandon_gpu(&self, error: &Error) {
        self.backend().abandon_gpu(error);
        let weights = self.text_model.model().weights();
        weights.matrices().iter().for_each(Linear::drop_gpu);
        weights.norms().iter().for_each(LayerNorm::drop_gpu);
        weights.relatives().iter().for_each(RelativeBias::drop_gpu);
    }
}

/// Whether the graphics device may have caused the error: an [`ErrorKind::OutOfMemory`] doesn't say whose
/// memory.
fn may_be_gpu_error(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::DeviceLost | ErrorKind::WebgpuUnusable | ErrorKind::OutOfMemory)
}

//! A classifier on whatever there is to compute on: a graphics device is tried before it is trusted
//! ([`self_test`]), the faster side is found out by measuring ([`calibration`]), and a device that fails is
//! done without.
//!
//! Not here: where files come from, JavaScript (`web`).

pub mod calibration;
pub mod self_test;
pub mod warm_up;

use crate::backend::Precision;
use crate::backend::auto::{AutoBackend, LayerNorm, Linear, RelativeBias, Side};
use crate::backend::gpu::profile::{KernelTime, by_kernel};
use crate::batch::micro_batches;
use crate::classifier::Classifier;
use crate::error::{Error, ErrorKind, Result};
#[cfg(doc)]
use crate::model::Model;
use crate::tokenize::Encoding;
use calibration::Measured;

/// A monotonic clock, in milliseconds.
pub type Clock<'a> = &'a dyn Fn() -> f64;

/// A classifier that is ready to answer.
pub struct Engine {
    classifier: Classifier<AutoBackend>,
    calibration: Vec<Measured>,
}

/// The scores of a group of texts, and how they came about.
pub struct Scored {
    /// Of each text, in the order of the labels' ids.
    pub scores: Vec<Vec<f64>>,
    /// Where they were computed.
    pub side: Side,
    /// The device's time by kernel, where it was asked for and the device can tell.
    pub kernels: Option<Vec<KernelTime>>,
}

impl Engine {
    /// Makes a loaded classifier ready: warms the device up, tests it, and measures both sides where both
    /// hold the weights.
    ///
    /// # Errors
    /// Where the CPU holds no weights: [`ErrorKind::WebgpuUnusable`] for a device that refuses the work or
    /// computes wrong, [`ErrorKind::DeviceLost`], [`ErrorKind::OutOfMemory`]. Where it does, such a device is
    /// done without.
    pub async fn prepare(classifier: Classifier<AutoBackend>, clock: Clock<'_>) -> Result<Self> {
        let mut engine = Self { classifier, calibration: Vec::new() };
        if let Err(error) = engine.try_gpu(clock).await {
            if !engine.backend().cpu_holds() {
                return Err(error);
            }
            engine.abandon_gpu(&error);
        }
        Ok(engine)
    }

    async fn try_gpu(&mut self, clock: Clock<'_>) -> Result<()> {
        let Some(gpu) = self.backend().gpu() else { return Ok(()) };
        gpu.settle().await?;
        let difference = gpu.checked(async || self_test::largest_difference(&self.classifier).await).await?;
        let precision = self.classifier.loaded().precision;
        self_test::judge(difference, precision)?;
        if precision == Precision::Int8 && !gpu.device().info().software {
            calibration::choose_arithmetic(&self.classifier, &gpu, clock).await?;
        }
        if self.backend().cpu_holds() {
            self.calibration = calibration::measure(&self.classifier, clock).await?;
            self.backend().set_from_tokens(calibration::crossing(&self.calibration));
        }
        Ok(())
    }

    /// The classifier.
    pub fn classifier(&self) -> &Classifier<AutoBackend> {
        &self.classifier
    }

    fn backend(&self) -> &AutoBackend {
        self.classifier.backend()
    }

    /// What both sides took, where both were measured.
    pub fn calibration(&self) -> &[Measured] {
        &self.calibration
    }

    /// Why the graphics device that there was is not used.
    pub fn reason(&self) -> Option<String> {
        self.backend().reason()
    }

    /// The scores of each text of one group; `profile`: with the device's time by kernel.
    ///
    /// A device that is lost on the way, refuses the work, or has no memory for it, is done without where the
    /// CPU holds the weights: the texts are answered all the same.
    ///
    /// # Errors
    /// Those of [`Model::logits`]; [`ErrorKind::DeviceLost`] and [`ErrorKind::WebgpuUnusable`] where the CPU
    /// holds no weights.
    pub async fn scores(&self, group: &[Encoding], profile: bool) -> Result<Scored> {
        let side = self.side(group);
        match self.scores_once(group, profile).await {
            Err(error) if side == Side::Gpu && is_gpu_s(&error) && self.backend().cpu_holds() => {
                self.abandon_gpu(&error);
                self.scores_once(group, profile).await
            }
            result => result,
        }
    }

    fn side(&self, group: &[Encoding]) -> Side {
        self.backend().side(group.iter().map(|text| text.ids.len()).sum())
    }

    async fn scores_once(&self, group: &[Encoding], profile: bool) -> Result<Scored> {
        let side = self.side(group);
        if side == Side::Cpu {
            // The group may have been cut for a graphics device.
            let lengths: Vec<usize> = group.iter().map(|text| text.ids.len()).collect();
            let mut scores = Vec::with_capacity(group.len());
            for part in micro_batches(&lengths, self.backend().cpu_token_budget()) {
                scores.extend(self.classifier.scores(&group[part]).await?);
            }
            return Ok(Scored { scores, side, kernels: None });
        }
        let gpu = self.backend().gpu().filter(|_| profile);
        if let Some(gpu) = &gpu {
            gpu.start_profile();
        }
        let scores = self.classifier.scores(group).await?;
        let times = gpu.and_then(|gpu| gpu.take_profile());
        Ok(Scored { scores, side, kernels: times.map(|times| by_kernel(&times)) })
    }

    /// Does without the graphics device from now on.
    fn abandon_gpu(&self, error: &Error) {
        self.backend().abandon_gpu(error);
        let weights = self.classifier.model().weights();
        weights.matrices().iter().for_each(Linear::drop_gpu);
        weights.norms().iter().for_each(LayerNorm::drop_gpu);
        weights.relatives().iter().for_each(RelativeBias::drop_gpu);
    }
}

/// Whether it may be the graphics device's; its memory can't be told from the CPU's.
fn is_gpu_s(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::DeviceLost | ErrorKind::WebgpuUnusable | ErrorKind::OutOfMemory)
}

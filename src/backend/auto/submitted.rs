//! Work that the device computes while the processor does something else.

use crate::backend::gpu::{GpuBackend, Reading};
use crate::error::Result;
use std::rc::Rc;

/// A tensor's values that are being copied back from the device.
pub struct Submitted {
    pub(super) reading: Reading,
    pub(super) gpu: Rc<GpuBackend>,
}

impl Submitted {
    /// Waits for the values and returns them row by row.
    ///
    /// # Errors
    /// The device's failure to compute them.
    pub async fn finish(self) -> Result<Vec<f32>> {
        self.gpu.finish(self.reading).await
    }
}

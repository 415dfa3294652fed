//! What the device has against what it is asked to do: told to nobody unless a scope is open.

use super::device::Device;
use crate::error::{Error, ErrorKind, Result};

/// Error scopes of every kind, the innermost first, as they have to end: without one, errors of the device are told to
/// nobody.
pub struct Scopes([wgpu::ErrorScopeGuard; 3]);

impl Scopes {
    /// Opens them.
    pub fn open(device: &Device) -> Self {
        let filters = [wgpu::ErrorFilter::Internal, wgpu::ErrorFilter::OutOfMemory, wgpu::ErrorFilter::Validation];
        let mut scopes = filters.map(|filter| device.device.push_error_scope(filter));
        scopes.reverse();
        Self(scopes)
    }

    /// Ends them.
    ///
    /// # Errors
    /// What the device had against anything since; its loss before all else.
    pub async fn end(self, device: &Device) -> Result<()> {
        let [validation, memory, internal] = self.0;
        let [validation, memory, internal] = [validation.pop(), memory.pop(), internal.pop()];
        let (validation, memory, internal) = (validation.await, memory.await, internal.await);
        device.check()?;
        // What can't be had counts for more than what follows from it.
        memory.or(internal).or(validation).map_or(Ok(()), |error| Err(refused(&error)))
    }
}

fn refused(error: &wgpu::Error) -> Error {
    match error {
        wgpu::Error::OutOfMemory { .. } => Error::new(
            ErrorKind::OutOfMemory,
            "No memory for the model on the graphics device: close other tabs, take a smaller model, or use device \"cpu\".",
        ),
        other => Error::new(ErrorKind::WebgpuUnusable, format!("The graphics device refused the work: {other}")),
    }
}

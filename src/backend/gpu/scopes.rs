//! What the device has against what it is asked to do: told to nobody unless a scope is open.

use super::device::Device;
use crate::error::{Error, ErrorKind, Result};
use std::rc::Rc;

/// Error scopes of every kind, the innermost first, as they have to end: without one, errors of the device
/// are told to nobody in time. Scopes that were opened later have to end before.
pub struct Scopes([wgpu::ErrorScopeGuard; 3]);

impl Scopes {
    /// Opens them.
    pub fn open(device: &Device) -> Self {
        let filters = [wgpu::ErrorFilter::Internal, wgpu::ErrorFilter::OutOfMemory, wgpu::ErrorFilter::Validation];
        let mut scopes = filters.map(|filter| device.device.push_error_scope(filter));
        scopes.reverse();
        Self(scopes)
    }

    /// Ends them at once; the future tells what they caught.
    ///
    /// # Errors
    /// What the device had against anything since; its loss before all else.
    pub fn end(self, device: &Rc<Device>) -> impl Future<Output = Result<()>> + use<> {
        let [validation, memory, internal] = self.0;
        let [validation, memory, internal] = [validation.pop(), memory.pop(), internal.pop()];
        let device = device.clone();
        async move {
            let (validation, memory, internal) = (validation.await, memory.await, internal.await);
            device.check()?;
            // What can't be had counts for more than what follows from it.
            memory.or(internal).or(validation).map_or(Ok(()), |error| Err(refused(&error)))
        }
    }
}

fn refused(error: &wgpu::Error) -> Error {
    match error {
        wgpu::Error::OutOfMemory { .. } => Error::new(
            ErrorKind::OutOfMemory,
            "The graphics device has no memory left: close other tabs, take a smaller model, or use device \"cpu\".",
        ),
        other => Error::new(ErrorKind::WebgpuUnusable, format!("The graphics device refused the work: {other}")),
    }
}

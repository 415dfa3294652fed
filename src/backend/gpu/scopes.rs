//! Error scopes, which catch the errors of the device. An error outside a scope makes the whole device
//! unusable.

use super::device::Device;
use crate::error::{Error, ErrorKind, Result};
use std::rc::Rc;

/// Error scopes of every kind, the innermost first, which is the order in which they must end. Scopes that
/// were opened later must end earlier.
pub struct Scopes([wgpu::ErrorScopeGuard; 3]);

impl Scopes {
    /// Opens the scopes.
    pub fn open(device: &Device) -> Self {
        let filters = [wgpu::ErrorFilter::Internal, wgpu::ErrorFilter::OutOfMemory, wgpu::ErrorFilter::Validation];
        let mut scopes = filters.map(|filter| device.device.push_error_scope(filter));
        scopes.reverse();
        Self(scopes)
    }

    /// Ends the scopes at once. The future resolves with the errors that they caught.
    ///
    /// # Errors
    /// An error that they caught, out of memory before any other. The device's loss takes precedence.
    pub fn end(self, device: &Rc<Device>) -> impl Future<Output = Result<()>> + use<> {
        let [validation, memory, internal] = self.0;
        let [validation, memory, internal] = [validation.pop(), memory.pop(), internal.pop()];
        let device = device.clone();
        async move {
            let (validation, memory, internal) = (validation.await, memory.await, internal.await);
            device.check()?;
            // An allocation failure matters more than the errors that follow from it.
            memory.or(internal).or(validation).map_or(Ok(()), |error| Err(refused(&error)))
        }
    }
}

fn refused(error: &wgpu::Error) -> Error {
    match error {
        wgpu::Error::OutOfMemory { .. } => Error::new(
            ErrorKind::OutOfMemory,
            "The graphics device is out of memory: close other tabs, use a smaller model, or use device \"cpu\".",
        ),
        other => Error::new(ErrorKind::WebgpuUnusable, format!("The graphics device rejected the work: {other}")),
    }
}

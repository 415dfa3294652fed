//! Results of the device, copied to buffers that the processor can read. A copy is started at once and
//! awaited later, so that the processor can do something else in the meantime.

use super::device::Device;
use super::memory::{GpuBuffer, Pool, Pooled};
use super::operations::ACTIVATIONS;
use super::profile::Profile;
use super::{GpuBackend, GpuTensor};
use crate::error::{Result, try_vec};
use futures_channel::oneshot::{Receiver, channel};
use std::pin::Pin;

/// The first bytes of a buffer, which are mapped for the processor after all work submitted before. Dropping
/// it unmaps the buffer.
pub struct Mapping {
    buffer: wgpu::Buffer,
    bytes: u64,
    // None: nothing to wait for.
    mapped: Option<Receiver<bool>>,
}

impl Mapping {
    /// Requests the first `bytes` bytes of `buffer`.
    pub fn start(buffer: &GpuBuffer, bytes: u64) -> Self {
        let mapped = (bytes > 0).then(|| {
            let (sender, receiver) = channel();
            buffer.raw.map_async(wgpu::MapMode::Read, 0..bytes, move |result| {
                // The receiver is gone if the call was abandoned.
                let _ = sender.send(result.is_ok());
            });
            receiver
        });
        Self { buffer: buffer.raw.clone(), bytes, mapped }
    }

    /// Waits for the bytes and returns what `f` makes of them.
    ///
    /// # Errors
    /// [`crate::ErrorKind::DeviceLost`].
    pub async fn finish<R>(mut self, device: &Device, f: impl FnOnce(&[u8]) -> R) -> Result<R> {
        const UNREADABLE: &str = "its results could not be read";
        let Some(mapped) = &mut self.mapped else { return Ok(f(&[])) };
        if !wait(device, mapped).await {
            return Err(device.failure(UNREADABLE));
        }
        // Dropping unmaps.
        match self.buffer.get_mapped_range(0..self.bytes) {
            Ok(range) => Ok(f(&range)),
            Err(_) => Err(device.failure(UNREADABLE)),
        }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        if self.mapped.is_some() {
            self.buffer.unmap();
        }
    }
}

/// A tensor's values that are being copied back. The pass that computes them has been submitted.
pub struct Reading {
    // Declared before the buffer that it maps, so that it is dropped first.
    mapping: Mapping,
    readable: Pooled,
    x: GpuTensor,
    values: Vec<f32>,
    refused: Pin<Box<dyn Future<Output = Result<()>>>>,
    profile: Option<Profile>,
}

impl GpuBackend {
    /// Submits the recorded commands and starts to copy the values of `x` back. Other passes may be recorded
    /// after that.
    ///
    /// # Errors
    /// [`crate::ErrorKind::DeviceLost`], [`crate::ErrorKind::OutOfMemory`].
    pub fn submit(&self, x: &GpuTensor) -> Result<Reading> {
        self.device.check()?;
        self.begin_pass();
        let values = try_vec(x.rows.saturating_mul(x.columns), ACTIVATIONS)?;
        let x = self.gathered(x)?;
        let bytes = (x.rows as u64).saturating_mul((x.stride() * size_of::<f32>()) as u64);
        let readable = self.readable.take(&self.device, bytes.next_power_of_two().max(256));
        let profile = {
            let mut recorder = self.recorder.borrow_mut();
            recorder.submit(&self.device, Some((x.buffer(), readable.get(), bytes)));
            recorder.take_profile()
        };
        let scopes = self.pass.take().expect("opened above");
        let refused = Box::pin(scopes.end(&self.device));
        let mapping = Mapping::start(readable.get(), bytes);
        Ok(Reading { mapping, readable, x, values, refused, profile })
    }

    /// Waits for the values of a submitted tensor and returns them row by row.
    ///
    /// # Errors
    /// [`crate::ErrorKind::DeviceLost`], and the errors of the device during the pass.
    pub async fn finish(&self, reading: Reading) -> Result<Vec<f32>> {
        let Reading { mapping, readable, x, mut values, refused, profile } = reading;
        let mapped = mapping.finish(&self.device, |bytes| {
            let rows = bytes.chunks_exact((x.stride() * size_of::<f32>()).max(1));
            for (to, row) in values.chunks_exact_mut(x.columns.max(1)).zip(rows) {
                to.iter_mut().zip(row.as_chunks().0).for_each(|(to, number)| *to = f32::from_le_bytes(*number));
            }
        });
        let mapped = mapped.await;
        // A pass that the device rejected leaves an earlier one's results in the buffer, which is mapped
        // anyway.
        if let Err(error) = refused.await {
            self.free_buffers();
            return Err(error);
        }
        mapped?;
        if let Some(profile) = profile {
            let times = Mapping::start(&profile.readable, profile.bytes())
                .finish(&self.device, |bytes| profile.times(&bytemuck::pod_collect_to_vec(bytes)));
            *self.profile.borrow_mut() = Some(times.await?);
        }
        drop((x, readable));
        let freed = [&self.tensors, &self.lists, &self.readable].map(Pool::end_pass);
        if freed.contains(&true) {
            self.recorder.borrow_mut().forget_bind_groups();
        }
        Ok(values)
    }
}

/// Waits for the mapping and returns whether it succeeded.
#[cfg(not(target_arch = "wasm32"))]
async fn wait(device: &Device, mapped: &mut Receiver<bool>) -> bool {
    // The callback runs inside `poll`.
    device.device.poll(wgpu::PollType::wait_indefinitely()).is_ok() && mapped.await.unwrap_or(false)
}

/// Waits for the mapping and returns whether it succeeded.
#[cfg(target_arch = "wasm32")]
async fn wait(device: &Device, mapped: &mut Receiver<bool>) -> bool {
    use js_sys::{Function, Promise, Reflect, global};
    use std::future::{Future, poll_fn};
    use std::pin::pin;
    use std::task::Poll;
    use wasm_bindgen::{JsCast, JsValue};
    use wasm_bindgen_futures::JsFuture;

    /// Milliseconds between two polls. Browsers' timers are no finer than this.
    const INTERVAL: i32 = 4;
    loop {
        // Firefox checks for finished work only every 100 ms, or when something is submitted.
        let timer = Promise::new(&mut |resolve, _| {
            let set: Option<Function> =
                Reflect::get(&global(), &"setTimeout".into()).ok().and_then(|f| f.dyn_into().ok());
            let _ = set.map(|set| set.call2(&JsValue::UNDEFINED, &resolve, &INTERVAL.into()));
        });
        let mut timer = pin!(JsFuture::from(timer));
        let done = poll_fn(|context| match Pin::new(&mut *mapped).poll(context) {
            Poll::Ready(result) => Poll::Ready(Some(result.unwrap_or(false))),
            Poll::Pending => timer.as_mut().poll(context).map(|_| None),
        })
        .await;
        match done {
            Some(result) => return result,
            None => drop(device.queue.submit([])),
        }
    }
}

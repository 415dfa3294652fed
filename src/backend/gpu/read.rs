//! What the device computed, copied to where the processor reads it: the one step that waits.

use super::device::Device;
use super::memory::GpuBuffer;
use crate::error::Result;
use futures_channel::oneshot::{Receiver, channel};

/// The first `bytes` of `buffer`, mapped once everything submitted before is done, through `f`.
///
/// # Errors
/// [`crate::ErrorKind::DeviceLost`].
pub async fn map<R>(device: &Device, buffer: &GpuBuffer, bytes: u64, f: impl FnOnce(&[u8]) -> R) -> Result<R> {
    const UNREADABLE: &str = "its results could not be read";
    if bytes == 0 {
        return Ok(f(&[]));
    }
    let (sender, receiver) = channel();
    buffer.raw.map_async(wgpu::MapMode::Read, 0..bytes, move |result| {
        // Nobody listens where the call was given up.
        let _ = sender.send(result.is_ok());
    });
    if !wait(device, receiver).await {
        return Err(device.failure(UNREADABLE));
    }
    let result = match buffer.raw.get_mapped_range(0..bytes) {
        Ok(range) => f(&range),
        Err(_) => return Err(device.failure(UNREADABLE)),
    };
    buffer.raw.unmap();
    Ok(result)
}

/// Whether the mapping succeeded.
#[cfg(not(target_arch = "wasm32"))]
async fn wait(device: &Device, mapped: Receiver<bool>) -> bool {
    // The callback runs in here.
    device.device.poll(wgpu::PollType::wait_indefinitely()).is_ok() && mapped.await.unwrap_or(false)
}

/// Whether the mapping succeeded.
#[cfg(target_arch = "wasm32")]
async fn wait(device: &Device, mapped: Receiver<bool>) -> bool {
    use js_sys::{Function, Promise, Reflect, global};
    use std::future::{Future, poll_fn};
    use std::pin::pin;
    use std::task::Poll;
    use wasm_bindgen::{JsCast, JsValue};
    use wasm_bindgen_futures::JsFuture;

    /// Milliseconds between two looks; timers of browsers have no finer grain.
    const INTERVAL: i32 = 4;
    let mut mapped = pin!(mapped);
    loop {
        // Firefox looks for finished work every 100 ms only, or when something is submitted.
        let timer = Promise::new(&mut |resolve, _| {
            let set: Option<Function> =
                Reflect::get(&global(), &"setTimeout".into()).ok().and_then(|f| f.dyn_into().ok());
            let _ = set.map(|set| set.call2(&JsValue::UNDEFINED, &resolve, &INTERVAL.into()));
        });
        let mut timer = pin!(JsFuture::from(timer));
        let done = poll_fn(|context| match mapped.as_mut().poll(context) {
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

//! Buffers on the graphics device, counted in a ledger, and reused: a forward pass of a size class seen before
//! allocates nothing.

use super::device::Device;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

/// What lives on the devices of this thread, in sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Buffers.
    pub buffers: usize,
    /// Their bytes.
    pub bytes: u64,
}

thread_local! {
    static LIVE: Cell<Ledger> = const { Cell::new(Ledger { buffers: 0, bytes: 0 }) };
    static NEXT_ID: Cell<u64> = const { Cell::new(0) };
}

/// The buffers that are alive now.
pub fn ledger() -> Ledger {
    LIVE.get()
}

/// A buffer that is destroyed when dropped: on the web, dropping the handle alone would leave its memory to the collector.
pub struct GpuBuffer {
    /// The handle.
    pub(super) raw: wgpu::Buffer,
    /// Different for each buffer of this thread, later ones larger.
    pub(super) id: u64,
    bytes: u64,
}

impl GpuBuffer {
    /// A buffer of `bytes` zeros. A failure shows in the device's error scope or as its loss, never here.
    pub(super) fn new(device: &Device, bytes: u64, usage: wgpu::BufferUsages) -> Self {
        // Never `mapped_at_creation`: it panics where memory is short.
        let raw = device.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: bytes,
            usage,
            mapped_at_creation: false,
        });
        LIVE.set(Ledger { buffers: LIVE.get().buffers + 1, bytes: LIVE.get().bytes + bytes });
        NEXT_ID.set(NEXT_ID.get() + 1);
        Self { raw, id: NEXT_ID.get(), bytes }
    }
}

impl Drop for GpuBuffer {
    fn drop(&mut self) {
        self.raw.destroy();
        LIVE.set(Ledger { buffers: LIVE.get().buffers - 1, bytes: LIVE.get().bytes - self.bytes });
    }
}

/// Spare buffers of one usage by size class, each class ordered by id.
pub struct Pool {
    usage: wgpu::BufferUsages,
    spare: Rc<RefCell<BTreeMap<(u64, u64), GpuBuffer>>>,
}

/// A buffer that goes back to its pool when dropped.
pub struct Pooled {
    // Always there until `drop`.
    buffer: Option<GpuBuffer>,
    home: Rc<RefCell<BTreeMap<(u64, u64), GpuBuffer>>>,
}

impl Pool {
    /// A pool of buffers for `usage`.
    pub fn new(usage: wgpu::BufferUsages) -> Self {
        Self { usage, spare: Rc::default() }
    }

    /// A buffer of exactly `bytes`, which is its class, with whatever its last user left there.
    ///
    /// Of the spare ones it is the oldest: so the same sequence of requests meets the same buffers each time, and finds the
    /// bind groups that were made for them.
    pub fn take(&self, device: &Device, bytes: u64) -> Pooled {
        let mut spare = self.spare.borrow_mut();
        let oldest = spare.range((bytes, 0)..=(bytes, u64::MAX)).next().map(|(key, _)| *key);
        let buffer = oldest.and_then(|key| spare.remove(&key));
        let buffer = buffer.unwrap_or_else(|| GpuBuffer::new(device, bytes, self.usage));
        Pooled { buffer: Some(buffer), home: self.spare.clone() }
    }
}

impl Pooled {
    /// The buffer.
    pub fn get(&self) -> &GpuBuffer {
        self.buffer.as_ref().expect("taken in `drop` only")
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        if let Some(buffer) = self.buffer.take() {
            self.home.borrow_mut().insert((buffer.bytes, buffer.id), buffer);
        }
    }
}

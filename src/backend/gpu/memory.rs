//! Buffers on the graphics device, counted in a ledger, and reused: a forward pass of a size class seen
//! before allocates nothing.

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

/// A buffer that is destroyed when dropped: on the web, dropping the handle alone would leave its memory to
/// the collector.
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

/// Spare buffers of one usage.
pub struct Pool {
    usage: wgpu::BufferUsages,
    spare: RefCell<Rc<RefCell<Spare>>>,
}

/// By size class and id, each with the pass that used it last.
#[derive(Default)]
struct Spare {
    buffers: BTreeMap<(u64, u64), (GpuBuffer, u64)>,
    passes: u64,
}

/// Passes after which a buffer that none of them used is freed.
const KEPT_PASSES: u64 = 64;

/// A buffer that goes back to its pool when dropped.
pub struct Pooled {
    // Always there until `drop`.
    buffer: Option<GpuBuffer>,
    home: Rc<RefCell<Spare>>,
}

impl Pool {
    /// A pool of buffers for `usage`.
    pub fn new(usage: wgpu::BufferUsages) -> Self {
        Self { usage, spare: RefCell::default() }
    }

    /// A buffer of exactly `bytes`, which is its class, with old contents.
    ///
    /// Of the spare ones it is the oldest: so the same sequence of requests meets the same buffers each time,
    /// and finds the bind groups that were made for them.
    pub fn take(&self, device: &Device, bytes: u64) -> Pooled {
        let home = self.spare.borrow().clone();
        let buffer = {
            let buffers = &mut home.borrow_mut().buffers;
            let oldest = buffers.range((bytes, 0)..=(bytes, u64::MAX)).next().map(|(key, _)| *key);
            oldest.and_then(|key| buffers.remove(&key)).map(|(buffer, _)| buffer)
        };
        Pooled { buffer: Some(buffer.unwrap_or_else(|| GpuBuffer::new(device, bytes, self.usage))), home }
    }

    /// Ends a pass: frees what the last [`KEPT_PASSES`] had no use for. Whether there was any.
    pub fn end_pass(&self) -> bool {
        let spare = self.spare.borrow();
        let Spare { buffers, passes } = &mut *spare.borrow_mut();
        *passes += 1;
        let before = buffers.len();
        buffers.retain(|_, (_, used)| *used + KEPT_PASSES >= *passes);
        buffers.len() < before
    }

    /// Frees every buffer; those in use, as soon as they are not.
    pub fn clear(&self) {
        self.spare.take();
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
            let Spare { buffers, passes } = &mut *self.home.borrow_mut();
            buffers.insert((buffer.bytes, buffer.id), (buffer, *passes));
        }
    }
}

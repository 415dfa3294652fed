//! Buffers on the graphics device, counted in a ledger, and reused: a forward pass of a size class seen
//! before allocates nothing.

use super::device::Device;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Totals of the live buffers on the devices of this thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// The number of buffers.
    pub buffers: usize,
    /// Their size in bytes.
    pub bytes: u64,
}

thread_local! {
    static LIVE: Cell<Ledger> = const { Cell::new(Ledger { buffers: 0, bytes: 0 }) };
    static NEXT_ID: Cell<u64> = const { Cell::new(0) };
}

/// Totals of the buffers that are alive now.
pub fn ledger() -> Ledger {
    LIVE.get()
}

/// A buffer that is destroyed when dropped: on the web, dropping only the handle would leave its memory to
/// the garbage collector.
pub struct GpuBuffer {
    /// The handle.
    pub(super) raw: wgpu::Buffer,
    /// Unique on this thread, and larger for newer buffers.
    pub(super) id: u64,
    bytes: u64,
}

impl GpuBuffer {
    /// A buffer of `bytes` zeros. A failure is reported by the device's error scope or as its loss, never
    /// here.
    pub(super) fn new(device: &Device, bytes: u64, usage: wgpu::BufferUsages) -> Self {
        // Never `mapped_at_creation`: it panics if memory is short.
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

/// Buffers by size class and id, each with the last pass that used it.
#[derive(Default)]
struct Spare {
    buffers: BTreeMap<(u64, u64), (GpuBuffer, u64)>,
    passes: u64,
}

/// A buffer is freed after this many passes that didn't use it.
const KEPT_PASSES: u64 = 64;

/// A buffer that goes back to its pool when dropped.
pub struct Pooled {
    // Always present until `drop`.
    buffer: Option<GpuBuffer>,
    spare: Rc<RefCell<Spare>>,
}

impl Pool {
    /// A pool of buffers for `usage`.
    pub fn new(usage: wgpu::BufferUsages) -> Self {
        Self { usage, spare: RefCell::default() }
    }

    /// A buffer of exactly `bytes` bytes, its size class, with old contents.
    ///
    /// It is the oldest spare one, so that the same sequence of requests gets the same buffers each time, and
    /// the bind groups that were created for them.
    pub fn take(&self, device: &Device, bytes: u64) -> Pooled {
        let spare = self.spare.borrow().clone();
        let buffer = {
            let buffers = &mut spare.borrow_mut().buffers;
            let oldest = buffers.range((bytes, 0)..=(bytes, u64::MAX)).next().map(|(key, _)| *key);
            oldest.and_then(|key| buffers.remove(&key)).map(|(buffer, _)| buffer)
        };
        Pooled { buffer: Some(buffer.unwrap_or_else(|| GpuBuffer::new(device, bytes, self.usage))), spare }
    }

    /// Ends a pass: frees the buffers that none of the last [`KEPT_PASSES`] used. Returns whether there were
    /// any.
    pub fn end_pass(&self) -> bool {
        let spare = self.spare.borrow();
        let Spare { buffers, passes } = &mut *spare.borrow_mut();
        *passes += 1;
        let before = buffers.len();
        buffers.retain(|_, (_, used)| *used + KEPT_PASSES >= *passes);
        buffers.len() < before
    }

    /// Frees every spare buffer. Those in use are freed when the last of them is dropped.
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
            let Spare { buffers, passes } = &mut *self.spare.borrow_mut();
            buffers.insert((buffer.bytes, buffer.id), (buffer, *passes));
        }
    }
}

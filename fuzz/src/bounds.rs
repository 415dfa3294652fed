//! The limits of an input: memory, which the allocator counts and refuses beyond a bound, and processor time,
//! which other programs on the machine don't lengthen.

use arbitrary::{Result, Unstructured};
use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

/// The maximum time for an input.
const MAX_TIME: Duration = Duration::from_secs(1);

/// The memory limit of an input, in bytes, as docs/security.md states it. An allocation beyond it fails, like
/// one beyond the memory of WebAssembly: that is an error if the code expects it, and otherwise an abort,
/// which the fuzzer finds.
pub const MEMORY: usize = 64 << 20;

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static LIMIT: AtomicUsize = AtomicUsize::new(usize::MAX);
/// The maximum memory that any input has used so far.
static LARGEST: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, with counting.
struct Counted;

#[global_allocator]
static ALLOCATOR: Counted = Counted;

/// Counts `bytes` more bytes, and returns whether there is room for them.
fn reserve(bytes: usize) -> bool {
    let held = HELD.fetch_add(bytes, Relaxed).wrapping_add(bytes);
    if held > LIMIT.load(Relaxed) {
        HELD.fetch_sub(bytes, Relaxed);
        return false;
    }
    if held > PEAK.load(Relaxed) {
        PEAK.store(held, Relaxed);
    }
    true
}

/// The result of an allocation, or null if it was refused.
fn counted(bytes: usize, allocate: impl FnOnce() -> *mut u8) -> *mut u8 {
    if !reserve(bytes) {
        return null_mut();
    }
    let place = allocate();
    if place.is_null() {
        HELD.fetch_sub(bytes, Relaxed);
    }
    place
}

// SAFETY: every call is passed on to the system's allocator or refused, as any allocator may do.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are the system's.
        counted(layout.size(), || unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        counted(layout.size(), || unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // While memory moves, both places may exist: only the additional bytes are counted.
        let more = size.saturating_sub(layout.size());
        // SAFETY: as above.
        let place = counted(more, || unsafe { System.realloc(place, layout, size) });
        if !place.is_null() {
            HELD.fetch_sub(layout.size().saturating_sub(size), Relaxed);
        }
        place
    }
}

/// The processor time that this thread has used.
fn processor_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is valid for the whole call.
    let status = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(status, 0, "there is a clock");
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

/// Runs a target with an input. Aborts if it takes longer than a second, or needs more than [`MEMORY`] and
/// the code doesn't expect that.
pub fn run_bounded(data: &[u8], target: impl FnOnce(&mut Unstructured<'_>) -> Result<()>) {
    let before = HELD.load(Relaxed);
    PEAK.store(before, Relaxed);
    LIMIT.store(before + MEMORY, Relaxed);
    let start = processor_time();
    // Too few bytes don't make an input.
    let _ = target(&mut Unstructured::new(data));
    let took = processor_time() - start;
    LIMIT.store(usize::MAX, Relaxed);
    assert!(took < MAX_TIME, "the input took {took:?} of the processor");
    let peak = PEAK.load(Relaxed) - before;
    // Reported when it grows: scripts/fuzz.mjs reads the last line.
    if peak > LARGEST.load(Relaxed) * 9 / 8 {
        LARGEST.store(peak, Relaxed);
        eprintln!("largest input: {peak} bytes of memory");
    }
}

//! What an input may cost: memory, which the allocator counts and refuses beyond a bound, and time of the
//! processor, which another program on the machine doesn't lengthen.

use arbitrary::{Result, Unstructured};
use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

/// The longest that an input may take.
const LONGEST: Duration = Duration::from_secs(1);

/// The memory that an input has, in bytes, as docs/security.md states it. An allocation beyond it fails, as one beyond
/// the memory of WebAssembly does: an error where the code expects it, and an abort, which is found, where it doesn't.
pub const MEMORY: usize = 64 << 20;

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(usize::MAX);
/// The most that any input has taken so far.
static LARGEST: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, counted.
struct Counted;

#[global_allocator]
static ALLOCATOR: Counted = Counted;

/// Whether there is room for `bytes` more bytes, which are then counted.
fn taken(bytes: usize) -> bool {
    let held = HELD.fetch_add(bytes, Relaxed).wrapping_add(bytes);
    if held > MOST.load(Relaxed) {
        HELD.fetch_sub(bytes, Relaxed);
        return false;
    }
    if held > PEAK.load(Relaxed) {
        PEAK.store(held, Relaxed);
    }
    true
}

/// What an allocation gave, or null where it was refused.
fn counted(bytes: usize, allocate: impl FnOnce() -> *mut u8) -> *mut u8 {
    if !taken(bytes) {
        return null_mut();
    }
    let place = allocate();
    if place.is_null() {
        HELD.fetch_sub(bytes, Relaxed);
    }
    place
}

// SAFETY: every call is passed on to the system's allocator, or refused, as any allocator may.
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
        // While it moves, both places may be there: only what is more is counted.
        let more = size.saturating_sub(layout.size());
        // SAFETY: as above.
        let place = counted(more, || unsafe { System.realloc(place, layout, size) });
        if !place.is_null() {
            HELD.fetch_sub(layout.size().saturating_sub(size), Relaxed);
        }
        place
    }
}

/// The time that this thread has had of the processor.
fn of_processor() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the place is there for the whole call.
    let status = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(status, 0, "there is a clock");
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

/// Runs a target with an input, and aborts where it takes longer than a second, or more than [`MEMORY`]
/// and the code doesn't expect that.
pub fn hold(data: &[u8], target: impl FnOnce(&mut Unstructured<'_>) -> Result<()>) {
    let before = HELD.load(Relaxed);
    PEAK.store(before, Relaxed);
    MOST.store(before + MEMORY, Relaxed);
    let start = of_processor();
    // Too few bytes make no input.
    let _ = target(&mut Unstructured::new(data));
    let took = of_processor() - start;
    MOST.store(usize::MAX, Relaxed);
    assert!(took < LONGEST, "the input took {took:?} of the processor");
    let peak = PEAK.load(Relaxed) - before;
    // Told where it has grown: scripts/fuzz.mjs reads the last.
    if peak > LARGEST.load(Relaxed) * 9 / 8 {
        LARGEST.store(peak, Relaxed);
        eprintln!("largest input: {peak} bytes of memory");
    }
}

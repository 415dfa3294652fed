//! The protocol: one job at a time, an open gate while it lasts, and a counter from which all threads take
//! tasks.
//! No thread waits for a helper that sleeps or was descheduled: a helper that has not joined by the time
//! all tasks are taken finds the gate closed. The calling thread only waits for helpers that are inside and
//! still run the tasks that they took.

use std::cell::UnsafeCell;
use std::hint::spin_loop;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The gate's bit that closes it; the other bits count the helpers inside.
const CLOSED: u32 = 1 << 31;

/// How often a thread checks again before it goes to sleep: for about 0.1 ms, longer than the calling thread
/// works alone between two products, because waking up takes up to 0.05 ms.
const SPINS: u32 = 40_000;

/// How long the calling thread sleeps at a time while it waits for the helpers inside...
const NAP: Duration = Duration::from_millis(100);
/// ...and how often at most: 30 seconds in all, while a share of tasks takes milliseconds. A helper that
/// needs longer is lost.
const NAPS: u32 = 300;

/// `f(thread, task)` for each of `tasks` tasks.
#[derive(Clone, Copy)]
struct Job {
    f: *const (dyn Fn(usize, usize) + Sync),
    tasks: usize,
    threads: usize,
}

/// What the threads of a team share.
pub struct Crew {
    job: UnsafeCell<Option<Job>>,
    // The first task that no thread has taken.
    next: AtomicUsize,
    gate: AtomicU32,
    // The number of jobs so far, by which helpers notice a new one.
    jobs: AtomicU32,
    ended: AtomicBool,
    broken: AtomicBool,
    lost: AtomicBool,
    work: Bell,
    done: Bell,
}

// SAFETY: only `job` is not thread-safe by itself. It is written while the gate is closed and no helper is
// inside, and read by helpers inside; the gate's release and acquire order the two.
unsafe impl Sync for Crew {}
// SAFETY: as above; the pointer in a job is used only while `run` borrows what it points to.
unsafe impl Send for Crew {}

impl Crew {
    /// A crew without a job.
    pub const fn new() -> Self {
        Self {
            job: UnsafeCell::new(None),
            next: AtomicUsize::new(0),
            gate: AtomicU32::new(CLOSED),
            jobs: AtomicU32::new(0),
            ended: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            lost: AtomicBool::new(false),
            work: Bell::new(),
            done: Bell::new(),
        }
    }

    /// Calls `f(thread, task)` once for each task below `tasks`, on the calling thread (thread 0) and on the
    /// helpers below `threads`. Only one thread may call it at a time.
    ///
    /// # Panics
    /// If a helper's task panicked. If a helper is lost in the middle of a task, the process (in WebAssembly:
    /// the instance) is aborted, because the helper may still write to its memory.
    pub fn run(&self, threads: usize, tasks: usize, f: &(dyn Fn(usize, usize) + Sync)) {
        assert!(self.gate.load(Acquire) & CLOSED != 0, "one job at a time");
        // SAFETY: only the lifetime changes, and `Open` ensures that no thread uses `f` after this function,
        // even if a task panics.
        let f: &'static (dyn Fn(usize, usize) + Sync) = unsafe { std::mem::transmute(f) };
        let job = Job { f, tasks, threads };
        // SAFETY: the gate is closed, and `Open` saw the last helper leave: no thread reads the job.
        unsafe { *self.job.get() = Some(job) };
        self.next.store(0, Relaxed);
        self.gate.fetch_and(!CLOSED, Release);
        let open = Open(self);
        self.jobs.fetch_add(1, SeqCst);
        self.work.ring();
        self.take(job, 0);
        drop(open);
        assert!(!self.broken.load(Relaxed), "a task panicked on another thread");
    }

    /// Helps with every job as thread `thread` (1 and up), until [`Crew::end`].
    pub fn help(&self, thread: usize) {
        let mut seen = 0;
        loop {
            self.work.wait(None, || self.jobs.load(SeqCst) != seen || self.ended.load(SeqCst));
            if self.ended.load(SeqCst) {
                return;
            }
            seen = self.jobs.load(SeqCst);
            let inside = Inside(self);
            if self.gate.fetch_add(1, Acquire) & CLOSED == 0 {
                // SAFETY: `run` waits for every helper that came in through the open gate before it writes
                // the job again.
                let job = unsafe { *self.job.get() }.filter(|job| thread < job.threads);
                if let Some(job) = job {
                    self.take(job, thread);
                }
            }
            drop(inside);
        }
    }

    /// Ends the helpers.
    pub fn end(&self) {
        self.ended.store(true, SeqCst);
        self.work.ring();
    }

    /// Reports that a helper is lost, maybe during a task.
    #[cfg_attr(not(target_arch = "wasm32"), expect(dead_code, reason = "a task that panics leaves by `Inside`"))]
    pub fn lose_helper(&self) {
        self.lost.store(true, SeqCst);
        self.done.ring();
    }

    /// Takes tasks, many at once at the beginning and few towards the end, and runs them.
    fn take(&self, job: Job, thread: usize) {
        // SAFETY: a job can be taken only while `run` is active, which borrows `f`.
        let f = unsafe { &*job.f };
        let mut first = self.next.load(Relaxed);
        while first < job.tasks {
            let end = first + ((job.tasks - first) / (2 * job.threads)).max(1);
            match self.next.compare_exchange_weak(first, end, Relaxed, Relaxed) {
                Ok(_) => {
                    (first..end).for_each(|task| f(thread, task));
                    first = self.next.load(Relaxed);
                }
                Err(now) => first = now,
            }
        }
    }
}

/// The gate while it is open: dropping it closes the gate and waits for the helpers inside.
struct Open<'a>(&'a Crew);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        let Self(crew) = self;
        crew.gate.fetch_or(CLOSED, AcqRel);
        let came = crew.done.wait(Some(NAPS), || crew.gate.load(SeqCst) == CLOSED || crew.lost.load(SeqCst));
        if !came || crew.lost.load(SeqCst) {
            std::process::abort();
        }
    }
}

/// A helper at the gate: dropping it leaves.
struct Inside<'a>(&'a Crew);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        let Self(crew) = self;
        if std::thread::panicking() {
            crew.broken.store(true, Relaxed);
        }
        if crew.gate.fetch_sub(1, SeqCst) == CLOSED + 1 {
            crew.done.ring();
        }
    }
}

/// What a thread waits with: it spins for a while, and then sleeps until the bell is rung.
struct Bell {
    sleepers: AtomicU32,
    lock: Mutex<()>,
    condvar: Condvar,
}

impl Bell {
    const fn new() -> Self {
        Self { sleepers: AtomicU32::new(0), lock: Mutex::new(()), condvar: Condvar::new() }
    }

    /// Waits until `ready`, which must load with `SeqCst`. Returns false if that took more than `naps` naps
    /// of [`NAP`].
    fn wait(&self, naps: Option<u32>, ready: impl Fn() -> bool) -> bool {
        for _ in 0..SPINS {
            if ready() {
                return true;
            }
            spin_loop();
        }
        // The ringing thread changes what `ready` loads before it looks for sleepers, and a sleeper counts
        // itself before it calls `ready`: one of the two sees the other.
        self.sleepers.fetch_add(1, SeqCst);
        let mut guard = self.guard();
        let mut left = naps;
        while !ready() && left != Some(0) {
            guard = match &mut left {
                None => self.condvar.wait(guard).unwrap_or_else(PoisonError::into_inner),
                Some(left) => {
                    *left -= 1;
                    self.condvar.wait_timeout(guard, NAP).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        drop(guard);
        self.sleepers.fetch_sub(1, SeqCst);
        ready()
    }

    /// Wakes all sleepers.
    fn ring(&self) {
        if self.sleepers.load(SeqCst) > 0 {
            // No ring falls between a sleeper's last check and its sleep, because both need the lock.
            drop(self.guard());
            self.condvar.notify_all();
        }
    }

    fn guard(&self) -> MutexGuard<'_, ()> {
        // It guards no data that a panic could leave half done.
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;

    #[test]
    fn waits_for_a_bell_with_a_timeout() {
        assert!(!Bell::new().wait(Some(2), || false));
    }

    #[test]
    fn a_bell_wakes_a_sleeper() {
        let (bell, rung) = (Bell::new(), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| assert!(bell.wait(None, || rung.load(SeqCst))));
            while bell.sleepers.load(SeqCst) == 0 {
                std::thread::yield_now();
            }
            rung.store(true, SeqCst);
            bell.ring();
        });
    }

    #[test]
    fn helpers_beyond_the_number_of_threads_take_no_tasks() {
        let crew = Crew::new();
        std::thread::scope(|scope| {
            scope.spawn(|| crew.help(2));
            for _ in 0..100 {
                crew.run(2, 50, &|thread, _| assert_ne!(thread, 2));
            }
            crew.end();
        });
    }
}

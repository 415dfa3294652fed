//! The team of a WebAssembly instance with threads. JavaScript starts its helpers, which share the memory,
//! and ends them.
//!
//! An instance belongs to one classifier in its own worker, which is the thread that calls `run`. So there is
//! one crew for all teams.

use super::crew::Crew;
use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

static CREW: Crew = Crew::new();
static THREADS: AtomicUsize = AtomicUsize::new(1);

/// Helps as thread `thread`, until [`end_helpers`].
pub fn help(thread: usize) {
    CREW.help(thread);
}

/// Sets how many threads new teams have: the calling one, and helpers 1 and up.
pub fn set_threads(threads: usize) {
    THREADS.store(threads, Relaxed);
}

/// Makes every helper return from [`help`] for good.
pub fn end_helpers() {
    CREW.end();
}

/// Reports that a helper trapped: the current job, or the next one, traps, too.
pub fn lose_helper() {
    CREW.lose_helper();
}

/// The calling thread and the helpers that existed when the team was created.
pub struct Team {
    threads: usize,
    // Only one thread may call `run`.
    not_sync: PhantomData<Cell<()>>,
}

impl Default for Team {
    fn default() -> Self {
        Self { threads: THREADS.load(Relaxed), not_sync: PhantomData }
    }
}

impl Team {
    /// The number of threads that compute, including the calling one.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Calls `f(thread, task)` once for each task below `tasks`, with `thread` below [`Team::threads`].
    pub fn run(&self, tasks: usize, f: impl Fn(usize, usize) + Sync) {
        if self.threads == 1 || tasks <= 1 {
            return (0..tasks).for_each(|task| f(0, task));
        }
        CREW.run(self.threads, tasks, &f);
    }
}

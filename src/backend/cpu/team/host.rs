//! The team of the host: system threads, which end when the team is dropped.

use super::crew::Crew;
use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

/// The calling thread and its helpers.
pub struct Team {
    crew: Arc<Crew>,
    helpers: Vec<JoinHandle<()>>,
    // Only one thread may call `run`.
    not_sync: PhantomData<Cell<()>>,
}

impl Default for Team {
    fn default() -> Self {
        Self::with_threads(1)
    }
}

impl Team {
    /// A team of `threads` threads, including the calling one.
    ///
    /// # Panics
    /// If `threads` is 0, or the system can't start another thread.
    pub fn with_threads(threads: usize) -> Self {
        assert!(threads > 0, "the calling thread is one");
        let crew = Arc::new(Crew::new());
        let helper = |thread| {
            let crew = crew.clone();
            thread::spawn(move || crew.help(thread))
        };
        Self { helpers: (1..threads).map(helper).collect(), crew, not_sync: PhantomData }
    }

    /// The number of threads that compute, including the calling one.
    pub fn threads(&self) -> usize {
        self.helpers.len() + 1
    }

    /// Calls `f(thread, task)` once for each task below `tasks`, with `thread` below [`Team::threads`].
    ///
    /// # Panics
    /// If `f` does, on any thread.
    pub fn run(&self, tasks: usize, f: impl Fn(usize, usize) + Sync) {
        if self.helpers.is_empty() || tasks <= 1 {
            return (0..tasks).for_each(|task| f(0, task));
        }
        self.crew.run(self.threads(), tasks, &f);
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.crew.end();
        for helper in self.helpers.drain(..) {
            // `run` has reported any that panicked.
            let _ = helper.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering::SeqCst;

    #[test]
    fn each_task_runs_once_on_a_thread_of_the_team() {
        for threads in [1, 2, 3, 8] {
            let team = Team::with_threads(threads);
            assert_eq!(team.threads(), threads);
            for tasks in [0, 1, 2, 3, 7, 64, 1000] {
                let times: Vec<AtomicUsize> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
                team.run(tasks, |thread, task| {
                    assert!(thread < threads);
                    times[task].fetch_add(1, SeqCst);
                });
                assert!(times.iter().all(|times| times.load(SeqCst) == 1), "{threads} threads, {tasks} tasks");
            }
        }
    }

    #[test]
    fn many_short_jobs_and_pauses_between_them() {
        let team = Team::with_threads(3);
        let sum = AtomicUsize::new(0);
        for round in 0..20_000 {
            team.run(4, |_, task| {
                sum.fetch_add(task, SeqCst);
            });
            if round % 2000 == 0 {
                thread::sleep(std::time::Duration::from_millis(2)); // the helpers fall asleep
            }
        }
        assert_eq!(sum.load(SeqCst), 20_000 * 6);
    }

    #[test]
    fn helpers_take_part() {
        let team = Team::with_threads(2);
        let seen = [AtomicUsize::new(0), AtomicUsize::new(0)];
        // A task waits until the other thread has one, too.
        team.run(2, |thread, _| {
            seen[thread].fetch_add(1, SeqCst);
            while seen.iter().any(|seen| seen.load(SeqCst) == 0) {
                thread::yield_now();
            }
        });
    }

    #[test]
    fn a_panic_on_any_thread_reaches_the_caller_and_nothing_hangs() {
        for thread_that_panics in 0..2 {
            let team = Team::with_threads(2);
            let result = catch_unwind(AssertUnwindSafe(|| {
                for _ in 0..100_000 {
                    team.run(64, |thread, _| assert!(thread != thread_that_panics, "meant to"));
                }
            }));
            assert!(result.is_err(), "thread {thread_that_panics}");
        }
    }

    #[test]
    fn a_team_may_be_dropped_unused() {
        drop(Team::with_threads(4));
    }
}

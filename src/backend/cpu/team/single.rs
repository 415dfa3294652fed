//! A team of one: WebAssembly without threads.

/// Only the calling thread.
#[derive(Default)]
pub struct Team(());

impl Team {
    /// 1
    pub fn threads(&self) -> usize {
        1
    }

    /// Calls `f(0, task)` for each task below `tasks`.
    #[inline(always)]
    pub fn run(&self, tasks: usize, f: impl Fn(usize, usize) + Sync) {
        (0..tasks).for_each(|task| f(0, task));
    }
}

//! The threads that compute with the one that classifies.

use crate::backend::cpu::team;
use wasm_bindgen::prelude::*;

/// Helps the thread that classifies as thread `thread` (1 and up), until [`end_helpers`]. To be called in a worker of its own, on
/// an instance with the same memory.
#[wasm_bindgen(js_name = helpAsThread)]
pub fn help_as_thread(thread: usize) {
    team::help(thread);
}

/// How many threads the models loaded from now on are computed with: this one, and helpers 1 and up.
#[wasm_bindgen(js_name = setThreads)]
pub fn set_threads(threads: usize) {
    team::set_threads(threads);
}

/// Lets every helper return, for good.
#[wasm_bindgen(js_name = endHelpers)]
pub fn end_helpers() {
    team::end_helpers();
}

/// Tells, from any of its instances, that a helper trapped. What is computed now or next traps too, instead of waiting for it.
#[wasm_bindgen(js_name = loseHelper)]
pub fn lose_helper() {
    team::lose_helper();
}

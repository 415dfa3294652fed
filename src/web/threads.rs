//! The threads that help the classifying thread to compute.

use crate::backend::cpu::team;
use wasm_bindgen::prelude::*;

/// Helps the classifying thread as thread `thread` (1 and up) until [`end_helpers`]. Call it in a separate
/// worker, on an instance with the same memory.
#[wasm_bindgen(js_name = helpAsThread)]
pub fn help_as_thread(thread: usize) {
    team::help(thread);
}

/// Sets how many threads compute the models loaded from now on: this one, and helpers 1 and up.
#[wasm_bindgen(js_name = setThreads)]
pub fn set_threads(threads: usize) {
    team::set_threads(threads);
}

/// Makes every helper return, for good.
#[wasm_bindgen(js_name = endHelpers)]
pub fn end_helpers() {
    team::end_helpers();
}

/// Reports, from any instance, that a helper trapped. The current or next computation then traps too instead
/// of waiting for it.
#[wasm_bindgen(js_name = loseHelper)]
pub fn lose_helper() {
    team::lose_helper();
}

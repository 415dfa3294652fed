//! The WebAssembly bindings of a classifier, kept thin. The public API on top of them is handwritten
//! TypeScript (`js/`).
//!
//! `loader` reads a model's files, `engine` classifies, `info` describes what runs, `gpu` holds the graphics
//! device, `threads` controls the CPU's helpers. Everything else that a page needs is here.

mod engine;
mod gpu;
mod info;
mod loader;
#[cfg(target_feature = "atomics")]
mod threads;

pub use engine::Engine;
pub use gpu::{Gpu, gpu_buffers};
pub use loader::{FileHash, Loader};
#[cfg(target_feature = "atomics")]
pub use threads::{end_helpers, help_as_thread, lose_helper, set_threads};

use crate::backend::auto::Side;
use crate::error::ErrorKind;
use serde::Serialize;
use wasm_bindgen::prelude::*;

fn to_js(value: &impl Serialize) -> Result<JsValue, JsValue> {
    // Creates plain objects rather than `Map`s; numbers beyond 2^53 don't occur.
    value.serialize(&serde_wasm_bindgen::Serializer::json_compatible()).map_err(JsValue::from)
}

fn device_name(side: Side) -> &'static str {
    match side {
        Side::Cpu => "cpu",
        Side::Gpu => "webgpu",
    }
}

/// Every error kind, by name.
#[wasm_bindgen(js_name = errorKinds)]
pub fn error_kinds() -> Vec<String> {
    ErrorKind::ALL.iter().map(|kind| kind.name().to_owned()).collect()
}

/// Bytes of the WebAssembly memory. It never shrinks, so this is its peak.
#[wasm_bindgen(js_name = memoryBytes)]
pub fn memory_bytes() -> f64 {
    core::arch::wasm32::memory_size::<0>() as f64 * 65_536.0
}

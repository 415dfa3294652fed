//! Whole models, from their files to their answers, on the CPU: the same tests run on the host and, with
//! `wasm-pack test`, in a browser.

#[path = "../common/mod.rs"]
mod common;

mod architectures;
mod bounds;
mod checkpoints;
#[cfg(not(target_arch = "wasm32"))]
mod encoder_properties;
#[cfg(not(target_arch = "wasm32"))]
mod exports;
mod int4_tables;
mod loading;
mod onnx_hostile;
mod pairs;
#[cfg(not(target_arch = "wasm32"))]
mod properties;
mod pruning;
mod quantize;
#[cfg(not(target_arch = "wasm32"))]
mod sentiment;
mod static_embedding;
mod tagging;
mod torch;
mod torch_hostile;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);

//! The CPU's arithmetic. The same tests run on the host and, with `wasm-pack test`, in a browser: in two builds,
//! because relaxed SIMD computes differently.

#[path = "../common/mod.rs"]
mod common;

mod elementary;
mod integers;
mod kernels;
mod parity;
mod teach;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);

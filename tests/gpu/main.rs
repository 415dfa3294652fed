//! The graphics device. The same tests run on the host (Vulkan; Mesa's lavapipe if there is no card) and,
//! with `wasm-pack test`, in a browser (SwiftShader if there is no card).

#[macro_use]
#[path = "../common/mod.rs"]
mod common;

mod architectures;
mod bias_and_pooling;
mod faults;
mod int4;
mod kernels;
mod model;
mod products;
#[cfg(not(target_arch = "wasm32"))]
mod shaders;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);

//! Tokenization, against Hugging Face's. The same tests run on the host and, with `wasm-pack test`, in a browser.

#[path = "../common/mod.rs"]
mod common;

mod added;
mod bounds;
mod files;
mod folders;
mod hostile;
mod kinds;
#[cfg(not(target_arch = "wasm32"))]
mod properties;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);

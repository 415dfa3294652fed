//! The threads that compute: a caller and its helpers take tasks until none is left.
//!
//! `crew.rs` is the protocol between them. Each kind of target has its own `Team`: `single.rs` for
//! WebAssembly without threads, where a run is a plain loop; `wasm.rs` for WebAssembly with threads, where
//! the helpers are workers that JavaScript starts; `host.rs` for the host, so that its tests cover the
//! protocol. The results don't depend on the number of threads: each task writes its own places ([`Parts`]),
//! and sums are never split between tasks.

#[cfg(any(not(target_arch = "wasm32"), target_feature = "atomics"))]
mod crew;
#[cfg(not(target_arch = "wasm32"))]
mod host;
mod parts;
#[cfg(all(target_arch = "wasm32", not(target_feature = "atomics")))]
mod single;
#[cfg(all(target_arch = "wasm32", target_feature = "atomics"))]
mod wasm;

#[cfg(not(target_arch = "wasm32"))]
pub use host::Team;
pub use parts::Parts;
#[cfg(all(target_arch = "wasm32", not(target_feature = "atomics")))]
pub use single::Team;
#[cfg(all(target_arch = "wasm32", target_feature = "atomics"))]
pub use wasm::{Team, end_helpers, help, lose_helper, set_threads};

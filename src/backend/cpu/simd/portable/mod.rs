//! The vectors as arrays, for every target without SIMD128: they compute the same as `wasm`, lane by lane.

mod floats;
mod integers;

pub use floats::F32x4;
pub use integers::{I8x16, I16x8, I32x4};

//! The vectors as WebAssembly's `v128`.

mod floats;
mod integers;

pub use floats::F32x4;
pub use integers::{I8x16, I16x8, I32x4};

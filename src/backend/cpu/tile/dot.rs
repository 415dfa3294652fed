//! Which instructions products with integer weights use. Both ways compute the same sums, bit for bit.

use crate::backend::cpu::simd::{I8x16, I32x4};
use std::hint::black_box;

/// How many products one instruction adds up in a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dot {
    /// Two, of 16 bits each.
    Pairs,
    /// Four, of 8 bits each, one operand in 0..=127. A single instruction if the processor has one for it
    /// (AVX-VNNI, ARM's dotprod), otherwise three.
    Quads,
}

impl Dot {
    /// The faster one here.
    pub fn fastest() -> Self {
        if cfg!(target_feature = "relaxed-simd") && has_quads() { Self::Quads } else { Self::Pairs }
    }
}

/// Whether the engine has one instruction for sums of four products. The result for an operand beyond 127,
/// which WebAssembly leaves to engines, shows it: x86 without that instruction multiplies unsigned bytes and
/// clamps the sum of two to 16 bits, at most 32767; with it, it keeps all bits; ARM treats the operand as
/// negative.
fn has_quads() -> bool {
    let [a, b] = black_box([127, -1]).map(I8x16::splat);
    let [sum, ..] = I32x4::splat(0).dot_quads_add(a, b).to_array();
    sum != 2 * i32::from(i16::MAX)
}

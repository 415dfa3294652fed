//! Converts rows that are stored as int4 for products with int8 weights.

use crate::backend::cpu::simd::{F32x4, I8x16, I16x8};
use crate::weights::int4::{GROUP, ZERO};
use crate::weights::quantize::QMAX;
use std::array::from_fn;

/// Sets `row` (K) to the int8 weights nearest to those of a stored row (`packed`: K/2 bytes, `group_scales`:
/// K/32). Returns their scale, 8/127 of the largest group scale, so that all of int4's range fits, or 1 if
/// all scales are (nearly) 0.
///
/// Uses tables of a group's 16 values, because this runs over every byte of a file before the engine has
/// optimized it.
pub fn int4_to_int8(packed: &[u8], group_scales: &[f32], row: &mut [i8]) -> f32 {
    let largest = group_scales.iter().fold(0.0f32, |m, s| m.max(s.abs())) * f32::from(ZERO);
    // The inverse of a subnormal scale could be infinite.
    let scale = if largest >= f32::MIN_POSITIVE * QMAX { largest / QMAX } else { 1.0 };
    let groups = packed.as_chunks::<{ GROUP / 2 }>().0.iter().zip(group_scales);
    for ((group, group_scale), row) in groups.zip(row.as_chunks_mut::<GROUP>().0) {
        let factor = F32x4::splat(group_scale / scale);
        let parts: [_; 4] = from_fn(|i| {
            let first = i as f32 * 4.0 - f32::from(ZERO);
            (F32x4::from_slice(&[first, first + 1.0, first + 2.0, first + 3.0]) * factor).nearest().1
        });
        let table = I8x16::narrow(I16x8::narrow(parts[0], parts[1]), I16x8::narrow(parts[2], parts[3]));
        let [first, second] = I8x16::from_bytes(group).nibbles().map(|q| table.lookup(q));
        for (to, weights) in row.as_chunks_mut().0.iter_mut().zip(I8x16::interleave(first, second)) {
            *to = weights.to_array();
        }
    }
    scale
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::int4::{dequantized, pack};

    #[test]
    fn a_weight_is_off_by_half_a_step_at_most() {
        let q: Vec<u8> = (0..4 * GROUP).map(|i| (i * 7 % 16) as u8).collect();
        let packed: Vec<u8> = pack(&q).collect();
        for scales in [[0.5, -1.0, 0.25, 0.001], [0.0, 0.0, 1e-6, 0.0], [0.0; 4], [1e-42; 4], [1e30, 1.0, -1e30, 0.0]] {
            let mut row = vec![0; 4 * GROUP];
            let scale = int4_to_int8(&packed, &scales, &mut row);
            assert!(scale.is_finite() && scale > 0.0 && row.iter().all(|w| *w != -128));
            for (w, stored) in row.iter().zip(dequantized(&packed, &scales)) {
                let error = (f32::from(*w) * scale - stored).abs();
                assert!(error <= 0.501 * scale, "{w} · {scale} for {stored}");
            }
        }
    }
}

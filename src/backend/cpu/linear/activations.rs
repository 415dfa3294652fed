//! Rounds activations to integers for products with integer weights: once per call, in the order in which the
//! tiles read them.
//!
//! The rows of a tile are interleaved in chunks of 4 (int16, and 14 bits in two digits) or 8 values; the
//! depth K is padded with zeros to K', like the weights' depth. Each function rounds the rows of one tile:
//! `x` (R, K), where R is the length of `scales`. An infinite or NaN activation makes its row's scale
//! infinite or NaN, and with it the row's results.

use crate::backend::cpu::simd::{F32x4, I8x16, I16x8, I32x4, LANES};
use crate::backend::cpu::tile::STEP;
use crate::backend::cpu::tile::int8::{DIGIT_BITS, I14_OFFSET};
use crate::weights::int4;

/// Values whose largest magnitude is below this count as zeros, because the factor of much smaller ones would
/// be infinite.
const NEGLIGIBLE: f32 = 1e-30;

/// The largest magnitude of an activation for which |Σ q·w| ≤ 2^31 - 1, given the largest Σ |w| of a row; at
/// most what 14 bits hold, even for products in 16 bits, so that every way of computing has the same results.
pub fn limit(largest_row_sum: u64) -> i16 {
    let limit = i32::MAX as u64 / largest_row_sum.max(1);
    limit.min(I14_OFFSET as u64 - 1) as i16
}

/// int16: q[k] = nearest(x[k] / s), s = max |x| / limit; ties to even. values: (K'/4, R, 4); scales: (R).
pub fn quantize_i16(x: &[f32], limit: i16, values: &mut [i16], scales: &mut [f32]) {
    let rows = scales.len();
    for (r, (x, scale)) in x.chunks_exact(x.len() / rows).zip(scales).enumerate() {
        let (factor, step) = factor_of(largest_magnitude(x), f32::from(limit));
        *scale = step;
        let (quads, _) = values.as_chunks_mut::<LANES>();
        for (values, k) in quads[r..].iter_mut().step_by(rows).zip((0..).step_by(LANES)) {
            let q = (part(x, k) * factor).nearest().1;
            I16x8::narrow(q, q).write_low(values);
        }
    }
}

/// 14 bits in two digits: q[k] as in `quantize_i16`; q + 8192 = 128 · high + low. values: (K'/4, R, 2, 4),
/// the high digits of 4 k, then their low ones; scales: (R).
pub fn quantize_i14(x: &[f32], limit: i16, values: &mut [i8], scales: &mut [f32]) {
    let rows = scales.len();
    let [offset, mask] = [I14_OFFSET.into(), (1 << DIGIT_BITS) - 1].map(I32x4::splat);
    for (r, (x, scale)) in x.chunks_exact(x.len() / rows).zip(scales).enumerate() {
        let (factor, step) = factor_of(largest_magnitude(x), f32::from(limit));
        *scale = step;
        let (quads, _) = values.as_chunks_mut::<{ 2 * LANES }>();
        for (values, k) in quads[r..].iter_mut().step_by(rows).zip((0..).step_by(LANES)) {
            let q = (part(x, k) * factor).nearest().1 + offset;
            // Masked in case a row has infinity or NaN: engines differ for digits out of range.
            let digits = I16x8::narrow(q.shr::<DIGIT_BITS>().and(mask), q.and(mask));
            I8x16::narrow(digits, digits).write_low(values);
        }
    }
}

/// int8: q[k] = nearest(x[k] / s), s = max |x| / 127. values: (K'/8, R, 8); scales: (R); starts: (K'/32, R,
/// 2), -8 · Σ q over the k of a group that are 0 or 1 modulo 4, and over those that are 2 or 3.
pub fn quantize_i8(x: &[f32], values: &mut [i8], starts: &mut [i16], scales: &mut [f32]) {
    let rows = scales.len();
    for (r, (x, scale)) in x.chunks_exact(x.len() / rows).zip(scales).enumerate() {
        let (factor, step) = factor_of(largest_magnitude(x), 127.0);
        *scale = step;
        let groups = values.chunks_exact_mut(int4::GROUP * rows).zip(starts.chunks_exact_mut(2 * rows));
        for ((values, starts), first) in groups.zip((0..).step_by(int4::GROUP)) {
            let mut sums = I16x8::splat(0);
            let (places, _) = values.as_chunks_mut::<STEP>();
            for (place, k) in places[r..].iter_mut().step_by(rows).zip((first..).step_by(STEP)) {
                let quantized = |k: usize| (part(x, k) * factor).nearest().1;
                let q = I16x8::narrow(quantized(k), quantized(k + LANES));
                let q = I8x16::narrow(q, q);
                q.write_low(place);
                sums = sums + q.extend()[0]; // of the stored values, even if a row has infinity or NaN
            }
            let [a, b, c, d, e, f, g, h] = sums.to_array();
            starts[2 * r..][..2]
                .copy_from_slice(&[a + b + e + f, c + d + g + h].map(|sum| -i16::from(int4::ZERO) * sum));
        }
    }
}

/// The factor that scales `largest` to `limit`, and its inverse; 0 and 0 for values that count as zeros.
fn factor_of(largest: f32, limit: f32) -> (F32x4, f32) {
    if largest < NEGLIGIBLE {
        return (F32x4::splat(0.0), 0.0);
    }
    // |x| · factor exceeds `limit` only by rounding errors, which are far less than 0.5.
    (F32x4::splat(limit / largest), largest / limit)
}

/// Values `k` to `k + 3`, and zeros beyond the end.
#[inline(always)]
fn part(x: &[f32], k: usize) -> F32x4 {
    match x.get(k..k + LANES) {
        Some(whole) => F32x4::from_slice(whole),
        None => F32x4::from_slice_padded(&x[k.min(x.len())..], 0.0),
    }
}

/// The largest |x|, or NaN if any is NaN. The bits of magnitudes sort like their values, with infinity and
/// then NaN last.
fn largest_magnitude(x: &[f32]) -> f32 {
    let chunks = x.chunks_exact(LANES);
    let rest = F32x4::from_slice_padded(chunks.remainder(), 0.0).abs().to_bits();
    let largest = chunks.fold(rest, |m, x| m.max(F32x4::from_slice(x).abs().to_bits())).to_array();
    f32::from_bits(largest.into_iter().fold(0, i32::max).cast_unsigned())
}

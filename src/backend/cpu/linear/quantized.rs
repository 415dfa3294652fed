// quantize: q[n,k] = nearest(x[n,k] / s[n]), s[n] = max_k |x[n,k]| / limit
// x: (N, K) f32; q: (N, 2·⌈K/2⌉) i16, an odd K with a zero behind; s: (N) f32; ties to even
// limit: 32767, or less where max_m Σ_k |w[m,k]| of the int8 weights asks for it: 15 bits for K = 768, 13 or more for K = 3072

//! Activations as int16, for products with int8 weights.

use crate::backend::cpu::simd::{F32x4, I16x8, LANES};

/// Rows whose largest magnitude is below this count as zeros: 32767 divided by less would be infinite.
const NEGLIGIBLE: f32 = 1e-30;

/// The largest magnitude of an activation for which |Σ q·w| ≤ 2^31 - 1, given the largest Σ |w| of a row.
pub fn limit(largest_row_sum: u64) -> i16 {
    let limit = i32::MAX as u64 / largest_row_sum.max(1);
    limit.min(i16::MAX as u64) as i16
}

/// Quantizes each row of `x` (N, `depth`) into `values` and its scale into `scales`.
///
/// An infinite or NaN activation makes its row's scale infinite or NaN, and with it the row's results.
pub fn quantize(x: &[f32], depth: usize, limit: i16, values: &mut [i16], scales: &mut [f32]) {
    let width = depth.next_multiple_of(2);
    if width == 0 {
        return scales.fill(0.0);
    }
    for ((x, q), scale) in x.chunks_exact(depth).zip(values.chunks_exact_mut(width)).zip(scales) {
        let chunks = x.chunks_exact(LANES);
        let rest = F32x4::from_slice_padded(chunks.remainder(), 0.0).abs().to_bits();
        // The bits of magnitudes are in their order, infinity and then NaN last.
        let largest = chunks.fold(rest, |m, x| m.max(F32x4::from_slice(x).abs().to_bits())).to_array();
        let largest = f32::from_bits(largest.into_iter().fold(0, i32::max).cast_unsigned());
        if largest < NEGLIGIBLE {
            q.fill(0);
            *scale = 0.0;
            continue;
        }
        *scale = largest / f32::from(limit);
        // |x| · factor exceeds `limit` by rounding errors only, far less than one half.
        let factor = F32x4::splat(f32::from(limit) / largest);
        let nearest = |x: F32x4| (x * factor).nearest().1;
        let (x_whole, x_rest) = x.as_chunks::<{ 2 * LANES }>();
        let (q_whole, q_rest) = q.as_chunks_mut::<{ 2 * LANES }>();
        for (x, q) in x_whole.iter().zip(&mut *q_whole) {
            *q = I16x8::narrow(nearest(F32x4::from_slice(x)), nearest(F32x4::from_slice(&x[LANES..]))).to_array();
        }
        // The rest of q is that of x, or one zero longer; where x has 7 left, q's last 8 are a whole chunk.
        let (low, high) = x_rest.split_at(x_rest.len().min(LANES));
        let [low, high] = [low, high].map(|x| F32x4::from_slice_padded(x, 0.0));
        let rest = I16x8::narrow(nearest(low), nearest(high)).to_array();
        match q_whole.get_mut(x_whole.len()) {
            Some(last) => *last = rest,
            None => q_rest.copy_from_slice(&rest[..q_rest.len()]),
        }
    }
}

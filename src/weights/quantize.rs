//! Symmetric int8 quantization of weight rows: w ≈ q · scale, q in -127..=127.

/// Largest magnitude of a quantized weight; -128 is never used, so that negation is exact.
pub const QMAX: f32 = 127.0;

/// Quantizes a row of finite weights to nearest (ties to even) and returns its scale, max|w| / 127.
///
/// An all-zero row gets scale 1, and so does one of tiny numbers. `out` has the row's length.
///
/// Source: Jacob et al. 2018, section 2, with zero point 0.
pub fn quantize_row(row: &[f32], out: &mut [i8]) -> f32 {
    debug_assert_eq!(row.len(), out.len());
    let largest = row.iter().fold(0.0f32, |m, w| m.max(w.abs()));
    // A smaller maximum would give a subnormal scale, whose inverse may be infinite.
    let scale = if largest >= f32::MIN_POSITIVE * QMAX { largest / QMAX } else { 1.0 };
    for (q, w) in out.iter_mut().zip(row) {
        *q = (w / scale).round_ties_even().clamp(-QMAX, QMAX) as i8;
    }
    scale
}

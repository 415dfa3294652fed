//! int4 weights: w ≈ (q - 8) · scale, q in 0..=15, with a scale for every [`GROUP`] columns of a row.
//!
//! Stored as two tensors: `NAME` U8 of shape [rows, columns / 2], one byte for two adjacent columns, the
//! first in its lower half; and `NAME_scale` F16 of shape [rows, columns / 32], before `NAME` in the file. A
//! scale may be negative, so that the longer side of -8..=7 covers the larger weights.

use super::header::quoted;
use crate::error::{Error, ErrorKind, Result};

/// Columns that share a scale.
pub const GROUP: usize = 32;
/// The largest weight that a scale can cover: 7 times the largest half-precision number.
pub const LARGEST: f32 = 7.0 * 65_504.0;
/// The q of a weight of 0.
pub const ZERO: u8 = 8;

/// Whether a matrix of `columns` columns can be stored in int4.
pub fn fits(columns: usize) -> bool {
    columns > 0 && columns.is_multiple_of(GROUP)
}

/// The q of each column of a stored row.
pub fn unpack(packed: &[u8]) -> impl Iterator<Item = u8> {
    packed.iter().flat_map(|pair| [pair & 15, pair >> 4])
}

/// The stored form of a row with an even number of q.
pub fn pack(q: &[u8]) -> impl Iterator<Item = u8> {
    q.as_chunks::<2>().0.iter().map(|[first, second]| first | second << 4)
}

/// The weights of a stored row: `out` has one place per column, `scales` one value per group.
pub fn dequantize(packed: &[u8], scales: &[f32], out: &mut [f32]) {
    let scales = scales.iter().flat_map(|scale| [*scale; GROUP]);
    for ((w, q), scale) in out.iter_mut().zip(unpack(packed)).zip(scales) {
        *w = (f32::from(q) - f32::from(ZERO)) * scale;
    }
}

/// [`dequantize`] into a new row.
pub fn dequantized(packed: &[u8], scales: &[f32]) -> Vec<f32> {
    let mut row = vec![0.0; 2 * packed.len()];
    dequantize(packed, scales, &mut row);
    row
}

/// The q nearest to a weight.
pub fn nearest(w: f32, scale: f32) -> u8 {
    ((w / scale).round_ties_even().clamp(-8.0, 7.0) + f32::from(ZERO)) as u8
}

/// The scale of a group of weights, rounded to half precision. Tries [`SHARES`] of the scale that just covers
/// the largest weight, with either sign, and picks the one with the least sum of squared errors. A group of
/// zeros gets 1; a group beyond [`LARGEST`] is clipped to the range that the largest scale covers
/// ([`check_range`] detects it).
pub fn scale_of(group: &[f32]) -> f32 {
    let largest = group.iter().fold(0.0f32, |m, w| m.max(w.abs()));
    // Squares of the largest f32 overflow: then no error is finite, and this scale is used.
    let mut best = (f32::INFINITY, if largest > LARGEST { half::f16::MAX.to_f32() } else { 1.0 });
    for share in SHARES {
        for sign in [1.0, -1.0] {
            let covering = (share * largest / 7.0).min(half::f16::MAX.to_f32());
            let scale = half::f16::from_f32(sign * covering).to_f32();
            // Too small for half precision: no answer depends on such a weight.
            if scale == 0.0 {
                continue;
            }
            let error = |w: &f32| (w - (f32::from(nearest(*w, scale)) - f32::from(ZERO)) * scale).powi(2);
            let error = group.iter().map(error).sum();
            if error < best.0 {
                best = (error, scale);
            }
        }
    }
    best.1
}

/// Checks that int4 can represent the weights of tensor `name`.
///
/// # Errors
/// [`ErrorKind::NotFinite`] if one is beyond [`LARGEST`].
pub fn check_range(values: &[f32], name: &str) -> Result<()> {
    let Some(x) = values.iter().find(|x| x.abs() > LARGEST) else { return Ok(()) };
    let name = quoted(name);
    Err(Error::new(
        ErrorKind::NotFinite,
        format!("{name} holds {x}, but int4 holds weights up to {LARGEST}: load or convert it with dtype \"int8\"."),
    ))
}

/// The scales tried, as shares of largest / 7.
const SHARES: [f32; 23] = {
    let mut shares = [0.0; 23];
    let mut i = 0;
    while i < shares.len() {
        shares[i] = 0.6 + 0.025 * i as f32;
        i += 1;
    }
    shares
};

/// Quantizes a row of finite weights to nearest: a q per column, a scale per group.
pub fn quantize_row(row: &[f32], q: &mut [u8], scales: &mut [f32]) {
    for ((group, q), scale) in row.chunks_exact(GROUP).zip(q.chunks_exact_mut(GROUP)).zip(scales) {
        *scale = scale_of(group);
        for (q, w) in q.iter_mut().zip(group) {
            *q = nearest(*w, *scale);
        }
    }
}

/// The scale for which the largest weight of a group is -8 steps, rounded to half precision; 1 for a group of
/// zeros. At most the largest half-precision number, as in [`scale_of`].
pub fn covering_scale(group: &[f32]) -> f32 {
    let largest = group.iter().fold(0.0f32, |m, w| if w.abs() > m.abs() { *w } else { m });
    let most = half::f16::MAX.to_f32();
    let scale = half::f16::from_f32((largest / -8.0).clamp(-most, most)).to_f32();
    if scale == 0.0 { 1.0 } else { scale }
}

/// Rounds a row of an embedding table to nearest: two columns per byte of `packed`, one scale per group.
///
/// Uses [`covering_scale`] instead of the search of [`scale_of`]: tables are large and rounded while a file
/// streams, and the resulting answers are as close to the original ones.
pub fn round_table_row(row: &[f32], packed: &mut [u8], scales: &mut [half::f16]) {
    let packed = packed.chunks_exact_mut(GROUP / 2);
    for ((group, packed), kept) in row.chunks_exact(GROUP).zip(packed).zip(scales) {
        let scale = covering_scale(group);
        *kept = half::f16::from_f32(scale);
        for (byte, [first, second]) in packed.iter_mut().zip(group.as_chunks::<2>().0) {
            *byte = nearest(*first, scale) | nearest(*second, scale) << 4;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed by hand: the largest, -4, is -8 steps of 0.5; 3.6 is 7.2 steps; 4 would be 8, but there are
    /// only 7.
    #[test]
    fn a_table_s_row_has_its_largest_at_the_long_end() {
        let mut row = [0.0; 2 * GROUP];
        row[..6].copy_from_slice(&[-4.0, 3.6, 0.5, -0.74, 0.25, 4.0]);
        row[GROUP..GROUP + 2].copy_from_slice(&[8.0, -1.0]);
        let (mut packed, mut scales) = ([0; GROUP], [half::f16::ZERO; 2]);
        round_table_row(&row, &mut packed, &mut scales);
        assert_eq!(scales.map(half::f16::to_f32), [0.5, -1.0]);
        assert_eq!(packed[..4], [0xf0, 0x79, 0xf8, 0x88]);
        assert_eq!(packed[GROUP / 2..GROUP / 2 + 2], [0x90, 0x88]);
        let back = dequantized(&packed, &scales.map(half::f16::to_f32));
        assert_eq!(back[..6], [-4.0, 3.5, 0.5, -0.5, 0.0, 3.5]);
        assert_eq!(back[GROUP..GROUP + 2], [8.0, -1.0]);
    }

    #[test]
    fn a_table_s_scale_is_finite_and_not_zero() {
        for value in [0.0, 1e-44, -1e-30, 1e-8, LARGEST, -f32::MAX] {
            let scale = covering_scale(&[value; GROUP]);
            assert!(scale.is_finite() && scale != 0.0, "{scale} for {value}");
            if value.abs() < 1e-20 {
                assert_eq!(nearest(value, scale), ZERO, "{value}");
            }
        }
    }

    fn row(columns: usize) -> Vec<f32> {
        (0..columns).map(|i| ((i * 7919 % 1009) as f32 / 504.5 - 1.0).powi(3)).collect()
    }

    #[test]
    fn stored_rows_come_back() {
        let q: Vec<u8> = (0..GROUP as u8).map(|i| i % 16).collect();
        let packed: Vec<u8> = pack(&q).collect();
        assert_eq!(packed.len(), GROUP / 2);
        assert_eq!(packed[..2], [0x10, 0x32]);
        assert_eq!(unpack(&packed).collect::<Vec<_>>(), q);
        let mut w = [0.0; GROUP];
        dequantize(&packed, &[0.5], &mut w);
        assert_eq!(w[..4], [-4.0, -3.5, -3.0, -2.5]);
    }

    #[test]
    fn a_weight_is_off_by_half_a_step_or_cut() {
        let row = row(4 * GROUP);
        let (mut q, mut scales) = (vec![0; row.len()], vec![0.0; 4]);
        quantize_row(&row, &mut q, &mut scales);
        for ((w, q), scale) in row.iter().zip(&q).zip(scales.iter().flat_map(|s| [*s; GROUP])) {
            let back = (f32::from(*q) - 8.0) * scale;
            assert!((w - back).abs() <= scale.abs() * 0.5 + 1e-6 || *q == 0 || *q == 15, "{back} for {w}");
        }
    }

    #[test]
    fn the_search_is_no_worse_than_covering_all() {
        for group in row(8 * GROUP).chunks_exact(GROUP) {
            let error = |scale: f32| -> f32 {
                group.iter().map(|w| (w - (f32::from(nearest(*w, scale)) - 8.0) * scale).powi(2)).sum()
            };
            let largest = group.iter().fold(0.0f32, |m, w| m.max(w.abs()));
            let plain = half::f16::from_f32(largest / 7.0).to_f32();
            assert!(error(scale_of(group)) <= error(plain));
        }
    }

    #[test]
    fn large_weights_keep_their_size() {
        for largest in [4e5f32, LARGEST, 7.7e5, 1e6, f32::MAX] {
            let group: Vec<f32> = (0..GROUP).map(|i| largest * (i as f32 / 31.0 - 0.5) * 2.0).collect();
            let scale = scale_of(&group);
            assert!(scale.is_finite() && scale.abs() > 0.6 * (largest / 7.0).min(65_504.0), "{scale} for {largest}");
            let error = group.iter().map(|w| (w - (f32::from(nearest(*w, scale)) - 8.0) * scale).abs());
            assert!(largest > LARGEST || error.fold(0.0, f32::max) <= 0.3 * largest, "{largest}");
            assert_eq!(check_range(&group, "w").is_err(), largest > LARGEST, "{largest}");
        }
    }

    #[test]
    fn zeros_and_subnormals_stay_finite() {
        for value in [0.0, 1e-44, 1e-30] {
            let scale = scale_of(&[value; GROUP]);
            assert!(scale.is_finite() && scale != 0.0);
            assert_eq!(nearest(value, scale), ZERO);
        }
    }
}

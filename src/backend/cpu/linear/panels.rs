//! Integer weights in panels, filled row by row.

use super::activations::limit;
use crate::backend::cpu::simd::{I8x16, I16x8, I32x4, LANES};
use crate::backend::cpu::tile::{self, Dot, PANEL, Row, STEP, int4, int8};
use crate::error::{Result, try_vec};
use crate::weights::int4::{GROUP, ZERO, unpack};

/// The purpose of an allocation, for its error message.
const WHAT: &str = "a weight matrix";
/// The largest multiplier of a group's sum in an int4 product, if i32 allows it: a scale is then off by at
/// most 1/16,382 of the row's largest.
const MAX_MULTIPLIER: i64 = 8191;

/// int8 weights with a scale per row.
pub struct Int8Panels {
    /// K', a multiple of [`STEP`].
    depth: usize,
    /// (⌈M/8⌉, K'/8, 2, 8, 4): step by step, the two quads of each column.
    weights: Vec<i8>,
    /// w = weight · scale of its row: (M)
    scales: Vec<f32>,
    /// The largest Σ |w| of a row.
    largest_row_sum: u64,
    /// For products with activations of 14 bits, the initial values of the sums: (M); otherwise empty.
    starts: Vec<i32>,
}

impl Int8Panels {
    /// Allocates a matrix (M = `out_features`, K = `in_features`).
    ///
    /// # Errors
    /// [`crate::ErrorKind::OutOfMemory`].
    pub fn new(out_features: usize, in_features: usize, dot: Dot) -> Result<Self> {
        let padded = out_features.next_multiple_of(PANEL);
        let depth = in_features.next_multiple_of(STEP);
        Ok(Self {
            depth,
            weights: try_vec(padded.saturating_mul(depth), WHAT)?,
            scales: try_vec(padded, WHAT)?,
            largest_row_sum: 0,
            starts: try_vec(if dot == Dot::Quads { padded } else { 0 }, WHAT)?,
        })
    }

    /// Stores row `m`.
    pub fn put(&mut self, m: usize, row: &[i8]) {
        let (panel, column) = (m / PANEL, m % PANEL);
        let weights = &mut self.weights[panel * self.depth * PANEL..][..self.depth * PANEL];
        let (quads, rest) = row.as_chunks::<4>();
        let mut places = weights.chunks_exact_mut(4 * PANEL).map(|all| &mut all[4 * column..][..4]);
        places.by_ref().zip(quads).for_each(|(place, quad)| place.copy_from_slice(quad));
        if let Some(place) = places.next() {
            place[..rest.len()].copy_from_slice(rest);
        }
        self.largest_row_sum = self.largest_row_sum.max(magnitudes(row));
        if let Some(start) = self.starts.get_mut(m) {
            *start = sum(row).wrapping_mul(-i32::from(int8::I14_OFFSET));
        }
    }

    /// Sets the scales of rows, starting at row `first`.
    pub fn set_scales(&mut self, first: usize, scales: &[f32]) {
        self.scales[first..first + scales.len()].copy_from_slice(scales);
    }

    /// K'
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// The largest magnitude of an int16 activation for which no sum overflows i32.
    pub fn limit(&self) -> i16 {
        limit(self.largest_row_sum)
    }

    /// (K'/8, 2, 8, 4)
    pub fn panel(&self, panel: usize) -> &[i8] {
        &self.weights[panel * self.depth * PANEL..][..self.depth * PANEL]
    }

    /// The scales of a panel's rows.
    pub fn scales(&self, panel: usize) -> Row {
        tile::row(&self.scales[panel * PANEL..])
    }

    /// -8192 · Σ w of a panel's rows, modulo 2^32, if activations have 14 bits.
    pub fn starts(&self, panel: usize) -> Option<&[i32; PANEL]> {
        self.starts.as_chunks().0.get(panel)
    }
}

/// Σ |w|. Vectorized, because this runs over every byte of a file before the engine has optimized it.
fn magnitudes(row: &[i8]) -> u64 {
    let (parts, rest) = row.as_chunks::<BYTES>();
    let ones = I16x8::splat(1);
    let sums = parts.iter().fold(I32x4::splat(0), |sums, part| {
        // SAFETY: `part` has the 16 values that are read.
        let [low, high] = unsafe { I8x16::load(part.as_ptr()) }.abs().extend();
        sums.dot_add(low, ones).dot_add(high, ones)
    });
    let whole: u64 = sums.to_array().into_iter().map(|sum| u64::from(sum.unsigned_abs())).sum();
    whole + rest.iter().map(|w| u64::from(w.unsigned_abs())).sum::<u64>()
}

/// Σ w, modulo 2^32.
fn sum(row: &[i8]) -> i32 {
    let (parts, rest) = row.as_chunks::<BYTES>();
    let sums = parts.iter().fold(I32x4::splat(0), |sums, part| {
        // SAFETY: `part` has the 16 values that are read.
        sums.dot_quads_add(unsafe { I8x16::load(part.as_ptr()) }, I8x16::splat(1))
    });
    sums.to_array().into_iter().chain(rest.iter().map(|w| i32::from(*w))).fold(0, i32::wrapping_add)
}

/// Lanes of a vector of bytes.
const BYTES: usize = 16;

/// int4 weights in groups, each with a multiplier of the row's scale.
pub struct Int4Panels {
    depth: usize,
    /// (⌈M/8⌉, 2, K/8, 4, 4)
    weights: Vec<u8>,
    /// (⌈M/8⌉, 2, K/32, 4, 2)
    multipliers: Vec<i16>,
    /// (M)
    scales: Vec<f32>,
}

impl Int4Panels {
    /// Allocates a matrix (M = `out_features`, K = `in_features`, a multiple of [`GROUP`]).
    ///
    /// # Errors
    /// [`crate::ErrorKind::OutOfMemory`].
    pub fn new(out_features: usize, in_features: usize) -> Result<Self> {
        let padded = out_features.next_multiple_of(PANEL);
        Ok(Self {
            depth: in_features,
            weights: try_vec(padded.saturating_mul(in_features / 2), WHAT)?,
            multipliers: try_vec(padded.saturating_mul(in_features / GROUP * 2), WHAT)?,
            scales: try_vec(padded, WHAT)?,
        })
    }

    /// Stores row `m`, given as in a file: q in pairs, and a scale per group.
    pub fn put(&mut self, m: usize, packed: &[u8], group_scales: &[f32]) {
        let (strip, column) = (m / LANES, m % LANES);
        let weights = &mut self.weights[strip * self.depth * LANES / 2..][..self.depth * LANES / 2];
        // A step of 8 k is 4 bytes. In the file, a byte holds two adjacent k; here, two that are 4 apart.
        for (step, pairs) in weights.chunks_exact_mut(2 * STEP).zip(packed.as_chunks::<4>().0) {
            let [a, b, c, d] = *pairs;
            step[4 * column..][..4].copy_from_slice(&[
                a & 15 | c << 4,
                a >> 4 | c & 240,
                b & 15 | d << 4,
                b >> 4 | d & 240,
            ]);
        }
        let (multipliers, scale) = multipliers(packed, group_scales);
        let places = &mut self.multipliers[strip * self.depth / GROUP * PANEL..];
        for (places, multiplier) in places.chunks_exact_mut(PANEL).zip(multipliers) {
            places[2 * column..][..2].fill(multiplier);
        }
        self.scales[m] = scale;
    }

    /// The weights and multipliers of a panel.
    pub fn panel(&self, panel: usize) -> int4::Panel<'_> {
        let (weights, multipliers) = (self.depth * PANEL / 2, self.depth / GROUP * 2 * PANEL);
        int4::Panel {
            weights: &self.weights[panel * weights..][..weights],
            multipliers: &self.multipliers[panel * multipliers..][..multipliers],
        }
    }

    /// The scales of a panel's rows.
    pub fn scales(&self, panel: usize) -> Row {
        tile::row(&self.scales[panel * PANEL..])
    }
}

/// The scales of a row's groups as whole multiples of one scale, the finest for which no sum of products with
/// int8 activations overflows i32.
fn multipliers(packed: &[u8], scales: &[f32]) -> (impl Iterator<Item = i16>, f32) {
    let largest = scales.iter().fold(f32::MIN_POSITIVE, |m, s| m.max(s.abs()));
    let magnitudes = |group: &[u8]| unpack(group).map(|q| i64::from(q.abs_diff(ZERO))).sum::<i64>() * 127;
    let groups = || packed.chunks_exact(GROUP / 2).zip(scales);
    // The sum with multipliers of at most 1, and the most that rounding them can add.
    let sum: f64 = groups().map(|(group, s)| magnitudes(group) as f64 * f64::from(s.abs() / largest)).sum();
    let rounding: i64 = groups().map(|(group, _)| magnitudes(group)).sum();
    let most = ((f64::from(i32::MAX) - rounding as f64) / sum.max(1.0)) as i64;
    let scale = largest / most.clamp(1, MAX_MULTIPLIER) as f32;
    (scales.iter().map(move |s| (s / scale).round_ties_even() as i16), scale)
}

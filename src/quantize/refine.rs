//! Refines a rounding after every column is rounded: coordinate descent on ‖(W - Ŵ)Xᵀ‖² over scales and
//! weights.
//!
//! GPTQ rounds a column without knowing how the later ones will be rounded. Here each scale, and then each
//! weight of its group, is set to its optimum with all others fixed; only changes that lower the error are
//! kept.

use super::dense::subtract;
use super::gptq::{Factor, Rounded};
use crate::error::Result;
use crate::weights::int4::{self, GROUP};

/// Passes over all columns: the third lowers the error by 1 %.
const PASSES: usize = 3;
/// Rows that share a pass, so that each row of H is read once for all of them.
const ROWS: usize = 16;

/// Lowers the error of a rounded W (M, K) on the factor's inputs.
///
/// # Errors
/// [`crate::ErrorKind::OutOfMemory`].
pub fn refine(weights: &[f32], factor: &Factor, rounded: &mut Rounded) -> Result<()> {
    let k = factor.columns();
    let (q, scales) = (rounded.q.chunks_mut(ROWS * k), rounded.scales.chunks_mut(ROWS * k / GROUP));
    for ((w, q), scales) in weights.chunks(ROWS * k).zip(q).zip(scales) {
        let mut rows: Vec<Row<'_>> = w
            .chunks_exact(k)
            .zip(q.chunks_exact_mut(k))
            .zip(scales.chunks_exact_mut(k / GROUP))
            .map(|((w, q), scales)| Row::new(factor, w, q, scales))
            .collect::<Result<_>>()?;
        for _ in 0..PASSES {
            for group in 0..k / GROUP {
                rows.iter_mut().for_each(|row| row.rescale(factor, group));
                for column in group * GROUP..(group + 1) * GROUP {
                    rows.iter_mut().for_each(|row| row.round(factor, column));
                }
            }
        }
    }
    Ok(())
}

struct Row<'a> {
    q: &'a mut [u8],
    scales: &'a mut [f32],
    /// (w - ŵ)·H (K): half of how fast the error falls as a weight grows.
    slope: Vec<f64>,
}

impl<'a> Row<'a> {
    fn new(factor: &Factor, weights: &[f32], q: &'a mut [u8], scales: &'a mut [f32]) -> Result<Self> {
        let mut row = Self { q, scales, slope: vec![0.0; weights.len()] };
        // ŵ - w
        let mut excess = factor.live(weights)?;
        for (column, w) in excess.iter_mut().enumerate() {
            *w = row.level(column) * row.scale(column) - *w;
        }
        subtract(&mut row.slope, &excess, factor.h(), weights.len());
        Ok(row)
    }

    fn level(&self, column: usize) -> f64 {
        f64::from(self.q[column]) - f64::from(int4::ZERO)
    }

    fn scale(&self, column: usize) -> f64 {
        f64::from(self.scales[column / GROUP])
    }

    /// Sets the best scale for the levels of a group.
    fn rescale(&mut self, factor: &Factor, group: usize) {
        let (first, k) = (group * GROUP, self.slope.len());
        let levels: [f64; GROUP] = std::array::from_fn(|i| self.level(first + i));
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
        let rows = levels.iter().enumerate();
        let curvature: f64 = rows.map(|(i, level)| level * dot(&levels, &factor.h()[(first + i) * k + first..])).sum();
        if curvature == 0.0 {
            return; // all levels are zero
        }
        let old = f64::from(self.scales[group]);
        let best = half::f16::from_f64(old + dot(&levels, &self.slope[first..]) / curvature).to_f32();
        if best == self.scales[group] || best == 0.0 || !best.is_finite() {
            return;
        }
        self.scales[group] = best;
        let changes = levels.map(|level| level * (f64::from(best) - old));
        subtract(&mut self.slope, &changes, &factor.h()[first * k..], k);
    }

    /// Sets the best level for a weight.
    fn round(&mut self, factor: &Factor, column: usize) {
        let k = self.slope.len();
        let h = &factor.h()[column * k..][..k];
        let (old, scale) = (self.level(column), self.scale(column));
        let best = (old + self.slope[column] / (h[column] * scale)).round_ties_even().clamp(-8.0, 7.0);
        if best != old {
            self.q[column] = (best + f64::from(int4::ZERO)) as u8;
            subtract(&mut self.slope, &[(best - old) * scale], h, k);
        }
    }
}

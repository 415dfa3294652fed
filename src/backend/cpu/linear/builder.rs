//! A weight matrix on its way in: each row goes straight to its place in the panels.

use super::quantized::limit;
use super::{Linear, Panels};
use crate::backend::cpu::tile::PANEL;
use crate::backend::{LinearBuilder as Builder, Precision};
use crate::error::{Result, try_vec};
use crate::weights::quantize::quantize_row;

/// A weight matrix and its bias on their way in.
pub struct LinearBuilder {
    out_features: usize,
    in_features: usize,
    rows: Rows,
    bias: Vec<f32>,
}

enum Rows {
    F32 {
        panels: Vec<f32>,
        /// The known scale of each row that is stored as int8.
        scales: Vec<Option<f32>>,
        /// Rows that still have to be multiplied by their scale.
        unscaled: Vec<bool>,
    },
    Int8 {
        panels: Vec<i8>,
        scales: Vec<f32>,
        largest_row_sum: u64,
        /// A row being quantized.
        row: Vec<i8>,
    },
}

impl LinearBuilder {
    /// Room for a matrix (M = `out_features`, K = `in_features`).
    ///
    /// # Errors
    /// [`crate::ErrorKind::OutOfMemory`].
    pub fn new(out_features: usize, in_features: usize, precision: Precision) -> Result<Self> {
        let padded = out_features.next_multiple_of(PANEL);
        let what = "a weight matrix";
        let rows = match precision {
            Precision::F32 | Precision::F16 => Rows::F32 {
                panels: try_vec(padded * in_features, what)?,
                scales: try_vec(out_features, what)?,
                unscaled: try_vec(out_features, what)?,
            },
            Precision::Int8 => Rows::Int8 {
                panels: try_vec(padded * in_features.next_multiple_of(2), what)?,
                scales: try_vec(padded, what)?,
                largest_row_sum: 0,
                row: try_vec(in_features, what)?,
            },
        };
        Ok(Self { out_features, in_features, rows, bias: try_vec(padded, what)? })
    }
}

impl Builder for LinearBuilder {
    type Linear = Linear;

    fn row_f32(&mut self, m: usize, row: &[f32]) {
        assert!(m < self.out_features && row.len() == self.in_features, "a row of the matrix");
        match &mut self.rows {
            Rows::F32 { panels, .. } => places_f32(panels, m, self.in_features).zip(row).for_each(|(to, w)| *to = *w),
            Rows::Int8 { panels, scales, largest_row_sum, row: quantized } => {
                scales[m] = quantize_row(row, quantized);
                place_i8(panels, m, quantized, largest_row_sum);
            }
        }
    }

    fn row_i8(&mut self, m: usize, row: &[i8]) {
        assert!(m < self.out_features && row.len() == self.in_features, "a row of the matrix");
        match &mut self.rows {
            Rows::F32 { panels, scales, unscaled } => {
                unscaled[m] = scales[m].is_none();
                let scale = scales[m].unwrap_or(1.0);
                places_f32(panels, m, self.in_features).zip(row).for_each(|(to, w)| *to = f32::from(*w) * scale);
            }
            Rows::Int8 { panels, largest_row_sum, .. } => place_i8(panels, m, row, largest_row_sum),
        }
    }

    fn scales(&mut self, first: usize, given: &[f32]) {
        match &mut self.rows {
            Rows::F32 { panels, scales, unscaled } => {
                for (m, scale) in (first..).zip(given) {
                    scales[m] = Some(*scale);
                    if std::mem::take(&mut unscaled[m]) {
                        places_f32(panels, m, self.in_features).for_each(|w| *w *= scale);
                    }
                }
            }
            Rows::Int8 { scales, .. } => scales[first..first + given.len()].copy_from_slice(given),
        }
    }

    fn bias(&mut self, first: usize, bias: &[f32]) {
        self.bias[first..first + bias.len()].copy_from_slice(bias);
    }

    fn finish(self) -> Linear {
        let panels = match self.rows {
            Rows::F32 { panels, .. } => Panels::F32(panels),
            Rows::Int8 { panels, scales, largest_row_sum, .. } => {
                Panels::Int8 { weights: panels, scales, limit: limit(largest_row_sum) }
            }
        };
        Linear { out_features: self.out_features, in_features: self.in_features, panels, bias: self.bias }
    }
}

/// The places of row `m` in panels of (K, 8).
fn places_f32(panels: &mut [f32], m: usize, depth: usize) -> impl Iterator<Item = &mut f32> {
    let panel = &mut panels[m / PANEL * depth * PANEL..][..depth * PANEL];
    panel.iter_mut().skip(m % PANEL).step_by(PANEL)
}

/// Puts `row` as row `m` into panels of (⌈K/2⌉, 8, 2).
fn place_i8(panels: &mut [i8], m: usize, row: &[i8], largest_row_sum: &mut u64) {
    let depth = row.len().next_multiple_of(2);
    let panel = &mut panels[m / PANEL * depth * PANEL..][..depth * PANEL];
    for (to, pair) in panel.chunks_exact_mut(2).skip(m % PANEL).step_by(PANEL).zip(row.chunks(2)) {
        to[..pair.len()].copy_from_slice(pair);
    }
    let sum: u64 = row.iter().map(|w| u64::from(w.unsigned_abs())).sum();
    *largest_row_sum = sum.max(*largest_row_sum);
}

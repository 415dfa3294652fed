//! Builds a weight matrix: each row goes straight to its place in the panels.

use super::int4_rows::int4_to_int8;
use super::panels::{Int4Panels, Int8Panels};
use super::{Linear, Panels};
use crate::backend::cpu::tile::{Dot, PANEL};
use crate::backend::{LinearBuilder as Builder, Precision};
use crate::error::{Result, try_vec};
use crate::weights::int4;
use crate::weights::quantize::quantize_row;

/// A weight matrix and its bias being loaded.
pub struct LinearBuilder {
    out_features: usize,
    in_features: usize,
    rows: Rows,
    bias: Vec<f32>,
    dot: Dot,
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
        panels: Int8Panels,
        /// A row being quantized.
        row: Vec<i8>,
    },
    Int4 {
        panels: Int4Panels,
        /// A row being quantized: q, one per byte and in pairs, and its groups' scales.
        row: Vec<u8>,
        packed: Vec<u8>,
        scales: Vec<f32>,
    },
}

impl LinearBuilder {
    /// Allocates a matrix (M = `out_features`, K = `in_features`), for products with the fastest
    /// instructions.
    ///
    /// # Errors
    /// [`crate::ErrorKind::OutOfMemory`].
    pub fn new(out_features: usize, in_features: usize, precision: Precision) -> Result<Self> {
        Self::with_dot(out_features, in_features, precision, Dot::fastest())
    }

    /// Allocates a matrix (M = `out_features`, K = `in_features`), for products with `dot` if its weights are
    /// integers.
    ///
    /// # Errors
    /// [`crate::ErrorKind::OutOfMemory`].
    pub fn with_dot(out_features: usize, in_features: usize, precision: Precision, dot: Dot) -> Result<Self> {
        let padded = out_features.next_multiple_of(PANEL);
        let what = "a weight matrix";
        let rows = match precision {
            Precision::F32 | Precision::F16 => Rows::F32 {
                panels: try_vec(padded.saturating_mul(in_features), what)?,
                scales: try_vec(out_features, what)?,
                unscaled: try_vec(out_features, what)?,
            },
            Precision::Int8 => Rows::Int8 {
                panels: Int8Panels::new(out_features, in_features, dot)?,
                row: try_vec(in_features, what)?,
            },
            Precision::Int4 => Rows::Int4 {
                panels: Int4Panels::new(out_features, in_features)?,
                row: try_vec(in_features, what)?,
                packed: try_vec(in_features / 2, what)?,
                scales: try_vec(in_features / int4::GROUP, what)?,
            },
        };
        Ok(Self { out_features, in_features, rows, bias: try_vec(padded, what)?, dot })
    }
}

impl Builder for LinearBuilder {
    type Linear = Linear;

    fn row_f32(&mut self, m: usize, row: &[f32]) {
        assert!(m < self.out_features && row.len() == self.in_features, "a row of the matrix");
        match &mut self.rows {
            Rows::F32 { panels, .. } => places_f32(panels, m, self.in_features).zip(row).for_each(|(to, w)| *to = *w),
            Rows::Int8 { panels, row: quantized } => {
                let scale = quantize_row(row, quantized);
                panels.put(m, quantized);
                panels.set_scales(m, &[scale]);
            }
            Rows::Int4 { panels, row: quantized, packed, scales } => {
                int4::quantize_row(row, quantized, scales);
                packed.iter_mut().zip(int4::pack(quantized)).for_each(|(to, pair)| *to = pair);
                panels.put(m, packed, scales);
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
            Rows::Int8 { panels, .. } => panels.put(m, row),
            Rows::Int4 { .. } => unreachable!("{INT8_STAYS}"),
        }
    }

    fn row_i4(&mut self, m: usize, packed: &[u8], group_scales: &[f32]) {
        assert!(m < self.out_features && 2 * packed.len() == self.in_features, "a row of the matrix");
        match &mut self.rows {
            Rows::Int4 { panels, .. } => panels.put(m, packed, group_scales),
            Rows::Int8 { panels, row } => {
                let scale = int4_to_int8(packed, group_scales, row);
                panels.put(m, row);
                panels.set_scales(m, &[scale]);
            }
            Rows::F32 { .. } => self.row_f32(m, &int4::dequantized(packed, group_scales)),
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
            Rows::Int8 { panels, .. } => panels.set_scales(first, given),
            Rows::Int4 { .. } => unreachable!("{INT8_STAYS}"),
        }
    }

    fn bias(&mut self, first: usize, bias: &[f32]) {
        self.bias[first..first + bias.len()].copy_from_slice(bias);
    }

    fn finish(self) -> Linear {
        let panels = match self.rows {
            Rows::F32 { panels, .. } => Panels::F32(panels),
            Rows::Int8 { panels, .. } => Panels::Int8(panels),
            Rows::Int4 { panels, .. } => Panels::Int4(panels),
        };
        Linear {
            out_features: self.out_features,
            in_features: self.in_features,
            panels,
            bias: self.bias,
            dot: self.dot,
        }
    }
}

/// Why an int4 matrix never gets an int8 row.
const INT8_STAYS: &str = "what a file stores as int8 is not rounded once more";

/// The places of row `m` in panels of (K, 8).
fn places_f32(panels: &mut [f32], m: usize, depth: usize) -> impl Iterator<Item = &mut f32> {
    let panel = &mut panels[m / PANEL * depth * PANEL..][..depth * PANEL];
    panel.iter_mut().skip(m % PANEL).step_by(PANEL)
}

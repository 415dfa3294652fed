// linear: y[n,m] = f(Σ_k x[n,k] · w[m,k] + bias[m]), f: identity, GELU, ReLU, or + r[n,m]
// x: (N, K) f32; w: (M, K) f32, or int8 with a scale a row; bias: (M) f32; r, y: (N, M) f32
// w is packed once into panels of 8 rows; int8: x is quantized to int16 once a call, the sums are exact in i32

//! The product of activations and a packed weight matrix.

mod builder;
mod quantized;
mod store;

pub use builder::LinearBuilder;

use super::pool::Buffer;
use super::simd::F32x4;
use super::team::{Parts, Team};
use super::tile::{PANEL, for_each_tile, tile_f32, tile_i8};
use crate::backend::Epilogue;
use quantized::quantize;
use store::Store;

/// A weight matrix (M, K) and its bias, packed.
pub struct Linear {
    out_features: usize,
    in_features: usize,
    panels: Panels,
    // With zeros up to a multiple of `PANEL`.
    bias: Vec<f32>,
}

/// The matrix in panels of [`PANEL`] rows, the last filled up with rows of zeros.
enum Panels {
    /// (⌈M/8⌉, K, 8)
    F32(Vec<f32>),
    /// (⌈M/8⌉, ⌈K/2⌉, 8, 2), an odd K with a zero behind; w = weight · scale of its row. `limit` is the largest magnitude of
    /// an activation for which no sum leaves i32.
    Int8 { weights: Vec<i8>, scales: Vec<f32>, limit: i16 },
}

/// Where the activations of an int8 product go, quantized.
pub struct QuantizedRows {
    /// (N, 2·⌈K/2⌉)
    pub values: Buffer<i16>,
    /// x = value · scale of its row: (N)
    pub scales: Buffer<f32>,
}

impl Linear {
    /// M
    pub fn out_features(&self) -> usize {
        self.out_features
    }

    /// K
    pub fn in_features(&self) -> usize {
        self.in_features
    }

    /// Values a row of the activations has once quantized, or none where the product is in f32.
    pub fn quantized_width(&self) -> Option<usize> {
        matches!(self.panels, Panels::Int8 { .. }).then(|| self.in_features.next_multiple_of(2))
    }

    /// epilogue(x·Wᵀ + b) of `x` (N, K) into `y` (N, M) on the threads of `team`; `scratch` is there where [`Linear::quantized_width`] is.
    pub fn forward(
        &self,
        team: &Team,
        x: &[f32],
        scratch: Option<QuantizedRows>,
        epilogue: Epilogue<'_, [f32]>,
        y: &mut [f32],
    ) {
        let (rows, depth) = (y.len() / self.out_features.max(1), self.in_features);
        let panels = self.bias.len() / PANEL;
        let store = Store { y: Parts::new(y), width: self.out_features, bias: &self.bias, epilogue };
        match (&self.panels, scratch) {
            (Panels::F32(weights), _) => {
                for_each_tile(team, rows, panels, depth * size_of::<f32>(), |row, count, panel| {
                    let weights = &weights[panel * depth * PANEL..][..depth * PANEL];
                    let tile = tile_f32(&x[row * depth..], depth, count, weights, depth);
                    for (r, sums) in tile.into_iter().take(count).enumerate() {
                        // SAFETY: a tile is handed out once.
                        unsafe { store.row(row + r, panel, sums) };
                    }
                });
            }
            (Panels::Int8 { weights, scales, limit }, Some(mut q)) => {
                let width = depth.next_multiple_of(2);
                let (values, places) = (Parts::new(&mut q.values), Parts::new(&mut q.scales));
                team.run(rows, |_, n| {
                    // SAFETY: each task has a row of its own.
                    let (q, scale) = unsafe { (values.part(n * width..(n + 1) * width), places.part(n..n + 1)) };
                    quantize(&x[n * depth..(n + 1) * depth], depth, *limit, q, scale);
                });
                let (values, row_scales): (&[i16], &[f32]) = (&q.values, &q.scales);
                for_each_tile(team, rows, panels, width * size_of::<i16>(), |row, count, panel| {
                    let weights = &weights[panel * width * PANEL..][..width * PANEL];
                    let tile = tile_i8(&values[row * width..], count, weights, width / 2);
                    let low = F32x4::from_slice(&scales[panel * PANEL..]);
                    let high = F32x4::from_slice(&scales[panel * PANEL + PANEL / 2..]);
                    for (r, [sums_low, sums_high]) in tile.into_iter().take(count).enumerate() {
                        let scale = F32x4::splat(row_scales[row + r]);
                        let low = F32x4::from_i32(sums_low) * (scale * low);
                        let high = F32x4::from_i32(sums_high) * (scale * high);
                        // SAFETY: a tile is handed out once.
                        unsafe { store.row(row + r, panel, [low, high]) };
                    }
                });
            }
            (Panels::Int8 { .. }, None) => unreachable!("quantized_width told the caller to bring scratch"),
        }
    }
}

// linear: y[n,m] = f(Σ_k x[n,k] · w[m,k] + bias[m]), f: identity, GELU (two forms), ReLU, tanh, or + r[n,m]
// x: (N, K) f32; w: (M, K) f32, int8 with a scale per row, or int4 with a scale per group; bias: (M) f32;
// r, y: (N, M) f32
// w is packed once into panels of 8 rows; for integers, x is quantized once per call, and the sums of a group
// are exact in i32

//! The product of activations and a packed weight matrix.

mod activations;
mod builder;
mod int4_rows;
mod panels;
mod store;

pub use builder::LinearBuilder;

use super::pool::{Buffer, Pool};
use super::simd::F32x4;
use super::team::{Parts, Team};
use super::tile::{self, Ahead, Dot, PANEL, Row, Tile, for_each_tile};
use crate::backend::Epilogue;
use crate::error::Result;
use crate::weights::int4;
use activations::{quantize_i8, quantize_i14, quantize_i16};
use panels::{Int4Panels, Int8Panels};
use store::Store;

/// A weight matrix (M, K) and its bias, packed.
pub struct Linear {
    out_features: usize,
    in_features: usize,
    panels: Panels,
    // Padded with zeros to a multiple of `PANEL`.
    bias: Vec<f32>,
    dot: Dot,
}

/// The matrix in panels of [`PANEL`] rows, the last one padded with rows of zeros.
enum Panels {
    /// (⌈M/8⌉, K, 8)
    F32(Vec<f32>),
    Int8(Int8Panels),
    Int4(Int4Panels),
}

/// Where quantized activations are kept.
pub struct Scratch<'a> {
    /// Values and sums.
    pub integers: &'a Pool<i16>,
    /// Scales.
    pub floats: &'a Pool<f32>,
}

/// The purpose of an allocation, for its error message.
const WHAT: &str = "a text's activations";

impl Linear {
    /// M
    pub fn out_features(&self) -> usize {
        self.out_features
    }

    /// K
    pub fn in_features(&self) -> usize {
        self.in_features
    }

    /// Computes epilogue(x·Wᵀ + b) of `x` (N, K) into `y` (N, M), on the threads of `team`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::OutOfMemory`].
    pub fn forward(
        &self,
        team: &Team,
        x: &[f32],
        scratch: Scratch<'_>,
        epilogue: Epilogue<'_, [f32]>,
        y: &mut [f32],
    ) -> Result<()> {
        let rows = y.len() / self.out_features.max(1);
        let store = Store { y: Parts::new(y), width: self.out_features, bias: &self.bias, epilogue };
        let call = Call { linear: self, team, x, rows, scratch, store };
        match &self.panels {
            _ if self.in_features == 0 => call.tiles(1, 0, |_, count, _, sums| sums.clear(count)),
            Panels::F32(weights) => call.float(weights),
            Panels::Int8(weights) => match self.dot {
                Dot::Pairs => call.int8_by_int16(weights)?,
                Dot::Quads => call.int8_by_int14(weights)?,
            },
            Panels::Int4(weights) => call.int4_by_int8(weights)?,
        }
        Ok(())
    }
}

/// One product that is being computed.
struct Call<'a> {
    linear: &'a Linear,
    team: &'a Team,
    /// (N, K)
    x: &'a [f32],
    /// N
    rows: usize,
    scratch: Scratch<'a>,
    store: Store<'a>,
}

impl Call<'_> {
    /// Computes each tile with `tile(row, rows, panel, sums)` and stores it. A tile has at most `tile_rows`
    /// rows of `row_bytes` bytes.
    fn tiles(&self, tile_rows: usize, row_bytes: usize, tile: impl Fn(usize, usize, usize, &mut Tile) + Sync) {
        let (store, panels) = (&self.store, self.linear.bias.len() / PANEL);
        for_each_tile(self.team, self.rows, tile_rows, panels, row_bytes, |row, count, panel| {
            let mut sums = Tile::new();
            tile(row, count, panel, &mut sums);
            // SAFETY: each tile is computed once, so no other thread stores the same rows and panel.
            unsafe { store.rows(row, panel, sums.rows()) };
        });
    }

    /// Calls `quantize(x, first, count)` for the rows `first..first + count` of each tile.
    fn blocks(&self, tile_rows: usize, quantize: impl Fn(&[f32], usize, usize) + Sync) {
        let (x, rows, width) = (self.x, self.rows, self.linear.in_features);
        self.team.run(self.rows.div_ceil(tile_rows), |_, block| {
            let first = block * tile_rows;
            let count = tile_rows.min(rows - first);
            quantize(&x[first * width..(first + count) * width], first, count);
        });
    }

    fn float(&self, weights: &[f32]) {
        let (x, depth) = (self.x, self.linear.in_features);
        let tiles = self.rows.div_ceil(tile::float::ROWS);
        self.tiles(tile::float::ROWS, depth * size_of::<f32>(), |row, count, panel, sums| {
            let mut panels = weights.chunks_exact(depth * PANEL).skip(panel);
            let weights = panels.next().unwrap_or_default();
            // The next panel, of the same size, is prefetched tile by tile while this one is used.
            let ahead = Ahead::part(panels.next(), row / tile::float::ROWS, tiles);
            tile::tile_f32(&x[row * depth..], depth, count, weights, depth, ahead, sums);
        });
    }

    fn int8_by_int16(&self, weights: &Int8Panels) -> Result<()> {
        let (depth, tile_rows, limit) = (weights.depth(), tile::int8::I16_ROWS, weights.limit());
        let (values, scales) =
            self.rows_of_16_bits(depth, tile_rows, |x, values, scales| quantize_i16(x, limit, values, scales))?;
        let (values, scales): (&[i16], &[f32]) = (&values, &scales);
        self.tiles(tile_rows, depth * size_of::<i16>(), |row, count, panel, sums| {
            tile::tile_i8_i16(&values[row * depth..], count, weights.panel(panel), depth / tile::STEP, sums);
            scale(sums.rows(), weights.scales(panel), &scales[row..]);
        });
        Ok(())
    }

    fn int8_by_int14(&self, weights: &Int8Panels) -> Result<()> {
        let (depth, tile_rows, limit) = (weights.depth(), tile::int8::I14_ROWS, weights.limit());
        let (values, scales) = self.rows_of_16_bits(depth, tile_rows, |x, values, scales| {
            quantize_i14(x, limit, bytemuck::cast_slice_mut(values), scales);
        })?;
        let (values, scales): (&[i8], &[f32]) = (bytemuck::cast_slice(&values), &scales);
        let (tiles, panels) = (self.rows.div_ceil(tile_rows), self.linear.bias.len() / PANEL);
        self.tiles(tile_rows, depth * size_of::<i16>(), |row, count, panel, sums| {
            let starts = weights.starts(panel).expect("a matrix for products of quads has them");
            tile::tile_i8_i14(
                &values[2 * row * depth..],
                count,
                weights.panel(panel),
                starts,
                depth / tile::STEP,
                Ahead::part((panel + 1 < panels).then(|| weights.panel(panel + 1)), row / tile_rows, tiles),
                sums,
            );
            scale(sums.rows(), weights.scales(panel), &scales[row..]);
        });
        Ok(())
    }

    fn int4_by_int8(&self, weights: &Int4Panels) -> Result<()> {
        let (depth, tile_rows) = (self.linear.in_features, tile::int4::ROWS);
        let sums = 2 * depth / int4::GROUP;
        let mut values = self.scratch.integers.take((self.rows * depth).div_ceil(2), WHAT)?;
        let mut starts = self.scratch.integers.take(self.rows * sums, WHAT)?;
        let mut scales = self.scratch.floats.take(self.rows, WHAT)?;
        let values: &mut [i8] = bytemuck::cast_slice_mut(&mut values);
        let (value_parts, start_parts, scale_parts) =
            (Parts::new(values), Parts::new(&mut starts), Parts::new(&mut scales));
        self.blocks(tile_rows, |x, first, count| {
            let end = first + count;
            // SAFETY: each block has rows of its own.
            let (values, starts, scales) = unsafe {
                (
                    value_parts.part(first * depth..end * depth),
                    start_parts.part(first * sums..end * sums),
                    scale_parts.part(first..end),
                )
            };
            quantize_i8(x, values, starts, scales);
        });
        let (values, starts, scales): (&[i8], &[i16], &[f32]) = (values, &starts, &scales);
        self.tiles(tile_rows, depth, |row, count, panel, tile| {
            let a = tile::I8Rows { values: &values[row * depth..], starts: &starts[row * sums..] };
            tile::tile_i4_i8(self.linear.dot, &a, count, weights.panel(panel), tile);
            scale(tile.rows(), weights.scales(panel), &scales[row..]);
        });
        Ok(())
    }

    /// x in 16 bits per value, padded to `depth`, and a scale per row: (N, depth) in blocks of `tile_rows`,
    /// each written by `quantize(x, values, scales)`.
    fn rows_of_16_bits(
        &self,
        depth: usize,
        tile_rows: usize,
        quantize: impl Fn(&[f32], &mut [i16], &mut [f32]) + Sync,
    ) -> Result<(Buffer<i16>, Buffer<f32>)> {
        let mut values = self.scratch.integers.take(self.rows * depth, WHAT)?;
        let mut scales = self.scratch.floats.take(self.rows, WHAT)?;
        let (value_parts, scale_parts) = (Parts::new(&mut values), Parts::new(&mut scales));
        self.blocks(tile_rows, |x, first, count| {
            let end = first + count;
            // SAFETY: each block has rows of its own.
            let (values, scales) =
                unsafe { (value_parts.part(first * depth..end * depth), scale_parts.part(first..end)) };
            quantize(x, values, scales);
        });
        Ok((values, scales))
    }
}

/// Multiplies a tile by the scales of its columns and of its rows.
#[inline(always)]
fn scale(tile: &mut [Row], columns: [F32x4; 2], rows: &[f32]) {
    for (sums, row) in tile.iter_mut().zip(rows) {
        let row = F32x4::splat(*row);
        *sums = [sums[0] * (row * columns[0]), sums[1] * (row * columns[1])];
    }
}

// linear: y[n,m] = f(Σ_k x[n,k] · w[m,k] + bias[m]), f: identity, GELU, ReLU, or + r[n,m]
// x: (N, K) f32; w: (M, K) f32, int8 with a scale a row, or int4 with a scale a group; bias: (M) f32; r, y: (N, M) f32
// w is packed once into panels of 8 rows; for integers, x is quantized once a call, and the sums of a group are exact in i32

//! The product of activations and a packed weight matrix.

mod activations;
mod builder;
mod panels;
mod store;

pub use builder::LinearBuilder;

use super::Rounding;
use super::pool::{Buffer, Pool};
use super::simd::F32x4;
use super::tile::{self, PANEL, Tile, for_each_tile};
use crate::backend::Epilogue;
use crate::error::Result;
use crate::weights::int4;
use activations::{quantize_i8, quantize_i16, quantize_u7};
use panels::{Int4Panels, Int8Panels};
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
    Int8(Int8Panels),
    Int4(Int4Panels),
}

/// Values of k that share the scale of 7-bit activations: fewer where values of either sign, as layer normalization leaves them, spread
/// differently from column to column; those above a floor spread alike.
const U7_GROUP: usize = 32;
const U7_GROUP_ABOVE_FLOOR: usize = 64;

/// The activations of a call.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// (N, K)
    pub values: &'a [f32],
    /// What no value is below, where that is known.
    pub floor: Option<f32>,
    /// How they are rounded for integer products.
    pub rounding: Rounding,
}

/// Where quantized activations are kept.
pub struct Scratch<'a> {
    /// Values and sums.
    pub integers: &'a Pool<i16>,
    /// Scales.
    pub floats: &'a Pool<f32>,
}

/// What an allocation that fails was for.
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

    /// epilogue(x·Wᵀ + b) of `x` (N, K) into `y` (N, M).
    ///
    /// # Errors
    /// [`crate::ErrorKind::OutOfMemory`].
    pub fn forward(
        &self,
        x: Input<'_>,
        scratch: Scratch<'_>,
        epilogue: Epilogue<'_, Buffer<f32>>,
        y: &mut [f32],
    ) -> Result<()> {
        let rows = y.len() / self.out_features.max(1);
        let mut store = Store { y, width: self.out_features, bias: &self.bias, epilogue };
        if self.in_features == 0 {
            self.tiles(rows, 1, 0, |_, _, _| tile::empty(), &mut store);
            return Ok(());
        }
        match &self.panels {
            Panels::F32(weights) => self.float(weights, x.values, rows, &mut store),
            Panels::Int8(weights) => match x.rounding {
                Rounding::Fine => self.int8_by_int16(weights, x, rows, scratch, &mut store)?,
                Rounding::Coarse => self.int8_by_u7(weights, x, rows, scratch, &mut store)?,
            },
            Panels::Int4(weights) => match x.rounding {
                Rounding::Fine => self.int4_by_int16(weights, x, rows, scratch, &mut store)?,
                Rounding::Coarse => self.int4_by_int8(weights, x, rows, scratch, &mut store)?,
            },
        }
        Ok(())
    }

    /// Stores the tiles that `tile(row, rows, panel)` makes, of at most `tile_rows` rows of `row_bytes`.
    fn tiles(
        &self,
        rows: usize,
        tile_rows: usize,
        row_bytes: usize,
        tile: impl Fn(usize, usize, usize) -> Tile,
        store: &mut Store<'_>,
    ) {
        for_each_tile(rows, tile_rows, self.bias.len() / PANEL, row_bytes, |row, count, panel| {
            for (r, sums) in tile(row, count, panel).into_iter().take(count).enumerate() {
                store.row(row + r, panel, sums);
            }
        });
    }

    fn float(&self, weights: &[f32], x: &[f32], rows: usize, store: &mut Store<'_>) {
        let depth = self.in_features;
        let tile = |row: usize, count, panel: usize| {
            let weights = &weights[panel * depth * PANEL..][..depth * PANEL];
            tile::tile_f32(&x[row * depth..], depth, count, weights, depth)
        };
        self.tiles(rows, tile::float::ROWS, depth * size_of::<f32>(), tile, store);
    }

    fn int8_by_int16(
        &self,
        weights: &Int8Panels,
        x: Input<'_>,
        rows: usize,
        scratch: Scratch<'_>,
        store: &mut Store<'_>,
    ) -> Result<()> {
        let (depth, tile_rows) = (weights.depth(), tile::int8::ROWS);
        let (values, scales) = self.int16(x, depth, weights.limit(), rows, tile_rows, &scratch)?;
        let tile = |row: usize, count, panel| {
            let tile = tile::tile_i8_i16(&values[row * depth..], count, weights.panel(panel), depth / tile::STEP);
            scaled(tile, weights.scales(panel), |r| scales[row + r], count)
        };
        self.tiles(rows, tile_rows, depth * size_of::<i16>(), tile, store);
        Ok(())
    }

    fn int8_by_u7(
        &self,
        weights: &Int8Panels,
        x: Input<'_>,
        rows: usize,
        scratch: Scratch<'_>,
        store: &mut Store<'_>,
    ) -> Result<()> {
        let (depth, tile_rows) = (weights.depth(), tile::int8::ROWS);
        let group = if x.floor.is_some() { U7_GROUP_ABOVE_FLOOR } else { U7_GROUP };
        let groups = depth / group;
        let mut values = scratch.integers.take((rows * depth).div_ceil(2), WHAT)?;
        let mut scales = scratch.floats.take(rows * groups, WHAT)?;
        let values: &mut [u8] = bytemuck::cast_slice_mut(&mut values);
        let width = self.in_features;
        for (first, count) in blocks(rows, tile_rows) {
            let x_rows = &x.values[first * width..(first + count) * width];
            let values = &mut values[first * depth..(first + count) * depth];
            let scales = &mut scales[first * groups..(first + count) * groups];
            quantize_u7(x_rows, count, x.floor, group, values, scales);
        }
        let tile = |row: usize, count, panel| {
            let a = tile::U7Rows { values: &values[row * depth..], scales: &scales[row * groups..], group };
            let starts = if x.floor.is_some() { &[0; PANEL] } else { weights.starts(panel) };
            let mut tile = tile::tile_i8_u7(&a, count, weights.panel(panel), starts);
            if let Some(floor) = x.floor {
                let raised = weights.sums(panel).map(|sum| sum * F32x4::splat(floor));
                tile.iter_mut().take(count).for_each(|row| *row = [row[0] + raised[0], row[1] + raised[1]]);
            }
            scaled(tile, weights.scales(panel), |_| 1.0, count)
        };
        self.tiles(rows, tile_rows, depth, tile, store);
        Ok(())
    }

    fn int4_by_int16(
        &self,
        weights: &Int4Panels,
        x: Input<'_>,
        rows: usize,
        scratch: Scratch<'_>,
        store: &mut Store<'_>,
    ) -> Result<()> {
        let (depth, tile_rows) = (self.in_features, tile::int4::ROWS_I16);
        let (values, scales) = self.int16(x, depth, i16::MAX, rows, tile_rows, &scratch)?;
        let tile = |row: usize, count, panel| {
            let tile = tile::tile_i4_i16(&values[row * depth..], count, weights.panel(panel));
            scaled(tile, weights.scales(panel), |r| scales[row + r], count)
        };
        self.tiles(rows, tile_rows, depth * size_of::<i16>(), tile, store);
        Ok(())
    }

    fn int4_by_int8(
        &self,
        weights: &Int4Panels,
        x: Input<'_>,
        rows: usize,
        scratch: Scratch<'_>,
        store: &mut Store<'_>,
    ) -> Result<()> {
        let (depth, tile_rows) = (self.in_features, tile::int4::ROWS);
        let sums = 2 * depth / int4::GROUP;
        let mut values = scratch.integers.take((rows * depth).div_ceil(2), WHAT)?;
        let mut starts = scratch.integers.take(rows * sums, WHAT)?;
        let mut scales = scratch.floats.take(rows, WHAT)?;
        let values: &mut [i8] = bytemuck::cast_slice_mut(&mut values);
        for (first, count) in blocks(rows, tile_rows) {
            let of = first * depth..(first + count) * depth;
            let starts = &mut starts[first * sums..(first + count) * sums];
            quantize_i8(&x.values[of.clone()], &mut values[of], starts, &mut scales[first..first + count]);
        }
        let tile = |row: usize, count, panel| {
            let a = tile::I8Rows { values: &values[row * depth..], starts: &starts[row * sums..] };
            let tile = tile::tile_i4_i8(&a, count, weights.panel(panel));
            scaled(tile, weights.scales(panel), |r| scales[row + r], count)
        };
        self.tiles(rows, tile_rows, depth, tile, store);
        Ok(())
    }

    /// `x` in int16, padded to `depth`: (N, depth) in blocks of `tile_rows`, and a scale a row.
    fn int16(
        &self,
        x: Input<'_>,
        depth: usize,
        limit: i16,
        rows: usize,
        tile_rows: usize,
        scratch: &Scratch<'_>,
    ) -> Result<(Buffer<i16>, Buffer<f32>)> {
        let mut values = scratch.integers.take(rows * depth, WHAT)?;
        let mut scales = scratch.floats.take(rows, WHAT)?;
        let width = self.in_features;
        for (first, count) in blocks(rows, tile_rows) {
            let x = &x.values[first * width..(first + count) * width];
            let values = &mut values[first * depth..(first + count) * depth];
            quantize_i16(x, limit, values, &mut scales[first..first + count]);
        }
        Ok((values, scales))
    }
}

/// The rows of each tile: the first, and how many.
fn blocks(rows: usize, tile_rows: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..rows).step_by(tile_rows).map(move |first| (first, tile_rows.min(rows - first)))
}

/// A tile times the scales of its columns and of its rows.
#[inline(always)]
fn scaled(mut tile: Tile, columns: [F32x4; 2], row: impl Fn(usize) -> f32, rows: usize) -> Tile {
    for (r, sums) in tile.iter_mut().take(rows).enumerate() {
        let scale = F32x4::splat(row(r));
        *sums = [sums[0] * (scale * columns[0]), sums[1] * (scale * columns[1])];
    }
    tile
}

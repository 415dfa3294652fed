//! The end of a product: bias, nonlinearity or residual, and the store, while the sums are still in
//! registers.

use crate::backend::cpu::math::{gelu, gelu_tanh, tanh};
use crate::backend::cpu::simd::{F32x4, LANES};
use crate::backend::cpu::team::Parts;
use crate::backend::cpu::tile::{self, PANEL, Row};
use crate::backend::{Activation, Epilogue};

/// Where the tiles of a product go.
pub struct Store<'a> {
    /// (N, `width`)
    pub y: Parts<'a, f32>,
    /// M
    pub width: usize,
    /// (M), padded with zeros to a multiple of [`PANEL`]
    pub bias: &'a [f32],
    /// What is done to the sums; a residual has y's shape.
    pub epilogue: Epilogue<'a, [f32]>,
}

impl Store<'_> {
    /// Stores the rows of panel `panel`, starting at row `row`.
    ///
    /// # Safety
    /// No other thread may store the same rows and panel at the same time.
    #[inline(always)]
    pub unsafe fn rows(&self, row: usize, panel: usize, sums: &[Row]) {
        let column = panel * PANEL;
        let bias = tile::row(&self.bias[column..]);
        // The last panel of a matrix may be padded.
        let width = PANEL.min(self.width - column);
        for (row, sums) in (row..).zip(sums) {
            let sums = [sums[0] + bias[0], sums[1] + bias[1]];
            let place = row * self.width + column;
            let [low, high] = match &self.epilogue {
                Epilogue::Bias => sums,
                Epilogue::Activation(Activation::Gelu) => gelu(sums),
                Epilogue::Activation(Activation::GeluTanh) => gelu_tanh(sums),
                Epilogue::Activation(Activation::Tanh) => tanh(sums),
                Epilogue::Activation(Activation::Relu) => sums.map(|x| x.max(F32x4::splat(0.0))),
                Epilogue::Residual(r) => {
                    let r = residual(&r[place..place + width]);
                    [sums[0] + r[0], sums[1] + r[1]]
                }
            };
            // SAFETY: each row and panel has its own places, and the caller guarantees that no other thread
            // stores the same.
            let y = unsafe { self.y.part(place..place + width) };
            if width == PANEL {
                low.write(y);
                high.write(&mut y[LANES..]);
            } else {
                let (y_low, y_high) = y.split_at_mut(width.min(LANES));
                low.write_part(y_low);
                high.write_part(y_high);
            }
        }
    }
}

/// A residual's values for the columns that exist, padded with zeros.
#[inline(always)]
fn residual(r: &[f32]) -> Row {
    if r.len() == PANEL {
        return tile::row(r);
    }
    let mut lanes = [0.0; PANEL];
    lanes[..r.len()].copy_from_slice(r);
    tile::row(&lanes)
}

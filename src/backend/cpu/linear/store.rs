//! The end of a product: bias, nonlinearity or residual, and the store, while the sums are still in registers.

use crate::backend::cpu::math::gelu;
use crate::backend::cpu::simd::{F32x4, LANES};
use crate::backend::cpu::team::Parts;
use crate::backend::cpu::tile::{PANEL, Row};
use crate::backend::{Activation, Epilogue};

/// Where the tiles of a product go.
pub struct Store<'a> {
    /// (N, `width`)
    pub y: Parts<'a, f32>,
    /// M
    pub width: usize,
    /// (M), with zeros up to a multiple of [`PANEL`]
    pub bias: &'a [f32],
    /// What is done to the sums; a residual has y's shape.
    pub epilogue: Epilogue<'a, [f32]>,
}

impl Store<'_> {
    /// Row `row` of panel `panel`.
    ///
    /// # Safety
    /// No other thread may store the same row and panel meanwhile.
    #[inline(always)]
    pub unsafe fn row(&self, row: usize, panel: usize, sums: Row) {
        let column = panel * PANEL;
        let place = row * self.width + column;
        let width = PANEL.min(self.width - column);
        let bias = &self.bias[column..column + PANEL];
        let sums = [sums[0] + F32x4::from_slice(bias), sums[1] + F32x4::from_slice(&bias[LANES..])];
        let [low, high] = match &self.epilogue {
            Epilogue::Bias => sums,
            Epilogue::Activation(Activation::Gelu) => gelu(sums),
            Epilogue::Activation(Activation::Relu) => sums.map(|x| x.max(F32x4::splat(0.0))),
            Epilogue::Residual(r) => {
                let mut lanes = [0.0; PANEL];
                lanes[..width].copy_from_slice(&r[place..place + width]);
                [sums[0] + F32x4::from_slice(&lanes), sums[1] + F32x4::from_slice(&lanes[LANES..])]
            }
        };
        // SAFETY: a row and panel has places of its own, for which the caller vouches.
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

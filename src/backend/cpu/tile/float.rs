//! a: rows of K f32, `stride` apart; b: the 8 columns of each k side by side: (K, 8) f32.
//!
//! 8 accumulators, 2 vectors of b and 1 of a fit the registers: 4×3 and 6×2 spill.

use super::{Ahead, PANEL, Row, Tile};
use crate::backend::cpu::simd::F32x4;
use std::array::from_fn;

/// Rows of a tile.
pub const ROWS: usize = 4;

/// Sets `c` to the product of `rows` ≤ [`ROWS`] rows of `a`, the first at `a[0]`, and one panel of
/// `depth` × [`PANEL`].
#[inline(always)]
pub fn tile_f32(a: &[f32], stride: usize, rows: usize, panel: &[f32], depth: usize, ahead: Ahead<'_>, c: &mut Tile) {
    assert!((1..=ROWS).contains(&rows) && panel.len() == depth * PANEL && a.len() >= (rows - 1) * stride + depth);
    let (a, b) = (a.as_ptr(), panel.as_ptr());
    // SAFETY: the assertion has checked what each call reads: `rows` rows of `depth` values, and the panel.
    // Each writes its rows.
    unsafe {
        c.put(rows, |c| match rows {
            1 => f32_rows::<1>(a, stride, b, depth, ahead, c),
            2 => f32_rows::<2>(a, stride, b, depth, ahead, c),
            3 => f32_rows::<3>(a, stride, b, depth, ahead, c),
            _ => f32_rows::<4>(a, stride, b, depth, ahead, c),
        });
    }
}

/// # Safety
/// `a` must be readable for `R` rows of `depth` values, `stride` apart, and `b` for `depth` × [`PANEL`]
/// values; `c` must be writable for `R` rows.
#[inline(never)]
unsafe fn f32_rows<const R: usize>(
    a: *const f32,
    stride: usize,
    b: *const f32,
    depth: usize,
    ahead: Ahead<'_>,
    c: *mut F32x4,
) {
    let mut sums = [[F32x4::splat(0.0); 2]; R];
    let steps = depth / (ahead.lines() + 1);
    let mut k = 0;
    for line in 0..=ahead.lines() {
        let end = if line < ahead.lines() { k + steps } else { depth };
        while k < end {
            // SAFETY: k < depth, so the caller guarantees that these places are readable.
            let (b, x): (Row, [F32x4; R]) = unsafe {
                let b = b.add(k * PANEL);
                ([F32x4::load(b), F32x4::load(b.add(4))], from_fn(|r| F32x4::load_splat(a.add(r * stride + k))))
            };
            for r in 0..R {
                sums[r] = from_fn(|j| x[r].mul_add(b[j], sums[r][j]));
            }
            k += 1;
        }
        ahead.touch(line);
    }
    for (r, sums) in sums.into_iter().enumerate() {
        // SAFETY: the caller guarantees that `R` rows are writable.
        unsafe { c.cast::<Row>().add(r).write(sums) };
    }
}

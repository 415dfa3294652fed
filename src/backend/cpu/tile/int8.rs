//! int8 weights and int16 activations, whose sums are exact in i32. b: for each step of 8 k, two quads of k: (K/8, 2, 8, 4) i8. a: the
//! rows of a tile interleaved quad by quad, so that one pointer and fixed offsets reach them all: (K/4, rows, 4) i16.
//!
//! 4 rows × 4 columns at a time: a column's quad has two sums, which are added in the end.

use super::{PANEL, STEP, Tile};
use crate::backend::cpu::simd::{F32x4, I16x8, I32x4};
use std::array::from_fn;

/// Rows of a tile.
pub const ROWS: usize = 4;

/// Sets c of `rows` ≤ [`ROWS`] rows in `a` and one panel, both of `steps` steps: Σ a · b as f32, nearest.
#[inline(always)]
pub fn tile_i8_i16(a: &[i16], rows: usize, panel: &[i8], steps: usize, c: &mut Tile) {
    assert!((1..=ROWS).contains(&rows) && panel.len() == steps * STEP * PANEL && a.len() >= rows * steps * STEP);
    let (a, b) = (a.as_ptr(), panel.as_ptr());
    // SAFETY: the assertion has checked what each call reads: `rows` rows, and one half of each quad of the panel. Both halves of all
    // rows are written.
    unsafe {
        c.put(rows, |c| {
            for half in 0..2 {
                let (b, c) = (b.add(half * 16), c.add(half));
                match rows {
                    1 => i16_rows::<1>(a, b, steps, c),
                    2 => i16_rows::<2>(a, b, steps, c),
                    3 => i16_rows::<3>(a, b, steps, c),
                    _ => i16_rows::<4>(a, b, steps, c),
                }
            }
        });
    }
}

/// # Safety
/// `a` must be readable for `R` rows of `steps` steps, and `b` for 16 bytes at each of 2·`steps` places 32 apart; `c` must be writable
/// at `R` places 2 apart.
#[inline(never)]
unsafe fn i16_rows<const R: usize>(mut a: *const i16, mut b: *const i8, steps: usize, c: *mut F32x4) {
    // Of each column two sums, of the first and the last pair of a quad.
    let mut sums = [[I32x4::splat(0); 2]; R];
    // SAFETY: as many quads are read as the caller vouches for.
    unsafe {
        let end = a.add(steps * STEP * R);
        while a < end {
            let w = [I16x8::load_extend(b), I16x8::load_extend(b.add(8))];
            for (r, sums) in sums.iter_mut().enumerate() {
                let x = I16x8::load_splat_quad(a.add(r * 4));
                *sums = from_fn(|j| sums[j].dot_add(x, w[j]));
            }
            (a, b) = (a.add(R * 4), b.add(4 * PANEL));
        }
    }
    for (r, [low, high]) in sums.into_iter().enumerate() {
        // SAFETY: the caller vouches for `R` places.
        unsafe { c.add(2 * r).write(F32x4::from_i32(I32x4::add_pairs(low, high))) };
    }
}

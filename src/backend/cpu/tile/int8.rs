//! int8 weights. b: for each step of 8 k, two quads of k: (K/8, 2, 8, 4) i8. a: the rows of a tile
//! interleaved quad by quad, so that one pointer and fixed offsets reach them all.
//!
//! int16 activations, a: (K/4, rows, 4) i16. 4 rows × 4 columns at a time: a column's quad has two sums,
//! which are added at the end.
//!
//! Activations of 14 bits in two digits, a + 8192 = 128 · high + low, high and low in 0..=127, a: (K/4, rows,
//! 2, 4) i8, the high digits of a quad, then the low ones. 6 rows × 4 columns: a column has one sum for each
//! digit, and Σ a·b = 128 · Σ high·b + Σ low·b - 8192 · Σ b. A vector holds two columns, so that one load
//! reads highs and lows.
//!
//! All sums are exact modulo 2^32, and those of the products fit i32.

use super::{Ahead, PANEL, STEP, Tile};
use crate::backend::cpu::simd::{F32x4, I8x16, I16x8, I32x4, LANES};
use std::array::from_fn;

/// Rows of a tile of int16 activations.
pub const I16_ROWS: usize = 4;
/// Rows of a tile of activations of 14 bits.
pub const I14_ROWS: usize = 6;

/// What is added to activations of 14 bits, so that none is negative. They are in
/// `-(I14_OFFSET - 1)..=I14_OFFSET - 1`.
pub const I14_OFFSET: i16 = 8192;
/// Bits of each of their two digits.
pub const DIGIT_BITS: u32 = 7;

/// Sets `c` for `rows` ≤ [`I16_ROWS`] rows in `a` and one panel, both of `steps` steps: Σ a · b, rounded to
/// the nearest f32.
#[inline(always)]
pub fn tile_i8_i16(a: &[i16], rows: usize, panel: &[i8], steps: usize, c: &mut Tile) {
    assert!((1..=I16_ROWS).contains(&rows) && panel.len() == steps * STEP * PANEL && a.len() >= rows * steps * STEP);
    let (a, b) = (a.as_ptr(), panel.as_ptr());
    // SAFETY: the assertion has checked what each call reads: `rows` rows, and one strip of the panel. Both
    // strips of all rows are written.
    unsafe {
        c.put(rows, |c| {
            for strip in 0..2 {
                let (b, c) = (b.add(strip * 16), c.add(strip));
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
/// `a` must be readable for `R` rows of `steps` steps, and `b` for 16 bytes at each of 2·`steps` places 32
/// apart; `c` must be writable at `R` places 2 apart.
#[inline(never)]
unsafe fn i16_rows<const R: usize>(mut a: *const i16, mut b: *const i8, steps: usize, c: *mut F32x4) {
    // Two sums per column, of the first and the last pair of a quad.
    let mut sums = [[I32x4::splat(0); 2]; R];
    // SAFETY: only the quads that the caller guarantees are read.
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
        // SAFETY: the caller guarantees that `R` places are writable.
        unsafe { c.add(2 * r).write(F32x4::from_i32(I32x4::add_pairs(low, high))) };
    }
}

/// Sets `c` for `rows` ≤ [`I14_ROWS`] rows of digits in `a` and one panel, both of `steps` steps: Σ a · b,
/// rounded to the nearest f32. `starts`: -[`I14_OFFSET`] · Σ b of each column, modulo 2^32.
#[inline(always)]
pub fn tile_i8_i14(
    a: &[i8],
    rows: usize,
    panel: &[i8],
    starts: &[i32; PANEL],
    steps: usize,
    ahead: Ahead<'_>,
    c: &mut Tile,
) {
    assert!(
        (1..=I14_ROWS).contains(&rows) && panel.len() == steps * STEP * PANEL && a.len() >= 2 * rows * steps * STEP
    );
    let (a, b) = (a.as_ptr(), panel.as_ptr());
    // SAFETY: the assertion has checked what each call reads: `rows` rows, and one strip of the panel and of
    // the starts. Both strips of all rows are written.
    unsafe {
        c.put(rows, |c| {
            for strip in 0..2 {
                let (b, c) = (b.add(strip * 16), c.add(strip));
                let ahead = if strip == 0 { ahead } else { Ahead::NONE };
                let start = I32x4::load(starts.as_ptr().add(strip * LANES));
                match rows {
                    1 => i14_rows::<1>(a, b, start, steps, ahead, c),
                    2 => i14_rows::<2>(a, b, start, steps, ahead, c),
                    3 => i14_rows::<3>(a, b, start, steps, ahead, c),
                    4 => i14_rows::<4>(a, b, start, steps, ahead, c),
                    5 => i14_rows::<5>(a, b, start, steps, ahead, c),
                    _ => i14_rows::<6>(a, b, start, steps, ahead, c),
                }
            }
        });
    }
}

/// # Safety
/// `a` must be readable for `R` rows of `steps` steps, and `b` for 16 bytes at each of 2·`steps` places 32
/// apart; `c` must be writable at `R` places 2 apart.
#[inline(never)]
unsafe fn i14_rows<const R: usize>(
    mut a: *const i8,
    mut b: *const i8,
    start: I32x4,
    steps: usize,
    ahead: Ahead<'_>,
    c: *mut F32x4,
) {
    // For each row: highs and lows of columns 0 and 1, and of columns 2 and 3.
    let mut sums = [[I32x4::splat(0); 2]; R];
    // SAFETY: only the quads that the caller guarantees are read.
    unsafe {
        let last = a.add(2 * steps * STEP * R);
        let quads = 2 * steps / (ahead.lines() + 1);
        for line in 0..=ahead.lines() {
            let end = if line < ahead.lines() { a.add(quads * R * 8) } else { last };
            while a < end {
                let w = I8x16::load(b).double_quads();
                for (r, sums) in sums.iter_mut().enumerate() {
                    let x = I8x16::load_splat_8(a.add(r * 8));
                    *sums = from_fn(|j| sums[j].dot_quads_add(w[j], x));
                }
                (a, b) = (a.add(R * 8), b.add(4 * PANEL));
            }
            ahead.touch(line);
        }
    }
    for (r, [first, last]) in sums.into_iter().enumerate() {
        let [high, low] = I32x4::even_and_odd(first, last);
        let sum = high.shl::<DIGIT_BITS>() + low + start;
        // SAFETY: the caller guarantees that `R` places are writable.
        unsafe { c.add(2 * r).write(F32x4::from_i32(sum)) };
    }
}

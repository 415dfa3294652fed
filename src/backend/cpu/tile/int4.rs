//! int4 weights in groups of [`GROUP`] along K: w = (q - 8) · multiplier of its group · scale of its row, q
//! in 0..=15.
//! b: for each strip of a panel (4 columns) and step of 8 k, a byte holds q of two k that are 4 apart, the
//! first in its lower bits: (2, K/8, 4, 4) u8; multipliers: (2, K/32, 4, 2) i16, each twice.
//!
//! int8 activations, a: (K/8, rows, 8) i8. The sum of a group's products fits 16 bits, and one instruction
//! widens it, multiplies it and adds it: all sums are exact in i32. 6 rows × 4 columns.

use super::{Dot, PANEL, STEP, Tile};
use crate::backend::cpu::simd::{F32x4, I8x16, I16x8, I32x4};
use crate::weights::int4::GROUP;
use std::array::from_fn;

/// Rows of a tile.
pub const ROWS: usize = 6;

/// Columns of a strip: a panel has two.
const STRIP: usize = PANEL / 2;
/// Steps of a group.
const GROUP_STEPS: usize = GROUP / STEP;

/// A panel of weights.
#[derive(Clone, Copy)]
pub struct Panel<'a> {
    /// (2, K/8, 4, 4)
    pub weights: &'a [u8],
    /// (2, K/32, 4, 2)
    pub multipliers: &'a [i16],
}

impl Panel<'_> {
    /// The number of groups along K.
    fn groups(&self) -> usize {
        let groups = self.multipliers.len() / (2 * PANEL);
        assert!(self.multipliers.len() == groups * 2 * PANEL && self.weights.len() == groups * GROUP * PANEL / 2);
        groups
    }

    /// Weights and multipliers of the 4 columns that start at 4·`strip`.
    fn strip(&self, strip: usize, groups: usize) -> (*const i8, *const i16) {
        let weights = &self.weights[strip * groups * GROUP * STRIP / 2..];
        (weights.as_ptr().cast(), self.multipliers[strip * groups * PANEL..].as_ptr())
    }
}

/// int8 activations of the rows of a tile.
pub struct I8Rows<'a> {
    /// (K/8, rows, 8), each in -127..=127.
    pub values: &'a [i8],
    /// -8 · Σ a over the k of a group that are 0 or 1 modulo 4, and over those that are 2 or 3:
    /// (K/32, rows, 2).
    pub starts: &'a [i16],
}

/// The sums of a group's products, for 4 columns.
trait GroupSums: Copy {
    /// Sums that begin with the two values at `starts`.
    ///
    /// # Safety
    /// Both values must be readable.
    unsafe fn begin(starts: *const i16) -> Self;

    /// Adds the products of a step. `x`: its first and its last four values; `q`: their weights.
    fn add(self, x: [I8x16; 2], q: [I8x16; 2]) -> Self;

    /// The group's multipliers at `p`, for the sums' `parts`.
    ///
    /// # Safety
    /// Eight values must be readable.
    unsafe fn multipliers(p: *const i16) -> I16x8;

    /// Two parts of each sum, whose products with the multipliers are added.
    fn parts(self) -> I16x8;
}

/// [`Dot::Pairs`]: two sums of 16 bits per column. A lane adds 16 products of at most 127 · 15 to -8 · Σ a:
/// modulo 2^16 along the way, within ±16,256 at the end.
impl GroupSums for I16x8 {
    #[inline(always)]
    unsafe fn begin(starts: *const i16) -> Self {
        // SAFETY: the caller's promise.
        unsafe { Self::load_splat_pair(starts) }
    }

    #[inline(always)]
    fn add(self, x: [I8x16; 2], q: [I8x16; 2]) -> Self {
        self + (Self::dot_i7(x[0], q[0]) + Self::dot_i7(x[1], q[1]))
    }

    #[inline(always)]
    unsafe fn multipliers(p: *const i16) -> I16x8 {
        // SAFETY: the caller's promise.
        unsafe { I16x8::load(p) }
    }

    #[inline(always)]
    fn parts(self) -> I16x8 {
        self
    }
}

/// [`Dot::Quads`]: one sum of 32 bits per column, within ±32,512 at the end.
impl GroupSums for I32x4 {
    #[inline(always)]
    unsafe fn begin(starts: *const i16) -> Self {
        // SAFETY: the caller's promise.
        Self::splat(0).dot_add(unsafe { I16x8::load_splat_pair(starts) }, I16x8::splat(1))
    }

    #[inline(always)]
    fn add(self, x: [I8x16; 2], q: [I8x16; 2]) -> Self {
        self.dot_quads_add(x[0], q[0]).dot_quads_add(x[1], q[1])
    }

    #[inline(always)]
    unsafe fn multipliers(p: *const i16) -> I16x8 {
        // The lower 16 bits of a sum are all of it. Its upper ones, only the sign, get a multiplier of 0.
        // SAFETY: the caller's promise.
        unsafe { Self::load(p.cast()) }.and(Self::splat(0xffff)).as_i16()
    }

    #[inline(always)]
    fn parts(self) -> I16x8 {
        self.as_i16()
    }
}

/// Sets `c` for `rows` ≤ [`ROWS`] rows in `a` and one panel: Σ a · (q - 8) · multiplier, rounded to the
/// nearest f32.
#[inline(always)]
pub fn tile_i4_i8(dot: Dot, a: &I8Rows<'_>, rows: usize, panel: Panel<'_>, c: &mut Tile) {
    match dot {
        Dot::Pairs => tile_of::<I16x8>(a, rows, panel, c),
        Dot::Quads => tile_of::<I32x4>(a, rows, panel, c),
    }
}

#[inline(always)]
fn tile_of<S: GroupSums>(a: &I8Rows<'_>, rows: usize, panel: Panel<'_>, c: &mut Tile) {
    let groups = panel.groups();
    assert!((1..=ROWS).contains(&rows) && a.values.len() >= rows * groups * GROUP);
    assert!(a.starts.len() >= rows * groups * 2);
    let (values, starts) = (a.values.as_ptr(), a.starts.as_ptr());
    // SAFETY: the assertions have checked what each call reads: `rows` rows, and a strip of the panel. Both
    // strips of all rows are written.
    unsafe {
        c.put(rows, |c| {
            for strip in 0..2 {
                let ((b, multipliers), c) = (panel.strip(strip, groups), c.add(strip));
                match rows {
                    1 => i8_rows::<1, S>(values, starts, b, multipliers, groups, c),
                    2 => i8_rows::<2, S>(values, starts, b, multipliers, groups, c),
                    3 => i8_rows::<3, S>(values, starts, b, multipliers, groups, c),
                    4 => i8_rows::<4, S>(values, starts, b, multipliers, groups, c),
                    5 => i8_rows::<5, S>(values, starts, b, multipliers, groups, c),
                    _ => i8_rows::<6, S>(values, starts, b, multipliers, groups, c),
                }
            }
        });
    }
}

/// # Safety
/// `a` and `starts` must be readable for `R` rows, `b` and `multipliers` for a strip, of `groups` groups; `c`
/// must be writable at `R` places 2 apart.
#[inline(never)]
unsafe fn i8_rows<const R: usize, S: GroupSums>(
    mut a: *const i8,
    mut starts: *const i16,
    mut b: *const i8,
    mut multipliers: *const i16,
    groups: usize,
    c: *mut F32x4,
) {
    let mut sums = [I32x4::splat(0); R];
    // SAFETY: only the `groups` groups that the caller guarantees are read.
    unsafe {
        for _ in 0..groups {
            let mut inner: [S; R] = from_fn(|r| S::begin(starts.add(r * 2)));
            let end = b.add(GROUP_STEPS * 16);
            while b < end {
                let q = I8x16::load(b).nibbles();
                for (r, inner) in inner.iter_mut().enumerate() {
                    let x = [I8x16::load_splat_quad(a.add(r * 8)), I8x16::load_splat_quad(a.add(r * 8 + 4))];
                    *inner = inner.add(x, q);
                }
                (a, b) = (a.add(R * STEP), b.add(16));
            }
            let multiplier = S::multipliers(multipliers);
            sums = from_fn(|r| sums[r].dot_add(inner[r].parts(), multiplier));
            (starts, multipliers) = (starts.add(R * 2), multipliers.add(PANEL));
        }
    }
    for (r, sum) in sums.into_iter().enumerate() {
        // SAFETY: the caller guarantees that `R` places are writable.
        unsafe { c.add(2 * r).write(F32x4::from_i32(sum)) };
    }
}

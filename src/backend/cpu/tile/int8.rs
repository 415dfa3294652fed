//! int8 weights. b: for each step of 8 k, two quads of k: (K/8, 2, 8, 4) i8. a: the rows of a tile interleaved step by step, so that
//! one pointer and fixed offsets reach them all.
//!
//! Two arithmetics on the same panel:
//! - int16 activations, a: (K/4, rows, 4) i16. The sums are exact in i32; portable SIMD. 4 rows × 4 columns at a time.
//! - unsigned 7-bit activations, a: (K/8, rows, 8) u8, whose scale changes every `group` values of k. One instruction multiplies
//!   sixteen and adds them in pairs; two such results are added before they are widened, for which the weights of four products
//!   that meet must not exceed [`MAX_FOUR`]. 4 rows × 8 columns.

use super::{MAX_ROWS, PANEL, Row, STEP, Tile, empty};
use crate::backend::cpu::simd::{F32x4, I8x16, I16x8, I32x4};
use std::array::from_fn;

/// The most that the weights of one sign may sum up to among four whose products meet in i16: 127 · 258 fits.
pub const MAX_FOUR: i32 = 258;

/// The largest sum of weights of one sign among four of `row` whose products meet in i16: of each eight k, 0, 1, 4, 5 and 2, 3, 6, 7.
pub fn largest_four(row: &[i8]) -> i32 {
    let of = |eight: &[i8], places: [usize; 4], sign: i32| -> i32 {
        places.iter().filter_map(|i| eight.get(*i)).map(|w| (sign * i32::from(*w)).max(0)).sum()
    };
    let fours = row.chunks(STEP).flat_map(|eight| [(eight, [0, 1, 4, 5]), (eight, [2, 3, 6, 7])]);
    fours.map(|(eight, places)| of(eight, places, 1).max(of(eight, places, -1))).max().unwrap_or(0)
}

/// Rows of a tile.
pub const ROWS: usize = 4;

/// c of `rows` ≤ [`ROWS`] rows in `a` and one panel, both of `steps` steps: Σ a · b as f32, nearest.
#[inline(always)]
pub fn tile_i8_i16(a: &[i16], rows: usize, panel: &[i8], steps: usize) -> Tile {
    assert!((1..=ROWS).contains(&rows) && panel.len() == steps * STEP * PANEL && a.len() >= rows * steps * STEP);
    let mut c = empty();
    let (a, b) = (a.as_ptr(), panel.as_ptr());
    for half in 0..2 {
        // SAFETY: the assertion has checked what each call reads: `rows` rows, and one half of each quad of the panel.
        unsafe {
            let b = b.add(half * 16);
            match rows {
                1 => i16_rows::<1>(a, b, steps, half, &mut c),
                2 => i16_rows::<2>(a, b, steps, half, &mut c),
                3 => i16_rows::<3>(a, b, steps, half, &mut c),
                _ => i16_rows::<4>(a, b, steps, half, &mut c),
            }
        }
    }
    c
}

/// # Safety
/// `a` must be readable for `R` rows of `steps` steps, and `b` for 16 bytes at each of 2·`steps` places 32 apart.
#[inline(never)]
unsafe fn i16_rows<const R: usize>(
    mut a: *const i16,
    mut b: *const i8,
    steps: usize,
    half: usize,
    c: &mut [Row; MAX_ROWS],
) {
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
    for (c, [low, high]) in c.iter_mut().zip(sums) {
        c[half] = F32x4::from_i32(I32x4::add_pairs(low, high));
    }
}

/// Unsigned 7-bit activations of the rows of a tile.
pub struct U7Rows<'a> {
    /// (K/8, rows, 8), each at most 127.
    pub values: &'a [u8],
    /// (K/group, rows)
    pub scales: &'a [f32],
    /// Values of k that share a scale, a multiple of [`STEP`].
    pub group: usize,
}

/// c of `rows` ≤ [`ROWS`] rows in `a` and one panel, whose weights keep to [`MAX_FOUR`]: Σ_g scale[g] · (start[g] + Σ_k a · b), the inner
/// sums exact. `starts`: (K/group, 8), or (8) for all groups alike.
#[inline(always)]
pub fn tile_i8_u7(a: &U7Rows<'_>, rows: usize, panel: &[i8], starts: &[i32]) -> Tile {
    let groups = panel.len() / (a.group * PANEL);
    assert!((1..=ROWS).contains(&rows) && a.group.is_multiple_of(STEP) && panel.len() == groups * a.group * PANEL);
    assert!(a.values.len() >= rows * groups * a.group && a.scales.len() >= rows * groups);
    assert!(starts.len() == PANEL || starts.len() == groups * PANEL);
    let mut c = empty();
    let start_stride = if starts.len() == PANEL { 0 } else { PANEL };
    let operands = Operands {
        a: a.values.as_ptr().cast(),
        scales: a.scales.as_ptr(),
        b: panel.as_ptr(),
        starts: starts.as_ptr(),
        start_stride,
        groups,
        group: a.group,
    };
    // SAFETY: the assertions have checked what each call reads.
    unsafe {
        match rows {
            1 => u7_rows::<1>(operands, &mut c),
            2 => u7_rows::<2>(operands, &mut c),
            3 => u7_rows::<3>(operands, &mut c),
            _ => u7_rows::<4>(operands, &mut c),
        }
    }
    c
}

struct Operands {
    a: *const i8,
    scales: *const f32,
    b: *const i8,
    starts: *const i32,
    start_stride: usize,
    groups: usize,
    group: usize,
}

/// # Safety
/// The pointers must be readable for `R` rows, a panel and the starts of `groups` groups.
#[inline(never)]
unsafe fn u7_rows<const R: usize>(operands: Operands, c: &mut [Row; MAX_ROWS]) {
    let Operands { mut a, mut scales, mut b, mut starts, start_stride, groups, group } = operands;
    let mut sums = [[F32x4::splat(0.0); 2]; R];
    let ones = I16x8::splat(1);
    // SAFETY: as many groups are read as the caller vouches for.
    unsafe {
        for _ in 0..groups {
            let start: [I32x4; 2] = [I32x4::load(starts), I32x4::load(starts.add(4))];
            let mut inner = [start; R];
            let end = b.add(group * PANEL);
            while b < end {
                let w: [[I8x16; 2]; 2] = from_fn(|j| [I8x16::load(b.add(16 * j)), I8x16::load(b.add(32 + 16 * j))]);
                for (r, inner) in inner.iter_mut().enumerate() {
                    let x = [I8x16::load_splat_quad(a.add(r * 8)), I8x16::load_splat_quad(a.add(r * 8 + 4))];
                    *inner = from_fn(|j| {
                        let pairs = I16x8::dot_i7(w[j][0], x[0]) + I16x8::dot_i7(w[j][1], x[1]);
                        inner[j].dot_add(pairs, ones)
                    });
                }
                (a, b) = (a.add(R * STEP), b.add(STEP * PANEL));
            }
            for r in 0..R {
                let scale = F32x4::load_splat(scales.add(r));
                sums[r] = from_fn(|j| F32x4::from_i32(inner[r][j]).mul_add(scale, sums[r][j]));
            }
            (scales, starts) = (scales.add(R), starts.add(start_stride));
        }
    }
    c[..R].copy_from_slice(&sums);
}

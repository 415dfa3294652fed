//! tile: c[r,j] = Σ_k a[r,k] · b[k,j] for up to 4 rows and 8 columns, the one place where products are computed.
//! a: rows of K f32 (or i16), `stride` apart; b: a panel, the 8 columns of each k side by side: (K, 8) f32, or for
//! pairs of k (K/2, 8, 2) i8; c: 4 × 2 vectors, f32 (or i32).
//!
//! 8 accumulators, 2 vectors of b and 1 of a fit the 16 vector registers that engines have on x86: 4×3 and 6×2 spill.
//! Each tile is a function of its own, so that the engine's register allocation sees one loop.

use super::simd::{F32x4, I16x8, I32x4};
use super::team::Team;
use std::array::from_fn;

/// Columns of a panel: two vectors.
pub const PANEL: usize = 8;
/// Rows of a tile.
pub const ROWS: usize = 4;

/// One row of a tile of f32: [`PANEL`] columns.
pub type Row = [F32x4; 2];
/// One row of a tile of i32.
pub type RowI32 = [I32x4; 2];

/// Calls `f(row, rows, panel)` once for every tile of a product of `rows` rows and `panels` panels, on the threads of `team`.
///
/// A panel stays in the cache while the rows of a block pass: `row_bytes` of each, [`BLOCK_BYTES`] together at most. A task is a
/// panel and a block, so that few rows are shared out as well as many.
pub fn for_each_tile(
    team: &Team,
    rows: usize,
    panels: usize,
    row_bytes: usize,
    f: impl Fn(usize, usize, usize) + Sync,
) {
    let block = (BLOCK_BYTES / row_bytes.max(1)).next_multiple_of(ROWS).max(ROWS);
    team.run(rows.div_ceil(block) * panels, |_, task| {
        let (first, panel) = (task / panels * block, task % panels);
        let end = rows.min(first + block);
        for row in (first..end).step_by(ROWS) {
            f(row, ROWS.min(end - row), panel);
        }
    });
}

/// Half of a common second-level cache.
const BLOCK_BYTES: usize = 512 << 10;

/// c of `rows` ≤ [`ROWS`] rows of `a`, the first at `a[0]`, and one panel of `depth` × [`PANEL`]; the other rows are 0.
#[inline(always)]
pub fn tile_f32(a: &[f32], stride: usize, rows: usize, panel: &[f32], depth: usize) -> [Row; ROWS] {
    assert!((1..=ROWS).contains(&rows) && panel.len() == depth * PANEL && a.len() >= (rows - 1) * stride + depth);
    let mut c = [[F32x4::splat(0.0); 2]; ROWS];
    let (a, b) = (a.as_ptr(), panel.as_ptr());
    // SAFETY: the assertion has checked what each call reads: `rows` rows of `depth` values, and the panel.
    unsafe {
        match rows {
            1 => f32_rows::<1>(a, stride, b, depth, &mut c),
            2 => f32_rows::<2>(a, stride, b, depth, &mut c),
            3 => f32_rows::<3>(a, stride, b, depth, &mut c),
            _ => f32_rows::<4>(a, stride, b, depth, &mut c),
        }
    }
    c
}

/// # Safety
/// `a` must be readable for `R` rows of `depth` values, `stride` apart, and `b` for `depth` × [`PANEL`] values.
#[inline(never)]
unsafe fn f32_rows<const R: usize>(a: *const f32, stride: usize, b: *const f32, depth: usize, c: &mut [Row; ROWS]) {
    let mut sums = [[F32x4::splat(0.0); 2]; R];
    for k in 0..depth {
        // SAFETY: k < depth, so these are places the caller vouches for.
        let (b, x): (Row, [F32x4; R]) = unsafe {
            let b = b.add(k * PANEL);
            ([F32x4::load(b), F32x4::load(b.add(4))], from_fn(|r| F32x4::load_splat(a.add(r * stride + k))))
        };
        for r in 0..R {
            sums[r] = from_fn(|j| x[r].mul_add(b[j], sums[r][j]));
        }
    }
    c[..R].copy_from_slice(&sums);
}

/// c of `rows` ≤ [`ROWS`] rows of `a`, the first at `a[0]`, and one panel of `pairs` × [`PANEL`] pairs; modulo 2^32.
#[inline(always)]
pub fn tile_i8(a: &[i16], rows: usize, panel: &[i8], pairs: usize) -> [RowI32; ROWS] {
    assert!((1..=ROWS).contains(&rows) && panel.len() == pairs * 2 * PANEL && a.len() >= rows * pairs * 2);
    let mut c = [[I32x4::splat(0); 2]; ROWS];
    let (a, b) = (a.as_ptr(), panel.as_ptr());
    // SAFETY: the assertion has checked what each call reads: `rows` rows of `pairs` pairs, and the panel.
    unsafe {
        match rows {
            1 => i8_rows::<1>(a, b, pairs, &mut c),
            2 => i8_rows::<2>(a, b, pairs, &mut c),
            3 => i8_rows::<3>(a, b, pairs, &mut c),
            _ => i8_rows::<4>(a, b, pairs, &mut c),
        }
    }
    c
}

/// # Safety
/// `a` must be readable for `R` rows of `pairs` pairs, one after the other, and `b` for `pairs` × [`PANEL`] pairs.
#[inline(never)]
unsafe fn i8_rows<const R: usize>(a: *const i16, b: *const i8, pairs: usize, c: &mut [RowI32; ROWS]) {
    let mut sums = [[I32x4::splat(0); 2]; R];
    for k in 0..pairs {
        // SAFETY: k < pairs, so these are places the caller vouches for.
        let (b, x): ([I16x8; 2], [I16x8; R]) = unsafe {
            let b = b.add(k * 2 * PANEL);
            let x = from_fn(|r| I16x8::load_splat_pair(a.add((r * pairs + k) * 2)));
            ([I16x8::load_extend(b), I16x8::load_extend(b.add(PANEL))], x)
        };
        for r in 0..R {
            sums[r] = from_fn(|j| sums[r][j].dot_add(x[r], b[j]));
        }
    }
    c[..R].copy_from_slice(&sums);
}

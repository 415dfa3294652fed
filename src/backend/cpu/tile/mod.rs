//! Tiles of a product: `c[r,j] = Σ_k a[r,k] · b[k,j]` for a few rows and [`PANEL`] columns, the one place where
//! products are computed. b is a panel, packed so that each step loads whole vectors; a file a type of
//! weights.
//!
//! Each tile is a function of its own, so that the engine's register allocation sees one loop. Engines have
//! 16 vector registers on x86; a tile's shape is the fastest of those tried in Chromium (docs/decisions/0002).

pub mod ahead;
pub mod dot;
pub mod float;
pub mod int4;
pub mod int8;

use super::simd::{F32x4, LANES};
use super::team::Team;
use std::mem::MaybeUninit;

pub use ahead::Ahead;
pub use dot::Dot;
pub use float::tile_f32;
pub use int4::{I8Rows, tile_i4_i8};
pub use int8::{tile_i8_i14, tile_i8_i16};

/// Columns of a panel: two vectors.
pub const PANEL: usize = 8;
/// Values of k that integer kernels take in one step; their depth is padded with zeros to whole steps.
pub const STEP: usize = 8;
/// The most rows of a tile.
pub const MAX_ROWS: usize = 6;

/// One row of a tile: [`PANEL`] columns.
pub type Row = [F32x4; 2];
/// The first [`PANEL`] of `values`.
#[inline(always)]
pub fn row(values: &[f32]) -> Row {
    [F32x4::from_slice(values), F32x4::from_slice(&values[LANES..])]
}

/// The sums of a tile's rows, in places that are written once and read there. Zeros to begin with would be a
/// call of the engine's to fill memory, a tenth of a small tile's time; and engines copy arrays word by word,
/// for which vectors that are read back wait.
pub struct Tile {
    rows: [MaybeUninit<Row>; MAX_ROWS],
    written: usize,
}

impl Tile {
    /// Without a row.
    #[inline(always)]
    pub fn new() -> Self {
        Self { rows: [const { MaybeUninit::uninit() }; MAX_ROWS], written: 0 }
    }

    /// The rows that the last product wrote.
    #[inline(always)]
    pub fn rows(&mut self) -> &mut [Row] {
        // SAFETY: `put` vouches for these, and `Row` is what a `MaybeUninit` of it is in memory.
        unsafe { std::slice::from_raw_parts_mut(self.rows.as_mut_ptr().cast(), self.written) }
    }

    /// Sets `rows` rows of zeros, the sums of no products.
    pub fn clear(&mut self, rows: usize) {
        self.rows[..rows].fill(MaybeUninit::new([F32x4::splat(0.0); 2]));
        self.written = rows;
    }

    /// Lets `write` put `rows` rows at the place that it is given.
    ///
    /// # Safety
    /// It must write all of them.
    #[inline(always)]
    unsafe fn put(&mut self, rows: usize, write: impl FnOnce(*mut F32x4)) {
        assert!(rows <= MAX_ROWS, "a tile's rows");
        write(self.rows.as_mut_ptr().cast());
        self.written = rows;
    }
}

impl Default for Tile {
    fn default() -> Self {
        Self::new()
    }
}

/// Calls `f(row, rows, panel)` once for every tile, of at most `tile_rows` rows, of a product of `rows` rows
/// and `panels` panels, on the threads of `team`.
///
/// A panel stays in the cache while the rows of a block pass: `row_bytes` of each, [`BLOCK_BYTES`] together
/// at most. A task is a panel and a block, so that few rows are shared out as well as many.
pub fn for_each_tile(
    team: &Team,
    rows: usize,
    tile_rows: usize,
    panels: usize,
    row_bytes: usize,
    f: impl Fn(usize, usize, usize) + Sync,
) {
    let block = (BLOCK_BYTES / row_bytes.max(1)).next_multiple_of(tile_rows).max(tile_rows);
    team.run(rows.div_ceil(block) * panels, |_, task| {
        let (first, panel) = (task / panels * block, task % panels);
        let end = rows.min(first + block);
        for row in (first..end).step_by(tile_rows) {
            f(row, tile_rows.min(end - row), panel);
        }
    });
}

/// Half of a common second-level cache.
const BLOCK_BYTES: usize = 512 << 10;

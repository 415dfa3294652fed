//! Tiles of a product: `c[r,j] = Σ_k a[r,k] · b[k,j]` for a few rows and [`PANEL`] columns, the only place
//! where products are computed. b is a panel, packed so that each step loads whole vectors. There is one file
//! per type of weights.
//!
//! Each tile is a separate function, so that the engine's register allocation sees one loop. Engines have 16
//! vector registers on x86; a tile's shape is the fastest of those tested in Chromium (docs/decisions/0002).

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
/// Values of k that integer kernels process in one step; their depth is padded with zeros to whole steps.
pub const STEP: usize = 8;
/// The maximum number of rows of a tile.
pub const MAX_ROWS: usize = 6;

/// One row of a tile: [`PANEL`] columns.
pub type Row = [F32x4; 2];
/// The first [`PANEL`] of `values`.
#[inline(always)]
pub fn row(values: &[f32]) -> Row {
    [F32x4::from_slice(values), F32x4::from_slice(&values[LANES..])]
}

/// The sums of a tile's rows, which are written once and read in place. Filling them with zeros first would
/// be a call of the engine, a tenth of a small tile's time. Copying them would be slow, because engines copy
/// arrays word by word, and vectors that are then read have to wait for that.
pub struct Tile {
    rows: [MaybeUninit<Row>; MAX_ROWS],
    written: usize,
}

impl Tile {
    /// A tile without rows.
    #[inline(always)]
    pub fn new() -> Self {
        Self { rows: [const { MaybeUninit::uninit() }; MAX_ROWS], written: 0 }
    }

    /// The rows that the last product wrote.
    #[inline(always)]
    pub fn rows(&mut self) -> &mut [Row] {
        // SAFETY: `put` and `clear` have written these rows, and a `MaybeUninit<Row>` has the memory layout
        // of a `Row`.
        unsafe { std::slice::from_raw_parts_mut(self.rows.as_mut_ptr().cast(), self.written) }
    }

    /// Sets `rows` rows to zeros, the sums of no products.
    pub fn clear(&mut self, rows: usize) {
        self.rows[..rows].fill(MaybeUninit::new([F32x4::splat(0.0); 2]));
        self.written = rows;
    }

    /// Calls `write` with the place where it must write `rows` rows.
    ///
    /// # Safety
    /// `write` must write all of them.
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
/// A panel stays in the cache while a block of rows is processed: rows of `row_bytes` each, about
/// [`BLOCK_BYTES`] together. A task is a panel and a block, so that few rows are divided among the threads as
/// well as many.
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

//! Tiles of a product: c[r,j] = Σ_k a[r,k] · b[k,j] for a few rows and [`PANEL`] columns, the one place where products are
//! computed. b is a panel, packed so that each step loads whole vectors; a file a type of weights.
//!
//! Each tile is a function of its own, so that the engine's register allocation sees one loop. Engines have 16 vector registers on
//! x86; a tile's shape is the fastest of those tried in Chromium (docs/decisions.md).

pub mod float;
pub mod int4;
pub mod int8;

use super::simd::F32x4;
use super::team::Team;

pub use float::tile_f32;
pub use int4::{I8Rows, tile_i4_i8, tile_i4_i16};
pub use int8::tile_i8_i16;

/// Columns of a panel: two vectors.
pub const PANEL: usize = 8;
/// Values of k that integer kernels take in one step; their depth is padded with zeros to whole steps.
pub const STEP: usize = 8;
/// The most rows of a tile.
pub const MAX_ROWS: usize = 6;

/// One row of a tile: [`PANEL`] columns.
pub type Row = [F32x4; 2];
/// The rows of a tile; those beyond its rows are 0.
pub type Tile = [Row; MAX_ROWS];

/// Calls `f(row, rows, panel)` once for every tile, of at most `tile_rows` rows, of a product of `rows` rows and `panels` panels, on the
/// threads of `team`.
///
/// A panel stays in the cache while the rows of a block pass: `row_bytes` of each, [`BLOCK_BYTES`] together at most. A task is a
/// panel and a block, so that few rows are shared out as well as many.
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

/// A tile of no products.
pub fn empty() -> Tile {
    [[F32x4::splat(0.0); 2]; MAX_ROWS]
}

//! Workgroup sizes, tile sizes and dispatch counts of the kernels in `shaders/`: what Rust must know about the WGSL.
//!
//! `tests/gpu/shaders.rs` parses the WGSL and compares it with this.

/// Invocations in a workgroup of every kernel except `linear_blocks`.
pub const WORKGROUP: u32 = 64;
/// Invocations in a workgroup of `linear_blocks`: as many as software adapters run together.
pub const BLOCKS_WORKGROUP: u32 = 4;
/// The maximum number of workgroups in one dimension of a dispatch (WebGPU's default limit).
pub const MAX_WORKGROUPS: u32 = 65_535;
/// The rows of every tensor are padded to a multiple of this many columns.
pub const ALIGN: u32 = 16;
/// The buffers of weights and of column parameters are padded to a multiple of this many rows.
pub const WEIGHT_ROWS: u32 = 64;
/// The maximum number of query rows in a tile of `attention`.
pub const QUERY_ROWS: u32 = 32;
/// The widest head that `attention` supports.
pub const MAX_HEAD_WIDTH: u32 = 128;

/// Rows and columns of a workgroup of `linear_rows`.
pub const ROWS_TILE: [u32; 2] = [8, 8];
/// Rows and columns of a workgroup of `linear_tiles`.
pub const TILES_TILE: [u32; 2] = [64, 64];
/// Rows and columns of an invocation of `linear_blocks`, the kernel for software adapters and any number of
/// rows.
pub const BLOCKS_TILE: [u32; 2] = [16, 16];
/// The maximum number of rows for `linear_rows`. Up to here, its many small workgroups keep more of a device
/// busy.
pub const FEW_ROWS: u32 = 64;

/// Whether `linear_rows` rather than `linear_tiles` is the kernel for `rows` rows.
pub fn few_rows(rows: u32) -> bool {
    rows <= FEW_ROWS
}

/// Workgroups of `linear_rows`.
pub fn linear_rows(rows: u32, columns: u32) -> [u32; 3] {
    [rows.div_ceil(ROWS_TILE[0]), columns.next_multiple_of(ALIGN).div_ceil(ROWS_TILE[1]), 1]
}

/// Workgroups of `linear_tiles` and `linear_tiles_dot`.
pub fn linear_tiles(rows: u32, columns: u32) -> [u32; 3] {
    [columns.div_ceil(TILES_TILE[1]), rows.div_ceil(TILES_TILE[0]), 1]
}

/// Workgroups of `linear_blocks`.
pub fn linear_blocks(rows: u32, columns: u32) -> [u32; 3] {
    [columns.div_ceil(BLOCKS_TILE[1] * BLOCKS_WORKGROUP), rows.div_ceil(BLOCKS_TILE[0]), 1]
}

/// Workgroups of `attention`.
pub fn attention(tiles: u32, heads: u32) -> [u32; 3] {
    [tiles, heads, 1]
}

/// Workgroups of `layer_norm`, `take_rows` and `mean_rows`: one per row, or several rows each if there are
/// too many.
pub fn by_row(rows: u32) -> [u32; 3] {
    [rows.min(MAX_WORKGROUPS), 1, 1]
}

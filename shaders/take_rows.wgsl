// take_rows: y[n,d] = x[rows[n],d]
// x: (≥ N, D), y: (N, D) f32; rows: (N)
// dispatch: one workgroup of 64 a row; N workgroups, and beyond 65535 each takes several rows
// twin: src/backend/cpu/mod.rs; the same bits

struct Params {
    rows: u32,
    // In quads (vec4): D rounded up to a multiple of 16, divided by 4.
    stride: u32,
    pad_0: u32,
    pad_1: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> rows: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    for (var row = group.x; row < p.rows; row += groups.x) {
        let from_row = rows[row] * p.stride;
        for (var q = lane; q < p.stride; q += 64u) {
            y[row * p.stride + q] = x[from_row + q];
        }
    }
}

// mean_rows: y[b,d] = Σ_n x[n,d] / (starts[b+1] - starts[b]), n from starts[b]; zeros if there is none
// x: (N, D), y: (B, D) f32; starts: (B + 1)
// dispatch: one workgroup of 64 a text; B workgroups, and beyond 65535 each takes several texts
// twin: src/backend/cpu/mod.rs; the same sums in the same order

struct Params {
    texts: u32,
    // In quads (vec4): D rounded up to a multiple of 16, divided by 4.
    stride: u32,
    pad_0: u32,
    pad_1: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> starts: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) quad: u32,
) {
    for (var text = group.x; text < p.texts; text += groups.x) {
        let first = starts[text];
        let end = starts[text + 1u];
        let factor = 1.0 / f32(max(end - first, 1u));
        for (var i = quad; i < p.stride; i += 64u) {
            var sum = vec4<f32>();
            for (var row = first; row < end; row += 1u) {
                sum += x[row * p.stride + i];
            }
            y[text * p.stride + i] = sum * factor;
        }
    }
}

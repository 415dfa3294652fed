// layer_norm: y[n,d] = (x[n,d] - mean_n) / sqrt(var_n + eps) * gamma[d] + beta[d]
// x, y: (N, D) f32; gamma, beta: (D) f32; eps as in the checkpoint's configuration; var: the biased variance
// dispatch: one workgroup of 64 a row; N workgroups, and beyond 65535 each takes several rows
// twin: src/backend/cpu/layer_norm.rs; they agree as tests/gpu/kernels.rs allows

struct Params {
    rows: u32,
    columns: u32,
    // In quads (vec4): D rounded up to a multiple of 16, divided by 4.
    stride: u32,
    eps: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
// stride quads of gamma, then as many of beta; zeros beyond D
@group(0) @binding(2) var<storage, read> gamma_beta: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;

var<workgroup> parts: array<f32, 64>;

// The sum of all invocations' parts. Each adds up all 64 in the same order: two barriers, where a tree would
// need seven.
fn sum_of(part: vec4<f32>, lane: u32) -> f32 {
    workgroupBarrier();
    parts[lane] = (part.x + part.y) + (part.z + part.w);
    workgroupBarrier();
    var sum = vec4<f32>();
    for (var i = 0u; i < 64u; i += 4u) {
        sum += vec4<f32>(parts[i], parts[i + 1u], parts[i + 2u], parts[i + 3u]);
    }
    return (sum.x + sum.y) + (sum.z + sum.w);
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let width = f32(p.columns);
    for (var row = group.x; row < p.rows; row += groups.x) {
        let first = row * p.stride;
        var part = vec4<f32>();
        for (var q = lane; q < p.stride; q += 64u) {
            part += x[first + q];
        }
        let mean = sum_of(part, lane) / width;

        part = vec4<f32>();
        for (var q = lane; q < p.stride; q += 64u) {
            let d = 4u * q + vec4<u32>(0u, 1u, 2u, 3u);
            let difference = select(vec4<f32>(), x[first + q] - mean, d < vec4<u32>(p.columns));
            part += difference * difference;
        }
        let scale = 1.0 / sqrt(sum_of(part, lane) / width + p.eps);

        for (var q = lane; q < p.stride; q += 64u) {
            y[first + q] = (x[first + q] - mean) * scale * gamma_beta[q] + gamma_beta[p.stride + q];
        }
    }
}

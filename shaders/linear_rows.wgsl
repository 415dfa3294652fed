// linear_rows: y[n,m] = epilogue(scale[m] · Σ_k x[n,k] · w[m,k] + bias[m]), for few rows
// x: (N, K), y and residual: (N, M) f32; w: (M, K) f32, f16 or int8 with a scale per row; columns: (M) of (bias, scale)
// dispatch: (⌈N/8⌉, ⌈M16/8⌉) workgroups of 64, M16 = M rounded up to 16: each makes 8 rows × 8 columns. Neighbouring
// invocations take neighbouring k, and workgroup memory sums what they found in a fixed order: the same result every time
// twin: src/backend/cpu/linear/mod.rs; they agree as tests/gpu_kernels.rs allows

// Sum i of invocation j, and of j + 32, lies at i * 32 + j.
var<workgroup> sums: array<vec4<f32>, 512>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let row = group.x * 8u;
    let column = group.y * 8u;
    let x0 = x_place(row);
    let x1 = x_place(row + 1u);
    let x2 = x_place(row + 2u);
    let x3 = x_place(row + 3u);
    let x4 = x_place(row + 4u);
    let x5 = x_place(row + 5u);
    let x6 = x_place(row + 6u);
    let x7 = x_place(row + 7u);
    let w_stride = p.x_stride / QUADS;
    let w0 = column * w_stride;
    var a0 = vec4<f32>();
    var a1 = vec4<f32>();
    var a2 = vec4<f32>();
    var a3 = vec4<f32>();
    var a4 = vec4<f32>();
    var a5 = vec4<f32>();
    var a6 = vec4<f32>();
    var a7 = vec4<f32>();
    var b0 = vec4<f32>();
    var b1 = vec4<f32>();
    var b2 = vec4<f32>();
    var b3 = vec4<f32>();
    var b4 = vec4<f32>();
    var b5 = vec4<f32>();
    var b6 = vec4<f32>();
    var b7 = vec4<f32>();
    for (var chunk = lane; chunk < w_stride; chunk += 64u) {
        let u0 = w[w0 + chunk];
        let u1 = w[w0 + 1u * w_stride + chunk];
        let u2 = w[w0 + 2u * w_stride + chunk];
        let u3 = w[w0 + 3u * w_stride + chunk];
        let u4 = w[w0 + 4u * w_stride + chunk];
        let u5 = w[w0 + 5u * w_stride + chunk];
        let u6 = w[w0 + 6u * w_stride + chunk];
        let u7 = w[w0 + 7u * w_stride + chunk];
        for (var j = 0u; j < QUADS; j += 1u) {
            let q = chunk * QUADS + j;
            let wa = transpose(mat4x4<f32>(quad(u0, j), quad(u1, j), quad(u2, j), quad(u3, j)));
            let wb = transpose(mat4x4<f32>(quad(u4, j), quad(u5, j), quad(u6, j), quad(u7, j)));
            let v0 = x[x0 + q];
            a0 = multiply(a0, v0, wa);
            b0 = multiply(b0, v0, wb);
            let v1 = x[x1 + q];
            a1 = multiply(a1, v1, wa);
            b1 = multiply(b1, v1, wb);
            let v2 = x[x2 + q];
            a2 = multiply(a2, v2, wa);
            b2 = multiply(b2, v2, wb);
            let v3 = x[x3 + q];
            a3 = multiply(a3, v3, wa);
            b3 = multiply(b3, v3, wb);
            let v4 = x[x4 + q];
            a4 = multiply(a4, v4, wa);
            b4 = multiply(b4, v4, wb);
            let v5 = x[x5 + q];
            a5 = multiply(a5, v5, wa);
            b5 = multiply(b5, v5, wb);
            let v6 = x[x6 + q];
            a6 = multiply(a6, v6, wa);
            b6 = multiply(b6, v6, wb);
            let v7 = x[x7 + q];
            a7 = multiply(a7, v7, wa);
            b7 = multiply(b7, v7, wb);
        }
    }
    let place = lane & 31u;
    if lane >= 32u {
        sums[0u + place] = a0;
        sums[32u + place] = b0;
        sums[64u + place] = a1;
        sums[96u + place] = b1;
        sums[128u + place] = a2;
        sums[160u + place] = b2;
        sums[192u + place] = a3;
        sums[224u + place] = b3;
        sums[256u + place] = a4;
        sums[288u + place] = b4;
        sums[320u + place] = a5;
        sums[352u + place] = b5;
        sums[384u + place] = a6;
        sums[416u + place] = b6;
        sums[448u + place] = a7;
        sums[480u + place] = b7;
    }
    workgroupBarrier();
    if lane < 32u {
        sums[0u + place] += a0;
        sums[32u + place] += b0;
        sums[64u + place] += a1;
        sums[96u + place] += b1;
        sums[128u + place] += a2;
        sums[160u + place] += b2;
        sums[192u + place] += a3;
        sums[224u + place] += b3;
        sums[256u + place] += a4;
        sums[288u + place] += b4;
        sums[320u + place] += a5;
        sums[352u + place] += b5;
        sums[384u + place] += a6;
        sums[416u + place] += b6;
        sums[448u + place] += a7;
        sums[480u + place] += b7;
    }
    workgroupBarrier();
    // Sum i = row · 2 + half: 4 invocations add 8 each, and each starts elsewhere: neighbours read from different banks.
    let i = lane & 15u;
    let part = lane >> 4u;
    var sum = vec4<f32>();
    for (var j = 0u; j < 8u; j += 1u) {
        sum += sums[i * 32u + part * 8u + ((i + j) & 7u)];
    }
    workgroupBarrier();
    sums[lane] = sum;
    workgroupBarrier();
    if lane < 16u {
        let total = (sums[lane] + sums[lane + 16u]) + (sums[lane + 32u] + sums[lane + 48u]);
        store(row + (lane >> 1u), group.y * 2u + (lane & 1u), total);
    }
}

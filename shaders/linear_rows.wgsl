// linear_rows: y[n,m] = epilogue(scale[m] · Σ_k x[n,k] · w[m,k] + bias[m]), for few rows
// x: (N, K), y and residual: (N, M) f32; w: (M, K) f32, f16 or int8 with a scale per row; columns: (M) of (bias, scale)
// dispatch: (⌈N/8⌉, ⌈M16/8⌉) workgroups of 64, M16 = M rounded up to 16: each makes 8 rows × 8 columns. Neighbouring
// invocations take neighbouring k, and workgroup memory sums what they found in a fixed order: the same result every time
// twin: src/backend/cpu/linear/mod.rs; y of size 1 at K = 3072 is at most 7e-7 off f64; they agree as tests/gpu_kernels.rs allows

struct Params {
    rows: u32,
    columns: u32,
    // In quads (vec4): K rounded up to 16, and M rounded up to 16, by 4.
    x_stride: u32,
    y_stride: u32,
    // 0 bias, 1 GELU, 2 ReLU, 3 residual
    epilogue: u32,
    // 1: the residual's row, or x's row, for row n of y is rows[n]; never both.
    residual_indexed: u32,
    x_indexed: u32,
    pad: u32,
}

// How w is stored: 0 f32, 1 f16, 2 int8; a vec4<u32> holds QUADS quads of k.
override FORMAT: u32 = 0u;
override QUADS: u32 = 1u << FORMAT;

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> w: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> columns: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read> residual: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> rows: array<u32>;
@group(0) @binding(6) var<storage, read_write> y: array<vec4<f32>>;

// Sum i of invocation j, and of j + 32, lies at i * 32 + j.
var<workgroup> sums: array<vec4<f32>, 512>;

// Quad j of the QUADS in a vec4 of weights.
fn quad(u: vec4<u32>, j: u32) -> vec4<f32> {
    if FORMAT == 0u {
        return bitcast<vec4<f32>>(u);
    }
    if FORMAT == 1u {
        let halves = select(u.xy, u.zw, j == 1u);
        return vec4<f32>(unpack2x16float(halves.x), unpack2x16float(halves.y));
    }
    return vec4<f32>(unpack4xI8(u[j]));
}

// sum + x · w, w[i] being the 4 columns at k = i
fn multiply(sum: vec4<f32>, x: vec4<f32>, w: mat4x4<f32>) -> vec4<f32> {
    let low = fma(w[1], vec4<f32>(x.y), fma(w[0], vec4<f32>(x.x), sum));
    return fma(w[3], vec4<f32>(x.w), fma(w[2], vec4<f32>(x.z), low));
}

// x·Φ(x) as max(x, 0) - |x|/2·erfc(|x|/√2), as gelu in src/backend/cpu/math.rs; beyond 14, erfc is below f32's range
fn gelu(x: vec4<f32>) -> vec4<f32> {
    let a = min(abs(x), vec4<f32>(14.0));
    let z = a * 0.70710678;
    let t = 1.0 / (1.0 + 0.5 * z);
    var s = vec4<f32>(0.17087277);
    s = s * t - 0.82215223;
    s = s * t + 1.48851587;
    s = s * t - 1.13520398;
    s = s * t + 0.27886807;
    s = s * t - 0.18628806;
    s = s * t + 0.09678418;
    s = s * t + 0.37409196;
    s = s * t + 1.00002368;
    s = s * t - 1.26551223;
    return max(x, vec4<f32>(0.0)) - 0.5 * a * t * exp(s - z * z);
}

// Stores 4 columns of a row, where y has them.
fn store(row: u32, quad_column: u32, sum: vec4<f32>) {
    if row >= p.rows || quad_column >= p.y_stride {
        return;
    }
    let c0 = columns[4u * quad_column];
    let c1 = columns[4u * quad_column + 1u];
    let c2 = columns[4u * quad_column + 2u];
    let c3 = columns[4u * quad_column + 3u];
    var v = sum * vec4<f32>(c0.y, c1.y, c2.y, c3.y) + vec4<f32>(c0.x, c1.x, c2.x, c3.x);
    if p.epilogue == 1u {
        v = gelu(v);
    } else if p.epilogue == 2u {
        v = max(v, vec4<f32>(0.0));
    } else if p.epilogue == 3u {
        var from_row = row;
        if p.residual_indexed == 1u {
            from_row = rows[row];
        }
        v += residual[from_row * p.y_stride + quad_column];
    }
    y[row * p.y_stride + quad_column] = v;
}

// Where row n of x begins. Rows beyond the last are read as the last, and not stored.
fn x_place(n: u32) -> u32 {
    let row = min(n, p.rows - 1u);
    if p.x_indexed == 1u {
        return rows[row] * p.x_stride;
    }
    return row * p.x_stride;
}

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

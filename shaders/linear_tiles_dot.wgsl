// linear_tiles_dot: y[n,m] = epilogue(scale[m] · Σ_k x[n,k] · w[m,k] + bias[m]), for many rows, in integers
// x: (N, K), y and residual: (N, M) f32; w: (M, K) int8 with a scale per row; columns: (M) of (bias, scale)
// x is rounded to int8 as it is read, with a scale for each row and 32 k: sums of 32 k are exact, and added up in f32
// dispatch: (⌈M/64⌉, ⌈N/64⌉) workgroups of 64, 8 × 8 results an invocation; workgroup memory holds 64 rows of x and of w,
// 32 k at a time
// twin: src/backend/cpu/linear/activations.rs; they agree as tests/gpu_kernels.rs allows

// x_tile[i][h][r]: 16 k, the first or the second, of row 8·r + i. 9 places where 8 would do spread reads and writes over
// the banks; i comes first because the sums have it as a constant, which needs no check against the array's length.
var<workgroup> x_tile: array<array<array<vec4<u32>, 9>, 2>, 8>;
var<workgroup> x_scales: array<array<f32, 9>, 8>;
// w_tile[i][h][c]: 16 k of column 4·c + i, and of column 28 + 4·c + i where i > 3.
var<workgroup> w_tile: array<array<array<vec4<u32>, 9>, 2>, 8>;

// The bits of the largest magnitude: they are in the order of what they stand for, infinity and then NaN last.
fn largest(v: vec4<f32>) -> u32 {
    let a = bitcast<vec4<u32>>(v) & vec4<u32>(0x7fffffffu);
    return max(max(a.x, a.y), max(a.z, a.w));
}

// 4 values of at most 127 in size, rounded to signed bytes
fn pack(v: vec4<f32>) -> u32 {
    return pack4xI8(vec4<i32>(round(v)));
}

// 16 products and their sum
fn products(x: vec4<u32>, w: vec4<u32>) -> i32 {
    return dot4I8Packed(x.x, w.x) + dot4I8Packed(x.y, w.y) + dot4I8Packed(x.z, w.z) + dot4I8Packed(x.w, w.w);
}

// 4 columns, 32 k, of a row
fn multiply_int8(x0: vec4<u32>, x1: vec4<u32>, w0: array<vec4<u32>, 4>, w1: array<vec4<u32>, 4>) -> vec4<f32> {
    return vec4<f32>(vec4<i32>(
        products(x0, w0[0]) + products(x1, w1[0]),
        products(x0, w0[1]) + products(x1, w1[1]),
        products(x0, w0[2]) + products(x1, w1[2]),
        products(x0, w0[3]) + products(x1, w1[3]),
    ));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let row = group.y * 64u;
    let column = group.x * 64u;
    // This invocation's results: rows 8·r to 8·r + 7; columns 4·c to 4·c + 3, and 32 further.
    let r = lane >> 3u;
    let c = lane & 7u;
    let w_stride = p.x_stride / 4u;
    let x_row = x_place(row + lane);
    let w_row = (column + lane) * w_stride;
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
    for (var k = 0u; k < w_stride; k += 2u) {
        // Each invocation brings in one row of x and one of w. The second 16 k may lie beyond K.
        let x_first = x_row + k * 4u;
        let v0 = x[x_first];
        let v1 = x[x_first + 1u];
        let v2 = x[x_first + 2u];
        let v3 = x[x_first + 3u];
        var v4 = vec4<f32>();
        var v5 = vec4<f32>();
        var v6 = vec4<f32>();
        var v7 = vec4<f32>();
        let u0 = w[w_row + k];
        var u1 = vec4<u32>();
        if k + 1u < w_stride {
            v4 = x[x_first + 4u];
            v5 = x[x_first + 5u];
            v6 = x[x_first + 6u];
            v7 = x[x_first + 7u];
            u1 = w[w_row + k + 1u];
        }
        // NaN where one is, and with it this row's results.
        let size = bitcast<f32>(max(
            max(max(largest(v0), largest(v1)), max(largest(v2), largest(v3))),
            max(max(largest(v4), largest(v5)), max(largest(v6), largest(v7))),
        ));
        // A group of zeros keeps a finite factor; beyond the largest, x would not fit a byte.
        let f = 127.0 / max(size, 1e-30);
        workgroupBarrier();
        x_tile[lane & 7u][0][lane >> 3u] = vec4<u32>(pack(v0 * f), pack(v1 * f), pack(v2 * f), pack(v3 * f));
        x_tile[lane & 7u][1][lane >> 3u] = vec4<u32>(pack(v4 * f), pack(v5 * f), pack(v6 * f), pack(v7 * f));
        x_scales[lane & 7u][lane >> 3u] = size / 127.0;
        w_tile[(lane & 3u) + 4u * (lane >> 5u)][0][(lane >> 2u) & 7u] = u0;
        w_tile[(lane & 3u) + 4u * (lane >> 5u)][1][(lane >> 2u) & 7u] = u1;
        workgroupBarrier();
        let a_low = array(w_tile[0][0][c], w_tile[1][0][c], w_tile[2][0][c], w_tile[3][0][c]);
        let a_high = array(w_tile[0][1][c], w_tile[1][1][c], w_tile[2][1][c], w_tile[3][1][c]);
        let b_low = array(w_tile[4][0][c], w_tile[5][0][c], w_tile[6][0][c], w_tile[7][0][c]);
        let b_high = array(w_tile[4][1][c], w_tile[5][1][c], w_tile[6][1][c], w_tile[7][1][c]);
        var s = 0.0;
        var low = vec4<u32>();
        var high = vec4<u32>();
        s = x_scales[0][r];
        low = x_tile[0][0][r];
        high = x_tile[0][1][r];
        a0 += s * multiply_int8(low, high, a_low, a_high);
        b0 += s * multiply_int8(low, high, b_low, b_high);
        s = x_scales[1][r];
        low = x_tile[1][0][r];
        high = x_tile[1][1][r];
        a1 += s * multiply_int8(low, high, a_low, a_high);
        b1 += s * multiply_int8(low, high, b_low, b_high);
        s = x_scales[2][r];
        low = x_tile[2][0][r];
        high = x_tile[2][1][r];
        a2 += s * multiply_int8(low, high, a_low, a_high);
        b2 += s * multiply_int8(low, high, b_low, b_high);
        s = x_scales[3][r];
        low = x_tile[3][0][r];
        high = x_tile[3][1][r];
        a3 += s * multiply_int8(low, high, a_low, a_high);
        b3 += s * multiply_int8(low, high, b_low, b_high);
        s = x_scales[4][r];
        low = x_tile[4][0][r];
        high = x_tile[4][1][r];
        a4 += s * multiply_int8(low, high, a_low, a_high);
        b4 += s * multiply_int8(low, high, b_low, b_high);
        s = x_scales[5][r];
        low = x_tile[5][0][r];
        high = x_tile[5][1][r];
        a5 += s * multiply_int8(low, high, a_low, a_high);
        b5 += s * multiply_int8(low, high, b_low, b_high);
        s = x_scales[6][r];
        low = x_tile[6][0][r];
        high = x_tile[6][1][r];
        a6 += s * multiply_int8(low, high, a_low, a_high);
        b6 += s * multiply_int8(low, high, b_low, b_high);
        s = x_scales[7][r];
        low = x_tile[7][0][r];
        high = x_tile[7][1][r];
        a7 += s * multiply_int8(low, high, a_low, a_high);
        b7 += s * multiply_int8(low, high, b_low, b_high);
    }
    let y_row = row + 8u * r;
    let y_quad = group.x * 16u + c;
    store(y_row, y_quad, a0);
    store(y_row, y_quad + 8u, b0);
    store(y_row + 1u, y_quad, a1);
    store(y_row + 1u, y_quad + 8u, b1);
    store(y_row + 2u, y_quad, a2);
    store(y_row + 2u, y_quad + 8u, b2);
    store(y_row + 3u, y_quad, a3);
    store(y_row + 3u, y_quad + 8u, b3);
    store(y_row + 4u, y_quad, a4);
    store(y_row + 4u, y_quad + 8u, b4);
    store(y_row + 5u, y_quad, a5);
    store(y_row + 5u, y_quad + 8u, b5);
    store(y_row + 6u, y_quad, a6);
    store(y_row + 6u, y_quad + 8u, b6);
    store(y_row + 7u, y_quad, a7);
    store(y_row + 7u, y_quad + 8u, b7);
}

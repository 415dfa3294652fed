// linear_tiles_dot: y[n,m] = epilogue(scale[m] · Σ_k x[n,k] · w[m,k] + bias[m]), for many rows, in integers
// x: (N, K), y and residual: (N, M) f32; w: (M, K) int8 with a scale per row; columns: (M) of (bias, scale)
// x is rounded to int8 as it is read, with a scale for each row and 32 k: sums of 32 k are exact, and added
// up in f32
// dispatch: (⌈M/64⌉, ⌈N/64⌉) workgroups of 64, 8 × 8 results an invocation; workgroup memory holds 64 rows of
// x and of w, 32 k at a time
// twin: src/backend/cpu/linear/activations.rs; they agree as tests/gpu/kernels.rs allows

// x_tile[i][h][r]: 16 k, the first or the second, of row 8·r + i. 9 places, although 8 would do, spread reads
// and writes over the memory banks. Index i comes first: it is a constant in the sums and needs no bounds
// check.
var<workgroup> x_tile: array<array<array<vec4<u32>, 9>, 2>, 8>;
var<workgroup> x_scales: array<array<f32, 9>, 8>;
// w_tile[i][h][c]: 16 k of column 4·c + i, or of column 28 + 4·c + i if i > 3.
var<workgroup> w_tile: array<array<array<vec4<u32>, 9>, 2>, 8>;

// The bits of the largest magnitude. The bits of magnitudes sort like their values, with infinity and then
// NaN last.
fn largest(v: vec4<f32>) -> u32 {
    let a = bitcast<vec4<u32>>(v) & vec4<u32>(0x7fffffffu);
    return max(max(a.x, a.y), max(a.z, a.w));
}

// 4 values of magnitude at most 127, rounded to signed bytes
fn pack(v: vec4<f32>) -> u32 {
    return pack4xI8(vec4<i32>(round(v)));
}

// 16 products and their sum
fn products(x: vec4<u32>, w: vec4<u32>) -> i32 {
    return dot4I8Packed(x.x, w.x) + dot4I8Packed(x.y, w.y) + dot4I8Packed(x.z, w.z) + dot4I8Packed(x.w, w.w);
}

// 32 k: the first 16, then the last
struct Bytes {
    low: vec4<u32>,
    high: vec4<u32>,
}

// One row and one column
fn sum(x: Bytes, w: Bytes) -> i32 {
    return products(x.low, w.low) + products(x.high, w.high);
}

// One row and 4 columns
fn row_sums(x: Bytes, w: array<Bytes, 4>) -> vec4<f32> {
    return vec4<f32>(vec4<i32>(sum(x, w[0]), sum(x, w[1]), sum(x, w[2]), sum(x, w[3])));
}

// Adds 4 rows, each with its scale, and 4 columns.
fn add_rows(sums: mat4x4<f32>, scales: vec4<f32>, x: array<Bytes, 4>, w: array<Bytes, 4>) -> mat4x4<f32> {
    return mat4x4<f32>(
        sums[0] + scales.x * row_sums(x[0], w),
        sums[1] + scales.y * row_sums(x[1], w),
        sums[2] + scales.z * row_sums(x[2], w),
        sums[3] + scales.w * row_sums(x[3], w),
    );
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let row = group.y * 64u;
    let column = group.x * 64u;
    // This invocation's results: rows 8·r to 8·r + 7, in columns 4·c to 4·c + 3 and 4·c + 32 to 4·c + 35.
    let r = lane >> 3u;
    let c = lane & 7u;
    let w_stride = p.x_stride / 4u;
    let x_row = x_place(row + lane);
    let w_row = (column + lane) * w_stride;
    // Rows 0 to 3 and 4 to 7 of these, in the first 4 columns (a) and in the last 4 (b).
    var a0 = mat4x4<f32>();
    var a4 = mat4x4<f32>();
    var b0 = mat4x4<f32>();
    var b4 = mat4x4<f32>();
    for (var k = 0u; k < w_stride; k += 2u) {
        // Each invocation loads one row of x and one of w. The second 16 k may be beyond K.
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
        // NaN if any value is NaN, and then this row's results are, too.
        let size = bitcast<f32>(max(
            max(max(largest(v0), largest(v1)), max(largest(v2), largest(v3))),
            max(max(largest(v4), largest(v5)), max(largest(v6), largest(v7))),
        ));
        // The lower bound keeps the factor of a group of zeros finite. The largest value becomes ±127.
        let f = 127.0 / max(size, 1e-30);
        workgroupBarrier();
        x_tile[lane & 7u][0][lane >> 3u] = vec4<u32>(pack(v0 * f), pack(v1 * f), pack(v2 * f), pack(v3 * f));
        x_tile[lane & 7u][1][lane >> 3u] = vec4<u32>(pack(v4 * f), pack(v5 * f), pack(v6 * f), pack(v7 * f));
        x_scales[lane & 7u][lane >> 3u] = size / 127.0;
        w_tile[(lane & 3u) + 4u * (lane >> 5u)][0][(lane >> 2u) & 7u] = u0;
        w_tile[(lane & 3u) + 4u * (lane >> 5u)][1][(lane >> 2u) & 7u] = u1;
        workgroupBarrier();
        let wa = array(
            Bytes(w_tile[0][0][c], w_tile[0][1][c]),
            Bytes(w_tile[1][0][c], w_tile[1][1][c]),
            Bytes(w_tile[2][0][c], w_tile[2][1][c]),
            Bytes(w_tile[3][0][c], w_tile[3][1][c]),
        );
        let wb = array(
            Bytes(w_tile[4][0][c], w_tile[4][1][c]),
            Bytes(w_tile[5][0][c], w_tile[5][1][c]),
            Bytes(w_tile[6][0][c], w_tile[6][1][c]),
            Bytes(w_tile[7][0][c], w_tile[7][1][c]),
        );
        let rows_0 = array(
            Bytes(x_tile[0][0][r], x_tile[0][1][r]),
            Bytes(x_tile[1][0][r], x_tile[1][1][r]),
            Bytes(x_tile[2][0][r], x_tile[2][1][r]),
            Bytes(x_tile[3][0][r], x_tile[3][1][r]),
        );
        let s0 = vec4<f32>(x_scales[0][r], x_scales[1][r], x_scales[2][r], x_scales[3][r]);
        a0 = add_rows(a0, s0, rows_0, wa);
        b0 = add_rows(b0, s0, rows_0, wb);
        let rows_4 = array(
            Bytes(x_tile[4][0][r], x_tile[4][1][r]),
            Bytes(x_tile[5][0][r], x_tile[5][1][r]),
            Bytes(x_tile[6][0][r], x_tile[6][1][r]),
            Bytes(x_tile[7][0][r], x_tile[7][1][r]),
        );
        let s4 = vec4<f32>(x_scales[4][r], x_scales[5][r], x_scales[6][r], x_scales[7][r]);
        a4 = add_rows(a4, s4, rows_4, wa);
        b4 = add_rows(b4, s4, rows_4, wb);
    }
    let y_row = row + 8u * r;
    let y_quad = group.x * 16u + c;
    store_rows(y_row, y_quad, a0);
    store_rows(y_row, y_quad + 8u, b0);
    store_rows(y_row + 4u, y_quad, a4);
    store_rows(y_row + 4u, y_quad + 8u, b4);
}

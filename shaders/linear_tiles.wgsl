// linear_tiles: y[n,m] = epilogue(scale[m] · Σ_k x[n,k] · w[m,k] + bias[m]), for many rows
// x: (N, K), y and residual: (N, M) f32; w: (M, K) f32, f16, int8, or int4 with scales of 32 k each; columns:
// (M) of (bias, scale)
// dispatch: (⌈M/64⌉, ⌈N/64⌉) workgroups of 64, 8 × 8 results an invocation; workgroup memory holds 64 rows of
// x and of w, 16 k at a time
// twin: src/backend/cpu/linear/mod.rs; they agree as tests/gpu/kernels.rs allows

// x_tile[i][q][r]: quad q of row 8·r + i. 9 places, although 8 would do, spread reads and writes over the
// memory banks. Index i comes first: it is a constant in the inner loop and needs no bounds check.
var<workgroup> x_tile: array<array<array<vec4<f32>, 9>, 4>, 8>;
// w_tile[i][q][c]: quad q of column 4·c + i, or of column 28 + 4·c + i if i > 3.
var<workgroup> w_tile: array<array<array<vec4<f32>, 9>, 4>, 8>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let row = group.y * 64u;
    let column = group.x * 64u;
    // This invocation's results: rows 8·r to 8·r + 7, in columns 4·c to 4·c + 3 and 4·c + 32 to 4·c + 35.
    let r = lane >> 3u;
    let c = lane & 7u;
    // It loads quad q of rows n, n + 16, n + 32 and n + 48 of x.
    let n = lane >> 2u;
    let q = lane & 3u;
    let x0 = x_place(row + n) + q;
    let x1 = x_place(row + n + 16u) + q;
    let x2 = x_place(row + n + 32u) + q;
    let x3 = x_place(row + n + 48u) + q;
    let chunks = 4u / QUADS;
    // Rows 0 to 3 and 4 to 7 of these, in the first 4 columns (a) and in the last 4 (b).
    var a0 = mat4x4<f32>();
    var a4 = mat4x4<f32>();
    var b0 = mat4x4<f32>();
    var b4 = mat4x4<f32>();
    for (var k = 0u; k < p.x_stride; k += 4u) {
        workgroupBarrier();
        x_tile[n & 7u][q][n >> 3u] = x[x0 + k];
        x_tile[n & 7u][q][(n >> 3u) + 2u] = x[x1 + k];
        x_tile[n & 7u][q][(n >> 3u) + 4u] = x[x2 + k];
        x_tile[n & 7u][q][(n >> 3u) + 6u] = x[x3 + k];
        for (var i = lane; i < 64u * chunks; i += 64u) {
            let m = i / chunks;
            let chunk = i % chunks;
            let u = stored(column + m, k / QUADS + chunk);
            for (var j = 0u; j < QUADS; j += 1u) {
                w_tile[(m & 3u) + 4u * (m >> 5u)][chunk * QUADS + j][(m >> 2u) & 7u] = quad(u, j);
            }
        }
        workgroupBarrier();
        for (var j = 0u; j < 4u; j += 1u) {
            let low = mat4x4<f32>(w_tile[0][j][c], w_tile[1][j][c], w_tile[2][j][c], w_tile[3][j][c]);
            let wa = transpose(low);
            let high = mat4x4<f32>(w_tile[4][j][c], w_tile[5][j][c], w_tile[6][j][c], w_tile[7][j][c]);
            let wb = transpose(high);
            let v0 = mat4x4<f32>(x_tile[0][j][r], x_tile[1][j][r], x_tile[2][j][r], x_tile[3][j][r]);
            a0 = multiply_rows(a0, v0, wa);
            b0 = multiply_rows(b0, v0, wb);
            let v4 = mat4x4<f32>(x_tile[4][j][r], x_tile[5][j][r], x_tile[6][j][r], x_tile[7][j][r]);
            a4 = multiply_rows(a4, v4, wa);
            b4 = multiply_rows(b4, v4, wb);
        }
    }
    let y_row = row + 8u * r;
    let y_quad = group.x * 16u + c;
    store_rows(y_row, y_quad, a0);
    store_rows(y_row, y_quad + 8u, b0);
    store_rows(y_row + 4u, y_quad, a4);
    store_rows(y_row + 4u, y_quad + 8u, b4);
}

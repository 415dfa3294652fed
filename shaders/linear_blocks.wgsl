// linear_blocks: y[n,m] = epilogue(scale[m] · Σ_k x[n,k] · w[m,k] + bias[m]), on software adapters
// x: (N, K), y and residual: (N, M) f32; w: (M, K) f32, f16, int8, or int4 with scales of 32 k each; columns:
// (M) of (bias, scale)
// There, loading a vec4 costs as much as 20 vec4 multiply-adds, from any memory, and a barrier as much as 4
// loads. So each invocation computes 16 × 16 results on its own, without workgroup memory. If at most 4 rows
// are left, it takes a shorter path.
// dispatch: (⌈M16/64⌉, ⌈N/16⌉) workgroups of 4, M16 = M rounded up to 16
// twin: src/backend/cpu/linear/mod.rs; they agree as tests/gpu/kernels.rs allows

// Quad q of row m of w.
fn weight(m: u32, q: u32) -> vec4<f32> {
    return quad(stored(m, q / QUADS), q % QUADS);
}

// Quad q of rows m to m + 3 of w.
fn weights(m: u32, q: u32) -> mat4x4<f32> {
    return mat4x4<f32>(weight(m, q), weight(m + 1u, q), weight(m + 2u, q), weight(m + 3u, q));
}

// 4 k of a row of x with 16 columns
fn products(x: vec4<f32>, a: mat4x4<f32>, b: mat4x4<f32>, c: mat4x4<f32>, d: mat4x4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(x * a, x * b, x * c, x * d);
}

@compute @workgroup_size(4)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.y * 16u;
    let column = id.x * 16u;
    if column >= 4u * p.y_stride {
        return;
    }
    // Each is a row of 16 columns.
    var sums: array<mat4x4<f32>, 16>;
    if row + 4u >= p.rows {
        let x0 = x_place(row);
        let x1 = x_place(row + 1u);
        let x2 = x_place(row + 2u);
        let x3 = x_place(row + 3u);
        var s0 = mat4x4<f32>();
        var s1 = mat4x4<f32>();
        var s2 = mat4x4<f32>();
        var s3 = mat4x4<f32>();
        for (var q = 0u; q < p.x_stride; q += 1u) {
            let a = weights(column, q);
            let b = weights(column + 4u, q);
            let c = weights(column + 8u, q);
            let d = weights(column + 12u, q);
            s0 += products(x[x0 + q], a, b, c, d);
            s1 += products(x[x1 + q], a, b, c, d);
            s2 += products(x[x2 + q], a, b, c, d);
            s3 += products(x[x3 + q], a, b, c, d);
        }
        sums[0] = s0;
        sums[1] = s1;
        sums[2] = s2;
        sums[3] = s3;
    } else {
        let x0 = x_place(row);
        let x1 = x_place(row + 1u);
        let x2 = x_place(row + 2u);
        let x3 = x_place(row + 3u);
        let x4 = x_place(row + 4u);
        let x5 = x_place(row + 5u);
        let x6 = x_place(row + 6u);
        let x7 = x_place(row + 7u);
        let x8 = x_place(row + 8u);
        let x9 = x_place(row + 9u);
        let x10 = x_place(row + 10u);
        let x11 = x_place(row + 11u);
        let x12 = x_place(row + 12u);
        let x13 = x_place(row + 13u);
        let x14 = x_place(row + 14u);
        let x15 = x_place(row + 15u);
        var s0 = mat4x4<f32>();
        var s1 = mat4x4<f32>();
        var s2 = mat4x4<f32>();
        var s3 = mat4x4<f32>();
        var s4 = mat4x4<f32>();
        var s5 = mat4x4<f32>();
        var s6 = mat4x4<f32>();
        var s7 = mat4x4<f32>();
        var s8 = mat4x4<f32>();
        var s9 = mat4x4<f32>();
        var s10 = mat4x4<f32>();
        var s11 = mat4x4<f32>();
        var s12 = mat4x4<f32>();
        var s13 = mat4x4<f32>();
        var s14 = mat4x4<f32>();
        var s15 = mat4x4<f32>();
        for (var q = 0u; q < p.x_stride; q += 1u) {
            let a = weights(column, q);
            let b = weights(column + 4u, q);
            let c = weights(column + 8u, q);
            let d = weights(column + 12u, q);
            s0 += products(x[x0 + q], a, b, c, d);
            s1 += products(x[x1 + q], a, b, c, d);
            s2 += products(x[x2 + q], a, b, c, d);
            s3 += products(x[x3 + q], a, b, c, d);
            s4 += products(x[x4 + q], a, b, c, d);
            s5 += products(x[x5 + q], a, b, c, d);
            s6 += products(x[x6 + q], a, b, c, d);
            s7 += products(x[x7 + q], a, b, c, d);
            s8 += products(x[x8 + q], a, b, c, d);
            s9 += products(x[x9 + q], a, b, c, d);
            s10 += products(x[x10 + q], a, b, c, d);
            s11 += products(x[x11 + q], a, b, c, d);
            s12 += products(x[x12 + q], a, b, c, d);
            s13 += products(x[x13 + q], a, b, c, d);
            s14 += products(x[x14 + q], a, b, c, d);
            s15 += products(x[x15 + q], a, b, c, d);
        }
        sums[0] = s0;
        sums[1] = s1;
        sums[2] = s2;
        sums[3] = s3;
        sums[4] = s4;
        sums[5] = s5;
        sums[6] = s6;
        sums[7] = s7;
        sums[8] = s8;
        sums[9] = s9;
        sums[10] = s10;
        sums[11] = s11;
        sums[12] = s12;
        sums[13] = s13;
        sums[14] = s14;
        sums[15] = s15;
    }
    // One copy of the epilogue, in a loop: it is most of the code to compile.
    for (var i = 0u; i < 4u * min(p.rows - row, 16u); i += 1u) {
        store(row + i / 4u, column / 4u + (i & 3u), sums[i / 4u][i & 3u]);
    }
}

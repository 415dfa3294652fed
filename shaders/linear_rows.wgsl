// linear_rows: y[n,m] = epilogue(scale[m] · Σ_k x[n,k] · w[m,k] + bias[m]), for few rows
// x: (N, K), y and residual: (N, M) f32; w: (M, K) f32, f16, int8, or int4 with scales of 32 k each; columns:
// (M) of (bias, scale)
// dispatch: (⌈N/8⌉, ⌈M16/8⌉) workgroups of 64, M16 = M rounded up to 16: each makes 8 rows × 8 columns.
// Neighbouring invocations process neighbouring k. Their sums are added in workgroup memory in a fixed order,
// so that the result is the same every time
// twin: src/backend/cpu/linear/mod.rs; they agree as tests/gpu/kernels.rs allows

// Sum i of invocations j and j + 32 together is at i * 32 + j.
var<workgroup> sums: array<vec4<f32>, 512>;

// Stores the sums of 4 rows. The index i grows by 2 from row to row.
fn put(first: u32, rows: mat4x4<f32>) {
    sums[first] = rows[0];
    sums[first + 64u] = rows[1];
    sums[first + 128u] = rows[2];
    sums[first + 192u] = rows[3];
}

fn add(first: u32, rows: mat4x4<f32>) {
    sums[first] += rows[0];
    sums[first + 64u] += rows[1];
    sums[first + 128u] += rows[2];
    sums[first + 192u] += rows[3];
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
    // Rows 0 to 3 and 4 to 7, in the first 4 columns (a) and in the last 4 (b).
    var a0 = mat4x4<f32>();
    var a4 = mat4x4<f32>();
    var b0 = mat4x4<f32>();
    var b4 = mat4x4<f32>();
    for (var chunk = lane; chunk < p.x_stride / QUADS; chunk += 64u) {
        let u0 = stored(column, chunk);
        let u1 = stored(column + 1u, chunk);
        let u2 = stored(column + 2u, chunk);
        let u3 = stored(column + 3u, chunk);
        let u4 = stored(column + 4u, chunk);
        let u5 = stored(column + 5u, chunk);
        let u6 = stored(column + 6u, chunk);
        let u7 = stored(column + 7u, chunk);
        for (var j = 0u; j < QUADS; j += 1u) {
            let q = chunk * QUADS + j;
            let wa = transpose(mat4x4<f32>(quad(u0, j), quad(u1, j), quad(u2, j), quad(u3, j)));
            let wb = transpose(mat4x4<f32>(quad(u4, j), quad(u5, j), quad(u6, j), quad(u7, j)));
            let v0 = mat4x4<f32>(x[x0 + q], x[x1 + q], x[x2 + q], x[x3 + q]);
            a0 = multiply_rows(a0, v0, wa);
            b0 = multiply_rows(b0, v0, wb);
            let v4 = mat4x4<f32>(x[x4 + q], x[x5 + q], x[x6 + q], x[x7 + q]);
            a4 = multiply_rows(a4, v4, wa);
            b4 = multiply_rows(b4, v4, wb);
        }
    }
    let place = lane & 31u;
    if lane >= 32u {
        put(place, a0);
        put(place + 32u, b0);
        put(place + 256u, a4);
        put(place + 288u, b4);
    }
    workgroupBarrier();
    if lane < 32u {
        add(place, a0);
        add(place + 32u, b0);
        add(place + 256u, a4);
        add(place + 288u, b4);
    }
    workgroupBarrier();
    // Sum i belongs to row i / 2 and its first or last 4 columns. For each sum, 4 invocations add 8 parts
    // each. They start at different parts, so that neighbours read from different banks.
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

// Shared by all products: parameters, bindings, the epilogue. Prepended to each shaders/linear_*.wgsl.

struct Params {
    rows: u32,
    columns: u32,
    // In quads (vec4): K and M, each rounded up to a multiple of 16, divided by 4.
    x_stride: u32,
    y_stride: u32,
    // 0 bias, 1 GELU, 2 ReLU, 3 residual, 4 GELU's tanh form, 5 tanh
    epilogue: u32,
    // If 1: row n of y uses row rows[n] of the residual, or of x. Never both.
    residual_indexed: u32,
    x_indexed: u32,
    pad: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> columns: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read> residual: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> rows: array<u32>;
@group(0) @binding(6) var<storage, read_write> y: array<vec4<f32>>;

// sum + x · w; w[i] is the 4 columns at k = i
fn multiply(sum: vec4<f32>, x: vec4<f32>, w: mat4x4<f32>) -> vec4<f32> {
    let low = fma(w[1], vec4<f32>(x.y), fma(w[0], vec4<f32>(x.x), sum));
    return fma(w[3], vec4<f32>(x.w), fma(w[2], vec4<f32>(x.z), low));
}

// The same for 4 rows. Matrices whose columns are indexed by constants stay in registers.
fn multiply_rows(sums: mat4x4<f32>, x: mat4x4<f32>, w: mat4x4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(
        multiply(sums[0], x[0], w),
        multiply(sums[1], x[1], w),
        multiply(sums[2], x[2], w),
        multiply(sums[3], x[3], w),
    );
}

// x·Φ(x) as max(x, 0) - |x|/2·erfc(|x|/√2), the formula that src/backend/cpu/math.rs approximates; beyond 14,
// erfc is below f32's range
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

// x / (1 + e^-2u), u = √(2/π) · (x + 0.044715 x³), as in src/backend/cpu/math.rs; beyond ±16, x³ could
// overflow, and e^-2u is either 0 or so large that the quotient vanishes
fn gelu_tanh(x: vec4<f32>) -> vec4<f32> {
    let a = clamp(x, vec4<f32>(-16.0), vec4<f32>(16.0));
    let exponent = a * (-1.5957692 - 0.071354816 * a * a);
    return max(x, vec4<f32>(-16.0)) / (1.0 + exp(min(exponent, vec4<f32>(87.0))));
}

// 1 - 2 / (e^2x + 1), as in src/backend/cpu/math.rs; beyond ±20 it is ±1
fn tanh_of(x: vec4<f32>) -> vec4<f32> {
    return 1.0 - 2.0 / (exp(2.0 * clamp(x, vec4<f32>(-20.0), vec4<f32>(20.0))) + 1.0);
}

// Tests the bits, because WGSL implementations may assume that no value is NaN. Given NaN and a number, min
// and max return the number.
fn is_nan(x: vec4<f32>) -> vec4<bool> {
    return (bitcast<vec4<u32>>(x) & vec4<u32>(0x7fffffffu)) > vec4<u32>(0x7f800000u);
}

// Stores 4 columns of a row, if y has them.
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
        v = select(gelu(v), v, is_nan(v));
    } else if p.epilogue == 2u {
        v = select(max(v, vec4<f32>(0.0)), v, is_nan(v));
    } else if p.epilogue == 3u {
        var from_row = row;
        if p.residual_indexed == 1u {
            from_row = rows[row];
        }
        v += residual[from_row * p.y_stride + quad_column];
    } else if p.epilogue == 4u {
        v = select(gelu_tanh(v), v, is_nan(v));
    } else if p.epilogue == 5u {
        v = select(tanh_of(v), v, is_nan(v));
    }
    y[row * p.y_stride + quad_column] = v;
}

// Stores 4 columns of 4 rows.
fn store_rows(row: u32, quad_column: u32, sums: mat4x4<f32>) {
    store(row, quad_column, sums[0]);
    store(row + 1u, quad_column, sums[1]);
    store(row + 2u, quad_column, sums[2]);
    store(row + 3u, quad_column, sums[3]);
}

// Where row n of x starts. Rows beyond the last are read as the last, and not stored.
fn x_place(n: u32) -> u32 {
    let row = min(n, p.rows - 1u);
    if p.x_indexed == 1u {
        return rows[row] * p.x_stride;
    }
    return row * p.x_stride;
}

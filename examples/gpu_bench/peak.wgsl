// peak: what the adapter can do at most: multiply-adds from registers alone, and values copied
// dispatch: any; every invocation does p.steps steps of 32 vec4 multiply-adds, or copies p.steps vec4

struct Params {
    steps: u32,
    // 0 arithmetic, 1 copy
    copy: u32,
    invocations: u32,
    pad: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.x;
    if p.copy == 1u {
        for (var step = 0u; step < p.steps; step += 1u) {
            y[step * p.invocations + i] = x[step * p.invocations + i];
        }
        return;
    }
    let b = x[i & 63u];
    let c = x[(i + 1u) & 63u];
    var a0 = b;
    var a1 = c;
    var a2 = b + c;
    var a3 = b - c;
    var a4 = b * 2.0;
    var a5 = c * 2.0;
    var a6 = b * 3.0;
    var a7 = c * 3.0;
    for (var step = 0u; step < p.steps; step += 1u) {
        for (var j = 0u; j < 4u; j += 1u) {
            a0 = fma(a0, b, c);
            a1 = fma(a1, b, c);
            a2 = fma(a2, b, c);
            a3 = fma(a3, b, c);
            a4 = fma(a4, b, c);
            a5 = fma(a5, b, c);
            a6 = fma(a6, b, c);
            a7 = fma(a7, b, c);
        }
    }
    y[i] = ((a0 + a1) + (a2 + a3)) + ((a4 + a5) + (a6 + a7));
}

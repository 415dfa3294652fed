// Weights as words, unpacked here: every adapter has this. Behind common.wgsl.

// How w is stored: 0 f32, 1 f16, 2 int8; a vec4<u32> holds QUADS quads of k.
override FORMAT: u32 = 0u;
override QUADS: u32 = 1u << FORMAT;

alias Stored = vec4<u32>;
@group(0) @binding(2) var<storage, read> w: array<Stored>;

// Quad j of the QUADS in a vec4 of weights.
fn quad(u: Stored, j: u32) -> vec4<f32> {
    if FORMAT == 0u {
        return bitcast<vec4<f32>>(u);
    }
    if FORMAT == 1u {
        let halves = select(u.xy, u.zw, j == 1u);
        return vec4<f32>(unpack2x16float(halves.x), unpack2x16float(halves.y));
    }
    return vec4<f32>(unpack4xI8(u[j]));
}

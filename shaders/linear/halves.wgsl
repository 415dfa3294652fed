// Weights as native halves, for adapters with shader-f16: the same bytes as f16 in packed.wgsl. Follows
// `enable f16;` and common.wgsl.

const QUADS = 2u;

struct Stored {
    low: vec4<f16>,
    high: vec4<f16>,
}
@group(0) @binding(2) var<storage, read> w: array<Stored>;

// A chunk of row m.
fn stored(m: u32, chunk: u32) -> Stored {
    return w[m * (p.x_stride / QUADS) + chunk];
}

// Quad j of the QUADS in a chunk.
fn quad(u: Stored, j: u32) -> vec4<f32> {
    return vec4<f32>(select(u.low, u.high, j == 1u));
}

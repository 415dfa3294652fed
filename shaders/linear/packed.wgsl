// Weights as words, unpacked here: works on every adapter. Follows common.wgsl.

// How w is stored: 0 f32, 1 f16, 2 int8, 3 int4.
override FORMAT: u32 = 0u;
// Quads of k in a chunk of a row. A chunk is a vec4. For int4 it is one word, and the chunks of a row are
// followed by the scales of its groups of 4 chunks, in f32.
override QUADS: u32 = 1u;

@group(0) @binding(2) var<storage, read> w: array<vec4<u32>>;

struct Stored {
    words: vec4<u32>,
    // Only for int4.
    scale: f32,
}

fn word(i: u32) -> u32 {
    return w[i / 4u][i % 4u];
}

// A chunk of row m.
fn stored(m: u32, chunk: u32) -> Stored {
    let chunks = p.x_stride / QUADS;
    if FORMAT != 3u {
        return Stored(w[m * chunks + chunk], 1.0);
    }
    let row = m * (chunks + chunks / 4u);
    return Stored(vec4<u32>(word(row + chunk)), bitcast<f32>(word(row + chunks + chunk / 4u)));
}

// Quad j of the QUADS in a chunk.
fn quad(u: Stored, j: u32) -> vec4<f32> {
    if FORMAT == 0u {
        return bitcast<vec4<f32>>(u.words);
    }
    if FORMAT == 1u {
        let halves = select(u.words.xy, u.words.zw, j == 1u);
        return vec4<f32>(unpack2x16float(halves.x), unpack2x16float(halves.y));
    }
    if FORMAT == 2u {
        return vec4<f32>(unpack4xI8(u.words[j]));
    }
    // Put into the lowest bits of 2^23, because converting integers is slower. A weight of 0 is stored as 8.
    let q = (vec4<u32>(u.words.x >> (16u * j)) >> vec4<u32>(0u, 4u, 8u, 12u)) & vec4<u32>(15u);
    return (bitcast<vec4<f32>>(q | vec4<u32>(0x4b000000u)) - 8388616.0) * u.scale;
}

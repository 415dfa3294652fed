// attention: y[i,h·dh+d] = Σ_j softmax_j(Σ_e q[i,h·dh+e] · k[j,h·dh+e] / √dh + bias[h,j-i+R-1])
// · v[j,h·dh+d], per sequence and head
// q: (Nq, ≥ D), k, v: (Nk, ≥ D) f32, columns of wider tensors; y: (Nq, D); D = H·dh, dh ≤ 128;
// bias: (H, 2R - 1), of a model with relative positions; R: the maximum number of keys
// dispatch: (tiles, H) workgroups of 64; a tile is up to 32 queries of one sequence. Its keys come 32 at a
// time, the head's width 32 at a time; the softmax is computed along the way (Milakov & Gimelshein 2018), so
// that no score leaves the workgroup
// twin: src/backend/cpu/attention.rs; they agree as tests/gpu/kernels.rs allows

struct Params {
    heads: u32,
    head_width: u32,
    // Strides and first columns, in f32.
    q_stride: u32,
    q_first: u32,
    k_stride: u32,
    k_first: u32,
    v_stride: u32,
    v_first: u32,
    y_stride: u32,
    // 1 / √dh
    scale: f32,
    // 2R - 1; 0 without biases
    bias_row: u32,
    pad: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> q: array<f32>;
@group(0) @binding(2) var<storage, read> k: array<f32>;
@group(0) @binding(3) var<storage, read> v: array<f32>;
// For each tile: first query row; number of query rows (≤ 32) and, from bit 8, the first one's position in
// its sequence; first key row; number of keys.
@group(0) @binding(4) var<storage, read> tiles: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read> biases: array<f32>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;

// Scores are clamped to ±LARGEST, so that the difference of two never overflows.
const LARGEST: f32 = 1e38;

// NaN stays NaN. Its bits are tested, because clamp may turn it into a number.
fn cut(score: vec4<f32>) -> vec4<f32> {
    let limit = vec4<f32>(LARGEST);
    let is_nan = (bitcast<vec4<u32>>(score) & vec4<u32>(0x7fffffffu)) > vec4<u32>(0x7f800000u);
    return select(clamp(score, -limit, limit), score, is_nan);
}

// The biases of key j and queries `query` to `query` + 3 of its sequence. Queries beyond the last are read as
// the last.
fn bias_of(head: u32, j: u32, query: u32, last_query: u32) -> vec4<f32> {
    let at = head * p.bias_row + p.bias_row / 2u + j;
    let to = min(query + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(last_query));
    return vec4<f32>(biases[at - to.x], biases[at - to.y], biases[at - to.z], biases[at - to.w]);
}

// 9 places, although 8 would do, spread reads and writes over the memory banks. Index i comes first: it is a
// constant in the loops and needs no bounds check.
// First q_tile[i][e][r]: quad e of query 4·r + i.
// Then q_tile[i][e][r]: e^(score - largest) of queries 4·r to 4·r + 3 and key 8·i + e.
var<workgroup> q_tile: array<array<array<vec4<f32>, 9>, 8>, 4>;
// First kv_tile[i][e][c]: quad e of key 8·i + c. Then kv_tile[i][e][c]: quad c of value 8·i + e.
var<workgroup> kv_tile: array<array<array<vec4<f32>, 9>, 8>, 4>;
// exchange[c][r]: values shared between the invocations of the same queries
var<workgroup> exchange: array<array<vec4<f32>, 9>, 8>;

// The indices of columns d to d + 3 of a head that starts at `first`. Columns beyond its width are read as
// its last one; `within` turns their values into zeros.
fn places(first: u32, d: u32) -> vec4<u32> {
    return first + min(d + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(p.head_width - 1u));
}

fn within(d: u32, values: vec4<f32>) -> vec4<f32> {
    return select(vec4<f32>(), values, d + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(p.head_width));
}

// sum + x · w; w[i] is 4 columns at i
fn multiply(sum: vec4<f32>, x: vec4<f32>, w: mat4x4<f32>) -> vec4<f32> {
    let low = fma(w[1], vec4<f32>(x.y), fma(w[0], vec4<f32>(x.x), sum));
    return fma(w[3], vec4<f32>(x.w), fma(w[2], vec4<f32>(x.z), low));
}

// Updates the sums of 4 queries, in columns d + 4·c to d + 4·c + 3 of the head, with up to 32 keys.
fn add_values(
    sums: mat4x4<f32>,
    d: u32,
    decay: vec4<f32>,
    tile: vec4<u32>,
    key: u32,
    head: u32,
    lane: u32,
) -> mat4x4<f32> {
    let r = lane >> 3u;
    let c = lane & 7u;
    let keys = min(tile.w - key, 32u);
    workgroupBarrier();
    for (var i = 0u; i < 4u; i += 1u) {
        let j = 8u * i + r;
        var value = vec4<f32>();
        if j < keys {
            let at = places((tile.z + key + j) * p.v_stride + p.v_first + head * p.head_width, d + 4u * c);
            value = within(d + 4u * c, vec4<f32>(v[at.x], v[at.y], v[at.z], v[at.w]));
        }
        kv_tile[i][r][c] = value;
    }
    workgroupBarrier();
    var s0 = sums[0] * decay.x;
    var s1 = sums[1] * decay.y;
    var s2 = sums[2] * decay.z;
    var s3 = sums[3] * decay.w;
    for (var j = 0u; j < keys; j += 1u) {
        let weight = q_tile[j >> 3u][j & 7u][r];
        let value = kv_tile[j >> 3u][j & 7u][c];
        s0 = fma(vec4<f32>(weight.x), value, s0);
        s1 = fma(vec4<f32>(weight.y), value, s1);
        s2 = fma(vec4<f32>(weight.z), value, s2);
        s3 = fma(vec4<f32>(weight.w), value, s3);
    }
    return mat4x4<f32>(s0, s1, s2, s3);
}

fn store_quad(row: u32, tile: vec4<u32>, head: u32, d: u32, value: vec4<f32>) {
    if row >= tile.y {
        return;
    }
    let to = (tile.x + row) * p.y_stride + head * p.head_width + d;
    if d < p.head_width { y[to] = value.x; }
    if d + 1u < p.head_width { y[to + 1u] = value.y; }
    if d + 2u < p.head_width { y[to + 2u] = value.z; }
    if d + 3u < p.head_width { y[to + 3u] = value.w; }
}

fn store_sums(sums: mat4x4<f32>, first: u32, factor: vec4<f32>, tile: vec4<u32>, head: u32, lane: u32) {
    let row = 4u * (lane >> 3u);
    let d = first + 4u * (lane & 7u);
    store_quad(row, tile, head, d, sums[0] * factor.x);
    store_quad(row + 1u, tile, head, d, sums[1] * factor.y);
    store_quad(row + 2u, tile, head, d, sums[2] * factor.z);
    store_quad(row + 3u, tile, head, d, sums[3] * factor.w);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let packed = tiles[group.x];
    let tile = vec4<u32>(packed.x, packed.y & 0xffu, packed.z, packed.w);
    let place = packed.y >> 8u;
    let head = group.y;
    let r = lane >> 3u;
    let c = lane & 7u;

    var largest = vec4<f32>(-LARGEST);
    // Covers only this invocation's keys until the end.
    var total = vec4<f32>();
    var sums_0 = mat4x4<f32>();
    var sums_32 = mat4x4<f32>();
    var sums_64 = mat4x4<f32>();
    var sums_96 = mat4x4<f32>();
    for (var key = 0u; key < tile.w; key += 32u) {
        // Scores of queries 4·r to 4·r + 3 with keys c, c + 8, c + 16 and c + 24, one vector per key.
        var t0 = vec4<f32>();
        var t1 = vec4<f32>();
        var t2 = vec4<f32>();
        var t3 = vec4<f32>();
        for (var d = 0u; d < p.head_width; d += 32u) {
            workgroupBarrier();
            // This invocation loads quad c of queries and keys r, r + 8, r + 16 and r + 24.
            for (var n = r; n < 32u; n += 8u) {
                let e = d + 4u * c;
                // Rows beyond the last are read as the last.
                let query = tile.x + min(n, tile.y - 1u);
                let a = places(query * p.q_stride + p.q_first + head * p.head_width, e);
                q_tile[n & 3u][c][n >> 2u] = within(e, vec4<f32>(q[a.x], q[a.y], q[a.z], q[a.w]));
                let row = tile.z + min(key + n, tile.w - 1u);
                let b = places(row * p.k_stride + p.k_first + head * p.head_width, e);
                kv_tile[n >> 3u][c][n & 7u] = within(e, vec4<f32>(k[b.x], k[b.y], k[b.z], k[b.w]));
            }
            workgroupBarrier();
            let quads = min((p.head_width - d + 3u) / 4u, 8u);
            for (var e = 0u; e < quads; e += 1u) {
                let rows = mat4x4<f32>(q_tile[0][e][r], q_tile[1][e][r], q_tile[2][e][r], q_tile[3][e][r]);
                let queries = transpose(rows);
                t0 = multiply(t0, kv_tile[0][e][c], queries);
                t1 = multiply(t1, kv_tile[1][e][c], queries);
                t2 = multiply(t2, kv_tile[2][e][c], queries);
                t3 = multiply(t3, kv_tile[3][e][c], queries);
            }
        }
        // A key beyond the last is read as the last: it doesn't change the maximum, and its weight is zeroed
        // below.
        t0 = t0 * p.scale;
        t1 = t1 * p.scale;
        t2 = t2 * p.scale;
        t3 = t3 * p.scale;
        if p.bias_row > 0u {
            let last_key = tile.w - 1u;
            let last_query = place + tile.y - 1u;
            let query = place + 4u * r;
            t0 += bias_of(head, min(key + c, last_key), query, last_query);
            t1 += bias_of(head, min(key + c + 8u, last_key), query, last_query);
            t2 += bias_of(head, min(key + c + 16u, last_key), query, last_query);
            t3 += bias_of(head, min(key + c + 24u, last_key), query, last_query);
        }
        t0 = cut(t0);
        t1 = cut(t1);
        t2 = cut(t2);
        t3 = cut(t3);
        exchange[c][r] = max(max(t0, t1), max(t2, t3));
        workgroupBarrier();
        var new_largest = largest;
        for (var i = 0u; i < 8u; i += 1u) {
            new_largest = max(new_largest, exchange[i][r]);
        }
        let decay = exp(largest - new_largest);
        largest = new_largest;
        let left = tile.w - key;
        t0 = select(vec4<f32>(), exp(t0 - largest), c < left);
        t1 = select(vec4<f32>(), exp(t1 - largest), c + 8u < left);
        t2 = select(vec4<f32>(), exp(t2 - largest), c + 16u < left);
        t3 = select(vec4<f32>(), exp(t3 - largest), c + 24u < left);
        total = total * decay + ((t0 + t1) + (t2 + t3));
        q_tile[0][c][r] = t0;
        q_tile[1][c][r] = t1;
        q_tile[2][c][r] = t2;
        q_tile[3][c][r] = t3;
        sums_0 = add_values(sums_0, 0u, decay, tile, key, head, lane);
        if p.head_width > 32u {
            sums_32 = add_values(sums_32, 32u, decay, tile, key, head, lane);
        }
        if p.head_width > 64u {
            sums_64 = add_values(sums_64, 64u, decay, tile, key, head, lane);
        }
        if p.head_width > 96u {
            sums_96 = add_values(sums_96, 96u, decay, tile, key, head, lane);
        }
    }

    workgroupBarrier();
    exchange[c][r] = total;
    workgroupBarrier();
    total = vec4<f32>();
    for (var i = 0u; i < 8u; i += 1u) {
        total += exchange[i][r];
    }
    // A sequence without keys results in zeros.
    let factor = select(vec4<f32>(), 1.0 / max(total, vec4<f32>(1e-30)), total > vec4<f32>());
    store_sums(sums_0, 0u, factor, tile, head, lane);
    if p.head_width > 32u {
        store_sums(sums_32, 32u, factor, tile, head, lane);
    }
    if p.head_width > 64u {
        store_sums(sums_64, 64u, factor, tile, head, lane);
    }
    if p.head_width > 96u {
        store_sums(sums_96, 96u, factor, tile, head, lane);
    }
    // The columns beyond the last head are zeros.
    if head == p.heads - 1u {
        let end = p.heads * p.head_width;
        let padding = p.y_stride - end;
        for (var i = lane; i < tile.y * padding; i += 64u) {
            y[(tile.x + i / padding) * p.y_stride + end + i % padding] = 0.0;
        }
    }
}

// attention: y[i,h·dh+d] = Σ_j softmax_j(Σ_e q[i,h·dh+e] · k[j,h·dh+e] / √dh) · v[j,h·dh+d], per sequence and head
// q: (Nq, ≥ D), k, v: (Nk, ≥ D) f32, columns of wider tensors; y: (Nq, D); D = H·dh; sequences by `spans`
// kᵀ / √dh and v are packed into panels of 8 columns once per sequence and head; scores are held for 4 queries at a time

//! Scaled dot-product attention over the sequences of a packed batch.

use super::math::exp;
use super::simd::{F32x4, LANES};
use super::tile::float::ROWS;
use super::tile::{PANEL, tile_f32};

/// Columns of a row-major tensor from `data[0]` on, `stride` values from row to row.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// From the first column of the first row on.
    pub data: &'a [f32],
    /// Columns of the whole tensor.
    pub stride: usize,
}

/// The places of one sequence and head.
struct Scratch<'a> {
    keys: &'a mut [f32],
    values: &'a mut [f32],
    scores: &'a mut [f32],
}

/// Values of scratch that sequences of up to `keys` keys need with heads of `head_width`.
pub fn scratch_len(keys: usize, head_width: usize) -> usize {
    let padded = keys.next_multiple_of(PANEL);
    padded * head_width + keys * head_width.next_multiple_of(PANEL) + ROWS * padded
}

/// Attention of one sequence: `queries` rows of q on `keys` rows of k and v → `y` (queries, `heads` · `head_width`).
///
/// A sequence without keys yields zeros. Finite scores never yield NaN, whatever their size.
///
/// Source: Vaswani et al. 2017, section 3.2.1.
#[allow(clippy::too_many_arguments)] // The operands of one formula.
pub fn attention(
    [q, k, v]: [View<'_>; 3],
    queries: usize,
    keys: usize,
    heads: usize,
    head_width: usize,
    scratch: &mut [f32],
    y: &mut [f32],
) {
    if keys == 0 {
        return y.fill(0.0);
    }
    let padded = keys.next_multiple_of(PANEL);
    let (packed_keys, rest) = scratch.split_at_mut(padded * head_width);
    let (packed_values, rest) = rest.split_at_mut(keys * head_width.next_multiple_of(PANEL));
    let s = Scratch { keys: packed_keys, values: packed_values, scores: &mut rest[..ROWS * padded] };
    for head in 0..heads {
        let first = head * head_width;
        pack_keys(&k, first, keys, head_width, s.keys);
        pack_values(&v, first, keys, head_width, s.values);
        for row in (0..queries).step_by(ROWS) {
            let rows = ROWS.min(queries - row);
            for (panel, columns) in s.keys.chunks_exact(head_width * PANEL).enumerate() {
                let tile = tile_f32(&q.data[row * q.stride + first..], q.stride, rows, columns, head_width);
                for (scores, [low, high]) in s.scores.chunks_exact_mut(padded).zip(tile).take(rows) {
                    low.write(&mut scores[panel * PANEL..]);
                    high.write(&mut scores[panel * PANEL + LANES..]);
                }
            }
            let mut normalizers = [F32x4::splat(0.0); ROWS];
            for (scores, normalizer) in s.scores.chunks_exact_mut(padded).zip(&mut normalizers).take(rows) {
                *normalizer = F32x4::splat(1.0 / exponentials(scores, keys));
            }
            for (panel, columns) in s.values.chunks_exact(keys * PANEL).enumerate() {
                let tile = tile_f32(s.scores, padded, rows, columns, keys);
                let column = panel * PANEL;
                let width = PANEL.min(head_width - column);
                for (r, ([low, high], normalizer)) in tile.into_iter().zip(normalizers).take(rows).enumerate() {
                    let to = (row + r) * heads * head_width + first + column;
                    let (to_low, to_high) = y[to..to + width].split_at_mut(width.min(LANES));
                    (low * normalizer).write_part(to_low);
                    (high * normalizer).write_part(to_high);
                }
            }
        }
    }
}

/// kᵀ / √dh in panels: (⌈keys/8⌉, dh, 8), zeros beyond the last key.
fn pack_keys(k: &View<'_>, first: usize, keys: usize, head_width: usize, to: &mut [f32]) {
    let scale = 1.0 / (head_width as f32).sqrt();
    for (panel, columns) in to.chunks_exact_mut(head_width * PANEL).enumerate() {
        for lane in 0..PANEL {
            let key = panel * PANEL + lane;
            let places = columns.iter_mut().skip(lane).step_by(PANEL);
            if key < keys {
                let from = &k.data[key * k.stride + first..][..head_width];
                places.zip(from).for_each(|(to, from)| *to = from * scale);
            } else {
                places.for_each(|to| *to = 0.0);
            }
        }
    }
}

/// v in panels: (⌈dh/8⌉, keys, 8), zeros beyond the head's last column.
fn pack_values(v: &View<'_>, first: usize, keys: usize, head_width: usize, to: &mut [f32]) {
    for (panel, columns) in to.chunks_exact_mut(keys * PANEL).enumerate() {
        let column = panel * PANEL;
        let width = PANEL.min(head_width - column);
        for (key, to) in columns.chunks_exact_mut(PANEL).enumerate() {
            to[..width].copy_from_slice(&v.data[key * v.stride + first + column..][..width]);
            to[width..].fill(0.0);
        }
    }
}

/// Turns the first `keys` scores of a padded row into e^(score - largest), the rest into zeros; returns their sum, ≥ 1.
fn exponentials(scores: &mut [f32], keys: usize) -> f32 {
    // A score that overflowed counts as the largest finite one: infinity minus infinity would be NaN.
    let cut = |x: F32x4| x.clamp(f32::MIN, f32::MAX);
    let pad = scores[0];
    scores[keys..].fill(pad);
    let largest = scores.chunks_exact(LANES).fold(F32x4::splat(f32::MIN), |m, x| m.max(F32x4::from_slice(x)));
    let largest = F32x4::splat(cut(largest).largest());
    for x in scores.chunks_exact_mut(PANEL) {
        let [low, high] = exp([F32x4::from_slice(x), F32x4::from_slice(&x[LANES..])].map(|x| cut(x) - largest));
        low.write(x);
        high.write(&mut x[LANES..]);
    }
    scores[keys..].fill(0.0);
    scores.chunks_exact(LANES).fold(F32x4::splat(0.0), |sum, x| sum + F32x4::from_slice(x)).sum()
}

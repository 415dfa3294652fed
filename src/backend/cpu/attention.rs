// attention: y[i,h·dh+d] = Σ_j softmax_j(Σ_e q[i,h·dh+e] · k[j,h·dh+e] / √dh + bias[h,j-i+R-1]) · v[j,h·dh+d],
// per sequence and head
// q: (Nq, ≥ D), k, v: (Nk, ≥ D) f32, columns of wider tensors; y: (Nq, D); D = H·dh; sequences by `spans`;
// bias: (H, 2R - 1), of a model with relative positions; R: the maximum number of keys
// kᵀ / √dh and v are packed into panels of 8 columns once per sequence and head; scores are held for 4
// queries at a time

//! Scaled dot-product attention over the sequences of a packed batch.

use super::math::exp;
use super::simd::{F32x4, LANES};
use super::team::Parts;
use super::tile::Ahead;
use super::tile::float::ROWS;
use super::tile::{self, PANEL, Tile, tile_f32};
use std::array::from_fn;
use std::ops::Range;

/// Columns of a row-major tensor, starting at `data[0]`. Its rows are `stride` values apart.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The values, starting at the first column of the first row.
    pub data: &'a [f32],
    /// Columns of the whole tensor.
    pub stride: usize,
}

impl<'a> View<'a> {
    /// The same tensor, starting at row `row` and column `column`.
    pub fn at(&self, row: usize, column: usize) -> View<'a> {
        let from = (row * self.stride + column).min(self.data.len());
        View { data: &self.data[from..], stride: self.stride }
    }
}

/// Where the result of one sequence and head goes. Its rows are `stride` values apart.
pub struct Places<'a> {
    /// y
    pub all: &'a Parts<'a, f32>,
    /// The head's first column of the sequence's first row.
    pub first: usize,
    /// Columns of the whole tensor.
    pub stride: usize,
}

/// What each head adds to a score for the distance between key and query
/// ([`crate::backend::Backend::relative_bias`]).
pub struct RelativeBias {
    /// (H, 2R - 1)
    values: Vec<f32>,
}

impl RelativeBias {
    /// The biases (H, 2R - 1) of `heads` heads.
    pub fn new(heads: usize, values: Vec<f32>) -> Self {
        assert!(heads > 0 && (values.len() / heads) % 2 == 1 && values.len().is_multiple_of(heads), "2R - 1 a head");
        Self { values }
    }

    /// R: the maximum number of tokens of a sequence.
    pub fn reach(&self, heads: usize) -> usize {
        self.values.len() / heads / 2 + 1
    }

    /// The biases (2R - 1) of a head.
    pub fn of_head(&self, head: usize, heads: usize) -> &[f32] {
        let row = self.values.len() / heads;
        &self.values[head * row..][..row]
    }
}

/// The number of scratch values for sequences of up to `keys` keys and heads of width `head_width`.
pub fn scratch_len(keys: usize, head_width: usize) -> usize {
    let padded = keys.next_multiple_of(PANEL);
    padded * head_width + keys * head_width.next_multiple_of(PANEL) + ROWS * padded
}

/// Attention of one head of one sequence: `queries` rows of q and `keys` rows of k and v, `head_width`
/// columns each → `y`. `bias`: the head's 2R - 1 biases, R at least `keys`.
///
/// A sequence without keys results in zeros. Finite scores never result in NaN, however large they are.
///
/// # Safety
/// Nothing else may access these places of y during the call.
///
/// Source: Vaswani et al. 2017, section 3.2.1.
pub unsafe fn attention(
    [q, k, v]: [View<'_>; 3],
    queries: usize,
    keys: usize,
    head_width: usize,
    bias: Option<&[f32]>,
    scratch: &mut [f32],
    y: Places<'_>,
) {
    let places = |row: usize, columns: Range<usize>| {
        let from = y.first + row * y.stride;
        // SAFETY: our caller guarantees that nothing else accesses these places, and only one of these ranges
        // is in use at a time.
        unsafe { y.all.part(from + columns.start..from + columns.end) }
    };
    if keys == 0 {
        return (0..queries).for_each(|row| places(row, 0..head_width).fill(0.0));
    }
    let padded = keys.next_multiple_of(PANEL);
    let (packed_keys, rest) = scratch.split_at_mut(padded * head_width);
    let (packed_values, rest) = rest.split_at_mut(keys * head_width.next_multiple_of(PANEL));
    let all_scores = &mut rest[..ROWS * padded];
    pack_keys(&k, keys, head_width, packed_keys);
    pack_values(&v, keys, head_width, packed_values);
    let mut tile = Tile::new();
    for row in (0..queries).step_by(ROWS) {
        let rows = ROWS.min(queries - row);
        for (panel, columns) in packed_keys.chunks_exact(head_width * PANEL).enumerate() {
            tile_f32(&q.data[row * q.stride..], q.stride, rows, columns, head_width, Ahead::NONE, &mut tile);
            for (scores, [low, high]) in all_scores.chunks_exact_mut(padded).zip(tile.rows()) {
                low.write(&mut scores[panel * PANEL..]);
                high.write(&mut scores[panel * PANEL + LANES..]);
            }
        }
        if let Some(bias) = bias {
            for (r, scores) in all_scores.chunks_exact_mut(padded).enumerate().take(rows) {
                let of_query = &bias[bias.len() / 2 - (row + r)..];
                scores[..keys].iter_mut().zip(of_query).for_each(|(score, bias)| *score += bias);
            }
        }
        let mut normalizers = [F32x4::splat(0.0); ROWS];
        for (scores, normalizer) in all_scores.chunks_exact_mut(padded).zip(&mut normalizers).take(rows) {
            *normalizer = F32x4::splat(1.0 / exponentials(scores, keys));
        }
        for (panel, columns) in packed_values.chunks_exact(keys * PANEL).enumerate() {
            tile_f32(all_scores, padded, rows, columns, keys, Ahead::NONE, &mut tile);
            let column = panel * PANEL;
            let width = PANEL.min(head_width - column);
            for (r, (&[low, high], normalizer)) in tile.rows().iter().zip(normalizers).enumerate() {
                let (y_low, y_high) = places(row + r, column..column + width).split_at_mut(width.min(LANES));
                (low * normalizer).write_part(y_low);
                (high * normalizer).write_part(y_high);
            }
        }
    }
}

/// kᵀ / √dh in panels: (⌈keys/8⌉, dh, 8), zeros beyond the last key.
fn pack_keys(k: &View<'_>, keys: usize, head_width: usize, to: &mut [f32]) {
    let scale = 1.0 / (head_width as f32).sqrt();
    let scales = F32x4::splat(scale);
    for (panel, columns) in to.chunks_exact_mut(head_width * PANEL).enumerate() {
        let first = panel * PANEL;
        let row = |lane: usize| &k.data[(first + lane) * k.stride..][..head_width];
        let mut done = 0;
        if first + PANEL <= keys {
            let rows: [&[f32]; PANEL] = from_fn(row);
            let (squares, _) = columns.as_chunks_mut::<{ LANES * PANEL }>();
            for (square, d) in squares.iter_mut().zip((0..).step_by(LANES)) {
                for (strip, rows) in rows.as_chunks::<LANES>().0.iter().enumerate() {
                    let dims = F32x4::transpose(rows.map(|row| F32x4::from_slice(&row[d..]) * scales));
                    dims.iter().enumerate().for_each(|(i, x)| x.write(&mut square[i * PANEL + strip * LANES..]));
                }
                done = d + LANES;
            }
        }
        for lane in 0..PANEL {
            let places = columns[done * PANEL..].iter_mut().skip(lane).step_by(PANEL);
            if first + lane < keys {
                places.zip(&row(lane)[done..]).for_each(|(to, from)| *to = from * scale);
            } else {
                places.for_each(|to| *to = 0.0);
            }
        }
    }
}

/// v in panels: (⌈dh/8⌉, keys, 8), zeros beyond the head's last column.
fn pack_values(v: &View<'_>, keys: usize, head_width: usize, to: &mut [f32]) {
    for (panel, columns) in to.chunks_exact_mut(keys * PANEL).enumerate() {
        let column = panel * PANEL;
        let width = PANEL.min(head_width - column);
        for (key, to) in columns.chunks_exact_mut(PANEL).enumerate() {
            let from = &v.data[key * v.stride + column..][..width];
            match from.first_chunk::<PANEL>() {
                Some(from) => to.copy_from_slice(from),
                None => {
                    to[..width].copy_from_slice(from);
                    to[width..].fill(0.0);
                }
            }
        }
    }
}

/// Turns the first `keys` scores of a padded row into e^(score - largest), the rest into zeros; returns their
/// sum, ≥ 1.
fn exponentials(scores: &mut [f32], keys: usize) -> f32 {
    // A score that overflowed counts as the largest finite one, because infinity minus infinity would be NaN.
    let cut = |x: F32x4| x.clamp(f32::MIN, f32::MAX);
    let pad = scores[0];
    scores[keys..].fill(pad);
    let largest = scores.chunks_exact(LANES).fold(F32x4::splat(f32::MIN), |m, x| m.max(F32x4::from_slice(x)));
    let largest = F32x4::splat(cut(largest).largest());
    let (whole, rest) = scores.split_at_mut(keys / PANEL * PANEL);
    let step = |x: &mut [f32]| {
        let [low, high] = exp(tile::row(x).map(|x| cut(x) - largest));
        low.write(x);
        high.write(&mut x[LANES..]);
        [low, high]
    };
    let mut sum = F32x4::splat(0.0);
    for x in whole.chunks_exact_mut(PANEL) {
        let [low, high] = step(x);
        sum = sum + low + high;
    }
    if !rest.is_empty() {
        step(rest);
        rest[keys % PANEL..].fill(0.0);
        sum = sum + F32x4::from_slice(rest) + F32x4::from_slice(&rest[LANES..]);
    }
    sum.sum()
}

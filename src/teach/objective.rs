//! The penalized negative log-likelihood and its gradient, a slice of rows at a time.

use super::examples::{BIAS_PENALTY, Rows};
use super::products::{Panels, add_transposed, times};

/// Rows per block: small enough that data read twice stays in the cache.
const BLOCK: usize = 32;

/// The values that are fixed during one fit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Knobs {
    /// The penalty: half of it times the squared weights is added.
    pub strength: f64,
    /// How many examples a label's name counts as.
    pub name_weight: f32,
}

/// One evaluation of the objective at given weights W (L, stride):
/// `sum_i weight_i nll(softmax(W x_i), y_i) + strength / 2 |W|²`, or the sum of each label's logistic losses.
#[derive(Default)]
pub struct Evaluation {
    panels: Panels,
    z: Vec<f32>,
    row: usize,
    /// The objective, once all rows are added.
    pub value: f64,
    /// Its gradient (L, stride).
    pub gradient: Vec<f32>,
}

impl Evaluation {
    /// Begins at `w`.
    pub fn begin(&mut self, rows: &Rows, w: &[f32], knobs: Knobs) {
        self.panels.pack(w.chunks_exact(rows.stride), rows.stride);
        self.row = 0;
        self.value = 0.0;
        self.gradient.clear();
        let strength = knobs.strength as f32;
        let bias = rows.mean.len();
        for w in w.chunks_exact(rows.stride) {
            let first = self.gradient.len();
            self.gradient.extend(w.iter().map(|w| strength * w));
            self.gradient[first + bias] *= BIAS_PENALTY;
            let squares: f64 = w.iter().map(|&w| f64::from(w) * f64::from(w)).sum();
            let own = f64::from(w[bias]) * f64::from(w[bias]);
            self.value += 0.5 * knobs.strength * (squares - own + own * f64::from(BIAS_PENALTY));
        }
    }

    /// Adds the next block of rows; returns true once all are added.
    pub fn advance(&mut self, rows: &Rows, knobs: Knobs) -> bool {
        let last = (self.row + BLOCK).min(rows.count());
        let columns = self.panels.columns();
        self.z.resize(BLOCK * columns, 0.0);
        let x = &rows.x[self.row * rows.stride..last * rows.stride];
        let z = &mut self.z[..(last - self.row) * columns];
        if x.is_empty() {
            return true;
        }
        times(x, &self.panels, z);
        for (i, z) in (self.row..last).zip(z.chunks_exact_mut(columns)) {
            let weight = rows.weight(i, knobs.name_weight);
            let (z, padding) = z.split_at_mut(rows.labels);
            padding.fill(0.0);
            let loss = if rows.multi { sigmoids(z, rows.targets_of(i)) } else { softmax(z, rows.targets_of(i)) };
            self.value += f64::from(weight) * loss;
            z.iter_mut().for_each(|z| *z *= weight);
        }
        add_transposed(z, columns, x, rows.stride, &mut self.gradient);
        self.row = last;
        last == rows.count()
    }

    /// About how many multiplications a block takes.
    pub fn block_work(rows: &Rows) -> usize {
        2 * BLOCK.min(rows.count().max(1)) * rows.labels.next_multiple_of(8) * rows.stride
    }
}

/// Turns logits into probabilities minus the target; returns the loss.
fn softmax(z: &mut [f32], targets: &[u32]) -> f64 {
    let most = z.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let own = z[targets[0] as usize];
    let mut sum = 0.0;
    for z in z.iter_mut() {
        *z = (*z - most).exp();
        sum += f64::from(*z);
    }
    let scale = (1.0 / sum) as f32;
    z.iter_mut().for_each(|z| *z *= scale);
    z[targets[0] as usize] -= 1.0;
    sum.ln() + f64::from(most - own)
}

fn sigmoids(z: &mut [f32], targets: &[u32]) -> f64 {
    let mut loss: f64 = targets.iter().map(|&label| -f64::from(z[label as usize])).sum();
    for z in z.iter_mut() {
        // ln(1 + e^z), without overflow.
        let small = (-z.abs()).exp();
        loss += f64::from(z.max(0.0)) + f64::from(small).ln_1p();
        *z = if *z >= 0.0 { 1.0 / (1.0 + small) } else { small / (1.0 + small) };
    }
    targets.iter().for_each(|&label| z[label as usize] -= 1.0);
    loss
}

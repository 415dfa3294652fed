//! The answer to each example of a fit without that example, without fitting again.
//!
//! Removing example `i` moves its logit of label `l` by one Newton step, `m g w / (1 - m a)`: `g` is the
//! gradient of its loss, `w` its weight, `a = c w p (1 - p)` its curvature and `m = x_i' (λ + sum_j a_j x_j
//! x_j')^-1 x_i`, where `c = L / (L - 1)` accounts for the part of the softmax's curvature that the labels'
//! blocks share (exact for two labels and for sigmoids). Each label has its own small system: it includes the
//! [`MAX_ROWS`] rows with the largest curvature and leaves out the rest.
//!
//! The other examples with the same label as the removed one count more in return, `k / (k - 1)` times:
//! otherwise the label would be rarer than all others exactly when it is evaluated, and every fit would look
//! worse than it is, especially with few examples.
//!
//! Source: Beirami et al. 2017; Rad and Maleki 2020 (approximate leave-one-out). Compared with fits without
//! each example in tests/arithmetic/teach.rs.

use super::examples::{BIAS, BIAS_PENALTY, Rows};
use super::objective::Knobs;
use super::products::{Panels, dot, times};

/// Rows in a label's system.
const MAX_ROWS: usize = 48;
/// Rows multiplied at once.
const BLOCK: usize = 64;
/// Below this probability, an example's logit of a label is moved by that label's mean leverage.
const SMALL: f32 = 0.01;
/// The constant column adds this to every scalar product: the bias is penalized less than other weights.
const BIAS_SQUARE: f64 = (BIAS * BIAS / BIAS_PENALTY) as f64;

/// Computes the logits of each example for a fit without it.
pub struct LeaveOneOut {
    panels: Panels,
    /// (E, columns) for examples, followed by names.
    z: Vec<f32>,
    /// For each row, the logarithm of its softmax's denominator.
    sums: Vec<f32>,
    row: usize,
    label: usize,
    /// For each label, the number of its examples.
    counts: Vec<usize>,
}

impl LeaveOneOut {
    /// Starts from the fitted weights (L, stride).
    pub fn new(rows: &Rows, w: &[f32]) -> Self {
        let mut panels = Panels::default();
        panels.pack(w.chunks_exact(rows.stride), rows.stride);
        let z = vec![0.0; rows.count() * panels.columns()];
        let mut counts = vec![0; rows.labels];
        (0..rows.examples()).flat_map(|i| rows.targets_of(i)).for_each(|&label| counts[label as usize] += 1);
        Self { panels, z, sums: Vec::with_capacity(rows.count()), row: 0, label: 0, counts }
    }

    /// Does a part of the work and returns about how many multiplications it took; 0 at the end.
    pub fn advance(&mut self, rows: &Rows, knobs: Knobs) -> usize {
        let columns = self.panels.columns();
        if self.row < rows.count() {
            let last = (self.row + BLOCK).min(rows.count());
            let z = &mut self.z[self.row * columns..last * columns];
            times(&rows.x[self.row * rows.stride..last * rows.stride], &self.panels, z);
            for z in z.chunks_exact(columns).map(|z| &z[..rows.labels]) {
                let most = z.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                self.sums.push(most + z.iter().map(|z| (z - most).exp()).sum::<f32>().ln());
            }
            let work = (last - self.row) * columns * rows.stride;
            self.row = last;
            return work;
        }
        if self.label == rows.labels {
            return 0;
        }
        self.label += 1;
        self.remove(rows, knobs, self.label - 1)
    }

    /// The logits (E, `columns`), and `columns`.
    pub fn finish(mut self, rows: &Rows) -> (Vec<f32>, usize) {
        let columns = self.panels.columns();
        self.z.truncate(rows.examples() * columns);
        (self.z, columns)
    }

    /// Moves the logits of one label and returns the work done.
    fn remove(&mut self, rows: &Rows, knobs: Knobs, label: usize) -> usize {
        let columns = self.panels.columns();
        let shared = if rows.multi { 1.0 } else { rows.labels as f64 / (rows.labels - 1) as f64 };
        let p: Vec<f32> = (0..rows.count())
            .map(|i| {
                let z = self.z[i * columns + label];
                if rows.multi { 1.0 / (1.0 + (-z).exp()) } else { (z - self.sums[i]).exp() }
            })
            .collect();
        let curvature =
            |i: usize| shared * f64::from(rows.weight(i, knobs.name_weight)) * f64::from(p[i]) * f64::from(1.0 - p[i]);
        let curvatures: Vec<f64> = (0..rows.count()).map(curvature).collect();
        let own = |i: usize| rows.targets_of(i).contains(&(label as u32));
        let touched: Vec<usize> = (0..rows.examples()).filter(|&i| own(i) || p[i] > SMALL).collect();
        let system = System::new(rows, knobs.strength, &largest(&curvatures));
        let mut mean = 0.0;
        let (mut leverages, mut solved) = (Vec::with_capacity(touched.len()), Vec::new());
        for block in touched.chunks(BLOCK) {
            system.leverages(rows, block, &mut leverages, &mut solved);
        }
        for (&i, &m) in touched.iter().zip(&leverages) {
            mean += m / norm(rows, i) / touched.len() as f64;
        }
        if touched.is_empty() {
            mean = 1.0 / knobs.strength;
        }
        let gradient = |i: usize| {
            f64::from(rows.weight(i, knobs.name_weight)) * (f64::from(p[i]) - if own(i) { 1.0 } else { 0.0 })
        };
        let sums = self.sums(rows, &touched, &solved, gradient);
        let size = system.chosen.len();
        let mut at = touched.iter().zip(&leverages).enumerate().peekable();
        for (i, curvature) in curvatures.iter().enumerate().take(rows.examples()) {
            let (m, pulled) = match at.next_if(|(_, (j, _))| **j == i) {
                Some((t, (_, &m))) => match rows.targets_of(i).first().and_then(|&label| sums[label as usize].as_ref())
                {
                    Some(sum) => {
                        let all = sum.product(rows.row(i), &solved[t * size..][..size]) / knobs.strength;
                        (m, (sum.count * m * gradient(i) - all) / (sum.count - 1.0))
                    }
                    None => (m, m * gradient(i)),
                },
                None => (mean * norm(rows, i), mean * norm(rows, i) * gradient(i)),
            };
            // Below one if the example is in its own system; otherwise it is small.
            let share = (m * curvature).min(0.999);
            self.z[i * columns + label] += (pulled / (1.0 - share)) as f32;
        }
        touched.len() * (size + 2) * (rows.stride + size) + rows.count() * 8
    }

    /// The sums over the touched examples of each label that has at least two, if an example has one label.
    fn sums(
        &self,
        rows: &Rows,
        touched: &[usize],
        solved: &[f64],
        gradient: impl Fn(usize) -> f64,
    ) -> Vec<Option<Sum>> {
        let (width, size) = (rows.mean.len(), solved.len() / touched.len().max(1));
        let mut sums: Vec<Option<Sum>> = (0..rows.labels).map(|_| None).collect();
        for (t, &i) in touched.iter().enumerate().filter(|_| !rows.multi) {
            let label = rows.targets_of(i)[0];
            let count = self.counts[label as usize] as f64;
            if count < 2.0 {
                continue;
            }
            let empty = || Sum { count, x: vec![0.0; width], bias: 0.0, solved: vec![0.0; size] };
            let sum = sums[label as usize].get_or_insert_with(empty);
            let by = gradient(i);
            sum.bias += by;
            sum.x.iter_mut().zip(rows.row(i)).for_each(|(x, &row)| *x += by * f64::from(row));
            sum.solved.iter_mut().zip(&solved[t * size..]).for_each(|(sum, v)| *sum += by * v);
        }
        sums
    }
}

/// The sum of the gradients of one label's examples.
struct Sum {
    /// The number of examples.
    count: f64,
    /// In the space of vectors, without the bias.
    x: Vec<f64>,
    bias: f64,
    /// Solved as in [`System::leverages`].
    solved: Vec<f64>,
}

impl Sum {
    /// `λ x'M sum`, for an example with this row and solution.
    fn product(&self, row: &[f32], solved: &[f64]) -> f64 {
        let explained: f64 = self.solved.iter().zip(solved).map(|(a, b)| a * b).sum();
        self.x.iter().zip(row).map(|(x, &row)| x * f64::from(row)).sum::<f64>() + BIAS_SQUARE * self.bias - explained
    }
}

/// `x'x`, with the bias counted according to its penalty.
fn norm(rows: &Rows, i: usize) -> f64 {
    let row = &rows.row(i)[..rows.mean.len()];
    dot(row, row) + BIAS_SQUARE
}

/// The rows with the largest curvature, in order.
fn largest(curvatures: &[f64]) -> Vec<(usize, f64)> {
    let mut rows: Vec<(usize, f64)> = curvatures.iter().copied().enumerate().collect();
    if rows.len() > MAX_ROWS {
        rows.select_nth_unstable_by(MAX_ROWS, |a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        rows.truncate(MAX_ROWS);
    }
    rows.sort_unstable_by_key(|row| row.0);
    rows
}

/// One label's curvature over its rows S: the Cholesky factor of `λ + A^½ K A^½`, with K the scalar products.
struct System {
    chosen: Vec<(usize, f64)>,
    panels: Panels,
    /// (S, S), lower.
    factor: Vec<f64>,
    strength: f64,
}

impl System {
    fn new(rows: &Rows, strength: f64, chosen: &[(usize, f64)]) -> Self {
        let mut panels = Panels::default();
        panels.pack(chosen.iter().map(|&(i, _)| rows.row(i)), rows.stride);
        let size = chosen.len();
        let mut system = Self { chosen: chosen.to_vec(), panels, factor: vec![0.0; size * size], strength };
        let all: Vec<usize> = chosen.iter().map(|row| row.0).collect();
        let products = system.products(rows, &all);
        let factor = &mut system.factor;
        for i in 0..size {
            for j in 0..=i {
                let mut sum = products[i * size + j] * chosen[i].1.sqrt();
                if i == j {
                    sum += strength;
                }
                let (of_i, of_j) = (&factor[i * size..][..j], &factor[j * size..][..j]);
                sum -= of_i.iter().zip(of_j).map(|(a, b)| a * b).sum::<f64>();
                factor[i * size + j] =
                    if i == j { sum.max(strength * 1e-6).sqrt() } else { sum / factor[j * size + j] };
            }
        }
        system
    }

    /// `K A^½` between the given rows and the system's: (given, S).
    fn products(&self, rows: &Rows, given: &[usize]) -> Vec<f64> {
        let x: Vec<f32> = given.iter().flat_map(|&i| rows.row(i)).copied().collect();
        let columns = self.panels.columns();
        let mut k = vec![0.0; given.len() * columns];
        if given.is_empty() || columns == 0 {
            return Vec::new();
        }
        times(&x, &self.panels, &mut k);
        let more = BIAS_SQUARE - f64::from(BIAS * BIAS);
        let scaled = k
            .chunks_exact(columns)
            .flat_map(|k| self.chosen.iter().zip(k).map(|((_, a), &k)| (f64::from(k) + more) * a.sqrt()));
        scaled.collect()
    }

    /// `m` of the given rows, and for each the part `v` of `m = (x'x - v'v) / λ` (given, S).
    fn leverages(&self, rows: &Rows, given: &[usize], out: &mut Vec<f64>, solved: &mut Vec<f64>) {
        let size = self.chosen.len();
        let mut v = self.products(rows, given);
        for (g, &i) in given.iter().enumerate() {
            let v = if size == 0 { &mut [][..] } else { &mut v[g * size..(g + 1) * size] };
            let mut explained = 0.0;
            for s in 0..size {
                let row = &self.factor[s * size..][..=s];
                let sum: f64 = row[..s].iter().zip(&v[..s]).map(|(a, b)| a * b).sum();
                v[s] = (v[s] - sum) / row[s];
                explained += v[s] * v[s];
            }
            solved.extend_from_slice(v);
            out.push((norm(rows, i) - explained).max(0.0) / self.strength);
        }
    }
}

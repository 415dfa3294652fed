//! Temperature and threshold, from the fit's answers to examples that it has not seen.

/// The expected temperature before any example is seen, and the spread of its logarithm around that.
pub const DEFAULT_TEMPERATURE: f64 = 0.3;
const SPREAD: f64 = 0.7;
/// The share of probability that is spread over all labels alike when a fit is judged, so that a single
/// contradictory example is not decisive.
const SMOOTHING: f64 = 0.02;
/// About how many examples the temperature is fitted to: more would change it little and take long.
const MAX_FITTED: usize = 2_000;

/// Logits (N, `columns`) of examples, and their labels.
pub struct Answers<'a> {
    /// (N, columns), of which the first L columns are read.
    pub logits: &'a [f32],
    /// L, padded.
    pub columns: usize,
    /// L.
    pub labels: usize,
    /// Whether each label has an independent probability.
    pub multi: bool,
    /// The labels of each example.
    pub targets: Vec<&'a [u32]>,
}

impl Answers<'_> {
    fn rows(&self) -> impl Iterator<Item = (&[f32], &[u32])> {
        self.logits.chunks_exact(self.columns).map(|z| &z[..self.labels]).zip(self.targets.iter().copied())
    }

    /// The temperature with the best likelihood, near [`DEFAULT_TEMPERATURE`] if there is little evidence.
    pub fn temperature(&self) -> f64 {
        // Newton's method in u = ln(1 / T), whose prior is a normal distribution.
        let usual = -DEFAULT_TEMPERATURE.ln();
        let mut u = usual;
        for _ in 0..12 {
            let (slope, curvature) = self.slope(u.exp());
            let gradient = u.exp() * slope + (u - usual) / (SPREAD * SPREAD);
            let second = (u.exp() * u.exp() * curvature).max(0.0) + 1.0 / (SPREAD * SPREAD);
            let step = (gradient / second).clamp(-0.7, 0.7);
            u = (u - step).clamp(-4.0, 4.0);
            if step.abs() < 1e-4 {
                break;
            }
        }
        (-u).exp()
    }

    /// First and second derivative of the loss with respect to the inverse temperature.
    fn slope(&self, beta: f64) -> (f64, f64) {
        let (mut slope, mut curvature) = (0.0, 0.0);
        let b = beta as f32;
        for (z, targets) in self.rows().step_by(self.targets.len() / MAX_FITTED + 1) {
            if self.multi {
                for (l, &z) in z.iter().enumerate() {
                    let p = f64::from(1.0 / (1.0 + (-b * z).exp()));
                    let y = if targets.contains(&(l as u32)) { 1.0 } else { 0.0 };
                    slope += (p - y) * f64::from(z);
                    curvature += p * (1.0 - p) * f64::from(z) * f64::from(z);
                }
                continue;
            }
            let max = z.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let (mut sum, mut first, mut second) = (0f32, 0f32, 0f32);
            for z in z.iter().map(|z| z - max) {
                let e = (b * z).exp();
                sum += e;
                first += e * z;
                second += e * z * z;
            }
            let mean = f64::from(first / sum);
            slope += mean - f64::from(z[targets[0] as usize] - max);
            curvature += f64::from(second / sum) - mean * mean;
        }
        (slope, curvature)
    }

    /// The loss at a temperature; [`SMOOTHING`] bounds each example's loss.
    pub fn loss(&self, temperature: f64) -> f64 {
        let b = (1.0 / temperature) as f32;
        let bounded = |p: f64, among: usize| -((1.0 - SMOOTHING) * p + SMOOTHING / among as f64).ln();
        self.rows()
            .map(|(z, targets)| {
                if self.multi {
                    let of = |(l, z): (usize, &f32)| {
                        let z = if targets.contains(&(l as u32)) { *z } else { -z };
                        bounded(f64::from(1.0 / (1.0 + (-b * z).exp())), 2)
                    };
                    return z.iter().enumerate().map(of).sum();
                }
                bounded(f64::from(probability(z, targets[0] as usize, b)), self.labels)
            })
            .sum()
    }

    /// The score below which an answer is more often wrong than right; for independent labels, the score with
    /// the best F1.
    pub fn threshold(&self, temperature: f64) -> f64 {
        let b = (1.0 / temperature) as f32;
        // (score, whether it is right)
        let mut scored = Vec::new();
        let mut wanted = 0usize;
        for (z, targets) in self.rows() {
            if self.multi {
                wanted += targets.len();
                let of = |(l, z): (usize, &f32)| (1.0 / (1.0 + (-b * z).exp()), targets.contains(&(l as u32)));
                scored.extend(z.iter().enumerate().map(of));
            } else {
                let top = highest(z);
                scored.push((probability(z, top, b), top == targets[0] as usize));
            }
        }
        scored.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        if self.multi { best_f1(&scored, wanted) } else { wrong_under(&scored) }
    }
}

/// The index of the highest logit, the first if several are equal.
pub fn highest(z: &[f32]) -> usize {
    z.iter().enumerate().fold(0, |best, (l, &value)| if value > z[best] { l } else { best })
}

/// `softmax(beta z)[l]`.
pub fn probability(z: &[f32], l: usize, beta: f32) -> f32 {
    let max = z.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    (beta * (z[l] - max)).exp() / z.iter().map(|z| (beta * (z - max)).exp()).sum::<f32>()
}

/// The score, at most ½, below which wrong answers outnumber right ones by the largest margin; the highest if
/// there are several. If none is wrong, the score of the least certain answer: below it, a text is unlike all
/// examples.
fn wrong_under(scored: &[(f32, bool)]) -> f64 {
    let (mut max, mut balance) = (0i64, 0i64);
    let mut threshold = scored.first().map_or(0.0, |first| f64::from(first.0.min(0.5)));
    for (i, &(score, right)) in scored.iter().enumerate() {
        if score > 0.5 {
            break;
        }
        balance += if right { -1 } else { 1 };
        let next = scored.get(i + 1).map_or(0.5, |next| next.0.min(0.5));
        if balance >= max && next > score {
            max = balance;
            threshold = f64::from(score + next) / 2.0;
        }
    }
    threshold
}

/// The score from which labels are assigned, at the best F1; ½ if there is no evidence.
fn best_f1(scored: &[(f32, bool)], wanted: usize) -> f64 {
    let (mut right, mut best, mut threshold) = (wanted as f64, 0.0, 0.5);
    for (i, &(score, is)) in scored.iter().enumerate() {
        let before = i.checked_sub(1).map_or(0.0, |before| scored[before].0);
        let f1 = 2.0 * right / (wanted + scored.len() - i) as f64;
        if score > before && f1 > best {
            best = f1;
            threshold = f64::from(before + score) / 2.0;
        }
        right -= if is { 1.0 } else { 0.0 };
    }
    threshold
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_parts_wrong_answers_from_right_ones() {
        for (scored, wanted) in [
            (&[][..], 0.0),
            (&[(0.75, true), (0.9, true)], 0.5),    // none is less certain than ½
            (&[(0.375, true), (0.9, true)], 0.375), // the least certain is right
            (&[(0.25, false), (0.375, true), (0.9, true)], 0.3125), // between them
            (&[(0.25, false), (0.375, false), (0.4375, true), (0.9, false)], 0.40625),
            (&[(0.25, true), (0.375, false), (0.9, true)], 0.4375), // as many wrong as right: the higher one
            (&[(0.25, false), (0.375, false)], 0.4375),
        ] {
            assert_eq!(wrong_under(scored), wanted, "{scored:?}");
        }
    }
}

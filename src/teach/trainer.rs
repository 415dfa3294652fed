//! The sequence of training steps, in slices: pick strength and name weight by leave-one-out likelihood, fit,
//! calibrate.

use super::calibration::{Answers, DEFAULT_TEMPERATURE, highest, probability};
use super::examples::{BIAS, Examples, Rows};
use super::lbfgs::Lbfgs;
use super::leave_one_out::LeaveOneOut;
use super::objective::{Evaluation, Knobs};
use crate::error::{Error, ErrorKind, Result};

/// Alternatives to the usual values that are tried, as multiples; each list is tried with the best values so
/// far.
const NAME_WEIGHTS: [f32; 3] = [0.4, 4.0, 2.0];
const STRENGTHS: [f64; 3] = [0.25, 0.5, 2.0];
/// The spread of strength and name weight around the usual values (of their logarithms).
const SPREADS: [f64; 2] = [0.7, 1.0];
/// The maximum number of examples used for that search.
const SEARCH: usize = 1_500;
/// The length of the gradient at which a fit ends: for fits that are compared, and for the final one.
const ROUGH: f64 = 0.05;
const FINE: f64 = 1e-3;

/// The values that a retraining keeps from the previous training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Keep {
    /// Strength and name weight.
    pub knobs: Knobs,
    /// The temperature.
    pub temperature: f64,
    /// The threshold.
    pub threshold: f64,
}

/// The result of a training.
#[derive(Clone, Debug, PartialEq)]
pub struct Taught {
    /// (L, D), for vectors of unit length.
    pub weights: Vec<f32>,
    /// (L).
    pub bias: Vec<f32>,
    /// Strength, name weight, temperature and threshold.
    pub keep: Keep,
    /// For each example, unless the knobs were kept: the label with the highest probability, had the fit not
    /// seen the example.
    pub predicted: Vec<u32>,
    /// The probability of that label.
    pub probability: Vec<f32>,
    /// The probability of the example's own label; with several labels per example, of all labels (N, L).
    pub own: Vec<f32>,
}

/// A training in progress.
pub struct Trainer {
    examples: Examples,
    keep: Option<Keep>,
    usual: Knobs,
    rows: Rows,
    stage: Stage,
    evaluation: Evaluation,
    /// Values of both kinds that are still to be tried.
    names: Vec<f32>,
    strengths: Vec<f64>,
    best: Option<(f64, Knobs)>,
    searching: bool,
    fits: usize,
    /// The number of evaluations in all fits.
    pub evaluations: usize,
    done: Option<Taught>,
}

enum Stage {
    Fit(Knobs, Box<Lbfgs>),
    Leave(Knobs, Vec<f32>, Box<LeaveOneOut>),
    Done,
}

impl Trainer {
    /// Starts with the examples; `warm`: the weights (L, D) and biases (L) of an earlier training with the
    /// same labels; `keep`: values to use instead of searching for them.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for a label without examples and names, or for weights or values that
    /// don't fit.
    pub fn new(examples: Examples, warm: Option<(&[f32], &[f32])>, keep: Option<Keep>) -> Result<Self> {
        let invalid = |message| Err(Error::new(ErrorKind::InvalidArgument, message));
        if let Some(label) = examples.unknown_label() {
            return invalid(format!("Label {label} has neither an example nor a name. Give it one."));
        }
        let (labels, width) = (examples.labels(), examples.width());
        if let Some((weights, bias)) = warm
            && (weights.len() != labels * width
                || bias.len() != labels
                || !weights.iter().chain(bias).all(|w| w.is_finite()))
        {
            return invalid(format!(
                "The initial weights must be {labels} × {width} finite numbers and {labels} biases."
            ));
        }
        if let Some(Keep { knobs, temperature, threshold }) = keep
            && !(knobs.strength.is_finite()
                && knobs.strength >= 1e-4
                && (0.0..=1e4).contains(&knobs.name_weight)
                && temperature.is_finite()
                && temperature > 0.0
                && (0.0..=1.0).contains(&threshold))
        {
            return invalid(format!(
                "Strength {} (at least 0.0001), name weight {} (0 to 10000), temperature {temperature} (above 0) or threshold {threshold} (0 to 1) is out of range.",
                knobs.strength, knobs.name_weight
            ));
        }
        let searching = keep.is_none() && examples.count() > 1;
        let most = if searching { SEARCH.max(2 * labels) } else { usize::MAX };
        let rows = examples.rows(&examples.sample(most))?;
        let start = match warm {
            Some((weights, bias)) => from_outside(&rows, weights, bias),
            None => vec![0.0; labels * rows.stride],
        };
        let usual = usual(&examples);
        let first = keep.map_or(usual, |keep| keep.knobs);
        let mut trainer = Self {
            names: if examples.has_names() {
                NAME_WEIGHTS.map(|by| by * usual.name_weight).to_vec()
            } else {
                Vec::new()
            },
            strengths: STRENGTHS.map(|by| by * usual.strength).to_vec(),
            examples,
            keep,
            usual,
            stage: Stage::Done,
            rows,
            evaluation: Evaluation::default(),
            best: None,
            searching,
            fits: 0,
            evaluations: 0,
            done: None,
        };
        trainer.fit(first, start);
        Ok(trainer)
    }

    /// Works for about `work` multiplications and returns the progress of the whole training, from 0 to 1; 1
    /// at the end.
    ///
    /// # Errors
    /// [`ErrorKind::OutOfMemory`], [`ErrorKind::NotFinite`].
    pub fn step(&mut self, work: usize) -> Result<f64> {
        let mut spent = 0;
        while spent < work && self.done.is_none() {
            spent += self.piece()?.max(1);
        }
        if self.done.is_some() {
            return Ok(1.0);
        }
        let planned = self.fits + if self.searching { self.names.len() + self.strengths.len() + 1 } else { 0 };
        Ok((self.fits as f64 - 0.5) / planned as f64)
    }

    /// The result, once [`Trainer::step`] has returned 1.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] before that.
    pub fn finish(self) -> Result<Taught> {
        self.done.ok_or_else(|| {
            Error::new(ErrorKind::InvalidArgument, "The training has not ended. Call `step` until it returns 1.")
        })
    }

    fn fit(&mut self, knobs: Knobs, start: Vec<f32>) {
        self.fits += 1;
        let total = (self.rows.count() as f64).sqrt();
        let tolerance = if self.searching { ROUGH } else { FINE } * total.max(1.0) / 4.0;
        self.evaluation.begin(&self.rows, &start, knobs);
        self.stage = Stage::Fit(knobs, Box::new(Lbfgs::new(start, tolerance)));
    }

    fn piece(&mut self) -> Result<usize> {
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Fit(knobs, mut lbfgs) => {
                let mut work = Evaluation::block_work(&self.rows);
                if !self.evaluation.advance(&self.rows, knobs) {
                    self.stage = Stage::Fit(knobs, lbfgs);
                    return Ok(work);
                }
                if !self.evaluation.value.is_finite() && lbfgs.evaluations == 0 {
                    return Err(Error::new(
                        ErrorKind::NotFinite,
                        "The initial weights are too large: training overflows. Train without them.",
                    ));
                }
                work += 40 * lbfgs.best.len();
                self.evaluations += 1;
                if !lbfgs.take(self.evaluation.value, &self.evaluation.gradient) {
                    self.evaluation.begin(&self.rows, &lbfgs.trial, knobs);
                    self.stage = Stage::Fit(knobs, lbfgs);
                } else if self.keep.is_some() || self.examples.count() == 0 {
                    self.end(knobs, &lbfgs.best, None);
                } else {
                    let leave = LeaveOneOut::new(&self.rows, &lbfgs.best);
                    self.stage = Stage::Leave(knobs, lbfgs.best, Box::new(leave));
                }
                Ok(work)
            }
            Stage::Leave(knobs, w, mut leave) => {
                let work = leave.advance(&self.rows, knobs);
                if work > 0 {
                    self.stage = Stage::Leave(knobs, w, leave);
                    return Ok(work);
                }
                let left = leave.finish(&self.rows);
                let work = 40 * left.0.len();
                if self.searching {
                    self.compare(knobs, w, &left)?
                } else {
                    self.end(knobs, &w, Some(&left))
                }
                Ok(work)
            }
            Stage::Done => Ok(1),
        }
    }

    fn answers<'a>(&'a self, (logits, columns): &'a (Vec<f32>, usize)) -> Answers<'a> {
        Answers {
            logits,
            columns: *columns,
            labels: self.rows.labels,
            multi: self.rows.multi,
            targets: (0..self.rows.examples()).map(|i| self.rows.targets_of(i)).collect(),
        }
    }

    /// Compares a fit with the best so far and starts the next.
    fn compare(&mut self, knobs: Knobs, w: Vec<f32>, left: &(Vec<f32>, usize)) -> Result<()> {
        let answers = self.answers(left);
        let loss = answers.loss(answers.temperature()) + self.prior_penalty(knobs);
        if self.best.is_none_or(|best| loss < best.0) {
            self.best = Some((loss, knobs));
        }
        let Some((_, best)) = self.best else { return Ok(()) };
        if let Some(name_weight) = self.names.pop() {
            self.fit(Knobs { name_weight, ..best }, w);
        } else if let Some(strength) = self.strengths.pop() {
            self.fit(Knobs { strength, ..best }, w);
        } else {
            self.searching = false;
            let (weights, bias) = to_outside(&self.rows, &w);
            if self.rows.examples() < self.examples.count() {
                self.rows = self.examples.rows(&self.examples.sample(usize::MAX))?;
            }
            let start = from_outside(&self.rows, &weights, &bias);
            self.fit(best, start);
        }
        Ok(())
    }

    /// The penalty added to a loss for values far from the usual ones.
    fn prior_penalty(&self, knobs: Knobs) -> f64 {
        let far = |ratio: f64, spread: f64| (ratio.ln() / spread).powi(2) / 2.0;
        far(knobs.strength / self.usual.strength, SPREADS[0])
            + far(f64::from(knobs.name_weight / self.usual.name_weight), SPREADS[1])
    }

    fn end(&mut self, knobs: Knobs, w: &[f32], left: Option<&(Vec<f32>, usize)>) {
        let (weights, bias) = to_outside(&self.rows, w);
        let usual =
            Keep { knobs, temperature: DEFAULT_TEMPERATURE, threshold: if self.rows.multi { 0.5 } else { 0.0 } };
        let mut taught = Taught {
            weights,
            bias,
            keep: self.keep.unwrap_or(usual),
            predicted: Vec::new(),
            probability: Vec::new(),
            own: Vec::new(),
        };
        if let Some(left) = left {
            let answers = self.answers(left);
            let temperature = answers.temperature();
            taught.keep.temperature = temperature;
            taught.keep.threshold = answers.threshold(temperature);
            let beta = (1.0 / temperature) as f32;
            for (z, targets) in left.0.chunks_exact(left.1).map(|z| &z[..self.rows.labels]).zip(&answers.targets) {
                let top = highest(z);
                taught.predicted.push(top as u32);
                if self.rows.multi {
                    let all = z.iter().map(|z| 1.0 / (1.0 + (-beta * z).exp()));
                    taught.probability.push(1.0 / (1.0 + (-beta * z[top]).exp()));
                    taught.own.extend(all);
                } else {
                    taught.probability.push(probability(z, top, beta));
                    taught.own.push(probability(z, targets[0] as usize, beta));
                }
            }
        }
        self.done = Some(taught);
    }
}

/// The expected values before any example is seen. Distinguishing many labels takes many weights, which must
/// be free to grow. The names of two labels form a single direction, and if it misleads, there are no other
/// names to compensate; but if a name is all that is known about a label, it counts as an example.
fn usual(examples: &Examples) -> Knobs {
    if examples.multi() {
        return Knobs { strength: 0.4, name_weight: 1.0 };
    }
    let labels = examples.labels() as f64;
    let least = if examples.of_all_labels() { 0.0 } else { 1.0 };
    Knobs {
        strength: labels.sqrt().recip().min(0.4),
        name_weight: (labels.log2() / 2.0).powi(3).clamp(least, 2.0) as f32,
    }
}

/// Converts weights (L, stride) for centred and scaled rows to weights (L, D) and biases for the original
/// vectors.
fn to_outside(rows: &Rows, w: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let width = rows.mean.len();
    let (mut weights, mut bias) = (Vec::with_capacity(rows.labels * width), Vec::with_capacity(rows.labels));
    for w in w.chunks_exact(rows.stride) {
        let (own, rest) = w.split_at(width);
        let shift: f64 = own.iter().zip(&rows.mean).map(|(&w, m)| f64::from(w) * rows.scale * m).sum();
        weights.extend(own.iter().map(|&w| (f64::from(w) * rows.scale) as f32));
        bias.push((f64::from(BIAS) * f64::from(rest[0]) - shift) as f32);
    }
    (weights, bias)
}

/// The inverse of [`to_outside`].
fn from_outside(rows: &Rows, weights: &[f32], bias: &[f32]) -> Vec<f32> {
    let width = rows.mean.len();
    let mut w = vec![0.0; rows.labels * rows.stride];
    for ((w, weights), &bias) in w.chunks_exact_mut(rows.stride).zip(weights.chunks_exact(width)).zip(bias) {
        let shift: f64 = weights.iter().zip(&rows.mean).map(|(&w, m)| f64::from(w) * m).sum();
        w.iter_mut().zip(weights).for_each(|(to, &w)| *to = (f64::from(w) / rows.scale) as f32);
        w[width] = ((f64::from(bias) + shift) / f64::from(BIAS)) as f32;
    }
    w
}

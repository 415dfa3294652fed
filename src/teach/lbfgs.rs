//! L-BFGS: minimizes a smooth convex function whose values and gradients the caller provides, one point at a
//! time.

use super::products::dot;
use std::collections::VecDeque;

/// Number of pairs that are remembered.
const PAIRS: usize = 8;
/// Evaluations after which the fit is accepted as it is.
const MAX_EVALUATIONS: usize = 300;

/// A minimization in progress.
pub struct Lbfgs {
    /// The best point so far.
    pub best: Vec<f32>,
    /// The point at which to evaluate the function next.
    pub trial: Vec<f32>,
    value: f64,
    gradient: Vec<f32>,
    direction: Vec<f32>,
    slope: f64,
    step: f32,
    pairs: VecDeque<Pair>,
    tolerance: f64,
    /// Evaluations so far.
    pub evaluations: usize,
}

struct Pair {
    s: Vec<f32>,
    y: Vec<f32>,
    sy: f64,
}

impl Lbfgs {
    /// Starts at `start`; ends when the length of the gradient is at most `tolerance`.
    pub fn new(start: Vec<f32>, tolerance: f64) -> Self {
        Self {
            trial: start.clone(),
            best: start,
            value: f64::INFINITY,
            gradient: Vec::new(),
            direction: Vec::new(),
            slope: 0.0,
            step: 1.0,
            pairs: VecDeque::new(),
            tolerance,
            evaluations: 0,
        }
    }

    /// Takes value and gradient at [`Lbfgs::trial`]; returns true if [`Lbfgs::best`] is the minimum, or as
    /// close as f32 allows.
    pub fn take(&mut self, value: f64, gradient: &[f32]) -> bool {
        self.evaluations += 1;
        let first = self.evaluations == 1;
        // Armijo's condition, with room for rounding.
        let enough = self.value + 1e-4 * f64::from(self.step) * self.slope + 1e-9 * value.abs();
        if !first && (value > enough || value.is_nan()) {
            self.step *= 0.3;
            if self.step < 1e-6 || self.evaluations >= MAX_EVALUATIONS {
                return true;
            }
            self.aim();
            return false;
        }
        if !first {
            self.remember(gradient);
        }
        self.value = value;
        self.best.copy_from_slice(&self.trial);
        self.gradient.clear();
        self.gradient.extend_from_slice(gradient);
        let length = dot(gradient, gradient).sqrt();
        if length <= self.tolerance || self.evaluations >= MAX_EVALUATIONS {
            return true;
        }
        self.find_direction();
        self.step = if self.pairs.is_empty() { (1.0 / length).min(1.0) as f32 } else { 1.0 };
        self.aim();
        false
    }

    fn remember(&mut self, gradient: &[f32]) {
        let s: Vec<f32> = self.trial.iter().zip(&self.best).map(|(a, b)| a - b).collect();
        let y: Vec<f32> = gradient.iter().zip(&self.gradient).map(|(a, b)| a - b).collect();
        let sy = dot(&s, &y);
        if sy > 1e-10 * dot(&y, &y) {
            if self.pairs.len() == PAIRS {
                self.pairs.pop_front();
            }
            self.pairs.push_back(Pair { s, y, sy });
        }
    }

    /// The two loops of Nocedal and Wright's algorithm 7.4.
    fn find_direction(&mut self) {
        self.direction.clear();
        self.direction.extend(self.gradient.iter().map(|g| -g));
        let d = &mut self.direction;
        let mut alphas = Vec::with_capacity(self.pairs.len());
        for pair in self.pairs.iter().rev() {
            let alpha = dot(&pair.s, d) / pair.sy;
            add(d, -alpha, &pair.y);
            alphas.push(alpha);
        }
        if let Some(pair) = self.pairs.back() {
            let scale = (pair.sy / dot(&pair.y, &pair.y)) as f32;
            d.iter_mut().for_each(|d| *d *= scale);
        }
        for (pair, alpha) in self.pairs.iter().zip(alphas.iter().rev()) {
            let beta = dot(&pair.y, d) / pair.sy;
            add(d, alpha - beta, &pair.s);
        }
        self.slope = dot(&self.direction, &self.gradient);
        if self.slope >= 0.0 || self.slope.is_nan() {
            self.pairs.clear();
            self.direction.iter_mut().zip(&self.gradient).for_each(|(d, g)| *d = -g);
            self.slope = -dot(&self.gradient, &self.gradient);
        }
    }

    fn aim(&mut self) {
        for ((trial, best), direction) in self.trial.iter_mut().zip(&self.best).zip(&self.direction) {
            *trial = best + self.step * direction;
        }
    }
}

fn add(to: &mut [f32], factor: f64, other: &[f32]) {
    let factor = factor as f32;
    to.iter_mut().zip(other).for_each(|(t, o)| *t += factor * o);
}

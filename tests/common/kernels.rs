//! Shared by the tests of the CPU's kernels: operands, references in f64, and tables of cases that report
//! all failures.

use super::Random;
use libm::erfc;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use tabsense::backend::cpu::linear::{Linear, LinearBuilder};
use tabsense::backend::cpu::tile::Dot;
use tabsense::backend::cpu::{CpuBackend, CpuTensor};
use tabsense::backend::{Activation, Backend, Epilogue, LinearBuilder as _, Precision};

/// Rows, depths and widths on both sides of every block of the kernels.
pub const SIZES: [usize; 10] = [1, 2, 3, 5, 7, 8, 63, 64, 65, 129];
/// Half the distance between 1 and the next f32: the largest relative error of one rounding.
pub const ROUNDING: f64 = 1.0 / (1 << 24) as f64;

pub fn tensor(backend: &CpuBackend, columns: usize, values: &[f32]) -> CpuTensor {
    backend.embed(values.len() / columns, columns, None, |to| to.copy_from_slice(values)).unwrap()
}

/// The values of a tensor; the CPU's `read` never waits.
pub fn read(backend: &CpuBackend, x: &CpuTensor) -> Vec<f32> {
    match pin!(backend.read(x)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(values) => values.unwrap(),
        Poll::Pending => panic!("the CPU has nothing to wait for"),
    }
}

/// Collects the failures of a table of cases, 20 at most, so that one run shows them all.
#[derive(Default)]
pub struct Failures(pub Vec<String>);

impl Failures {
    pub fn check(&mut self, case: &str, got: f32, want: f64, tolerance: f64) {
        let error = (f64::from(got) - want).abs();
        if (error.is_nan() || error > tolerance) && self.0.len() < 20 {
            self.0.push(format!("{case}: {got} instead of {want}, off by {error:e}, allowed {tolerance:e}"));
        }
    }
}

impl Drop for Failures {
    fn drop(&mut self) {
        assert!(self.0.is_empty() || std::thread::panicking(), "\n{}", self.0.join("\n"));
    }
}

pub fn gelu_f64(x: f64) -> f64 {
    x / 2.0 * erfc(-x / 2f64.sqrt())
}

pub fn gelu_tanh_f64(x: f64) -> f64 {
    let u = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
    x / 2.0 * (1.0 + libm::tanh(u))
}

/// A weight matrix (M, K) whose rows were added in random order.
pub fn matrix(random: &mut Random, precision: Precision, w: &[f32], bias: &[f32], depth: usize) -> Linear {
    matrix_by(random, Dot::fastest(), precision, w, bias, depth)
}

/// The same, with products computed by `dot`.
pub fn matrix_by(random: &mut Random, dot: Dot, precision: Precision, w: &[f32], bias: &[f32], depth: usize) -> Linear {
    let mut builder = LinearBuilder::with_dot(bias.len(), depth, precision, dot).unwrap();
    for m in random.order(bias.len()) {
        builder.row_f32(m, &w[m * depth..][..depth]);
        builder.bias(m, &bias[m..=m]);
    }
    builder.finish()
}

/// Checks a product with every epilogue: `sums` are x·Wᵀ, each known to within `errors`.
pub fn check_epilogues(
    failures: &mut Failures,
    case: &str,
    backend: &CpuBackend,
    (x, weights, bias): (&CpuTensor, &Linear, &[f32]),
    (sums, errors): (&[f64], &[f64]),
    residual: &[f32],
) {
    let r = tensor(backend, bias.len(), residual);
    let run = |epilogue| read(backend, &backend.linear(x, weights, epilogue).unwrap());
    let plain = run(Epilogue::Bias);
    let gelu = run(Epilogue::Activation(Activation::Gelu));
    let relu = run(Epilogue::Activation(Activation::Relu));
    let gelu_tanh = run(Epilogue::Activation(Activation::GeluTanh));
    let tanh = run(Epilogue::Activation(Activation::Tanh));
    let with_residual = run(Epilogue::Residual(&r));
    assert_eq!(plain.len(), sums.len(), "{case}");
    for (i, sum) in sums.iter().enumerate() {
        let (b, r) = (f64::from(bias[i % bias.len()]), f64::from(residual[i]));
        let y = sum + b;
        let error = errors[i] + ROUNDING * (sum.abs() + b.abs());
        failures.check(&format!("{case}, bias, {i}"), plain[i], y, error);
        failures.check(&format!("{case}, relu, {i}"), relu[i], y.max(0.0), error);
        // |GELU'| is at most 1.13; GELU's own error is added.
        failures.check(&format!("{case}, gelu, {i}"), gelu[i], gelu_f64(y), 1.13 * error + 1.9e-7 * y.abs().max(1.0));
        let own = 1.2e-7 * y.abs().max(1.0);
        failures.check(&format!("{case}, tanh gelu, {i}"), gelu_tanh[i], gelu_tanh_f64(y), 1.13 * error + own);
        failures.check(&format!("{case}, tanh, {i}"), tanh[i], y.tanh(), error + 1.8e-7);
        let error = error + ROUNDING * (y.abs() + r.abs() + error);
        failures.check(&format!("{case}, residual, {i}"), with_residual[i], y + r, error);
    }
}

/// x·Wᵀ in f64, and a bound on the error of K products and sums in f32: (K + 1) · 2^-24 · Σ |x·w|.
pub fn product(x: &[f32], w: &[f32], depth: usize) -> (Vec<f64>, Vec<f64>) {
    let rows = x.chunks_exact(depth).flat_map(|x| w.chunks_exact(depth).map(move |w| (x, w)));
    rows.map(|(x, w)| {
        let terms = || x.iter().zip(w).map(|(x, w)| f64::from(*x) * f64::from(*w));
        (terms().sum::<f64>(), (depth + 1) as f64 * ROUNDING * terms().map(f64::abs).sum::<f64>())
    })
    .unzip()
}

pub fn ragged_sizes() -> impl Iterator<Item = (usize, usize, usize)> {
    SIZES.into_iter().flat_map(|a| SIZES.into_iter().flat_map(move |b| SIZES.into_iter().map(move |c| (a, b, c))))
}

/// Checks that rows of zeros and of subnormal, huge or non-finite numbers get the right results and affect no
/// other row.
pub fn zero_tiny_and_huge(
    backend: &CpuBackend,
    random: &mut Random,
    (precision, dot): (Precision, Dot),
    w: &[f32],
    bias: &[f32],
    depth: usize,
) {
    let (mut w, width) = (w.to_vec(), bias.len());
    w[2 * depth..3 * depth].fill(0.0);
    let weights = matrix_by(random, dot, precision, &w, bias, depth);
    let mut x = random.values(5 * depth);
    x[..depth].fill(0.0);
    x[depth..2 * depth].fill(1e-42);
    x[2 * depth..3 * depth].iter_mut().for_each(|x| *x *= 1e30);
    x[3 * depth] = f32::NAN;
    x[4 * depth] = f32::INFINITY;
    let y = read(backend, &backend.linear(&tensor(backend, depth, &x), &weights, Epilogue::Bias).unwrap());
    let rows: Vec<&[f32]> = y.chunks_exact(width).collect();
    assert_eq!(rows[0], bias, "{precision:?}: a row of zeros yields the bias");
    assert_eq!(rows[1], bias, "{precision:?}: a row of subnormal numbers yields the bias");
    assert!(rows[2].iter().all(|y| y.is_finite()) && rows[2][0].abs() > 1e28, "{precision:?}: large values");
    assert_eq!(rows[2][2], bias[2], "{precision:?}: weights of zero");
    let not_finite = |row: &[f32]| row.iter().any(|y| !y.is_finite());
    assert!(not_finite(rows[3]) && not_finite(rows[4]), "{precision:?}: NaN and infinity aren't hidden");
}

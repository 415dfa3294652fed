//! Every CPU kernel against a plain reference in f64 (int8 products: in exact integers), over ragged sizes. The same file
//! runs on the host and, with `wasm-pack test`, in a browser.
//!
//! A tolerance is a bound on f32 rounding, or the measured error named beside it.

mod common;

use common::Random;
use libm::erfc;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use tabsense::backend::cpu::math;
use tabsense::backend::cpu::pool::Pool;
use tabsense::backend::cpu::simd::F32x4;
use tabsense::backend::cpu::{CpuBackend, CpuTensor};
use tabsense::backend::{Activation, Backend, Columns, Epilogue, LinearBuilder, Precision, Spans};
use tabsense::weights::quantize::quantize_row;
use wasm_bindgen_test::wasm_bindgen_test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);

/// Rows, depths and widths on both sides of every block of the kernels.
const SIZES: [usize; 10] = [1, 2, 3, 5, 7, 8, 63, 64, 65, 129];
/// Half the distance of 1 and the next f32: the largest relative error of one rounding.
const ROUNDING: f64 = 1.0 / (1 << 24) as f64;

fn tensor(backend: &CpuBackend, columns: usize, values: &[f32]) -> CpuTensor {
    backend.embed(values.len() / columns, columns, None, |to| to.copy_from_slice(values)).unwrap()
}

/// The values of a tensor; the CPU's `read` never waits.
fn read(backend: &CpuBackend, x: &CpuTensor) -> Vec<f32> {
    match pin!(backend.read(x)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(values) => values.unwrap(),
        Poll::Pending => panic!("the CPU has nothing to wait for"),
    }
}

/// Collects every failure of a table of cases, so that one run shows them all.
#[derive(Default)]
struct Failures(Vec<String>);

impl Failures {
    fn check(&mut self, case: &str, got: f32, want: f64, tolerance: f64) {
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

fn gelu_f64(x: f64) -> f64 {
    x / 2.0 * erfc(-x / 2f64.sqrt())
}

/// The largest f(got, exact) over `points` + 1 places of [low, high].
fn largest_error(
    [low, high]: [f64; 2],
    kernel: impl Fn([F32x4; 1]) -> [F32x4; 1],
    exact: impl Fn(f64) -> f64,
    error: impl Fn(f64, f64, f64) -> f64,
) -> f64 {
    const POINTS: usize = 1_000_000;
    (0..=POINTS).fold(0.0, |largest: f64, i| {
        let x = (low + (high - low) * i as f64 / POINTS as f64) as f32;
        let got = f64::from(kernel([F32x4::splat(x)])[0].to_array()[i % 4]);
        let error = error(f64::from(x), got, exact(f64::from(x)));
        if error.is_nan() { f64::NAN } else { largest.max(error) }
    })
}

#[wasm_bindgen_test(unsupported = test)]
fn exp_has_its_stated_error() {
    let error = largest_error([-87.0, 88.0], math::exp, f64::exp, |_, got, exact| (got / exact - 1.0).abs());
    assert!(error <= 8.3e-8, "{error:e}");
}

#[wasm_bindgen_test(unsupported = test)]
fn gelu_has_its_stated_error() {
    let error =
        largest_error([-12.0, 12.0], math::gelu, gelu_f64, |x, got, exact| (got - exact).abs() / x.abs().max(1.0));
    assert!(error <= 1.9e-7, "{error:e}");
}

#[wasm_bindgen_test(unsupported = test)]
fn elementary_functions_keep_to_their_range() {
    let of = |f: fn([F32x4; 1]) -> [F32x4; 1], x: f32| f([F32x4::splat(x)])[0].to_array()[0];
    for x in [20.0, 1e10, 1e38, f32::MAX] {
        assert_eq!((of(math::gelu, x), of(math::gelu, -x).abs() < 6e-7), (x, true), "gelu of ±{x}");
    }
    assert_eq!(of(math::gelu, 0.0), 0.0);
    assert_eq!(of(math::exp, 0.0), 1.0);
    for x in [f32::NEG_INFINITY, f32::MIN, -1e4] {
        assert!((0.0..2e-38).contains(&of(math::exp, x)), "exp of {x}");
    }
    assert!(of(math::exp, f32::INFINITY).is_finite());
    assert!(of(math::exp, f32::NAN).is_nan() && of(math::gelu, f32::NAN).is_nan());
}

/// A weight matrix (M, K) whose rows came in some order.
fn matrix(
    backend: &CpuBackend,
    random: &mut Random,
    precision: Precision,
    w: &[f32],
    bias: &[f32],
    depth: usize,
) -> <CpuBackend as Backend>::Linear {
    let mut builder = backend.linear_builder(bias.len(), depth, precision).unwrap();
    for m in random.order(bias.len()) {
        builder.row_f32(m, &w[m * depth..][..depth]);
        builder.bias(m, &bias[m..=m]);
    }
    builder.finish()
}

/// Checks a product with all four epilogues: `sums` are x·Wᵀ, each known to within `errors`.
fn check_epilogues(
    failures: &mut Failures,
    case: &str,
    backend: &CpuBackend,
    (x, weights, bias): (&CpuTensor, &<CpuBackend as Backend>::Linear, &[f32]),
    (sums, errors): (&[f64], &[f64]),
    residual: &[f32],
) {
    let r = tensor(backend, bias.len(), residual);
    let run = |epilogue| read(backend, &backend.linear(x, weights, epilogue).unwrap());
    let plain = run(Epilogue::Bias);
    let gelu = run(Epilogue::Activation(Activation::Gelu));
    let relu = run(Epilogue::Activation(Activation::Relu));
    let with_residual = run(Epilogue::Residual(&r));
    assert_eq!(plain.len(), sums.len(), "{case}");
    for (i, sum) in sums.iter().enumerate() {
        let (b, r) = (f64::from(bias[i % bias.len()]), f64::from(residual[i]));
        let y = sum + b;
        let error = errors[i] + ROUNDING * (sum.abs() + b.abs());
        failures.check(&format!("{case}, bias, {i}"), plain[i], y, error);
        failures.check(&format!("{case}, relu, {i}"), relu[i], y.max(0.0), error);
        // |GELU'| is at most 1.13; then its own error.
        failures.check(&format!("{case}, gelu, {i}"), gelu[i], gelu_f64(y), 1.13 * error + 1.9e-7 * y.abs().max(1.0));
        let error = error + ROUNDING * (y.abs() + r.abs() + error);
        failures.check(&format!("{case}, residual, {i}"), with_residual[i], y + r, error);
    }
}

/// x·Wᵀ in f64, and a bound on the error of K products and sums in f32: (K + 1) · 2^-24 · Σ |x·w|.
fn product(x: &[f32], w: &[f32], depth: usize) -> (Vec<f64>, Vec<f64>) {
    let rows = x.chunks_exact(depth).flat_map(|x| w.chunks_exact(depth).map(move |w| (x, w)));
    rows.map(|(x, w)| {
        let terms = || x.iter().zip(w).map(|(x, w)| f64::from(*x) * f64::from(*w));
        (terms().sum::<f64>(), (depth + 1) as f64 * ROUNDING * terms().map(f64::abs).sum::<f64>())
    })
    .unzip()
}

#[wasm_bindgen_test(unsupported = test)]
fn linear_f32_of_every_ragged_size() {
    let (backend, random) = (CpuBackend::new(), &mut Random(1));
    let mut failures = Failures::default();
    for (rows, depth, width) in ragged_sizes() {
        let (x, w) = (random.values(rows * depth), random.values(width * depth));
        let (bias, residual) = (random.values(width), random.values(rows * width));
        let weights = matrix(&backend, random, Precision::F32, &w, &bias, depth);
        let (sums, errors) = product(&x, &w, depth);
        let x = tensor(&backend, depth, &x);
        let case = format!("{rows}×{depth}×{width}");
        check_epilogues(&mut failures, &case, &backend, (&x, &weights, &bias), (&sums, &errors), &residual);
    }
}

fn ragged_sizes() -> impl Iterator<Item = (usize, usize, usize)> {
    SIZES.into_iter().flat_map(|a| SIZES.into_iter().flat_map(move |b| SIZES.into_iter().map(move |c| (a, b, c))))
}

/// x as the int8 product quantizes it, written a second time: values, and the scale of each row.
fn quantized_activations(x: &[f32], depth: usize, largest_row_sum: i64) -> (Vec<i64>, Vec<f32>) {
    let limit = (i64::from(i32::MAX) / largest_row_sum.max(1)).min(32767) as f32;
    let largest = |x: &[f32]| x.iter().fold(0.0f32, |m, x| m.max(x.abs()));
    let scales: Vec<f32> = x.chunks_exact(depth).map(|x| largest(x) / limit).collect();
    let values = x.chunks_exact(depth).flat_map(|x| {
        let factor = if largest(x) == 0.0 { 0.0 } else { limit / largest(x) };
        x.iter().map(move |x| (x * factor).round_ties_even() as i64)
    });
    (values.collect(), scales)
}

/// The exact int8 product (its scales in f64), and a bound on its error: the scales' product, the sum's conversion and the
/// product of both round once each, and a scale of an activation twice.
fn int8_product(x: &[f32], q: &[i8], scales: &[f32], depth: usize) -> (Vec<f64>, Vec<f64>) {
    let row_sum = |q: &[i8]| q.iter().map(|q| i64::from(*q).abs()).sum::<i64>();
    let (xq, x_scales) = quantized_activations(x, depth, q.chunks_exact(depth).map(row_sum).max().unwrap());
    let rows = xq.chunks_exact(depth).zip(&x_scales);
    rows.flat_map(|(xq, x_scale)| {
        q.chunks_exact(depth).zip(scales).map(move |(q, scale)| {
            let sum: i64 = xq.iter().zip(q).map(|(x, q)| x * i64::from(*q)).sum();
            assert!(i32::try_from(sum).is_ok(), "the accumulator overflows");
            let y = sum as f64 * f64::from(*x_scale) * f64::from(*scale);
            (y, 5.0 * ROUNDING * y.abs())
        })
    })
    .unzip()
}

fn quantized(w: &[f32], depth: usize) -> (Vec<i8>, Vec<f32>) {
    let mut q = vec![0; w.len()];
    let scales = w.chunks_exact(depth).zip(q.chunks_exact_mut(depth)).map(|(w, q)| quantize_row(w, q)).collect();
    (q, scales)
}

#[wasm_bindgen_test(unsupported = test)]
fn linear_int8_is_exact_in_integers_for_every_ragged_size() {
    let (backend, random) = (CpuBackend::new(), &mut Random(2));
    let mut failures = Failures::default();
    for (rows, depth, width) in ragged_sizes() {
        let (x, w) = (random.values(rows * depth), random.values(width * depth));
        let (bias, residual) = (random.values(width), random.values(rows * width));
        let weights = matrix(&backend, random, Precision::Int8, &w, &bias, depth);
        let (q, scales) = quantized(&w, depth);
        let (sums, errors) = int8_product(&x, &q, &scales, depth);
        let x = tensor(&backend, depth, &x);
        let case = format!("{rows}×{depth}×{width}");
        check_epilogues(&mut failures, &case, &backend, (&x, &weights, &bias), (&sums, &errors), &residual);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn int8_sums_reach_the_end_of_i32_without_overflow() {
    // Every weight ±127 and every activation at its limit: the largest sums there are. Depths of the feed-forward product
    // and far beyond.
    let backend = CpuBackend::new();
    for depth in [768, 3071, 3072, 70_001] {
        let bias = [0.0; 9];
        let mut builder = backend.linear_builder(9, depth, Precision::Int8).unwrap();
        let q: Vec<i8> = (0..9 * depth).map(|i| if i / depth % 2 == 0 { 127 } else { -127 }).collect();
        for (m, row) in q.chunks_exact(depth).enumerate() {
            builder.row_i8(m, row);
        }
        builder.scales(0, &[1.0; 9]);
        builder.bias(0, &bias);
        let x = vec![3.0; 5 * depth];
        let (sums, errors) = int8_product(&x, &q, &[1.0; 9], depth);
        let y =
            read(&backend, &backend.linear(&tensor(&backend, depth, &x), &builder.finish(), Epilogue::Bias).unwrap());
        let mut failures = Failures::default();
        for (i, y) in y.iter().enumerate() {
            failures.check(&format!("depth {depth}, {i}"), *y, sums[i], errors[i]);
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn int8_activations_keep_13_bits_at_the_feed_forward_depth() {
    // A product of depth 3072 against f64 with the quantized weights: what is left is the activations' error, half a step of
    // 2^-13 each at worst, and as random as its terms.
    let (backend, random, depth) = (CpuBackend::new(), &mut Random(3), 3072);
    let (x, w, bias) = (random.values(2 * depth), random.values(8 * depth), vec![0.0; 8]);
    let weights = matrix(&backend, random, Precision::Int8, &w, &bias, depth);
    let (q, scales) = quantized(&w, depth);
    let w: Vec<f32> = q.iter().enumerate().map(|(i, q)| f32::from(*q) * scales[i / depth]).collect();
    let (sums, _) = product(&x, &w, depth);
    let y = read(&backend, &backend.linear(&tensor(&backend, depth, &x), &weights, Epilogue::Bias).unwrap());
    let mut failures = Failures::default();
    for (i, y) in y.iter().enumerate() {
        // 4 standard deviations: √K · (2^-13 / √12) · rms(w), rms(w) = 1/√3.
        failures.check(&i.to_string(), *y, sums[i], 4.0 * 3072f64.sqrt() / 8192.0 / 6.0);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn stored_int8_rows_become_f32_whatever_comes_first() {
    let (backend, random, depth, width) = (CpuBackend::new(), &mut Random(4), 13, 21);
    let (w, bias) = (random.values(width * depth), random.values(width));
    let (q, scales) = quantized(&w, depth);
    let scaled: Vec<f32> = q.iter().enumerate().map(|(i, q)| f32::from(*q) * scales[i / depth]).collect();
    let expected = matrix(&backend, random, Precision::F32, &scaled, &bias, depth);
    let x = tensor(&backend, depth, &random.values(3 * depth));
    let expected = read(&backend, &backend.linear(&x, &expected, Epilogue::Bias).unwrap());
    // Scales come before the rows, after them, or in two parts between them.
    for cut in [0, width, 10] {
        let mut builder = backend.linear_builder(width, depth, Precision::F32).unwrap();
        builder.bias(0, &bias[..5]);
        builder.scales(0, &scales[..cut]);
        for m in random.order(width) {
            builder.row_i8(m, &q[m * depth..][..depth]);
        }
        builder.scales(cut, &scales[cut..]);
        builder.bias(5, &bias[5..]);
        let weights = builder.finish();
        assert_eq!(
            read(&backend, &backend.linear(&x, &weights, Epilogue::Bias).unwrap()),
            expected,
            "{cut} scales first"
        );
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn stored_int8_rows_equal_rows_quantized_on_the_way_in() {
    let (backend, random, depth, width) = (CpuBackend::new(), &mut Random(5), 31, 17);
    let (w, bias) = (random.values(width * depth), random.values(width));
    let (q, scales) = quantized(&w, depth);
    let mut builder = backend.linear_builder(width, depth, Precision::Int8).unwrap();
    for m in random.order(width) {
        builder.row_i8(m, &q[m * depth..][..depth]);
    }
    builder.scales(0, &scales);
    builder.bias(0, &bias);
    let stored = builder.finish();
    let quantized = matrix(&backend, random, Precision::Int8, &w, &bias, depth);
    let x = tensor(&backend, depth, &random.values(6 * depth));
    let run = |weights| read(&backend, &backend.linear(&x, weights, Epilogue::Bias).unwrap());
    assert_eq!(run(&stored), run(&quantized));
}

#[wasm_bindgen_test(unsupported = test)]
fn zero_tiny_and_huge_rows_stay_in_place() {
    let (backend, random, depth, width) = (CpuBackend::new(), &mut Random(6), 65, 9);
    let (w, bias) = (random.values(width * depth), random.values(width));
    for precision in [Precision::F32, Precision::Int8] {
        let mut w = w.clone();
        w[2 * depth..3 * depth].fill(0.0);
        let weights = matrix(&backend, random, precision, &w, &bias, depth);
        let mut x = random.values(5 * depth);
        x[..depth].fill(0.0);
        x[depth..2 * depth].fill(1e-42);
        x[2 * depth..3 * depth].iter_mut().for_each(|x| *x *= 1e30);
        x[3 * depth] = f32::NAN;
        x[4 * depth] = f32::INFINITY;
        let y = read(&backend, &backend.linear(&tensor(&backend, depth, &x), &weights, Epilogue::Bias).unwrap());
        let rows: Vec<&[f32]> = y.chunks_exact(width).collect();
        assert_eq!(rows[0], bias, "{precision:?}: a row of zeros yields the bias");
        assert_eq!(rows[1], bias, "{precision:?}: a row of subnormal numbers yields the bias");
        assert!(rows[2].iter().all(|y| y.is_finite()) && rows[2][0].abs() > 1e28, "{precision:?}: large values");
        assert_eq!(rows[2][2], bias[2], "{precision:?}: weights of zero");
        let not_finite = |row: &[f32]| row.iter().any(|y| !y.is_finite());
        assert!(not_finite(rows[3]) && not_finite(rows[4]), "{precision:?}: NaN and infinity aren't hidden");
    }
}

/// Attention in f64: `columns` wide rows of q, k and v side by side.
fn attention_f64(qkv: &[f32], width: usize, heads: usize, queries: &[usize], keys: std::ops::Range<usize>) -> Vec<f64> {
    let head_width = width / heads;
    let at = |row: usize, column: usize| f64::from(qkv[row * 3 * width + column]);
    let mut y = vec![0.0; queries.len() * width];
    for (i, query) in queries.iter().enumerate() {
        for head in 0..heads {
            let columns = head * head_width..(head + 1) * head_width;
            let score = |j| columns.clone().map(|c| at(*query, c) * at(j, width + c)).sum::<f64>();
            let scores: Vec<f64> = keys.clone().map(|j| score(j) / (head_width as f64).sqrt()).collect();
            let largest = scores.iter().copied().fold(f64::MIN, f64::max);
            let weights: Vec<f64> = scores.iter().map(|s| (s - largest).exp()).collect();
            let total: f64 = weights.iter().sum();
            for c in columns {
                y[i * width + c] = keys.clone().zip(&weights).map(|(j, w)| w / total * at(j, 2 * width + c)).sum();
            }
        }
    }
    y
}

fn starts(lengths: &[usize]) -> Vec<u32> {
    let ends = lengths.iter().scan(0, |end, n| {
        *end += *n as u32;
        Some(*end)
    });
    std::iter::once(0).chain(ends).collect()
}

fn qkv<'a>(q: &'a CpuTensor, kv: &'a CpuTensor, width: usize) -> [Columns<'a, CpuTensor>; 3] {
    let of = |tensor, first| Columns { tensor, first };
    [of(q, 0), of(kv, width), of(kv, 2 * width)]
}

#[wasm_bindgen_test(unsupported = test)]
fn attention_of_ragged_sequences_and_heads() {
    let (backend, random) = (CpuBackend::new(), &mut Random(7));
    let mut failures = Failures::default();
    let heads = [(1, 1), (1, 5), (2, 12), (3, 8), (3, 7), (4, 9), (2, 64), (1, 65)];
    for lengths in [vec![1], vec![3, 1, 8, 2], vec![5, 64, 7], vec![63, 65, 9], vec![129], vec![512, 1]] {
        let spans = starts(&lengths);
        for (heads, head_width) in heads {
            let width = heads * head_width;
            // Scores of standard deviation 3: some rows attend to a few keys only.
            let mut x = random.values(lengths.iter().sum::<usize>() * 3 * width);
            x.iter_mut().for_each(|x| *x *= 3.0);
            let tensor = tensor(&backend, 3 * width, &x);
            let [q, k, v] = qkv(&tensor, &tensor, width);
            let both = Spans { queries: &spans, keys: &spans };
            let y = read(&backend, &backend.attention(q, k, v, both, width, heads).unwrap());
            for span in spans.windows(2).map(|s| s[0] as usize..s[1] as usize) {
                let want = attention_f64(&x, width, heads, &span.clone().collect::<Vec<_>>(), span.clone());
                for (i, want) in want.into_iter().enumerate() {
                    let case = format!("{lengths:?}, {heads} heads of {head_width}, row {}", span.start + i / width);
                    // Scores of size 40, each off by a few of their roundings, 2.4e-6: measured 5.8e-6.
                    failures.check(&case, y[span.start * width + i], want, 8e-6);
                }
            }
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn attention_of_one_query_a_sequence() {
    let (backend, random, width, heads) = (CpuBackend::new(), &mut Random(8), 24, 2);
    let spans = starts(&[3, 1, 70]);
    let x = random.values(74 * 3 * width);
    let all = tensor(&backend, 3 * width, &x);
    let first = backend.take_rows(&all, &spans[..3]).unwrap();
    let [q, k, v] = qkv(&first, &all, width);
    let spans_of_first = Spans { queries: &[0, 1, 2, 3], keys: &spans };
    let y = read(&backend, &backend.attention(q, k, v, spans_of_first, width, heads).unwrap());
    let mut failures = Failures::default();
    for (b, span) in spans.windows(2).enumerate() {
        let want = attention_f64(&x, width, heads, &[span[0] as usize], span[0] as usize..span[1] as usize);
        for (i, want) in want.into_iter().enumerate() {
            // Scores below 3, keys 70 at most: measured 9e-8.
            failures.check(&format!("sequence {b}, {i}"), y[b * width + i], want, 1e-7);
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn attention_never_yields_nan_from_finite_scores() {
    let (backend, width) = (CpuBackend::new(), 10);
    let spans = starts(&[9]);
    for size in [1e4, 1e15, 1e25, 3e38] {
        // Row j is ±size: every score is size², and beyond f32 for the larger sizes.
        let x: Vec<f32> = (0..9 * 3 * width).map(|i| if i / (3 * width) % 2 == 0 { size } else { -size }).collect();
        let x = tensor(&backend, 3 * width, &x);
        let [q, k, v] = qkv(&x, &x, width);
        let y = read(&backend, &backend.attention(q, k, v, Spans { queries: &spans, keys: &spans }, width, 2).unwrap());
        // Equal rows share the weight: v's own size, with a sum's error.
        assert!(y.iter().all(|y| !y.is_nan()), "{size}: {y:?}");
        assert!(size > 1e30 || y.iter().all(|y| (y.abs() / size - 1.0).abs() < 1e-6), "{size}: {y:?}");
    }
    let none = tensor(&backend, width, &[1.0; 10]);
    let of = || Columns { tensor: &none, first: 0 };
    let y = backend.attention(of(), of(), of(), Spans { queries: &[0, 1], keys: &[0, 0] }, width, 2).unwrap();
    assert_eq!(read(&backend, &y), [0.0; 10], "no key at all");
}

#[wasm_bindgen_test(unsupported = test)]
fn layer_norm_of_ragged_widths() {
    let (backend, random) = (CpuBackend::new(), &mut Random(9));
    let mut failures = Failures::default();
    for width in SIZES.into_iter().chain([768]) {
        for (rows, shift, size) in [(1, 0.0, 1.0), (5, 10.0, 1.0), (3, 0.0, 1e12), (2, 0.0, 1e-5)] {
            let x: Vec<f32> = random.values(rows * width).iter().map(|x| (x + shift) * size).collect();
            let (gamma, beta) = (random.values(width), random.values(width));
            let weights = backend.layer_norm_weights(gamma.clone(), beta.clone(), 1e-12).unwrap();
            let y = read(&backend, &backend.layer_norm(&tensor(&backend, width, &x), &weights).unwrap());
            for (n, x) in x.chunks_exact(width).enumerate() {
                let x: Vec<f64> = x.iter().map(|x| f64::from(*x)).collect();
                let mean = x.iter().sum::<f64>() / width as f64;
                let variance = x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / width as f64;
                let deviation = (variance + 1e-12).sqrt();
                for (d, x) in x.iter().enumerate() {
                    let want = (x - mean) / deviation * f64::from(gamma[d]) + f64::from(beta[d]);
                    // The mean is off by a few roundings of its own size, which the deviation magnifies; then those of y. Measured: a factor of 2.8.
                    let tolerance = 3.0 * ROUNDING * (mean.abs() / deviation + (x - mean).abs() / deviation + 1.0);
                    failures.check(
                        &format!("width {width}, shift {shift}, size {size}, {n}.{d}"),
                        y[n * width + d],
                        want,
                        tolerance,
                    );
                }
            }
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn layer_norm_of_a_constant_row_is_beta() {
    let (backend, beta) = (CpuBackend::new(), vec![0.5, -1.0, 2.0, 0.0, 7.0]);
    let weights = backend.layer_norm_weights(vec![1.0; 5], beta.clone(), 1e-12).unwrap();
    for value in [0.0, 3.0, -1e30] {
        let y = backend.layer_norm(&tensor(&backend, 5, &[value; 5]), &weights).unwrap();
        assert_eq!(read(&backend, &y), beta, "{value}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn rows_are_taken_in_the_order_asked_for() {
    let backend = CpuBackend::new();
    let x = tensor(&backend, 3, &[0.0, 1.0, 2.0, 10.0, 11.0, 12.0, 20.0, 21.0, 22.0]);
    let y = backend.take_rows(&x, &[2, 0, 2]).unwrap();
    assert_eq!((y.rows(), y.columns()), (3, 3));
    assert_eq!(read(&backend, &y), [20.0, 21.0, 22.0, 0.0, 1.0, 2.0, 20.0, 21.0, 22.0]);
    assert!(read(&backend, &backend.take_rows(&x, &[]).unwrap()).is_empty());
}

/// One step of each kind, as a layer of a model takes them.
fn layer(backend: &CpuBackend, weights: &[<CpuBackend as Backend>::Linear; 2], tokens: usize) -> Vec<f32> {
    let x = tensor(backend, 16, &Random(10).values(tokens * 16));
    let wide = backend.linear(&x, &weights[0], Epilogue::Activation(Activation::Gelu)).unwrap();
    let spans = [0, tokens as u32];
    let [q, k, v] = qkv(&wide, &wide, 16);
    let y = backend.attention(q, k, v, Spans { queries: &spans, keys: &spans }, 16, 2).unwrap();
    let y = backend.linear(&y, &weights[1], Epilogue::Residual(&x)).unwrap();
    let norm = backend.layer_norm_weights(vec![1.0; 16], vec![0.0; 16], 1e-12).unwrap();
    read(backend, &backend.layer_norm(&y, &norm).unwrap())
}

fn layer_weights(backend: &CpuBackend) -> [<CpuBackend as Backend>::Linear; 2] {
    let random = &mut Random(11);
    let (w, b) = (random.values(48 * 16), random.values(48));
    let wide = matrix(backend, random, Precision::F32, &w, &b, 16);
    let (w, b) = (random.values(16 * 16), random.values(16));
    [wide, matrix(backend, random, Precision::Int8, &w, &b, 16)]
}

#[wasm_bindgen_test(unsupported = test)]
fn a_repeated_pass_allocates_nothing_and_repeats_its_result() {
    let backend = CpuBackend::new();
    let weights = layer_weights(&backend);
    let first = layer(&backend, &weights, 100);
    let held = backend.spare_bytes();
    assert!(held > 0);
    for _ in 0..3 {
        assert_eq!(layer(&backend, &weights, 100), first);
        assert_eq!(backend.spare_bytes(), held);
    }
}

#[cfg(not(target_arch = "wasm32"))] // There, threads are workers: tests/js/threads.test.mjs.
#[test]
fn the_number_of_threads_changes_no_bit() {
    let backend = CpuBackend::new();
    let weights = layer_weights(&backend);
    for tokens in [1, 2, 8, 37, 512] {
        let alone = layer(&backend, &weights, tokens);
        for threads in [2, 3, 8] {
            assert_eq!(
                layer(&CpuBackend::with_threads(threads), &weights, tokens),
                alone,
                "{tokens} tokens, {threads} threads"
            );
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn each_sequence_and_head_is_attended_to_on_any_thread() {
    let (width, heads, starts) = (24, 3, [0u32, 5, 5, 42, 43]);
    let values = Random(13).values(43 * 3 * width);
    let attend = |backend: &CpuBackend| {
        let x = tensor(backend, 3 * width, &values);
        let [q, k, v] = [0, width, 2 * width].map(|first| Columns { tensor: &x, first });
        read(backend, &backend.attention(q, k, v, Spans { queries: &starts, keys: &starts }, width, heads).unwrap())
    };
    let alone = attend(&CpuBackend::new());
    for threads in [2, 5] {
        assert_eq!(attend(&CpuBackend::with_threads(threads)), alone, "{threads} threads");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn buffers_stay_few_however_sizes_vary() {
    let backend = CpuBackend::new();
    let weights = layer_weights(&backend);
    layer(&backend, &weights, 512);
    let largest = backend.spare_bytes();
    let random = &mut Random(12);
    for _ in 0..500 {
        layer(&backend, &weights, 1 + random.bits() as usize % 512);
    }
    // Shorter texts find the buffers of the longest.
    assert_eq!(backend.spare_bytes(), largest);

    let pool = Pool::<f32>::default();
    for len in (0..10_000).step_by(7) {
        assert_eq!(pool.take(len, "a test").unwrap().len(), len);
        assert!(pool.spare_elements() <= (len + len / 8).max(1024), "one buffer, grown");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_buffer_too_large_is_an_error() {
    let error = CpuBackend::new().embed(usize::MAX / 8, 64, None, |_| ()).err().unwrap();
    assert_eq!(error.kind(), tabsense::ErrorKind::OutOfMemory);
}

#[cfg(not(target_feature = "relaxed-simd"))] // Whether products and sums are rounded once is the processor's affair there.
#[wasm_bindgen_test(unsupported = test)]
fn the_browser_computes_the_hosts_bits() {
    // One number for the bits of a whole layer's result, equal on every engine and on the host.
    let backend = CpuBackend::new();
    let bits = layer(&backend, &layer_weights(&backend), 37);
    let hash = bits
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    assert_eq!(hash, 0x405c_3406_8ee9_d907, "{hash:#x}");
}

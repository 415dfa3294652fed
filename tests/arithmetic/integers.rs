//! Products with integer weights against a second implementation of the same arithmetic in exact integers,
//! over ragged sizes and with every kind of dot product, even one that this build would not choose.

use crate::common::Random;
use crate::common::kernels::*;
use tabsense::backend::cpu::CpuBackend;
use tabsense::backend::cpu::linear::LinearBuilder as Matrix;
use tabsense::backend::cpu::tile::Dot;
use tabsense::backend::{Backend, Epilogue, LinearBuilder, Precision};
use tabsense::weights::int4;
use tabsense::weights::quantize::quantize_row;
use wasm_bindgen_test::wasm_bindgen_test;

/// Every way of computing a product.
const DOTS: [Dot; 2] = [Dot::Pairs, Dot::Quads];

/// Quantizes x as the int8 product does: the values, and the scale of each row.
fn quantized_activations(x: &[f32], depth: usize, largest_row_sum: i64) -> (Vec<i64>, Vec<f32>) {
    let limit = (i64::from(i32::MAX) / largest_row_sum.max(1)).min(8191) as f32;
    let largest = |x: &[f32]| x.iter().fold(0.0f32, |m, x| m.max(x.abs()));
    let scales: Vec<f32> = x.chunks_exact(depth).map(|x| largest(x) / limit).collect();
    let values = x.chunks_exact(depth).flat_map(|x| {
        let factor = if largest(x) == 0.0 { 0.0 } else { limit / largest(x) };
        x.iter().map(move |x| (x * factor).round_ties_even() as i64)
    });
    (values.collect(), scales)
}

/// The exact int8 product (its scales in f64), and a bound on its error: the scales' product, the sum's
/// conversion and the product of these round once each, and an activation's scale twice.
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
        let (q, scales) = quantized(&w, depth);
        let (sums, errors) = int8_product(&x, &q, &scales, depth);
        let x = tensor(&backend, depth, &x);
        for dot in DOTS {
            let weights = matrix_by(random, dot, Precision::Int8, &w, &bias, depth);
            let case = format!("{dot:?} {rows}×{depth}×{width}");
            check_epilogues(&mut failures, &case, &backend, (&x, &weights, &bias), (&sums, &errors), &residual);
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn int8_sums_reach_the_end_of_i32_without_overflow() {
    // Every weight ±127 and every activation at its limit: the largest possible sums, at the depth of the
    // feed-forward product and far beyond.
    let backend = CpuBackend::new();
    for (depth, dot) in [768, 3071, 3072, 70_001].into_iter().flat_map(|depth| DOTS.map(|dot| (depth, dot))) {
        let bias = [0.0; 9];
        let mut builder = Matrix::with_dot(9, depth, Precision::Int8, dot).unwrap();
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
            failures.check(&format!("{dot:?}, depth {depth}, {i}"), *y, sums[i], errors[i]);
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn int8_activations_keep_13_bits_at_the_feed_forward_depth() {
    // A product of depth 3072 against f64 with the quantized weights: only the activations' error remains, at
    // most half a step of 2^-13 each, and as random as its terms.
    let (backend, random, depth) = (CpuBackend::new(), &mut Random(3), 3072);
    let (x, w, bias) = (random.values(2 * depth), random.values(8 * depth), vec![0.0; 8]);
    let weights = matrix(random, Precision::Int8, &w, &bias, depth);
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
    let expected = matrix(random, Precision::F32, &scaled, &bias, depth);
    let x = tensor(&backend, depth, &random.values(3 * depth));
    let expected = read(&backend, &backend.linear(&x, &expected, Epilogue::Bias).unwrap());
    // Scales come after the rows, before them, or partly before and partly after.
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
    let quantized = matrix(random, Precision::Int8, &w, &bias, depth);
    let x = tensor(&backend, depth, &random.values(6 * depth));
    let run = |weights| read(&backend, &backend.linear(&x, weights, Epilogue::Bias).unwrap());
    assert_eq!(run(&stored), run(&quantized));
}

/// Σ x·w in f64, and `share` times Σ |x·w|.
fn product_f64(x: &[f64], w: &[f64], depth: usize, share: f64) -> (Vec<f64>, Vec<f64>) {
    let rows = x.chunks_exact(depth).flat_map(|x| w.chunks_exact(depth).map(move |w| (x, w)));
    rows.map(|(x, w)| {
        let terms = || x.iter().zip(w).map(|(x, w)| x * w);
        (terms().sum::<f64>(), share * terms().map(f64::abs).sum::<f64>())
    })
    .unzip()
}

/// A matrix in int4: packed rows and scales, as the file stores them, and the weights they represent.
fn int4_rows(w: &[f32], depth: usize) -> (Vec<Vec<u8>>, Vec<Vec<f32>>, Vec<f64>) {
    let (mut packed, mut all_scales, mut weights) = (Vec::new(), Vec::new(), Vec::new());
    for row in w.chunks_exact(depth) {
        let (mut q, mut scales) = (vec![0; depth], vec![0.0; depth / int4::GROUP]);
        int4::quantize_row(row, &mut q, &mut scales);
        packed.push(int4::pack(&q).collect::<Vec<_>>());
        weights.extend(int4::dequantized(packed.last().unwrap(), &scales).into_iter().map(f64::from));
        all_scales.push(scales);
    }
    (packed, all_scales, weights)
}

#[wasm_bindgen_test(unsupported = test)]
fn linear_int4_for_every_ragged_size() {
    let (backend, random) = (CpuBackend::new(), &mut Random(23));
    let mut failures = Failures::default();
    for (rows, depth, width) in
        SIZES.into_iter().flat_map(|a| [32, 64, 96, 320].map(|b| [(a, b, 1), (a, b, 13), (a, b, 64)])).flatten()
    {
        let (x, w) = (random.values(rows * depth), random.values(width * depth));
        let (bias, residual) = (random.values(width), random.values(rows * width));
        let weights = DOTS.map(|dot| (dot, matrix_by(random, dot, Precision::Int4, &w, &bias, depth)));
        let (_, _, w) = int4_rows(&w, depth);
        let x_rounded: Vec<f64> = x
            .chunks_exact(depth)
            .flat_map(|x| {
                let largest = x.iter().fold(0.0f32, |m, x| m.max(x.abs()));
                x.iter().map(move |x| f64::from((x * (127.0 / largest)).round_ties_even()) * f64::from(largest / 127.0))
            })
            .collect();
        // A group's scale is a whole multiple of the row's, off by at most 1/16,384 of the row's largest. The
        // scales of a row are within a factor of 3 of each other here.
        let (sums, errors) = product_f64(&x_rounded, &w, depth, 3.0 / 16384.0 + 20.0 * ROUNDING);
        let x = tensor(&backend, depth, &x);
        for (dot, weights) in weights {
            let case = format!("{dot:?} {rows}×{depth}×{width}");
            check_epilogues(&mut failures, &case, &backend, (&x, &weights, &bias), (&sums, &errors), &residual);
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_matrix_whose_size_overflows_is_out_of_memory() {
    for precision in [Precision::F32, Precision::Int8, Precision::Int4] {
        let error = Matrix::with_dot(1 << (usize::BITS - 4), 64, precision, Dot::Quads).err();
        assert_eq!(error.map(|e| e.kind()), Some(tabsense::ErrorKind::OutOfMemory), "{precision:?}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn every_dot_gives_the_same_bits() {
    let (backend, random) = (CpuBackend::new(), &mut Random(25));
    for (precision, rows, depth, width) in [(Precision::Int8, 13, 771, 21), (Precision::Int4, 13, 768, 21)] {
        let (w, bias) = (random.values(width * depth), random.values(width));
        let mut x = random.values(rows * depth);
        x[..depth].fill(0.0);
        x[depth..][..depth].iter_mut().for_each(|x| *x *= 1e30);
        let x = tensor(&backend, depth, &x);
        let [pairs, quads] = DOTS.map(|dot| {
            let weights = matrix_by(random, dot, precision, &w, &bias, depth);
            read(&backend, &backend.linear(&x, &weights, Epilogue::Bias).unwrap()).into_iter().map(f32::to_bits)
        });
        assert!(pairs.eq(quads), "{precision:?}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn int4_sums_reach_their_ends_without_overflow() {
    // Every weight at an end of its range and every activation at its limit, at the feed-forward depth and
    // far beyond: 16-bit sums within a group, and 32-bit sums of groups with the largest possible
    // multipliers.
    for (depth, dot) in [768, 3072, 65_536].into_iter().flat_map(|depth| DOTS.map(|dot| (depth, dot))) {
        let backend = CpuBackend::new();
        let mut builder = Matrix::with_dot(2, depth, Precision::Int4, dot).unwrap();
        builder.row_i4(0, &vec![0x00; depth / 2], &vec![1.0; depth / int4::GROUP]); // -8
        builder.row_i4(1, &vec![0xff; depth / 2], &vec![-0.5; depth / int4::GROUP]); // 7, a negative scale
        builder.bias(0, &[0.0; 2]);
        let weights = builder.finish();
        for sign in [1.0, -1.0] {
            let x = tensor(&backend, depth, &vec![sign; depth]);
            let y = read(&backend, &backend.linear(&x, &weights, Epilogue::Bias).unwrap());
            let wanted = [-8.0, -3.5].map(|w| f64::from(sign) * w * depth as f64);
            for (y, wanted) in y.iter().zip(wanted) {
                // Equal scales are the same multiple of the row's: only rounding remains.
                let error = (f64::from(*y) / wanted - 1.0).abs();
                assert!(error < 1e-5, "{dot:?}, {depth}: {y} instead of {wanted}");
            }
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn stored_int4_rows_go_into_matrices_of_any_precision() {
    let (random, depth, width) = (&mut Random(24), 64, 11);
    let (w, bias) = (random.values(width * depth), random.values(width));
    let (packed, scales, weights) = int4_rows(&w, depth);
    // Whole numbers up to 127, which int8 activations represent exactly.
    let mut x: Vec<f32> = random.values(3 * depth).iter().map(|x| (x * 127.0).round()).collect();
    x.iter_mut().step_by(depth).for_each(|x| *x = 127.0);
    let x_f64: Vec<f64> = x.iter().map(|x| f64::from(*x)).collect();
    let backend = CpuBackend::new();
    let mut failures = Failures::default();
    // int8 rounds the weights again: by up to half of 1/127 of a row's largest, at most 8 int4 steps.
    for (precision, share) in [(Precision::F32, 1e-5), (Precision::Int8, 0.02), (Precision::Int4, 5e-4)] {
        let mut builder = Matrix::new(width, depth, precision).unwrap();
        for m in random.order(width) {
            builder.row_i4(m, &packed[m], &scales[m]);
        }
        builder.bias(0, &bias);
        let (sums, errors) = product_f64(&x_f64, &weights, depth, share);
        let y =
            read(&backend, &backend.linear(&tensor(&backend, depth, &x), &builder.finish(), Epilogue::Bias).unwrap());
        for (i, y) in y.iter().enumerate() {
            failures.check(&format!("{precision:?}, {i}"), *y, sums[i] + f64::from(bias[i % width]), errors[i]);
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn zero_tiny_and_huge_rows_stay_in_place() {
    let (random, depth, width) = (&mut Random(6), 96, 9);
    let (w, bias) = (random.values(width * depth), random.values(width));
    for kind in [Precision::Int8, Precision::Int4].into_iter().flat_map(|precision| DOTS.map(|dot| (precision, dot))) {
        zero_tiny_and_huge(&CpuBackend::new(), random, kind, &w, &bias, depth);
    }
}

//! Every CPU kernel in f32 against a plain reference in f64, over ragged sizes. Integer products are in
//! `integers.rs`, elementary functions in `elementary.rs`.
//!
//! A tolerance is a bound on f32 rounding, or the measured error named next to it.

use crate::common::Random;
use crate::common::kernels::*;
use tabsense::backend::cpu::linear::Linear;
use tabsense::backend::cpu::pool::Pool;
use tabsense::backend::cpu::tile::Dot;
use tabsense::backend::cpu::{CpuBackend, CpuTensor};
use tabsense::backend::{Activation, Attention, Backend, Columns, Epilogue, Precision, Spans};
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test(unsupported = test)]
fn linear_f32_of_every_ragged_size() {
    let (backend, random) = (CpuBackend::new(), &mut Random(1));
    let mut failures = Failures::default();
    for (rows, depth, width) in ragged_sizes() {
        let (x, w) = (random.values(rows * depth), random.values(width * depth));
        let (bias, residual) = (random.values(width), random.values(rows * width));
        let weights = matrix(random, Precision::F32, &w, &bias, depth);
        let (sums, errors) = product(&x, &w, depth);
        let x = tensor(&backend, depth, &x);
        let case = format!("{rows}×{depth}×{width}");
        check_epilogues(&mut failures, &case, &backend, (&x, &weights, &bias), (&sums, &errors), &residual);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn zero_tiny_and_huge_rows_stay_in_place() {
    let (random, depth, width) = (&mut Random(6), 65, 9);
    let (w, bias) = (random.values(width * depth), random.values(width));
    zero_tiny_and_huge(&CpuBackend::new(), random, (Precision::F32, Dot::fastest()), &w, &bias, depth);
}

/// Attention in f64: a row of `qkv` is a row of q, of k and of v side by side, each `width` wide.
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
            // Scores of standard deviation 3: some rows attend to only a few keys.
            let mut x = random.values(lengths.iter().sum::<usize>() * 3 * width);
            x.iter_mut().for_each(|x| *x *= 3.0);
            let tensor = tensor(&backend, 3 * width, &x);
            let [q, k, v] = qkv(&tensor, &tensor, width);
            let both = Spans { queries: &spans, keys: &spans };
            let y = read(&backend, &backend.attention(Attention::new([q, k, v], both, width, heads)).unwrap());
            for span in spans.windows(2).map(|s| s[0] as usize..s[1] as usize) {
                let want = attention_f64(&x, width, heads, &span.clone().collect::<Vec<_>>(), span.clone());
                for (i, want) in want.into_iter().enumerate() {
                    let case = format!("{lengths:?}, {heads} heads of {head_width}, row {}", span.start + i / width);
                    // Scores of about 40, each off by a few roundings of 2.4e-6. Measured: 5.8e-6.
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
    let y = read(&backend, &backend.attention(Attention::new([q, k, v], spans_of_first, width, heads)).unwrap());
    let mut failures = Failures::default();
    for (b, span) in spans.windows(2).enumerate() {
        let want = attention_f64(&x, width, heads, &[span[0] as usize], span[0] as usize..span[1] as usize);
        for (i, want) in want.into_iter().enumerate() {
            // Scores below 3, at most 70 keys. Measured: 9e-8.
            failures.check(&format!("sequence {b}, {i}"), y[b * width + i], want, 1e-7);
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn attention_never_yields_nan_from_finite_scores() {
    let (backend, width) = (CpuBackend::new(), 10);
    let spans = starts(&[9]);
    for size in [1e4, 1e15, 1e25, 3e38] {
        // Row j is ±size, so the scores are of size², which is beyond f32 for the larger sizes.
        let x: Vec<f32> = (0..9 * 3 * width).map(|i| if i / (3 * width) % 2 == 0 { size } else { -size }).collect();
        let x = tensor(&backend, 3 * width, &x);
        let [q, k, v] = qkv(&x, &x, width);
        let y = read(
            &backend,
            &backend.attention(Attention::new([q, k, v], Spans { queries: &spans, keys: &spans }, width, 2)).unwrap(),
        );
        // Equal rows share the weight, so the result has v's size, within the error of a sum.
        assert!(y.iter().all(|y| !y.is_nan()), "{size}: {y:?}");
        assert!(size > 1e30 || y.iter().all(|y| (y.abs() / size - 1.0).abs() < 1e-6), "{size}: {y:?}");
    }
    let none = tensor(&backend, width, &[1.0; 10]);
    let of = || Columns { tensor: &none, first: 0 };
    let y = backend
        .attention(Attention::new([of(), of(), of()], Spans { queries: &[0, 1], keys: &[0, 0] }, width, 2))
        .unwrap();
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
                    // The mean is off by a few roundings of its own size, which the deviation magnifies; y's
                    // own roundings are added. Measured: a factor of 2.8.
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

/// One operation of each kind, as in a layer of a model.
fn layer(backend: &CpuBackend, weights: &[<CpuBackend as Backend>::Linear; 2], tokens: usize) -> Vec<f32> {
    let x = tensor(backend, 16, &Random(10).values(tokens * 16));
    let wide = backend.linear(&x, &weights[0], Epilogue::Activation(Activation::Gelu)).unwrap();
    let spans = [0, tokens as u32];
    let [q, k, v] = qkv(&wide, &wide, 16);
    let y = backend.attention(Attention::new([q, k, v], Spans { queries: &spans, keys: &spans }, 16, 2)).unwrap();
    let y = backend.linear(&y, &weights[1], Epilogue::Residual(&x)).unwrap();
    let norm = backend.layer_norm_weights(vec![1.0; 16], vec![0.0; 16], 1e-12).unwrap();
    read(backend, &backend.layer_norm(&y, &norm).unwrap())
}

fn layer_weights() -> [Linear; 2] {
    let random = &mut Random(11);
    let (w, b) = (random.values(48 * 16), random.values(48));
    let wide = matrix(random, Precision::F32, &w, &b, 16);
    let (w, b) = (random.values(16 * 16), random.values(16));
    [wide, matrix(random, Precision::Int8, &w, &b, 16)]
}

#[wasm_bindgen_test(unsupported = test)]
fn a_repeated_pass_allocates_nothing_and_repeats_its_result() {
    let backend = CpuBackend::new();
    let weights = layer_weights();
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
    let weights = layer_weights();
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
        read(
            backend,
            &backend
                .attention(Attention::new([q, k, v], Spans { queries: &starts, keys: &starts }, width, heads))
                .unwrap(),
        )
    };
    let alone = attend(&CpuBackend::new());
    for threads in [2, 5] {
        assert_eq!(attend(&CpuBackend::with_threads(threads)), alone, "{threads} threads");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn buffers_stay_few_however_sizes_vary() {
    let backend = CpuBackend::new();
    let weights = layer_weights();
    layer(&backend, &weights, 512);
    let largest = backend.spare_bytes();
    let random = &mut Random(12);
    for _ in 0..500 {
        layer(&backend, &weights, 1 + random.bits() as usize % 512);
    }
    // Shorter texts reuse the buffers of the longest.
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

#[cfg(not(target_feature = "relaxed-simd"))] // There, the processor decides whether a multiply-add rounds once.
#[wasm_bindgen_test(unsupported = test)]
fn the_browser_computes_the_hosts_bits() {
    // One hash of the bits of a whole layer's result, equal on every engine and on the host.
    let backend = CpuBackend::new();
    let bits = layer(&backend, &layer_weights(), 37);
    let hash = bits
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    assert_eq!(hash, 0x06db_3106_481d_098e, "{hash:#x}");
}

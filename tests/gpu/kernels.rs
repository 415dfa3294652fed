//! Every GPU kernel except products (`products.rs`) against its CPU twin, over ragged sizes.

use super::products::{ROUNDING, Weights, matrix, weights, with_nan};
use crate::common::gpu::{read, shared_backend};
use crate::common::{Random, largest_difference, now};
use tabsense::backend::cpu::CpuBackend;
use tabsense::backend::{Activation, Attention, Backend, Columns, Epilogue, Precision, Spans};

async fn taken_rows(blocks: bool) {
    let gpu = shared_backend().await;
    gpu.set_software_kernel(blocks);
    let mut random = Random(13);
    for (rows, taken, depth) in [(5, vec![3, 0, 4], 7), (130, (0..100).rev().collect::<Vec<u32>>(), 33)] {
        let values = random.values(rows * depth);
        let x = gpu.embed(rows, depth, None, |to| to.copy_from_slice(&values)).unwrap();
        let y = gpu.take_rows(&x, &taken).unwrap();
        let wanted: Vec<f32> = taken.iter().flat_map(|&r| values[r as usize * depth..][..depth].to_vec()).collect();
        assert_eq!(read(gpu, &y).await, wanted, "read");
        // A row taken from taken rows.
        let again = gpu.take_rows(&y, &[1]).unwrap();
        assert_eq!(read(gpu, &again).await, wanted[depth..2 * depth], "twice");
        // As the input of a product, as its residual, and as both.
        let w = weights(&mut random, Precision::F32, depth, depth);
        let matrix = matrix(gpu, Precision::F32, &w);
        let plain = gpu.embed(taken.len(), depth, None, |to| to.copy_from_slice(&wanted)).unwrap();
        let expected = read(gpu, &gpu.linear(&plain, &matrix, Epilogue::Residual(&plain)).unwrap()).await;
        for (input, residual) in [(&y, &plain), (&plain, &y), (&y, &y)] {
            let got = read(gpu, &gpu.linear(input, &matrix, Epilogue::Residual(residual)).unwrap()).await;
            assert_eq!(got, expected);
        }
    }
}

gpu_test!(rows_are_taken_where_they_are_read, taken_rows(false));
gpu_test!(rows_are_taken_where_they_are_read_on_software_adapters, taken_rows(true));

gpu_test!(layer_norm_is_the_cpu_s, async {
    let (gpu, cpu) = (shared_backend().await, CpuBackend::new());
    let mut random = Random(17);
    for (rows, width) in [(1, 1), (3, 5), (2, 16), (7, 63), (65, 64), (4, 129), (3, 768), (2, 1024)] {
        let (gamma, beta) = (random.values(width), random.values(width));
        let x: Vec<f32> = random.values(rows * width).iter().map(|x| 3.0 * x + 50.0).collect();
        let on = |norm: Vec<f32>| norm;
        let on_cpu = {
            let norm = cpu.layer_norm_weights(on(gamma.clone()), on(beta.clone()), 1e-12).unwrap();
            let x = cpu.embed(rows, width, None, |to| to.copy_from_slice(&x)).unwrap();
            now(cpu.read(&cpu.layer_norm(&x, &norm).unwrap())).unwrap()
        };
        let norm = gpu.layer_norm_weights(gamma, beta, 1e-12).unwrap();
        let plain = gpu.embed(rows, width, None, |to| to.copy_from_slice(&x)).unwrap();
        let on_gpu = read(gpu, &gpu.layer_norm(&plain, &norm).unwrap()).await;
        // A mean of 50 is exact to 50 · 2^-23; the rows' deviation is 1.7, so that is 4e-6 of a normalized
        // value.
        let difference = largest_difference(&on_gpu, &on_cpu);
        assert!(width == 1 || difference <= 2e-5, "{rows} × {width}: {difference}");
        // Embeddings are normalized by the CPU.
        let embedded = gpu.embed(rows, width, Some(&norm), |to| to.copy_from_slice(&x)).unwrap();
        assert_eq!(read(gpu, &embedded).await, on_cpu, "{rows} × {width}");
    }
});

gpu_test!(attention_is_the_cpu_s, async {
    let (gpu, cpu) = (shared_backend().await, CpuBackend::new());
    let mut random = Random(19);
    let lengths: [&[u32]; 5] = [&[1], &[5, 1, 33, 2], &[64, 0, 65], &[31, 32, 33], &[200]];
    for (heads, head_width) in
        [(1, 1), (2, 3), (3, 16), (2, 31), (2, 32), (1, 33), (2, 64), (1, 65), (1, 100), (1, 128)]
    {
        for lengths in lengths {
            let width = heads * head_width;
            let mut starts = vec![0];
            lengths.iter().for_each(|n| starts.push(starts.last().unwrap() + n));
            let rows = *starts.last().unwrap() as usize;
            // Large scores of both signs, next to columns that must not be read.
            let x: Vec<f32> = random.values(rows * (3 * width + 2)).iter().map(|x| 4.0 * x).collect();
            let on_cpu = {
                let x = cpu.embed(rows, 3 * width + 2, None, |to| to.copy_from_slice(&x)).unwrap();
                let [q, k, v] = [1, 1 + width, 2 + 2 * width].map(|first| Columns { tensor: &x, first });
                let spans = Spans { queries: &starts, keys: &starts };
                now(cpu.read(&cpu.attention(Attention::new([q, k, v], spans, width, heads)).unwrap())).unwrap()
            };
            let x = gpu.embed(rows, 3 * width + 2, None, |to| to.copy_from_slice(&x)).unwrap();
            let columns = || [1, 1 + width, 2 + 2 * width].map(|first| Columns { tensor: &x, first });
            let spans = Spans { queries: &starts, keys: &starts };
            let [q, k, v] = columns();
            let on_gpu = read(gpu, &gpu.attention(Attention::new([q, k, v], spans, width, heads)).unwrap()).await;
            // Values of up to 4, weighted by exponentials of scores of up to 16·√dh: their rounding counts in
            // the exponent.
            let allowed = 4.0 * 16.0 * (head_width as f32).sqrt() * 8.0 * ROUNDING + 4e-6;
            let difference = largest_difference(&on_gpu, &on_cpu);
            assert!(difference <= allowed, "{heads} × {head_width}, {lengths:?}: {difference}, allowed {allowed}");
        }
    }
});

gpu_test!(one_query_a_text_attends_to_all_its_keys, async {
    let (gpu, cpu) = (shared_backend().await, CpuBackend::new());
    let mut random = Random(23);
    let (starts, one_each, width) = ([0, 40, 41, 150], [0, 1, 2, 3], 24);
    let (q, kv) = (random.values(3 * width), random.values(150 * 2 * width));
    fn run<B: Backend>(b: &B, q: &[f32], kv: &[f32], starts: &[u32], one_each: &[u32], width: usize) -> B::Tensor {
        let q = b.embed(3, width, None, |to| to.copy_from_slice(q)).unwrap();
        let kv = b.embed(150, 2 * width, None, |to| to.copy_from_slice(kv)).unwrap();
        let columns = |tensor, first| Columns { tensor, first };
        let spans = Spans { queries: one_each, keys: starts };
        b.attention(Attention::new([columns(&q, 0), columns(&kv, 0), columns(&kv, width)], spans, width, 2)).unwrap()
    }
    let on_cpu = now(cpu.read(&run(&cpu, &q, &kv, &starts, &one_each, width))).unwrap();
    let on_gpu = read(gpu, &run(gpu, &q, &kv, &starts, &one_each, width)).await;
    assert!(largest_difference(&on_gpu, &on_cpu) <= 2e-6);
});

gpu_test!(huge_scores_and_activations_stay_finite, async {
    let gpu = shared_backend().await;
    let x: Vec<f32> = (0..4 * 48).map(|i| if i % 2 == 0 { 3e37 } else { -3e37 }).collect();
    let x = gpu.embed(4, 48, None, |to| to.copy_from_slice(&x)).unwrap();
    let [q, k, v] = [0, 16, 32].map(|first| Columns { tensor: &x, first });
    let spans = Spans { queries: &[0, 4], keys: &[0, 4] };
    let y = read(gpu, &gpu.attention(Attention::new([q, k, v], spans, 16, 1)).unwrap()).await;
    assert!(y.iter().all(|y| y.is_finite()), "{y:?}");

    let w = Weights { values: vec![1.0], stored: Vec::new(), bias: vec![0.0], depth: 1, width: 1 };
    let matrix = matrix(gpu, Precision::F32, &w);
    for value in [0.0f32, 20.0, 1e10, 1e38] {
        for x in [value, -value] {
            let tensor = gpu.embed(1, 1, None, |to| to[0] = x).unwrap();
            for (f, wanted) in [
                (Activation::Gelu, x.max(0.0)),
                (Activation::GeluTanh, x.max(0.0)),
                (Activation::Tanh, x.clamp(-1.0, 1.0)),
            ] {
                let y = gpu.linear(&tensor, &matrix, Epilogue::Activation(f)).unwrap();
                let y = read(gpu, &y).await[0];
                assert!((y - wanted).abs() <= 1e-30, "{f:?} of {x}: {y}");
            }
        }
    }
});

gpu_test!(nan_is_never_an_answer_of_attention, async {
    let (gpu, cpu) = (shared_backend().await, CpuBackend::new());
    // q and k of two texts; the second's scores are +∞ - ∞, and its values finite.
    let (plain, hostile) = ([1.0, 1.0], [f32::INFINITY, f32::NEG_INFINITY]);
    let x: Vec<f32> = [plain, hostile].iter().flat_map(|q| [q[0], q[1], 1.0, 1.0, 0.5, 0.25]).collect();
    let spans = Spans { queries: &[0, 1, 2], keys: &[0, 1, 2] };
    fn run<B: Backend>(b: &B, x: &[f32], spans: Spans<'_>) -> B::Tensor {
        let x = b.embed(2, 6, None, |to| to.copy_from_slice(x)).unwrap();
        let [q, k, v] = [0, 2, 4].map(|first| Columns { tensor: &x, first });
        b.attention(Attention::new([q, k, v], spans, 2, 1)).unwrap()
    }
    let on_cpu = now(cpu.read(&run(&cpu, &x, spans))).unwrap();
    assert!(on_cpu[2].is_nan() && on_cpu[3].is_nan(), "{on_cpu:?}");
    let on_gpu = read(gpu, &run(gpu, &x, spans)).await;
    assert_eq!(with_nan(&on_gpu), with_nan(&on_cpu));
});

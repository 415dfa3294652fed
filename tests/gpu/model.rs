//! Whole models on the graphics device: parity, determinism, and what a forward pass costs.

use crate::common::edit;
use crate::common::goldens::goldens;
use crate::common::gpu::{device, load, load_files, logits};
use crate::common::{BF16, F16, F32, Tiny, largest_difference};
use serde_json::Value;
use tabsense::backend::auto::Side;
use tabsense::backend::gpu::Counts;
use tabsense::backend::gpu::memory::ledger;
use tabsense::batch::PackedBatch;
use tabsense::engine::Engine;

/// The project's bound for f32 arithmetic on whole models; the measured differences are printed.
const TOLERANCE: f32 = 1e-3;
/// For int8 weights the CPU rounds activations, to steps of 2^-13 of a row's largest; the graphics card
/// doesn't.
const INT8_TOLERANCE: f32 = 4e-3;
/// Rounding weights to half precision changes each by up to 2^-11 of itself.
const F16_TOLERANCE: f32 = 5e-3;

fn argmax(row: &[f32]) -> usize {
    (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap()
}

/// The model's logits on the device against PyTorch's, alone and in batches.
async fn check(tiny: &Tiny, dtype: &str, tolerance: f32) {
    let engine = load(tiny, dtype, false).await.unwrap();
    assert_eq!(engine.reason(), None);
    let goldens = goldens(tiny);
    let mut worst: f32 = 0.0;
    let mut flips = 0;
    let mut compare = |got: &[f32], wanted: &[f32]| {
        worst = worst.max(largest_difference(got, wanted));
        flips += usize::from(argmax(got) != argmax(wanted));
    };
    // The kernels for cards and the one for software adapters; in a browser, where compiling takes seconds,
    // only tiny-f32 runs the former.
    let kinds = if cfg!(target_arch = "wasm32") && tiny.name != "tiny-f32" { &[true][..] } else { &[false, true] };
    for &blocks in kinds {
        engine.text_model().backend().gpu().unwrap().set_software_kernel(blocks);
        for case in &goldens.cases {
            compare(&logits(&engine, Side::Gpu, &[&case.ids]).await.unwrap()[0], &case.logits);
        }
        for batch in &goldens.batches {
            let texts: Vec<&[u32]> = batch.iter().map(|&i| goldens.cases[i].ids.as_slice()).collect();
            for (&i, got) in batch.iter().zip(logits(&engine, Side::Gpu, &texts).await.unwrap()) {
                compare(&got, &goldens.cases[i].logits);
            }
        }
    }
    println!("{} as {dtype}: largest logit difference to PyTorch {worst:.1e}, {flips} labels differ", tiny.name);
    assert!(worst <= tolerance, "{} as {dtype}: {worst}", tiny.name);
    assert_eq!(flips, 0);
}

gpu_test!(f32_logits_are_pytorch_s, check(&F32, "auto", TOLERANCE));
gpu_test!(f16_logits_are_pytorch_s, check(&F16, "auto", TOLERANCE));
gpu_test!(bf16_logits_are_pytorch_s, check(&BF16, "auto", TOLERANCE));
gpu_test!(f16_storage_of_an_f32_file_keeps_the_labels, check(&F32, "fp16", F16_TOLERANCE));

gpu_test!(every_dtype_gives_the_cpu_s_logits, async {
    for (tiny, dtype) in [(&F32, "fp32"), (&F32, "int8"), (&F16, "fp32"), (&F16, "int8"), (&BF16, "int8")] {
        let engine = load(tiny, dtype, true).await.unwrap();
        assert_eq!(engine.reason(), None);
        let mut worst: f32 = 0.0;
        for case in &goldens(tiny).cases {
            let texts = [case.ids.as_slice()];
            let gpu = logits(&engine, Side::Gpu, &texts).await.unwrap();
            let cpu = logits(&engine, Side::Cpu, &texts).await.unwrap();
            worst = worst.max(largest_difference(&gpu[0], &cpu[0]));
        }
        println!("{} as {dtype}: largest logit difference to the CPU {worst:.1e}", tiny.name);
        let tolerance = if dtype == "int8" { INT8_TOLERANCE } else { TOLERANCE };
        assert!(worst <= tolerance, "{} as {dtype}: {worst}", tiny.name);
    }
});

gpu_test!(alone_equals_in_a_batch, async {
    for dtype in ["fp32", "fp16", "int8"] {
        let engine = load(&F32, dtype, false).await.unwrap();
        // Few rows and many rows have separate kernels.
        engine.text_model().backend().gpu().unwrap().set_software_kernel(false);
        let goldens = goldens(&F32);
        let texts: Vec<&[u32]> = goldens.cases.iter().map(|c| c.ids.as_slice()).collect();
        let together = logits(&engine, Side::Gpu, &texts).await.unwrap();
        for (text, got) in texts.iter().zip(&together) {
            let alone = logits(&engine, Side::Gpu, &[text]).await.unwrap();
            // Few rows and many rows are summed in different orders.
            let difference = largest_difference(&alone[0], got);
            assert!(difference <= 2e-5, "{} tokens, {dtype}: {difference}", text.len());
        }
    }
});

gpu_test!(a_hundred_runs_are_equal_to_the_bit, async {
    let engine = load(&F32, "fp32", false).await.unwrap();
    let goldens = goldens(&F32);
    let texts: Vec<&[u32]> = goldens.cases.iter().take(4).map(|c| c.ids.as_slice()).collect();
    let first = logits(&engine, Side::Gpu, &texts).await.unwrap();
    for run in 1..100 {
        assert_eq!(logits(&engine, Side::Gpu, &texts).await.unwrap(), first, "run {run}");
    }
});

gpu_test!(int8_arithmetic_is_chosen_by_time_and_keeps_the_logits, async {
    use tabsense::engine::{calibration, self_test};
    let engine = load(&F32, "int8", true).await.unwrap();
    let gpu = engine.text_model().backend().gpu().unwrap();
    gpu.set_software_kernel(false);
    gpu.set_int8_dot(true);
    // The self-test's batch has more rows than the kernel for few rows accepts, so it tests this arithmetic.
    let rounded = self_test::largest_difference(engine.text_model()).await.unwrap();
    self_test::check_int8(rounded).unwrap();
    gpu.set_int8_dot(false);
    let exact = self_test::largest_difference(engine.text_model()).await.unwrap();
    assert!(exact < rounded, "{exact} {rounded}");
    // Clocks by which int8 arithmetic takes twice as long as the other, and half as long.
    for (plain, int8) in [(1.0, 2.0), (2.0, 1.0)] {
        let (now, calls) = (std::cell::Cell::new(0.0), std::cell::Cell::new(0));
        let clock = || {
            // Start and end of a plain run, then of an int8 one.
            now.set(now.get() + [0.0, plain, 0.0, int8][calls.get() % 4]);
            calls.set(calls.get() + 1);
            now.get()
        };
        let chosen = calibration::choose_arithmetic(engine.text_model(), &gpu, &clock).await.unwrap();
        assert_eq!(chosen, int8 < plain);
        let difference = self_test::largest_difference(engine.text_model()).await.unwrap();
        assert_eq!(difference, if chosen { rounded } else { exact });
    }
});

/// The configuration and weights of `F32` with its three layers twice.
fn six_layers() -> (Vec<u8>, Vec<u8>) {
    let mut tensors = edit::read(F32.weights);
    for tensor in tensors.clone() {
        for i in 0..3 {
            let (of, to) = (format!(".layer.{i}."), format!(".layer.{}.", i + 3));
            if tensor.name.contains(&of) {
                tensors.push(edit::Tensor { name: tensor.name.replace(&of, &to), ..tensor.clone() });
            }
        }
    }
    let mut config: Value = serde_json::from_slice(F32.config).unwrap();
    config["n_layers"] = 6.into();
    (config.to_string().into_bytes(), edit::write(&tensors))
}

fn counts(engine: &Engine) -> Counts {
    engine.text_model().backend().gpu().unwrap().counts()
}

gpu_test!(a_forward_of_six_layers_is_45_dispatches_and_allocates_nothing_again, async {
    let (config, weights) = six_layers();
    let engine = load_files(device().await, &config, F32.tokenizer, &weights, "fp32", false).await.unwrap();
    let text = |n: u32| (0..n).map(|i| i % 900).collect::<Vec<u32>>();
    for texts in [vec![text(20)], vec![text(100), text(3), text(60)]] {
        let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        logits(&engine, Side::Gpu, &texts).await.unwrap();
        let (before, buffers) = (counts(&engine), ledger());
        logits(&engine, Side::Gpu, &texts).await.unwrap();
        let after = counts(&engine);
        assert_eq!(after.dispatches - before.dispatches, 45);
        assert_eq!(after.submissions - before.submissions, 1);
        assert_eq!(after.bind_groups, before.bind_groups);
        assert_eq!(ledger(), buffers);
        // Another length in the same size class.
        let shorter: Vec<&[u32]> = texts.iter().map(|t| &t[..t.len() - 1]).collect();
        logits(&engine, Side::Gpu, &shorter).await.unwrap();
        assert_eq!((counts(&engine).bind_groups, ledger()), (after.bind_groups, buffers));
    }
    let pipelines = engine.text_model().backend().gpu().unwrap().pipelines();
    assert!(pipelines <= 12, "{pipelines} pipelines");
});

gpu_test!(passes_are_submitted_before_they_are_awaited, async {
    let engine = load(&F32, "fp32", false).await.unwrap();
    let (model, backend) = (engine.text_model().model(), engine.text_model().backend());
    let texts: [&[u32]; 2] = [&[2, 17, 30, 3], &[2, 99, 3]];
    let mut wanted = Vec::new();
    for text in texts {
        wanted.extend(logits(&engine, Side::Gpu, &[text]).await.unwrap());
    }
    let submit = async |text: &[u32]| {
        let batch = PackedBatch::new([text]);
        let logits = backend.on(Side::Gpu, async || model.forward(backend, &batch, |_, _| {}).await).await;
        backend.submit(&logits.unwrap()).unwrap()
    };
    let before = counts(&engine).submissions;
    let [first, given_up, second] = [submit(texts[0]).await, submit(texts[0]).await, submit(texts[1]).await];
    assert_eq!(counts(&engine).submissions - before, 3);
    drop(given_up);
    // Awaited in another order, with a third pass in between, which reuses the abandoned pass's buffer.
    assert_eq!(second.finish().await.unwrap(), wanted[1]);
    assert_eq!(logits(&engine, Side::Gpu, &texts[..1]).await.unwrap(), wanted[..1]);
    assert_eq!(first.finish().await.unwrap(), wanted[0]);
});

gpu_test!(models_leave_no_buffer, async {
    let before = ledger();
    for _ in 0..5 {
        let engine = load(&F32, "int8", false).await.unwrap();
        logits(&engine, Side::Gpu, &[&[2, 17, 3]]).await.unwrap();
        assert!(ledger().buffers > before.buffers);
        drop(engine);
        assert_eq!(ledger(), before);
    }
});

gpu_test!(a_load_that_ends_early_leaves_no_buffer, async {
    use tabsense::backend::auto::AutoBackend;
    use tabsense::backend::gpu::GpuBackend;
    let before = ledger();
    let backend = AutoBackend::with_gpu(GpuBackend::new(device().await), true);
    let mut loader = tabsense::text_model::Loader::new(backend, F32.config, F32.tokenizer, "auto", None).unwrap();
    loader.push(&F32.weights[..F32.weights.len() / 2]).unwrap();
    assert!(ledger().buffers > before.buffers);
    drop(loader);
    assert_eq!(ledger(), before);
});

gpu_test!(a_profile_tells_each_kernel_s_time, async {
    let engine = load(&F32, "auto", false).await.unwrap();
    let gpu = engine.text_model().backend().gpu().unwrap();
    let text = engine.text_model().encode("the film", false).unwrap();
    let computed = engine.outputs(std::slice::from_ref(&text), true).await.unwrap();
    assert_eq!(computed.kernels.is_some(), gpu.device().info().timestamps);
    if let Some(kernels) = computed.kernels {
        let of = |name| kernels.iter().find(|k| k.name == name).unwrap();
        // Three layers: 4 products each, 5 in the last, and two of the head.
        assert_eq!((of("linear").dispatches, of("attention").dispatches, of("layer_norm").dispatches), (15, 3, 6));
        assert!(kernels.iter().all(|k| k.ms.is_finite() && k.ms >= 0.0));
        assert!(kernels.iter().map(|k| k.ms).sum::<f64>() > 0.0);
    }
    assert!(engine.outputs(&[text], false).await.unwrap().kernels.is_none());
});

#[cfg(not(target_arch = "wasm32"))]
gpu_test!(lavapipe_runs_the_half_precision_shaders, async {
    let device = device().await;
    assert!(!device.info().adapter.contains("llvmpipe") || device.info().f16, "{:?}", device.info());
});

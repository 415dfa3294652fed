//! What happens when the graphics device fails: it is lost, runs out of memory, refuses work, has other
//! weights or is slow.

use crate::common::edit;
use crate::common::gpu::{backend, clock, device, load, load_files, logits};
use crate::common::{F32, largest_difference};
use serde_json::Value;
use tabsense::ErrorKind;
use tabsense::backend::auto::Side;
use tabsense::backend::gpu::memory::ledger;
use tabsense::backend::{Attention, Backend, Columns, Epilogue, LinearBuilder, Precision, Spans};
use tabsense::engine::{Engine, calibration};

/// Classifies a text and returns the index of its best label and the side that computed it.
async fn classify(engine: &Engine, text: &str) -> tabsense::Result<(usize, Side)> {
    let encoding = engine.text_model().encode(text, false)?;
    let computed = engine.outputs(&[encoding], true).await?;
    Ok((tabsense::head::best(&engine.text_model().scored(&computed.outputs[0]), 1)[0], computed.side))
}

gpu_test!(falls_back_to_the_cpu_if_it_holds_the_weights, async {
    let before = ledger();
    let engine = load(&F32, "auto", true).await.unwrap();
    let backend = engine.text_model().backend();
    backend.set_from_tokens(Some(1));
    let (label, side) = classify(&engine, "the film").await.unwrap();
    assert_eq!(side, Side::Gpu);
    // In flight: the pass is recorded and submitted when the device is lost.
    let gpu = backend.gpu().unwrap();
    let texts = [engine.text_model().encode("the film", false).unwrap()];
    let (computed, ()) = join(engine.outputs(&texts, false), async { gpu.device().destroy() }).await;
    let computed = computed.unwrap();
    assert_eq!(tabsense::head::best(&engine.text_model().scored(&computed.outputs[0]), 1)[0], label);
    drop(gpu);
    assert!(backend.gpu().is_none() || computed.side == Side::Gpu);
    // And later, too.
    assert_eq!(classify(&engine, "the film").await.unwrap(), (label, Side::Cpu));
    assert!(engine.reason().unwrap().contains("lost"), "{:?}", engine.reason());
    assert_eq!(ledger(), before);
});

gpu_test!(a_lost_device_alone_says_so, async {
    let before = ledger();
    let engine = load(&F32, "auto", false).await.unwrap();
    engine.text_model().backend().gpu().unwrap().device().destroy();
    for _ in 0..2 {
        assert_eq!(classify(&engine, "the film").await.unwrap_err().kind(), ErrorKind::DeviceLost);
    }
    drop(engine);
    assert_eq!(ledger(), before);
});

gpu_test!(falls_back_if_the_device_is_lost_between_the_weights, async {
    use tabsense::backend::auto::AutoBackend;
    use tabsense::backend::gpu::GpuBackend;
    let before = ledger();
    for cpu_has_weights in [false, true] {
        let backend = AutoBackend::with_gpu(GpuBackend::new(device().await), cpu_has_weights);
        let gpu = backend.gpu().unwrap();
        let mut loader = tabsense::text_model::Loader::new(backend, F32.config, F32.tokenizer, "auto", None).unwrap();
        let (first, rest) = F32.weights.split_at(F32.weights.len() / 2);
        loader.push(first).unwrap();
        gpu.device().destroy();
        drop(gpu);
        loader.push(rest).unwrap();
        match Engine::prepare(loader.finish().unwrap(), &clock).await {
            Ok(engine) => {
                assert!(cpu_has_weights && engine.reason().unwrap().contains("lost"), "{:?}", engine.reason());
                assert_eq!(classify(&engine, "the film").await.unwrap().1, Side::Cpu);
            }
            Err(error) => assert_eq!((cpu_has_weights, error.kind()), (false, ErrorKind::DeviceLost)),
        }
        assert_eq!(ledger(), before);
    }
});

gpu_test!(falls_back_if_the_device_is_lost_before_the_weights, async {
    let before = ledger();
    for cpu_has_weights in [false, true] {
        let device = device().await;
        device.destroy();
        let result = load_files(device, F32.config, F32.tokenizer, F32.weights, "auto", cpu_has_weights).await;
        match result {
            Ok(engine) => {
                assert!(cpu_has_weights && engine.reason().unwrap().contains("lost"), "{:?}", engine.reason());
                assert_eq!(classify(&engine, "the film").await.unwrap().1, Side::Cpu);
            }
            Err(error) => assert_eq!((cpu_has_weights, error.kind()), (false, ErrorKind::DeviceLost)),
        }
        assert_eq!(ledger(), before);
    }
});

/// The results of both futures; `a` is polled first.
async fn join<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
    let (mut a, mut b) = (std::pin::pin!(a), std::pin::pin!(b));
    let (mut left, mut right) = (None, None);
    std::future::poll_fn(|context| {
        use std::task::Poll::{Pending, Ready};
        if left.is_none()
            && let Ready(value) = a.as_mut().poll(context)
        {
            left = Some(value);
        }
        if right.is_none()
            && let Ready(value) = b.as_mut().poll(context)
        {
            right = Some(value);
        }
        if left.is_some() && right.is_some() { Ready(()) } else { Pending }
    })
    .await;
    (left.unwrap(), right.unwrap())
}

gpu_test!(a_device_with_other_weights_fails_its_self_test, async {
    for cpu_has_weights in [true, false] {
        let engine = load(&F32, "fp32", cpu_has_weights).await.unwrap();
        assert_eq!(engine.reason(), None);
        let classifier = engine.text_model();
        let gpu = classifier.backend().gpu().unwrap();
        // One number of one matrix.
        let matrix = &classifier.model().weights().matrices()[4]; // q, k and v of the second layer
        gpu.overwrite(matrix.gpu().as_ref().unwrap(), 0, 1e4);
        let difference = tabsense::engine::self_test::largest_difference(classifier).await;
        match difference {
            Ok(difference) => {
                assert!(cpu_has_weights && difference > 0.01, "{difference}");
                let error = tabsense::engine::self_test::check(difference, Precision::F32).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::WebgpuUnusable);
            }
            Err(error) => {
                assert!(!cpu_has_weights, "{error}");
                assert_eq!(error.kind(), ErrorKind::WebgpuUnusable);
            }
        }
    }
});

gpu_test!(heads_too_wide_for_the_device_run_on_the_cpu, async {
    let before = ledger();
    // 144 wide instead of 12: one head of twelve times the width.
    let mut config: Value = serde_json::from_slice(F32.config).unwrap();
    (config["dim"], config["n_heads"]) = (144.into(), 1.into());
    let tensors: Vec<edit::Tensor> = edit::read(F32.weights)
        .into_iter()
        .map(|t| {
            let shape: Vec<usize> = t.shape.iter().map(|&n| if n == 36 { 144 } else { n }).collect();
            let values: Vec<f32> = (0..shape.iter().product()).map(|i: usize| (i % 13) as f32 * 0.01 - 0.06).collect();
            edit::Tensor::f32(&t.name, &shape, &values)
        })
        .collect();
    let (config, weights) = (config.to_string().into_bytes(), edit::write(&tensors));
    for cpu_has_weights in [true, false] {
        let result = load_files(device().await, &config, F32.tokenizer, &weights, "auto", cpu_has_weights).await;
        match result {
            Ok(engine) => {
                assert!(cpu_has_weights && engine.reason().unwrap().contains("heads"), "{:?}", engine.reason());
                assert_eq!(classify(&engine, "the film").await.unwrap().1, Side::Cpu);
            }
            Err(error) => {
                assert!(!cpu_has_weights);
                assert_eq!(error.kind(), ErrorKind::WebgpuUnusable);
            }
        }
        assert_eq!(ledger(), before);
    }
});

gpu_test!(a_pass_that_the_device_drops_yields_no_earlier_answer, async {
    let gpu = backend().await;
    gpu.settle().await.unwrap();
    let matrix = |weight: f32| {
        let mut builder = gpu.linear_builder(1, 1, Precision::F32).unwrap();
        builder.row_f32(0, &[weight]);
        builder.finish()
    };
    let x = || gpu.embed(1, 1, None, |to| to[0] = 1.0).unwrap();
    let two = matrix(2.0);
    assert_eq!(gpu.read(&gpu.linear(&x(), &two, Epilogue::Bias).unwrap()).await.unwrap(), [2.0]);
    // A matrix that is freed before the pass is submitted: the device drops the pass, and the buffer that is
    // read keeps the earlier pass's result.
    let three = matrix(3.0);
    let y = gpu.linear(&x(), &three, Epilogue::Bias).unwrap();
    drop(three);
    let dropped = gpu.read(&y).await;
    assert_eq!(dropped.map_err(|e| e.kind()), Err(ErrorKind::WebgpuUnusable));
    // The device itself still works.
    assert_eq!(gpu.read(&gpu.linear(&x(), &two, Epilogue::Bias).unwrap()).await.unwrap(), [2.0]);
});

gpu_test!(a_pass_for_which_there_is_no_memory_says_so, async {
    let gpu = backend().await;
    gpu.settle().await.unwrap();
    let x = gpu.embed(1, 16 << 10, None, |to| to.fill(1.0)).unwrap();
    let attended = async |rows: usize| {
        let x = gpu.take_rows(&x, &vec![0; rows])?;
        let [q, k, v] = [0, 16, 32].map(|first| Columns { tensor: &x, first });
        let spans = Spans { queries: &[0, 1], keys: &[0, 1] };
        gpu.read(&gpu.attention(Attention::new([q, k, v], spans, 16, 1))?).await
    };
    assert_eq!(attended(1).await.unwrap(), [1.0; 16]);
    // Rows of 64 KiB: 16 GiB in all, more than a buffer may hold.
    let error = attended(1 << 18).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::OutOfMemory | ErrorKind::WebgpuUnusable), "{error}");
    assert_eq!(attended(1).await.unwrap(), [1.0; 16]);
});

gpu_test!(buffers_that_long_texts_needed_are_freed_after_a_while, async {
    let gpu = backend().await;
    gpu.settle().await.unwrap();
    let pass = async |rows: usize| {
        let x = gpu.embed(rows, 64, None, |to| to.fill(1.0)).unwrap();
        gpu.read(&x).await.unwrap();
    };
    pass(8).await;
    let short = ledger().bytes;
    pass(8192).await;
    // Other tests' devices may still hold buffers: 8192 rows of 64 numbers are 2 MiB more.
    assert!(ledger().bytes > short + (1 << 20));
    for _ in 0..100 {
        pass(8).await;
    }
    assert!(ledger().bytes <= short);
});

gpu_test!(a_device_that_refuses_int8_arithmetic_keeps_the_other, async {
    let engine = load(&F32, "int8", true).await.unwrap();
    let gpu = engine.text_model().backend().gpu().unwrap();
    gpu.set_software_kernel(false);
    let calls = std::cell::Cell::new(0);
    let clock = || {
        calls.set(calls.get() + 1);
        if calls.get() == 3 {
            // The first int8 run begins. A buffer that no device grants simulates a pipeline that the device
            // refuses.
            let usage = wgpu::BufferUsages::COPY_DST;
            let size = 1 << 52;
            let descriptor = wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false };
            drop(gpu.device().raw().0.create_buffer(&descriptor));
        }
        0.0
    };
    assert!(!calibration::choose_arithmetic(engine.text_model(), &gpu, &clock).await.unwrap());
    gpu.device().check().unwrap();
    assert_eq!(classify(&engine, "the film").await.unwrap().1, engine.text_model().backend().side(4));
});

gpu_test!(a_card_that_is_slow_to_start_is_used_for_long_texts, async {
    let engine = load(&F32, "fp32", true).await.unwrap();
    // By this clock the card takes 26 ms for any length, and the CPU 1.5 ms per token: 12 ms for the first
    // length, 8 tokens.
    let (now, calls) = (std::cell::Cell::new(0.0), std::cell::Cell::new(0));
    let clock = || {
        let call = calls.replace(calls.get() + 1);
        let first_length = call < 12;
        now.set(now.get() + [0.0, if first_length { 12.0 } else { 48.0 }, 0.0, 26.0][call % 4]);
        now.get()
    };
    let measured = calibration::measure(engine.text_model(), &clock).await.unwrap();
    let [first, second] = measured[..] else { panic!("{measured:?}") };
    assert_eq!((first.tokens, first.cpu, first.gpu), (8, 12.0, 26.0));
    assert_eq!((second.tokens, second.cpu, second.gpu), (32, 48.0, 26.0));
    assert!((9..32).contains(&calibration::crossing(&measured).unwrap()));
});

gpu_test!(groups_for_a_lost_device_are_regrouped_for_the_cpu, async {
    let engine = load(&F32, "fp32", true).await.unwrap();
    let backend = engine.text_model().backend();
    backend.set_from_tokens(Some(1));
    let text = engine.text_model().encode(&"the film ".repeat(10), false).unwrap();
    let group = vec![text.clone(); 8192 / text.ids.len()];
    backend.gpu().unwrap().device().destroy();
    let computed = engine.outputs(&group, false).await.unwrap();
    assert_eq!((computed.side, computed.outputs.len()), (Side::Cpu, group.len()));
    assert!(computed.outputs.iter().all(|logits| logits == &computed.outputs[0]));
    // A pass's largest tensors have a row per token that the CPU processes at once; there are fewer than ten.
    let hidden = engine.text_model().config().hidden;
    let bytes = backend.cpu_spare_bytes();
    assert!(bytes < 10 * 1024 * hidden * size_of::<f32>(), "{bytes}");
});

gpu_test!(f16_weights_of_an_f32_file_pass_the_self_test_beside_the_cpu, async {
    // Large weights of opposite signs for pairs of equal features: only their digits beyond half precision
    // matter.
    let mut tensors = edit::read(F32.weights);
    let mut change = |name: &str, f: &dyn Fn(&mut [f32])| {
        let tensor = edit::find(&mut tensors, name);
        let mut values: Vec<f32> = bytemuck::pod_collect_to_vec(&tensor.bytes);
        f(&mut values);
        tensor.bytes = bytemuck::cast_slice(&values).to_vec();
    };
    let width = 36;
    let doubled = |rows: &mut [f32], row: usize| {
        rows.chunks_exact_mut(2 * row).for_each(|pair| pair.copy_within(..row, row));
    };
    change("pre_classifier.weight", &|rows| doubled(rows, width));
    change("pre_classifier.bias", &|bias| doubled(bias, 1));
    change("classifier.weight", &|rows| {
        rows.chunks_exact_mut(2).for_each(|pair| (pair[0], pair[1]) = (pair[0] + 64.0, pair[1] - 64.0));
    });
    let weights = edit::write(&tensors);
    let load =
        async |dtype| load_files(device().await, F32.config, F32.tokenizer, &weights, dtype, true).await.unwrap();
    let (engine, exact) = (load("fp16").await, load("fp32").await);
    assert_eq!(engine.reason(), None);
    let texts: [&[u32]; 1] = [&[2, 17, 30, 3]];
    let rounded = logits(&engine, Side::Gpu, &texts).await.unwrap();
    let difference = largest_difference(&rounded[0], &logits(&exact, Side::Gpu, &texts).await.unwrap()[0]);
    assert!(difference > 5e-3, "{difference}");
});

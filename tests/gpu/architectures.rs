//! Every architecture but DistilBERT (`model.rs`) on the graphics device: parity with PyTorch in each number
//! format, and the self-test.

use super::int4::rounded;
use crate::common::encoders::ENCODERS;
use crate::common::goldens::goldens;
use crate::common::{Tiny, gpu, largest_difference};
use tabsense::backend::Backend;
use tabsense::backend::auto::Side;
use tabsense::backend::cpu::CpuBackend;
use tabsense::engine::self_test;
use tabsense::model::load::{Dtype, ModelLoader};

/// The project's bound for f32 arithmetic on whole models; the measured differences are printed.
const TOLERANCE: f32 = 1e-3;
/// Weights rounded to half precision, or to int8 with the CPU's 13-bit activations: as in `model.rs`.
const ROUNDED_TOLERANCE: f32 = 5e-3;

/// All models; in a browser, where compiling a model's pipelines takes seconds, only those with features that
/// no other has: three types and tanh in both places, distance biases.
fn encoders() -> impl Iterator<Item = &'static Tiny> {
    let all = !cfg!(target_arch = "wasm32");
    ENCODERS.iter().filter(move |tiny| all || ["tiny-bert-tanh", "tiny-mpnet"].contains(&tiny.name))
}

gpu_test!(logits_are_pytorch_s, async {
    for tiny in encoders() {
        let engine = gpu::load(tiny, "auto", false).await.unwrap();
        assert_eq!(engine.reason(), None);
        let (model, backend) = (engine.text_model().model(), engine.text_model().backend());
        let goldens = goldens(tiny);
        let mut worst = [0.0f32; 2];
        // The kernel for software adapters, then those for cards.
        for (blocks, worst) in [true, false].into_iter().zip(&mut worst) {
            if !blocks && cfg!(target_arch = "wasm32") {
                continue;
            }
            backend.gpu().unwrap().set_software_kernel(blocks);
            for group in goldens.groups() {
                let batch = goldens.batch(&group);
                let logits = backend.on(Side::Gpu, async || model.forward(backend, &batch, |_, _| {}).await).await;
                let logits = backend.read(&logits.unwrap()).await.unwrap();
                *worst = worst.max(largest_difference(&logits, &goldens.logits(&group)));
            }
        }
        println!("{}: {:.1e} and {:.1e} from PyTorch", tiny.name, worst[0], worst[1]);
        assert!(worst.iter().all(|worst| *worst <= TOLERANCE), "{}: {worst:?}", tiny.name);
    }
});

gpu_test!(every_dtype_passes_the_self_test_and_gives_the_cpu_s_logits, async {
    for tiny in encoders() {
        let dtypes = [("int8", Dtype::Int8), ("fp32", Dtype::Fp32), ("fp16", Dtype::Fp32), ("int4", Dtype::Int4)];
        for (dtype, same) in &dtypes[..if cfg!(target_arch = "wasm32") { 1 } else { 4 }] {
            // Loading runs the self-test with the device's own matrices, since the CPU stores none.
            let engine =
                gpu::load(tiny, dtype, false).await.unwrap_or_else(|e| panic!("{} as {dtype}: {e}", tiny.name));
            let (model, backend) = (engine.text_model().model(), engine.text_model().backend());
            let tested = self_test::largest_difference(engine.text_model()).await.unwrap();
            let mut loader = ModelLoader::new(CpuBackend::new(), tiny.config(), *same, None);
            // Rounded to int4 first: the CPU of this build would round the floats directly to int8.
            let of_int4 = (*dtype == "int4").then(|| rounded(tiny));
            loader.push(of_int4.as_deref().unwrap_or(tiny.weights)).unwrap();
            let (cpu_model, cpu, _) = loader.finish().unwrap();
            let goldens = goldens(tiny);
            let mut worst: f32 = 0.0;
            for group in &goldens.batches {
                let batch = goldens.batch(group);
                let on_gpu = backend.on(Side::Gpu, async || model.forward(backend, &batch, |_, _| {}).await).await;
                let on_gpu = backend.read(&on_gpu.unwrap()).await.unwrap();
                worst = worst.max(largest_difference(&on_gpu, &cpu_model.outputs(&cpu, &batch).await.unwrap()));
            }
            println!("{} as {dtype}: {worst:.1e} from the CPU; self-test {tested:.1e}", tiny.name);
            // The CPU rounds again, to int8: tests/models/architectures.rs.
            let tolerance = match *dtype {
                "fp32" => TOLERANCE,
                "int4" => 0.15,
                _ => ROUNDED_TOLERANCE,
            };
            assert!(worst <= tolerance, "{} as {dtype}: {worst}", tiny.name);
        }
    }
});

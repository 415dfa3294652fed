//! int4 on the graphics device: a model gives the answers of its own numbers in f32, whatever file it comes
//! from, and takes 5 bits per weight.

use crate::common::edit::{self, Tensor};
use crate::common::encoders::ENCODERS;
use crate::common::goldens::goldens;
use crate::common::gpu::{device, load, load_files, logits, read, shared_backend};
use crate::common::{Random, Tiny, largest_difference};
use safetensors::tensor::Dtype;
use tabsense::backend::auto::Side;
use tabsense::backend::gpu::memory::ledger;
use tabsense::backend::{Backend, Epilogue, LinearBuilder, Precision};
use tabsense::config::Config;
use tabsense::engine::Engine;
use tabsense::model::architecture::Network;
use tabsense::weights::int4;

/// Sums are in another order, as for f32 weights from the same file: tests/gpu/model.rs.
const TOLERANCE: f32 = 2e-5;

/// The file with each matrix that can be int4 rounded to int4.
pub fn rounded(tiny: &Tiny) -> Vec<u8> {
    let plan = Network::new(&Config::from_json(tiny.config).unwrap()).1;
    let bears = |name: &str| {
        let slot = plan.slots().iter().find(|slot| slot.name == name);
        slot.and_then(|slot| plan.facts(slot.place)).is_some_and(|facts| facts.supports_int4())
    };
    let mut tensors = Vec::new();
    for tensor in edit::read(tiny.weights) {
        let &[rows, columns] = &tensor.shape[..] else {
            tensors.push(tensor);
            continue;
        };
        if !bears(&tensor.name) {
            tensors.push(tensor);
            continue;
        }
        let (mut q, mut scales) = (vec![0; rows * columns], vec![0.0; rows * columns / int4::GROUP]);
        int4::quantize_row(&bytemuck::pod_collect_to_vec::<u8, f32>(&tensor.bytes), &mut q, &mut scales);
        let bytes = scales.iter().flat_map(|s| half::f16::from_f32(*s).to_le_bytes()).collect();
        let (name, shape) = (format!("{}_scale", tensor.name), vec![rows, columns / int4::GROUP]);
        tensors.push(Tensor { name, dtype: Dtype::F16, shape, bytes });
        let (shape, bytes) = (vec![rows, columns / 2], int4::pack(&q).collect());
        tensors.push(Tensor { name: tensor.name, dtype: Dtype::U8, shape, bytes });
    }
    edit::write(&tensors)
}

/// Loads a file as it is, which must be in int4, and with its numbers in f32, which must take more memory.
async fn both(tiny: &Tiny, file: &[u8]) -> [Engine; 2] {
    let load = async |dtype| load_files(device().await, tiny.config, tiny.tokenizer, file, dtype, false).await.unwrap();
    let before = ledger().bytes;
    let engine = load("auto").await;
    let between = ledger().bytes;
    let exact = load("fp32").await;
    assert_eq!(engine.text_model().loaded().precision, Precision::Int4, "{}", tiny.name);
    assert_eq!(exact.text_model().loaded().precision, Precision::F32, "{}", tiny.name);
    assert!(between - before < ledger().bytes - between, "{}", tiny.name);
    [engine, exact]
}

/// The largest difference between their logits, with the kernels for cards and the one for software adapters.
async fn difference(tiny: &Tiny, engines: &[Engine; 2]) -> f32 {
    let goldens = goldens(tiny);
    let texts: Vec<&[u32]> = goldens.cases.iter().map(|c| c.ids.as_slice()).collect();
    let mut worst: f32 = 0.0;
    for blocks in [false, true] {
        for group in [&texts[..1], &texts] {
            let mut answers = Vec::new();
            for engine in engines {
                engine.text_model().backend().gpu().unwrap().set_software_kernel(blocks);
                answers.push(logits(engine, Side::Gpu, group).await.unwrap().concat());
            }
            worst = worst.max(largest_difference(&answers[0], &answers[1]));
        }
    }
    worst
}

gpu_test!(int4_models_are_those_of_their_own_numbers, async {
    // The models whose widths are whole groups; in a browser, where compiling takes seconds, one of 3 groups.
    let names = ["tiny-bert", "tiny-roberta", "tiny-electra", "tiny-mpnet"];
    let names = if cfg!(target_arch = "wasm32") { &names[..1] } else { &names };
    for tiny in ENCODERS.iter().filter(|tiny| names.contains(&tiny.name)) {
        let engines = both(tiny, &rounded(tiny)).await;
        let difference = difference(tiny, &engines).await;
        println!("{}: int4 {difference:.1e} from its numbers in f32", tiny.name);
        assert!(difference <= TOLERANCE, "{}: {difference}", tiny.name);
    }
});

gpu_test!(floats_become_the_same_int4_on_both_sides, async {
    let tiny = &ENCODERS[0];
    let engine = load(tiny, "int4", true).await.unwrap();
    assert_eq!(engine.reason(), None);
    let mut worst: f32 = 0.0;
    for case in &goldens(tiny).cases {
        let gpu = logits(&engine, Side::Gpu, &[&case.ids]).await.unwrap();
        let cpu = logits(&engine, Side::Cpu, &[&case.ids]).await.unwrap();
        worst = worst.max(largest_difference(&gpu[0], &cpu[0]));
    }
    // The CPU rounds again, to int8: tests/models/architectures.rs. If each side rounded floats its own way,
    // they would differ by 0.38.
    assert!(worst <= 0.15, "{worst}");
});

gpu_test!(onnx_files_of_4_bits_are_int4_on_the_device, async {
    let tiny = Tiny {
        name: "mini-distilbert",
        config: include_bytes!("../../test_data/models/mini-distilbert/config.json"),
        tokenizer: include_bytes!("../../test_data/models/mini-distilbert/tokenizer.json"),
        weights: include_bytes!("../../test_data/models/mini-distilbert/model.safetensors"),
        goldens: include_str!("../../test_data/goldens/mini-distilbert.json"),
    };
    // Scales in f32 and in f16.
    let files: [&[u8]; 2] = [
        include_bytes!("../../test_data/onnx/mini-distilbert-q4.onnx"),
        include_bytes!("../../test_data/onnx/mini-distilbert-q4f16.onnx"),
    ];
    for file in files {
        let engines = both(&tiny, file).await;
        let difference = difference(&tiny, &engines).await;
        println!("int4 of ONNX: {difference:.1e} from its numbers in f32");
        assert!(difference <= TOLERANCE, "{difference}");
    }
});

gpu_test!(int4_takes_five_bits_a_weight, async {
    let gpu = shared_backend().await;
    let bytes = |precision| {
        let before = ledger().bytes;
        let matrix = gpu.linear_builder(128, 1024, precision).unwrap().finish();
        let bytes = ledger().bytes - before;
        drop(matrix);
        bytes
    };
    let columns = 128 * 8;
    assert_eq!(bytes(Precision::Int8), 128 * 1024 + columns);
    assert_eq!(bytes(Precision::Int4), 128 * 1024 * 5 / 8 + columns);
});

gpu_test!(float_rows_become_int4_on_their_way, async {
    let gpu = shared_backend().await;
    let (mut random, depth, width) = (Random(29), 96, 70);
    let w = random.values(width * depth);
    let x = gpu.embed(3, depth, None, |to| to.copy_from_slice(&random.values(3 * depth))).unwrap();
    let mut answers = Vec::new();
    for stored in [false, true] {
        let mut builder = gpu.linear_builder(width, depth, Precision::Int4).unwrap();
        for m in random.order(width) {
            let row = &w[m * depth..][..depth];
            if stored {
                let (mut q, mut scales) = ([0; 96], [0.0; 3]);
                int4::quantize_row(row, &mut q, &mut scales);
                builder.row_i4(m, &int4::pack(&q).collect::<Vec<_>>(), &scales);
            } else {
                builder.row_f32(m, row);
            }
        }
        answers.push(read(gpu, &gpu.linear(&x, &builder.finish(), Epilogue::Bias).unwrap()).await);
    }
    assert_eq!(answers[0], answers[1]);
});

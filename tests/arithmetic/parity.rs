//! Parity with Hugging Face PyTorch on random models: whole, layer by layer, alone and in batches.
//!
//! The goldens' own noise (fp32 against fp64 in PyTorch) is about 2e-6; see test_data/goldens.

use crate::common::{BF16, F16, F32, Tiny, largest_difference, logits, now};
use serde::Deserialize;
use tabsense::backend::Backend;
use tabsense::batch::PackedBatch;
use tabsense::model::Tap;
use tabsense::model::load::Dtype;
use wasm_bindgen_test::wasm_bindgen_test;

/// Sums of up to a few hundred products of numbers near 1, in another order than PyTorch's, through three layers:
/// ten times the difference that PyTorch's own fp32 has to fp64.
const TOLERANCE: f32 = 2e-5;

#[derive(Deserialize)]
struct Goldens {
    cases: Vec<Case>,
    batches: Vec<Vec<usize>>,
    #[serde(default)]
    taps_case: usize,
    #[serde(default)]
    taps: Vec<GoldenTap>,
}

#[derive(Deserialize)]
struct Case {
    ids: Vec<u32>,
    logits: Vec<f32>,
}

#[derive(Deserialize)]
struct GoldenTap {
    name: String,
    cols: usize,
    values: Vec<f32>,
}

fn goldens(tiny: &Tiny) -> Goldens {
    serde_json::from_str(tiny.goldens).unwrap()
}

fn check(tiny: &Tiny) {
    let (model, backend) = tiny.load(Dtype::Auto);
    let goldens = goldens(tiny);
    let lengths: Vec<usize> = goldens.cases.iter().map(|c| c.ids.len()).collect();
    assert!(lengths.contains(&1) && lengths.contains(&512), "{lengths:?}");
    let mut worst: f32 = 0.0;
    for case in &goldens.cases {
        let got = logits(&model, &backend, &[&case.ids]);
        worst = worst.max(largest_difference(&got[0], &case.logits));
    }
    for batch in &goldens.batches {
        let texts: Vec<&[u32]> = batch.iter().map(|&i| goldens.cases[i].ids.as_slice()).collect();
        for (&i, got) in batch.iter().zip(logits(&model, &backend, &texts)) {
            worst = worst.max(largest_difference(&got, &goldens.cases[i].logits));
        }
    }
    println!("{}: largest logit difference to PyTorch {worst:.1e}", tiny.name);
    assert!(worst <= TOLERANCE, "{}: {worst}", tiny.name);
}

#[wasm_bindgen_test(unsupported = test)]
fn f32_logits_are_pytorch_s() {
    check(&F32);
}

#[wasm_bindgen_test(unsupported = test)]
fn f16_logits_are_pytorch_s() {
    check(&F16);
}

#[wasm_bindgen_test(unsupported = test)]
fn bf16_logits_are_pytorch_s() {
    check(&BF16);
}

#[wasm_bindgen_test(unsupported = test)]
fn every_layer_is_pytorch_s() {
    let (model, backend) = F32.load(Dtype::Auto);
    let goldens = goldens(&F32);
    let batch = PackedBatch::new([goldens.cases[goldens.taps_case].ids.as_slice()]);
    let mut taps = Vec::new();
    let read = |tap, tensor: &_| {
        let name = match tap {
            Tap::Embedding => "embedding".to_owned(),
            Tap::Attention(i) => format!("layer.{i}.attention"),
            Tap::Ffn(i) => format!("layer.{i}.ffn"),
        };
        taps.push((name, now(backend.read(tensor)).unwrap()));
    };
    now(model.forward(&backend, &batch, read)).unwrap();
    assert_eq!(taps.len(), goldens.taps.len());
    let last = format!("layer.{}.", model.config().layers - 1);
    for ((name, got), golden) in taps.iter().zip(&goldens.taps) {
        assert_eq!(*name, golden.name);
        // The last layer computes the first row alone.
        let rows = if name.starts_with(&last) { 1 } else { batch.tokens() };
        assert_eq!(got.len(), rows * golden.cols, "{name}");
        let worst = largest_difference(got, &golden.values[..got.len()]);
        assert!(worst <= TOLERANCE, "{name}: {worst}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn alone_equals_in_a_batch_to_the_bit() {
    for dtype in [Dtype::Fp32, Dtype::Int8] {
        let (model, backend) = F32.load(dtype);
        let goldens = goldens(&F32);
        let texts: Vec<&[u32]> = goldens.cases.iter().map(|c| c.ids.as_slice()).collect();
        let together = logits(&model, &backend, &texts);
        for (text, got) in texts.iter().zip(&together) {
            assert_eq!(logits(&model, &backend, &[text])[0], *got, "{} tokens, {dtype:?}", text.len());
        }
    }
}

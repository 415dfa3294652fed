//! DistilBERT's parity with Hugging Face PyTorch on random models: whole models and single layers, single
//! texts and batches.
//!
//! The goldens' own noise (fp32 against fp64 in PyTorch) is about 2e-6; see test_data/goldens.

use crate::common::goldens::{TOLERANCE, alone_equals_in_a_batch, every_layer_is_pytorch_s, goldens, worst};
use crate::common::{BF16, F16, F32, Tiny};
use tabsense::model::load::Dtype;
use wasm_bindgen_test::wasm_bindgen_test;

fn check(tiny: &Tiny) {
    let goldens = goldens(tiny);
    let lengths: Vec<usize> = goldens.cases.iter().map(|case| case.ids.len()).collect();
    assert!(lengths.contains(&1) && lengths.contains(&512), "{lengths:?}");
    let worst = worst(&tiny.load(Dtype::Auto), &goldens, &goldens.groups());
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
fn layers_are_pytorch_s() {
    every_layer_is_pytorch_s(&F32);
}

#[wasm_bindgen_test(unsupported = test)]
fn alone_equals_in_a_batch_to_the_bit() {
    alone_equals_in_a_batch(&F32);
}

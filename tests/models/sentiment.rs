//! The embedded model on the host, on the CPU and on the graphics device: PyTorch's labels and logits.

use crate::common::{gpu, now};
use serde::Deserialize;
use std::path::PathBuf;
use tabsense::backend::cpu::CpuBackend;
use tabsense::backend::gpu::GpuBackend;
use tabsense::backend::{Backend, Precision};
use tabsense::text_model::{Loader, TextModel};

#[derive(Deserialize)]
struct Golden {
    text: String,
    ids: Vec<u32>,
    logits: Vec<f32>,
}

fn root(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn goldens(path: PathBuf) -> Vec<Golden> {
    let lines = std::fs::read_to_string(path).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn load<B: Backend>(backend: B, folder: PathBuf, dtype: &str) -> TextModel<B> {
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let weights = read("model.safetensors");
    let (config, tokenizer) = (read("config.json"), read("tokenizer.json"));
    let mut loader = Loader::new(backend, &config, &tokenizer, dtype, Some(weights.len())).unwrap();
    weights.chunks(1 << 18).for_each(|chunk| loader.push(chunk).unwrap());
    loader.finish().unwrap()
}

fn softmax(logits: &[f32]) -> Vec<f64> {
    tabsense::head::scores(logits, tabsense::config::Scoring::Softmax)
}

/// How the model's answers compare with PyTorch's.
struct Comparison {
    count: usize,
    same_label: usize,
    mean_difference: f64,
    largest_difference: f64,
}

fn compare<B: Backend>(classifier: &TextModel<B>, goldens: &[Golden]) -> Comparison {
    let best = |scores: &[f64]| tabsense::head::best(scores, 1)[0];
    let mut c = Comparison { count: goldens.len(), same_label: 0, mean_difference: 0.0, largest_difference: 0.0 };
    for golden in goldens {
        let encoding = classifier.encode(&golden.text, false).unwrap();
        assert_eq!(encoding.ids, golden.ids, "{}", golden.text);
        let scores = now(classifier.scores(&[encoding])).unwrap().remove(0);
        let expected = softmax(&golden.logits);
        c.same_label += usize::from(best(&scores) == best(&expected));
        let difference = scores.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        c.mean_difference += difference / goldens.len() as f64;
        c.largest_difference = c.largest_difference.max(difference);
    }
    c
}

/// A model as it ships and its goldens: PyTorch's results for the floats that the file was made from, or
/// represents.
const FIRST: (&str, &str) = ("models/sentiment-en-1", "test_data/sentiment_1_goldens.jsonl");
const PRESENT: (&str, &str) = ("models/sentiment-en", "test_data/sentiment_goldens.jsonl");

fn gives_pytorch_s_labels((folder, file): (&str, &str), largest: f64) {
    let classifier = load(CpuBackend::new(), root(folder), "auto");
    // int4 as well: kernels without instructions for it store int8.
    assert_eq!(classifier.loaded().precision, Precision::Int8);
    let c = compare(&classifier, &goldens(root(file)));
    println!(
        "{folder}, own texts: {} of {} labels, mean |Δp| {:.4}, largest {:.4}",
        c.same_label, c.count, c.mean_difference, c.largest_difference
    );
    assert_eq!(c.same_label, c.count);
    assert!(
        c.mean_difference < 0.01 && c.largest_difference < largest,
        "{} {}",
        c.mean_difference,
        c.largest_difference
    );
}

#[test]
fn the_embedded_model_gives_pytorch_s_labels() {
    // The goldens' floats are those that the file represents: only rounding to int8 again makes a difference.
    gives_pytorch_s_labels(PRESENT, 0.05);
}

#[test]
fn the_first_generation_gives_pytorch_s_labels() {
    // What per-row int8 costs in PyTorch itself: mean 0.0030, largest 0.098 on SST-2's development set.
    gives_pytorch_s_labels(FIRST, 0.1);
}

/// A sample: the portable kernels are slow. The whole set runs through WebAssembly (tests/js/sentiment.test.mjs).
const SAMPLE: usize = 20;

#[test]
fn the_development_set_agrees_with_pytorch() {
    let shared = root("../shared/models/sentiment-en");
    if !shared.exists() {
        println!("SKIPPED: ../shared/models/sentiment-en is not there");
        return;
    }
    let goldens: Vec<Golden> = goldens(shared.join("golden.jsonl")).into_iter().step_by(SAMPLE).collect();
    let c = compare(&load(CpuBackend::new(), shared, "auto"), &goldens);
    println!(
        "sentiment-en fp32, SST-2 dev: {} of {} labels, largest |Δp| {:.1e}",
        c.same_label, c.count, c.largest_difference
    );
    assert_eq!(c.same_label, c.count);
    // Logits within 1e-4 keep a probability within a quarter of twice that.
    assert!(c.largest_difference < 5e-5, "{}", c.largest_difference);
}

/// On the graphics device: the kernels for cards, then the one for software adapters. `largest`: the allowed
/// difference of a score.
fn on_the_device(folder: PathBuf, file: &str, dtype: &str, largest: f64) {
    let backend = GpuBackend::new(now(gpu::device()));
    let classifier = load(backend, folder.clone(), dtype);
    now(classifier.backend().settle()).unwrap();
    let goldens = goldens(root(file));
    for blocks in [false, true] {
        classifier.backend().set_software_kernel(blocks);
        let c = compare(&classifier, &goldens);
        println!(
            "{} as {dtype} on the device: {} of {} labels, largest |Δp| {:.1e}",
            folder.display(),
            c.same_label,
            c.count,
            c.largest_difference
        );
        assert_eq!(c.same_label, c.count);
        assert!(c.largest_difference <= largest, "{dtype}: {}", c.largest_difference);
    }
}

#[test]
fn the_device_gives_pytorch_s_labels_for_integers() {
    // What rounding the weights costs, as on the CPU.
    on_the_device(root(FIRST.0), FIRST.1, "auto", 0.1);
    on_the_device(root(PRESENT.0), PRESENT.1, "auto", 0.05);
}

#[test]
fn the_device_gives_pytorch_s_scores() {
    let shared = root("../shared/models/sentiment-en");
    if !shared.exists() {
        println!("SKIPPED: ../shared/models/sentiment-en is not there");
        return;
    }
    // Logits are within 1e-3 or, with weights rounded to half precision, 5e-3: a score of two labels is off
    // by at most half.
    on_the_device(shared.clone(), FIRST.1, "fp32", 5e-4);
    on_the_device(shared, FIRST.1, "fp16", 2.5e-3);
}

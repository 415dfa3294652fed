//! Real encoders against PyTorch: `npm run check:models`.
//!
//! For each model of test_data/goldens/real.json: whether its tokenizer gives Python's ids and offsets; in
//! fp32 and int8 the largest difference of a number of a text's mean state, the smallest cosine of two, and how
//! long loading took.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Instant;
use tabsense::backend::cpu::CpuBackend;
use tabsense::backend::now;
use tabsense::batch::PackedBatch;
use tabsense::config::{Config, Pooling, Task};
use tabsense::model::load::{Dtype, ModelLoader};
use tabsense::tokenize::{Cut, Tokenizer, TokenizerFiles};

#[path = "../../tests/common/texts.rs"]
mod texts;

/// The cosine of the angle between two vectors.
fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(x * y)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// The most that fp32 may differ.
const TOLERANCE: f32 = 1e-4;

#[derive(Deserialize)]
struct Goldens {
    models: BTreeMap<String, Golden>,
}

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
    digests: String,
}

#[derive(Deserialize)]
struct Case {
    /// One, or a pair.
    texts: Vec<String>,
    ids: Vec<u32>,
    #[serde(default)]
    types: Vec<u8>,
    mean: Vec<f32>,
}

/// The most tokens of a text that the goldens were cut to.
const MAX_TOKENS: usize = 512;

/// How many of the texts have other ids, types or offsets than in Python, and the seconds that reading the files
/// took.
fn check_tokenizer(folder: &Path, golden: &Golden) -> Result<(usize, f64), Box<dyn Error>> {
    let read = |name: &str| fs::read(folder.join(name));
    let (model, json, config) = (read("config.json")?, read("tokenizer.json")?, read("tokenizer_config.json")?);
    let files = TokenizerFiles {
        model_config: Some(&model),
        tokenizer_json: Some(&json),
        config: Some(&config),
        ..TokenizerFiles::default()
    };
    let start = Instant::now();
    let tokenizer = Tokenizer::from_files(&files, Config::for_task(&model, Task::Embed(Pooling::Mean))?.vocabulary)?;
    let seconds = start.elapsed().as_secs_f64();
    let mut wrong = 0;
    for (i, text) in texts::texts().iter().enumerate() {
        let (ids, offsets) = tokenizer.encode_with_offsets(text)?;
        let all = tokenizer.frame(ids, Some(offsets), usize::MAX);
        let digest = texts::digest(&all.ids, &all.offsets.unwrap_or_default());
        wrong += usize::from(golden.digests.get(4 * i..4 * i + 4) != Some(&digest));
    }
    for Case { texts, ids, types, .. } in &golden.cases {
        let encoding = match texts.as_slice() {
            [text, pair] => tokenizer.encode_pair(text, pair, Cut::LongestFirst, MAX_TOKENS, false)?,
            texts => tokenizer.encode_to(&texts.concat(), MAX_TOKENS, false)?,
        };
        let same_types = encoding.types.iter().zip(types.iter().chain(std::iter::repeat(&0))).all(|(a, b)| a == b);
        wrong += usize::from(encoding.ids != *ids || !same_types);
    }
    Ok((wrong, seconds))
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("Usage: check_models FOLDER (the folder with the models)")?;
    let goldens = concat!(env!("CARGO_MANIFEST_DIR"), "/test_data/goldens/real.json");
    let goldens: Goldens = serde_json::from_slice(&fs::read(goldens)?)?;
    println!("{:<24} {:>6} {:>12} {:>12} {:>12}", "model", "dtype", "difference", "cosine", "loaded in");
    let mut exact = true;
    for (name, golden) in &goldens.models {
        let folder = Path::new(&folder).join(name);
        let cases = &golden.cases;
        let (wrong, seconds) = check_tokenizer(&folder, golden)?;
        let all = golden.digests.len() / 4 + cases.len();
        println!("{name:<24} tokens {:>12} {:>12} {seconds:>10.1} s", format!("{wrong} of"), format!("{all} texts"));
        exact &= wrong == 0;
        let config = fs::read(folder.join("config.json"))?;
        let files = ["model.safetensors", "model.onnx"].map(|file| (file, folder.join(file)));
        let files = files.iter().filter(|(_, path)| path.exists());
        let each = [("fp32", Dtype::Fp32), ("auto", Dtype::Auto), ("int8", Dtype::Int8)];
        for ((file, path), (dtype_name, dtype)) in files.flat_map(|file| each.map(|entry| (file, entry))) {
            let weights = fs::read(path)?;
            let config = Config::for_task(&config, Task::Embed(Pooling::Mean))?;
            let start = Instant::now();
            let mut loader = ModelLoader::new(CpuBackend::new(), config, dtype, Some(weights.len()));
            for chunk in weights.chunks(1 << 18) {
                loader.push(chunk)?;
            }
            let (model, backend, loaded) = loader.finish()?;
            let seconds = start.elapsed().as_secs_f64();
            let batch = PackedBatch::with_types(cases.iter().map(|case| (case.ids.as_slice(), case.types.as_slice())));
            let means = now(model.outputs(&backend, &batch))?;
            let expected = || cases.iter().flat_map(|case| &case.mean);
            let difference = means.iter().zip(expected()).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max);
            let vectors = means.chunks(model.config().width).zip(cases);
            let cosine = vectors.map(|(x, case)| cosine(x, &case.mean)).fold(1.0, f64::min);
            let name = format!("{}{}", if *file == "model.onnx" { "  its ONNX: " } else { "" }, name);
            println!("{name:<24} {dtype_name:>6} {difference:>12.1e} {cosine:>12.6} {seconds:>10.1} s");
            loaded.warnings.iter().for_each(|warning| println!("  {warning}"));
            exact &= dtype_name != "fp32" || difference <= TOLERANCE;
        }
    }
    if exact {
        return Ok(());
    }
    Err(format!("Tokens differ from Python's, or fp32 differs from PyTorch by more than {TOLERANCE:.0e}.").into())
}

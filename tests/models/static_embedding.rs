//! Static embeddings against model2vec and sentence-transformers (test_data/make_static.py).

use crate::common::edit::{self, Tensor};
use crate::common::now;
use serde::Deserialize;
use serde_json::{Value, json};
use tabsense::backend::cpu::CpuBackend;
use tabsense::batch::PackedBatch;
use tabsense::config::{Config, Pooling, Task};
use tabsense::model::Model;
use tabsense::model::load::{Dtype, ModelLoader};
use tabsense::text_model::{Loader, tokenizer_of};
use tabsense::tokenize::{Tokenizer, TokenizerFiles};
use tabsense::{Error, ErrorKind, Result};
use wasm_bindgen_test::wasm_bindgen_test;

/// For a number of a mean, as a share of the largest. Python adds in F32, so the mean of 600 equal rows is
/// off by 6e-6; for a few rows it is as exact as here.
const TOLERANCE: f32 = 1e-5;
const TOLERANCE_OF_FEW: f32 = 1e-6;
const MEAN: Task = Task::Embed(Pooling::Mean);

#[derive(Deserialize)]
struct Goldens {
    texts: Vec<(String, usize)>,
    models: Vec<Golden>,
}

#[derive(Deserialize)]
struct Golden {
    name: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    ids: Vec<u32>,
    vector: Vec<f32>,
}

struct Files {
    config: &'static [u8],
    tokenizer: &'static [u8],
    weights: &'static [u8],
}

macro_rules! file {
    ($path:literal) => {
        include_bytes!(concat!("../../test_data/static/", $path))
    };
}

/// The configuration of a sentence-transformers folder, which has no `config.json`.
const BAG: &[u8] = br#"{"model_type": "static-embedding"}"#;

fn files(name: &str) -> Files {
    let (config, tokenizer, weights): (&[u8], &[u8], &[u8]) = match name {
        "plain" => (file!("plain/config.json"), file!("plain/tokenizer.json"), file!("plain/model.safetensors")),
        "mapped" => (file!("mapped/config.json"), file!("plain/tokenizer.json"), file!("mapped/model.safetensors")),
        "weighted" => {
            (file!("weighted/config.json"), file!("plain/tokenizer.json"), file!("weighted/model.safetensors"))
        }
        "int8" => (file!("int8/config.json"), file!("plain/tokenizer.json"), file!("int8/model.safetensors")),
        "unigram" => {
            (file!("unigram/config.json"), file!("unigram/tokenizer.json"), file!("unigram/model.safetensors"))
        }
        "bag" => (BAG, file!("bag/tokenizer.json"), file!("bag/model.safetensors")),
        "bag-cut" => (BAG, file!("bag-cut/tokenizer.json"), file!("bag-cut/model.safetensors")),
        other => panic!("no model {other}"),
    };
    Files { config, tokenizer, weights }
}

fn load(config: &[u8], weights: &[u8], dtype: Dtype) -> Result<(Model<CpuBackend>, CpuBackend)> {
    let mut loader = ModelLoader::new(CpuBackend::new(), Config::for_task(config, MEAN)?, dtype, None);
    // In pieces: the sizes come from the header.
    for piece in weights.chunks(1000) {
        loader.push(piece)?;
    }
    let (model, backend, loaded) = loader.finish()?;
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    Ok((model, backend))
}

fn tokenizer(config: &[u8], file: &[u8]) -> (Tokenizer, usize) {
    // The other files don't matter.
    let other = Some(&br#"{"model_max_length": 3, "tokenizer_class": "BertTokenizer"}"#[..]);
    let files =
        TokenizerFiles { tokenizer_json: Some(file), config: other, model_config: other, ..TokenizerFiles::default() };
    tokenizer_of(&Config::for_task(config, MEAN).unwrap(), &files).unwrap()
}

#[wasm_bindgen_test(unsupported = test)]
fn tokens_and_means_are_python_s() {
    let goldens: Goldens = serde_json::from_str(include_str!("../../test_data/goldens/static.json")).unwrap();
    let (mut models, mut worst) = (0, 0.0f32);
    for Golden { name, cases } in &goldens.models {
        let files = files(name);
        let (model, backend) = load(files.config, files.weights, Dtype::Auto).unwrap();
        let (tokenizer, max_tokens) = tokenizer(files.config, files.tokenizer);
        let mut texts = Vec::new();
        for ((part, times), case) in goldens.texts.iter().zip(cases) {
            let text = part.repeat(*times);
            let place = format!("{name}: {part:?} × {times}");
            let plain = tokenizer.encode_to(&text, max_tokens, false).unwrap();
            assert!(plain.ids == case.ids, "{place}: {} tokens for {}", plain.ids.len(), case.ids.len());
            assert_eq!(plain.types.len(), case.ids.len(), "{place}");
            let with_offsets = tokenizer.encode_to(&text, max_tokens, true).unwrap();
            assert_eq!(with_offsets.ids, case.ids, "{place}");
            assert_eq!(with_offsets.offsets.unwrap().len(), case.ids.len(), "{place}");
            if case.ids.is_empty() {
                assert!(case.vector.iter().all(|x| *x == 0.0), "{place}");
            } else {
                texts.push((case, place));
            }
        }
        let batch = PackedBatch::new(texts.iter().map(|(case, _)| case.ids.as_slice()));
        let states = now(model.outputs(&backend, &batch)).unwrap();
        for (got, (case, place)) in states.chunks_exact(model.config().width).zip(&texts) {
            assert_eq!(got.len(), case.vector.len(), "{place}");
            let largest = case.vector.iter().fold(1.0f32, |m, x| m.max(x.abs()));
            for (got, wanted) in got.iter().zip(&case.vector) {
                let difference = (got - wanted).abs() / largest;
                let tolerance = if case.ids.len() <= 16 { TOLERANCE_OF_FEW } else { TOLERANCE };
                assert!(difference <= tolerance, "{place}: {got} for {wanted}");
                worst = worst.max(difference);
            }
        }
        assert!(texts.len() > 5, "{name}");
        models += 1;
    }
    println!("largest difference {worst:.1e}");
    assert_eq!(models, 7);
}

#[wasm_bindgen_test(unsupported = test)]
fn reports_that_a_text_was_cut() {
    let truncated = |name: &str, text: &str| {
        let files = files(name);
        let (tokenizer, max_tokens) = tokenizer(files.config, files.tokenizer);
        tokenizer.encode_to(text, max_tokens, false).unwrap().truncated
    };
    assert!(!truncated("plain", "a b c") && !truncated("plain", &"a ".repeat(512)));
    assert!(truncated("plain", &"a ".repeat(513)), "tokens");
    assert!(truncated("plain", &"\u{3a9}".repeat(10_000)), "characters");
    assert!(truncated("weighted", "a b c d e f") && !truncated("mapped", &"a ".repeat(5000)));
    assert!(truncated("bag-cut", &"a ".repeat(13)) && !truncated("bag", &"a ".repeat(5000)));
}

#[wasm_bindgen_test(unsupported = test)]
fn a_table_is_rounded_where_int8_is_asked_for() {
    let files = files("plain");
    let states = |dtype| {
        let (model, backend) = load(files.config, files.weights, dtype).unwrap();
        now(model.outputs(&backend, &PackedBatch::new([&[7, 8, 9][..]]))).unwrap()
    };
    let (exact, rounded) = (states(Dtype::Auto), states(Dtype::Int8));
    assert_ne!(exact, rounded);
    // Half a step, for rows whose largest number is at most 2.
    assert!(exact.iter().zip(&rounded).all(|(a, b)| (a - b).abs() < 1.0 / 127.0), "{exact:?} {rounded:?}");
}

fn error_of(config: &[u8], weights: &[u8]) -> Error {
    load(config, weights, Dtype::Auto).err().expect("an error")
}

#[wasm_bindgen_test(unsupported = test)]
fn weights_that_are_not_a_static_embedding_are_refused() {
    let files = files("mapped");
    let edited = |edit: &dyn Fn(&mut Vec<Tensor>)| {
        let mut tensors = edit::read(files.weights);
        edit(&mut tensors);
        error_of(files.config, &edit::write(&tensors))
    };
    let numbers = |name: &str, values: &[f32]| Tensor::f32(name, &[values.len()], values);
    type Edit<'a> = (&'a str, &'a dyn Fn(&mut Vec<Tensor>));
    let cases: [Edit; 6] = [
        ("lack \"embeddings\"", &|all| all.retain(|t| t.name != "embeddings")),
        ("lack \"embeddings\"", &|all| *all = vec![numbers("embeddings", &[1.0; 4])]),
        ("maps token 5 to no row of the table, which has 20", &|all| {
            let mut rows = vec![0.0; 997];
            rows[5] = 20.0;
            *edit::find(all, "mapping") = numbers("mapping", &rows);
        }),
        ("maps token 0 to no row", &|all| *edit::find(all, "mapping") = numbers("mapping", &[0.5; 997])),
        ("\"weights\" has the shape [996]", &|all| *edit::find(all, "weights") = numbers("weights", &[1.0; 996])),
        ("supported", &|all| *edit::find(all, "embeddings") = Tensor::f32("embeddings", &[0, 8], &[])),
    ];
    for (part, edit) in cases {
        let error = edited(edit);
        assert_eq!(error.kind(), ErrorKind::WeightsMismatch, "{error}");
        assert!(error.message().contains(part), "{error}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_static_embedding_only_supports_mean_pooling() {
    for task in [Task::Classify, Task::Encode, Task::Tag, Task::Embed(Pooling::First)] {
        let error = Config::for_task(files("plain").config, task).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConfigUnsupported);
        assert!(error.message().contains("Load it as an embedder"), "{error}");
    }
    // As model2vec writes it for a user's own table.
    let own = br#"{"normalize": false, "max_length": null, "embedding_dtype": "float32"}"#;
    let config = Config::for_task(own, MEAN).unwrap();
    assert_eq!(config.architecture.name(), "model2vec");
    assert!(config.max_tokens > 1_000_000);
    for wrong in [json!(0), json!("512"), json!(-1), json!(1.5)] {
        let mut config: Value = serde_json::from_slice(files("plain").config).unwrap();
        config["max_length"] = wrong;
        let error = Config::for_task(config.to_string().as_bytes(), MEAN).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_tokenizer_of_more_tokens_than_vectors_is_refused() {
    let files = files("plain");
    let load = |tokenizer: &[u8]| {
        let files = TokenizerFiles { tokenizer_json: Some(tokenizer), ..TokenizerFiles::default() };
        let mut loader = Loader::with_files(CpuBackend::new(), MEAN, BAG, files, "auto", None).unwrap();
        loader.push(file!("plain/model.safetensors")).unwrap();
        loader.finish()
    };
    let model = load(files.tokenizer).unwrap();
    assert!(model.encode("", false).unwrap().ids.is_empty());
    assert_eq!((model.config().width, model.config().vocabulary), (8, 997));
    let mut larger: Value = serde_json::from_slice(files.tokenizer).unwrap();
    larger["model"]["vocab"]["more"] = json!(997);
    let error = load(larger.to_string().as_bytes()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::TokenizerInvalid);
    assert!(error.message().contains("998 tokens, but the weights have vectors for 997"), "{error}");
}

//! Calibration: statistics of a model's inputs, and the resulting int4 file.

use crate::common::edit::{self, Tensor};
use crate::common::{F32, Random, largest_difference, load, logits, now};
use serde_json::{Value, json};
use std::collections::HashMap;
use tabsense::ErrorKind;
use tabsense::backend::{Backend, Precision};
use tabsense::batch::PackedBatch;
use tabsense::config::Config;
use tabsense::convert::{Converter, Format};
use tabsense::model::architecture::Network;
use tabsense::model::load::{Dtype, ModelLoader};
use tabsense::model::plan::{Narrowest, Place, Plan};
use tabsense::model::{Model, Tap};
use tabsense::quantize::calibration::Loader;
use tabsense::quantize::observer::Observer;
use tabsense::tokenize::TokenizerFiles;
use tabsense::weights::int4;
use wasm_bindgen_test::wasm_bindgen_test;

const TEXTS: &[&[u32]] = &[&[2, 474, 412, 254, 39, 3], &[2, 99, 3], &[2, 7, 7, 7, 300, 3], &[2, 3]];

fn observed(config: Config, weights: &[u8]) -> (Model<Observer>, Observer) {
    let mut loader = ModelLoader::new(Observer::default(), config, Dtype::Fp32, None);
    loader.push(weights).unwrap();
    let (model, backend, _) = loader.finish().unwrap();
    (model, backend)
}

#[wasm_bindgen_test(unsupported = test)]
fn observing_changes_no_answer() {
    let (model, backend) = observed(F32.config(), F32.weights);
    let batch = PackedBatch::new(TEXTS.iter().copied());
    let answers = now(model.outputs(&backend, &batch)).unwrap();
    let (plain, cpu) = F32.load(Dtype::Fp32);
    assert_eq!(answers, logits(&plain, &cpu, TEXTS).concat());
}

#[wasm_bindgen_test(unsupported = test)]
fn what_is_observed_are_the_products_inputs() {
    let (model, backend) = observed(F32.config(), F32.weights);
    let (width, layers) = (model.config().width, model.config().layers);
    // The inputs that a tap shows, by a tensor that multiplies them: each layer's keys, its first
    // feed-forward product.
    let layer = |i: usize, name: &str| format!("distilbert.transformer.layer.{i}.{name}.weight");
    let mut inputs: Vec<(String, Vec<f32>)> = Vec::new();
    for texts in [&TEXTS[..1], &TEXTS[1..]] {
        let batch = PackedBatch::new(texts.iter().copied());
        let forward = model.forward(&backend, &batch, |tap, x| {
            let tensor = match tap {
                Tap::Embedding => layer(0, "attention.k_lin"),
                Tap::Attention(i) => layer(i, "ffn.lin1"),
                Tap::Ffn(i) if i + 1 < layers => layer(i + 1, "attention.k_lin"),
                Tap::Ffn(_) => "pre_classifier.weight".into(),
            };
            inputs.push((tensor, now(backend.read(x)).unwrap()));
        });
        now(forward).unwrap();
    }
    for (tensor, _) in &inputs[..inputs.len() / 2] {
        let mut sums = vec![0.0f64; width * width];
        let mut rows = 0;
        for x in inputs.iter().filter(|(of, _)| of == tensor).flat_map(|(_, x)| x.chunks(width)) {
            rows += 1;
            for (i, a) in x.iter().enumerate() {
                sums[i * width..][..width].iter_mut().zip(x).for_each(|(s, b)| *s += f64::from(a * b));
            }
        }
        let sums: Vec<f32> = sums.iter().map(|x| *x as f32).collect();
        let place = model.plan().slots().iter().find(|slot| slot.name == *tensor).unwrap().place;
        let Place::Rows { matrix, .. } = place else { panic!("{tensor} is a matrix") };
        let gram = model.weights().matrix(matrix).gram();
        let gram = gram.borrow();
        let last = tensor == "pre_classifier.weight" || *tensor == layer(layers - 1, "ffn.lin1");
        assert_eq!((gram.rows(), rows), if last { (TEXTS.len(), TEXTS.len()) } else { (17, 17) }, "{tensor}");
        // 17 products of values of a few units, each rounded once.
        assert!(largest_difference(gram.values(), &sums) < 1e-4, "{tensor}");
    }
}

/// The tensors that a configuration needs.
fn plan(config: &[u8]) -> Plan {
    Network::new(&Config::from_json(config).unwrap()).1
}

/// Whether a place's matrix is stored in 4 bits.
fn supports_int4(plan: &Plan, place: Place) -> bool {
    matches!(place, Place::Rows { .. }) && plan.facts(place).unwrap().supports_int4()
}

/// A random model of widths that int4 supports, with the vocabulary of the tiny models.
pub fn random_model() -> (Vec<u8>, Vec<u8>) {
    let mut config: Value = serde_json::from_slice(F32.config).unwrap();
    for (key, value) in [("dim", 64), ("hidden_dim", 96), ("n_heads", 4), ("n_layers", 2)] {
        config[key] = json!(value);
    }
    let config = config.to_string().into_bytes();
    let mut random = Random(7);
    let tensors: Vec<Tensor> = plan(&config)
        .slots()
        .iter()
        .map(|e| {
            let n = e.shape.iter().product();
            let (middle, spread) = match e.place {
                // Of low rank, as real ones nearly are: rounding exploits what a product's inputs have
                // in common.
                Place::Table(_) => return low_rank(&e.name, &e.shape, &mut random),
                Place::Gamma(_) => (1.0, 0.1),
                Place::Rows { .. } => (0.0, 1.0 / (e.shape[1] as f32).sqrt()),
                _ => (0.0, 0.5),
            };
            let values: Vec<f32> = random.values(n).iter().map(|x| middle + spread * x).collect();
            Tensor::f32(&e.name, &e.shape, &values)
        })
        .collect();
    (config, edit::write(&tensors))
}

/// A matrix of rank 4.
fn low_rank(name: &str, shape: &[usize], random: &mut Random) -> Tensor {
    let directions = random.values(4 * shape[1]);
    let rows = (0..shape[0]).flat_map(|_| {
        let shares = random.values(4);
        (0..shape[1]).map(|k| (0..4).map(|i| shares[i] * directions[i * shape[1] + k]).sum()).collect::<Vec<f32>>()
    });
    Tensor::f32(name, shape, &rows.collect::<Vec<_>>())
}

/// Texts made of tokens in the vocabulary.
pub fn texts(count: usize) -> Vec<String> {
    let tokenizer: Value = serde_json::from_slice(F32.tokenizer).unwrap();
    let words = tokenizer["model"]["vocab"].as_object().unwrap().keys();
    let words: Vec<&String> = words.filter(|word| word.bytes().all(|b| b.is_ascii_lowercase())).collect();
    let mut random = Random(3);
    let mut text =
        || (0..12).map(|_| words[random.bits() as usize % words.len()].as_str()).collect::<Vec<_>>().join(" ");
    (0..count).map(|_| text()).collect()
}

/// The tokenizer of the random model.
const FILES: TokenizerFiles = TokenizerFiles {
    model_config: None,
    tokenizer_json: Some(F32.tokenizer),
    vocab: None,
    merges: None,
    sentencepiece: None,
    config: None,
    special_tokens_map: None,
    added_tokens: None,
};

pub fn calibrated(config: &[u8], weights: &[u8], texts: &[String], size: usize) -> tabsense::Result<Vec<u8>> {
    calibrated_with(FILES, Narrowest::Int8, config, weights, texts, size)
}

/// The same with tables in int4.
pub fn with_int4_tables(config: &[u8], weights: &[u8], texts: &[String], size: usize) -> tabsense::Result<Vec<u8>> {
    calibrated_with(FILES, Narrowest::Int4, config, weights, texts, size)
}

fn calibrated_with(
    files: TokenizerFiles,
    tables: Narrowest,
    config: &[u8],
    weights: &[u8],
    texts: &[String],
    size: usize,
) -> tabsense::Result<Vec<u8>> {
    let mut loader = Loader::new(config, files, tables)?;
    weights.chunks(size).try_for_each(|chunk| loader.push(chunk))?;
    let mut calibration = loader.finish()?;
    calibration.read(texts)?;
    let mut converter = Converter::int4(calibration.finish()?);
    let mut out = Vec::new();
    for chunk in weights.chunks(size) {
        out.extend(converter.push(chunk)?);
    }
    out.extend(converter.finish()?);
    Ok(out)
}

/// The file with the weights of each matrix that can be int4 rounded to nearest, in F32.
fn nearest(config: &[u8], weights: &[u8]) -> Vec<u8> {
    let plan = plan(config);
    let places: HashMap<&str, Place> = plan.slots().iter().map(|slot| (slot.name.as_str(), slot.place)).collect();
    let mut tensors = edit::read(weights);
    for tensor in &mut tensors {
        if !supports_int4(&plan, places[tensor.name.as_str()]) {
            continue;
        }
        let values: Vec<f32> = bytemuck::pod_collect_to_vec(&tensor.bytes);
        let columns = tensor.shape[1];
        let (mut q, mut scales) = (vec![0; columns], vec![0.0; columns / int4::GROUP]);
        let rounded = values.chunks_exact(columns).flat_map(|row| {
            int4::quantize_row(row, &mut q, &mut scales);
            int4::dequantized(&int4::pack(&q).collect::<Vec<_>>(), &scales)
        });
        *tensor = Tensor::f32(&tensor.name, &tensor.shape, &rounded.collect::<Vec<_>>());
    }
    edit::write(&tensors)
}

/// The rms error of the file's logits against those of the original weights, both in f32.
fn error(config: &[u8], weights: &[u8], file: &[u8]) -> f32 {
    let answers = |file: &[u8]| {
        let (model, backend) = load(Config::from_json(config).unwrap(), Dtype::Fp32, [file]).unwrap();
        let mut random = Random(11);
        let texts: Vec<Vec<u32>> = (0..40).map(|_| (0..14).map(|_| 5 + random.bits() as u32 % 900).collect()).collect();
        logits(&model, &backend, &texts.iter().map(Vec::as_slice).collect::<Vec<_>>()).concat()
    };
    let (mine, original) = (answers(file), answers(weights));
    let squares: f32 = mine.iter().zip(&original).map(|(x, y)| (x - y).powi(2)).sum();
    (squares / mine.len() as f32).sqrt()
}

#[wasm_bindgen_test(unsupported = test)]
fn a_calibrated_file_is_closer_to_its_original_than_one_rounded_to_nearest() {
    let (config, weights) = random_model();
    let texts = texts(200);
    let file = calibrated(&config, &weights, &texts, usize::MAX).unwrap();
    assert_eq!(file, calibrated(&config, &weights, &texts, 1009).unwrap(), "any cut gives the same file");
    let mut loader = ModelLoader::new(Observer::default(), Config::from_json(&config).unwrap(), Dtype::Auto, None);
    loader.push(&file).unwrap();
    assert!(loader.finish().is_ok());
    let compensated = error(&config, &weights, &file);
    let nearest = error(&config, &weights, &nearest(&config, &weights));
    println!("rms error of the logits: {compensated:.4}, rounded to nearest {nearest:.4}");
    assert!(compensated < 0.7 * nearest, "{compensated} and {nearest}");
}

#[wasm_bindgen_test(unsupported = test)]
fn a_calibrated_file_has_int4_where_the_model_allows_it() {
    let (config, weights) = random_model();
    let file = calibrated(&config, &weights, &texts(20), usize::MAX).unwrap();
    let parsed = Config::from_json(&config).unwrap();
    let tensors = edit::read(&file);
    let plan = plan(&config);
    for expected in plan.slots() {
        let dtype = tensors.iter().find(|t| t.name == expected.name).expect("no tensor is lost").dtype;
        let wanted = match expected.place {
            place if supports_int4(&plan, place) => "U8",
            Place::Rows { .. } | Place::Table(_) => "I8",
            _ => "F32",
        };
        assert_eq!(format!("{dtype:?}"), wanted, "{}", expected.name);
    }
    let mut loader = ModelLoader::new(tabsense::backend::cpu::CpuBackend::new(), parsed, Dtype::Auto, None);
    loader.push(&file).unwrap();
    let (_, backend, loaded) = loader.finish().unwrap();
    assert_eq!(loaded.precision, backend.precision(Precision::Int4));
    let json = String::from_utf8_lossy(&file[8..2000]);
    assert!(json.contains("\"quantization\":\"int4\""));
}

/// Old names, no prefix, integer positions, another task's head: the result equals that of the plain
/// checkpoint.
#[wasm_bindgen_test(unsupported = test)]
fn a_calibration_takes_what_pytorch_loads() {
    let (config, weights) = random_model();
    let texts = texts(20);
    let mut tensors = edit::read(&weights);
    for t in &mut tensors {
        t.name = t.name.replace("distilbert.", "").replace("LayerNorm.weight", "LayerNorm.gamma");
    }
    let integers = |name: &str| Tensor {
        name: name.into(),
        dtype: safetensors::Dtype::I64,
        shape: vec![1, 4],
        bytes: vec![0xff; 32],
    };
    tensors.insert(2, integers("embeddings.position_ids"));
    tensors.insert(5, integers("qa_outputs.codes"));
    let by_name = |file: &[u8]| {
        let tensors = edit::read(file).into_iter().map(|t| (t.name, t.bytes));
        tensors.collect::<std::collections::BTreeMap<_, _>>()
    };
    let old = calibrated(&config, &edit::write(&tensors), &texts, 4096).unwrap();
    assert_eq!(by_name(&old), by_name(&calibrated(&config, &weights, &texts, 4096).unwrap()));
}

/// Without tokenizer.json, older repositories' files tokenize the texts, as when the model is loaded.
#[wasm_bindgen_test(unsupported = test)]
fn a_calibration_reads_the_tokenizer_s_older_files() {
    let (config, weights) = random_model();
    let texts = texts(20);
    let tokenizer: Value = serde_json::from_slice(F32.tokenizer).unwrap();
    let vocab = tokenizer["model"]["vocab"].as_object().unwrap();
    let mut words: Vec<(&str, u64)> = vocab.iter().map(|(word, id)| (word.as_str(), id.as_u64().unwrap())).collect();
    words.sort_by_key(|(_, id)| *id);
    let vocab: String = words.iter().map(|(word, _)| format!("{word}\n")).collect();
    let files = TokenizerFiles { vocab: Some(vocab.as_bytes()), ..TokenizerFiles::default() };
    let older = calibrated_with(files, Narrowest::Int8, &config, &weights, &texts, usize::MAX).unwrap();
    assert_eq!(older, calibrated(&config, &weights, &texts, usize::MAX).unwrap());
    // tokenizer_config.json counts: here it cuts texts after three tokens.
    let files = TokenizerFiles { config: Some(br#"{"model_max_length": 3}"#), ..files };
    assert_ne!(older, calibrated_with(files, Narrowest::Int8, &config, &weights, &texts, usize::MAX).unwrap());
    let error =
        calibrated_with(TokenizerFiles::default(), Narrowest::Int8, &config, &weights, &texts, usize::MAX).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TokenizerInvalid, "{error}");
}

#[wasm_bindgen_test(unsupported = test)]
fn weights_beyond_int4_s_range_are_refused() {
    let (config, weights) = random_model();
    let mut tensors = edit::read(&weights);
    let name = "distilbert.transformer.layer.1.ffn.lin2.weight";
    edit::find(&mut tensors, name).bytes[..4].copy_from_slice(&1e6f32.to_le_bytes());
    let error = calibrated(&config, &edit::write(&tensors), &texts(20), 4096).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFinite);
    assert!(error.message().contains(name) && error.message().contains("int8"), "{error}");
}

/// The converter may receive any file, not just the calibrated one.
#[wasm_bindgen_test(unsupported = test)]
fn another_file_than_the_calibrated_one_is_refused() {
    let (config, weights) = random_model();
    let mut loader = Loader::new(&config, FILES, Narrowest::Int8).unwrap();
    loader.push(&weights).unwrap();
    let mut calibration = loader.finish().unwrap();
    calibration.read(&texts(5)).unwrap();
    let error = Converter::int4(calibration.finish().unwrap()).push(F32.weights).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WeightsMismatch, "{error}");
}

#[wasm_bindgen_test(unsupported = test)]
fn a_calibration_rejects_unusable_input() {
    let (config, weights) = random_model();
    let kind = |weights: &[u8], texts: &[String]| calibrated(&config, weights, texts, 4096).unwrap_err().kind();
    assert_eq!(kind(&weights, &[]), ErrorKind::InvalidArgument);
    assert_eq!(kind(&weights, &["\u{200b}".into()]), ErrorKind::InvalidArgument);
    assert_eq!(kind(&weights[..weights.len() - 1], &texts(1)), ErrorKind::WeightsLength);
    let mut converter = Converter::new(Format::Int8);
    let mut int8 = converter.push(&weights).unwrap();
    int8.extend(converter.finish().unwrap());
    assert_eq!(kind(&int8, &texts(1)), ErrorKind::WeightsMismatch);
    let error = Loader::new(b"{", FILES, Narrowest::Int4).err().expect("refused");
    assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
}

//! Files that PyTorch loads although their tensors don't match the model's exactly: more tensors, other
//! names, other types.

use crate::common::edit::{self, Tensor};
use crate::common::{F32, load, logits};
use safetensors::Dtype as File;
use serde_json::Value;
use tabsense::backend::cpu::CpuBackend;
use tabsense::backend::{Backend, Precision};
use tabsense::config::Config;
use tabsense::convert::{Converter, Format};
use tabsense::model::architecture::Network;
use tabsense::model::load::{Dtype, ModelLoader};
use tabsense::{Error, ErrorKind};
use wasm_bindgen_test::wasm_bindgen_test;

const TEXT: &[u32] = &[2, 474, 412, 254, 39, 3];

fn edited(edit: impl FnOnce(&mut Vec<Tensor>)) -> Vec<u8> {
    let mut tensors = edit::read(F32.weights);
    edit(&mut tensors);
    edit::write(&tensors)
}

fn renamed(rename: impl Fn(&str) -> String) -> Vec<u8> {
    edited(|tensors| tensors.iter_mut().for_each(|t| t.name = rename(&t.name)))
}

fn stored(name: &str, dtype: File, shape: &[usize], byte: u8) -> Tensor {
    let bytes = vec![byte; shape.iter().product::<usize>() * dtype.bitsize() / 8];
    Tensor { name: name.into(), dtype, shape: shape.to_vec(), bytes }
}

pub fn convert(file: &[u8], format: Format) -> Result<(Vec<u8>, Vec<String>), Error> {
    let mut converter = Converter::new(format);
    let mut out = converter.push(file)?;
    let warnings = converter.warnings().to_vec();
    out.extend(converter.finish()?);
    Ok((out, warnings))
}

fn warnings(config: Config, file: &[u8]) -> Vec<String> {
    let mut loader = ModelLoader::new(CpuBackend::new(), config, Dtype::Auto, None);
    loader.push(file).unwrap();
    loader.finish().unwrap().2.warnings
}

/// Checks that a file gives the plain one's answers, converts to the same bytes, and causes `count` warnings
/// either way.
pub fn check(file: &[u8], count: usize, what: &str) -> Vec<String> {
    let (model, backend) = load(F32.config(), Dtype::Auto, file.chunks(1009)).unwrap_or_else(|e| panic!("{what}: {e}"));
    let (plain, plain_backend) = F32.load(Dtype::Auto);
    assert_eq!(logits(&model, &backend, &[TEXT]), logits(&plain, &plain_backend, &[TEXT]), "{what}");
    for format in [Format::Int8, Format::Fp16] {
        let (converted, warnings) = convert(file, format).unwrap_or_else(|e| panic!("{what}: {e}"));
        let names = |file: &[u8]| {
            let mut tensors = edit::read(file);
            tensors.sort_by(|a, b| a.name.cmp(&b.name));
            tensors.into_iter().map(|t| (t.name, t.shape, t.bytes)).collect::<Vec<_>>()
        };
        assert_eq!(names(&converted), names(&convert(F32.weights, format).unwrap().0), "{what}, {format:?}");
        assert_eq!(warnings.len(), count, "{what}: {warnings:?}");
    }
    let warnings = warnings(F32.config(), file);
    assert_eq!(warnings.len(), count, "{what}: {warnings:?}");
    warnings
}

#[wasm_bindgen_test(unsupported = test)]
fn tensors_that_the_model_does_not_have_are_left_out_with_a_warning() {
    let layer = "distilbert.transformer.layer.0.attention.q_lin";
    for extra in [
        vec![
            stored("vocab_transform.weight", File::F32, &[4, 4], 0),
            stored("vocab_transform.bias", File::F32, &[4], 0),
        ],
        vec![stored("loss_fct.weight", File::F32, &[3], 1)],
        vec![
            stored("step", File::I64, &[], 1),
            stored("mask", File::BOOL, &[3], 1),
            stored("codes", File::U8, &[3], 1),
        ],
        vec![stored("ema_decay", File::F32, &[], 0xff), stored("half", File::F16, &[2, 2], 0xff)],
        vec![stored("empty", File::F32, &[0], 0), stored("empty2", File::F32, &[0, 4], 0)],
        vec![stored("eights", File::F8_E4M3, &[3, 3], 1), stored("thresholds", File::F64, &[3], 0xff)],
        vec![stored(&format!("{layer}.lora_A.default.weight"), File::F32, &[2, 4], 0)],
        vec![stored("pooler.dense.weight", File::F32, &[4, 4], 0)],
        vec![stored("classifier.weight_scale", File::F32, &[], 0)],
    ] {
        let names: Vec<String> = extra.iter().map(|t| format!("{:?}", t.name)).collect();
        let warnings = check(&edited(|t| t.splice(2..2, extra).for_each(drop)), 1, &names[0]);
        assert!(names.iter().all(|name| warnings[0].contains(name)), "{warnings:?}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn ignores_buffers_of_old_checkpoints_without_a_warning() {
    for name in
        ["distilbert.embeddings.position_ids", "distilbert.embeddings.token_type_ids", "embeddings.position_ids"]
    {
        check(&edited(|t| t.insert(3, stored(name, File::I64, &[1, 512], 0xff))), 0, name);
    }
}

/// Rows of no bytes: a reader that stepped through them would never finish.
#[wasm_bindgen_test(unsupported = test)]
fn a_tensor_of_rows_without_end() {
    for (name, count) in [("distilbert.embeddings.position_ids", 0), ("more", 1)] {
        check(&edited(|t| t.push(stored(name, File::F32, &[usize::MAX >> 1, 0], 0))), count, name);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn layers_that_the_configuration_does_not_count() {
    let mut config: Value = serde_json::from_slice(F32.config).unwrap();
    config["n_layers"] = 2.into();
    let config = Config::from_json(config.to_string().as_bytes()).unwrap();
    let without = edited(|t| t.retain(|t| !t.name.contains("layer.2.")));
    let (model, backend) = load(config.clone(), Dtype::Auto, [F32.weights]).unwrap();
    let (plain, plain_backend) = load(config.clone(), Dtype::Auto, [without.as_slice()]).unwrap();
    assert_eq!(logits(&model, &backend, &[TEXT]), logits(&plain, &plain_backend, &[TEXT]));
    let warnings = warnings(config, F32.weights);
    assert!(warnings.len() == 1 && warnings[0].contains("beyond those in config.json"), "{warnings:?}");
}

#[wasm_bindgen_test(unsupported = test)]
fn names_of_other_versions() {
    let old =
        |name: &str| name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta");
    let bare = |name: &str| name.replace("distilbert.", "");
    check(&renamed(old), 0, "gamma and beta");
    check(&renamed(bare), 0, "no prefix");
    check(&renamed(|name| old(&bare(name))), 0, "no prefix, gamma and beta");
    check(&renamed(|name| if name.contains("layer.1") { bare(name) } else { name.into() }), 0, "some without prefix");
    // transformers removes the base's prefix if the name without it is one of the model's.
    check(&renamed(|name| format!("distilbert.{}", bare(name))), 0, "a prefix before the head, too");
}

#[wasm_bindgen_test(unsupported = test)]
fn an_int8_file_without_prefix() {
    let (int8, _) = convert(F32.weights, Format::Int8).unwrap();
    let mut tensors = edit::read(&int8);
    tensors.iter_mut().for_each(|t| t.name = t.name.replace("distilbert.", ""));
    let (bare, a) = load(F32.config(), Dtype::Auto, [edit::write(&tensors).as_slice()]).unwrap();
    let (plain, b) = load(F32.config(), Dtype::Auto, [int8.as_slice()]).unwrap();
    assert_eq!(logits(&bare, &a, &[TEXT]), logits(&plain, &b, &[TEXT]));
}

#[wasm_bindgen_test(unsupported = test)]
fn a_weight_under_two_names_is_refused() {
    let file = edited(|t| {
        let bias = edit::find(t, "distilbert.embeddings.LayerNorm.bias").clone();
        t.push(Tensor { name: "embeddings.LayerNorm.beta".into(), ..bias });
    });
    for error in [
        load(F32.config(), Dtype::Auto, [file.as_slice()]).err().expect("refused"),
        convert(&file, Format::Int8).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::WeightsMismatch);
        assert!(error.message().contains("\"distilbert.embeddings.LayerNorm.bias\" twice"), "{error}");
    }
}

fn doubled(tensor: &mut Tensor) {
    let doubles = tensor.bytes.as_chunks::<4>().0.iter().flat_map(|x| f64::from(f32::from_le_bytes(*x)).to_le_bytes());
    (tensor.bytes, tensor.dtype) = (doubles.collect(), File::F64);
}

#[wasm_bindgen_test(unsupported = test)]
fn f64_is_rounded_to_f32() {
    let file = edited(|t| t.iter_mut().for_each(doubled));
    check(&file, 0, "F64");
    let (wide, a) = load(F32.config(), Dtype::Int8, [file.as_slice()]).unwrap();
    let (plain, b) = F32.load(Dtype::Int8);
    assert_eq!(logits(&wide, &a, &[TEXT]), logits(&plain, &b, &[TEXT]));
    let beyond = edited(|t| {
        t.iter_mut().for_each(doubled);
        edit::find(t, "classifier.bias").bytes[..8].copy_from_slice(&1e300f64.to_le_bytes());
    });
    let error = load(F32.config(), Dtype::Auto, [beyond.as_slice()]).err().expect("refused");
    assert_eq!(error.kind(), ErrorKind::WeightsNotFinite);
}

/// The messages with which the loader and the converter refuse the file.
fn refusals(file: &[u8]) -> [String; 2] {
    let loading = load(F32.config(), Dtype::Auto, [file]).err().expect("the loader refuses");
    let converting = convert(file, Format::Int8).expect_err("the converter refuses");
    [loading, converting].map(|error| {
        assert_eq!(error.kind(), ErrorKind::WeightsMismatch, "{error}");
        error.message().to_owned()
    })
}

#[wasm_bindgen_test(unsupported = test)]
fn a_prefix_that_leaves_weights_unset_is_named() {
    for prefix in ["_orig_mod.", "module.", "model.", "_orig_mod.module."] {
        for message in refusals(&renamed(|name| format!("{prefix}{name}"))) {
            assert!(message.contains(&format!("begin with {prefix:?}")), "{message}");
            assert!(message.contains("remove"), "{message}");
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_checkpoint_without_a_head_or_of_another_model() {
    let headless = edited(|t| t.retain(|t| t.name.starts_with("distilbert.")));
    let error = load(F32.config(), Dtype::Auto, [headless.as_slice()]).err().expect("refused");
    let message = error.message();
    assert!(message.contains("\"classifier.bias\"") && message.contains("no classification head"), "{message}");
    let (converted, warnings) = convert(&headless, Format::Int8).unwrap();
    assert!(warnings.is_empty(), "an encoder has no head: {warnings:?}");
    assert!(edit::read(&converted).iter().all(|t| t.name.starts_with("distilbert.")));
    for message in refusals(&edited(|t| t.retain(|t| t.name != "classifier.bias"))) {
        assert!(message.contains("lack \"classifier.bias\":"), "{message}");
    }
    for message in refusals(&edit::write(&[stored("transformer.wte.weight", File::F32, &[4, 4], 0)])) {
        assert!(message.contains("\"transformer.wte.weight\""), "{message}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn other_integer_formats_are_refused() {
    let (int8, _) = convert(F32.weights, Format::Int8).unwrap();
    let mut tensors = edit::read(&int8);
    tensors.push(stored("classifier.weight_zero_point", File::I8, &[3], 1));
    let error = load(F32.config(), Dtype::Auto, [edit::write(&tensors).as_slice()]).err().expect("refused");
    assert_eq!(error.kind(), ErrorKind::WeightsMismatch);
    assert!(error.message().contains("\"classifier.weight_zero_point\""), "{error}");
}

/// 512 MiB and more: on wasm32, the number of bits overflows a `usize`.
#[wasm_bindgen_test(unsupported = test)]
fn a_large_tensor_is_not_a_damaged_header() {
    let json = br#"{"more":{"dtype":"F32","shape":[262144,1024],"data_offsets":[0,1073741824]}}"#;
    let mut loader = ModelLoader::new(CpuBackend::new(), F32.config(), Dtype::Auto, None);
    let mut file = (json.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(json);
    let error = loader.push(&file).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WeightsMismatch, "{error}");
}

#[wasm_bindgen_test(unsupported = test)]
fn weights_too_large_for_int4() {
    let mut config: Value = serde_json::from_slice(F32.config).unwrap();
    for (key, value) in [("dim", 64), ("hidden_dim", 64), ("n_heads", 4), ("n_layers", 1)] {
        config[key] = value.into();
    }
    let config = Config::from_json(config.to_string().as_bytes()).unwrap();
    let large = "distilbert.transformer.layer.0.ffn.lin2.weight";
    let tensors: Vec<Tensor> = Network::new(&config)
        .1
        .slots()
        .iter()
        .map(|e| {
            let value = if e.name == large { 1e6 } else { 0.5 };
            Tensor::f32(&e.name, &e.shape, &vec![value; e.shape.iter().product()])
        })
        .collect();
    let loaded = load(config, Dtype::Int4, [edit::write(&tensors).as_slice()]);
    if CpuBackend::new().precision(Precision::Int4) == Precision::Int4 {
        let error = loaded.err().expect("refused");
        assert_eq!(error.kind(), ErrorKind::NotFinite);
        assert!(error.message().contains(large), "{error}");
    } else {
        assert!(loaded.is_ok(), "int8 holds them");
    }
}

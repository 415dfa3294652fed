//! Weights that don't fit, files that lie, and the ways to load: streamed, quantized while streaming,
//! converted.

use crate::common::edit::{self, Tensor};
use crate::common::torch;
use crate::common::{BF16, F16, F32, largest_difference, load, logits, now};
use serde_json::Value;
use tabsense::backend::cpu::CpuBackend;
use tabsense::batch::PackedBatch;
use tabsense::config::{Config, Task};
use tabsense::convert::{Converter, Format};
use tabsense::model::load::Dtype;
use tabsense::text_model::Loader;
use tabsense::tokenize::TokenizerFiles;
use tabsense::{Error, ErrorKind};
use wasm_bindgen_test::wasm_bindgen_test;

const TEXT: &[u32] = &[2, 474, 412, 254, 39, 3];

fn refused(edit: impl FnOnce(&mut Vec<Tensor>)) -> Error {
    let mut tensors = edit::read(F32.weights);
    edit(&mut tensors);
    load(F32.config(), Dtype::Auto, [edit::write(&tensors).as_slice()]).err().expect("refused")
}

fn mismatch(edit: impl FnOnce(&mut Vec<Tensor>)) -> String {
    let error = refused(edit);
    assert_eq!(error.kind(), ErrorKind::WeightsMismatch, "{error}");
    error.message().to_owned()
}

#[wasm_bindgen_test(unsupported = test)]
fn a_missing_tensor() {
    assert!(mismatch(|t| t.retain(|t| t.name != "classifier.bias")).contains("lack \"classifier.bias\""));
}

#[wasm_bindgen_test(unsupported = test)]
fn a_transposed_matrix() {
    let name = "distilbert.transformer.layer.1.ffn.lin1.weight";
    let error = mismatch(|t| edit::find(t, name).shape.reverse());
    assert!(error.contains(name) && !error.contains("id2label"), "{error}");
}

#[wasm_bindgen_test(unsupported = test)]
fn another_number_of_labels_than_the_configuration_names() {
    let mut config: Value = serde_json::from_slice(F32.config).unwrap();
    config["id2label"] = serde_json::json!({ "0": "one", "1": "two" });
    let config = Config::from_json(config.to_string().as_bytes()).unwrap();
    let error = load(config, Dtype::Auto, [F32.weights]).err().expect("refused");
    assert_eq!(error.kind(), ErrorKind::WeightsMismatch, "{error}");
    assert!(error.message().contains("\"classifier."), "{error}");
    assert!(error.message().ends_with("Each label in id2label of config.json needs one row."), "{error}");
}

fn with_layers(layers: usize) -> Config {
    let mut config: Value = serde_json::from_slice(F32.config).unwrap();
    config["n_layers"] = layers.into();
    Config::from_json(config.to_string().as_bytes()).unwrap()
}

#[wasm_bindgen_test(unsupported = test)]
fn more_layers_than_the_file_has() {
    let error = load(with_layers(4), Dtype::Auto, [F32.weights]).err().expect("refused");
    assert_eq!(error.kind(), ErrorKind::WeightsMismatch, "{error}");
    assert!(error.message().contains("\"distilbert.transformer.layer.3."), "{error}");
}

#[wasm_bindgen_test(unsupported = test)]
fn weights_that_are_not_finite() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for name in ["classifier.weight", "distilbert.embeddings.word_embeddings.weight", "pre_classifier.bias"] {
            let error = refused(|t| edit::find(t, name).bytes[..4].copy_from_slice(&bad.to_le_bytes()));
            assert_eq!(error.kind(), ErrorKind::WeightsNotFinite);
            assert!(error.message().contains(name), "{error}");
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_type_that_is_not_read() {
    let error = mismatch(|t| {
        let bias = edit::find(t, "classifier.bias");
        let count = bias.shape[0];
        *bias =
            Tensor { dtype: safetensors::Dtype::I32, ..Tensor::f32("classifier.bias", &[count], &vec![0.0; count]) };
    });
    assert!(error.contains("I32"), "{error}");
    let error = mismatch(|t| {
        let bias = edit::find(t, "classifier.bias");
        *bias = Tensor::i8("classifier.bias", &bias.shape, &vec![0; bias.shape[0]]);
    });
    assert!(error.contains("I8"), "{error}");
}

#[wasm_bindgen_test(unsupported = test)]
fn int8_without_its_scales_or_out_of_its_range() {
    let int8 = |t: &mut Vec<Tensor>, value: i8| {
        let weight = edit::find(t, "classifier.weight");
        *weight = Tensor::i8("classifier.weight", &weight.shape, &vec![value; weight.shape.iter().product()]);
        weight.shape[0]
    };
    let error = mismatch(|t| {
        int8(t, 1);
    });
    assert!(error.contains("\"classifier.weight_scale\""), "{error}");
    let error = mismatch(|t| {
        let rows = int8(t, -128);
        t.push(Tensor::f32("classifier.weight_scale", &[rows], &vec![1.0; rows]));
    });
    assert!(error.contains("-128"), "{error}");
    let error = mismatch(|t| {
        let rows = int8(t, 1);
        t.push(Tensor::f32("classifier.weight_scale", &[rows + 1], &vec![1.0; rows + 1]));
    });
    assert!(error.contains("shape"), "{error}");
}

#[wasm_bindgen_test(unsupported = test)]
fn weights_that_overflow_the_arithmetic() {
    let mut tensors = edit::read(F32.weights);
    for name in ["pre_classifier.bias", "classifier.weight"] {
        for x in edit::find(&mut tensors, name).bytes.as_chunks_mut::<4>().0 {
            *x = 1e38f32.to_le_bytes();
        }
    }
    let (model, backend) = load(F32.config(), Dtype::Auto, [edit::write(&tensors).as_slice()]).unwrap();
    let error = now(model.outputs(&backend, &PackedBatch::new([TEXT]))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFinite);
}

#[wasm_bindgen_test(unsupported = test)]
fn ids_and_lengths_beyond_the_embedding_are_refused_and_the_model_works_on() {
    let (model, backend) = F32.load(Dtype::Auto);
    let before = logits(&model, &backend, &[TEXT]);
    for text in [&[2, 997, 3][..], &[u32::MAX], &[2; 513], &[]] {
        let error = now(model.outputs(&backend, &PackedBatch::new([text]))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{} ids", text.len());
    }
    assert_eq!(logits(&model, &backend, &[TEXT]), before);
}

fn convert(file: &[u8], format: Format, chunk: usize) -> Result<Vec<u8>, Error> {
    let mut converter = Converter::new(format);
    let mut out = Vec::new();
    for chunk in file.chunks(chunk) {
        out.extend(converter.push(chunk)?);
    }
    out.extend(converter.finish()?);
    Ok(out)
}

#[wasm_bindgen_test(unsupported = test)]
fn a_converted_file_is_the_model_quantized_while_it_streams() {
    for tiny in [&F32, &F16, &BF16] {
        let file = convert(tiny.weights, Format::Int8, 1000).unwrap();
        assert_eq!(file, convert(tiny.weights, Format::Int8, usize::MAX).unwrap(), "any cut gives the same file");
        let (streamed, a) = tiny.load(Dtype::Int8);
        let (stored, b) = load(tiny.config(), Dtype::Auto, [file.as_slice()]).unwrap();
        assert_eq!(logits(&streamed, &a, &[TEXT]), logits(&stored, &b, &[TEXT]), "{}", tiny.name);
    }
}

/// int8 products round their activations to at most 15 bits per row, f32 products don't; the weights are
/// the same.
#[wasm_bindgen_test(unsupported = test)]
fn int8_arithmetic_is_that_of_the_same_weights_in_f32() {
    for tiny in [&F32, &F16, &BF16] {
        let file = convert(tiny.weights, Format::Int8, usize::MAX).unwrap();
        let (int8, a) = load(tiny.config(), Dtype::Int8, [file.as_slice()]).unwrap();
        let (fp32, b) = load(tiny.config(), Dtype::Fp32, [file.as_slice()]).unwrap();
        let mut worst: f32 = 0.0;
        for case in [TEXT, &[2, 3], &[7; 100]] {
            let (x, y) = (logits(&int8, &a, &[case]), logits(&fp32, &b, &[case]));
            worst = worst.max(largest_difference(&x[0], &y[0]));
        }
        println!("{}: int8 arithmetic differs by at most {worst:.1e}", tiny.name);
        // 2^-15 of the largest activation per product, through about 20 products of gain near 1.
        assert!(worst <= 1e-3, "{}: {worst}", tiny.name);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn fp16_halves_a_file_and_keeps_the_answers() {
    let file = convert(F32.weights, Format::Fp16, 777).unwrap();
    assert!(file.len() < F32.weights.len() * 55 / 100, "{} of {}", file.len(), F32.weights.len());
    let (half, a) = load(F32.config(), Dtype::Auto, [file.as_slice()]).unwrap();
    let (full, b) = F32.load(Dtype::Auto);
    let (x, y) = (logits(&half, &a, &[TEXT]), logits(&full, &b, &[TEXT]));
    // Half precision keeps 11 bits of each weight.
    assert!(largest_difference(&x[0], &y[0]) < 5e-3, "{x:?} {y:?}");
}

#[wasm_bindgen_test(unsupported = test)]
fn a_converter_rejects_unsupported_files() {
    let kind = |file: &[u8], format| convert(file, format, 4096).unwrap_err().kind();
    let int8 = convert(F32.weights, Format::Int8, 4096).unwrap();
    assert_eq!(kind(&int8, Format::Int8), ErrorKind::WeightsMismatch);
    let with = |x: f32| {
        let mut tensors = edit::read(F32.weights);
        edit::find(&mut tensors, "classifier.bias").bytes[..4].copy_from_slice(&x.to_le_bytes());
        edit::write(&tensors)
    };
    assert_eq!(kind(&with(1e6), Format::Fp16), ErrorKind::NotFinite);
    assert_eq!(kind(&with(f32::NAN), Format::Int8), ErrorKind::WeightsNotFinite);
    assert_eq!(kind(&F32.weights[..F32.weights.len() - 1], Format::Int8), ErrorKind::WeightsLength);
    assert_eq!(kind(b"<!doctype html>", Format::Int8), ErrorKind::NotAModel);
    assert_eq!(Format::from_name("int3").unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[wasm_bindgen_test(unsupported = test)]
fn another_kind_of_file_is_named_whatever_its_chunks() {
    let page = [b"\n".repeat(80).as_slice(), b"<!doctype html><title>secret</title>"].concat();
    let archive = torch::zip([("word/document.xml", b"secret".as_slice())]);
    let index = br#"{"metadata": {}, "weight_map": {"secret": "model-00001-of-00002.safetensors"}}"#;
    for (file, kind, expected) in [
        (page.as_slice(), ErrorKind::NotAModel, "web page"),
        (&archive, ErrorKind::NotAModel, "a zip archive that torch.save did not write"),
        (b"\x80\x04\x95\x10\0\0\0\0\0", ErrorKind::NotAModel, "a pickle that torch.save did not write"),
        (b"version https://git-lfs.github.com/spec/v1\noid", ErrorKind::NotAModel, "LFS"),
        (b"\x1f\x8b\x08\0\0\0\0\0\x02\xff", ErrorKind::NotAModel, "gzip"),
        (b"\xff\xfe{\0\"\0a\0", ErrorKind::NotAModel, "UTF-16"),
        (index, ErrorKind::NotAModel, "JSON"),
        (b"Not Found: secret", ErrorKind::WeightsHeader, "too long for a model"),
        (&[0xff; 4000], ErrorKind::WeightsHeader, "too long for a model"),
    ] {
        for size in [1, 7, 100, usize::MAX] {
            let chunks: Vec<&[u8]> = file.chunks(size).collect();
            let error = load(F32.config(), Dtype::Auto, chunks).err().expect("refused");
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.message().contains(expected) && !error.message().contains("secret"), "{error}");
        }
    }
}

fn classifier_error(config: &[u8], tokenizer: &[u8], dtype: &str) -> ErrorKind {
    Loader::new(CpuBackend::new(), config, tokenizer, dtype, None).err().expect("refused").kind()
}

#[wasm_bindgen_test(unsupported = test)]
fn a_loader_rejects_files_of_different_models() {
    let sentiment = include_bytes!("../../models/sentiment-en-1/tokenizer.json");
    assert_eq!(classifier_error(F32.config, sentiment, "auto"), ErrorKind::TokenizerInvalid);
    let mut config: Value = serde_json::from_slice(F32.config).unwrap();
    config["max_position_embeddings"] = 2.into();
    assert_eq!(classifier_error(config.to_string().as_bytes(), F32.tokenizer, "auto"), ErrorKind::TokenizerInvalid);
    assert_eq!(classifier_error(F32.config, F32.tokenizer, "int2"), ErrorKind::InvalidArgument);
    assert_eq!(classifier_error(b"{", F32.tokenizer, "auto"), ErrorKind::ConfigInvalid);
}

#[wasm_bindgen_test(unsupported = test)]
fn texts_without_tokens_have_no_scores_alone_and_among_others() {
    let mut loader = Loader::new(CpuBackend::new(), F32.config, F32.tokenizer, "auto", None).unwrap();
    loader.push(F32.weights).unwrap();
    let classifier = loader.finish().unwrap();
    let encode = |text: &str| classifier.encode(text, true).unwrap();
    let empty: Vec<_> = ["", " \t\n", "\u{0}\u{200b}\u{feff}"].map(encode).into();
    for encoding in &empty {
        assert_eq!((encoding.ids.len(), encoding.offsets.as_deref(), encoding.truncated), (0, Some(&[][..]), false));
    }
    assert_eq!(now(classifier.scores(&empty)).unwrap(), vec![Vec::<f64>::new(); 3]);
    let alone = now(classifier.scores(&[encode("the film")])).unwrap();
    let among = now(classifier.scores(&[encode(""), encode("the film"), encode(" ")])).unwrap();
    assert_eq!(among, [vec![], alone[0].clone(), vec![]]);
    assert!((alone[0].iter().sum::<f64>() - 1.0).abs() < 1e-9);
}

#[wasm_bindgen_test(unsupported = test)]
fn model_max_length_bounds_a_text_where_it_is_less_than_the_positions() {
    let max_tokens = |json: &str| {
        let backend = CpuBackend::new();
        let (config, tokenizer_json) = (Some(json.as_bytes()), Some(F32.tokenizer));
        let files = TokenizerFiles { tokenizer_json, config, ..TokenizerFiles::default() };
        let mut loader =
            Loader::with_files(backend, Task::Classify, F32.config, files, "auto", None).map_err(|e| e.kind())?;
        loader.push(F32.weights).unwrap();
        let classifier = loader.finish().unwrap();
        let long = classifier.encode(&"the film ".repeat(100_000), false).unwrap();
        assert!(long.truncated);
        assert_eq!(long.ids.len(), classifier.max_tokens());
        Ok(long.ids.len())
    };
    let positions = max_tokens("{}");
    assert_eq!(max_tokens(r#"{"model_max_length": 128}"#), Ok(128));
    assert_eq!(max_tokens(r#"{"max_len": 128}"#), Ok(128));
    for none in ["1000000000000000019884624838656", "1e30", "100000", "null"] {
        assert_eq!(max_tokens(&format!(r#"{{"model_max_length": {none}}}"#)), positions, "{none}");
    }
    for wrong in ["2", "0", "-1", "1.5", "\"128\"", "NaN"] {
        let kind = max_tokens(&format!(r#"{{"model_max_length": {wrong}}}"#));
        assert_eq!(kind, Err(ErrorKind::TokenizerInvalid), "{wrong}");
    }
}

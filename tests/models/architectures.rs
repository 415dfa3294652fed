//! Every architecture but DistilBERT (`arithmetic/parity.rs`) against Hugging Face PyTorch on random models:
//! alone, in batches, pairs, layer by layer, without a head, and in each number format.

use crate::common::edit;
use crate::common::encoders::ENCODERS;
use crate::common::goldens::{Loaded, TOLERANCE, alone_equals_in_a_batch, every_layer_is_pytorch_s, goldens, worst};
use crate::common::{Tiny, largest_difference, load, now};
use serde_json::{Value, json};
use tabsense::ErrorKind;
use tabsense::backend::cpu::CpuBackend;
use tabsense::batch::PackedBatch;
use tabsense::config::{Config, Pooling, Task};
use tabsense::convert::{Converter, Format};
use tabsense::model::load::{Dtype, ModelLoader};
use tabsense::model::plan::Narrowest;
use tabsense::quantize::calibration::Loader;
use tabsense::tokenize::TokenizerFiles;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test(unsupported = test)]
fn logits_are_pytorch_s() {
    for tiny in &ENCODERS {
        let (loaded, goldens) = (tiny.load(Dtype::Auto), goldens(tiny));
        let lengths: Vec<usize> = goldens.cases.iter().map(|case| case.ids.len()).collect();
        assert!(lengths.contains(&1) && lengths.contains(&512), "{lengths:?}");
        let alone: Vec<Vec<usize>> = (0..goldens.cases.len()).map(|i| vec![i]).collect();
        let pairs: Vec<Vec<usize>> = goldens.pairs().into_iter().map(|i| vec![i]).collect();
        assert_eq!(pairs.is_empty(), !loaded.0.config().architecture.uses_token_types(), "{}", tiny.name);
        let [alone, together, pairs] =
            [&alone, &goldens.batches, &pairs].map(|groups| worst(&loaded, &goldens, groups));
        println!("{}: alone {alone:.1e}, in batches {together:.1e}, pairs {pairs:.1e}", tiny.name);
        assert!(alone.max(together).max(pairs) <= TOLERANCE, "{}", tiny.name);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn alone_equals_in_a_batch_to_the_bit() {
    ENCODERS.iter().for_each(alone_equals_in_a_batch);
}

#[wasm_bindgen_test(unsupported = test)]
fn layers_are_pytorch_s() {
    ENCODERS.iter().for_each(every_layer_is_pytorch_s);
}

pub fn encoder(tiny: &Tiny, weights: &[u8], task: Task) -> (Loaded, Vec<String>) {
    let config = Config::for_task(tiny.config, task).unwrap();
    let mut loader = ModelLoader::new(CpuBackend::new(), config, Dtype::Auto, None);
    loader.push(weights).unwrap();
    let (model, backend, loaded) = loader.finish().unwrap();
    ((model, backend), loaded.warnings)
}

/// A checkpoint as its base model saves it: no head, no prefix, and a pooler.
pub fn bare(tiny: &Tiny, base: &str) -> Vec<u8> {
    let mut tensors = edit::read(tiny.weights);
    tensors.retain(|t| t.name.starts_with(base));
    tensors.iter_mut().for_each(|t| t.name = t.name[base.len()..].to_owned());
    if !tensors.iter().any(|t| t.name == "pooler.dense.bias") {
        tensors.push(edit::Tensor::f32("pooler.dense.bias", &[2], &[0.5; 2]));
    }
    edit::write(&tensors)
}

#[wasm_bindgen_test(unsupported = test)]
fn a_bare_encoder_s_states_are_pytorch_s() {
    for tiny in &ENCODERS {
        let goldens = goldens(tiny);
        let ((plain, backend), warnings) = encoder(tiny, tiny.weights, Task::Encode);
        assert!(warnings.is_empty(), "{}: a head is no surprise: {warnings:?}", tiny.name);
        let states = now(plain.outputs(&backend, &goldens.batch(&[goldens.taps_case]))).unwrap();
        let worst = largest_difference(&states, &goldens.states);
        println!("{}: states {worst:.1e}", tiny.name);
        assert!(worst <= TOLERANCE, "{}: {worst}", tiny.name);

        let ((saved_bare, backend), warnings) =
            encoder(tiny, &bare(tiny, plain.config().architecture.base()), Task::Encode);
        assert!(warnings.is_empty(), "{}: {warnings:?}", tiny.name);
        let batch = goldens.batch(&[goldens.taps_case, 0]);
        let of_both = now(saved_bare.outputs(&backend, &batch)).unwrap();
        assert_eq!(of_both[..states.len()], states, "{}", tiny.name);
        assert_eq!(of_both.len(), batch.tokens() * plain.config().width);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn vectors_are_pytorch_s_states_pooled() {
    for tiny in &ENCODERS {
        let goldens = goldens(tiny);
        let batch = goldens.batch(&[3, goldens.taps_case, 8]);
        let width = tiny.config().width;
        let rows = goldens.states.chunks(width);
        let mut mean = vec![0.0f64; width];
        rows.clone().for_each(|row| mean.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x)));
        let mean: Vec<f32> = mean.iter().map(|sum| (sum / rows.len() as f64) as f32).collect();
        for (pooling, wanted) in [(Pooling::First, &goldens.states[..width]), (Pooling::Mean, &mean)] {
            let ((model, backend), _) = encoder(tiny, tiny.weights, Task::Embed(pooling));
            let vectors = now(model.outputs(&backend, &batch)).unwrap();
            assert_eq!(vectors.len(), 3 * width);
            let worst = largest_difference(&vectors[width..2 * width], wanted);
            assert!(worst <= TOLERANCE, "{}, {pooling:?}: {worst}", tiny.name);
        }
    }
}

pub fn converted(tiny: &Tiny, weights: &[u8], format: Format, size: usize) -> Vec<u8> {
    let mut converter = Converter::new(format);
    let mut file = Vec::new();
    for chunk in weights.chunks(size) {
        file.extend(converter.push(chunk).unwrap());
    }
    assert!(converter.warnings().is_empty(), "{}: {:?}", tiny.name, converter.warnings());
    file.extend(converter.finish().unwrap());
    file
}

/// All logits of a file loaded as `dtype`.
fn answers(tiny: &Tiny, weights: &[u8], dtype: Dtype) -> Vec<f32> {
    let (model, backend) =
        load(tiny.config(), dtype, weights.chunks(1009)).unwrap_or_else(|e| panic!("{}: {e}", tiny.name));
    let goldens = goldens(tiny);
    let all: Vec<usize> = (0..goldens.cases.len()).collect();
    now(model.outputs(&backend, &goldens.batch(&all))).unwrap()
}

#[wasm_bindgen_test(unsupported = test)]
fn files_of_int8_and_fp16_answer_as_the_original() {
    for tiny in &ENCODERS {
        let int8 = converted(tiny, tiny.weights, Format::Int8, usize::MAX);
        assert_eq!(
            int8,
            converted(tiny, tiny.weights, Format::Int8, 777),
            "{}: any cut gives the same file",
            tiny.name
        );
        let of_file = answers(tiny, &int8, Dtype::Auto);
        assert_eq!(of_file, answers(tiny, tiny.weights, Dtype::Int8), "{}: rounded on the way in", tiny.name);
        // The same rounded weights in f32: only the activations differ, rounded to 13 bits.
        let activations = largest_difference(&of_file, &answers(tiny, &int8, Dtype::Fp32));
        let exact = answers(tiny, tiny.weights, Dtype::Fp32);
        let weights = largest_difference(&of_file, &exact);
        let fp16 = answers(tiny, &converted(tiny, tiny.weights, Format::Fp16, 4096), Dtype::Auto);
        let halves = largest_difference(&fp16, &exact);
        println!("{}: int8 {weights:.1e}, its activations {activations:.1e}, fp16 {halves:.1e}", tiny.name);
        // Measured: at most 1.1e-1, 2.2e-3 and 3.3e-3. Random weights round worse than trained ones.
        assert!(activations <= 4e-3 && weights <= 0.2 && halves <= 8e-3, "{}", tiny.name);
    }
}

/// Old names and no prefix, by which RoBERTa and ELECTRA can't be distinguished.
#[wasm_bindgen_test(unsupported = test)]
fn files_of_other_names_convert_and_answer_alike() {
    for tiny in &ENCODERS {
        let base = tiny.config().architecture.base();
        let mut tensors = edit::read(tiny.weights);
        for t in &mut tensors {
            let name = t.name.strip_prefix(base).unwrap_or(&t.name);
            t.name = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta");
        }
        let old = edit::write(&tensors);
        let int8 = answers(tiny, tiny.weights, Dtype::Int8);
        assert_eq!(answers(tiny, &old, Dtype::Int8), int8, "{}", tiny.name);
        let file = converted(tiny, &old, Format::Int8, 4096);
        assert_eq!(answers(tiny, &file, Dtype::Auto), int8, "{}, converted", tiny.name);
    }
}

/// Texts made of words in the vocabulary.
fn texts() -> Vec<String> {
    let words = "the quick brown fox jumps over a lazy dog in no time at all yes we can see it now".split(' ');
    let words: Vec<&str> = words.collect();
    (0..60).map(|i| (0..9).map(|j| words[(i * 7 + j * (i + 3)) % words.len()]).collect::<Vec<_>>().join(" ")).collect()
}

#[wasm_bindgen_test(unsupported = test)]
fn a_calibrated_int4_file_answers_as_its_own_weights() {
    for tiny in &ENCODERS {
        let files = TokenizerFiles { tokenizer_json: Some(tiny.tokenizer), ..TokenizerFiles::default() };
        let mut loader = Loader::new(tiny.config, files, Narrowest::Int8).unwrap();
        loader.push(tiny.weights).unwrap();
        let mut calibration = loader.finish().unwrap();
        calibration.read(&texts()).unwrap();
        let mut converter = Converter::int4(calibration.finish().unwrap());
        let mut file = converter.push(tiny.weights).unwrap();
        file.extend(converter.finish().unwrap());
        let pairs = edit::read(&file).iter().filter(|t| t.dtype == safetensors::Dtype::U8).count();
        let config = tiny.config();
        let fit = usize::from(config.width % 32 == 0) * 4 + usize::from(config.hidden % 32 == 0);
        assert_eq!(pairs, fit * config.layers, "{}: q, k, v and both products of each layer", tiny.name);
        // The CPU of this build rounds int4 matrices again, to int8, and also activations.
        let difference = largest_difference(&answers(tiny, &file, Dtype::Auto), &answers(tiny, &file, Dtype::Fp32));
        println!("{}: int4 {difference:.1e}", tiny.name);
        assert!(difference <= 0.1, "{}: {difference}", tiny.name);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_type_beyond_the_table_is_refused() {
    for tiny in &ENCODERS {
        let (model, backend) = tiny.load(Dtype::Auto);
        let answer = now(model.outputs(&backend, &PackedBatch::with_types([(&[2, 7, 3][..], &[0, 3, 0][..])])));
        if !model.config().architecture.uses_token_types() {
            let plain = now(model.outputs(&backend, &PackedBatch::new([&[2, 7, 3][..]]))).unwrap();
            assert_eq!(answer.unwrap(), plain, "{}: its tokenizers tell no types", tiny.name);
            continue;
        }
        let error = answer.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.message().contains("type 3") && error.message().contains("type_vocab_size"), "{error}");
    }
}

/// 512 tokens, also if the first positions of the table are for padding; 513 are too many.
#[wasm_bindgen_test(unsupported = test)]
fn a_text_has_as_many_tokens_as_positions_are_left() {
    for tiny in &ENCODERS {
        let (model, backend) = tiny.load(Dtype::Auto);
        assert_eq!(model.config().max_tokens, 512, "{}", tiny.name);
        let error = now(model.outputs(&backend, &PackedBatch::new([&[7; 513][..]]))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(now(model.outputs(&backend, &PackedBatch::new([&[7; 512][..]]))).is_ok(), "{}", tiny.name);
    }
}

/// The message that refuses `weights` for a configuration with some fields changed.
fn refusal(tiny: &Tiny, fields: &[(&str, Value)], weights: &[u8]) -> String {
    let mut config: Value = serde_json::from_slice(tiny.config).unwrap();
    fields.iter().for_each(|(name, value)| config[*name] = value.clone());
    let config = Config::from_json(config.to_string().as_bytes()).unwrap();
    let error = load(config, Dtype::Auto, [weights]).err().expect("refused");
    assert_eq!(error.kind(), ErrorKind::WeightsMismatch, "{error}");
    error.message().to_owned()
}

#[wasm_bindgen_test(unsupported = test)]
fn a_configuration_that_disagrees_with_the_weights_is_refused() {
    let of = |name: &str| ENCODERS.iter().find(|tiny| tiny.name == name).unwrap();
    let (bert, roberta, electra, mpnet) = (of("tiny-bert"), of("tiny-roberta"), of("tiny-electra"), of("tiny-mpnet"));
    let labels = json!({ "0": "a", "1": "b", "2": "c", "3": "d" });
    for (tiny, fields, weights, expected) in [
        // Labels, types, positions, layers and heads of another model.
        (bert, vec![("id2label", labels.clone())], bert.weights, "id2label"),
        (mpnet, vec![("id2label", labels)], mpnet.weights, "id2label"),
        (bert, vec![("type_vocab_size", json!(1))], bert.weights, "bert.embeddings.token_type_embeddings.weight"),
        (roberta, vec![("max_position_embeddings", json!(512))], roberta.weights, "position_embeddings"),
        (roberta, vec![("num_hidden_layers", json!(3))], roberta.weights, "roberta.encoder.layer.2."),
        (mpnet, vec![("num_attention_heads", json!(8))], mpnet.weights, "relative_attention_bias"),
        (mpnet, vec![("relative_attention_num_buckets", json!(64))], mpnet.weights, "relative_attention_bias"),
        // A missing projection, and one of another width.
        (electra, vec![("embedding_size", json!(32))], electra.weights, "embeddings"),
        (electra, vec![("embedding_size", json!(24))], electra.weights, "embeddings"),
        // Another architecture's weights, and those of a model without a head.
        (bert, vec![], roberta.weights, "but hold \"classifier.dense.bias\""),
        (roberta, vec![], bert.weights, "\"bert.embeddings"),
        (mpnet, vec![], electra.weights, "\"electra.embeddings"),
    ] {
        let message = refusal(tiny, &fields, weights);
        assert!(message.contains(expected), "{}, {fields:?}: {message}", tiny.name);
    }
    for tiny in [bert, roberta, electra, mpnet] {
        let base = tiny.config().architecture.base();
        let mut tensors = edit::read(tiny.weights);
        tensors.retain(|t| t.name.starts_with(base));
        let message = refusal(tiny, &[], &edit::write(&tensors));
        assert!(message.contains("no classification head"), "{}: {message}", tiny.name);
    }
}

//! Taggers: a head on every token, models that aren't taggers, and converted files of taggers and encoders.

use super::architectures::{bare, converted, encoder};
use crate::common::edit;
use crate::common::encoders::ENCODERS;
use crate::common::goldens::{TOLERANCE, goldens};
use crate::common::{Tiny, largest_difference, now};
use serde_json::{Value, json};
use tabsense::ErrorKind;
use tabsense::backend::cpu::CpuBackend;
use tabsense::config::{Config, Task};
use tabsense::convert::Format;
use tabsense::model::load::{Dtype, ModelLoader};
use wasm_bindgen_test::wasm_bindgen_test;

/// `config.json` of a tagger of three labels.
fn of_a_tagger(tiny: &Tiny, edit: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut config: Value = serde_json::from_slice(tiny.config).unwrap();
    config["id2label"] = json!({"0": "O", "1": "B-X", "2": "I-X"});
    config["architectures"] = json!(["TheirsForTokenClassification"]);
    edit(&mut config);
    config.to_string().into_bytes()
}

#[wasm_bindgen_test(unsupported = test)]
fn a_tagger_s_logits_are_pytorch_s_states_by_its_matrix() {
    for tiny in &ENCODERS {
        let goldens = goldens(tiny);
        let width = tiny.config().width;
        let matrix: Vec<f32> = (0..3 * width).map(|i| ((i * 7 % 13) as f32 - 6.0) / width as f32).collect();
        let bias = [0.25f32, -0.5, 0.125];
        let mut tensors = edit::read(tiny.weights);
        tensors.retain(|t| t.name.starts_with(tiny.config().architecture.base()));
        tensors.push(edit::Tensor::f32("classifier.weight", &[3, width], &matrix));
        tensors.push(edit::Tensor::f32("classifier.bias", &[3], &bias));
        let wanted: Vec<f32> = (goldens.states.chunks(width))
            .flat_map(|state| {
                let product =
                    |row: &[f32]| row.iter().zip(state).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum::<f64>();
                matrix
                    .chunks(width)
                    .zip(bias)
                    .map(move |(row, b)| (product(row) + f64::from(b)) as f32)
                    .collect::<Vec<_>>()
            })
            .collect();

        let config = Config::for_task(&of_a_tagger(tiny, |_| {}), Task::Tag).unwrap();
        let mut loader = ModelLoader::new(CpuBackend::new(), config, Dtype::Fp32, None);
        loader.push(&edit::write(&tensors)).unwrap();
        let (model, backend, loaded) = loader.finish().unwrap();
        assert!(loaded.warnings.is_empty(), "{}: a pooler is no surprise: {:?}", tiny.name, loaded.warnings);
        let batch = goldens.batch(&[0, goldens.taps_case, 3]);
        let logits = now(model.outputs(&backend, &batch)).unwrap();
        assert_eq!(logits.len(), 3 * batch.tokens(), "{}", tiny.name);
        let first = 3 * batch.starts[1] as usize;
        let worst = largest_difference(&logits[first..first + wanted.len()], &wanted);
        println!("{}: a tagger's logits {worst:.1e}", tiny.name);
        assert!(worst <= TOLERANCE, "{}: {worst}", tiny.name);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn encoders_and_taggers_are_converted_with_the_heads_that_they_have() {
    for tiny in &ENCODERS {
        let base = tiny.config().architecture.base();
        let width = tiny.config().width;
        let mut tensors = edit::read(tiny.weights);
        tensors.retain(|t| t.name.starts_with(base));
        let names = |file: &[u8]| edit::read(file).into_iter().map(|t| t.name).collect::<Vec<_>>();
        let headless = converted(tiny, &edit::write(&tensors), Format::Int8, 1009);
        assert!(!names(&headless).iter().any(|name| name.contains("classifier")), "{}", tiny.name);
        encoder(tiny, &headless, Task::Encode);

        let matrix: Vec<f32> = (0..3 * width).map(|i| (i % 7) as f32 - 3.0).collect();
        tensors.push(edit::Tensor::f32("classifier.weight", &[3, width], &matrix));
        tensors.push(edit::Tensor::f32("classifier.bias", &[3], &[0.5; 3]));
        let tagger = converted(tiny, &edit::write(&tensors), Format::Int8, 1009);
        assert!(names(&tagger).contains(&"classifier.weight_scale".to_owned()), "{}", tiny.name);
        let config = Config::for_task(&of_a_tagger(tiny, |_| {}), Task::Tag).unwrap();
        let mut loader = ModelLoader::new(CpuBackend::new(), config, Dtype::Auto, None);
        loader.push(&tagger).unwrap();
        loader.finish().unwrap();
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn models_that_are_not_taggers_are_refused() {
    let tiny = &ENCODERS[0];
    let error = |edit: fn(&mut Value)| Config::for_task(&of_a_tagger(tiny, edit), Task::Tag).unwrap_err();
    let unnamed = error(|config| _ = config.as_object_mut().unwrap().remove("id2label"));
    assert_eq!(unnamed.kind(), ErrorKind::ConfigInvalid);
    assert!(unnamed.to_string().contains("has no id2label"), "{unnamed}");
    let other = error(|config| config["architectures"] = json!(["BertForSequenceClassification"]));
    assert_eq!(other.kind(), ErrorKind::ConfigUnsupported);
    assert!(other.to_string().contains("load this one with Classifier"), "{other}");
    let headless = error(|config| config["architectures"] = json!(["BertModel"]));
    assert!(headless.to_string().contains("use a checkpoint of ...ForTokenClassification."), "{headless}");
    let classifier = Config::for_task(&of_a_tagger(tiny, |_| {}), Task::Classify).unwrap_err();
    assert!(classifier.to_string().contains("load this one with Tagger"), "{classifier}");

    let config = Config::for_task(&of_a_tagger(tiny, |_| {}), Task::Tag).unwrap();
    let mut loader = ModelLoader::new(CpuBackend::new(), config, Dtype::Auto, None);
    let missing = loader.push(&bare(tiny, "bert.")).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::WeightsMismatch);
    assert!(missing.to_string().contains("fine-tuned for token classification"), "{missing}");
}

//! Texts and pairs of texts, from text to scores, against `transformers` (test_data/make_pairs.py).

use crate::common::encoders::ENCODERS;
use crate::common::{F32, Tiny, now};
use serde::Deserialize;
use serde_json::Value;
use tabsense::ErrorKind;
use tabsense::backend::cpu::CpuBackend;
use tabsense::batch::PackedBatch;
use tabsense::config::Task;
use tabsense::text_model::{Loader, TextModel};
use tabsense::tokenize::{Cut, Encoding, TokenizerFiles};
use wasm_bindgen_test::wasm_bindgen_test;

/// For a score; logits are within 2e-5 (`architectures.rs`).
const TOLERANCE: f64 = 1e-5;

#[derive(Deserialize)]
struct Goldens {
    models: Vec<Golden>,
}

#[derive(Deserialize)]
struct Golden {
    name: String,
    cases: Vec<Case>,
}

/// `types` and `sides` have a digit per token: its type, and the text it belongs to (`-` for a
/// special token).
#[derive(Deserialize)]
struct Case {
    text: String,
    pair: Option<String>,
    ids: Vec<u32>,
    types: String,
    sides: String,
    truncated: bool,
    scores: Vec<f64>,
}

fn goldens() -> Vec<Golden> {
    let file: Goldens = serde_json::from_str(include_str!("../../test_data/goldens/pairs.json")).unwrap();
    file.models
}

fn tiny(name: &str) -> &'static Tiny {
    ENCODERS.iter().chain([&F32]).find(|tiny| tiny.name == name).unwrap()
}

fn load(tiny: &Tiny, tokenizer: &[u8]) -> TextModel<CpuBackend> {
    let mut loader = Loader::new(CpuBackend::new(), tiny.config, tokenizer, "auto", None).unwrap();
    loader.push(tiny.weights).unwrap();
    loader.finish().unwrap()
}

/// As `pipeline` does: a text without tokens becomes its special tokens.
fn encode(classifier: &TextModel<CpuBackend>, Case { text, pair, .. }: &Case) -> Encoding {
    let encoding = match pair {
        Some(pair) => classifier.encode_pair(text, pair, Cut::LongestFirst, true).unwrap(),
        None => classifier.encode(text, true).unwrap(),
    };
    let empty = encoding.ids.is_empty();
    if empty { classifier.special_tokens_alone(pair.is_some(), true) } else { encoding }
}

fn sides(encoding: &Encoding) -> String {
    let side = |i| match (encoding.is_special(i), encoding.second.contains(&i)) {
        (true, _) => '-',
        (false, second) => {
            if second {
                '1'
            } else {
                '0'
            }
        }
    };
    (0..encoding.ids.len()).map(side).collect()
}

fn assert_close(got: &[f64], wanted: &[f64], place: &str) {
    assert_eq!(got.len(), wanted.len(), "{place}");
    let worst = got.iter().zip(wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(worst <= TOLERANCE, "{place}: {worst}");
}

#[wasm_bindgen_test(unsupported = test)]
fn texts_and_pairs_score_as_in_python_alone_and_together() {
    let mut pairs = 0;
    for Golden { name, cases } in goldens() {
        let tiny = tiny(&name);
        let classifier = load(tiny, tiny.tokenizer);
        let encodings: Vec<Encoding> = cases.iter().map(|case| encode(&classifier, case)).collect();
        let together = now(classifier.scores(&encodings)).unwrap();
        for ((case, encoding), in_batch) in cases.iter().zip(&encodings).zip(&together) {
            let start = |text: &str| text.chars().take(20).collect::<String>();
            let place = format!("{name}: {:?} {:?}", start(&case.text), case.pair.as_deref().map(start));
            let types: String = encoding.types.iter().map(u8::to_string).collect();
            assert_eq!((&encoding.ids, &types), (&case.ids, &case.types), "{place}");
            assert_eq!(sides(encoding), case.sides, "{place}");
            assert_eq!(encoding.truncated, case.truncated, "{place}");
            let alone = now(classifier.scores(std::slice::from_ref(encoding))).unwrap();
            assert_close(&alone[0], &case.scores, &place);
            assert_eq!(&alone[0], in_batch, "{place}");
            pairs += usize::from(case.pair.is_some());
        }
    }
    assert_eq!(pairs, 4 * 17);
}

#[wasm_bindgen_test(unsupported = test)]
fn a_pair_s_order_and_its_types_count() {
    let tiny = tiny("tiny-bert");
    let classifier = load(tiny, tiny.tokenizer);
    let encode = |text: &str, pair: &str| classifier.encode_pair(text, pair, Cut::LongestFirst, false).unwrap();
    let scores = |encoding: Encoding| now(classifier.scores(&[encoding])).unwrap();
    assert_ne!(scores(encode("a", "b")), scores(encode("b", "a")));
    let untyped = Encoding { types: vec![0; 5], ..encode("a", "b") };
    assert_ne!(scores(untyped), scores(encode("a", "b")));
}

fn edited(tiny: &Tiny, edit: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut file: Value = serde_json::from_slice(tiny.tokenizer).unwrap();
    edit(&mut file["post_processor"]);
    file.to_string().into_bytes()
}

#[wasm_bindgen_test(unsupported = test)]
fn rejects_a_pair_for_a_model_without_a_frame_for_pairs() {
    let without = edited(&F32, |frame| _ = frame.as_object_mut().unwrap().remove("pair"));
    let classifier = load(&F32, &without);
    for pair in ["b", ""] {
        let error = classifier.encode_pair("a", pair, Cut::LongestFirst, false).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TokenizerUnsupported, "{error}");
        assert!(error.to_string().contains("no frame for pairs"), "{error}");
    }
    assert_eq!(classifier.special_tokens_alone(true, false), classifier.special_tokens_alone(false, false));
}

/// The results of the zero-shot classification pipeline (test_data/make_zero_shot.py).
#[derive(Deserialize)]
struct ZeroShot {
    model: String,
    order: String,
    cases: Vec<ZeroShotCase>,
}

#[derive(Deserialize)]
struct ZeroShotCase {
    text: Value,
    labels: Value,
    template: String,
    logits: Vec<Vec<f32>>,
}

macro_rules! nli {
    ($name:literal) => {
        [
            &include_bytes!(concat!("../../test_data/zero_shot/", $name, "/config.json"))[..],
            include_bytes!(concat!("../../test_data/zero_shot/", $name, "/tokenizer.json")),
            include_bytes!(concat!("../../test_data/zero_shot/", $name, "/tokenizer_config.json")),
            include_bytes!(concat!("../../test_data/zero_shot/", $name, "/model.safetensors")),
        ]
    };
}

#[wasm_bindgen_test(unsupported = test)]
fn a_hypothesis_stays_whole_however_long_the_text_is() {
    let goldens: Vec<ZeroShot> = serde_json::from_str(include_str!("../../test_data/zero_shot/goldens.json")).unwrap();
    let (mut pairs, mut cut) = (0, 0);
    for (name, files) in [("bert-2", nli!("bert-2")), ("bert-3", nli!("bert-3")), ("roberta-3", nli!("roberta-3"))] {
        let [config, tokenizer, tokenizer_config, weights] = files;
        let files = TokenizerFiles {
            tokenizer_json: Some(tokenizer),
            config: Some(tokenizer_config),
            ..TokenizerFiles::default()
        };
        let mut loader = Loader::with_files(CpuBackend::new(), Task::Classify, config, files, "fp32", None).unwrap();
        loader.push(weights).unwrap();
        let classifier = loader.finish().unwrap();
        // One order of labels is enough: the logits are the same whatever the labels are called.
        let golden = goldens.iter().find(|golden| golden.model == name).unwrap();
        for case in &golden.cases {
            let (Some(text), Some(labels)) = (case.text.as_str(), case.labels.as_array()) else { continue };
            if case.template.contains("{{") {
                continue;
            }
            let hypothesis = |label: &Value| {
                case.template.replace("{}", label.as_str().unwrap()).replace("{0}", label.as_str().unwrap())
            };
            let encode = |label: &Value| {
                let pair = classifier.encode_pair(text, &hypothesis(label), Cut::OnlyFirst, false).unwrap();
                cut += usize::from(pair.truncated);
                pair
            };
            let encodings: Vec<Encoding> = labels.iter().map(encode).collect();
            let batch = PackedBatch::with_types(encodings.iter().map(|e| (e.ids.as_slice(), e.types.as_slice())));
            let logits = now(classifier.model().outputs(classifier.backend(), &batch)).unwrap();
            for (got, wanted) in logits.chunks(case.logits[0].len()).zip(&case.logits) {
                for (got, wanted) in got.iter().zip(wanted) {
                    // As for the other models, whose logits are at most 1; here they go up to 10.
                    let tolerance = 2e-5 * wanted.abs().max(1.0);
                    assert!((got - wanted).abs() <= tolerance, "{name}, {}: {got} for {wanted}", golden.order);
                }
                pairs += 1;
            }
        }
        let error = classifier.encode_pair("a text", &"a long label ".repeat(20), Cut::OnlyFirst, false).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.message().contains("is too long: of 64 tokens"), "{error}");
    }
    assert_eq!((pairs, cut), (3 * 19, 3 * 4));
}

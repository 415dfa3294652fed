//! Every kind of `tokenizer.json`'s stages against the Python `tokenizers`: ids and offsets of 2,237 texts
//! each.

use crate::common::texts::{base, faults, fill, texts};
use serde::Deserialize;
use serde_json::{Map, Value};
use tabsense::tokenize::Tokenizer;
use wasm_bindgen_test::wasm_bindgen_test;

#[derive(Deserialize)]
struct Kind {
    name: String,
    base: String,
    fields: Map<String, Value>,
    model: Map<String, Value>,
    digests: String,
}

fn tokenizer(kind: &Kind) -> Tokenizer {
    let mut file = base(&kind.base);
    file.as_object_mut().unwrap().extend(kind.fields.clone());
    file["model"].as_object_mut().unwrap().extend(kind.model.clone());
    let map: Value = serde_json::from_str(include_str!("../../test_data/tokenizer/unigram.json")).unwrap();
    fill(&mut file["normalizer"], &map["charsmap"]);
    Tokenizer::from_json(file.to_string().as_bytes(), 40_000).unwrap()
}

fn kinds() -> Vec<Kind> {
    let lines = include_str!("../../test_data/tokenizer/kinds.jsonl").lines();
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[wasm_bindgen_test(unsupported = test)]
fn ids_and_offsets_of_every_kind_are_hugging_face_s() {
    let texts = texts();
    assert_eq!(texts.len(), 2237);
    let mut failures = Vec::new();
    for kind in kinds() {
        let tokenizer = tokenizer(&kind);
        if let Some(faults) = faults(&tokenizer, &texts, &kind.digests) {
            failures.push(format!("{}: {faults}", kind.name));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

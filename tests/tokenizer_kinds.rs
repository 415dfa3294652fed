//! Every kind of `tokenizer.json`'s stages against the Python `tokenizers`: ids and offsets of 2,237 texts each.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::HashSet;
use tabsense::tokenize::Tokenizer;
use wasm_bindgen_test::wasm_bindgen_test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);

#[derive(Deserialize)]
struct Kind {
    name: String,
    base: String,
    fields: Map<String, Value>,
    model: Map<String, Value>,
    digests: String,
}

/// The texts of test_data/make_tokenizers.py.
fn texts() -> Vec<String> {
    let files = [
        include_str!("../test_data/tokenizer/cases.jsonl"),
        include_str!("cases/02-diacritics-and-case/expected-keep-accents.jsonl"),
        include_str!("cases/02-diacritics-and-case/expected-multilingual-cased.jsonl"),
        include_str!("cases/02-diacritics-and-case/expected-multilingual-strip.jsonl"),
        include_str!("cases/02-diacritics-and-case/expected-uncased.jsonl"),
        include_str!("cases/04-emoji/expected-multilingual-cased.jsonl"),
        include_str!("cases/04-emoji/expected-not-cleaned.jsonl"),
        include_str!("cases/04-emoji/expected-uncased.jsonl"),
        include_str!("cases/05-invisible-characters/expected-multilingual-cased.jsonl"),
        include_str!("cases/05-invisible-characters/expected-not-cleaned.jsonl"),
        include_str!("cases/05-invisible-characters/expected-uncased.jsonl"),
    ];
    let lines = files.iter().flat_map(|file| file.lines());
    let text = |line: &str| serde_json::from_str::<Value>(line).unwrap()["text"].as_str().unwrap().to_owned();
    let mut seen = HashSet::new();
    lines.map(text).filter(|text| seen.insert(text.clone())).collect()
}

/// FNV-1a of 64 bits over numbers of 32, folded to 16.
fn digest(numbers: impl Iterator<Item = u32>) -> String {
    let step = |state: u64, n: u32| (state ^ u64::from(n)).wrapping_mul(0x100_0000_01b3);
    let mut state = numbers.fold(0xcbf2_9ce4_8422_2325, step);
    state ^= state >> 32;
    format!("{:04x}", (state ^ state >> 16) & 0xffff)
}

/// The files that the kinds are variants of.
fn base(name: &str) -> Value {
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let bare = |model| json!({"added_tokens": [], "normalizer": null, "model": model});
    match name {
        "wordpiece" => read(include_str!("../models/sentiment-en/tokenizer.json")),
        "bpe" => {
            let mut model = read(include_str!("../test_data/tokenizer/bpe.json"));
            model["type"] = "BPE".into();
            bare(model)
        }
        "unigram" => {
            let mut vocab = read(include_str!("../test_data/tokenizer/unigram.json"))["vocab"].take();
            vocab.as_array_mut().unwrap().extend((0..256).map(|byte| json!([format!("<0x{byte:02X}>"), -20.0])));
            bare(json!({"type": "Unigram", "unk_id": 0, "vocab": vocab}))
        }
        _ => panic!("no base {name}"),
    }
}

/// Puts the character map of unigram.json where a kind has none of its own.
fn fill(stage: &mut Value, map: &Value) {
    if stage["type"] == "Precompiled" {
        stage["precompiled_charsmap"] = map.clone();
    }
    if let Some(stages) = stage.get_mut("normalizers").and_then(Value::as_array_mut) {
        stages.iter_mut().for_each(|stage| fill(stage, map));
    }
}

fn tokenizer(kind: &Kind) -> Tokenizer {
    let mut file = base(&kind.base);
    file.as_object_mut().unwrap().extend(kind.fields.clone());
    file["model"].as_object_mut().unwrap().extend(kind.model.clone());
    let map: Value = serde_json::from_str(include_str!("../test_data/tokenizer/unigram.json")).unwrap();
    fill(&mut file["normalizer"], &map["charsmap"]);
    Tokenizer::from_json(file.to_string().as_bytes(), 40_000).unwrap()
}

fn kinds() -> Vec<Kind> {
    let lines = include_str!("../test_data/tokenizer/kinds.jsonl").lines();
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[wasm_bindgen_test(unsupported = test)]
fn ids_and_offsets_of_every_kind_are_hugging_face_s() {
    let texts = texts();
    assert_eq!(texts.len(), 2237);
    let mut failures = Vec::new();
    for kind in kinds() {
        let tokenizer = tokenizer(&kind);
        assert_eq!(kind.digests.len(), 4 * texts.len());
        let mut wrong = Vec::new();
        for (i, text) in texts.iter().enumerate() {
            let (ids, offsets) = tokenizer.encode_with_offsets(text).unwrap();
            assert_eq!(ids, tokenizer.encode(text).unwrap(), "{}: {text:?}", kind.name);
            let all = tokenizer.frame(ids, Some(offsets), usize::MAX);
            let offsets = all.offsets.unwrap();
            let numbers = all.ids.iter().zip(&offsets).flat_map(|(id, at)| [*id, at.start as u32, at.end as u32]);
            if digest(numbers) != kind.digests[4 * i..4 * i + 4] {
                wrong.push((text, all.ids, offsets));
            }
        }
        if let Some(first) = wrong.iter().min_by_key(|(text, ..)| text.len()) {
            failures.push(format!("{}: {} of {}, {first:?}", kind.name, wrong.len(), texts.len()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

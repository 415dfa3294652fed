//! The files of whole repositories against `AutoTokenizer.from_pretrained`: ids and offsets of 2,237 texts,
//! and pairs cut to given lengths.

use crate::common::texts::{base, faults, fill, texts};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tabsense::ErrorKind;
use tabsense::tokenize::{Cut, Tokenizer, TokenizerFiles};
use wasm_bindgen_test::wasm_bindgen_test;

const ROWS: usize = 40_000;
const SPM: &[u8] = include_bytes!("../../test_data/tokenizer/spm.model");

#[derive(Deserialize)]
struct Folder {
    name: String,
    model_type: String,
    files: Map<String, Value>,
    digests: String,
    pairs: Vec<Pair>,
}

#[derive(Deserialize)]
struct Pair {
    text: String,
    pair: String,
    length: Option<usize>,
    ids: Vec<u32>,
    types: Vec<u8>,
    offsets: Vec<(usize, usize)>,
    second: Vec<usize>,
    only_first: Option<Vec<u32>>,
}

fn folders() -> Vec<Folder> {
    let lines = include_str!("../../test_data/tokenizer/folders.jsonl").lines();
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The vocabulary of test_data/make_folders.py.
fn words() -> Vec<String> {
    let script = include_str!("../../test_data/make_folders.py");
    let list = script.split_once("WORDS = [").unwrap().1.split_once("]\n").unwrap().0;
    serde_json::from_str(&format!("[{list}]")).unwrap()
}

/// The contents of the folder's file that `value` describes.
fn content(value: &Value) -> Vec<u8> {
    let bpe = || base("bpe")["model"].take();
    match value {
        Value::String(name) => match name.as_str() {
            "@words" => words().join("\n").into_bytes(),
            "@vocab.json" => bpe()["vocab"].to_string().into_bytes(),
            "@merges.txt" => {
                let pair = |pair: &Value| format!("{} {}\n", pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
                let merges: String = bpe()["merges"].as_array().unwrap().iter().map(pair).collect();
                format!("#version: 0.2\n{merges}").into_bytes()
            }
            "@spm.model" => SPM.into(),
            other => panic!("no file {other}"),
        },
        Value::Object(fields) if fields.contains_key("@base") => {
            let mut fields = fields.clone();
            let name = fields.remove("@base").unwrap();
            let mut file = match name.as_str().unwrap() {
                "words" => {
                    let word = |(id, word): (usize, String)| (word.trim_end().to_owned(), json!(id));
                    let vocab: Map<String, Value> = words().into_iter().enumerate().map(word).collect();
                    json!({"model": {"type": "WordPiece", "vocab": vocab}})
                }
                name => base(name),
            };
            file.as_object_mut().unwrap().extend(fields);
            if file["normalizer"] == "@map" {
                file["normalizer"] = json!({"type": "Precompiled"});
            }
            let unigram: Value = serde_json::from_str(include_str!("../../test_data/tokenizer/unigram.json")).unwrap();
            fill(&mut file["normalizer"], &unigram["charsmap"]);
            file.to_string().into_bytes()
        }
        other => other.to_string().into_bytes(),
    }
}

fn tokenizer(folder: &Folder) -> Tokenizer {
    let model = json!({"model_type": folder.model_type}).to_string();
    let file = |names: &[&str]| names.iter().find_map(|name| folder.files.get(*name)).map(content);
    let all = [
        &["tokenizer.json"][..],
        &["vocab.txt", "vocab.json"],
        &["merges.txt"],
        &["sentencepiece.bpe.model", "spm.model"],
        &["tokenizer_config.json"],
        &["special_tokens_map.json"],
        &["added_tokens.json"],
    ]
    .map(file);
    let files = TokenizerFiles {
        model_config: Some(model.as_bytes()),
        tokenizer_json: all[0].as_deref(),
        vocab: all[1].as_deref(),
        merges: all[2].as_deref(),
        sentencepiece: all[3].as_deref(),
        config: all[4].as_deref(),
        special_tokens_map: all[5].as_deref(),
        added_tokens: all[6].as_deref(),
    };
    Tokenizer::from_files(&files, ROWS).unwrap()
}

#[wasm_bindgen_test(unsupported = test)]
fn ids_and_offsets_of_every_repository_are_python_s() {
    let texts = texts();
    let mut failures = Vec::new();
    for folder in folders() {
        let tokenizer = tokenizer(&folder);
        assert!(tokenizer.warnings().is_empty(), "{}: {:?}", folder.name, tokenizer.warnings());
        if let Some(faults) = faults(&tokenizer, &texts, &folder.digests) {
            failures.push(format!("{}: {faults}", folder.name));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[wasm_bindgen_test(unsupported = test)]
fn pairs_are_framed_and_cut_as_in_python() {
    let mut count = 0;
    for folder in folders() {
        let tokenizer = tokenizer(&folder);
        for case in &folder.pairs {
            let room = case.length.unwrap_or(usize::MAX);
            let got = tokenizer.encode_pair(&case.text, &case.pair, Cut::LongestFirst, room, true).unwrap();
            let offsets: Vec<_> = got.offsets.iter().flatten().map(|at| (at.start, at.end)).collect();
            let place = format!("{}: {:?} {:?} {:?}", folder.name, case.text, case.pair, case.length);
            assert_eq!((&got.ids, &got.types), (&case.ids, &case.types), "{place}");
            assert_eq!(
                (offsets, got.second.clone().collect::<Vec<_>>()),
                (case.offsets.clone(), case.second.clone()),
                "{place}"
            );
            let plain = tokenizer.encode_pair(&case.text, &case.pair, Cut::LongestFirst, room, false).unwrap();
            assert_eq!((plain.ids, plain.truncated), (got.ids, got.truncated), "{place}");
            count += 1;
        }
    }
    assert_eq!(count, folders().len() * 6 * 8);
}

#[wasm_bindgen_test(unsupported = test)]
fn the_text_of_a_pair_alone_is_cut_as_in_python() {
    let (mut cut, mut refused) = (0, 0);
    for folder in folders() {
        let tokenizer = tokenizer(&folder);
        for case in &folder.pairs {
            let room = case.length.unwrap_or(usize::MAX);
            let place = format!("{}: {:?} {:?} {:?}", folder.name, case.text, case.pair, case.length);
            let got = tokenizer.encode_pair(&case.text, &case.pair, Cut::OnlyFirst, room, true);
            let Some(wanted) = &case.only_first else {
                let error = got.expect_err(&place);
                assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{place}");
                assert!(error.message().contains("Use a shorter label"), "{error}");
                refused += 1;
                continue;
            };
            let got = got.expect(&place);
            assert_eq!(&got.ids, wanted, "{place}");
            if case.length.is_none() {
                assert!(!got.truncated, "{place}");
                assert_eq!(got, tokenizer.encode_pair(&case.text, &case.pair, Cut::LongestFirst, room, true).unwrap());
            }
            let plain = tokenizer.encode_pair(&case.text, &case.pair, Cut::OnlyFirst, room, false).unwrap();
            assert_eq!((plain.ids, plain.truncated), (got.ids, got.truncated), "{place}");
            cut += usize::from(got.truncated);
        }
    }
    assert!(cut > 100 && refused > 100, "{cut} cut, {refused} refused");
}

#[wasm_bindgen_test(unsupported = test)]
fn rejects_a_pair_without_a_frame() {
    let mut file = base("bpe");
    file["pre_tokenizer"] = json!({"type": "ByteLevel", "add_prefix_space": false});
    let tokenizer = Tokenizer::from_json(file.to_string().as_bytes(), ROWS).unwrap();
    let error = tokenizer.encode_pair("a", "b", Cut::LongestFirst, 100, false).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TokenizerUnsupported);
    assert_eq!(tokenizer.special_tokens_of_pair(), None);
}

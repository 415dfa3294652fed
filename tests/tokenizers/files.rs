//! Tokenization against the Python `tokenizers`: 41 known cases, 2,000 hostile strings, and texts over the
//! limit.

use serde::Deserialize;
use serde_json::{Value, json};
use tabsense::ErrorKind;
use tabsense::tokenize::{Tokenizer, TokenizerFiles};
use wasm_bindgen_test::wasm_bindgen_test;

pub const FILE: &[u8] = include_bytes!("../../models/sentiment-en-1/tokenizer.json");
pub const ROWS: usize = 30_522;
const MAX_TOKENS: usize = 512;

#[derive(Deserialize)]
pub struct Case {
    pub text: String,
    pub ids: Vec<u32>,
    #[serde(default)]
    pub offsets: Vec<(usize, usize)>,
    #[serde(default)]
    pub source: String,
    #[serde(default)]
    pub truncated: bool,
}

fn cases(lines: &str) -> Vec<Case> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn tokenizer() -> Tokenizer {
    Tokenizer::from_json(FILE, ROWS).unwrap()
}

#[wasm_bindgen_test(unsupported = test)]
fn ids_and_offsets_are_hugging_face_s() {
    let tokenizer = tokenizer();
    let cases = cases(include_str!("../../test_data/tokenizer/cases.jsonl"));
    assert!(cases.len() >= 2041, "{}", cases.len());
    let mut failures = Vec::new();
    for case in &cases {
        // Python counts characters, Rust bytes.
        let mut chars: Vec<usize> = vec![0; case.text.len() + 1];
        for (i, (byte, _)) in case.text.char_indices().enumerate() {
            chars[byte] = i;
        }
        chars[case.text.len()] = case.text.chars().count();

        let ids = tokenizer.encode(&case.text).unwrap();
        let (ids_again, offsets) = tokenizer.encode_with_offsets(&case.text).unwrap();
        let plain = tokenizer.frame(ids, None, usize::MAX);
        let full = tokenizer.frame(ids_again, Some(offsets), usize::MAX);
        let offsets: Vec<_> = full.offsets.as_ref().unwrap().iter().map(|r| (chars[r.start], chars[r.end])).collect();
        if plain.ids != case.ids || full.ids != case.ids {
            failures.push(format!("{}: {:?}: ids {:?}, expected {:?}", case.source, case.text, full.ids, case.ids));
        } else if offsets != case.offsets {
            failures.push(format!("{}: {:?}: {offsets:?}, expected {:?}", case.source, case.text, case.offsets));
        }
    }
    let shown = failures.iter().take(10).cloned().collect::<Vec<_>>().join("\n");
    assert!(failures.is_empty(), "{} of {} differ:\n{shown}", failures.len(), cases.len());
}

#[wasm_bindgen_test(unsupported = test)]
fn long_texts_are_cut_as_hugging_face_cuts_them() {
    let tokenizer = tokenizer();
    let cases = cases(include_str!("../../test_data/tokenizer/truncation.jsonl"));
    assert!(cases.iter().any(|c| c.truncated) && cases.iter().any(|c| !c.truncated));
    for case in cases {
        let got = tokenizer.frame(tokenizer.encode(&case.text).unwrap(), None, MAX_TOKENS);
        assert_eq!(got.ids, case.ids);
        assert_eq!(got.truncated, case.truncated);
        assert_eq!(got.ids.last(), Some(&102), "the last [SEP] stays");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn offsets_are_cut_with_their_ids() {
    let tokenizer = tokenizer();
    let (ids, offsets) = tokenizer.encode_with_offsets(&"word ".repeat(600)).unwrap();
    let framed = tokenizer.frame(ids, Some(offsets), MAX_TOKENS);
    let offsets = framed.offsets.unwrap();
    assert_eq!((framed.ids.len(), offsets.len()), (MAX_TOKENS, MAX_TOKENS));
    assert_eq!((framed.prefix, framed.suffix, framed.truncated), (1, 1, true));
    assert_eq!((&offsets[0], &offsets[510], &offsets[511]), (&(0..0), &(2545..2549), &(0..0)));
}

#[wasm_bindgen_test(unsupported = test)]
fn truncation_and_padding_of_the_file_are_dropped() {
    for (truncation, padding) in [
        (json!({"max_length": 4, "strategy": "LongestFirst", "stride": 9, "direction": "Right"}), Value::Null),
        (
            json!({"max_length": 0, "strategy": "OnlySecond", "stride": u64::MAX}),
            json!({"strategy": {"Fixed": 1u64 << 60}}),
        ),
        (json!("nonsense"), json!([1, 2, 3])),
    ] {
        let mut file: Value = serde_json::from_slice(FILE).unwrap();
        file["truncation"] = truncation;
        file["padding"] = padding;
        let tokenizer = Tokenizer::from_json(file.to_string().as_bytes(), ROWS).unwrap();
        assert_eq!(tokenizer.encode("how are you doing today").unwrap().len(), 5);
    }
}

fn kind(edit: impl FnOnce(&mut Value)) -> ErrorKind {
    let mut file: Value = serde_json::from_slice(FILE).unwrap();
    edit(&mut file);
    let error = Tokenizer::from_json(file.to_string().as_bytes(), ROWS).err().expect("refused");
    assert!(error.message().starts_with("tokenizer.json "), "{}", error.message());
    error.kind()
}

#[wasm_bindgen_test(unsupported = test)]
fn a_tokenizer_of_another_kind_is_unsupported() {
    let words = json!({"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"});
    assert_eq!(kind(|f| f["model"] = words), ErrorKind::TokenizerUnsupported);
    let other = json!({"type": "Other", "vocab": 3});
    assert_eq!(kind(|f| f["model"] = other), ErrorKind::TokenizerUnsupported);
    for part in ["normalizer", "pre_tokenizer", "post_processor"] {
        assert_eq!(kind(|f| f[part] = json!({"type": "Wonder"})), ErrorKind::TokenizerUnsupported, "{part}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_broken_tokenizer_is_invalid() {
    for bytes in [&b""[..], b"[]", b"{}", b"null", b"\xff", b"{\"model\": 3}"] {
        let error = Tokenizer::from_json(bytes, ROWS).err().expect("refused");
        assert_eq!(error.kind(), ErrorKind::TokenizerInvalid, "{bytes:?}");
    }
    for bytes in [&b"<!doctype html>"[..], b"\xff\xfe{\0", b"version https://git-lfs.github.com/spec/v1"] {
        let error = Tokenizer::from_json(bytes, ROWS).err().expect("refused");
        assert_eq!(error.kind(), ErrorKind::NotAModel, "{bytes:?}");
    }
    assert_eq!(kind(|f| f["model"]["vocab"] = json!({})), ErrorKind::TokenizerInvalid);
    assert_eq!(kind(|f| f["model"]["vocab"] = json!([1])), ErrorKind::TokenizerInvalid);
    assert_eq!(kind(|f| f["model"]["vocab"]["hello"] = json!(-1)), ErrorKind::TokenizerInvalid);
    assert_eq!(kind(|f| f["model"]["unk_token"] = json!("[NOT THERE]")), ErrorKind::TokenizerInvalid);
    assert_eq!(kind(|f| f["post_processor"]["special_tokens"] = json!({})), ErrorKind::TokenizerInvalid);
    assert_eq!(kind(|f| f["post_processor"]["single"] = json!([])), ErrorKind::TokenizerInvalid);
    assert_eq!(kind(|f| f["pre_tokenizer"] = json!("BertPreTokenizer")), ErrorKind::TokenizerInvalid);
    assert_eq!(kind(|f| f["added_tokens"] = json!([{"id": "x"}])), ErrorKind::TokenizerInvalid);
}

#[wasm_bindgen_test(unsupported = test)]
fn ids_beyond_the_embedding_are_refused() {
    assert_eq!(kind(|f| f["model"]["vocab"]["hello"] = json!(ROWS)), ErrorKind::TokenizerInvalid);
    assert_eq!(kind(|f| f["model"]["vocab"]["hello"] = json!(u64::MAX)), ErrorKind::TokenizerInvalid);
    assert_eq!(kind(|f| f["added_tokens"][0]["id"] = json!(ROWS)), ErrorKind::TokenizerInvalid);
    let small = Tokenizer::from_json(FILE, 1000).err().expect("refused");
    assert_eq!(small.kind(), ErrorKind::TokenizerInvalid);
}

#[wasm_bindgen_test(unsupported = test)]
fn tokenizer_config_json_counts_as_it_does_in_python() {
    #[derive(Deserialize)]
    struct File {
        name: String,
        class_of_config: Option<String>,
        fields: serde_json::Map<String, Value>,
        tokenizer_config: Value,
        texts: Vec<Case>,
    }
    for line in include_str!("../../test_data/tokenizer/config.jsonl").lines() {
        let File { name, class_of_config, fields, tokenizer_config, texts } = serde_json::from_str(line).unwrap();
        let mut file: Value = serde_json::from_str(include_str!("../../test_data/tokenizer/config_base.json")).unwrap();
        file.as_object_mut().unwrap().extend(fields);
        let settings = tokenizer_config.to_string();
        let (file, model) =
            (file.to_string(), json!({"model_type": "distilbert", "tokenizer_class": class_of_config}).to_string());
        let files = TokenizerFiles {
            model_config: Some(model.as_bytes()),
            tokenizer_json: Some(file.as_bytes()),
            config: Some(settings.as_bytes()),
            ..TokenizerFiles::default()
        };
        let tokenizer = Tokenizer::from_files(&files, 100).unwrap();
        for Case { text, ids, .. } in texts {
            assert_eq!(tokenizer.encode_to(&text, usize::MAX, false).unwrap().ids, ids, "{name}: {text:?}");
        }
    }
}

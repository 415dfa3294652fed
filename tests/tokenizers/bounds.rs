//! The limits of docs/security.md for tokenizers: a file at a limit is read, and one just beyond it is
//! refused.

use crate::common::texts::base64;
use serde_json::{Value, json};
use tabsense::ErrorKind::{self, TokenizerInvalid, TokenizerUnsupported};
use tabsense::tokenize::Tokenizer;
use wasm_bindgen_test::wasm_bindgen_test;

const ROWS: usize = 40_000;

/// A Unigram file with these additional tokens and fields.
fn unigram(tokens: &[&str], fields: Value) -> Value {
    let mut vocab = vec![json!(["<unk>", 0.0]), json!(["a", -1.0])];
    vocab.extend(tokens.iter().map(|token| json!([token, -2.0])));
    let mut file = json!({"model": {"type": "Unigram", "unk_id": 0, "vocab": vocab}});
    file.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    file
}

fn read(file: &Value) -> Result<Tokenizer, ErrorKind> {
    Tokenizer::from_json(file.to_string().as_bytes(), ROWS).map_err(|error| error.kind())
}

/// Checks that `file(most)` is read, and that `file(most + 1)` is an error of `kind`.
#[track_caller]
fn bound(most: usize, kind: ErrorKind, file: impl Fn(usize) -> Value) {
    assert_eq!(read(&file(most)).err(), None, "at {most}");
    assert_eq!(read(&file(most + 1)).err(), Some(kind), "beyond {most}");
}

#[wasm_bindgen_test(unsupported = test)]
fn the_longest_token_and_one_longer() {
    bound(512, TokenizerUnsupported, |bytes| unigram(&[&"b".repeat(bytes)], json!({})));
    bound(512, TokenizerUnsupported, |bytes| {
        json!({"model": {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 1000, "vocab": {"[UNK]": 0, "b".repeat(bytes): 1},
        }})
    });
}

#[wasm_bindgen_test(unsupported = test)]
fn the_longest_added_token_and_one_longer() {
    bound(1024, TokenizerUnsupported, |bytes| {
        let token = json!({
            "id": 2, "content": "é".repeat(bytes / 2) + &"b".repeat(bytes % 2), "single_word": false,
            "lstrip": false, "rstrip": false, "normalized": false, "special": false,
        });
        unigram(&[], json!({"added_tokens": [token]}))
    });
}

#[wasm_bindgen_test(unsupported = test)]
fn the_most_stages_and_one_more() {
    bound(32, TokenizerInvalid, |stages| {
        let all = vec![json!({"type": "NFC"}); stages];
        unigram(&[], json!({"normalizer": {"type": "Sequence", "normalizers": all}}))
    });
    bound(32, TokenizerInvalid, |stages| {
        let all = vec![json!({"type": "WhitespaceSplit"}); stages];
        unigram(&[], json!({"pre_tokenizer": {"type": "Sequence", "pretokenizers": all}}))
    });
}

#[wasm_bindgen_test(unsupported = test)]
fn the_longest_text_of_a_stage_and_one_longer() {
    let text = |bytes: usize| "x".repeat(bytes);
    bound(64, TokenizerInvalid, |bytes| {
        unigram(&[], json!({"normalizer": {"type": "Prepend", "prepend": text(bytes)}}))
    });
    bound(64, TokenizerInvalid, |bytes| {
        let stage = json!({"type": "Replace", "pattern": {"String": "a"}, "content": text(bytes)});
        unigram(&[], json!({"normalizer": stage}))
    });
}

#[wasm_bindgen_test(unsupported = test)]
fn the_longest_replacement_of_a_character_map_and_one_longer() {
    bound(512, TokenizerUnsupported, |bytes| {
        let map = [&4_u32.to_le_bytes()[..], &[0; 4], "x".repeat(bytes).as_bytes()].concat();
        unigram(&[], json!({"normalizer": {"type": "Precompiled", "precompiled_charsmap": base64(&map)}}))
    });
}

#[wasm_bindgen_test(unsupported = test)]
fn the_most_that_a_text_grows_and_one_byte_more() {
    // 17 bytes for each: the limit is 16 times the text's bytes, plus 65,536.
    let stage = json!({"type": "Replace", "pattern": {"String": "a"}, "content": "x".repeat(17)});
    let tokenizer = read(&unigram(&[], json!({"normalizer": stage}))).unwrap();
    assert!(tokenizer.encode(&"a".repeat(65_536)).is_ok());
    assert_eq!(tokenizer.encode(&"a".repeat(65_537)).unwrap_err().kind(), TokenizerUnsupported);
}

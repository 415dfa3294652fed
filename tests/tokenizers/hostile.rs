//! Tokenizer files that are broken or malicious: a typed error for each, and bounded work.

use crate::common::texts::base64;
use serde_json::{Value, json};
use tabsense::ErrorKind::{self, ConfigInvalid, NotAModel, TokenizerInvalid, TokenizerUnsupported};
use tabsense::tokenize::{Tokenizer, TokenizerFiles};
use wasm_bindgen_test::wasm_bindgen_test;

const SPM: &[u8] = include_bytes!("../../test_data/tokenizer/spm.model");

/// The kind and message of the error that refuses the files.
fn refused(files: &TokenizerFiles) -> (ErrorKind, String) {
    let error = Tokenizer::from_files(files, 40_000).err().expect("refused");
    (error.kind(), error.message().to_owned())
}

fn refused_json(file: &Value) -> (ErrorKind, String) {
    let text = file.to_string();
    refused(&TokenizerFiles { tokenizer_json: Some(text.as_bytes()), ..TokenizerFiles::default() })
}

/// A Unigram file with these fields of the model, and these of the file.
fn unigram(model: Value, fields: Value) -> Value {
    let mut file =
        json!({"model": {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["a", -1.0], ["▁", -2.0]]}});
    file["model"].as_object_mut().unwrap().extend(model.as_object().unwrap().clone());
    file.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    file
}

/// A byte-pair file with these merges.
fn bpe(merges: Value) -> Value {
    json!({"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": merges}})
}

/// A file whose normalizer has a character map of these units and replacements.
fn mapped(trie: &[u32], replacements: &[u8]) -> Value {
    let units = trie.iter().flat_map(|unit| unit.to_le_bytes());
    let map: Vec<u8> =
        (4 * trie.len() as u32).to_le_bytes().into_iter().chain(units).chain(replacements.iter().copied()).collect();
    unigram(json!({}), json!({"normalizer": {"type": "Precompiled", "precompiled_charsmap": base64(&map)}}))
}

#[wasm_bindgen_test(unsupported = test)]
fn rejects_inconsistent_models() {
    let wide = json!([["<unk>", 0.0], ["a".repeat(600), -1.0]]);
    for (file, kind, expected) in [
        (unigram(json!({"unk_id": null}), json!({})), TokenizerInvalid, "unk_id"),
        (unigram(json!({"unk_id": 3}), json!({})), TokenizerInvalid, "unk_id"),
        (unigram(json!({"unk_id": -1}), json!({})), TokenizerInvalid, "wrong type"),
        (unigram(json!({"vocab": []}), json!({})), TokenizerInvalid, "unk_id"),
        (unigram(json!({"vocab": [["a"]]}), json!({})), TokenizerInvalid, "wrong type"),
        (unigram(json!({"vocab": [["a", null]]}), json!({})), TokenizerInvalid, "wrong type"),
        (unigram(json!({"vocab": {"a": 0}}), json!({})), TokenizerInvalid, "list of tokens"),
        (unigram(json!({"vocab": wide}), json!({})), TokenizerUnsupported, "600 bytes"),
        (bpe(json!(["a b", "b c"])), TokenizerInvalid, "\"c\""),
        (bpe(json!([["b", "a"]])), TokenizerInvalid, "\"ba\""),
        (bpe(json!(["a b c"])), TokenizerInvalid, "wrong type"),
        (bpe(json!(["ab"])), TokenizerInvalid, "wrong type"),
        (bpe(json!([["a", "b", "c"]])), TokenizerInvalid, "wrong type"),
        (bpe(json!(3)), TokenizerInvalid, "wrong type"),
        (json!({"model": {"type": "BPE", "vocab": [["a", 0.0]], "merges": []}}), TokenizerInvalid, "object of tokens"),
        (json!({"model": {"type": "BPE", "vocab": {"a": 0}, "unk_token": "b"}}), TokenizerInvalid, "\"b\""),
        (json!({"model": {"type": "BPE", "merges": []}}), TokenizerInvalid, "no vocabulary"),
    ] {
        let (got, message) = refused_json(&file);
        assert_eq!((got, message.contains(expected)), (kind, true), "{file}: {message}");
        assert!(message.starts_with("tokenizer.json ") && message.ends_with('.'), "{message}");
    }
    // JSON has no NaN, but Python writes it.
    let text = unigram(json!({}), json!({})).to_string();
    for wrong in ["NaN", "-Infinity", "1e999"] {
        let text = text.replace("-1.0", wrong);
        let files = TokenizerFiles { tokenizer_json: Some(text.as_bytes()), ..TokenizerFiles::default() };
        assert_eq!(refused(&files).0, TokenizerInvalid, "{wrong}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn stages_of_unknown_kinds_and_with_wrong_fields_are_refused() {
    let replace = |pattern: Value| json!({"type": "Replace", "pattern": pattern, "content": ""});
    let long = "x".repeat(65);
    for (part, stage, kind) in [
        ("normalizer", json!({"type": "Wonder"}), TokenizerUnsupported),
        ("normalizer", json!({"kind": "NFC"}), TokenizerInvalid),
        ("normalizer", json!([]), TokenizerInvalid),
        ("normalizer", json!({"type": "Strip"}), TokenizerInvalid),
        ("normalizer", json!({"type": "Prepend", "prepend": long}), TokenizerInvalid),
        ("normalizer", json!({"type": "Precompiled", "precompiled_charsmap": "AAAA"}), TokenizerInvalid),
        ("normalizer", json!({"type": "Precompiled", "precompiled_charsmap": "é"}), TokenizerInvalid),
        ("normalizer", json!({"type": "Sequence", "normalizers": vec![json!({"type": "NFC"}); 33]}), TokenizerInvalid),
        ("normalizer", replace(json!({"Regex": "(a+)+$"})), TokenizerUnsupported),
        ("normalizer", replace(json!({"Regex": "a{0,}"})), TokenizerUnsupported),
        // Each character of a text would be compared with this many.
        ("normalizer", replace(json!({"Regex": "\\S{100000,}"})), TokenizerUnsupported),
        ("normalizer", replace(json!({"Regex": "a".repeat(100_000)})), TokenizerUnsupported),
        ("normalizer", replace(json!({"Regex": "[z-"})), TokenizerUnsupported),
        ("normalizer", replace(json!({"Regex": "\\"})), TokenizerUnsupported),
        ("normalizer", replace(json!({})), TokenizerInvalid),
        ("pre_tokenizer", json!({"type": "Metaspace", "replacement": "ab"}), TokenizerInvalid),
        ("pre_tokenizer", json!({"type": "Metaspace", "prepend_scheme": "last"}), TokenizerInvalid),
        ("pre_tokenizer", json!({"type": "Split", "pattern": {"String": "a"}, "behavior": "Gone"}), TokenizerInvalid),
        ("pre_tokenizer", json!({"type": "ByteLevel", "add_prefix_space": 1}), TokenizerInvalid),
        ("pre_tokenizer", json!({"type": "UnicodeScripts"}), TokenizerUnsupported),
        ("post_processor", json!({"type": "RobertaProcessing", "cls": ["<s>", 0]}), TokenizerInvalid),
        ("post_processor", json!({"type": "BertProcessing", "cls": ["a", 1], "sep": ["b", 50_000]}), TokenizerInvalid),
    ] {
        let (got, message) = refused_json(&unigram(json!({}), json!({part: stage})));
        assert_eq!(got, kind, "{part} {stage}: {message}");
    }
    let frame = |single: Value, pair: Value| {
        let template = json!({"type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": {}});
        refused_json(&unigram(json!({}), json!({"post_processor": template}))).0
    };
    let text = |id: &str| json!({"Sequence": {"id": id, "type_id": 0}});
    assert_eq!(frame(json!([text("A"), text("A")]), Value::Null), TokenizerUnsupported);
    assert_eq!(frame(json!([text("A")]), json!([text("B"), text("A")])), TokenizerUnsupported);
    assert_eq!(frame(json!([text("A")]), json!([text("A")])), TokenizerInvalid);
    assert_eq!(frame(json!([{"Sequence": {"id": "A", "type_id": 256}}]), Value::Null), TokenizerInvalid);
}

#[wasm_bindgen_test(unsupported = test)]
fn hostile_character_maps_are_rejected_or_harmless() {
    // Units that lead to themselves, beyond the array, to values beyond the replacements, and into the middle
    // of a character.
    let leaf = 1 << 8;
    let tries: [&[u32]; 6] =
        [&[], &[leaf], &[u32::MAX; 300], &[1 << 10, leaf | 0x61, 0x7fff_ffff], &[0x61 << 10; 200], &[leaf | 0x61; 256]];
    for trie in tries {
        for replacements in ["", "é", "\0", "a\0b\0", "ééé\0"] {
            let file = mapped(trie, replacements.as_bytes()).to_string();
            let tokenizer = Tokenizer::from_json(file.as_bytes(), 40_000).unwrap();
            for text in ["", "a", "aaa\0a", "é", "\u{301}\u{301}", "🇩🇪👨‍👩‍👧"] {
                let (ids, offsets) = tokenizer.encode_with_offsets(text).unwrap();
                assert_eq!(ids, tokenizer.encode(text).unwrap());
                assert!(offsets.iter().all(|range| text.get(range.clone()).is_some()), "{text:?} {offsets:?}");
            }
        }
    }
    assert_eq!(refused_json(&mapped(&[0], b"\xff")).0, TokenizerInvalid);
    assert_eq!(refused_json(&mapped(&[0], "x".repeat(513).as_bytes())).0, TokenizerUnsupported);
}

#[wasm_bindgen_test(unsupported = test)]
fn a_normalizer_can_not_grow_a_text_without_bounds() {
    let double = json!({"type": "Replace", "pattern": {"String": "a"}, "content": "aa"});
    let file = unigram(json!({}), json!({"normalizer": {"type": "Sequence", "normalizers": vec![double; 32]}}));
    let tokenizer = Tokenizer::from_json(file.to_string().as_bytes(), 40_000).unwrap();
    assert_eq!(tokenizer.encode("a").unwrap_err().kind(), TokenizerUnsupported);
    assert_eq!(tokenizer.encode("b").unwrap(), [0]);
    // Nor may a single stage: a map that replaces a character with 512 bytes, and a replacement.
    let map: [u32; 98] = std::array::from_fn(|i| match i {
        0 => 1 << 10,
        0x60 => 1 << 10 | 1 << 8 | 0x61,
        0x61 => 1 << 31,
        _ => 0,
    });
    let file = mapped(&map, "x".repeat(512).as_bytes());
    let replace = json!({"type": "Replace", "pattern": {"String": "a"}, "content": "x".repeat(64)});
    for file in [file, unigram(json!({}), json!({"normalizer": replace}))] {
        let tokenizer = Tokenizer::from_json(file.to_string().as_bytes(), 40_000).unwrap();
        assert_eq!(tokenizer.encode("a").unwrap(), [0]);
        assert_eq!(tokenizer.encode(&"a".repeat(1 << 20)).unwrap_err().kind(), TokenizerUnsupported);
    }
}

/// A prefix or suffix that no token contains becomes byte tokens, more than the word has bytes. The ids are
/// Python's.
#[wasm_bindgen_test(unsupported = test)]
fn tokens_of_bytes_stay_in_their_word() {
    let mut vocab: serde_json::Map<_, _> = (0..256).map(|byte| (format!("<0x{byte:02X}>"), json!(byte))).collect();
    ["<unk>", "a", "b"].into_iter().zip(256..).for_each(|(token, id)| _ = vocab.insert(token.into(), json!(id)));
    let with = |field: &str, value: &str| {
        let mut model =
            json!({"type": "BPE", "unk_token": "<unk>", "byte_fallback": true, "vocab": vocab, "merges": []});
        model[field] = value.into();
        let file = json!({"pre_tokenizer": {"type": "WhitespaceSplit"}, "model": model}).to_string();
        Tokenizer::from_json(file.as_bytes(), 300).unwrap()
    };
    let suffix = [0x3c, 0x2f, 0x77, 0x3e];
    for (tokenizer, text, wanted) in [
        (with("end_of_word_suffix", "</w>"), "a", [&[0x61][..], &suffix].concat()),
        (with("end_of_word_suffix", "</w>"), "aé b", [&[257, 0xc3, 0xa9][..], &suffix, &[0x62], &suffix].concat()),
        (with("continuing_subword_prefix", "##"), "ab a", vec![257, 0x23, 0x23, 0x62, 257]),
    ] {
        let (ids, offsets) = tokenizer.encode_with_offsets(text).unwrap();
        assert_eq!(ids, wanted, "{text}");
        assert!(offsets.iter().all(|range| text.get(range.clone()).is_some_and(|taken| !taken.is_empty())));
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn long_words_take_time_in_proportion() {
    let mut vocab = json!({"b": 0});
    let mut merges = Vec::new();
    for n in 0..12 {
        vocab["a".repeat(1 << n)] = (n + 1).into();
        if n > 0 {
            merges.push(vec!["a".repeat(1 << (n - 1)); 2]);
        }
    }
    let file = json!({"model": {"type": "BPE", "vocab": vocab, "merges": merges}}).to_string();
    let tokenizer = Tokenizer::from_json(file.as_bytes(), 100).unwrap();
    assert_eq!(tokenizer.encode(&"a".repeat(1 << 20)).unwrap(), [12; 1 << 9]);
    assert_eq!(tokenizer.encode(&"ba".repeat(1 << 18)).unwrap().len(), 1 << 19);
}

#[wasm_bindgen_test(unsupported = test)]
fn a_vocabulary_may_have_as_many_pieces_as_the_embedding_has_rows() {
    use std::fmt::Write;
    let mut file = String::from(r#"{"model": {"type": "Unigram", "unk_id": 0, "vocab": [["a",0]"#);
    (1..2_000_000).for_each(|n| write!(file, r#",["{n:x}",0]"#).unwrap());
    file.push_str("]}}");
    let files = TokenizerFiles { tokenizer_json: Some(file.as_bytes()), ..TokenizerFiles::default() };
    let (kind, message) = refused(&files);
    assert_eq!((kind, message.contains("40000 rows")), (TokenizerInvalid, true), "{message}");
    let tokenizer = Tokenizer::from_files(&files, 2_000_000).unwrap();
    assert_eq!(tokenizer.encode("ffff").unwrap(), [0xffff]);
}

#[wasm_bindgen_test(unsupported = test)]
fn a_sentencepiece_file_cut_short_is_refused() {
    let files = |bytes, model| TokenizerFiles {
        sentencepiece: Some(bytes),
        model_config: Some(model),
        ..TokenizerFiles::default()
    };
    let xlm_r: &[u8] = br#"{"model_type": "xlm-roberta"}"#;
    assert!(Tokenizer::from_files(&files(SPM, xlm_r), 40_000).is_ok());
    for end in (0..SPM.len()).step_by(SPM.len() / 97).chain(SPM.len() - 20..SPM.len()) {
        // If it ends between two fields, it has fewer pieces or no map, which can't be detected.
        if let Err(error) = Tokenizer::from_files(&files(&SPM[..end], xlm_r), 40_000) {
            assert_eq!(error.kind(), TokenizerInvalid, "{end}");
            assert!(error.message().starts_with("sentencepiece.bpe.model "), "{error}");
        }
    }
    for bytes in [&b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"[..], b"\x80", b"\x0f", b"\x0a\x03\x0a\x01\xff"] {
        assert_eq!(refused(&files(bytes, xlm_r)).0, TokenizerInvalid, "{bytes:?}");
    }
    // A score that is NaN, and a model of another kind.
    let nan = [b"\x0a\x08\x0a\x01a\x15".as_slice(), &f32::NAN.to_le_bytes()].concat();
    let pieces = b"\x0a\x02\x0a\x00".repeat(3);
    let scored = [pieces.as_slice(), &nan].concat();
    let (kind, message) = refused(&files(&scored, xlm_r));
    assert_eq!((kind, message.contains("score")), (TokenizerInvalid, true), "{message}");
    assert_eq!(refused(&files(b"\x12\x02\x18\x02", xlm_r)).0, TokenizerUnsupported);
    assert_eq!(refused(&files(b"<!doctype html>", xlm_r)).0, NotAModel);
}

#[wasm_bindgen_test(unsupported = test)]
fn names_missing_and_broken_files() {
    let default = TokenizerFiles::default;
    let roberta: &[u8] = br#"{"model_type": "roberta"}"#;
    let bert: &[u8] = br#"{"model_type": "bert"}"#;
    for (files, kind, expected) in [
        (default(), TokenizerInvalid, "names a class"),
        (TokenizerFiles { model_config: Some(b"{}"), ..default() }, TokenizerInvalid, "names a class"),
        (TokenizerFiles { model_config: Some(b"3"), ..default() }, ConfigInvalid, "config.json"),
        (TokenizerFiles { model_config: Some(bert), ..default() }, TokenizerInvalid, "no vocab.txt"),
        (TokenizerFiles { model_config: Some(bert), vocab: Some(b""), ..default() }, TokenizerInvalid, "vocab.txt"),
        (TokenizerFiles { model_config: Some(bert), vocab: Some(b"\xff"), ..default() }, TokenizerInvalid, "UTF-8"),
        (
            TokenizerFiles { model_config: Some(roberta), vocab: Some(b"{}"), ..default() },
            TokenizerInvalid,
            "merges.txt",
        ),
        (
            TokenizerFiles { model_config: Some(roberta), vocab: Some(b"[]"), merges: Some(b"a b c"), ..default() },
            TokenizerInvalid,
            "line 1",
        ),
        (
            TokenizerFiles {
                model_config: Some(roberta),
                vocab: Some(b"{\"a\": 0}"),
                merges: Some(b"a b"),
                ..default()
            },
            TokenizerInvalid,
            "vocab.json has a merge of \"b\"",
        ),
        (
            TokenizerFiles {
                model_config: Some(bert),
                vocab: Some(b"a"),
                config: Some(br#"{"model_input_names": "input_ids"}"#),
                ..default()
            },
            TokenizerInvalid,
            "model_input_names",
        ),
        (
            TokenizerFiles { model_config: Some(bert), vocab: Some(b"a"), special_tokens_map: Some(b"["), ..default() },
            TokenizerInvalid,
            "special_tokens_map.json",
        ),
        (
            TokenizerFiles {
                model_config: Some(bert),
                vocab: Some(b"a"),
                added_tokens: Some(b"{\"a\": \"b\"}"),
                ..default()
            },
            TokenizerInvalid,
            "added_tokens.json",
        ),
    ] {
        let (got, message) = refused(&files);
        assert_eq!((got, message.contains(expected)), (kind, true), "{message}");
    }
    // Special tokens that the vocabulary lacks are added, if the embedding has rows for them.
    let files = TokenizerFiles { model_config: Some(bert), vocab: Some(b"[UNK]\na"), ..default() };
    assert_eq!(Tokenizer::from_files(&files, 100).unwrap().encode_to("a", 9, false).unwrap().ids, [4, 1, 2]);
    let error = Tokenizer::from_files(&files, 4).err().expect("refused");
    assert_eq!((error.kind(), error.message().contains("[CLS]")), (TokenizerInvalid, true), "{error}");
}

#[wasm_bindgen_test(unsupported = test)]
fn a_class_of_another_kind_than_tokenizer_json_is_a_warning() {
    let file = unigram(json!({}), json!({})).to_string();
    let files = TokenizerFiles {
        tokenizer_json: Some(file.as_bytes()),
        config: Some(br#"{"tokenizer_class": "BertTokenizer"}"#),
        ..TokenizerFiles::default()
    };
    let tokenizer = Tokenizer::from_files(&files, 40_000).unwrap();
    assert_eq!(tokenizer.encode("aa").unwrap(), [1, 1]);
    assert!(tokenizer.warnings()[0].contains("BertTokenizer"), "{:?}", tokenizer.warnings());
}

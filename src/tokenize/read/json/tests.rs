//! The quick reader reads the same from a file as serde.

use super::*;
use proptest::prelude::*;

/// A file with this model.
fn file(model: &str) -> String {
    format!(r#"{{"version": "1.0", "padding": {{"a": ["}}", -1.5e3, null]}}, "model": {model}, "decoder": null}}"#)
}

/// Tokens with their ids, the bits of their scores, and the merges.
type Content = (Vec<(String, u32)>, Option<Vec<u64>>, Option<Vec<(String, String)>>, Option<String>);

fn content(file: File) -> Content {
    let FileModel { vocab, merges, unk_token, .. } = file.model;
    let FileVocabulary { tokens, scores } = vocab.unwrap_or_default();
    let entries = (0..tokens.entries() as u32).map(|entry| (tokens.token(entry).to_owned(), tokens.id(entry)));
    let scores = scores.map(|scores| scores.into_iter().map(f64::to_bits).collect());
    let pairs = |merges: Merges| merges.pairs().map(|(a, b)| (a.to_owned(), b.to_owned())).collect();
    (entries.collect(), scores, merges.map(pairs), unk_token)
}

/// Whether the quick reader read the file; serde must then read the same.
fn is_quick(text: &[u8]) -> bool {
    let quick = File::scanned(text).map(content);
    let slow = File::parsed(text).map(content);
    assert!(quick.is_none() || quick.as_ref() == slow.as_ref().ok(), "{}", String::from_utf8_lossy(text));
    quick.is_some()
}

#[test]
fn real_files_are_read_quickly() {
    assert!(is_quick(include_bytes!("../../../../models/sentiment-en-1/tokenizer.json")));
    assert!(is_quick(file(include_str!("../../../../test_data/tokenizer/bpe.json")).as_bytes()));
    assert!(is_quick(file(include_str!("../../../../test_data/tokenizer/unigram.json")).as_bytes()));
    let vocabulary = br#"{"<s>": 0, "\u0120the": 1}"#;
    assert_eq!(scan::vocabulary(vocabulary).map(|read| read.tokens.token(1).to_owned()), Some("\u{120}the".into()));
}

#[test]
fn every_form_of_real_files_is_read_quickly() {
    let models = [
        r#"{"vocab": {"a": 0}}"#,
        r###"{"type":"WordPiece","vocab":{"a":0,"\ud83d\ude00\"\\\/\n":4294967295,"":2,"##b":10},"unk_token":"a"}"###,
        "{\n  \"vocab\": [\n    [\n      \"<unk>\",\n      0.0\n    ],\n\t[\"▁\", -3.4859234839]\r\n  ], \"unk_id\": 0\n}",
        r#"{"vocab": [["a", -0], ["b", -13.229340553283691], ["c", 123456789.0123456789], ["d", 7]]}"#,
        r#"{"merges": ["a b", "\u0120t he"], "vocab": {"a": 0}}"#,
        r#"{"vocab": {"a": 0}, "merges": [["a", "b"], ["Ġ", "\"quoted\""]], "dropout": null}"#,
    ];
    for model in models {
        assert!(is_quick(file(model).as_bytes()), "{model}");
    }
}

#[test]
fn other_forms_are_left_to_serde() {
    let models = [
        r#"{}"#,
        r#"{"vocab": {}}"#,
        r#"{"vocab": []}"#,
        r#"{"vocab": null, "merges": null}"#,
        r#"{"vocab": {"a": 0}, "vocab": {"b": 1}}"#,
        r#"{"vocab": {"a": 0}, "merges": []}"#,
        r#"{"vocab": {"a": 0}, "merges": ["a b c"]}"#,
        r#"{"vocab": {"a": 0}, "merges": [["a", "b", "c"]]}"#,
        r#"{"vocab": {"a": 01}}"#,
        r#"{"vocab": {"a": -1}}"#,
        r#"{"vocab": {"a": 1.0}}"#,
        r#"{"vocab": {"a": 4294967296}}"#,
        r#"{"vocab": {"a": 18446744073709551617}}"#,
        r#"{"vocab": {"a": 0,}}"#,
        r#"{"vocab": {"a" 0}}"#,
        r#"{"vocab": {"a": 0]}"#,
        r#"{"vocab": {"\ud800": 0}}"#,
        r#"{"vocab": {"\x": 0}}"#,
        "{\"vocab\": {\"a\u{1}\": 0}}",
        r#"{"vocab": [["a", 1e-3], ["b", -12.5E+1]]}"#,
        r#"{"vocab": [["a", 12345678901234567890.5]]}"#,
        r#"{"vocab": [["a", 1.]]}"#,
        r#"{"vocab": [["a", .5]]}"#,
        r#"{"vocab": [["a", -]]}"#,
        r#"{"vocab": [["a", 1.5.2]]}"#,
        r#"{"vocab": [["a", NaN]]}"#,
        r#"{"vocab": [["a", 1, 2]]}"#,
        r#"{"vocab": [["a"]]}"#,
        r#"{"vocab": {"a": 0}, "unk_token": tru}"#,
        r#"{"vocab": {"a": 0}, "unk_token": "#,
    ];
    for model in models {
        assert!(!is_quick(file(model).as_bytes()), "{model}");
    }
    let ends = [r#"{"model": {"vocab": {"a": 0}}} x"#, r#"{"model": {"vocab": {"a": 0}}, "model": null}"#, ""];
    for text in ends {
        assert!(!is_quick(text.as_bytes()), "{text}");
    }
    // A token that begins within a character, in bytes that are valid text end to end.
    assert!(!is_quick(b"{\"model\": {\"vocab\": {\"\xc3\": 0, \"\xa9\": 1}}}"));
    assert!(!is_quick(b"{\"model\": {\"vocab\": {\"a\": 0, \"\xa9\": 1}}}"));
    assert!(!is_quick(b"{\"model\": {\"vocab\": {\"a\": 0}}, \"decoder\": \"\xa9\"}"));
    assert_eq!(scan::vocabulary(br#"{"a": 0} x"#).map(|_| ()), None);
}

/// Tokens, some of which JSON escapes, or which are longer than eight bytes.
fn token() -> impl Strategy<Value = String> {
    prop_oneof!["[a-c#Ġ▁é😀]{0,20}", Just("\"".to_owned()), Just("\\u".to_owned()), Just("a\n\u{1}".to_owned())]
}

/// A file as Python and Rust write it, with line breaks or without.
fn written(model: &serde_json::Value, lines: bool) -> Vec<u8> {
    let whole = serde_json::json!({ "added_tokens": [], "model": model, "x": "y" });
    let text = if lines { serde_json::to_string_pretty(&whole) } else { serde_json::to_string(&whole) };
    text.unwrap().into_bytes()
}

proptest! {
    #[test]
    fn any_vocabulary_is_read_quickly_and_as_serde_reads_it(
        tokens in proptest::collection::vec((token(), any::<u32>(), -1e3f64..1e3), 1..700),
        lines: bool,
    ) {
        let object: serde_json::Map<String, Value> =
            tokens.iter().map(|(token, id, _)| (token.clone(), (*id).into())).collect();
        let quick = is_quick(&written(&serde_json::json!({ "vocab": object }), lines));
        prop_assert!(quick);
        let scored: Vec<_> = tokens.iter().map(|(token, _, score)| (token, (score * 1e9).round() / 1e9)).collect();
        let read = is_quick(&written(&serde_json::json!({ "vocab": scored, "unk_id": 0 }), lines));
        // Numbers with an exponent are left to serde.
        prop_assert!(read || scored.iter().any(|(_, score)| serde_json::to_string(score).unwrap().contains('e')));
        let merges: Vec<_> = tokens.iter().map(|(token, ..)| (token, "b")).collect();
        let quick = is_quick(&written(&serde_json::json!({ "merges": merges, "vocab": object }), lines));
        prop_assert!(quick);
    }

    #[test]
    fn broken_files_are_read_as_by_serde(
        which in 0..3_usize,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..4),
    ) {
        let models = [
            r###"{"vocab": {"a": 0, "\u0120b": 12, "##é": 3}, "unk_token": "a"}"###,
            r#"{"vocab": [["a", -0.5], ["▁b", -12.25]], "unk_id": 0}"#,
            r#"{"vocab": {"a": 0, "b": 1}, "merges": ["a b", "b a"], "unk_token": null}"#,
        ];
        let mut text = file(models[which]).into_bytes();
        for (at, byte, how) in changes {
            let at = at.index(text.len());
            let syntax = b"{}[]\",:\\0-.e u";
            match how {
                0 => text[at] = byte,
                1 => text.insert(at, syntax[usize::from(byte) % syntax.len()]),
                _ => _ = text.remove(at),
            }
        }
        is_quick(&text);
    }
}

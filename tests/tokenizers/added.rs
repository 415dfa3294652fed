//! Added tokens: found as Hugging Face finds them, and in linear time whatever the files say.

use super::files::{Case, FILE, ROWS};
use serde::Deserialize;
use serde_json::{Value, json};
use tabsense::tokenize::Tokenizer;
use wasm_bindgen_test::wasm_bindgen_test;

/// Python's offsets, which count characters, in bytes.
fn bytes_of(text: &str, offsets: &[(usize, usize)]) -> Vec<std::ops::Range<usize>> {
    let places: Vec<usize> = text.char_indices().map(|(byte, _)| byte).chain([text.len()]).collect();
    offsets.iter().map(|&(start, end)| places[start]..places[end]).collect()
}

/// The file of test_data/make_added_tokens.py with these added tokens.
fn with_added_tokens(tokens: &Value, lowercase: bool) -> Tokenizer {
    let mut file: Value = serde_json::from_str(include_str!("../../test_data/tokenizer/added_base.json")).unwrap();
    file["added_tokens"] = tokens.clone();
    file["normalizer"]["lowercase"] = lowercase.into();
    Tokenizer::from_json(file.to_string().as_bytes(), 100).unwrap()
}

#[wasm_bindgen_test(unsupported = test)]
fn added_tokens_with_every_flag_are_found_as_hugging_face_finds_them() {
    #[derive(Deserialize)]
    struct File {
        tokens: Value,
        lowercase: bool,
        texts: Vec<Case>,
    }
    let (mut failures, mut count) = (Vec::new(), 0);
    for line in include_str!("../../test_data/tokenizer/added.jsonl").lines() {
        let File { tokens, lowercase, texts } = serde_json::from_str(line).unwrap();
        let tokenizer = with_added_tokens(&tokens, lowercase);
        for Case { text, ids, offsets, .. } in texts {
            count += 1;
            let expected = bytes_of(&text, &offsets);
            let got = tokenizer.encode_with_offsets(&text).unwrap();
            if tokenizer.encode(&text).unwrap() != ids || got.0 != ids || got.1 != expected {
                failures.push(format!("{tokens} {lowercase} {text:?}: {got:?}, expected {ids:?} {expected:?}"));
            }
        }
    }
    assert!(count > 1500);
    let shown = failures.iter().take(10).cloned().collect::<Vec<_>>().join("\n");
    assert!(failures.is_empty(), "{} of {count} differ:\n{shown}", failures.len());
}

#[wasm_bindgen_test(unsupported = test)]
fn hostile_added_tokens_neither_hang_nor_panic() {
    let token = |id: u32, content: &str| {
        json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
               "normalized": true, "special": true})
    };
    // An empty text; a continuation's id with another text; a text that is in most others.
    for added in [token(100, ""), token(2015, "s"), token(0, "a"), token(7, " ")] {
        let mut file: Value = serde_json::from_slice(FILE).unwrap();
        file["added_tokens"] = json!([added]);
        let Ok(tokenizer) = Tokenizer::from_json(file.to_string().as_bytes(), ROWS) else { continue };
        for text in ["", "unbelievables", "a a  a", "é s [SEP]"] {
            let (ids, offsets) = tokenizer.encode_with_offsets(text).unwrap();
            assert_eq!(tokenizer.encode(text).unwrap(), ids, "{added} {text:?}");
            assert!(offsets.iter().all(|range| text.get(range.clone()).is_some()), "{added} {text:?}");
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn white_space_that_one_added_token_took_is_not_taken_by_the_next() {
    let token = |id: u32, content: &str, lstrip: bool, rstrip: bool| {
        json!({"id": id, "content": content, "single_word": false, "lstrip": lstrip, "rstrip": rstrip,
               "normalized": false, "special": false})
    };
    let file = json!({
        "added_tokens": [token(3, "aa", false, true), token(4, " ", true, false), token(5, "\t", false, false)],
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "vocab": {"[UNK]": 0, "b": 1, "c": 2}},
    });
    let tokenizer = Tokenizer::from_json(file.to_string().as_bytes(), 6).unwrap();
    // As `tokenizers` 0.23.3, which panics on the last two.
    type Case<'a> = (&'a str, &'a [u32], &'a [(usize, usize)]);
    let cases: [Case; 6] = [
        ("aa c", &[3, 2], &[(0, 3), (3, 4)]),
        ("aa ", &[3], &[(0, 3)]),
        ("aa c c", &[3, 2, 4, 2], &[(0, 3), (3, 4), (4, 5), (5, 6)]),
        ("aa\t\tc", &[3, 5, 5, 2], &[(0, 4), (2, 3), (3, 4), (4, 5)]),
        ("aa   c", &[3, 2], &[(0, 5), (5, 6)]),
        ("aa \tc", &[3, 5, 2], &[(0, 4), (3, 4), (4, 5)]),
    ];
    for (text, wanted, places) in cases {
        let (ids, offsets) = tokenizer.encode_with_offsets(text).unwrap();
        let offsets: Vec<_> = offsets.into_iter().map(|range| (range.start, range.end)).collect();
        assert_eq!((&ids[..], &offsets[..]), (wanted, places), "{text:?}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn added_tokens_in_white_space_take_time_in_proportion() {
    let text = " ".repeat(1 << 20);
    for (lstrip, rstrip, tokens) in [(false, true, 1 << 20), (true, false, 1 << 20), (true, true, 1)] {
        let mut file = json!({
            "added_tokens": [{"id": 1, "content": " ", "single_word": false, "lstrip": lstrip, "rstrip": rstrip,
                              "normalized": false, "special": false}],
            "model": {"type": "WordPiece", "unk_token": "[UNK]", "vocab": {"[UNK]": 0}},
        });
        let tokenizer = Tokenizer::from_json(file.to_string().as_bytes(), 2).unwrap();
        let (ids, offsets) = tokenizer.encode_with_offsets(&text).unwrap();
        assert_eq!((ids.len(), &offsets[0]), (tokens, &(0..if rstrip { 1 << 20 } else { 1 })));
        // As in `tokenizers` 0.23: white space after a token belongs to each of several in it.
        let last = (1 << 20) - 1;
        assert_eq!(offsets.last().unwrap(), &(if tokens == 1 { 0 } else { last }..1 << 20));
        // With offsets that exclude white space.
        file["post_processor"] = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true});
        let tokenizer = Tokenizer::from_json(file.to_string().as_bytes(), 2).unwrap();
        let (trimmed_ids, trimmed) = tokenizer.encode_with_offsets(&text).unwrap();
        assert_eq!((trimmed_ids, trimmed.len()), (ids, tokens));
        assert!(trimmed.iter().zip(&offsets).all(|(trimmed, range)| *trimmed == (range.end..range.end)));
    }
    // White space of the normalizer: the text itself has none, or only behind it.
    let file = json!({
        "added_tokens": [{"id": 1, "content": " ", "single_word": false, "lstrip": false, "rstrip": true,
                          "normalized": true, "special": false}],
        "normalizer": {"type": "Replace", "pattern": {"String": "e"}, "content": " "},
        "post_processor": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "vocab": {"[UNK]": 0}},
    });
    let tokenizer = Tokenizer::from_json(file.to_string().as_bytes(), 2).unwrap();
    let count = 1 << 16;
    let text = ["e".repeat(count), " ".repeat(count)].concat();
    let (ids, offsets) = tokenizer.encode_with_offsets(&text).unwrap();
    assert_eq!((ids.len(), &offsets[0], &offsets[count]), (2 * count, &(0..count), &(2 * count..2 * count)));
}

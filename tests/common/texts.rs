//! The texts that tokenizers are tested with, and digests of the resulting tokens, as in
//! test_data/make_tokenizers.py.
#![allow(dead_code)] // Each group of tests uses only a part.

use serde_json::{Value, json};
use std::collections::HashSet;
use std::ops::Range;
use tabsense::tokenize::Tokenizer;

/// The texts of test_data/make_tokenizers.py.
pub fn texts() -> Vec<String> {
    let files = [
        include_str!("../../test_data/tokenizer/cases.jsonl"),
        include_str!("../cases/02-diacritics-and-case/expected-keep-accents.jsonl"),
        include_str!("../cases/02-diacritics-and-case/expected-multilingual-cased.jsonl"),
        include_str!("../cases/02-diacritics-and-case/expected-multilingual-strip.jsonl"),
        include_str!("../cases/02-diacritics-and-case/expected-uncased.jsonl"),
        include_str!("../cases/04-emoji/expected-multilingual-cased.jsonl"),
        include_str!("../cases/04-emoji/expected-not-cleaned.jsonl"),
        include_str!("../cases/04-emoji/expected-uncased.jsonl"),
        include_str!("../cases/05-invisible-characters/expected-multilingual-cased.jsonl"),
        include_str!("../cases/05-invisible-characters/expected-not-cleaned.jsonl"),
        include_str!("../cases/05-invisible-characters/expected-uncased.jsonl"),
    ];
    let lines = files.iter().flat_map(|file| file.lines());
    let text = |line: &str| serde_json::from_str::<Value>(line).unwrap()["text"].as_str().unwrap().to_owned();
    let mut seen = HashSet::new();
    lines.map(text).filter(|text| seen.insert(text.clone())).collect()
}

/// 64-bit FNV-1a over ids and offsets, folded to 16 bits.
pub fn digest(ids: &[u32], offsets: &[Range<usize>]) -> String {
    let numbers = ids.iter().zip(offsets).flat_map(|(id, at)| [*id, at.start as u32, at.end as u32]);
    let step = |state: u64, n: u32| (state ^ u64::from(n)).wrapping_mul(0x100_0000_01b3);
    let mut state = numbers.fold(0xcbf2_9ce4_8422_2325, step);
    state ^= state >> 32;
    format!("{:04x}", (state ^ state >> 16) & 0xffff)
}

/// The base files of which the kinds are variants.
pub fn base(name: &str) -> Value {
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let bare = |model| json!({"added_tokens": [], "normalizer": null, "model": model});
    match name {
        "wordpiece" => read(include_str!("../../models/sentiment-en-1/tokenizer.json")),
        "bpe" => {
            let mut model = read(include_str!("../../test_data/tokenizer/bpe.json"));
            model["type"] = "BPE".into();
            bare(model)
        }
        "unigram" => {
            let mut vocab = read(include_str!("../../test_data/tokenizer/unigram.json"))["vocab"].take();
            vocab.as_array_mut().unwrap().extend((0..256).map(|byte| json!([format!("<0x{byte:02X}>"), -20.0])));
            bare(json!({"type": "Unigram", "unk_id": 0, "vocab": vocab}))
        }
        _ => panic!("no base {name}"),
    }
}

/// Inserts the character map of unigram.json, which the kinds leave out.
pub fn fill(stage: &mut Value, map: &Value) {
    if stage["type"] == "Precompiled" {
        stage["precompiled_charsmap"] = map.clone();
    }
    if let Some(stages) = stage.get_mut("normalizers").and_then(Value::as_array_mut) {
        stages.iter_mut().for_each(|stage| fill(stage, map));
    }
}

/// Compares a tokenizer with the digests of Python's results for [`texts`], four digits each. Describes how
/// many texts differ, and the shortest of them with its ids and offsets.
pub fn faults(tokenizer: &Tokenizer, texts: &[String], digests: &str) -> Option<String> {
    assert_eq!(digests.len(), 4 * texts.len());
    let mut wrong = Vec::new();
    for (i, text) in texts.iter().enumerate() {
        let (ids, offsets) = tokenizer.encode_with_offsets(text).unwrap();
        assert_eq!(ids, tokenizer.encode(text).unwrap(), "{text:?}");
        let all = tokenizer.frame(ids, Some(offsets), usize::MAX);
        let offsets = all.offsets.unwrap();
        if digest(&all.ids, &offsets) != digests[4 * i..4 * i + 4] {
            wrong.push((text, all.ids, offsets));
        }
    }
    let first = wrong.iter().min_by_key(|(text, ..)| text.len())?;
    Some(format!("{} of {}, {first:?}", wrong.len(), texts.len()))
}

/// Parts of texts that tokenizers treat specially.
pub const PARTS: &[&str] = &[
    "a",
    "b",
    "ab",
    "the ",
    "film",
    "é",
    "e\u{301}",
    " ",
    "  ",
    "\n",
    "\t",
    "\u{a0}",
    "\u{3000}",
    "\u{200b}",
    "\u{200d}",
    "<s>",
    "<mask>",
    "[SEP]",
    "[UNK]",
    "中",
    "!",
    "'s",
    "can't",
    "▁",
    "▁a",
    "Ġ",
    "##",
    "ﬃ",
    "12",
    "🇩🇪",
    "\u{600}",
    "\u{d4e}",
    "\u{1f600}",
    "İ",
    "…",
    "\0",
    "\u{ad}",
    "ß",
    "\r\n",
    "ẛ̣",
];

/// Bytes in base64.
pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |group: &[u8]| {
        let bits = group.iter().chain([&0; 3]).take(3).fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        (0..=group.len()).map(move |i| char::from(DIGITS[(bits >> (18 - 6 * i) & 63) as usize])).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

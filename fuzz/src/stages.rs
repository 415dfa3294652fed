//! The stages of a `tokenizer.json`, of every kind that the format has.

use super::text::{read, text, token};
use super::texts::base64;
use arbitrary::{Result, Unstructured};
use serde_json::{Value, json};
use std::sync::LazyLock;

/// The maximum depth of nested stages.
const DEPTH: usize = 2;

const BEHAVIORS: &[&str] = &["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous", "Other"];

const EXPRESSIONS: &[&str] = &[
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    r"\s{2,}|[\n\r\t]",
    r" {2,}",
    r"\s+",
    r"[a-z]{1,3}",
    r"[^\w]+",
    r"\p{L}\P{N}",
    r"[z-a]+",
    r"a|ab|é+",
    r"\w{2}",
    r"(a+)+",
    r"[",
    r"a{3,1}",
    r"\S{1000000,}",
];

/// The character map of the kind that XLM-RoBERTa has, in base64.
static MAP: LazyLock<Value> =
    LazyLock::new(|| read(include_str!("../../test_data/tokenizer/unigram.json"))["charsmap"].take());

/// The stages of the tokenizers that are compared with those of Python.
static KINDS: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let lines = include_str!("../../test_data/tokenizer/kinds.jsonl").lines();
    lines.map(|line| read(line)["fields"].take()).collect()
});

/// A character map: the usual one, or a few units of a trie with a few replacements.
fn character_map(u: &mut Unstructured) -> Result<Value> {
    if u.ratio(1, 4)? {
        return Ok(MAP.clone());
    }
    let units = (0..u.int_in_range(0..=300)?).map(|_| u.arbitrary::<u32>()).collect::<Result<Vec<_>>>()?;
    let mut bytes = (4 * units.len() as u32).to_le_bytes().to_vec();
    bytes.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
    bytes.extend((0..u.int_in_range(0..=3)?).map(|_| Ok(text(u)? + "\0")).collect::<Result<String>>()?.bytes());
    Ok(base64(&bytes).into())
}

fn pattern(u: &mut Unstructured) -> Result<Value> {
    Ok(match u.arbitrary()? {
        true => json!({"Regex": u.choose(EXPRESSIONS)?}),
        false => json!({"String": token(u)?}),
    })
}

fn sequence(
    u: &mut Unstructured,
    field: &str,
    depth: usize,
    one: fn(&mut Unstructured, usize) -> Result<Value>,
) -> Result<Value> {
    let count = if depth < DEPTH { u.int_in_range(0..=3)? } else { 0 };
    let all = (0..count).map(|_| one(u, depth + 1)).collect::<Result<Vec<_>>>()?;
    Ok(json!({"type": "Sequence", field: all}))
}

fn normalizer(u: &mut Unstructured, depth: usize) -> Result<Value> {
    let plain = ["NFC", "NFD", "NFKC", "NFKD", "Nmt", "Lowercase", "StripAccents", "ByteLevel", "Wonder"];
    Ok(match u.int_in_range(0..=7)? {
        0 => Value::Null,
        1 => json!({
            "type": "BertNormalizer", "clean_text": u.arbitrary::<bool>()?, "lowercase": u.arbitrary::<bool>()?,
            "handle_chinese_chars": u.arbitrary::<bool>()?, "strip_accents": u.arbitrary::<Option<bool>>()?,
        }),
        2 => json!({"type": u.choose(&plain)?}),
        3 => json!({
            "type": "Strip", "strip_left": u.arbitrary::<bool>()?, "strip_right": u.arbitrary::<bool>()?,
        }),
        4 => json!({"type": "Replace", "pattern": pattern(u)?, "content": token(u)?}),
        5 => json!({"type": "Prepend", "prepend": token(u)?}),
        6 => json!({"type": "Precompiled", "precompiled_charsmap": character_map(u)?}),
        _ => sequence(u, "normalizers", depth, normalizer)?,
    })
}

fn pre_tokenizer(u: &mut Unstructured, depth: usize) -> Result<Value> {
    let schemes = ["always", "first", "never"];
    Ok(match u.int_in_range(0..=8)? {
        0 => Value::Null,
        1 => json!({"type": u.choose(&["BertPreTokenizer", "WhitespaceSplit", "Whitespace"])?}),
        2 => json!({
            "type": "ByteLevel", "add_prefix_space": u.arbitrary::<bool>()?, "use_regex": u.arbitrary::<bool>()?,
        }),
        3 => json!({
            "type": "Metaspace", "prepend_scheme": u.choose(&schemes)?, "split": u.arbitrary::<bool>()?,
            "replacement": u.choose(&["▁", "a", "é"])?,
        }),
        4 => json!({"type": "CharDelimiterSplit", "delimiter": u.choose(&["▁", " ", "a", "é"])?}),
        5 => json!({"type": "Punctuation", "behavior": u.choose(BEHAVIORS)?}),
        6 => json!({"type": "Digits", "individual_digits": u.arbitrary::<bool>()?}),
        7 => json!({
            "type": "Split", "pattern": pattern(u)?, "behavior": u.choose(BEHAVIORS)?, "invert": u.arbitrary::<bool>()?,
        }),
        _ => sequence(u, "pretokenizers", depth, pre_tokenizer)?,
    })
}

fn template(u: &mut Unstructured, texts: &[&str]) -> Result<Value> {
    let mut items = Vec::new();
    for place in 0..=texts.len() {
        for _ in 0..u.int_in_range(0..=2)? {
            items.push(json!({"SpecialToken": {"id": u.choose(&["x", "y"])?, "type_id": u.arbitrary::<u8>()?}}));
        }
        if let Some(id) = texts.get(place) {
            items.push(json!({"Sequence": {"id": id, "type_id": u.arbitrary::<u8>()?}}));
        }
    }
    Ok(items.into())
}

fn post_processor(u: &mut Unstructured, depth: usize) -> Result<Value> {
    Ok(match u.int_in_range(0..=5)? {
        0 => Value::Null,
        1 => json!({"type": "BertProcessing", "cls": ["[CLS]", 1], "sep": ["[SEP]", 2]}),
        2 => json!({
            "type": "RobertaProcessing", "cls": ["<s>", 1], "sep": ["</s>", 2],
            "trim_offsets": u.arbitrary::<bool>()?, "add_prefix_space": u.arbitrary::<bool>()?,
        }),
        3 => json!({
            "type": "ByteLevel", "trim_offsets": u.arbitrary::<bool>()?, "add_prefix_space": u.arbitrary::<bool>()?,
        }),
        4 => json!({
            "type": "TemplateProcessing", "single": template(u, &["A"])?, "pair": template(u, &["A", "B"])?,
            "special_tokens": {"x": {"ids": [1]}, "y": {"ids": [2, 3]}},
        }),
        _ => sequence(u, "processors", depth, post_processor)?,
    })
}

/// Some added tokens.
///
/// # Errors
/// `u` has no bytes left.
pub fn added(u: &mut Unstructured) -> Result<Vec<Value>> {
    let one = |u: &mut Unstructured| -> Result<Value> {
        Ok(json!({
            "id": u.int_in_range(0..=20)?, "content": token(u)?, "single_word": u.arbitrary::<bool>()?,
            "lstrip": u.arbitrary::<bool>()?, "rstrip": u.arbitrary::<bool>()?,
            "normalized": u.arbitrary::<bool>()?, "special": u.arbitrary::<bool>()?,
        }))
    };
    (0..u.int_in_range(0..=4)?).map(|_| one(u)).collect()
}

/// Inserts the usual character map if a stage has none.
fn fill(stage: &mut Value) {
    if stage["type"] == "Precompiled" && stage.get("precompiled_charsmap").is_none() {
        stage["precompiled_charsmap"] = MAP.clone();
    }
    stage.get_mut("normalizers").and_then(Value::as_array_mut).into_iter().flatten().for_each(fill);
}

/// A `tokenizer.json` with a model and any stages, or some stages that are known to work.
///
/// # Errors
/// `u` has no bytes left.
pub fn file(u: &mut Unstructured, model: Value) -> Result<String> {
    let mut file = if u.ratio(1, 3)? { u.choose(&KINDS)?.clone() } else { json!({}) };
    let mut missing = |u: &mut Unstructured, name: &str, make: fn(&mut Unstructured, usize) -> Result<Value>| {
        if file.get(name).is_none() || u.ratio(1, 8)? {
            file[name] = make(u, 0)?;
        }
        Ok(())
    };
    missing(u, "normalizer", normalizer)?;
    missing(u, "pre_tokenizer", pre_tokenizer)?;
    missing(u, "post_processor", post_processor)?;
    missing(u, "added_tokens", |u, _| Ok(added(u)?.into()))?;
    fill(&mut file["normalizer"]);
    file["model"] = model;
    Ok(file.to_string())
}

/// A `tokenizer_config.json` of one of these classes or of none.
///
/// # Errors
/// `u` has no bytes left.
pub fn config(u: &mut Unstructured, classes: &[&str]) -> Result<String> {
    let mut fields = json!({});
    if u.ratio(1, 2)? {
        fields["tokenizer_class"] = (*u.choose(classes)?).into();
    }
    for flag in ["do_lower_case", "strip_accents", "tokenize_chinese_chars", "add_prefix_space", "split_by_punct"] {
        if u.ratio(1, 4)? {
            fields[flag] = u.arbitrary::<bool>()?.into();
        }
    }
    for name in ["unk_token", "cls_token", "sep_token", "mask_token", "bos_token", "eos_token"] {
        if u.ratio(1, 8)? {
            fields[name] = token(u)?.into();
        }
    }
    if u.ratio(1, 4)? {
        let tokens = added(u)?.into_iter().enumerate().map(|(id, token)| (id.to_string(), token));
        fields["added_tokens_decoder"] = Value::Object(tokens.collect());
    }
    Ok(fields.to_string())
}

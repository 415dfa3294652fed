//! Texts and tokens made from bytes.

use super::texts::{PARTS, texts};
use arbitrary::{Result, Unstructured};
use serde_json::Value;
use std::sync::LazyLock;

/// The texts on which tokenizers are compared with those of Python.
static TEXTS: LazyLock<Vec<String>> = LazyLock::new(texts);

/// Tokens of trained vocabularies.
static TOKENS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let bpe = read(include_str!("../../test_data/tokenizer/bpe.json"))["vocab"].take();
    let unigram = read(include_str!("../../test_data/tokenizer/unigram.json"))["vocab"].take();
    let scored = unigram.as_array().expect("a list").iter().filter_map(|pair| pair[0].as_str().map(str::to_owned));
    bpe.as_object().expect("an object").keys().cloned().chain(scored).collect()
});

/// JSON of test_data.
pub fn read(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// The maximum length of a run in a text.
const LONGEST_RUN: u16 = 400;

fn part(u: &mut Unstructured) -> Result<String> {
    Ok(match u.int_in_range(0..=10)? {
        10 => u.choose(&TEXTS)?.clone(),
        0..=5 => (*u.choose(PARTS)?).to_owned(),
        6 => u.arbitrary::<char>()?.into(),
        7 => u.choose(PARTS)?.repeat(u.int_in_range(1..=LONGEST_RUN)?.into()),
        _ => char::from(u.int_in_range(b' '..=b'~')?).into(),
    })
}

/// A text.
///
/// # Errors
/// `u` has no bytes left.
pub fn text(u: &mut Unstructured) -> Result<String> {
    let parts = u.int_in_range(0..=24)?;
    (0..parts).map(|_| part(u)).collect()
}

/// A token: a part or two, or a few characters from a small set.
///
/// # Errors
/// `u` has no bytes left.
pub fn token(u: &mut Unstructured) -> Result<String> {
    let few = |u: &mut Unstructured| u.choose(&['a', 'b', 'e', '▁', 'Ġ', '#', 'é', '\u{301}', '中', ' ']).copied();
    match u.int_in_range(0..=4)? {
        4 => Ok(u.choose(&TOKENS)?.clone()),
        0 => (0..u.int_in_range(0..=2)?).map(|_| part(u)).collect(),
        _ => (0..u.int_in_range(1..=4)?).map(|_| few(u)).collect(),
    }
}

/// Some tokens.
///
/// # Errors
/// `u` has no bytes left.
pub fn tokens(u: &mut Unstructured) -> Result<Vec<String>> {
    (0..u.int_in_range(0..=16)?).map(|_| token(u)).collect()
}

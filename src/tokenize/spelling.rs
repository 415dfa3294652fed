//! How tokens are spelled, and which of them continue a word.

use super::Tokenizer;
use super::model::Model;
use super::read::{Parts, Stages};
use std::ops::Range;

impl Tokenizer {
    /// The vocabulary's spelling of `id` (WordPiece's `##` marks the continuation of a word).
    pub fn token(&self, id: u32) -> String {
        let Parts { stages: Stages { model, .. }, added, .. } = &self.parts;
        let beyond = || added.beyond_vocabulary.get((id as usize).checked_sub(model.len())?).cloned();
        model.tokens().token(id).map(str::to_owned).or_else(beyond).unwrap_or_default()
    }

    /// Whether the token `id`, which covers `range` of `text`, continues the word before it: according to
    /// WordPiece's mark, or, if a model has none, to the character before it.
    ///
    /// Source: `gather_pre_entities` of `transformers` 5.24, `pipelines/token_classification.py`, which
    /// treats a token as a part of a word if its length differs from that of the text it covers.
    pub fn continues_word(&self, id: u32, text: &str, range: Range<usize>) -> bool {
        let model = &self.parts.stages.model;
        let part = text.get(range.clone()).unwrap_or_default();
        if model.unknown() == Some(id) {
            return false;
        }
        if model.marks_continuations() {
            return self.token(id).chars().count() != part.chars().count();
        }
        // A token may cover no text: a separate space before a word that begins with one.
        let (before, behind) = text.split_at(range.start);
        before.chars().next_back().is_some_and(|before| before != ' ') && !behind.starts_with(' ')
    }

    /// How tokens are spelled: `"prefix"` if `##` continues a word, `"bytes"` if a character represents each
    /// byte, `"spaces"` if ▁ represents a space.
    pub fn spelling(&self) -> &'static str {
        match &self.parts.stages {
            Stages { model: Model::WordPiece(_), .. } => "prefix",
            stages if stages.pre_tokenizer.makes_bytes() => "bytes",
            _ => "spaces",
        }
    }
}

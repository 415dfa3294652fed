//! Texts without special tokens, for static embeddings.

use super::encoding::{Encoding, Tokens};
use super::frame::{Frame, Single};
use super::model::MAX_TOKEN_BYTES;
use super::{Tokenizer, read};
use crate::error::Result;

/// Which parts of a text become tokens.
#[derive(Clone, Copy, Debug)]
pub struct Bare {
    /// The token that is left out.
    unknown: Option<u32>,
    /// How many characters are read.
    characters: usize,
}

impl Tokenizer {
    /// The tokenizer without special tokens around a text, and the length to which `tokenizer.json`
    /// truncates, if it does.
    pub fn bare(mut self) -> (Self, Option<usize>) {
        let read::Parts { frame, truncation, .. } = &mut self.parts;
        *frame = Frame { single: Single::default(), pair: None, trim: frame.trim };
        let truncation = *truncation;
        self.bare = Some(Bare { unknown: None, characters: usize::MAX });
        (self, truncation)
    }

    /// [`Tokenizer::bare`] without unknown tokens as well. Reads as many characters of a text as `max_tokens`
    /// tokens of the vocabulary's median length have.
    ///
    /// Source: `model2vec` 0.10, `model.py`, `_encode_dispatch` and `tokenize`.
    pub fn bare_of_known(self, max_tokens: usize) -> Self {
        let unknown = self.parts.stages.model.unknown();
        let characters = max_tokens.saturating_mul(self.median_length());
        Self { bare: Some(Bare { unknown, characters }), ..self.bare().0 }
    }

    /// One more than the largest id.
    pub fn ids(&self) -> usize {
        let read::Parts { stages, added, .. } = &self.parts;
        stages.model.tokens().ids().max(stages.model.len() + added.beyond_vocabulary.len())
    }

    /// The median of the tokens' lengths in characters, rounded down.
    fn median_length(&self) -> usize {
        let read::Parts { stages, added, .. } = &self.parts;
        let further = added.beyond_vocabulary.iter().map(String::as_str);
        let lengths = stages.model.tokens().all().chain(further).map(|token| token.chars().count());
        // Counted, since a sort adds many bytes of code.
        let mut counts = [0_usize; MAX_TOKEN_BYTES + 1];
        lengths.for_each(|length| counts[length.min(MAX_TOKEN_BYTES)] += 1);
        let tokens: usize = counts.iter().sum();
        let at = |place: usize| {
            let mut before = 0;
            let is_there = |count: &usize| {
                before += count;
                before > place
            };
            counts.iter().position(is_there).unwrap_or(0)
        };
        (at(tokens.saturating_sub(1) / 2) + at(tokens / 2)) / 2
    }

    /// [`Tokenizer::encode_to`] for a bare tokenizer.
    pub(super) fn encode_bare(
        &self,
        bare: Bare,
        text: &str,
        max_tokens: usize,
        with_offsets: bool,
    ) -> Result<Encoding> {
        let end = text.char_indices().nth(bare.characters).map_or(text.len(), |(at, _)| at);
        let Tokens { ids, offsets } = self.tokens(&text[..end], max_tokens, with_offsets)?;
        let mut encoding = self.frame(ids, offsets, max_tokens);
        encoding.truncated |= end < text.len();
        if let Some(unknown) = bare.unknown {
            encoding.leave_out(unknown);
        }
        Ok(encoding)
    }
}

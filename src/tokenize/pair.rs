//! Pairs of texts: framed together, and cut to the model's length.

use super::encoding::{Cut, Encoding, Tokens};
use super::{Tokenizer, frame, unsupported};
use crate::error::{Error, ErrorKind, Result};
use crate::json::start_of;

impl Tokenizer {
    /// The tokens of a pair of texts in their frame, cut to `max_tokens` according to `cut`. If the second
    /// text is empty, only those of the first, as in Python; two texts without tokens of their own get no
    /// special tokens.
    ///
    /// # Errors
    /// The errors of [`Tokenizer::encode`]; [`ErrorKind::TokenizerUnsupported`] if the tokenizer has no frame
    /// for pairs; [`ErrorKind::InvalidArgument`] if only the first may be cut and the second leaves no room
    /// for it.
    ///
    /// Oracle: `transformers` 5.24 in Python, `tokenizer(text, pair, truncation="longest_first")` and
    /// `"only_first"`.
    pub fn encode_pair(
        &self,
        text: &str,
        pair: &str,
        cut: Cut,
        max_tokens: usize,
        with_offsets: bool,
    ) -> Result<Encoding> {
        let frame = self.parts.frame.pair.as_ref().ok_or_else(|| {
            unsupported("has no frame for pairs of texts: pass single texts, or use a model that was trained on pairs.")
        })?;
        if pair.is_empty() {
            return self.encode_to(text, max_tokens, with_offsets);
        }
        let room = max_tokens.saturating_sub(frame.special_tokens());
        // If the special tokens fill it, both texts are dropped, whichever should be cut, as in Python.
        let cut = if room == 0 { Cut::LongestFirst } else { cut };
        let texts = match cut {
            Cut::LongestFirst => self.tokens_of_both(text, pair, room, with_offsets)?,
            Cut::OnlyFirst => {
                let second = self.tokens(pair, room, with_offsets)?;
                let left = room.saturating_sub(second.ids.len());
                let first = self.tokens(text, left, with_offsets)?;
                if second.ids.len() > room || (left == 0 && !first.ids.is_empty()) {
                    return Err(Error::new(
                        ErrorKind::InvalidArgument,
                        format!(
                            "{:?} is too long: of {max_tokens} tokens, it leaves none for the text. Use a shorter \
                             label or template.",
                            start_of(pair)
                        ),
                    ));
                }
                [first, second]
            }
        };
        if texts.iter().all(|tokens| tokens.ids.is_empty()) {
            return Ok(Encoding::empty(with_offsets));
        }
        Ok(Encoding::pair(frame, texts, cut, max_tokens))
    }

    /// The tokens of two texts: for each, at least as many as remain when the longer one is cut first.
    fn tokens_of_both(&self, text: &str, pair: &str, room: usize, with_offsets: bool) -> Result<[Tokens; 2]> {
        let mut most = room;
        loop {
            let texts = [self.tokens(text, most, with_offsets)?, self.tokens(pair, most, with_offsets)?];
            // If both are too long and the room is odd, the longer one gets one more token, so their tokens
            // must be counted.
            if room.is_multiple_of(2) || texts.iter().any(|tokens| tokens.ids.len() <= most) {
                return Ok(texts);
            }
            most = most.saturating_mul(4);
        }
    }

    /// Only the special tokens: those of a text, or those of a pair if there is a frame for pairs.
    pub fn special_tokens_alone(&self, of_pair: bool, max_tokens: usize, with_offsets: bool) -> Encoding {
        let none = || Tokens { ids: Vec::new(), offsets: with_offsets.then(Vec::new) };
        match self.parts.frame.pair.as_ref().filter(|_| of_pair) {
            Some(frame) => Encoding::pair(frame, [none(), none()], Cut::LongestFirst, max_tokens),
            None => Encoding::single(&self.parts.frame.single, none(), max_tokens),
        }
    }

    /// How many special tokens frame a pair, if the tokenizer has a frame for pairs.
    pub fn special_tokens_of_pair(&self) -> Option<usize> {
        self.parts.frame.pair.as_ref().map(frame::Pair::special_tokens)
    }
}

//! Encodings: tokens framed by special ones, with types, cut to the model's length.

use super::frame::{Pair, Single, Special};
use super::trim::{AddedTrim, Trim};
use std::ops::Range;

/// Token ids and, if requested, the byte range of the text that each covers.
pub struct Tokens {
    /// The ids.
    pub ids: Vec<u32>,
    /// The ranges.
    pub offsets: Option<Vec<Range<usize>>>,
}

/// The tokens of a text found so far.
pub struct Found<'a> {
    /// The text.
    pub text: &'a str,
    /// Its tokens.
    pub tokens: Tokens,
    trim: Option<Trim>,
    added_trim: AddedTrim,
}

impl<'a> Found<'a> {
    /// No tokens yet. `trim`: how offsets exclude white space.
    pub fn new(text: &'a str, trim: Option<Trim>, with_offsets: bool) -> Self {
        let tokens = Tokens { ids: Vec::new(), offsets: with_offsets.then(Vec::new) };
        Self { text, tokens, trim, added_trim: AddedTrim::default() }
    }

    /// Appends an added token, which spells the part of the text that it covers.
    pub fn added(&mut self, id: u32, range: impl FnOnce() -> Range<usize>) {
        if let Some(offsets) = &mut self.tokens.offsets {
            let mut range = range();
            if let Some(trim) = self.trim {
                self.added_trim.trim(trim, self.tokens.ids.is_empty(), self.text, &mut range);
            }
            offsets.push(range);
        }
        self.tokens.ids.push(id);
    }

    /// Appends a token; `spelled` maps the part of the text that it covers to its spelling in the vocabulary.
    pub fn push<'t>(&mut self, id: u32, range: impl FnOnce() -> Range<usize>, spelled: impl FnOnce(&'a str) -> &'t str)
    where
        'a: 't,
    {
        if let Some(offsets) = &mut self.tokens.offsets {
            let mut range = range();
            if let Some(trim) = self.trim {
                let taken = self.text.get(range.clone()).unwrap_or_default();
                trim.trim(spelled(taken), self.tokens.ids.is_empty(), taken, &mut range);
            }
            offsets.push(range);
        }
        self.tokens.ids.push(id);
    }
}

impl Tokens {
    /// Keeps the first `count`.
    pub fn truncate(&mut self, count: usize) {
        self.ids.truncate(count);
        if let Some(offsets) = &mut self.offsets {
            offsets.truncate(count);
        }
    }
}

/// Which of a pair's texts is cut if both together are too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The longer one first, then both alike once they are equally long.
    LongestFirst,
    /// Only the first.
    OnlyFirst,
}

/// The tokens of one text or of a pair, framed by the special ones and cut to the model's length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoding {
    /// Token ids (T), special ones included.
    pub ids: Vec<u32>,
    /// The type of each token (T), from the tokenizer's frame: with BERT, 1 for a pair's second text,
    /// otherwise 0.
    pub types: Vec<u8>,
    /// The byte range of its text that each token covers (T; `0..0` for the special tokens that frame the
    /// texts), if requested.
    pub offsets: Option<Vec<Range<usize>>>,
    /// How many of the first ids frame the text.
    pub prefix: usize,
    /// How many of the last ids frame the text.
    pub suffix: usize,
    /// How many ids are between a pair's texts: the ones right before `second`.
    pub between: usize,
    /// The tokens of a pair's second text; `0..0` for one text.
    pub second: Range<usize>,
    /// Whether the text had more tokens than fit.
    pub truncated: bool,
}

impl Encoding {
    /// The encoding of a text without tokens of its own.
    pub fn empty(with_offsets: bool) -> Self {
        Self { offsets: with_offsets.then(Vec::new), ..Self::default() }
    }

    /// The tokens of one text in its frame, cut to `max_tokens`.
    pub fn single(frame: &Single, mut tokens: Tokens, max_tokens: usize) -> Self {
        let room = max_tokens.saturating_sub(frame.before.len() + frame.after.len());
        let truncated = tokens.ids.len() > room;
        tokens.truncate(room);
        let (prefix, suffix) = (frame.before.len(), frame.after.len());
        let mut encoding = Self { prefix, suffix, truncated, ..Self::empty(tokens.offsets.is_some()) };
        encoding.special(&frame.before);
        encoding.text(tokens, frame.kind);
        encoding.special(&frame.after);
        encoding
    }

    /// The tokens of two texts in their frame, cut to `max_tokens` according to `cut`.
    ///
    /// Source: `tokenizers` 0.23, `truncate_encodings`.
    pub fn pair(frame: &Pair, mut texts: [Tokens; 2], cut: Cut, max_tokens: usize) -> Self {
        let room = max_tokens.saturating_sub(frame.special_tokens());
        let lengths = [texts[0].ids.len(), texts[1].ids.len()];
        let truncated = lengths[0] + lengths[1] > room;
        if truncated && cut == Cut::OnlyFirst {
            texts[0].truncate(room.saturating_sub(lengths[1]));
        } else if truncated {
            let shorter = lengths[0].min(lengths[1]);
            let (mut short, mut long) = (shorter, shorter.max(room.saturating_sub(shorter)));
            if short + long > room {
                short = room / 2;
                long = short + room % 2;
            }
            let swapped = lengths[0] > lengths[1];
            texts[0].truncate(if swapped { long } else { short });
            texts[1].truncate(if swapped { short } else { long });
        }
        let [first, second] = texts;
        let [prefix, between, suffix] = [&frame.before, &frame.between, &frame.after].map(Vec::len);
        let empty = Self::empty(first.offsets.is_some());
        let mut encoding = Self { prefix, between, suffix, truncated, ..empty };
        encoding.special(&frame.before);
        encoding.text(first, frame.kinds[0]);
        encoding.special(&frame.between);
        let start = encoding.ids.len();
        encoding.text(second, frame.kinds[1]);
        encoding.second = start..encoding.ids.len();
        encoding.special(&frame.after);
        encoding
    }

    /// Removes the tokens `id` of a single text without a frame.
    pub fn leave_out(&mut self, id: u32) {
        if let Some(offsets) = &mut self.offsets {
            let mut ids = self.ids.iter();
            offsets.retain(|_| ids.next() != Some(&id));
        }
        self.ids.retain(|other| *other != id);
        self.types.truncate(self.ids.len());
    }

    /// Whether token `i` is one of the special tokens that frame the texts.
    pub fn is_special(&self, i: usize) -> bool {
        let frame = self.second.start.saturating_sub(self.between)..self.second.start;
        i < self.prefix || i + self.suffix >= self.ids.len() || frame.contains(&i)
    }

    fn special(&mut self, tokens: &[Special]) {
        self.ids.extend(tokens.iter().map(|(id, _)| id));
        self.types.extend(tokens.iter().map(|(_, kind)| kind));
        if let Some(offsets) = &mut self.offsets {
            offsets.extend(std::iter::repeat_n(0..0, tokens.len()));
        }
    }

    fn text(&mut self, tokens: Tokens, kind: u8) {
        self.types.resize(self.types.len() + tokens.ids.len(), kind);
        self.ids.extend(tokens.ids);
        if let (Some(offsets), Some(more)) = (&mut self.offsets, tokens.offsets) {
            offsets.extend(more);
        }
    }
}

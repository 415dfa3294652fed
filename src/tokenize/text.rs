//! A text in the normalizer and the pre-tokenizer, with the origin of each of its bytes.
//!
//! A token's offsets refer to the original text, but words are split from the normalized one. The bookkeeping
//! is that of Hugging Face's tokenizers, down to their oddities, which [`Text::transform`] describes.

use std::borrow::Cow;
use std::ops::Range;

/// The bytes of the source that a byte came from: the first, and the one after the last.
pub type Origin = (usize, usize);

/// A text and, if requested, the origins of its bytes.
pub struct Text<'a> {
    text: Cow<'a, str>,
    origins: Option<Cow<'a, [Origin]>>,
    /// Where the source's piece begins.
    at: usize,
}

impl<'a> Text<'a> {
    /// A piece of a source, which begins at its byte `at`.
    pub fn new(piece: &'a str, at: usize, with_origins: bool) -> Self {
        let of = |(i, c): (usize, char)| std::iter::repeat_n((at + i, at + i + c.len_utf8()), c.len_utf8());
        let origins = with_origins.then(|| piece.char_indices().flat_map(of).collect());
        Self { text: piece.into(), origins, at }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether origins are tracked.
    pub fn has_origins(&self) -> bool {
        self.origins.is_some()
    }

    /// The byte of the source at which it begins.
    pub fn at(&self) -> usize {
        self.at
    }

    /// A part of it.
    pub fn slice(&self, range: Range<usize>) -> Text<'_> {
        let origins = self.origins.as_ref().map(|origins| Cow::Borrowed(&origins[range.clone()]));
        let at = if range.is_empty() { self.at } else { self.origin(range.clone()).start };
        Text { text: Cow::Borrowed(&self.text[range]), origins, at }
    }

    /// The source's range for a range of the text; `0..0` for an empty one.
    pub fn origin(&self, range: Range<usize>) -> Range<usize> {
        match &self.origins {
            Some(origins) if !range.is_empty() => origins[range.start].0..origins[range.end - 1].1,
            _ => 0..0,
        }
    }

    /// Replaces each character with its successors, which get its origin.
    pub fn map(&mut self, mut successors: impl FnMut(char, &mut dyn FnMut(char))) {
        let mut text = String::with_capacity(self.text.len());
        let mut origins = self.origins.as_ref().map(|origins| Vec::with_capacity(origins.len()));
        for (i, c) in self.text.char_indices() {
            let before = text.len();
            successors(c, &mut |c| text.push(c));
            if let (Some(old), Some(new)) = (&self.origins, &mut origins) {
                new.extend(std::iter::repeat_n(old[i], text.len() - before));
            }
        }
        self.set(text, origins);
    }

    /// Keeps only the characters for which `keep` returns true.
    pub fn filter(&mut self, keep: impl Fn(char) -> bool) {
        if !self.text.chars().all(&keep) {
            self.map(|c, push| {
                if keep(c) {
                    push(c);
                }
            });
        }
    }

    /// Keeps only the text within `range`.
    pub fn keep(&mut self, range: Range<usize>) {
        if range == (0..self.text.len()) {
            return;
        }
        let origins = self.origins.as_ref().map(|origins| origins[range.clone()].to_vec());
        self.set(self.text[range].to_owned(), origins);
    }

    /// Replaces each of `ranges`, which are in order, with `content`; its origin is that of the last
    /// character that it replaces.
    pub fn replace(&mut self, ranges: &[Range<usize>], content: &str) {
        if ranges.is_empty() {
            return;
        }
        let mut text = String::with_capacity(self.text.len());
        let mut origins = self.origins.as_ref().map(|origins| Vec::with_capacity(origins.len()));
        let mut done = 0;
        for range in ranges {
            text.push_str(&self.text[done..range.start]);
            text.push_str(content);
            if let (Some(old), Some(new)) = (&self.origins, &mut origins) {
                new.extend_from_slice(&old[done..range.start]);
                new.extend(std::iter::repeat_n(old[range.end - 1], content.len()));
            }
            done = range.end;
        }
        text.push_str(&self.text[done..]);
        if let (Some(old), Some(new)) = (&self.origins, &mut origins) {
            new.extend_from_slice(&old[done..]);
        }
        self.set(text, origins);
    }

    /// Prepends `content` to a text that is not empty; its origin is that of the first character.
    pub fn prepend(&mut self, content: &str) {
        if self.text.is_empty() {
            return;
        }
        let origins = self
            .origins
            .as_ref()
            .map(|old| std::iter::repeat_n(old[0], content.len()).chain(old.iter().copied()).collect::<Vec<_>>());
        self.set(format!("{content}{}", self.text), origins);
    }

    /// Replaces the text with `changes`. A character with 0 replaces the next old one; with 1, it is new and
    /// gets the place of the one before it; with -n, it replaces the next one, and n more are removed. A
    /// normalizer may miscount, as Hugging Face's do if the first characters are removed: places then lag
    /// behind.
    ///
    /// Source: `tokenizers` 0.23, `NormalizedString::transform_range`.
    pub fn transform(&mut self, changes: &[(char, isize)]) {
        let mut origins = self.origins.as_ref().map(|origins| Vec::with_capacity(origins.len()));
        if let (Some(old), Some(new)) = (&self.origins, &mut origins) {
            let mut next = 0_usize;
            let mut chars = self.text.chars();
            for (c, change) in changes {
                let place = if *change > 0 { next.checked_sub(1) } else { Some(next) };
                let origin = place.map_or((self.at, self.at), |place| old[place.min(old.len() - 1)]);
                if *change <= 0 {
                    let gone = chars.by_ref().take(1 + change.unsigned_abs());
                    next += gone.map(char::len_utf8).sum::<usize>();
                }
                new.extend(std::iter::repeat_n(origin, c.len_utf8()));
            }
        }
        self.set(changes.iter().map(|(c, _)| *c).collect(), origins);
    }

    /// Appends a text of the same source.
    pub fn append(&mut self, other: &Text) {
        self.text.to_mut().push_str(&other.text);
        if let (Some(origins), Some(more)) = (&mut self.origins, &other.origins) {
            origins.to_mut().extend_from_slice(more);
        }
    }

    fn set(&mut self, text: String, origins: Option<Vec<Origin>>) {
        self.text = text.into();
        self.origins = origins.map(Cow::Owned);
    }
}

//! Added tokens, which are found in a text before it is split into words.
//!
//! This is not the `tokenizers` crate's matcher: after a match that fails `single_word`, the crate continues
//! in the middle of a character and panics; it also searches for the next match there, while Hugging Face's
//! released tokenizers search after the match.

use super::classes::is_word;
use super::{invalid, unsupported};
use crate::error::Result;
use std::collections::HashMap;
use std::ops::Range;

/// The maximum bytes of an added token, and so of the comparison at each place of a text.
const MAX_BYTES: usize = 1024;

/// An added token, as the files describe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddedToken {
    /// The characters that a text must contain.
    pub content: String,
    /// No letter or digit may touch it.
    pub single_word: bool,
    /// It includes the white space before it.
    pub lstrip: bool,
    /// It includes the white space after it.
    pub rstrip: bool,
    /// It is searched for in the normalized text.
    pub normalized: bool,
    /// It is a special token.
    pub special: bool,
}

/// The added tokens of a tokenizer.
pub struct Added {
    /// The tokens to find in the original text.
    pub raw: Patterns,
    /// The tokens to find in the normalized text.
    pub normalized: Patterns,
    /// The tokens that the vocabulary lacks; their ids follow its last.
    pub beyond_vocabulary: Vec<String>,
}

impl Added {
    /// Numbers `tokens`, then those of `special` that are not among them, as Hugging Face does: with the id
    /// that `id_of` returns, otherwise with the next one starting at `next`. For tokens with the same
    /// content, the flags of the last one count; special ones that would have no row are left out.
    /// `normalize` returns the form to find in a normalized text.
    ///
    /// # Errors
    /// [`crate::ErrorKind::TokenizerInvalid`] if the ids reach `rows`;
    /// [`crate::ErrorKind::TokenizerUnsupported`] for a token of more than 1,024 bytes.
    pub fn new(
        tokens: Vec<AddedToken>,
        special: Vec<AddedToken>,
        next: usize,
        rows: usize,
        id_of: impl Fn(&str) -> Option<u32>,
        normalize: impl Fn(&str) -> Result<String>,
    ) -> Result<Self> {
        let mut numbered: Vec<(u32, AddedToken)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut beyond_vocabulary = Vec::new();
        let listed = tokens.into_iter().map(|token| (token, true));
        let all = listed.chain(special.into_iter().map(|token| (token, false)));
        for (token, listed) in all.filter(|(token, _)| !token.content.is_empty()) {
            if token.content.len() > MAX_BYTES {
                return Err(unsupported(format!(
                    "has an added token of {} bytes: at most {MAX_BYTES} are supported.",
                    token.content.len()
                )));
            }
            if let Some(&place) = places.get(&token.content) {
                if listed {
                    numbered[place].1 = token;
                }
                continue;
            }
            let id = match id_of(&token.content) {
                Some(id) => id,
                None if !listed && next + beyond_vocabulary.len() >= rows => continue,
                None => {
                    beyond_vocabulary.push(token.content.clone());
                    (next + beyond_vocabulary.len() - 1) as u32
                }
            };
            places.insert(token.content.clone(), numbered.len());
            numbered.push((id, token));
        }
        if next + beyond_vocabulary.len() > rows {
            return Err(invalid(format!(
                "has {} tokens, but the model's embedding has {rows} rows: tokenizer.json and config.json must be \
                 from the same model.",
                next + beyond_vocabulary.len()
            )));
        }
        // Among tokens with the same form, special ones come first.
        crate::order::sort_by_key(&mut numbered, |(_, token)| !token.special);
        let (normalized, raw): (Vec<_>, Vec<_>) = numbered.into_iter().partition(|(_, token)| token.normalized);
        let mut forms = Vec::with_capacity(normalized.len());
        for (id, token) in normalized {
            forms.push((normalize(&token.content)?, id, token));
        }
        let raw = raw.into_iter().map(|(id, token)| (token.content.clone(), id, token));
        Ok(Self { raw: Patterns::new(raw.collect()), normalized: Patterns::new(forms), beyond_vocabulary })
    }

    /// The contents of the tokens to find.
    pub fn contents(&self) -> impl Iterator<Item = &str> {
        let patterns = self.raw.all.iter().chain(&self.normalized.all);
        patterns.map(|pattern| pattern.token.content.as_str())
    }
}

/// The forms to find, sorted.
pub struct Patterns {
    all: Vec<Pattern>,
    /// For each byte, whether a form begins with it.
    first: [bool; 256],
    /// The length of the longest, in bytes.
    pub longest: usize,
}

struct Pattern {
    form: String,
    id: u32,
    token: AddedToken,
}

impl Patterns {
    fn new(forms: Vec<(String, u32, AddedToken)>) -> Self {
        let mut all: Vec<_> = forms.into_iter().map(|(form, id, token)| Pattern { form, id, token }).collect();
        all.retain(|pattern| !pattern.form.is_empty());
        crate::order::sort_by(&mut all, |a, b| a.form.cmp(&b.form)); // stable: the first of equal forms stays first
        all.dedup_by(|later, first| later.form == first.form);
        let mut first = [false; 256];
        all.iter().for_each(|pattern| first[usize::from(pattern.form.as_bytes()[0])] = true);
        let longest = all.iter().map(|pattern| pattern.form.len()).max().unwrap_or(0);
        Self { all, first, longest }
    }

    /// The longest form that `text` begins with.
    fn longest_at(&self, text: &[u8]) -> Option<&Pattern> {
        if !self.first[usize::from(text[0])] {
            return None;
        }
        let (mut candidates, mut longest) = (&self.all[..], None);
        for (depth, byte) in text.iter().enumerate() {
            let at = |pattern: &Pattern| pattern.form.as_bytes().get(depth).copied();
            let from = candidates.partition_point(|pattern| at(pattern) < Some(*byte));
            let to = candidates.partition_point(|pattern| at(pattern) <= Some(*byte));
            candidates = &candidates[from..to];
            match candidates.first() {
                None => break,
                Some(pattern) if pattern.form.len() == depth + 1 => longest = Some(pattern),
                Some(_) => {}
            }
        }
        longest
    }

    /// The matches in `text`, from left to right.
    pub fn search<'a>(&'a self, text: &'a str) -> Search<'a> {
        Search { patterns: self, text, at: 0, taken: 0, white: 0 }
    }
}

/// A search from left to right for the longest token at each place, without overlaps.
pub struct Search<'a> {
    patterns: &'a Patterns,
    text: &'a str,
    /// Where to look next.
    at: usize,
    /// The end of the last token, with the white space that it includes.
    taken: usize,
    /// The end of the last white space that followed a token: tokens within it need not search it again.
    white: usize,
}

impl Search<'_> {
    /// The next token whose content begins before byte `end`: its bytes and its id. `None` if there is none;
    /// a later call with a larger `end` continues from there.
    ///
    /// Source: `tokenizers` 0.23, `AddedVocabulary::find_matches`.
    pub fn next(&mut self, end: usize) -> Option<(Range<usize>, u32)> {
        let bytes = self.text.as_bytes();
        while self.at < end.min(bytes.len()) {
            let Some(pattern) = self.patterns.longest_at(&bytes[self.at..]) else {
                self.at += 1;
                continue;
            };
            let (mut start, mut stop) = (self.at, self.at + pattern.form.len());
            self.at = stop;
            let (before, after) = (&self.text[..start], &self.text[stop..]);
            let touches =
                || before.chars().next_back().is_some_and(is_word) || after.chars().next().is_some_and(is_word);
            if pattern.token.single_word && touches() {
                continue;
            }
            if pattern.token.lstrip {
                // Only back to the last token: in white space, all before it would take quadratic time.
                start = self.taken + before.get(self.taken..).map_or(0, |between| between.trim_end().len());
                // It is white space that the last token includes: `tokenizers` drops this one, or panics.
                if start >= stop {
                    continue;
                }
            }
            if pattern.token.rstrip {
                if self.white < stop {
                    self.white = self.text.len() - after.trim_start().len();
                }
                stop = self.white;
            }
            self.taken = stop;
            return Some((start..stop, pattern.id));
        }
        None
    }
}

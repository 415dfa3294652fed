//! Where each normalized character came from.
//!
//! A token's offsets are those of the text as it was given, but the words are cut from the text as it was normalized.

use super::failed;
use crate::error::Result;
use std::borrow::Cow;
use std::ops::Range;
use tokenizers::normalizers::bert::BertNormalizer;
use tokenizers::pipeline::Normalizer;
use unicode_categories::UnicodeCategories;
use unicode_normalization_alignments::UnicodeNormalization;

/// A normalized text and, for each of its bytes, the byte range of the source that it came from.
#[derive(Default)]
pub struct Aligned {
    /// The normalized text.
    pub text: String,
    /// The origin of each byte of `text`.
    pub origins: Vec<Range<usize>>,
}

impl Aligned {
    fn push(&mut self, c: char, origin: &Range<usize>) {
        self.text.push(c);
        self.origins.extend(std::iter::repeat_n(origin.clone(), c.len_utf8()));
    }

    /// The source's range of a range of `text`; an empty one comes from nowhere.
    pub fn origin(&self, range: Range<usize>) -> Range<usize> {
        if range.is_empty() {
            return 0..0;
        }
        self.origins[range.start].start..self.origins[range.end - 1].end
    }
}

/// Normalizes `piece`, which lies at byte `at` of its text, with the origins as Hugging Face's tokenizers count them: in
/// canonical decomposition a character that was added has the place of the one before it, and marks that change places
/// leave their places behind. That is the bookkeeping of the crate `unicode-normalization-alignments`, which is theirs
/// too.
///
/// Source: Devlin et al. 2019, `BasicTokenizer`; `tokenizers` 0.23, `normalizers/bert.rs`.
pub fn normalize(bert: Option<&BertNormalizer>, piece: &str, at: usize) -> Result<Aligned> {
    let Some(bert) = bert else {
        return by_character(piece, at, |c, _| Ok(Cow::Borrowed(c)));
    };
    let clean = BertNormalizer::new(bert.clean_text, bert.handle_chinese_chars, Some(false), false);
    let cleaned = by_character(piece, at, |c, i| clean.normalize(c, i).map_err(failed))?;
    let stripped = if bert.strip_accents.unwrap_or(bert.lowercase) { strip_accents(&cleaned) } else { cleaned };
    if !bert.lowercase {
        return Ok(stripped);
    }
    let mut lower = Aligned::default();
    for (i, c) in stripped.text.char_indices() {
        for l in c.to_lowercase() {
            lower.push(l, &stripped.origins[i]);
        }
    }
    Ok(lower)
}

fn by_character(
    piece: &str,
    at: usize,
    normalize: impl for<'a> Fn(&'a str, usize) -> Result<Cow<'a, str>>,
) -> Result<Aligned> {
    let mut aligned = Aligned::default();
    let mut buffer = [0; 4];
    for (i, c) in piece.char_indices() {
        let origin = at + i..at + i + c.len_utf8();
        let normalized = normalize(c.encode_utf8(&mut buffer), at + i)?;
        normalized.chars().for_each(|n| aligned.push(n, &origin));
    }
    Ok(aligned)
}

fn strip_accents(source: &Aligned) -> Aligned {
    let mut places = source.text.char_indices().map(|(i, _)| &source.origins[i]);
    let mut aligned = Aligned::default();
    let mut place = None;
    for (c, change) in source.text.nfd() {
        if change == 0 {
            place = places.next();
        }
        if !c.is_mark_nonspacing()
            && let Some(origin) = place
        {
            aligned.push(c, origin);
        }
    }
    aligned
}

//! BERT's normalization: removes control characters, turns white space into blanks, puts blanks around
//! Chinese characters, and removes accents and letter case if configured.
//!
//! This is not the crate's stage, which has no origins and adds a second set of Unicode tables
//! (docs/decisions/0023).

use super::super::read::Stage;
use super::super::text::Text;
use crate::error::Result;
use unicode_categories::UnicodeCategories;
use unicode_normalization_alignments::UnicodeNormalization;

/// BERT's normalization.
pub struct Bert {
    clean_text: bool,
    chinese: bool,
    strip_accents: bool,
    lowercase: bool,
}

impl Bert {
    /// `strip_accents`: whether accents are removed; `None`: if letters are lowercased.
    pub fn new(clean_text: bool, chinese: bool, strip_accents: Option<bool>, lowercase: bool) -> Self {
        Self { clean_text, chinese, strip_accents: strip_accents.unwrap_or(lowercase), lowercase }
    }

    /// Reads `BertNormalizer`.
    pub fn read(stage: &Stage) -> Result<Self> {
        Ok(Self::new(
            stage.flag("clean_text", None)?,
            stage.flag("handle_chinese_chars", None)?,
            stage.maybe_flag("strip_accents")?,
            stage.flag("lowercase", None)?,
        ))
    }

    /// Source: Devlin et al. 2019, `BasicTokenizer`; `tokenizers` 0.23, `normalizers/bert.rs`.
    pub fn apply(&self, text: &mut Text) {
        let Self { clean_text, chinese, strip_accents, lowercase } = *self;
        let unchanged = |c: char| matches!(c, ' '..='@' | '['..='~') || c.is_ascii_uppercase() && !lowercase;
        if text.as_str().chars().all(unchanged) {
            return;
        }
        text.map(|c, push| match c {
            ' '..='~' => push(c),
            c if clean_text && is_removed_by_cleaning(c) => {}
            c if clean_text && c.is_whitespace() => push(' '),
            c if chinese && is_chinese(c) => [' ', c, ' '].into_iter().for_each(push),
            c => push(c),
        });
        if strip_accents && !text.as_str().is_ascii() {
            let decomposed: Vec<_> = text.as_str().nfd().collect();
            text.transform(&decomposed);
            text.filter(|c| !c.is_mark_nonspacing());
        }
        if lowercase {
            text.map(|c, push| match c.is_ascii() {
                true => push(c.to_ascii_lowercase()),
                false => c.to_lowercase().for_each(push),
            });
        }
    }
}

/// Whether cleaning removes a character: control characters except tabs and line breaks, format and
/// private-use characters, and the replacement character.
fn is_removed_by_cleaning(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => false,
        '\0' | '\u{fffd}' => true,
        c => c.is_other(),
    }
}

/// Whether a character is in the blocks of Chinese characters; Japanese kana and Korean letters are not.
fn is_chinese(c: char) -> bool {
    matches!(c,
        '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}' | '\u{20000}'..='\u{2a6df}' | '\u{2a700}'..='\u{2b73f}'
        | '\u{2b740}'..='\u{2b81f}' | '\u{2b920}'..='\u{2ceaf}' | '\u{f900}'..='\u{faff}' | '\u{2f800}'..='\u{2fa1f}')
}

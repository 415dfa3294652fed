//! Unicode's normalization forms, letter case, accents and white space.

use super::super::read::Stage;
use super::super::text::Text;
use crate::error::Result;
use unicode_normalization_alignments::UnicodeNormalization;
use unicode_normalization_alignments::char::is_combining_mark;

/// A normalization of characters.
pub enum Unicode {
    /// Canonical decomposition.
    Nfd,
    /// Canonical decomposition, then composition.
    Nfc,
    /// Compatibility decomposition.
    Nfkd,
    /// Compatibility decomposition, then composition.
    Nfkc,
    /// Lowercases letters one by one: a Σ never becomes ς.
    Lowercase,
    /// Removes combining marks; those of composed characters only if these were decomposed before.
    StripAccents,
    /// Removes white space at the ends.
    Strip {
        /// At the start.
        left: bool,
        /// At the end.
        right: bool,
    },
    /// SentencePiece's `nmt` rules: removes control characters, turns white space and what looks like it into
    /// blanks.
    Nmt,
}

impl Unicode {
    /// Reads a stage if it has one of these kinds.
    pub fn read(stage: &Stage) -> Result<Option<Self>> {
        Ok(Some(match stage.kind() {
            "NFD" => Self::Nfd,
            "NFC" => Self::Nfc,
            "NFKD" => Self::Nfkd,
            "NFKC" => Self::Nfkc,
            "Lowercase" => Self::Lowercase,
            "StripAccents" => Self::StripAccents,
            "Strip" => Self::Strip { left: stage.flag("strip_left", None)?, right: stage.flag("strip_right", None)? },
            "Nmt" => Self::Nmt,
            _ => return Ok(None),
        }))
    }

    /// Source: `tokenizers` 0.23, `normalizers/{unicode,strip,utils}.rs`.
    pub fn apply(&self, text: &mut Text) {
        match self {
            // ASCII is already in all forms.
            Self::Nfd | Self::Nfc | Self::Nfkd | Self::Nfkc if text.as_str().is_ascii() => {}
            Self::Nfd => text.transform(&text.as_str().nfd().collect::<Vec<_>>()),
            Self::Nfc => text.transform(&text.as_str().nfc().collect::<Vec<_>>()),
            Self::Nfkd => text.transform(&text.as_str().nfkd().collect::<Vec<_>>()),
            Self::Nfkc => text.transform(&text.as_str().nfkc().collect::<Vec<_>>()),
            Self::Lowercase => text.map(|c, push| c.to_lowercase().for_each(push)),
            Self::StripAccents => text.filter(|c| !is_combining_mark(c)),
            Self::Strip { left, right } => {
                let all = text.as_str();
                let start = if *left { all.len() - all.trim_start().len() } else { 0 };
                let end = if *right { all.trim_end().len() } else { all.len() };
                text.keep(start.min(end)..end);
            }
            Self::Nmt => text.map(|c, push| match c {
                '\u{1}'..='\u{8}' | '\u{b}' | '\u{e}'..='\u{1f}' | '\u{7f}' | '\u{8f}' | '\u{9f}' => {}
                '\t' | '\n' | '\u{c}' | '\r' | '\u{1680}' | '\u{200b}'..='\u{200f}' | '\u{2028}' | '\u{2029}' => {
                    push(' ')
                }
                '\u{2581}' | '\u{feff}' | '\u{fffd}' => push(' '),
                c => push(c),
            }),
        }
    }
}

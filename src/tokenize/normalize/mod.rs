//! The normalizer of a tokenizer: produces the text that is split into words. One file per kind, or per
//! family of kinds.

mod bert;
mod precompiled;
mod replace;
mod unicode;

use super::pattern::Pattern;
use super::read::Stage;
use super::split::character;
use super::text::Text;
use super::unsupported;
use crate::error::Result;
pub use bert::Bert;
pub use precompiled::Precompiled;
use replace::Replace;
use unicode::Unicode;

/// A normalized text has at most `GROWTH` times the bytes of its source, plus `SPARE`.
const GROWTH: usize = 16;
const SPARE: usize = 1 << 16;

/// Every kind of normalizer.
pub enum Normalizer {
    /// BERT's.
    Bert(Bert),
    /// Unicode's forms, letter case, accents and white space.
    Unicode(Unicode),
    /// SentencePiece's character map.
    Precompiled(Precompiled),
    /// Replaces one text with another.
    Replace(Replace),
    /// Prepends a text to one that is not empty.
    Prepend(String),
    /// Turns bytes into visible characters.
    ByteLevel,
    /// One after the other; an empty sequence changes nothing.
    Sequence(Vec<Normalizer>),
}

/// The normalizer of DeBERTa, versions 2 and 3.
pub fn deberta_v2(lowercase: bool) -> Normalizer {
    let small = lowercase.then_some(Normalizer::Unicode(Unicode::Lowercase));
    let blanks = Pattern::regex(r"\s{2,}|[\n\r\t]").map(|blanks| Normalizer::Replace(Replace::new(blanks, " ")));
    let rest = [Unicode::Nfc, Unicode::Strip { left: false, right: true }].map(Normalizer::Unicode);
    Normalizer::Sequence(small.into_iter().chain(blanks).chain(rest).collect())
}

impl Normalizer {
    /// A normalizer that changes nothing.
    pub const NONE: Self = Self::Sequence(Vec::new());

    /// Reads the normalizer of a `tokenizer.json`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::TokenizerInvalid`], [`crate::ErrorKind::TokenizerUnsupported`].
    pub fn read(stage: &Stage) -> Result<Self> {
        Ok(match stage.kind() {
            "BertNormalizer" => Self::Bert(Bert::read(stage)?),
            "Precompiled" => Self::Precompiled(Precompiled::read(stage)?),
            "Replace" => Self::Replace(Replace::read(stage)?),
            "Prepend" => Self::Prepend(stage.short_text("prepend")?.into()),
            "ByteLevel" => Self::ByteLevel,
            "Sequence" => Self::Sequence(stage.stages("normalizers", Self::read)?),
            _ => match Unicode::read(stage)? {
                Some(unicode) => Self::Unicode(unicode),
                None => return Err(stage.unsupported()),
            },
        })
    }

    /// Whether adjacent letters, digits or Chinese characters are normalized as if each were alone.
    pub fn keeps_apart(&self) -> bool {
        match self {
            Self::Bert(_) | Self::Unicode(_) | Self::Precompiled(_) | Self::Prepend(_) => true,
            Self::Replace(replace) => replace.keeps_apart(),
            Self::ByteLevel => false,
            Self::Sequence(all) => all.iter().all(Self::keeps_apart),
        }
    }

    /// Whether normalizing a text's beginning, up to a blank that follows another character, gives the
    /// beginning of the normalized text, except for one character.
    pub fn ends_at_blanks(&self) -> bool {
        self.is_local(&mut true)
    }

    fn is_local(&self, blanks: &mut bool) -> bool {
        match self {
            Self::Sequence(all) => all.iter().all(|one| one.is_local(blanks)),
            Self::Replace(replace) => replace.is_local(blanks),
            Self::Precompiled(map) => {
                *blanks &= map.keeps_blanks();
                true
            }
            Self::ByteLevel => {
                *blanks = false;
                true
            }
            Self::Bert(_) | Self::Unicode(_) | Self::Prepend(_) => true,
        }
    }

    /// Normalizes a piece of a text.
    ///
    /// # Errors
    /// [`crate::ErrorKind::TokenizerUnsupported`] if it makes a text too long.
    pub fn apply(&self, text: &mut Text) -> Result<()> {
        let most = text.as_str().len().saturating_mul(GROWTH).saturating_add(SPARE);
        if self.apply_within(text, most) {
            return Ok(());
        }
        Err(unsupported(format!(
            "has a normalizer that makes more than {GROWTH} bytes of one: use a checkpoint with its own \
             tokenizer.json."
        )))
    }

    /// Returns whether the text then has at most `most` bytes; if it would have more, it may be left
    /// unchanged.
    fn apply_within(&self, text: &mut Text, most: usize) -> bool {
        match self {
            Self::Bert(bert) => bert.apply(text),
            Self::Unicode(unicode) => unicode.apply(text),
            Self::Precompiled(map) => return map.apply(text, most),
            Self::Replace(replace) => return replace.apply(text, most),
            Self::Prepend(prepend) => text.prepend(prepend),
            Self::ByteLevel => {
                text.map(|c, push| c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| push(character(byte))));
            }
            Self::Sequence(all) => return all.iter().all(|one| one.apply_within(text, most)),
        }
        text.as_str().len() <= most
    }
}

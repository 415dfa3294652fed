//! The normalizer of a tokenizer: the text that words are cut from. One file a kind, or a family of kinds.

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

/// A normalized text has at most so many times the bytes of its source, and so many more.
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
    /// One text in the place of another.
    Replace(Replace),
    /// A text in front of one that is not empty.
    Prepend(String),
    /// Bytes as characters that can be seen.
    ByteLevel,
    /// One after the other; none changes nothing.
    Sequence(Vec<Normalizer>),
}

/// DeBERTa's, versions 2 and 3.
pub fn deberta_v2(lowercase: bool) -> Normalizer {
    let small = lowercase.then_some(Normalizer::Unicode(Unicode::Lowercase));
    let blanks = Pattern::regex(r"\s{2,}|[\n\r\t]").map(|blanks| Normalizer::Replace(Replace::new(blanks, " ")));
    let rest = [Unicode::Nfc, Unicode::Strip { left: false, right: true }].map(Normalizer::Unicode);
    Normalizer::Sequence(small.into_iter().chain(blanks).chain(rest).collect())
}

impl Normalizer {
    /// One that changes nothing.
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

    /// Whether two letters, digits or Chinese characters side by side are normalized as they are alone.
    pub fn keeps_apart(&self) -> bool {
        match self {
            Self::Bert(_) | Self::Unicode(_) | Self::Precompiled(_) | Self::Prepend(_) => true,
            Self::Replace(replace) => replace.keeps_apart(),
            Self::ByteLevel => false,
            Self::Sequence(all) => all.iter().all(Self::keeps_apart),
        }
    }

    /// Normalizes a piece of a text.
    ///
    /// # Errors
    /// [`crate::ErrorKind::TokenizerInvalid`] where a sequence makes too much of a text.
    pub fn apply(&self, text: &mut Text) -> Result<()> {
        match self {
            Self::Bert(bert) => bert.apply(text),
            Self::Unicode(unicode) => unicode.apply(text),
            Self::Precompiled(map) => map.apply(text),
            Self::Replace(replace) => replace.apply(text),
            Self::Prepend(prepend) => text.prepend(prepend),
            Self::ByteLevel => {
                text.map(|c, push| c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| push(character(byte))));
            }
            Self::Sequence(all) => {
                let most = text.as_str().len().saturating_mul(GROWTH).saturating_add(SPARE);
                for one in all {
                    one.apply(text)?;
                    if text.as_str().len() > most {
                        return Err(unsupported(format!(
                            "has a normalizer that makes more than {GROWTH} bytes of one: take a checkpoint with its own \
                             tokenizer.json."
                        )));
                    }
                }
            }
        }
        Ok(())
    }
}

//! The normalizer of a tokenizer: the text that words are cut from. One file a kind, or a family of kinds.

mod bert;

use super::read::Stage;
use super::text::Text;
use crate::error::Result;
pub use bert::Bert;

/// Every kind of normalizer.
pub enum Normalizer {
    /// BERT's.
    Bert(Bert),
    /// One after the other; none changes nothing.
    Sequence(Vec<Normalizer>),
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
            "Sequence" => Self::Sequence(stage.stages("normalizers", Self::read)?),
            _ => return Err(stage.unsupported()),
        })
    }

    /// Normalizes a piece of a text.
    ///
    /// # Errors
    /// [`crate::ErrorKind::TokenizerInvalid`] where a stage fails.
    pub fn apply(&self, text: &mut Text) -> Result<()> {
        match self {
            Self::Bert(bert) => bert.apply(text),
            Self::Sequence(all) => all.iter().try_for_each(|one| one.apply(text)),
        }
    }
}

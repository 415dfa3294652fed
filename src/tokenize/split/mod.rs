//! The pre-tokenizer of a tokenizer: cuts a normalized text into the words that the model cuts further. One file a kind, or a family
//! of kinds.

mod bert;
mod punctuation;

use super::read::Stage;
use super::text::Text;
use crate::error::Result;
pub use bert::Bert;
use std::ops::Range;

/// Every kind of pre-tokenizer.
pub enum PreTokenizer {
    /// BERT's.
    Bert(Bert),
    /// One after the other; none leaves the text in one piece.
    Sequence(Vec<PreTokenizer>),
}

/// A text that is cut into words.
pub struct Words<'a> {
    /// The text.
    pub text: Text<'a>,
    /// Its words, in order; none is empty.
    pub spans: Vec<Range<usize>>,
}

impl<'a> Words<'a> {
    /// A text in one piece.
    pub fn new(text: Text<'a>) -> Self {
        let whole = 0..text.as_str().len();
        let spans = if whole.is_empty() { Vec::new() } else { vec![whole] };
        Self { text, spans }
    }

    /// Cuts each word further: `cut` gives the words of one.
    fn split(&mut self, mut cut: impl FnMut(&str, &mut dyn FnMut(Range<usize>)) -> Result<()>) -> Result<()> {
        let mut spans = Vec::with_capacity(self.spans.len());
        for span in &self.spans {
            cut(&self.text.as_str()[span.clone()], &mut |word| {
                if !word.is_empty() {
                    spans.push(span.start + word.start..span.start + word.end);
                }
            })?;
        }
        self.spans = spans;
        Ok(())
    }
}

impl PreTokenizer {
    /// One that leaves a text in one piece.
    pub const NONE: Self = Self::Sequence(Vec::new());

    /// Reads the pre-tokenizer of a `tokenizer.json`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::TokenizerInvalid`], [`crate::ErrorKind::TokenizerUnsupported`].
    pub fn read(stage: &Stage) -> Result<Self> {
        Ok(match stage.kind() {
            "BertPreTokenizer" => Self::Bert(Bert::default()),
            "Sequence" => Self::Sequence(stage.stages("pretokenizers", Self::read)?),
            _ => return Err(stage.unsupported()),
        })
    }

    /// Whether no word reaches over a blank that follows another character, so that what comes before is cut alike without it.
    pub fn ends_at_spaces(&self) -> bool {
        match self {
            Self::Bert(_) => true,
            Self::Sequence(all) => !all.is_empty() && all.iter().all(Self::ends_at_spaces),
        }
    }

    /// Cuts the words further.
    ///
    /// # Errors
    /// [`crate::ErrorKind::TokenizerInvalid`] where a stage fails.
    pub fn apply(&self, words: &mut Words) -> Result<()> {
        match self {
            Self::Bert(bert) => words.split(|text, word| bert.words(text, word)),
            Self::Sequence(all) => all.iter().try_for_each(|one| one.apply(words)),
        }
    }
}

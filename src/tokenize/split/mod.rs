//! The pre-tokenizer of a tokenizer: splits a normalized text into the words that the model splits further.
//! One file per kind, or per family of kinds.

mod bert;
mod byte_level;
mod delimiters;
mod metaspace;
mod punctuation;

use super::read::Stage;
use super::text::Text;
use crate::error::Result;
pub use bert::Bert;
pub use byte_level::{ByteLevel, character};
use delimiters::{Behavior, Delimiter};
use metaspace::{Metaspace, Scheme};
use std::ops::Range;

/// Every kind of pre-tokenizer.
pub enum PreTokenizer {
    /// BERT's.
    Bert(Bert),
    /// GPT-2's and RoBERTa's.
    ByteLevel(ByteLevel),
    /// SentencePiece's.
    Metaspace(Metaspace),
    /// Separators of words.
    Delimiter(Delimiter),
    /// One after the other; an empty sequence leaves the text in one piece.
    Sequence(Vec<PreTokenizer>),
}

/// White space that no word crosses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Boundary {
    /// U+0020.
    Blank,
    /// All white space.
    WhiteSpace,
}

/// XLM-RoBERTa's: splits at white space and removes it; words begin with ▁ if `prefix_space` is set.
pub fn xlm_roberta(prefix_space: bool) -> PreTokenizer {
    let spaces = Metaspace::new(if prefix_space { Scheme::Always } else { Scheme::Never });
    PreTokenizer::Sequence(vec![PreTokenizer::Delimiter(Delimiter::Whitespace), PreTokenizer::Metaspace(spaces)])
}

/// DeBERTa's, versions 2 and 3: words begin with ▁, at least after a blank and at the text's start;
/// punctuation characters are separate words if `punctuation` is set.
pub fn deberta_v2(prefix_space: bool, punctuation: bool) -> PreTokenizer {
    let isolated = punctuation.then_some(PreTokenizer::Delimiter(Delimiter::Punctuation(Behavior::Isolated)));
    let spaces = Metaspace::new(if prefix_space { Scheme::Always } else { Scheme::First });
    PreTokenizer::Sequence(isolated.into_iter().chain([PreTokenizer::Metaspace(spaces)]).collect())
}

/// A text that is split into words.
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

    /// Splits each word further: `cut` reports the words of one.
    fn split(&mut self, mut cut: impl FnMut(&str, &mut dyn FnMut(Range<usize>))) {
        let mut spans = Vec::with_capacity(self.spans.len());
        for span in &self.spans {
            cut(&self.text.as_str()[span.clone()], &mut |word| {
                if !word.is_empty() {
                    spans.push(span.start + word.start..span.start + word.end);
                }
            });
        }
        self.spans = spans;
    }

    /// Rewrites each word: `rewrite` changes its text and appends the words that it is split into.
    fn rewrite(&mut self, mut rewrite: impl FnMut(&mut Text, &mut Vec<Range<usize>>)) {
        let mut whole = Text::new("", 0, self.text.has_origins());
        let (mut spans, mut own) = (Vec::with_capacity(self.spans.len()), Vec::new());
        for span in &self.spans {
            let mut text = self.text.slice(span.clone());
            rewrite(&mut text, &mut own);
            let start = whole.as_str().len();
            spans.extend(own.drain(..).map(|word| start + word.start..start + word.end));
            whole.append(&text);
        }
        *self = Self { text: whole, spans };
    }
}

impl PreTokenizer {
    /// Whether words consist of characters that represent bytes.
    pub fn makes_bytes(&self) -> bool {
        match self {
            Self::ByteLevel(_) => true,
            Self::Sequence(stages) => stages.iter().any(Self::makes_bytes),
            _ => false,
        }
    }

    /// A pre-tokenizer that leaves a text in one piece.
    pub const NONE: Self = Self::Sequence(Vec::new());

    /// Reads the pre-tokenizer of a `tokenizer.json`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::TokenizerInvalid`], [`crate::ErrorKind::TokenizerUnsupported`].
    pub fn read(stage: &Stage) -> Result<Self> {
        Ok(match stage.kind() {
            "BertPreTokenizer" => Self::Bert(Bert::default()),
            "ByteLevel" => Self::ByteLevel(ByteLevel::read(stage)?),
            "Metaspace" => Self::Metaspace(Metaspace::read(stage)?),
            "Sequence" => Self::Sequence(stage.stages("pretokenizers", Self::read)?),
            _ => match Delimiter::read(stage)? {
                Some(delimiter) => Self::Delimiter(delimiter),
                None => return Err(stage.unsupported()),
            },
        })
    }

    /// The white space that no word crosses if it follows another character, so that the text before is split
    /// in the same way without it.
    pub fn boundary(&self) -> Option<Boundary> {
        match self {
            Self::Bert(_) => Some(Boundary::WhiteSpace),
            Self::ByteLevel(bytes) => bytes.use_regex.then_some(Boundary::WhiteSpace),
            Self::Metaspace(spaces) => spaces.splits().then_some(Boundary::Blank),
            Self::Delimiter(delimiter) => delimiter.ends_at_spaces().then_some(Boundary::WhiteSpace),
            // If each has one, the words of all end where the words of one do.
            Self::Sequence(all) => all.iter().map(Self::boundary).collect::<Option<Vec<_>>>()?.into_iter().max(),
        }
    }

    /// Whether only white space and ▁ separate words, so that all words of a text's beginning but the last
    /// are words of the text, and the last one is the beginning of one.
    pub fn only_spaces(&self) -> bool {
        match self {
            Self::Metaspace(spaces) => spaces.splits(),
            Self::Delimiter(delimiter) => matches!(delimiter, Delimiter::Whitespace),
            Self::Sequence(all) => !all.is_empty() && all.iter().all(Self::only_spaces),
            _ => false,
        }
    }

    /// Whether a part must know its position in the text.
    pub fn needs_origins(&self) -> bool {
        match self {
            Self::Metaspace(spaces) => spaces.needs_origins(),
            Self::Sequence(all) => all.iter().any(Self::needs_origins),
            _ => false,
        }
    }

    /// Splits the words further.
    pub fn apply(&self, words: &mut Words) {
        match self {
            Self::Bert(bert) => words.split(|text, word| bert.words(text, word)),
            Self::ByteLevel(bytes) => bytes.apply(words),
            Self::Metaspace(spaces) => spaces.apply(words),
            Self::Delimiter(delimiter) => delimiter.apply(words),
            Self::Sequence(all) => all.iter().for_each(|one| one.apply(words)),
        }
    }
}

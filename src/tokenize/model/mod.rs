//! The model of a tokenizer: splits the words from `split` into the vocabulary's tokens. One file per kind;
//! `vocabulary` stores the tokens, `merges` the merges of byte-pair encoding.

mod bpe;
mod merges;
mod unigram;
mod vocabulary;
mod wordpiece;

pub use bpe::{Bpe, BpeOptions};
pub use merges::Merges;
pub use unigram::Unigram;
pub use vocabulary::{Tokens, Vocabulary};
pub use wordpiece::WordPiece;

/// The maximum bytes of a token that can be a part of a word: limits how many are read for each part.
pub const MAX_TOKEN_BYTES: usize = 512;

/// A part of a word: its id, and the word's bytes that it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The token's id.
    pub id: u32,
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

/// Why a model can't be built from a vocabulary.
#[derive(Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It lacks the unknown token.
    NoUnknown,
    /// A token that could be a part of a word is this many bytes long.
    LongToken(usize),
    /// A merge names this token, which it lacks.
    UnknownMerge(String),
    /// The score of this token is not a number.
    Score(usize),
}

/// Every kind of model.
pub enum Model {
    /// BERT's.
    WordPiece(WordPiece),
    /// RoBERTa's.
    Bpe(Bpe),
    /// XLM-RoBERTa's.
    Unigram(Unigram),
}

impl Model {
    /// The vocabulary.
    pub fn tokens(&self) -> &Tokens {
        match self {
            Self::WordPiece(model) => model.tokens(),
            Self::Bpe(model) => model.tokens(),
            Self::Unigram(model) => model.tokens(),
        }
    }

    /// The token for text that the vocabulary doesn't have, if there is one.
    pub fn unknown(&self) -> Option<u32> {
        match self {
            Self::WordPiece(model) => Some(model.unknown()),
            Self::Bpe(model) => model.unknown(),
            Self::Unigram(model) => model.unknown(),
        }
    }

    /// Whether a token shows by a prefix that it continues a word.
    pub fn marks_continuations(&self) -> bool {
        match self {
            Self::WordPiece(model) => model.marks_continuations(),
            Self::Bpe(model) => model.marks_continuations(),
            Self::Unigram(_) => false,
        }
    }

    /// How many tokens it has; ids of added tokens that it lacks start here.
    pub fn len(&self) -> usize {
        match self {
            Self::Unigram(model) => model.tokens().entries(),
            other => other.tokens().len(),
        }
    }

    /// Replaces the contents of `pieces` with the pieces of `word`.
    pub fn cut(&self, word: &str, pieces: &mut Vec<Piece>) {
        match self {
            Self::WordPiece(model) => model.cut(word, pieces),
            Self::Bpe(model) => model.cut(word, pieces),
            Self::Unigram(model) => model.cut(word, pieces),
        }
    }
}

/// The tokens of single bytes, `<0x00>` to `<0xFF>`, if a vocabulary has them.
pub struct ByteTokens([Option<u32>; 256]);

impl ByteTokens {
    fn of(tokens: &Tokens) -> Self {
        Self(std::array::from_fn(|byte| tokens.id(&format!("<0x{byte:02X}>"))))
    }

    /// The tokens of a text's bytes, if each has one.
    fn spell(&self, text: &str) -> Option<impl DoubleEndedIterator<Item = u32>> {
        let all = text.bytes().all(|byte| self.0[usize::from(byte)].is_some());
        all.then(|| text.bytes().filter_map(|byte| self.0[usize::from(byte)]))
    }
}

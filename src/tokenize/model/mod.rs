//! The model of a tokenizer: cuts the words that `split` gives it into the vocabulary's tokens. One file a kind;
//! `vocabulary` holds the tokens.

mod vocabulary;
mod wordpiece;

pub use vocabulary::{Tokens, Vocabulary};
pub use wordpiece::WordPiece;

/// The most bytes of a token that can be a part of a word: so many are read for each part at most.
pub const MAX_TOKEN_BYTES: usize = 512;

/// A part of a word: its id, and the word's bytes that it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The token's id.
    pub id: u32,
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

/// Why a vocabulary makes no model.
#[derive(Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It lacks the unknown token.
    NoUnknown,
    /// It has a token of so many bytes that could be a part of a word.
    LongToken(usize),
}

/// Every kind of model.
pub enum Model {
    /// BERT's.
    WordPiece(WordPiece),
}

impl Model {
    /// The vocabulary.
    pub fn tokens(&self) -> &Tokens {
        match self {
            Self::WordPiece(model) => model.tokens(),
        }
    }

    /// How many tokens it has: added tokens that it lacks are numbered from here on.
    pub fn len(&self) -> usize {
        match self {
            Self::WordPiece(model) => model.tokens().len(),
        }
    }

    /// Puts the pieces of `word` in place of those in `pieces`.
    pub fn cut(&self, word: &str, pieces: &mut Vec<Piece>) {
        match self {
            Self::WordPiece(model) => model.cut(word, pieces),
        }
    }
}

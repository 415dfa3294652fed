//! Unigram: of all ways to spell a word with tokens, the one whose scores have the largest sum.

use super::vocabulary::{Tokens, Vocabulary};
use super::{ByteTokens, Flaw, MAX_TOKEN_BYTES, Piece};
use std::cell::RefCell;

/// How much less than the least of all tokens an unknown character counts.
const UNKNOWN_PENALTY: f64 = 10.0;

/// The model.
pub struct Unigram {
    tokens: Tokens,
    /// The logarithm of each token's probability, by id.
    scores: Vec<f64>,
    unknown: u32,
    unknown_score: f64,
    bytes: Option<ByteTokens>,
    ends: RefCell<Vec<End>>,
}

/// The best way to spell the word up to a byte.
#[derive(Clone, Copy)]
struct End {
    score: f64,
    /// The last token, and where it starts; none where nothing ends here.
    last: Option<(u32, usize)>,
}

impl Unigram {
    /// A model of `vocabulary`, whose ids are its places, and its scores.
    ///
    /// # Errors
    /// There is no unknown token, a score is no number, or a token is longer than [`MAX_TOKEN_BYTES`].
    pub fn new(
        vocabulary: Vocabulary,
        scores: Vec<f64>,
        unknown: Option<usize>,
        byte_fallback: bool,
    ) -> Result<Self, Flaw> {
        if let Some(token) = scores.iter().position(|score| !score.is_finite()) {
            return Err(Flaw::Score(token));
        }
        let unknown = unknown.filter(|unknown| *unknown < scores.len()).ok_or(Flaw::NoUnknown)? as u32;
        let tokens = Tokens::new(vocabulary);
        if tokens.whole.longest > MAX_TOKEN_BYTES {
            return Err(Flaw::LongToken(tokens.whole.longest));
        }
        let unknown_score = scores.iter().copied().fold(f64::INFINITY, f64::min) - UNKNOWN_PENALTY;
        let bytes = byte_fallback.then(|| ByteTokens::of(&tokens));
        Ok(Self { tokens, scores, unknown, unknown_score, bytes, ends: RefCell::default() })
    }

    /// The vocabulary.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Puts the pieces of `word` in place of those in `pieces`. Unknown characters side by side are one
    /// piece.
    ///
    /// Source: Kudo 2018; `tokenizers` 0.23, `models/unigram`, `encode_optimized`.
    pub fn cut(&self, word: &str, pieces: &mut Vec<Piece>) {
        pieces.clear();
        let mut ends = self.ends.borrow_mut();
        self.score(word, &mut ends);
        let mut end = word.len();
        while let Some((id, start)) = ends[end].last {
            let mut start = start;
            if id != self.unknown {
                pieces.push(Piece { id, start, end });
            } else {
                while let Some((id, before)) = ends[start].last
                    && id == self.unknown
                {
                    start = before;
                }
                self.unknown(word, start, end, pieces);
            }
            end = start;
        }
        pieces.reverse();
    }

    /// For each byte of the word where a token may end, the best way there.
    fn score(&self, word: &str, ends: &mut Vec<End>) {
        ends.clear();
        ends.resize(word.len() + 1, End { score: 0.0, last: None });
        let mut reach = |start: usize, end: usize, id: u32, score: f64| {
            let score = score + ends[start].score;
            if ends[end].last.is_none() || score > ends[end].score {
                ends[end] = End { score, last: Some((id, start)) };
            }
        };
        for (start, c) in word.char_indices() {
            let mut alone = false;
            self.tokens.prefixes(&self.tokens.whole, &word[start..], |entry, bytes| {
                let id = self.tokens.id_of(entry);
                reach(start, start + bytes, id, self.scores[id as usize]);
                alone |= bytes == c.len_utf8();
            });
            if !alone {
                reach(start, start + c.len_utf8(), self.unknown, self.unknown_score);
            }
        }
    }

    /// Pushes what stands for unknown characters, from the last to the first: a token that they spell
    /// together all the same, the tokens of their bytes, or the unknown one.
    fn unknown(&self, word: &str, start: usize, end: usize, pieces: &mut Vec<Piece>) {
        let spelled = &word[start..end];
        if let Some(id) = self.tokens.id(spelled) {
            return pieces.push(Piece { id, start, end });
        }
        match self.bytes.as_ref().and_then(|bytes| bytes.spell(spelled)) {
            Some(ids) => pieces.extend(ids.rev().map(|id| Piece { id, start, end })),
            None => pieces.push(Piece { id: self.unknown, start, end }),
        }
    }
}

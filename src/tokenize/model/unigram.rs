//! Unigram: spells a word with the tokens whose scores have the largest sum.

use super::vocabulary::{Tokens, Vocabulary};
use super::{ByteTokens, Flaw, MAX_TOKEN_BYTES, Piece};
use std::cell::RefCell;

/// How far an unknown character's score is below the lowest of all tokens.
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
    /// The last token, and where it starts; `None` if nothing ends here.
    last: Option<(u32, usize)>,
}

impl Unigram {
    /// A model from `vocabulary`, whose ids are its indexes, and its scores.
    ///
    /// # Errors
    /// There is no unknown token, a score is not a number, or a token is longer than [`MAX_TOKEN_BYTES`].
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

    /// The token for characters that the vocabulary doesn't have.
    pub fn unknown(&self) -> Option<u32> {
        Some(self.unknown)
    }

    /// The vocabulary.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Replaces the contents of `pieces` with the pieces of `word`. Adjacent unknown characters are one
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
                self.push_unknown(word, start, end, pieces);
            }
            end = start;
        }
        pieces.reverse();
    }

    /// Replaces the contents of `pieces` with those pieces of `start`, the beginning of a word, that are
    /// final whatever follows.
    ///
    /// The rest can only continue from the last places, within the longest token's length of the end. The
    /// pieces that the best ways to all of these have in common are final, except for unknown ones at their
    /// end, which may grow.
    pub fn cut_start(&self, start: &str, pieces: &mut Vec<Piece>) {
        let mut ends = self.ends.borrow_mut();
        self.score(start, &mut ends);
        let reach = start.len().saturating_sub(self.tokens.whole.longest);
        let mut sure = start.len();
        for end in (reach..=start.len()).rev().filter(|end| *end == 0 || ends[*end].last.is_some()) {
            // Finds where two ways meet: the later of both places goes back until they are equal.
            let mut other = end;
            while sure != other {
                let later = if sure > other { &mut sure } else { &mut other };
                *later = ends[*later].last.map_or(0, |(_, start)| start);
            }
        }
        while let Some((id, before)) = ends[sure].last
            && id == self.unknown
        {
            sure = before;
        }
        drop(ends);
        self.cut(&start[..sure], pieces);
    }

    /// Finds the best way to each byte of the word where a token may end.
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

    /// Pushes the tokens for unknown characters, from the last to the first: a token that they spell together
    /// anyway, the tokens of their bytes, or the unknown one.
    fn push_unknown(&self, word: &str, start: usize, end: usize, pieces: &mut Vec<Piece>) {
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

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::super::vocabulary::tests::vocabulary;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The plain definition: the best sum of all ways to spell the word.
        #[test]
        fn no_other_way_to_spell_a_word_is_better(
            tokens in prop::collection::btree_map("[abé]{1,4}", -9.0f64..0.0, 1..20),
            word in "[abéx]{1,9}",
        ) {
            let model = model(&tokens);
            let mut pieces = Vec::new();
            model.cut(&word, &mut pieces);
            prop_assert_eq!(pieces.iter().map(|piece| &word[piece.start..piece.end]).collect::<String>(), word.clone());
            let unknown = |part: &str| part.chars().count() as f64 * model.unknown_score;
            let score = |part: &str| tokens.get(part).copied().unwrap_or_else(|| unknown(part));
            let sum: f64 = pieces.iter().map(|piece| score(&word[piece.start..piece.end])).sum();
            // best[i]: the best sum for the first i bytes.
            let mut best = vec![f64::NEG_INFINITY; word.len() + 1];
            best[0] = 0.0;
            let places: Vec<usize> = word.char_indices().map(|(i, _)| i).chain([word.len()]).collect();
            for (n, &end) in places.iter().enumerate().skip(1) {
                for &start in &places[..n] {
                    let part = &word[start..end];
                    if tokens.contains_key(part) || part.chars().count() == 1 {
                        best[end] = best[end].max(best[start] + score(part));
                    }
                }
            }
            prop_assert!((sum - best[word.len()]).abs() < 1e-9, "{} {}", sum, best[word.len()]);
        }

        #[test]
        fn the_pieces_of_a_start_are_those_of_the_word(
            tokens in prop::collection::btree_map("[abé]{1,4}", -9.0f64..0.0, 1..20),
            start in "[abéx]{0,30}",
            rest in "[abéx]{0,9}",
        ) {
            let model = model(&tokens);
            let (mut sure, mut all) = (Vec::new(), Vec::new());
            model.cut_start(&start, &mut sure);
            model.cut(&format!("{start}{rest}"), &mut all);
            prop_assert!(all.starts_with(&sure), "{:?} {:?}", sure, all);
        }
    }

    fn model(tokens: &std::collections::BTreeMap<String, f64>) -> Unigram {
        let names = [("<unk>", 0)].into_iter().chain(tokens.keys().map(String::as_str).zip(1..));
        let scores = [0.0].into_iter().chain(tokens.values().copied()).collect();
        Unigram::new(vocabulary(names), scores, Some(0), false).unwrap()
    }

    #[test]
    fn most_of_a_long_prefix_is_final() {
        let tokens = [("a", -2.0), ("ab", -2.5), ("b", -2.0)].map(|(token, score)| (token.to_owned(), score));
        let mut pieces = Vec::new();
        model(&tokens.into()).cut_start(&"ab".repeat(1000), &mut pieces);
        assert!(pieces.len() > 990, "{}", pieces.len());
    }
}

//! WordPiece: the longest token that a word begins with, then the longest that continues it, and so on.

use super::vocabulary::{Table, Tokens, Vocabulary};
use super::{Flaw, MAX_TOKEN_BYTES, Piece};

/// The maximum characters of a word; a longer one is unknown, whatever the file says.
const MAX_WORD: usize = 1 << 16;

/// The model: cuts a word into the longest tokens that the vocabulary has.
pub struct WordPiece {
    tokens: Tokens,
    /// Tokens that begin with the continuation prefix, by the text after it.
    continuing: Table,
    unknown: u32,
    longest_word: usize,
    /// The prefix of a token that continues a word.
    prefix: String,
}

impl WordPiece {
    /// A model from `vocabulary`; `prefix` begins a token that continues a word, `longest_word` counts
    /// characters.
    ///
    /// # Errors
    /// The unknown token is not in the vocabulary, or a token that could be part of a word is longer than
    /// [`MAX_TOKEN_BYTES`].
    pub fn new(vocabulary: Vocabulary, unknown: &str, prefix: &str, longest_word: usize) -> Result<Self, Flaw> {
        let mut tokens = Tokens::new(vocabulary);
        let mut continuing = tokens.table(prefix);
        let longest_word = longest_word.min(MAX_WORD);
        for table in [&mut tokens.whole, &mut continuing] {
            // No word is longer, so no longer token is ever a part of one.
            table.longest = table.longest.min(longest_word * 4);
            if table.longest > MAX_TOKEN_BYTES {
                return Err(Flaw::LongToken(table.longest));
            }
        }
        let unknown = tokens.id(unknown).ok_or(Flaw::NoUnknown)?;
        Ok(Self { tokens, continuing, unknown, longest_word, prefix: prefix.to_owned() })
    }

    /// The token for a word that the vocabulary can't spell.
    pub fn unknown(&self) -> u32 {
        self.unknown
    }

    /// Whether a token shows that it continues a word.
    pub fn marks_continuations(&self) -> bool {
        !self.prefix.is_empty()
    }

    /// The prefix of a token that continues a word.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The vocabulary.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Replaces the contents of `pieces` with the pieces of `word`: the longest token that it begins with,
    /// then the longest that continues it, and so on; or a single unknown piece if there is no such token, or
    /// if the word is too long.
    ///
    /// Source: Wu et al. 2016, section 4.1; greedy as in BERT's `tokenization.py`.
    pub fn cut(&self, word: &str, pieces: &mut Vec<Piece>) {
        pieces.clear();
        let unknown = Piece { id: self.unknown, start: 0, end: word.len() };
        // A word has at most as many characters as bytes, so most need no counting.
        if word.len() > self.longest_word && word.chars().count() > self.longest_word {
            return pieces.push(unknown);
        }
        let mut start = 0;
        while start < word.len() {
            let table = if pieces.is_empty() { &self.tokens.whole } else { &self.continuing };
            let mut longest = None;
            self.tokens.prefixes(table, &word[start..], |entry, bytes| longest = Some((entry, start + bytes)));
            let Some((entry, end)) = longest else {
                pieces.clear();
                return pieces.push(unknown);
            };
            pieces.push(Piece { id: self.tokens.id_of(entry), start, end });
            start = end;
        }
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::super::vocabulary::tests::{STEPS, vocabulary};
    use super::*;
    use proptest::prelude::*;
    use tokenizers::models::wordpiece::WordPiece as Reference;

    fn both(tokens: &[String], prefix: &str, longest_word: usize) -> (WordPiece, Reference) {
        let entries = [("[UNK]", 0)].into_iter().chain(tokens.iter().map(String::as_str).zip(1..));
        let vocabulary = vocabulary(entries);
        let pairs = [("[UNK]".to_string(), 0)].into_iter().chain(tokens.iter().cloned().zip(1..));
        let reference = Reference {
            vocab: pairs.collect(),
            continuing_subword_prefix: prefix.into(),
            max_input_chars_per_word: longest_word,
            ..Reference::default()
        };
        (WordPiece::new(vocabulary, "[UNK]", prefix, longest_word).unwrap(), reference)
    }

    proptest! {
        #[test]
        fn cuts_as_the_crate_does(
            tokens in prop::collection::vec("(##)?[ab#é😀]{0,4}", 0..40),
            prefix in prop::sample::select(vec!["##", "", "a"]),
            longest_word in 0usize..12,
            word in "[ab#é😀c]{1,14}",
        ) {
            let (ours, reference) = both(&tokens, prefix, longest_word);
            let mut pieces = Vec::new();
            ours.cut(&word, &mut pieces);
            let expected = reference.tokenize(&word).unwrap();
            let expected: Vec<_> = expected.iter().map(|t| (t.id, t.offsets)).collect();
            prop_assert_eq!(pieces.iter().map(|p| (p.id, (p.start, p.end))).collect::<Vec<_>>(), expected);
            prop_assert_eq!(ours.tokens().len(), reference.get_vocab_size());
            for token in &tokens {
                prop_assert_eq!(ours.tokens().id(token), reference.token_to_id(token));
            }
        }
    }

    #[test]
    fn rejects_a_vocabulary_without_the_unknown_token() {
        let model = WordPiece::new(vocabulary([("a", 0)]), "[UNK]", "##", 100);
        assert_eq!(model.err(), Some(Flaw::NoUnknown));
    }

    #[test]
    fn a_long_word_takes_steps_in_proportion_to_its_length() {
        // All prefixes are tokens, so each one is tried; the last character makes the word unknown.
        let tokens: Vec<String> =
            (1..=400).flat_map(|n| [n.min(200), n]).map(|n| format!("##{}", "a".repeat(n))).collect();
        let entries = [("[UNK]", 0), ("a", 1)].into_iter().chain(tokens.iter().map(String::as_str).zip(2..));
        let model = WordPiece::new(vocabulary(entries), "[UNK]", "##", usize::MAX).unwrap();
        let mut pieces = Vec::new();
        for (bytes, most) in [(60_000, 200_000), (200_000, 1)] {
            STEPS.set(0);
            model.cut(&("a".repeat(bytes) + "b"), &mut pieces);
            assert_eq!(pieces.len(), 1);
            assert!(STEPS.get() <= most, "{} steps for {bytes} bytes", STEPS.get());
        }
    }

    #[test]
    fn rejects_tokens_too_long_to_try_if_words_can_be_that_long() {
        let long = "a".repeat(200_000);
        let model = |longest_word| WordPiece::new(vocabulary([("[UNK]", 0), (&long, 1)]), "[UNK]", "##", longest_word);
        assert_eq!(model(usize::MAX).err(), Some(Flaw::LongToken(200_000)));
        assert!(model(100).is_ok());
    }
}

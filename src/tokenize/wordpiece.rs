//! WordPiece: a word's pieces, found in hash tables that lie over the vocabulary's text.
//!
//! The crate's model builds a map, sorts it and makes a trie of it, which takes 0.2 s and more before the engine has optimized anything
//! (docs/decisions.md). These tables take an index a word and no allocation each.

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// The hash of a piece: fixed, for nothing that a user writes is ever put into a table.
fn hash(piece: &[u8]) -> u64 {
    FixedState::default().hash_one(piece)
}

/// Tokens and their ids, in the file's order.
#[derive(Default)]
pub struct Vocabulary {
    /// The tokens, end to end.
    text: String,
    /// Where each token ends in `text`, and its id.
    entries: Vec<(u32, u32)>,
}

/// A part of a word: its id, and how many of the word's bytes it spells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The token's id.
    pub id: u32,
    /// Bytes of the word; of an unknown word, all.
    pub bytes: usize,
}

/// The model: cuts a word into the longest tokens that the vocabulary has.
pub struct WordPiece {
    vocabulary: Vocabulary,
    /// The entry of each id, where it has one.
    by_id: Vec<Option<u32>>,
    whole: Table,
    /// Tokens that begin with the prefix of what continues a word, by what follows it.
    continuing: Table,
    unknown: u32,
    longest_word: usize,
}

/// Entries of the vocabulary by their text from byte `from` on.
struct Table {
    entries: HashTable<u32>,
    from: usize,
    /// Bytes of the longest.
    longest: usize,
}

impl Vocabulary {
    /// Appends to the token that is being written.
    pub fn write(&mut self, part: &str) {
        self.text.push_str(part);
    }

    /// Ends the token that is being written.
    pub fn end_token(&mut self, id: u32) {
        // It was read from memory of 32 bits: the text's length fits.
        self.entries.push((self.text.len() as u32, id));
    }

    /// The ids, in the file's order.
    pub fn ids(&self) -> impl Iterator<Item = u32> {
        self.entries.iter().map(|(_, id)| *id)
    }

    fn token(&self, entry: u32) -> &str {
        let entry = entry as usize;
        let start = entry.checked_sub(1).map_or(0, |before| self.entries[before].0 as usize);
        &self.text[start..self.entries[entry].0 as usize]
    }
}

impl Table {
    /// The tokens that begin with `prefix`. Of equal ones the last counts, as in a JSON object.
    fn new(vocabulary: &Vocabulary, prefix: &str) -> Self {
        let from = prefix.len();
        let mut table = Self { entries: HashTable::with_capacity(vocabulary.entries.len()), from, longest: 0 };
        for entry in 0..vocabulary.entries.len() as u32 {
            let token = vocabulary.token(entry).as_bytes();
            if !token.starts_with(prefix.as_bytes()) {
                continue;
            }
            let piece = &token[from..];
            table.longest = table.longest.max(piece.len());
            let key = |&entry: &u32| &vocabulary.token(entry).as_bytes()[from..];
            match table.entries.find_mut(hash(piece), |other| key(other) == piece) {
                Some(other) => *other = entry,
                None => _ = table.entries.insert_unique(hash(piece), entry, |entry| hash(key(entry))),
            }
        }
        table
    }

    /// The entry of `piece`.
    fn get(&self, vocabulary: &Vocabulary, piece: &[u8]) -> Option<u32> {
        let is_piece = |&entry: &u32| &vocabulary.token(entry).as_bytes()[self.from..] == piece;
        self.entries.find(hash(piece), is_piece).copied()
    }

    /// The longest entry that `rest` begins with, as a piece.
    fn longest_of(&self, vocabulary: &Vocabulary, rest: &str) -> Option<Piece> {
        (1..=self.longest.min(rest.len())).rev().filter(|&bytes| rest.is_char_boundary(bytes)).find_map(|bytes| {
            let entry = self.get(vocabulary, &rest.as_bytes()[..bytes])?;
            Some(Piece { id: vocabulary.entries[entry as usize].1, bytes })
        })
    }
}

impl WordPiece {
    /// A model of `vocabulary`; `prefix` is what a token that continues a word begins with, `longest_word` counts characters. `None`
    /// where the vocabulary lacks `unknown`.
    pub fn new(vocabulary: Vocabulary, unknown: &str, prefix: &str, longest_word: usize) -> Option<Self> {
        let (whole, continuing) = (Table::new(&vocabulary, ""), Table::new(&vocabulary, prefix));
        let unknown = vocabulary.entries[whole.get(&vocabulary, unknown.as_bytes())? as usize].1;
        let mut by_id = vec![None; vocabulary.ids().max().map_or(0, |id| id as usize + 1)];
        for (entry, id) in vocabulary.ids().enumerate() {
            by_id[id as usize] = Some(entry as u32);
        }
        Some(Self { vocabulary, by_id, whole, continuing, unknown, longest_word })
    }

    /// Tokens, equal ones counted once.
    pub fn len(&self) -> usize {
        self.whole.entries.len()
    }

    /// The id of a token.
    pub fn id(&self, token: &str) -> Option<u32> {
        let entry = self.whole.get(&self.vocabulary, token.as_bytes())?;
        Some(self.vocabulary.entries[entry as usize].1)
    }

    /// The token of an id.
    pub fn token(&self, id: u32) -> Option<&str> {
        let entry = *self.by_id.get(id as usize)?;
        Some(self.vocabulary.token(entry?))
    }

    /// Puts the pieces of `word` in place of those in `pieces`: the longest token that it begins with, then the longest that
    /// continues it, and so on; one unknown piece where there is none, or where the word is too long.
    ///
    /// Source: Wu et al. 2016, section 4.1; greedy as in BERT's `tokenization.py`.
    pub fn cut(&self, word: &str, pieces: &mut Vec<Piece>) {
        pieces.clear();
        let unknown = Piece { id: self.unknown, bytes: word.len() };
        // A word has at most as many characters as bytes: most need no counting.
        if word.len() > self.longest_word && word.chars().count() > self.longest_word {
            return pieces.push(unknown);
        }
        let mut rest = word;
        while !rest.is_empty() {
            let table = if pieces.is_empty() { &self.whole } else { &self.continuing };
            let Some(piece) = table.longest_of(&self.vocabulary, rest) else {
                pieces.clear();
                return pieces.push(unknown);
            };
            pieces.push(piece);
            rest = &rest[piece.bytes..];
        }
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tokenizers::models::wordpiece::WordPiece as Reference;

    fn vocabulary<'a>(entries: impl IntoIterator<Item = (&'a str, u32)>) -> Vocabulary {
        entries.into_iter().fold(Vocabulary::default(), |mut vocabulary, (token, id)| {
            vocabulary.write(token);
            vocabulary.end_token(id);
            vocabulary
        })
    }

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
            let expected: Vec<_> = expected.iter().map(|t| (t.id, t.offsets.1 - t.offsets.0)).collect();
            prop_assert_eq!(pieces.iter().map(|p| (p.id, p.bytes)).collect::<Vec<_>>(), expected);
            prop_assert_eq!(ours.len(), reference.get_vocab_size());
            for token in &tokens {
                prop_assert_eq!(ours.id(token), reference.token_to_id(token));
            }
        }
    }

    #[test]
    fn a_vocabulary_without_the_unknown_token_makes_no_model() {
        assert!(WordPiece::new(vocabulary([("a", 0)]), "[UNK]", "##", 100).is_none());
    }

    #[test]
    fn ids_may_have_gaps() {
        let model = WordPiece::new(vocabulary([("a", 7), ("[UNK]", 2)]), "[UNK]", "##", 100).unwrap();
        let tokens: Vec<_> = (0..9).map(|id| model.token(id)).collect();
        assert_eq!(tokens, [None, None, Some("[UNK]"), None, None, None, None, Some("a"), None]);
    }
}

//! WordPiece: a word's pieces, found in hash tables that lie over the vocabulary's text.
//!
//! The crate's model builds a map, sorts it and makes a trie of it, which takes 0.2 s and more before the engine has optimized anything
//! (docs/decisions.md). These tables take an index a word and no allocation each.

use hashbrown::HashTable;
use sha2::{Digest, Sha256};

/// The most bytes of a token that can be a part of a word: so many are read for each part at most.
pub const MAX_TOKEN_BYTES: usize = 512;

/// The most characters of a word; of a longer one nothing is known, whatever the file says.
const MAX_WORD: usize = 1 << 16;

/// 2^61 - 1, a prime.
const MODULUS: u64 = (1 << 61) - 1;

/// A polynomial hash, which grows byte by byte with the text: so all beginnings of a word are hashed in one pass. Two texts of n
/// bytes have the same hash for n of 2^61 bases at most; and the base is a digest of the vocabulary, so that no vocabulary can be
/// made for its own base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hasher {
    base: u64,
}

impl Hasher {
    fn of(vocabulary: &Vocabulary) -> Self {
        let mut digest = Sha256::new().chain_update(&vocabulary.text);
        vocabulary.entries.iter().for_each(|(end, _)| digest.update(end.to_le_bytes()));
        let bytes = digest.finalize();
        let word = u64::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]]);
        Self { base: word % MODULUS }
    }

    /// The hash of a text and one more byte, from that of the text; 0 for no text.
    fn grow(self, hash: u64, byte: u8) -> u64 {
        let product = u128::from(hash) * u128::from(self.base) + u128::from(byte) + 1;
        let sum = (product as u64 & MODULUS) + (product >> 61) as u64;
        if sum >= MODULUS { sum - MODULUS } else { sum }
    }

    fn hash(self, piece: &[u8]) -> u64 {
        piece.iter().fold(0, |hash, byte| self.grow(hash, *byte))
    }
}

/// A hash with its entropy in all of its bits, for the table.
fn spread(hash: u64) -> u64 {
    hash.wrapping_mul(0x9E37_79B9_7F4A_7C15)
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
    hasher: Hasher,
    /// The entry of each id, where it has one.
    by_id: Vec<Option<u32>>,
    whole: Table,
    /// Tokens that begin with the prefix of what continues a word, by what follows it.
    continuing: Table,
    unknown: u32,
    longest_word: usize,
}

/// Why a vocabulary makes no model.
#[derive(Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It lacks the unknown token.
    NoUnknown,
    /// It has a token of so many bytes that could be a part of a word.
    LongToken(usize),
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
    fn new(vocabulary: &Vocabulary, hasher: Hasher, prefix: &str) -> Self {
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
            let hash = spread(hasher.hash(piece));
            match table.entries.find_mut(hash, |other| key(other) == piece) {
                Some(other) => *other = entry,
                // There is room for all: none is ever hashed again.
                None => _ = table.entries.insert_unique(hash, entry, |entry| spread(hasher.hash(key(entry)))),
            }
        }
        table
    }

    /// The entry of `piece`, which has this hash.
    fn get(&self, vocabulary: &Vocabulary, hash: u64, piece: &[u8]) -> Option<u32> {
        let is_piece = |&entry: &u32| &vocabulary.token(entry).as_bytes()[self.from..] == piece;
        self.entries.find(spread(hash), is_piece).copied()
    }

    /// The longest entry that `rest` begins with, as a piece.
    fn longest_of(&self, vocabulary: &Vocabulary, hasher: Hasher, rest: &str) -> Option<Piece> {
        let (mut hash, mut longest) = (0, None);
        for (i, byte) in rest.bytes().take(self.longest).enumerate() {
            #[cfg(all(test, not(target_arch = "wasm32")))]
            tests::STEPS.set(tests::STEPS.get() + 1);
            hash = hasher.grow(hash, byte);
            let bytes = i + 1;
            if rest.is_char_boundary(bytes)
                && let Some(entry) = self.get(vocabulary, hash, &rest.as_bytes()[..bytes])
            {
                longest = Some(Piece { id: vocabulary.entries[entry as usize].1, bytes });
            }
        }
        longest
    }
}

impl WordPiece {
    /// A model of `vocabulary`; `prefix` is what a token that continues a word begins with, `longest_word` counts characters.
    ///
    /// # Errors
    /// The unknown token is not in the vocabulary, or a token that could be a part of a word is longer than [`MAX_TOKEN_BYTES`].
    pub fn new(vocabulary: Vocabulary, unknown: &str, prefix: &str, longest_word: usize) -> Result<Self, Flaw> {
        let hasher = Hasher::of(&vocabulary);
        let (mut whole, mut continuing) =
            (Table::new(&vocabulary, hasher, ""), Table::new(&vocabulary, hasher, prefix));
        let longest_word = longest_word.min(MAX_WORD);
        for table in [&mut whole, &mut continuing] {
            // No word is longer, so no longer token is ever a part of one.
            table.longest = table.longest.min(longest_word * 4);
            if table.longest > MAX_TOKEN_BYTES {
                return Err(Flaw::LongToken(table.longest));
            }
        }
        let unknown = whole.get(&vocabulary, hasher.hash(unknown.as_bytes()), unknown.as_bytes());
        let unknown = vocabulary.entries[unknown.ok_or(Flaw::NoUnknown)? as usize].1;
        let mut by_id = vec![None; vocabulary.ids().max().map_or(0, |id| id as usize + 1)];
        for (entry, id) in vocabulary.ids().enumerate() {
            by_id[id as usize] = Some(entry as u32);
        }
        Ok(Self { vocabulary, hasher, by_id, whole, continuing, unknown, longest_word })
    }

    /// Tokens, equal ones counted once.
    pub fn len(&self) -> usize {
        self.whole.entries.len()
    }

    /// The id of a token.
    pub fn id(&self, token: &str) -> Option<u32> {
        let bytes = token.as_bytes();
        let entry = self.whole.get(&self.vocabulary, self.hasher.hash(bytes), bytes)?;
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
            let Some(piece) = table.longest_of(&self.vocabulary, self.hasher, rest) else {
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

    thread_local! {
        /// The bytes hashed so far.
        pub static STEPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    }

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
        let model = WordPiece::new(vocabulary([("a", 0)]), "[UNK]", "##", 100);
        assert_eq!(model.err(), Some(Flaw::NoUnknown));
    }

    #[test]
    fn a_long_word_takes_steps_in_proportion_to_its_length() {
        // All beginnings are tokens, so every one of them is tried; the last character makes the word an unknown one.
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
    fn a_token_too_long_to_try_is_refused_unless_no_word_is_so_long() {
        let long = "a".repeat(200_000);
        let model = |longest_word| WordPiece::new(vocabulary([("[UNK]", 0), (&long, 1)]), "[UNK]", "##", longest_word);
        assert_eq!(model(usize::MAX).err(), Some(Flaw::LongToken(200_000)));
        assert!(model(100).is_ok());
    }

    #[test]
    fn no_two_vocabularies_have_the_same_hashes() {
        let base = |token: &str| Hasher::of(&vocabulary([(token, 0)])).base;
        assert!(base("a") != base("b") && base("a") < MODULUS);
        assert_ne!(Hasher::of(&vocabulary([("a", 0), ("b", 1)])), Hasher::of(&vocabulary([("ab", 0)])));
        // Grown byte by byte, by the definition in integers of any size.
        let hasher = Hasher { base: MODULUS - 2 };
        let slow = b"na\xc3\xafve"
            .iter()
            .fold(0u128, |h, b| (h * u128::from(hasher.base) + u128::from(*b) + 1) % u128::from(MODULUS));
        assert_eq!(u128::from(hasher.hash(b"na\xc3\xafve")), slow);
    }

    #[test]
    fn ids_may_have_gaps() {
        let model = WordPiece::new(vocabulary([("a", 7), ("[UNK]", 2)]), "[UNK]", "##", 100).unwrap();
        let tokens: Vec<_> = (0..9).map(|id| model.token(id)).collect();
        assert_eq!(tokens, [None, None, Some("[UNK]"), None, None, None, None, Some("a"), None]);
    }
}

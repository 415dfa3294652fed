//! A vocabulary: its tokens' text end to end, and hash tables of indexes that lie over it.
//!
//! A map of strings takes an allocation a token, which takes longest where nothing is optimized yet
//! (docs/decisions.md).

use hashbrown::HashTable;
use sha2::{Digest, Sha256};

/// 2^61 - 1, a prime.
const MODULUS: u64 = (1 << 61) - 1;

/// A polynomial hash, which grows byte by byte with the text: so all beginnings of a word are hashed in one
/// pass. Two texts of n bytes have the same hash for n of 2^61 bases at most; and the base is a digest of the
/// vocabulary, so that no vocabulary can be made for its own base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hasher {
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

    /// The hash of a sequence and one more number, from that of the sequence; 0 for none.
    pub fn grow(self, hash: u64, next: u32) -> u64 {
        let product = u128::from(hash) * u128::from(self.base) + u128::from(next) + 1;
        let sum = (product as u64 & MODULUS) + (product >> 61) as u64;
        if sum >= MODULUS { sum - MODULUS } else { sum }
    }

    fn hash(self, piece: &[u8]) -> u64 {
        piece.iter().fold(0, |hash, byte| self.grow(hash, u32::from(*byte)))
    }
}

/// A hash with its entropy in all of its bits, for a table.
pub fn spread(hash: u64) -> u64 {
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

    /// The place of a token, which is looked for from the start.
    pub fn find(&self, token: &str) -> Option<usize> {
        (0..self.entries.len() as u32).find(|entry| self.token(*entry) == token).map(|entry| entry as usize)
    }

    /// How many entries there are, equal ones included.
    pub fn entries(&self) -> usize {
        self.entries.len()
    }

    /// The id of an entry.
    pub fn id(&self, entry: u32) -> u32 {
        self.entries[entry as usize].1
    }

    /// The text of an entry.
    pub fn token(&self, entry: u32) -> &str {
        let entry = entry as usize;
        let start = entry.checked_sub(1).map_or(0, |before| self.entries[before].0 as usize);
        &self.text[start..self.entries[entry].0 as usize]
    }
}

/// Entries of the vocabulary by their text from byte `from` on.
pub struct Table {
    entries: HashTable<u32>,
    from: usize,
    /// Bytes of the longest.
    pub longest: usize,
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
}

/// A vocabulary, its tokens found by text and by id.
pub struct Tokens {
    vocabulary: Vocabulary,
    hasher: Hasher,
    /// All tokens.
    pub whole: Table,
    /// The entry of each id, where it has one.
    by_id: Vec<Option<u32>>,
}

impl Tokens {
    /// Of a vocabulary whose ids are all below the rows of an embedding.
    pub fn new(vocabulary: Vocabulary) -> Self {
        let hasher = Hasher::of(&vocabulary);
        let whole = Table::new(&vocabulary, hasher, "");
        let mut by_id = vec![None; vocabulary.ids().max().map_or(0, |id| id as usize + 1)];
        for (entry, id) in vocabulary.ids().enumerate() {
            by_id[id as usize] = Some(entry as u32);
        }
        Self { vocabulary, hasher, whole, by_id }
    }

    /// The tokens that begin with `prefix`, by what follows it.
    pub fn table(&self, prefix: &str) -> Table {
        Table::new(&self.vocabulary, self.hasher, prefix)
    }

    /// The hash for further tables, whose seed is this vocabulary's.
    pub fn hasher(&self) -> Hasher {
        self.hasher
    }

    /// Tokens, equal ones counted once.
    pub fn len(&self) -> usize {
        self.whole.entries.len()
    }

    /// Tokens, equal ones counted each.
    pub fn entries(&self) -> usize {
        self.vocabulary.entries()
    }

    /// The entry of a token.
    pub fn entry(&self, token: &str) -> Option<u32> {
        self.whole.get(&self.vocabulary, self.hasher.hash(token.as_bytes()), token.as_bytes())
    }

    /// The id of a token.
    pub fn id(&self, token: &str) -> Option<u32> {
        Some(self.vocabulary.id(self.entry(token)?))
    }

    /// The id of an entry.
    pub fn id_of(&self, entry: u32) -> u32 {
        self.vocabulary.id(entry)
    }

    /// One more than the largest id.
    pub fn ids(&self) -> usize {
        self.by_id.len()
    }

    /// All tokens, by id.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.by_id.iter().flatten().map(|entry| self.vocabulary.token(*entry))
    }

    /// Each token and its id, equal ones once, in the file's order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, u32)> {
        let entries = 0..self.vocabulary.entries() as u32;
        let pairs = entries.map(|entry| (entry, self.vocabulary.token(entry)));
        pairs
            .filter(|(entry, token)| self.entry(token) == Some(*entry))
            .map(|(entry, token)| (token, self.id_of(entry)))
    }

    /// The token of an id.
    pub fn token(&self, id: u32) -> Option<&str> {
        let entry = *self.by_id.get(id as usize)?;
        Some(self.vocabulary.token(entry?))
    }

    /// Gives `found` the entries of `table` that `rest` begins with, and the bytes of each, from the shortest
    /// to the longest.
    pub fn prefixes(&self, table: &Table, rest: &str, mut found: impl FnMut(u32, usize)) {
        let mut hash = 0;
        for (i, byte) in rest.bytes().take(table.longest).enumerate() {
            #[cfg(all(test, not(target_arch = "wasm32")))]
            tests::STEPS.set(tests::STEPS.get() + 1);
            hash = self.hasher.grow(hash, u32::from(byte));
            let bytes = i + 1;
            if rest.is_char_boundary(bytes)
                && let Some(entry) = table.get(&self.vocabulary, hash, &rest.as_bytes()[..bytes])
            {
                found(entry, bytes);
            }
        }
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
pub mod tests {
    use super::*;

    thread_local! {
        /// The bytes hashed so far.
        pub static STEPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    }

    /// A vocabulary of these tokens and ids.
    pub fn vocabulary<'a>(entries: impl IntoIterator<Item = (&'a str, u32)>) -> Vocabulary {
        entries.into_iter().fold(Vocabulary::default(), |mut vocabulary, (token, id)| {
            vocabulary.write(token);
            vocabulary.end_token(id);
            vocabulary
        })
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
        let tokens = Tokens::new(vocabulary([("a", 7), ("[UNK]", 2)]));
        let all: Vec<_> = (0..9).map(|id| tokens.token(id)).collect();
        assert_eq!(all, [None, None, Some("[UNK]"), None, None, None, None, Some("a"), None]);
    }
}

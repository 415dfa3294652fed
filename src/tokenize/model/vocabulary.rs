//! A vocabulary: the text of its tokens, end to end, and hash tables of indexes into it.
//!
//! A map of strings needs an allocation per token, which is slowest before the engine has optimized anything
//! (docs/decisions/0025).

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use std::ops::Range;

/// How many entries are hashed per call: an engine can't replace a function with its optimized form while it
/// runs.
pub const AT_ONCE: usize = 256;

/// 2^61 - 1, a prime.
const MODULUS: u64 = (1 << 61) - 1;

/// A polynomial hash, which grows byte by byte with the text, so that all prefixes of a word are hashed in
/// one pass. Two texts of n bytes have the same hash for at most n of 2^31 bases, and each vocabulary draws
/// its own base, so that nobody can craft collisions for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hasher {
    /// It has 32 bits, so that a product is two 64-bit multiplications.
    base: u64,
}

impl Hasher {
    /// An unpredictable hash. It is always the same without random numbers, which every supported runtime has
    /// once it answers requests.
    fn draw() -> Self {
        Self { base: u64::from(getrandom::u32().unwrap_or(0x9E37_79B9) | 1 << 31) }
    }

    /// The hash of a sequence and one more number, from the hash of the sequence; 0 for an empty one.
    pub fn grow(self, hash: u64, next: u32) -> u64 {
        let low = (hash & u64::from(u32::MAX)) * self.base;
        let high = (hash >> 32) * self.base;
        // 2^61 is 1 here, so a number's bits from that one up are added to the lower ones.
        let product = (low & MODULUS) + (low >> 61) + ((high << 32) & MODULUS) + (high >> 29);
        let sum = product + u64::from(next) + 1;
        let sum = (sum & MODULUS) + (sum >> 61);
        if sum >= MODULUS { sum - MODULUS } else { sum }
    }

    fn hash(self, piece: &[u8]) -> u64 {
        piece.iter().fold(0, |hash, byte| self.grow(hash, u32::from(*byte)))
    }
}

/// Spreads a hash's entropy over all of its bits, for a table.
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
        self.end_token_after(0, id);
    }

    /// Ends a token after the next `bytes` that will be written.
    pub fn end_token_after(&mut self, bytes: usize, id: u32) {
        // The text was read from 32-bit memory, so its length fits.
        self.entries.push(((self.text.len() + bytes) as u32, id));
    }

    /// The ids, in the file's order.
    pub fn ids(&self) -> impl Iterator<Item = u32> {
        self.entries.iter().map(|(_, id)| *id)
    }

    /// The index of a token, found by linear search.
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
        &self.text[self.range(entry)]
    }

    fn bytes(&self, entry: u32) -> &[u8] {
        &self.text.as_bytes()[self.range(entry)]
    }

    fn range(&self, entry: u32) -> Range<usize> {
        let entry = entry as usize;
        let start = entry.checked_sub(1).map_or(0, |before| self.entries[before].0 as usize);
        start..self.entries[entry].0 as usize
    }
}

/// Entries of the vocabulary by their text starting at byte `from`.
pub struct Table {
    entries: HashTable<u32>,
    from: usize,
    /// The length of the longest, in bytes.
    pub longest: usize,
}

impl Table {
    /// The tokens that begin with `prefix`. Among equal ones the last counts, as in a JSON object.
    fn new(vocabulary: &Vocabulary, hasher: Hasher, prefix: &str) -> Self {
        let entries = vocabulary.entries.len();
        let mut table = Self { entries: HashTable::with_capacity(entries), from: prefix.len(), longest: 0 };
        for first in (0..entries).step_by(AT_ONCE) {
            table.add(vocabulary, hasher, prefix, first..entries.min(first + AT_ONCE));
        }
        table
    }

    /// Adds the tokens of `entries` that begin with `prefix`.
    #[inline(never)]
    fn add(&mut self, vocabulary: &Vocabulary, hasher: Hasher, prefix: &str, entries: Range<usize>) {
        for entry in entries {
            let entry = entry as u32;
            let Some(piece) = vocabulary.bytes(entry).strip_prefix(prefix.as_bytes()) else { continue };
            self.longest = self.longest.max(piece.len());
            let key = |&entry: &u32| &vocabulary.bytes(entry)[prefix.len()..];
            let hash = spread(hasher.hash(piece));
            // There is room for all, so none is ever rehashed.
            match self.entries.entry(hash, |other| key(other) == piece, |entry| spread(hasher.hash(key(entry)))) {
                Entry::Occupied(mut other) => *other.get_mut() = entry,
                Entry::Vacant(place) => _ = place.insert(entry),
            }
        }
    }

    /// The entry of `piece`, whose hash is `hash`.
    fn get(&self, vocabulary: &Vocabulary, hash: u64, piece: &[u8]) -> Option<u32> {
        let is_piece = |&entry: &u32| &vocabulary.bytes(entry)[self.from..] == piece;
        self.entries.find(spread(hash), is_piece).copied()
    }
}

/// A vocabulary with lookup of tokens by text and by id.
pub struct Tokens {
    vocabulary: Vocabulary,
    hasher: Hasher,
    /// All tokens.
    pub whole: Table,
    /// The entry of each id, if it has one.
    by_id: Vec<Option<u32>>,
}

impl Tokens {
    /// Indexes a vocabulary whose ids are all below the rows of an embedding.
    pub fn new(vocabulary: Vocabulary) -> Self {
        let hasher = Hasher::draw();
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

    /// The hash for further tables, with this vocabulary's base.
    pub fn hasher(&self) -> Hasher {
        self.hasher
    }

    /// The number of tokens, with equal ones counted once.
    pub fn len(&self) -> usize {
        self.whole.entries.len()
    }

    /// The number of tokens, with equal ones counted separately.
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

    /// Calls `found` with the entries of `table` that `rest` begins with and the bytes of each, from the
    /// shortest to the longest.
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
    fn each_vocabulary_draws_a_hash_of_its_own() {
        assert_ne!(Tokens::new(vocabulary([("a", 0)])).hasher, Tokens::new(vocabulary([("a", 0)])).hasher);
    }

    #[test]
    fn a_hash_is_the_polynomial_of_its_bytes() {
        for base in [1 << 31, 0x9E37_79B9, u64::from(u32::MAX)] {
            let hasher = Hasher { base };
            let slow = |numbers: &[u32]| {
                let grow = |h: u128, n: &u32| (h * u128::from(base) + u128::from(*n) + 1) % u128::from(MODULUS);
                numbers.iter().fold(0, grow)
            };
            for numbers in [&[0, 255, 7, 128, 0, 0, 3, 9, 200][..], &[u32::MAX; 40], &[0; 40]] {
                let fast = numbers.iter().fold(0, |hash, number| hasher.grow(hash, *number));
                assert_eq!(u128::from(fast), slow(numbers));
            }
            // Also for hashes that no known text has.
            for hash in [MODULUS - 1, u64::from(u32::MAX), 1 << 60] {
                let slow = (u128::from(hash) * u128::from(base) + (1 << 32)) % u128::from(MODULUS);
                assert_eq!(u128::from(hasher.grow(hash, u32::MAX)), slow, "{hash}");
            }
        }
    }

    #[test]
    fn ids_may_have_gaps() {
        let tokens = Tokens::new(vocabulary([("a", 7), ("[UNK]", 2)]));
        let all: Vec<_> = (0..9).map(|id| tokens.token(id)).collect();
        assert_eq!(all, [None, None, Some("[UNK]"), None, None, None, None, Some("a"), None]);
    }
}

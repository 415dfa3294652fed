//! Byte-pair encoding: a word starts as its characters, and the neighbouring pair that was learned first is
//! merged, until there is none.

use super::vocabulary::{AT_ONCE, Hasher, Tokens, Vocabulary, spread};
use super::{ByteTokens, Flaw, Merges, Piece};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// No neighbour.
const NONE: usize = usize::MAX;

/// Settings of a file besides the vocabulary and the merges.
#[derive(Default)]
pub struct BpeOptions {
    /// The token for a character that has none; if `None`, such characters are left out.
    pub unknown: Option<String>,
    /// Neighbouring unknown characters become one token.
    pub fuse_unknown: bool,
    /// Unknown characters become tokens of their bytes.
    pub byte_fallback: bool,
    /// A word that is in the vocabulary becomes one token, even if no merges produce it.
    pub ignore_merges: bool,
    /// The prefix of a character that continues a word.
    pub prefix: String,
    /// The suffix of a word's last character.
    pub suffix: String,
}

/// The model.
pub struct Bpe {
    tokens: Tokens,
    merges: Table,
    unknown: Option<u32>,
    bytes: Option<ByteTokens>,
    options: BpeOptions,
    scratch: RefCell<Scratch>,
}

/// Merges by their pairs.
struct Table {
    /// The pair of each rank, and the token that it becomes.
    merges: Vec<(u32, u32, u32)>,
    ranks: HashTable<u32>,
    hasher: Hasher,
}

/// A part of the word: its token, and how many bytes it covers.
struct Symbol {
    id: u32,
    bytes: usize,
    before: usize,
    after: usize,
}

#[derive(Default)]
struct Scratch {
    symbols: Vec<Symbol>,
    /// Rank, place of the pair's first symbol, and the merged token: the lowest rank first, among equal ones
    /// the first place.
    queue: BinaryHeap<Reverse<(u32, usize, u32)>>,
    spelled: String,
}

impl Table {
    /// Among equal pairs, the last one counts, as in a Python dictionary.
    fn new(tokens: &Tokens, merges: &Merges, prefix: &str) -> Result<Self, Flaw> {
        let ranks = HashTable::with_capacity(merges.len());
        let mut table = Self { ranks, merges: Vec::with_capacity(merges.len()), hasher: tokens.hasher() };
        let (mut pairs, mut merged) = (merges.pairs(), String::new());
        while table.add(tokens, &mut pairs, prefix, &mut merged)? {}
        Ok(table)
    }

    /// Adds some of `pairs`; returns whether there may be more. `merged` is a buffer for a token's text.
    #[inline(never)]
    fn add<'a>(
        &mut self,
        tokens: &Tokens,
        pairs: &mut impl Iterator<Item = (&'a str, &'a str)>,
        prefix: &str,
        merged: &mut String,
    ) -> Result<bool, Flaw> {
        let unknown = |token: &str| Flaw::UnknownMerge(token.to_owned());
        let id = |token: &str| tokens.id(token).ok_or_else(|| unknown(token));
        for _ in 0..AT_ONCE {
            let Some((first, second)) = pairs.next() else { return Ok(false) };
            merged.clear();
            merged.push_str(first);
            merged.push_str(second.get(prefix.len()..).ok_or_else(|| unknown(second))?);
            let (first, second, to) = (id(first)?, id(second)?, id(merged)?);
            let (rank, hash) = (self.merges.len() as u32, self.hash(first, second));
            self.merges.push((first, second, to));
            let Self { merges, ranks, hasher } = self;
            let pair = |&rank: &u32| (merges[rank as usize].0, merges[rank as usize].1);
            let rehash = |rank: &u32| hash_of(*hasher, pair(rank).0, pair(rank).1);
            match ranks.entry(hash, |other| pair(other) == (first, second), rehash) {
                Entry::Occupied(mut other) => *other.get_mut() = rank,
                Entry::Vacant(place) => _ = place.insert(rank),
            }
        }
        Ok(true)
    }

    fn hash(&self, first: u32, second: u32) -> u64 {
        hash_of(self.hasher, first, second)
    }

    /// The rank of a pair, and the token that it becomes.
    fn get(&self, first: u32, second: u32) -> Option<(u32, u32)> {
        let is_pair = |&rank: &u32| {
            let (a, b, _) = self.merges[rank as usize];
            (a, b) == (first, second)
        };
        let rank = *self.ranks.find(self.hash(first, second), is_pair)?;
        Some((rank, self.merges[rank as usize].2))
    }
}

fn hash_of(hasher: Hasher, first: u32, second: u32) -> u64 {
    spread(hasher.grow(hasher.grow(0, first), second))
}

impl Bpe {
    /// A model from `vocabulary` and `merges`, which are in the order of their ranks.
    ///
    /// # Errors
    /// The unknown token, or one that a merge names, is not in the vocabulary.
    pub fn new(vocabulary: Vocabulary, merges: &Merges, options: BpeOptions) -> Result<Self, Flaw> {
        let tokens = Tokens::new(vocabulary);
        let merges = Table::new(&tokens, merges, &options.prefix)?;
        let unknown =
            options.unknown.as_deref().map(|unknown| tokens.id(unknown).ok_or(Flaw::NoUnknown)).transpose()?;
        let bytes = options.byte_fallback.then(|| ByteTokens::of(&tokens));
        Ok(Self { tokens, merges, unknown, bytes, options, scratch: RefCell::default() })
    }

    /// The token for characters that the vocabulary doesn't have, if there is one.
    pub fn unknown(&self) -> Option<u32> {
        self.unknown
    }

    /// Whether a token shows that it continues a word.
    pub fn marks_continuations(&self) -> bool {
        !self.options.prefix.is_empty()
    }

    /// The vocabulary.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Replaces the contents of `pieces` with the pieces of `word`.
    ///
    /// Source: Sennrich et al. 2016; `tokenizers` 0.23, `models/bpe`, which moves offsets to the left if it
    /// leaves characters out. If the bytes of a prefix or a suffix are tokens, it moves them to the right,
    /// out of the word: here those tokens get the last byte's place.
    pub fn cut(&self, word: &str, pieces: &mut Vec<Piece>) {
        pieces.clear();
        if self.options.ignore_merges
            && let Some(id) = self.tokens.id(word)
        {
            return pieces.push(Piece { id, start: 0, end: word.len() });
        }
        let mut scratch = self.scratch.borrow_mut();
        let Scratch { symbols, queue, spelled } = &mut *scratch;
        self.begin(word, symbols, spelled);
        self.merge(symbols, queue);
        let mut start = 0;
        for symbol in symbols.iter().filter(|symbol| symbol.bytes > 0) {
            let end = start + symbol.bytes;
            let last = word.len().saturating_sub(1);
            pieces.push(Piece { id: symbol.id, start: start.min(last), end: end.min(word.len()) });
            start = end;
        }
    }

    /// The word's characters as symbols.
    fn begin(&self, word: &str, symbols: &mut Vec<Symbol>, spelled: &mut String) {
        symbols.clear();
        let mut add = |id: u32, bytes: usize| {
            let before = symbols.len().checked_sub(1).unwrap_or(NONE);
            symbols.push(Symbol { id, bytes, before, after: NONE });
        };
        // Byte tokens between two unknown characters don't keep these from being fused: as in Python, the
        // unknown token comes after them.
        let mut unknown: Option<usize> = None;
        for (i, c) in word.char_indices() {
            let bytes = c.len_utf8();
            spelled.clear();
            if i > 0 {
                spelled.push_str(&self.options.prefix);
            }
            spelled.push(c);
            if i + bytes == word.len() {
                spelled.push_str(&self.options.suffix);
            }
            if let Some(id) = self.tokens.id(spelled) {
                if let (Some(length), Some(unknown)) = (unknown.take(), self.unknown) {
                    add(unknown, length);
                }
                add(id, bytes);
            } else if let Some(ids) = self.bytes.as_ref().and_then(|bytes| bytes.spell(spelled)) {
                ids.for_each(|id| add(id, 1));
            } else if let Some(id) = self.unknown {
                match unknown {
                    Some(length) if self.options.fuse_unknown => unknown = Some(length + bytes),
                    Some(length) => {
                        add(id, length);
                        unknown = Some(bytes);
                    }
                    None => unknown = Some(bytes),
                }
            }
        }
        if let (Some(length), Some(unknown)) = (unknown, self.unknown) {
            add(unknown, length);
        }
        for i in 1..symbols.len() {
            symbols[i - 1].after = i;
        }
    }

    /// Merges neighbours; a symbol that was merged into the one before it has 0 bytes left.
    fn merge(&self, symbols: &mut [Symbol], queue: &mut BinaryHeap<Reverse<(u32, usize, u32)>>) {
        queue.clear();
        for (i, pair) in symbols.windows(2).enumerate() {
            queue.extend(self.merges.get(pair[0].id, pair[1].id).map(|(rank, to)| Reverse((rank, i, to))));
        }
        while let Some(Reverse((_, at, to))) = queue.pop() {
            let after = symbols[at].after;
            // One of the pair was merged in the meantime.
            if symbols[at].bytes == 0 || after == NONE {
                continue;
            }
            if self.merges.get(symbols[at].id, symbols[after].id).is_none_or(|(_, now)| now != to) {
                continue;
            }
            symbols[at].id = to;
            symbols[at].bytes += std::mem::take(&mut symbols[after].bytes);
            let next = symbols[after].after;
            symbols[at].after = next;
            if next != NONE {
                symbols[next].before = at;
                queue.extend(self.merges.get(to, symbols[next].id).map(|(rank, to)| Reverse((rank, at, to))));
            }
            let before = symbols[at].before;
            if before != NONE {
                queue.extend(self.merges.get(symbols[before].id, to).map(|(rank, to)| Reverse((rank, before, to))));
            }
        }
    }
}

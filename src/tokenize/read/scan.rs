//! Reads the vocabulary and the merges of a `tokenizer.json`, nearly all of its bytes, in the one form that
//! files use. The loops take a few instructions per byte, since they run once, before a browser has optimized
//! anything. Other forms are left to serde, which reads any JSON and reports errors.

use super::super::model::{Merges, Vocabulary};
use super::vocabulary::FileVocabulary;
use std::borrow::Cow;

/// How many entries are read per call: an engine can't replace a function with its optimized form while it
/// runs.
const ENTRIES: usize = 256;

/// A `tokenizer.json` in two parts.
pub struct Scanned {
    /// The vocabulary.
    pub vocabulary: FileVocabulary,
    /// The merges, if the file has any.
    pub merges: Option<Merges>,
    /// The file with `null` in place of both.
    pub rest: String,
}

/// Extracts the vocabulary and the merges from a `tokenizer.json`; `None` if they are in another form, or if
/// the scanned part of the file is not JSON. `rest` is JSON if and only if the whole file is.
pub fn tokenizer(bytes: &[u8]) -> Option<Scanned> {
    let mut scan = Scan { bytes, at: 0 };
    scan.take(b'{')?;
    while &*scan.key()? != "model" {
        scan.skip()?;
        scan.take(b',')?;
    }
    let (mut vocabulary, mut merges) = (None, None);
    let (mut rest, mut copied) = (Vec::new(), 0);
    scan.take(b'{')?;
    loop {
        let key = scan.key()?;
        let start = scan.at;
        match &*key {
            "vocab" => vocabulary = Some(scan.vocabulary()?),
            "merges" => merges = Some(scan.merges()?),
            _ => scan.skip()?,
        }
        if matches!(&*key, "vocab" | "merges") {
            rest.extend([&bytes[copied..start], b"null"].concat());
            copied = scan.at;
        }
        if !scan.another(b'}')? {
            break;
        }
    }
    rest.extend(&bytes[copied..]);
    Some(Scanned { vocabulary: vocabulary?, merges, rest: String::from_utf8(rest).ok()? })
}

/// Reads a `vocab.json`, as [`tokenizer`] reads the vocabulary of a file.
pub fn vocabulary(bytes: &[u8]) -> Option<FileVocabulary> {
    let mut scan = Scan { bytes, at: 0 };
    let vocabulary = scan.vocabulary()?;
    scan.blanks();
    (scan.at == bytes.len()).then_some(vocabulary)
}

/// A position in a file.
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    fn word(&self) -> Option<[u8; 8]> {
        self.bytes.get(self.at..)?.first_chunk().copied()
    }

    fn next(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Skips white space.
    fn blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.next() {
            self.at += 1;
            // Indented files have up to eight spaces after each line break.
            if let Some(word) = self.word() {
                let others = u64::from_le_bytes(word) ^ all(b' ');
                self.at += (others.trailing_zeros() / 8) as usize;
            }
        }
    }

    /// Takes `byte`, which must be next, except for white space.
    fn take(&mut self, byte: u8) -> Option<()> {
        self.blanks();
        (self.next()? == byte).then(|| self.at += 1)
    }

    /// Takes a comma or `end`; returns whether there is another item.
    fn another(&mut self, end: u8) -> Option<bool> {
        self.blanks();
        let next = self.next()?;
        self.at += 1;
        if next == b',' { Some(true) } else { (next == end).then_some(false) }
    }

    /// The key of a field.
    fn key(&mut self) -> Option<Cow<'a, str>> {
        let key = self.string()?;
        self.take(b':')?;
        Some(key)
    }

    /// Goes to the next quote, backslash or control character: none of these is in a string unescaped.
    fn stop(&mut self) -> Option<u8> {
        while let Some(word) = self.word() {
            let stops = stops(word);
            self.at += (stops.trailing_zeros() / 8) as usize;
            if stops != 0 {
                return self.next();
            }
        }
        let rest = self.bytes.get(self.at..)?;
        self.at += rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..b' '))?;
        self.next()
    }

    /// Reads a string.
    #[inline(never)]
    fn string(&mut self) -> Option<Cow<'a, str>> {
        self.take(b'"')?;
        let start = self.at;
        if self.stop()? != b'"' {
            return self.escaped(start).map(Cow::Owned);
        }
        self.at += 1;
        std::str::from_utf8(&self.bytes[start..self.at - 1]).ok().map(Cow::Borrowed)
    }

    /// Appends a string to `to`; `None` also if it begins within a character.
    fn copy(&mut self, to: &mut Vec<u8>) -> Option<()> {
        self.take(b'"')?;
        let (start, before) = (self.at, to.len());
        if let 0x80..0xC0 = self.next()? {
            return None;
        }
        while let Some(word) = self.word() {
            // Copies eight bytes at once and removes the excess: copying a few is a function call.
            to.extend_from_slice(&word);
            let stops = stops(word);
            if stops == 0 {
                self.at += 8;
                continue;
            }
            let bytes = (stops.trailing_zeros() / 8) as usize;
            self.at += bytes;
            to.truncate(to.len() - 8 + bytes);
            break;
        }
        let copied = self.at;
        if self.stop()? == b'"' {
            to.extend_from_slice(&self.bytes[copied..self.at]);
            self.at += 1;
        } else {
            to.truncate(before);
            to.extend_from_slice(self.escaped(start)?.as_bytes());
        }
        Some(())
    }

    /// The string that begins at `start`, unescaped.
    #[cold]
    fn escaped(&mut self, start: usize) -> Option<String> {
        self.end_string()?;
        serde_json::from_slice(&self.bytes[start - 1..self.at]).ok()
    }

    /// Skips the rest of the string that is being read.
    fn end_string(&mut self) -> Option<()> {
        loop {
            match self.stop()? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => return None,
            }
        }
        self.at += 1;
        Some(())
    }

    /// Skips a value; serde checks whether it is one.
    #[inline(never)]
    fn skip(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            self.blanks();
            let byte = self.next()?;
            self.at += 1;
            match byte {
                b'"' => self.end_string()?,
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.checked_sub(1)?,
                b',' | b':' => {}
                _ => {
                    while self.next().is_some_and(|next| next.is_ascii_alphanumeric() || b"+-.".contains(&next)) {
                        self.at += 1;
                    }
                }
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    fn vocabulary(&mut self) -> Option<FileVocabulary> {
        let mut tokens = Vocabulary::default();
        let mut part = Vec::new();
        if self.take(b'{').is_some() {
            while self.tokens(&mut tokens, &mut part)? {}
            return Some(FileVocabulary { tokens, scores: None });
        }
        self.take(b'[')?;
        let mut scores = Vec::new();
        while self.scored(&mut tokens, &mut scores, &mut part)? {}
        Some(FileVocabulary { tokens, scores: Some(scores) })
    }

    /// Reads tokens and ids; returns whether there are more.
    #[inline(never)]
    fn tokens(&mut self, tokens: &mut Vocabulary, part: &mut Vec<u8>) -> Option<bool> {
        self.some(tokens, part, b'}', |scan, tokens, part| {
            scan.copy(part)?;
            scan.take(b':')?;
            scan.blanks();
            tokens.end_token_after(part.len(), u32::try_from(scan.whole()?).ok()?);
            Some(())
        })
    }

    /// Reads pairs of a token and a score; returns whether there are more.
    #[inline(never)]
    fn scored(&mut self, tokens: &mut Vocabulary, scores: &mut Vec<f64>, part: &mut Vec<u8>) -> Option<bool> {
        self.some(tokens, part, b']', |scan, tokens, part| {
            scan.take(b'[')?;
            scan.copy(part)?;
            tokens.end_token_after(part.len(), scores.len() as u32);
            scan.take(b',')?;
            scores.push(scan.score()?);
            scan.take(b']')
        })
    }

    /// Reads some entries with `one`, which puts their texts end to end; returns whether there are more
    /// before `end`.
    #[inline(always)]
    fn some(
        &mut self,
        tokens: &mut Vocabulary,
        texts: &mut Vec<u8>,
        end: u8,
        mut one: impl FnMut(&mut Self, &mut Vocabulary, &mut Vec<u8>) -> Option<()>,
    ) -> Option<bool> {
        texts.clear();
        let (mut more, mut entries) = (true, 0);
        while more && entries < ENTRIES {
            one(self, tokens, texts)?;
            more = self.another(end)?;
            entries += 1;
        }
        tokens.write(std::str::from_utf8(texts).ok()?);
        Some(more)
    }

    fn merges(&mut self) -> Option<Merges> {
        let mut merges = Merges::default();
        self.take(b'[')?;
        while self.pairs(&mut merges)? {}
        Some(merges)
    }

    /// Reads merges; returns whether there are more.
    #[inline(never)]
    fn pairs(&mut self, merges: &mut Merges) -> Option<bool> {
        for _ in 0..ENTRIES {
            if self.take(b'[').is_some() {
                let first = self.string()?;
                self.take(b',')?;
                merges.push(&first, &self.string()?);
                self.take(b']')?;
            } else if !merges.push_line(&self.string()?) {
                return None;
            }
            if !self.another(b']')? {
                return Some(false);
            }
        }
        Some(true)
    }

    /// Appends 1 to `most` digits to `number`; returns it and their count.
    fn digits(&mut self, mut number: u64, most: usize) -> Option<(u64, usize)> {
        let start = self.at;
        while let Some(digit @ b'0'..=b'9') = self.next() {
            number = number.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        let digits = self.at - start;
        (1..=most).contains(&digits).then_some((number, digits))
    }

    /// Reads a whole number that is not negative.
    fn whole(&mut self) -> Option<u64> {
        let zero = self.next()? == b'0';
        let (number, digits) = self.digits(0, MAX_DIGITS)?;
        (!zero || digits == 1).then_some(number)
    }

    /// Reads a number with or without a fraction, equal to serde's to the bit.
    fn score(&mut self) -> Option<f64> {
        self.blanks();
        let negative = self.next()? == b'-';
        self.at += usize::from(negative);
        let start = self.at;
        let number = self.whole()?;
        let mut value = number as f64;
        if self.next()? == b'.' {
            let left = MAX_DIGITS - (self.at - start);
            self.at += 1;
            let (number, digits) = self.digits(number, left)?;
            value = number as f64 / POWERS[digits];
        }
        let continues = matches!(self.next()?, b'e' | b'E' | b'.');
        (!continues).then_some(if negative { -value } else { value })
    }
}

/// The same byte eight times.
const fn all(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// Sets the highest bit of each byte at which [`Scan::stop`] stops; after the first one, others may be set,
/// too.
fn stops(word: [u8; 8]) -> u64 {
    let word = u64::from_le_bytes(word);
    let less = |word: u64, than| word.wrapping_sub(all(than)) & !word & all(0x80);
    less(word ^ all(b'"'), 1) | less(word ^ all(b'\\'), 1) | less(word, b' ')
}

/// The maximum digits of a number that always fits into 64 bits.
const MAX_DIGITS: usize = 19;

/// Powers of ten, all exact.
const POWERS: [f64; MAX_DIGITS + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19];

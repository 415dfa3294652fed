//! Hashes of a file, computed as its bytes pass through: a checksum against damage, and the SHA-256 that
//! `integrity` names.

use sha2::{Digest, Sha256};
use std::fmt::Write;
use xxhash_rust::xxh64::Xxh64;

/// The hashes of bytes that arrive in pieces.
pub struct FileHash {
    checksum: Xxh64,
    sha256: Option<Sha256>,
}

impl FileHash {
    /// Starts with no bytes. `sha256`: whether to compute the digest, which takes about fifty times as long
    /// as the checksum (`npm run bench:storage`).
    pub fn new(sha256: bool) -> Self {
        Self { checksum: Xxh64::new(0), sha256: sha256.then(Sha256::new) }
    }

    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.checksum.update(bytes);
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(bytes);
        }
    }

    /// XXH64 with seed 0, in 16 hexadecimal digits: detects damage, not forgery.
    pub fn checksum(&self) -> String {
        format!("{:016x}", self.checksum.digest())
    }

    /// SHA-256 (FIPS 180-4) in 64 hexadecimal digits, if requested.
    pub fn sha256(&self) -> Option<String> {
        let digest = self.sha256.clone()?.finalize();
        Some(digest.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a string takes everything");
            text
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The two-block example of FIPS 180-4, and xxHash's results for no bytes and for "abc".
    const TWO_BLOCKS: &[u8] = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";

    fn of(pieces: &[&[u8]]) -> FileHash {
        let mut hash = FileHash::new(true);
        pieces.iter().for_each(|piece| hash.update(piece));
        hash
    }

    #[test]
    fn the_hashes_are_the_published_ones() {
        assert_eq!(
            of(&[TWO_BLOCKS]).sha256().unwrap(),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        );
        assert_eq!(of(&[]).checksum(), "ef46db3751d8e999");
        assert_eq!(of(&[b"abc"]).checksum(), "44bc2cf5ad770999");
        assert_eq!(FileHash::new(false).sha256(), None);
    }

    #[test]
    fn any_cut_gives_the_same_hashes() {
        let whole = of(&[TWO_BLOCKS]);
        for at in 0..TWO_BLOCKS.len() {
            let (first, second) = TWO_BLOCKS.split_at(at);
            let cut = of(&[first, second]);
            assert_eq!((cut.checksum(), cut.sha256()), (whole.checksum(), whole.sha256()), "cut at {at}");
        }
    }
}

//! SentencePiece's compiled character map: a trie of texts, each with its replacement.

use super::super::read::{Stage, base64};
use super::super::text::Text;
use super::super::{FILE, invalid_in, unsupported_in};
use crate::error::Result;
use unicode_segmentation::UnicodeSegmentation;

/// The maximum bytes of a replacement.
const MAX_REPLACEMENT: usize = 512;

/// The map.
pub struct Precompiled {
    /// A double array: the units of `darts-clone`.
    trie: Vec<u32>,
    /// The replacement of a text: from the trie's value up to the next NUL.
    replacements: String,
}

impl Precompiled {
    /// Reads the stage.
    pub fn read(stage: &Stage) -> Result<Self> {
        let map = stage.maybe_text("precompiled_charsmap")?.and_then(base64);
        Self::from_bytes(FILE.name, &map.ok_or_else(|| stage.wrong("precompiled_charsmap", "bytes in base64"))?)
    }

    /// Reads a map of `file` as SentencePiece writes it: the length of the trie in bytes, the trie, and the
    /// replacements.
    ///
    /// # Errors
    /// [`crate::ErrorKind::TokenizerInvalid`] if it is cut off or not UTF-8;
    /// [`crate::ErrorKind::TokenizerUnsupported`] if a replacement has more than 512 bytes.
    pub fn from_bytes(file: &str, map: &[u8]) -> Result<Self> {
        let parts = map.split_first_chunk().and_then(|(length, rest)| {
            let (trie, replacements) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            Some((trie, std::str::from_utf8(replacements).ok()?))
        });
        let Some((trie, replacements)) = parts else {
            let message = "has a broken character map (precompiled_charsmap): use the original file.";
            return Err(invalid_in(file, message));
        };
        if let Some(long) = replacements.split('\0').map(str::len).find(|length| *length > MAX_REPLACEMENT) {
            let most =
                format_args!("{long} bytes in the place of a character: at most {MAX_REPLACEMENT} are supported.");
            return Err(unsupported_in(file, format_args!("has a character map that puts {most}")));
        }
        let trie = trie.chunks_exact(4).map(|unit| u32::from_le_bytes([unit[0], unit[1], unit[2], unit[3]])).collect();
        Ok(Self { trie, replacements: replacements.into() })
    }

    /// The replacement of the shortest text of the map that `part` begins with: SentencePiece itself chooses
    /// the longest, but Hugging Face's tokenizers use the first one that they find. `None` if a value points
    /// nowhere.
    fn replacement(&self, part: &str) -> Option<&str> {
        let offset = |unit: u32| ((unit >> 10) << ((unit & (1 << 9)) >> 6)) as usize;
        let mut node = offset(*self.trie.first()?);
        for byte in part.bytes().take_while(|byte| *byte != 0) {
            node ^= usize::from(byte);
            let unit = *self.trie.get(node)?;
            if unit & (1 << 31 | 0xff) != u32::from(byte) {
                return None;
            }
            node ^= offset(unit);
            if unit >> 8 & 1 == 1 {
                let value = *self.trie.get(node)? & !(1 << 31);
                let rest = self.replacements.get(value as usize..)?;
                return rest.split('\0').next();
            }
        }
        None
    }

    /// Whether blanks stay white space.
    pub fn keeps_blanks(&self) -> bool {
        let white = |text: &str| !text.is_empty() && text.trim_start().is_empty();
        [" ", "\n"].into_iter().all(|blank| self.replacement(blank).is_none_or(white))
    }

    /// Looks up graphemes of less than six bytes as a whole first, then their characters. Returns false, and
    /// leaves the text unchanged, if it would have more than `most` bytes.
    ///
    /// Source: `tokenizers` 0.23, `normalizers/precompiled.rs`; `spm_precompiled` 0.1.
    pub fn apply(&self, text: &mut Text, most: usize) -> bool {
        let mut changes: Vec<(char, isize)> = Vec::with_capacity(text.as_str().len());
        let mut changed = false;
        for grapheme in text.as_str().graphemes(true) {
            // A character has at least one byte.
            if changes.len() > most {
                return false;
            }
            if grapheme.len() < 6
                && let Some(replacement) = self.replacement(grapheme)
            {
                changed = true;
                replace(&mut changes, grapheme, replacement);
                continue;
            }
            for (i, c) in grapheme.char_indices() {
                let part = &grapheme[i..i + c.len_utf8()];
                match self.replacement(part) {
                    None => changes.push((c, 0)),
                    Some(replacement) => {
                        changed = true;
                        replace(&mut changes, part, replacement);
                    }
                }
            }
        }
        let bytes: usize = changes.iter().map(|(c, _)| c.len_utf8()).sum();
        if changed && bytes <= most {
            text.transform(&changes);
        }
        bytes <= most
    }
}

/// Counts added and removed characters as Hugging Face's tokenizers do: removed ones are attributed to the
/// last one before them, and to none at the start.
fn replace(changes: &mut Vec<(char, isize)>, old: &str, new: &str) {
    let (old, count) = (old.chars().count() as isize, new.chars().count() as isize);
    changes.extend(new.chars().map(|c| (c, 0)));
    if count > old {
        changes.iter_mut().rev().take((count - old) as usize).for_each(|(_, change)| *change = 1);
    } else if let Some((_, change)) = changes.last_mut() {
        *change += count - old;
    }
}

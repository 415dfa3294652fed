//! Bytes as characters: splits words like GPT-2, and turns each of their bytes into a visible character.

use super::super::pattern::gpt2;
use super::super::read::Stage;
use super::Words;
use crate::error::Result;
use std::ops::Range;

/// The pre-tokenizer.
pub struct ByteLevel {
    /// A blank is prepended to a text that doesn't begin with one.
    pub add_prefix_space: bool,
    /// The text is split into words; otherwise, an earlier stage did that.
    pub use_regex: bool,
}

impl ByteLevel {
    /// Reads the stage.
    pub fn read(stage: &Stage) -> Result<Self> {
        Ok(Self {
            add_prefix_space: stage.flag("add_prefix_space", Some(true))?,
            use_regex: stage.flag("use_regex", Some(true))?,
        })
    }

    /// Source: Radford et al. 2019, `encoder.py`; `tokenizers` 0.23, `pre_tokenizers/byte_level.rs`.
    pub fn apply(&self, words: &mut Words) {
        words.rewrite(|text, spans| {
            if self.add_prefix_space && !text.as_str().starts_with(' ') {
                text.prepend(" ");
            }
            let mut ends = Vec::new();
            match self.use_regex {
                true => gpt2(text.as_str(), |word| ends.push(word.end)),
                false => ends.push(text.as_str().len()),
            }
            let lengths: Vec<usize> = text.as_str().bytes().map(|byte| character(byte).len_utf8()).collect();
            text.map(|c, push| c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| push(character(byte))));
            let (mut at, mut done) = (0, 0);
            for end in ends {
                let bytes: usize = lengths[done..end].iter().sum();
                spans.push(Range { start: at, end: at + bytes });
                (at, done) = (at + bytes, end);
            }
        });
    }
}

/// The character that represents a byte: the same one if it is visible, otherwise one starting at U+0100.
pub fn character(byte: u8) -> char {
    let hidden = match byte {
        0..=0x20 => u32::from(byte),
        0x7f..=0xa0 => u32::from(byte) - 0x7f + 0x21,
        0xad => 0x21 + 0x22,
        _ => return char::from(byte),
    };
    char::from_u32(0x100 + hidden).unwrap_or_default()
}

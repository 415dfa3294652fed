//! Turns blanks into a visible character, ▁, which begins a word.

use super::super::read::Stage;
use super::Words;
use crate::error::Result;

/// The pre-tokenizer.
pub struct Metaspace {
    replacement: char,
    scheme: Scheme,
    split: bool,
}

/// Which texts that begin without a blank get one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Every part.
    Always,
    /// The part at the start of the whole text.
    First,
    /// None.
    Never,
}

impl Metaspace {
    /// The usual one, with ▁.
    pub fn new(scheme: Scheme) -> Self {
        Self { replacement: '▁', scheme, split: true }
    }

    /// Reads the stage; old files have `add_prefix_space` instead of `prepend_scheme`.
    pub fn read(stage: &Stage) -> Result<Self> {
        let mut replacement = stage.maybe_text("replacement")?.unwrap_or("▁").chars();
        let (Some(replacement), None) = (replacement.next(), replacement.next()) else {
            return Err(stage.wrong("replacement", "one character"));
        };
        let scheme = match stage.maybe_text("prepend_scheme")? {
            Some("always") => Scheme::Always,
            Some("first") => Scheme::First,
            Some("never") => Scheme::Never,
            Some(_) => return Err(stage.wrong("prepend_scheme", "\"always\", \"first\" or \"never\"")),
            None if stage.flag("add_prefix_space", Some(true))? => Scheme::Always,
            None => Scheme::Never,
        };
        Ok(Self { replacement, scheme, split: stage.flag("split", Some(true))? })
    }

    /// Whether words end where blanks begin.
    pub fn splits(&self) -> bool {
        self.split
    }

    /// Whether a part must know its position in the text.
    pub fn needs_origins(&self) -> bool {
        self.scheme == Scheme::First
    }

    /// Source: `tokenizers` 0.23, `pre_tokenizers/metaspace.rs`.
    pub fn apply(&self, words: &mut Words) {
        let mark = self.replacement;
        words.rewrite(|text, spans| {
            text.map(|c, push| push(if c == ' ' { mark } else { c }));
            let begins = match self.scheme {
                Scheme::Always => true,
                Scheme::First => text.at() == 0,
                Scheme::Never => false,
            };
            if begins && !text.as_str().starts_with(mark) {
                text.prepend(mark.encode_utf8(&mut [0; 4]));
            }
            let all = text.as_str();
            let mut start = 0;
            if self.split {
                for (i, _) in all.match_indices(mark) {
                    if i > start {
                        spans.push(start..i);
                    }
                    start = i;
                }
            }
            if start < all.len() {
                spans.push(start..all.len());
            }
        });
    }
}

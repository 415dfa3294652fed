//! Replaces one text with another.

use super::super::pattern::Pattern;
use super::super::read::Stage;
use super::super::text::Text;
use crate::error::Result;

/// A replacement.
pub struct Replace {
    pattern: Pattern,
    content: String,
}

impl Replace {
    /// Reads the stage.
    pub fn read(stage: &Stage) -> Result<Self> {
        Ok(Self { pattern: Pattern::read(stage)?, content: stage.short_text("content")?.into() })
    }

    /// Replaces the matches of `pattern` with `content`.
    pub fn new(pattern: Pattern, content: &str) -> Self {
        Self { pattern, content: content.into() }
    }

    /// Whether no letter, digit or Chinese character is replaced.
    pub fn keeps_apart(&self) -> bool {
        self.pattern.is_of_marks()
    }

    /// Whether replacing in a text's beginning, up to a blank that follows another character, gives the
    /// beginning of the whole result. `blanks`: whether the source's blanks are still there; afterwards,
    /// whether they still are.
    pub fn is_local(&self, blanks: &mut bool) -> bool {
        let Self { pattern, content } = self;
        let local = !pattern.reaches_over_blanks() && (*blanks || pattern.is_of_one_character());
        *blanks &= !pattern.matches_blanks() || !content.is_empty() && content.trim_start().is_empty();
        local
    }

    /// Returns false, and leaves the text unchanged, if it would have more than `most` bytes.
    ///
    /// Source: `tokenizers` 0.23, `NormalizedString::replace`.
    pub fn apply(&self, text: &mut Text, most: usize) -> bool {
        let mut ranges = Vec::new();
        let mut bytes = text.as_str().len();
        self.pattern.matches(text.as_str(), |range| {
            bytes = bytes - range.len() + self.content.len();
            ranges.push(range);
        });
        if bytes <= most {
            text.replace(&ranges, &self.content);
        }
        bytes <= most
    }
}

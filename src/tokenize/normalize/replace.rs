//! One text in the place of another.

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

    /// `content` in the place of what `pattern` matches.
    pub fn new(pattern: Pattern, content: &str) -> Self {
        Self { pattern, content: content.into() }
    }

    /// Whether no letter, digit or Chinese character is replaced.
    pub fn keeps_apart(&self) -> bool {
        self.pattern.is_of_marks()
    }

    /// Source: `tokenizers` 0.23, `NormalizedString::replace`.
    pub fn apply(&self, text: &mut Text) {
        let mut ranges = Vec::new();
        self.pattern.matches(text.as_str(), |range| ranges.push(range));
        text.replace(&ranges, &self.content);
    }
}

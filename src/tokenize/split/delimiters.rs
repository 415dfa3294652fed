//! Splits at delimiters (white space, punctuation, digits, a character, a pattern), and keeps, merges or drops them.

use super::super::classes::is_word;
use super::super::pattern::Pattern;
use super::super::read::Stage;
use super::Words;
use crate::error::Result;
use std::ops::Range;
use unicode_categories::UnicodeCategories;

/// Separators of words.
pub enum Delimiter {
    /// White space, which is removed.
    Whitespace,
    /// White space, which is removed, and the ends of runs of word characters.
    WordsAndOthers,
    /// A character, which is removed.
    Character(char),
    /// Each punctuation character.
    Punctuation(Behavior),
    /// Digits, each or a run of them.
    Digits(Behavior),
    /// The matches of a pattern, or the text between them.
    Pattern {
        /// The pattern.
        pattern: Pattern,
        /// What happens to the separators.
        behavior: Behavior,
        /// Whether the text between matches separates words instead.
        invert: bool,
    },
}

/// What happens to a separator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behavior {
    /// It is removed.
    Removed,
    /// Each one is a word.
    Isolated,
    /// It ends the word before it.
    MergedWithPrevious,
    /// It begins the word after it.
    MergedWithNext,
    /// Adjacent ones are one word.
    Contiguous,
}

impl Behavior {
    fn read(stage: &Stage) -> Result<Self> {
        Ok(match stage.maybe_text("behavior")?.unwrap_or("Isolated") {
            "Removed" => Self::Removed,
            "Isolated" => Self::Isolated,
            "MergedWithPrevious" => Self::MergedWithPrevious,
            "MergedWithNext" => Self::MergedWithNext,
            "Contiguous" => Self::Contiguous,
            _ => return Err(stage.wrong("behavior", "a behavior of tokenizers")),
        })
    }

    /// Calls `word` with the words of consecutive parts, each a separator or not.
    fn words(self, parts: &[(Range<usize>, bool)], mut word: impl FnMut(Range<usize>)) {
        let mut words: Vec<Range<usize>> = Vec::with_capacity(parts.len());
        let joins = |words: &[Range<usize>], join: bool| join && !words.is_empty();
        let mut before = false;
        match self {
            Self::Removed => parts.iter().filter(|(_, is)| !is).for_each(|(part, _)| word(part.clone())),
            Self::Isolated => parts.iter().for_each(|(part, _)| word(part.clone())),
            Self::Contiguous | Self::MergedWithPrevious => {
                for (part, is) in parts {
                    let join = if self == Self::Contiguous { *is == before } else { *is && !before };
                    if joins(&words, join) {
                        words.last_mut().into_iter().for_each(|last| last.end = part.end);
                    } else {
                        words.push(part.clone());
                    }
                    before = *is;
                }
                words.into_iter().for_each(word);
            }
            Self::MergedWithNext => {
                for (part, is) in parts.iter().rev() {
                    if joins(&words, *is && !before) {
                        words.last_mut().into_iter().for_each(|last| last.start = part.start);
                    } else {
                        words.push(part.clone());
                    }
                    before = *is;
                }
                words.into_iter().rev().for_each(word);
            }
        }
    }
}

impl Delimiter {
    /// Reads a stage if it has one of these kinds.
    pub fn read(stage: &Stage) -> Result<Option<Self>> {
        Ok(Some(match stage.kind() {
            "WhitespaceSplit" => Self::Whitespace,
            "Whitespace" => Self::WordsAndOthers,
            "CharDelimiterSplit" => {
                let mut delimiter = stage.short_text("delimiter")?.chars();
                match (delimiter.next(), delimiter.next()) {
                    (Some(c), None) => Self::Character(c),
                    _ => return Err(stage.wrong("delimiter", "one character")),
                }
            }
            "Punctuation" => Self::Punctuation(Behavior::read(stage)?),
            "Digits" => Self::Digits(match stage.flag("individual_digits", Some(false))? {
                true => Behavior::Isolated,
                false => Behavior::Contiguous,
            }),
            "Split" => Self::Pattern {
                pattern: Pattern::read(stage)?,
                behavior: Behavior::read(stage)?,
                invert: stage.flag("invert", Some(false))?,
            },
            _ => return Ok(None),
        }))
    }

    /// Whether a word ends before a blank that follows another character, so that the text before is split in
    /// the same way without it.
    pub fn ends_at_spaces(&self) -> bool {
        match self {
            Self::Whitespace | Self::WordsAndOthers => true,
            Self::Pattern { pattern, behavior: Behavior::Isolated, .. } => pattern.ends_at_spaces(),
            _ => false,
        }
    }

    /// Source: `tokenizers` 0.23, `pre_tokenizers`, `NormalizedString::split`.
    pub fn apply(&self, words: &mut Words) {
        words.split(|text, word| {
            let of = |is: &dyn Fn(char) -> bool| {
                let all = text.char_indices().filter(|(_, c)| is(*c));
                all.map(|(i, c)| i..i + c.len_utf8()).collect::<Vec<_>>()
            };
            let (matches, behavior) = match self {
                Self::Whitespace => (of(&char::is_whitespace), Behavior::Removed),
                Self::Character(delimiter) => (of(&|c| c == *delimiter), Behavior::Removed),
                Self::Punctuation(behavior) => (of(&|c| c.is_ascii_punctuation() || c.is_punctuation()), *behavior),
                Self::Digits(behavior) => (of(&char::is_numeric), *behavior),
                Self::WordsAndOthers => {
                    words_and_others(text, word);
                    return;
                }
                Self::Pattern { pattern, behavior, .. } => {
                    let mut matches = Vec::new();
                    pattern.matches(text, |range| matches.push(range));
                    (matches, *behavior)
                }
            };
            let inverted = matches!(self, Self::Pattern { invert: true, .. });
            let mut parts = Vec::with_capacity(2 * matches.len() + 1);
            let mut done = 0;
            for found in matches {
                if done < found.start {
                    parts.push((done..found.start, inverted));
                }
                done = found.end;
                parts.push((found, !inverted));
            }
            if done < text.len() {
                parts.push((done..text.len(), inverted));
            }
            behavior.words(&parts, word);
        });
    }
}

/// Calls `word` with the matches of `\w+|[^\w\s]+`.
fn words_and_others(text: &str, word: &mut dyn FnMut(Range<usize>)) {
    let class = |c: char| if is_word(c) { 0 } else { 1 + u8::from(c.is_whitespace()) };
    let mut rest = text.char_indices().peekable();
    while let Some((start, c)) = rest.next() {
        let of = class(c);
        while rest.next_if(|(_, c)| class(*c) == of).is_some() {}
        if of < 2 {
            word(start..rest.peek().map_or(text.len(), |(i, _)| *i));
        }
    }
}

//! Patterns of `tokenizer.json`: texts, and the few regular expressions that such files contain.
//!
//! An engine for all regular expressions would cost more than all stages together; others are rejected with
//! an error that names them.

use super::classes::{is_letter, is_number, is_word};
use super::read::Stage;
use super::unsupported;
use crate::error::Result;
use crate::json::start_of;
use serde_json::Value;
use std::ops::Range;

/// How GPT-2 splits a text into words.
const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

/// The longest supported regular expression, in bytes, and the largest minimum of repetitions in it: their
/// product limits what is tried at each character of a text.
const MAX_REGEX_BYTES: usize = 256;
const MAX_REPETITIONS: usize = 64;

/// The characters that end a window of a text.
const BLANKS: [char; 2] = [' ', '\n'];

/// A pattern.
pub enum Pattern {
    /// A text.
    Text(String),
    /// GPT-2's.
    Gpt2,
    /// Sequences of characters, the last of which may repeat; the first sequence that matches counts.
    Runs(Vec<Run>),
}

/// A sequence of characters, the last of which may repeat.
pub struct Run {
    characters: Vec<Set>,
    min: usize,
    max: usize,
}

/// A set of characters.
struct Set {
    members: Vec<Member>,
    negated: bool,
}

/// One or more characters.
enum Member {
    Range(char, char),
    Class(char, bool),
}

impl Pattern {
    /// Reads the field `pattern` of a stage.
    ///
    /// # Errors
    /// [`crate::ErrorKind::TokenizerInvalid`]; [`crate::ErrorKind::TokenizerUnsupported`] for other regular expressions.
    pub fn read(stage: &Stage) -> Result<Self> {
        let field = |name: &str| stage.field("pattern").and_then(|pattern| pattern.get(name)).and_then(Value::as_str);
        match (field("String"), field("Regex")) {
            (Some(text), None) => Ok(Self::Text(text.into())),
            (None, Some(regex)) => Self::regex(regex).ok_or_else(|| {
                unsupported(format!(
                    "has the regular expression {:?} in a stage of type {:?}, which is not supported: use a \
                     checkpoint of a supported model type with its own tokenizer.json.",
                    start_of(regex),
                    start_of(stage.kind())
                ))
            }),
            _ => Err(stage.wrong("pattern", "a String or a Regex")),
        }
    }

    /// A regular expression, if it is one of the supported ones.
    pub fn regex(regex: &str) -> Option<Self> {
        match regex {
            GPT2 => Some(Self::Gpt2),
            regex if regex.len() > MAX_REGEX_BYTES => None,
            regex => Run::parse(regex).map(Self::Runs),
        }
    }

    /// Whether it is GPT-2's, whose words end where blanks begin.
    pub fn ends_at_spaces(&self) -> bool {
        matches!(self, Self::Gpt2)
    }

    /// Whether it matches only ASCII punctuation and white space.
    pub fn is_of_marks(&self) -> bool {
        let mark = |c: char| c.is_ascii_punctuation() || c.is_whitespace();
        let member = |member: &Member| match member {
            Member::Range(first, last) => first == last && mark(*first),
            Member::Class(class, there) => *class == 's' && *there,
        };
        match self {
            Self::Text(text) => text.chars().all(mark),
            Self::Gpt2 => false,
            Self::Runs(runs) => {
                runs.iter().flat_map(|run| &run.characters).all(|set| !set.negated && set.members.iter().all(member))
            }
        }
    }

    /// Whether a match may contain a blank.
    pub fn matches_blanks(&self) -> bool {
        match self {
            Self::Text(text) => text.contains(BLANKS),
            Self::Gpt2 => true,
            Self::Runs(runs) => runs.iter().flat_map(|run| &run.characters).any(Set::has_blanks),
        }
    }

    /// Whether a match may contain a blank after another character.
    pub fn reaches_over_blanks(&self) -> bool {
        match self {
            Self::Text(text) => text.trim_start().contains(BLANKS),
            Self::Gpt2 => false,
            Self::Runs(runs) => runs.iter().any(|run| {
                let Some(at) = run.characters.iter().position(|set| !set.is_white_space()) else { return false };
                let (first, behind) = (&run.characters[at], &run.characters[at + 1..]);
                let repeated = behind.is_empty() && run.max > 1;
                repeated && first.has_blanks() || behind.iter().any(Set::has_blanks)
            }),
        }
    }

    /// Whether it matches only single characters.
    pub fn is_of_one_character(&self) -> bool {
        match self {
            Self::Text(text) => text.chars().count() <= 1,
            Self::Gpt2 => false,
            Self::Runs(runs) => runs.iter().all(|run| run.characters.len() == 1 && run.max == 1),
        }
    }

    /// Calls `found` with the matches in `text`, from left to right; none is empty.
    pub fn matches(&self, text: &str, mut found: impl FnMut(Range<usize>)) {
        match self {
            Self::Text(pattern) if pattern.is_empty() => {}
            Self::Text(pattern) => text.match_indices(pattern.as_str()).for_each(|(i, _)| found(i..i + pattern.len())),
            Self::Gpt2 => gpt2(text, found),
            Self::Runs(runs) => {
                let mut at = 0;
                while let Some(c) = text[at..].chars().next() {
                    match runs.iter().find_map(|run| run.length(&text[at..])) {
                        Some(bytes) => {
                            found(at..at + bytes);
                            at += bytes;
                        }
                        None => at += c.len_utf8(),
                    }
                }
            }
        }
    }
}

impl Run {
    /// Reads a regular expression of this form, or several separated by `|`.
    fn parse(regex: &str) -> Option<Vec<Self>> {
        let mut rest = regex.chars().peekable();
        let mut runs = Vec::new();
        let empty = || Self { characters: Vec::new(), min: 1, max: 1 };
        let mut run = empty();
        while let Some(c) = rest.next() {
            match c {
                '+' | '{' if !run.characters.is_empty() => {
                    (run.min, run.max) = match c {
                        '+' => (1, usize::MAX),
                        _ => bounds(&rest.by_ref().take_while(|c| *c != '}').collect::<String>())?,
                    };
                    match rest.peek() {
                        None | Some('|') => {}
                        Some(_) => return None,
                    }
                }
                '\\' => run.characters.push(Set { members: vec![escaped(&mut rest)?], negated: false }),
                '[' => {
                    let negated = rest.next_if_eq(&'^').is_some();
                    let mut members = Vec::new();
                    loop {
                        members.push(match rest.next()? {
                            ']' if !members.is_empty() => break,
                            '[' | ']' | '&' => return None,
                            '\\' => escaped(&mut rest)?,
                            first if rest.next_if_eq(&'-').is_some() => {
                                let last = rest.next().filter(|last| !matches!(last, ']' | '\\' | '['))?;
                                Member::Range(first, last)
                            }
                            c => Member::Range(c, c),
                        });
                    }
                    run.characters.push(Set { members, negated });
                }
                '|' if !run.characters.is_empty() => runs.push(std::mem::replace(&mut run, empty())),
                '(' | ')' | '|' | '?' | '*' | '+' | '{' | '}' | '^' | '$' | '.' | ']' => return None,
                c => run.characters.push(Set { members: vec![Member::Range(c, c)], negated: false }),
            }
        }
        let ended = !run.characters.is_empty();
        runs.push(run);
        ended.then_some(runs)
    }

    /// The length in bytes of the longest match that `text` begins with.
    fn length(&self, text: &str) -> Option<usize> {
        let (last, first) = self.characters.split_last()?;
        let mut rest = text.chars();
        for set in first {
            rest.next().filter(|c| set.has(*c))?;
        }
        let mut count = 0;
        let mut after = rest.clone();
        while count < self.max && after.next().is_some_and(|c| last.has(c)) {
            rest = after.clone();
            count += 1;
        }
        (count >= self.min).then_some(text.len() - rest.as_str().len())
    }
}

/// The minimum and the maximum of `{2,}`, `{1,3}` or `{2}`; the minimum is never 0.
fn bounds(within: &str) -> Option<(usize, usize)> {
    let (min, max) = match within.split_once(',') {
        None => (within.parse().ok()?, within.parse().ok()?),
        Some((min, "")) => (min.parse().ok()?, usize::MAX),
        Some((min, max)) => (min.parse().ok()?, max.parse().ok()?),
    };
    (min > 0 && min <= MAX_REPETITIONS && max >= min).then_some((min, max))
}

/// Reads the characters after a backslash.
fn escaped(rest: &mut impl Iterator<Item = char>) -> Option<Member> {
    let one = |c| Some(Member::Range(c, c));
    match rest.next()? {
        'n' => one('\n'),
        'r' => one('\r'),
        't' => one('\t'),
        c @ ('s' | 'w') => Some(Member::Class(c, true)),
        c @ ('S' | 'W') => Some(Member::Class(c.to_ascii_lowercase(), false)),
        p @ ('p' | 'P') => match (rest.next()?, rest.next()?, rest.next()?) {
            ('{', class @ ('L' | 'N'), '}') => Some(Member::Class(class, p == 'p')),
            _ => None,
        },
        c if c.is_ascii_punctuation() || c == ' ' => one(c),
        _ => None,
    }
}

impl Set {
    fn has(&self, c: char) -> bool {
        let member = |member: &Member| match member {
            Member::Range(first, last) => (*first..=*last).contains(&c),
            Member::Class(class, there) => is_of(*class, c) == *there,
        };
        self.members.iter().any(member) != self.negated
    }

    fn has_blanks(&self) -> bool {
        BLANKS.into_iter().any(|blank| self.has(blank))
    }

    /// Whether it contains only white space.
    fn is_white_space(&self) -> bool {
        let white = |member: &Member| match member {
            Member::Range(first, last) => first == last && first.is_whitespace(),
            Member::Class(class, there) => *class == 's' && *there,
        };
        !self.negated && self.members.iter().all(white)
    }
}

fn is_of(class: char, c: char) -> bool {
    match class {
        's' => c.is_whitespace(),
        // In this engine, joiners are not word characters, but superscripts and fractions of Latin-1 are.
        'w' => matches!(c, '²' | '³' | '¹' | '¼'..='¾') || is_word(c) && !matches!(c, '\u{200c}' | '\u{200d}'),
        'L' => is_letter(c),
        _ => is_number(c),
    }
}

/// Calls `word` with the words of `text`, which follow one another without a gap: contractions; runs of
/// letters, of numbers and of other characters, each with a blank before it, if any; and other white space,
/// without its last character if more text follows.
pub fn gpt2(text: &str, mut word: impl FnMut(Range<usize>)) {
    #[derive(PartialEq)]
    enum Class {
        Letter,
        Number,
        Space,
        Other,
    }
    let class = |c: char| match c {
        c if is_letter(c) => Class::Letter,
        c if is_number(c) => Class::Number,
        c if c.is_whitespace() => Class::Space,
        _ => Class::Other,
    };
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let contraction =
            ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"].into_iter().find(|it| text[at..].starts_with(it));
        let after_blank = if c == ' ' { text[at + 1..].chars().next() } else { Some(c) };
        let start = if c == ' ' { at + 1 } else { at };
        let end = match (contraction, after_blank.map(|c| (class(c), c))) {
            (Some(contraction), _) => at + contraction.len(),
            (None, Some((of, _))) if of != Class::Space => {
                text[start..].char_indices().find(|(_, c)| class(*c) != of).map_or(text.len(), |(i, _)| start + i)
            }
            _ => {
                let rest = &text[at..];
                let end = rest.char_indices().find(|(_, c)| !c.is_whitespace()).map_or(rest.len(), |(i, _)| i);
                let last = rest[..end].char_indices().next_back().map_or(0, |(i, _)| i);
                at + if end == rest.len() || last == 0 { end } else { last }
            }
        };
        word(at..end);
        at = end;
    }
}

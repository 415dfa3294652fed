//! Offsets that exclude white space.

use super::split::character;
use std::ops::Range;

/// How offsets exclude white space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trim {
    /// The tokenizer added the first token's blank.
    pub prefix_space: bool,
}

impl Trim {
    /// Shrinks a token's range by the white space at the token's ends: by as many of the covered characters.
    ///
    /// Source: `tokenizers` 0.23, `pre_tokenizers/byte_level.rs`, `process_offsets`.
    pub fn trim(self, token: &str, first: bool, taken: &str, range: &mut Range<usize>) {
        let blank = |c: &char| is_blank(*c);
        let mut leading = token.chars().take_while(blank).count();
        let trailing = token.chars().rev().take_while(blank).count();
        if (first || range.start == 0) && self.prefix_space && leading == 1 {
            leading = 0;
        }
        let mut rest = taken.chars();
        range.start += rest.by_ref().take(leading).map(char::len_utf8).sum::<usize>();
        range.end -= rest.rev().take(trailing).map(char::len_utf8).sum::<usize>();
    }
}

/// Shrinks the ranges of added tokens as [`Trim::trim`] does. Many of them may share the white space at their
/// ends, so its bounds are remembered: counting it for each would take quadratic time.
#[derive(Default)]
pub struct AddedTrim {
    /// White space at the start of the last range.
    leading: Range<usize>,
    /// White space at its end.
    trailing: Range<usize>,
}

impl AddedTrim {
    /// Shrinks the range of an added token, which spells the part of `text` that it covers.
    pub fn trim(&mut self, trim: Trim, first: bool, text: &str, range: &mut Range<usize>) {
        let Range { start, end } = *range;
        let Some(covered) = text.get(start..end) else { return };
        let from = if self.leading.contains(&start) { self.leading.end.min(end) } else { start };
        let more = covered[from - start..].find(|c| !is_blank(c)).unwrap_or(end - from);
        let first_word = from + more;
        self.leading = start..first_word;
        let to =
            if self.trailing.end == end && self.trailing.start < end { self.trailing.start.max(start) } else { end };
        let last_word = start + covered[..to - start].trim_end_matches(is_blank).len();
        self.trailing = last_word..end;

        let is_one = covered.chars().next().is_some_and(|c| first_word == start + c.len_utf8());
        if !((first || start == 0) && trim.prefix_space && is_one) {
            range.start = first_word;
        }
        range.end = last_word.max(range.start);
    }
}

fn is_blank(c: char) -> bool {
    c == character(b' ') || c.is_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_added_tokens_are_shrunk_as_those_of_others() {
        let text = "Ġ a  bé\u{3000} \u{120}\u{120}c   \t";
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let ranges = places.iter().flat_map(|&start| places.iter().map(move |&end| start..end));
        let mut ranges: Vec<_> = ranges.filter(|range| range.start <= range.end).collect();
        for _ in 0..2 {
            for (prefix_space, first) in [(false, false), (true, false), (true, true)] {
                let (trim, mut added) = (Trim { prefix_space }, AddedTrim::default());
                for range in &ranges {
                    let (mut expected, mut shrunk) = (range.clone(), range.clone());
                    let taken = &text[range.clone()];
                    trim.trim(taken, first, taken, &mut expected);
                    added.trim(trim, first, text, &mut shrunk);
                    assert_eq!(shrunk, expected, "{range:?}, {trim:?}, first: {first}");
                }
            }
            ranges.sort_by_key(|range| (range.end, range.start));
        }
    }
}

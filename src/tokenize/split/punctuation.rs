//! Where the `tokenizers` crate's punctuation differs from Hugging Face's.
//!
//! BERT splits words at punctuation. Hugging Face's released tokenizers (0.23, under `transformers`) use
//! Unicode 8's punctuation, the crate used here that of a later version: 143 characters differ, of 129,799
//! compared one by one. A text with one of them is split by means of a stand-in of the same length, in which
//! each is replaced with a character of the class that Hugging Face gives it. So the boundaries are Hugging
//! Face's, and the words keep their own characters.

/// Punctuation in the crate, part of a word in Hugging Face: first and last code point.
const PART_OF_A_WORD: &[(u32, u32)] = &[
    (0x61d, 0x61d),
    (0x9fd, 0x9fd),
    (0xa76, 0xa76),
    (0xc77, 0xc77),
    (0xc84, 0xc84),
    (0x1b4e, 0x1b4f),
    (0x1b7d, 0x1b7f),
    (0x2e43, 0x2e4f),
    (0x2e52, 0x2e5d),
    (0x10d6e, 0x10d6e),
    (0x10ead, 0x10ead),
    (0x10ed0, 0x10ed0),
    (0x10f55, 0x10f59),
    (0x10f86, 0x10f89),
    (0x113d4, 0x113d5),
    (0x113d7, 0x113d8),
    (0x1144b, 0x1144f),
    (0x1145a, 0x1145b),
    (0x1145d, 0x1145d),
    (0x11660, 0x1166c),
    (0x116b9, 0x116b9),
    (0x1183b, 0x1183b),
    (0x11944, 0x11946),
    (0x119e2, 0x119e2),
    (0x11a3f, 0x11a46),
    (0x11a9a, 0x11a9c),
    (0x11a9e, 0x11aa2),
    (0x11b00, 0x11b09),
    (0x11be1, 0x11be1),
    (0x11c41, 0x11c45),
    (0x11c70, 0x11c71),
    (0x11ef7, 0x11ef8),
    (0x11f43, 0x11f4f),
    (0x11fff, 0x11fff),
    (0x12ff1, 0x12ff2),
    (0x16d6d, 0x16d6f),
    (0x16e97, 0x16e9a),
    (0x16fe2, 0x16fe2),
    (0x1e5ff, 0x1e5ff),
    (0x1e95e, 0x1e95f),
];
/// Part of a word in the crate, punctuation in Hugging Face.
const PUNCTUATION: &[char] = &['\u{166D}', '\u{111C9}'];

/// A letter in every version of Unicode, by its bytes in UTF-8.
const LETTERS: [&str; 5] = ["", "a", "\u{E9}", "\u{E01}", "\u{10400}"];
/// Punctuation in every version of Unicode, by its bytes in UTF-8.
const MARKS: [&str; 5] = ["", "!", "\u{A7}", "\u{2010}", "\u{10100}"];

/// The stand-in for `c`, of the same length, or `None` if both agree on it.
fn stand_in_for(c: char) -> Option<&'static str> {
    let code = u32::from(c);
    if code < PART_OF_A_WORD[0].0 {
        None
    } else if PUNCTUATION.contains(&c) {
        Some(MARKS[c.len_utf8()])
    } else {
        let next = PART_OF_A_WORD.partition_point(|(_, last)| *last < code);
        let found = PART_OF_A_WORD.get(next).is_some_and(|(first, _)| *first <= code);
        found.then_some(LETTERS[c.len_utf8()])
    }
}

/// Whether the crate might split `text` at other places than Hugging Face.
pub fn differs(text: &str) -> bool {
    !text.is_ascii() && text.chars().any(|c| stand_in_for(c).is_some())
}

/// The text to split instead of `text`: of the same length, with the same character boundaries.
pub fn stand_in(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match stand_in_for(c) {
            Some(other) => out.push_str(other),
            None => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_a_stand_in_is_as_long() {
        assert!(PART_OF_A_WORD.windows(2).all(|w| w[0].1 < w[1].0));
        let mut count = 0;
        for c in (0..=0x10_FFFF).filter_map(char::from_u32) {
            if let Some(other) = stand_in_for(c) {
                assert_eq!(other.len(), c.len_utf8(), "{c:?}");
                count += 1;
            }
        }
        assert_eq!(count, 143);
    }

    #[test]
    fn plain_text_does_not_differ() {
        assert!(!differs("plain, \"text\" – with naïve marks …"));
        assert!(differs("a\u{2E52}b"));
        assert_eq!(stand_in("a\u{2E52}b"), "a\u{E01}b");
    }
}

//! Reads a long text in parts: a window's tokens are those of the whole text if later text can't change them.

use super::model::Model;
use super::normalize::Normalizer;
use super::split::{Boundary, PreTokenizer};
use unicode_categories::UnicodeCategories;

/// The maximum bytes that a window grows to find white space, if it may end elsewhere, too.
const LONG_WORD: usize = 256;

/// What ends a window, and which of its words are final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// BERT's: a window ends before a character that is not a mark. Each character is then normalized alone
    /// or with the ones before it, and
    ///
    /// - whether an added token begins at a byte is known if the longest one, and a character after it, are
    ///   before the end,
    /// - a word that ends before that byte is complete, since the character that ends it is there.
    Characters,
    /// A window ends before white space, and so do its final words: neither normalization nor splitting
    /// crosses it.
    Words(Boundary),
    /// Like [`Reading::Words`], but a window may also end between two characters that nothing combines; the
    /// model determines how much of the word there is final.
    Pieces,
    /// The text is read as a whole.
    Whole,
}

impl Reading {
    /// The reading for these stages.
    pub fn of(normalizer: &Normalizer, pre_tokenizer: &PreTokenizer, model: &Model) -> Self {
        let bert = match normalizer {
            Normalizer::Bert(_) => true,
            Normalizer::Sequence(all) => all.is_empty(),
            _ => false,
        };
        match pre_tokenizer {
            PreTokenizer::Bert(_) if bert => Self::Characters,
            _ if !normalizer.ends_at_blanks() => Self::Whole,
            one if one.only_spaces() && normalizer.keeps_apart() && matches!(model, Model::Unigram(_)) => Self::Pieces,
            one => one.boundary().map_or(Self::Whole, Self::Words),
        }
    }

    /// The end of a window of `text` that has at least `at` bytes: the end of the previous one, `seen`, if
    /// that is far enough. So no part of a text is scanned twice, however many added tokens begin a window.
    pub fn end_of_window(self, text: &str, seen: usize, at: usize) -> usize {
        if seen >= at.min(text.len()) {
            return seen;
        }
        let end = self.next_end(text, at);
        #[cfg(test)]
        tests::SCANNED.set(tests::SCANNED.get() + end - at.min(end));
        end
    }

    fn next_end(self, text: &str, at: usize) -> usize {
        let Some(at) = (at..text.len()).find(|at| text.is_char_boundary(*at)) else { return text.len() };
        match self {
            Self::Whole => text.len(),
            Self::Characters => {
                text[at..].char_indices().find(|(_, c)| !c.is_mark()).map_or(text.len(), |(i, _)| at + i)
            }
            Self::Words(_) | Self::Pieces => {
                let mut before = '\0';
                for (i, c) in text[at..].char_indices() {
                    let within = self == Self::Pieces && i > LONG_WORD && is_solid(before) && is_solid(c);
                    if within || matches!(c, ' ' | '\n') && never_joins_with_next(before) {
                        return at + i;
                    }
                    before = c;
                }
                text.len()
            }
        }
    }
}

/// The end of the final words of a normalized text, of which the first `sure` bytes are final: before the
/// last white space, or 0.
pub fn end_of_words(boundary: Boundary, text: &str, sure: usize) -> usize {
    let divides = |c: char| c == ' ' || boundary == Boundary::WhiteSpace && c.is_whitespace();
    let end = (0..=sure).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let mut after = None;
    for (i, c) in text[..end].char_indices().rev() {
        if !c.is_whitespace() && after.is_some_and(divides) {
            return i + c.len_utf8();
        }
        after = Some(c);
    }
    0
}

/// Whether a character is in a set whose members no normalization combines with each other.
fn is_solid(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(c, '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}')
}

/// Whether a character is neither white space nor joins the next one into a grapheme: the characters that do
/// are all in the excluded scripts and blocks.
fn never_joins_with_next(c: char) -> bool {
    !c.is_whitespace() && matches!(c, '!'..='\u{5ff}' | '\u{3001}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}')
}

#[cfg(test)]
mod tests {
    use super::super::{Cut, Tokenizer, TokenizerFiles};

    thread_local! {
        /// The bytes scanned for ends of windows so far.
        pub static SCANNED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    }

    #[test]
    fn added_tokens_side_by_side_take_time_in_proportion() {
        let vocab = r#"{"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "a": 4}"#;
        let files = TokenizerFiles {
            model_config: Some(br#"{"model_type": "roberta"}"#),
            vocab: Some(vocab.as_bytes()),
            merges: Some(b""),
            ..TokenizerFiles::default()
        };
        let tokenizer = Tokenizer::from_files(&files, 10).unwrap();
        let text = "<s>".repeat(5000);
        // With two long texts and room for an odd number of tokens, the longer one's tokens are counted.
        let pair = tokenizer.encode_pair(&text, &text, Cut::LongestFirst, 55, true).unwrap();
        assert_eq!((pair.ids.len(), pair.truncated), (55, true));
        let scanned = SCANNED.get();
        assert!(scanned < 20 * text.len(), "{scanned} bytes of {}", text.len());
    }
}

//! Text to token ids, by the stages of `tokenizer.json`, in order: added tokens are found ([`added`]), the
//! text between them is normalized ([`normalize`]) and split into words ([`split`]), the words are split into
//! tokens ([`model`]), and special tokens frame the result ([`frame`]). Each kind of stage has its own file;
//! `text` tracks where each byte came from, `read` assembles a tokenizer from its files. Cutting to the
//! model's length is a separate step ([`Tokenizer::frame`]; `pair` for two texts).

mod added;
mod bare;
mod classes;
mod corpus;
mod encoding;
mod frame;
mod model;
mod normalize;
mod pair;
mod pattern;
mod read;
mod spelling;
mod split;
mod text;
mod trim;
mod window;

use crate::error::{Error, ErrorKind, Result};
use crate::json::JsonFile;
use bare::Bare;
pub use corpus::{Corpus, Kept};
pub use encoding::{Cut, Encoding};
use encoding::{Found, Tokens};
use frame::Frame;
use model::{Model, Piece};
pub use read::TokenizerFiles;
use read::{Parts, Stages};
use split::Words;
use std::cell::RefCell;
use std::ops::Range;
use text::Text;
use window::Reading;

/// The file that a tokenizer is read from.
const FILE: JsonFile = JsonFile { name: "tokenizer.json", kind: ErrorKind::TokenizerInvalid };

/// The minimum bytes of a text that are read at once.
const MIN_WINDOW: usize = 256;

/// A tokenizer.
pub struct Tokenizer {
    parts: Parts,
    reading: Reading,
    pieces: RefCell<Vec<Piece>>,
    bare: Option<Bare>,
}

fn invalid(message: impl Into<String>) -> Error {
    FILE.error(message.into())
}

fn unsupported(message: impl Into<String>) -> Error {
    unsupported_in(FILE.name, message.into())
}

fn invalid_in(file: &str, message: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::TokenizerInvalid, format!("{file} {message}"))
}

fn unsupported_in(file: &str, message: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::TokenizerUnsupported, format!("{file} {message}"))
}

impl Tokenizer {
    /// Reads a `tokenizer.json`, for a model whose word embedding has `rows` rows.
    ///
    /// # Errors
    /// The errors of [`Tokenizer::from_files`].
    pub fn from_json(bytes: &[u8], rows: usize) -> Result<Self> {
        Self::from_files(&TokenizerFiles { tokenizer_json: Some(bytes), ..TokenizerFiles::default() }, rows)
    }

    /// Reads a tokenizer's files, for a model whose word embedding has `rows` rows.
    ///
    /// # Errors
    /// [`ErrorKind::TokenizerInvalid`] if one can't be read or has ids beyond `rows`;
    /// [`ErrorKind::TokenizerUnsupported`] if a stage has an unknown kind; [`ErrorKind::NotAModel`] if it is
    /// another kind of file.
    pub fn from_files(files: &TokenizerFiles, rows: usize) -> Result<Self> {
        let parts = files.read(rows)?;
        let reading = Reading::of(&parts.stages.normalizer, &parts.stages.pre_tokenizer, &parts.stages.model);
        Ok(Self { parts, reading, pieces: RefCell::default(), bare: None })
    }

    /// The maximum number of tokens per text, including special ones, if `tokenizer_config.json` sets one.
    pub fn max_length(&self) -> Option<usize> {
        self.parts.max_length
    }

    /// Settings of the files that are ignored.
    pub fn warnings(&self) -> &[String] {
        &self.parts.warnings
    }

    /// How many special tokens frame a text.
    pub fn special_tokens(&self) -> usize {
        self.frame_lengths().iter().sum()
    }

    /// How many of them are before the text, and how many after it.
    pub fn frame_lengths(&self) -> [usize; 2] {
        let Frame { single, .. } = &self.parts.frame;
        [single.before.len(), single.after.len()]
    }

    /// The token ids of the whole text, without the special tokens that frame it.
    ///
    /// # Errors
    /// [`ErrorKind::TokenizerInvalid`] if a stage fails.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        Ok(self.tokens(text, usize::MAX, false)?.ids)
    }

    /// The token ids of the whole text and, for each, the byte range of `text` that it covers.
    ///
    /// # Errors
    /// The errors of [`Tokenizer::encode`].
    ///
    /// Oracle: `tokenizers` 0.23 in Python (test_data/tokenizer).
    pub fn encode_with_offsets(&self, text: &str) -> Result<(Vec<u32>, Vec<Range<usize>>)> {
        let tokens = self.tokens(text, usize::MAX, true)?;
        Ok((tokens.ids, tokens.offsets.unwrap_or_default()))
    }

    /// The tokens of a text, framed and cut to `max_tokens`: as [`Tokenizer::encode`] and
    /// [`Tokenizer::frame`] return them, but a long text is read only as far as needed. A text without tokens
    /// of its own gets no special tokens.
    ///
    /// # Errors
    /// The errors of [`Tokenizer::encode`].
    pub fn encode_to(&self, text: &str, max_tokens: usize, with_offsets: bool) -> Result<Encoding> {
        if let Some(bare) = self.bare {
            return self.encode_bare(bare, text, max_tokens, with_offsets);
        }
        let room = max_tokens.saturating_sub(self.special_tokens());
        let Tokens { ids, offsets } = self.tokens(text, room, with_offsets)?;
        if ids.is_empty() {
            return Ok(Encoding::empty(with_offsets));
        }
        Ok(self.frame(ids, offsets, max_tokens))
    }

    /// Frames a text's ids with the special tokens and cuts them to `max_tokens`, as Hugging Face does: from
    /// the end of the text, keeping the closing special tokens.
    pub fn frame(&self, ids: Vec<u32>, offsets: Option<Vec<Range<usize>>>, max_tokens: usize) -> Encoding {
        Encoding::single(&self.parts.frame.single, Tokens { ids, offsets }, max_tokens)
    }

    /// The text's tokens: at least `most` + 1, or all if there are fewer.
    ///
    /// The text is read in windows. A piece between two added tokens that continues after its window is
    /// encoded as far as the rest can't change it ([`Tokenizer::piece`]); if that is too little, it is
    /// encoded again in a window twice as long.
    fn tokens(&self, text: &str, most: usize, with_offsets: bool) -> Result<Tokens> {
        let mut found = Found::new(text, self.parts.frame.trim, with_offsets);
        let least = most.saturating_mul(8).max(MIN_WINDOW);
        let mut search = self.parts.added.raw.search(text);
        let (mut piece, mut window, mut seen) = (0_usize, least, 0);
        while found.tokens.ids.len() <= most {
            seen = self.reading.end_of_window(text, seen, piece.saturating_add(window));
            if let Some((range, id)) = search.next(seen) {
                if piece < range.start {
                    self.piece(piece..range.start, true, &mut found)?;
                }
                piece = range.end;
                window = least;
                found.added(id, || range);
                continue;
            }
            let before = found.tokens.ids.len();
            self.piece(piece..seen, seen == text.len(), &mut found)?;
            if seen == text.len() || found.tokens.ids.len() > most {
                break;
            }
            found.tokens.truncate(before);
            window = window.max(seen - piece).saturating_mul(2);
        }
        Ok(found.tokens)
    }

    /// Adds the tokens of a piece of the text. Unless it is `complete`, adds only the tokens that are final
    /// whatever follows: [`Reading`] explains why.
    fn piece(&self, piece: Range<usize>, complete: bool, found: &mut Found) -> Result<()> {
        #[cfg(test)]
        tests::READ.set(tests::READ.get() + piece.len());
        let with_origins = found.tokens.offsets.is_some() || self.parts.stages.pre_tokenizer.needs_origins();
        let mut text = Text::new(&found.text[piece.clone()], piece.start, with_origins);
        self.parts.stages.normalizer.apply(&mut text)?;
        let end = text.as_str().len();
        const LONGEST_CHARACTER: usize = 4;
        let added = &self.parts.added.normalized;
        let sure = if complete { end } else { end.saturating_sub(added.longest + LONGEST_CHARACTER) };
        let mut search = added.search(text.as_str());
        let mut start = 0;
        loop {
            let next = search.next(sure);
            let until = next.as_ref().map_or(end, |(range, _)| range.start);
            if start < until {
                self.words(text.slice(start..until), sure.saturating_sub(start), found);
            }
            match next {
                // The white space that it includes may continue after the end.
                Some((range, _)) if range.end == end && !complete => return Ok(()),
                Some((range, id)) => {
                    start = range.end;
                    found.added(id, || text.origin(range));
                }
                None => return Ok(()),
            }
        }
    }

    /// Adds the tokens of the words of a normalized piece that end at byte `sure` or before.
    fn words(&self, mut piece: Text, mut sure: usize, found: &mut Found) {
        let mut continues_word = false;
        if sure < piece.as_str().len() {
            match self.reading {
                Reading::Words(boundary) => piece.keep(0..window::end_of_words(boundary, piece.as_str(), sure)),
                Reading::Pieces => {
                    continues_word = true;
                    piece.keep(0..(0..=sure).rev().find(|at| piece.as_str().is_char_boundary(*at)).unwrap_or(0));
                }
                Reading::Characters | Reading::Whole => {}
            }
        }
        if self.reading != Reading::Characters {
            // Words may be longer than the text that they come from.
            sure = usize::MAX;
        }
        let mut words = Words::new(piece);
        self.parts.stages.pre_tokenizer.apply(&mut words);
        let mut pieces = self.pieces.borrow_mut();
        let Stages { model, .. } = &self.parts.stages;
        for (i, span) in words.spans.iter().enumerate().take_while(|(_, span)| span.end <= sure) {
            let word = &words.text.as_str()[span.clone()];
            match model {
                Model::Unigram(model) if continues_word && i + 1 == words.spans.len() => {
                    model.cut_start(word, &mut pieces)
                }
                model => model.cut(word, &mut pieces),
            }
            for Piece { id, start, end } in pieces.iter() {
                let range = || words.text.origin(span.start + start..span.start + end);
                found.push(*id, range, |_| model.tokens().token(*id).unwrap_or_default());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    thread_local! {
        /// The bytes passed to the stages so far.
        pub static READ: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    }

    fn roberta() -> Tokenizer {
        let model = include_str!("../../test_data/tokenizer/bpe.json").trim_end().trim_end_matches('}');
        let file = format!(
            r#"{{"pre_tokenizer": {{"type": "ByteLevel", "add_prefix_space": false}}, "model": {model}, "type": "BPE"}}}}"#
        );
        Tokenizer::from_json(file.as_bytes(), 40_000).unwrap()
    }

    fn xlm_roberta() -> Tokenizer {
        let files = TokenizerFiles {
            sentencepiece: Some(include_bytes!("../../test_data/tokenizer/spm.model")),
            model_config: Some(br#"{"model_type": "xlm-roberta"}"#),
            ..TokenizerFiles::default()
        };
        Tokenizer::from_files(&files, 40_000).unwrap()
    }

    #[test]
    fn continuations_are_marked_or_follow_a_word() {
        let continues_word = |tokenizer: &Tokenizer, text: &str| {
            let (ids, offsets) = tokenizer.encode_with_offsets(text).unwrap();
            let all = ids.iter().zip(offsets);
            all.map(|(&id, range)| (text[range.clone()].to_owned(), tokenizer.continues_word(id, text, range)))
                .collect::<Vec<_>>()
        };
        let bert = Tokenizer::from_json(include_bytes!("../../models/sentiment-en-1/tokenizer.json"), 30_522).unwrap();
        let of = |words: &[(&str, bool)]| words.iter().map(|(word, on)| ((*word).to_owned(), *on)).collect::<Vec<_>>();
        assert_eq!(
            continues_word(&bert, "Unaffable, \u{2603}x"),
            of(&[("Una", false), ("ffa", true), ("ble", true), (",", false), ("\u{2603}x", false)])
        );
        let on: Vec<bool> = continues_word(&roberta(), "ab, cd").into_iter().map(|(_, on)| on).collect();
        assert!(!on[0] && on[1..].contains(&true), "{on:?}");
        assert!(on[1..].contains(&false), "a word behind a blank: {on:?}");
        // A token that covers no text, before a blank.
        assert!(!roberta().continues_word(7, "a b", 1..1));
        assert!(roberta().continues_word(7, "a.b", 1..1));
    }

    #[test]
    fn the_spelling_follows_from_the_stages() {
        let bert = Tokenizer::from_json(include_bytes!("../../models/sentiment-en-1/tokenizer.json"), 30_522).unwrap();
        assert_eq!([bert, roberta(), xlm_roberta()].map(|of| of.spelling()), ["prefix", "bytes", "spaces"]);
    }

    #[test]
    fn a_megabyte_costs_as_much_as_its_first_part() {
        let file = include_bytes!("../../models/sentiment-en-1/tokenizer.json");
        let tokenizer = Tokenizer::from_json(file, 30_522).unwrap();
        let read = |text: &str, with_offsets: bool| {
            READ.set(0);
            let encoding = tokenizer.encode_to(text, 512, with_offsets).unwrap();
            assert!(encoding.truncated && encoding.ids.len() == 512);
            READ.get()
        };
        let long = "unbelievable".repeat(100_000);
        READ.set(0);
        assert_eq!(xlm_roberta().encode_to(&long, 512, true).unwrap().ids.len(), 512);
        assert!(READ.get() < 20_000, "{} bytes", READ.get());
        let words = ["word ", "it's 12! ", "na\u{ef}ve\n", "今天 好。\n"];
        for tokenizer in [roberta(), xlm_roberta()] {
            for part in words {
                let long = part.repeat(1_000_000 / part.len());
                READ.set(0);
                assert_eq!(tokenizer.encode_to(&long, 512, true).unwrap().ids.len(), 512);
                assert!(READ.get() < 20_000, "{part:?}: {} bytes", READ.get());
            }
        }
        for part in ["word ", "中", "na\u{ef}ve!", "[SEP] a ", "antidisestablishmentarianism, "] {
            for with_offsets in [false, true] {
                let short = part.repeat(20_000 / part.len());
                assert_eq!(read(&short.repeat(200), with_offsets), read(&short, with_offsets), "{part:?}");
                assert!(READ.get() < 3 * short.len(), "{part:?}: {} bytes", READ.get());
            }
        }
    }
}

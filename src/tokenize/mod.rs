//! Text to token ids: the only place that knows the `tokenizers` crate.
//!
//! The crate's stages are used one by one — BERT's normalizer and pre-tokenizer — because its assembled pipeline yields
//! ids alone and no offsets. `added` finds added tokens; where each character came from is in `align`; where the crate's
//! punctuation is not Hugging Face's, `punctuation` makes it so; `wordpiece` cuts words; `file` reads `tokenizer.json`,
//! `config_file` reads `tokenizer_config.json`. Cutting to the model's length is a step of its own ([`Tokenizer::frame`]).

mod added;
mod align;
mod config_file;
mod file;
mod punctuation;
mod wordpiece;

use crate::error::{Error, ErrorKind, Result};
use crate::json::JsonFile;
use added::Added;
pub use config_file::TokenizerConfig;
use file::TokenizerFile;
use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::Range;
use tokenizers::normalizers::bert::BertNormalizer;
use tokenizers::pipeline::{Normalizer, PreTokenizer, PreTokenizerScratch, Span};
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use unicode_categories::UnicodeCategories;
use wordpiece::{Piece, WordPiece};

/// The file that a tokenizer is read from.
const FILE: JsonFile = JsonFile { name: "tokenizer.json", kind: ErrorKind::TokenizerInvalid };

/// The fewest bytes of a text that are read at once.
const MIN_WINDOW: usize = 256;

/// A WordPiece tokenizer.
pub struct Tokenizer {
    normalizer: Option<BertNormalizer>,
    model: WordPiece,
    added: Added,
    prefix: Vec<u32>,
    suffix: Vec<u32>,
    scratch: RefCell<Scratch>,
}

/// Buffers of the stages.
#[derive(Default)]
struct Scratch {
    pre_tokenizer: PreTokenizerScratch,
    spans: Vec<Span>,
    pieces: Vec<Piece>,
}

/// Token ids and, where asked for, the byte range of the text that each stands for.
struct Tokens {
    ids: Vec<u32>,
    offsets: Option<Vec<Range<usize>>>,
}

impl Tokens {
    fn push(&mut self, id: u32, range: impl FnOnce() -> Range<usize>) {
        self.ids.push(id);
        if let Some(offsets) = &mut self.offsets {
            offsets.push(range());
        }
    }

    fn truncate(&mut self, count: usize) {
        self.ids.truncate(count);
        if let Some(offsets) = &mut self.offsets {
            offsets.truncate(count);
        }
    }
}

/// The tokens of one text, framed by the special ones and cut to the model's length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// Token ids (T), special ones included.
    pub ids: Vec<u32>,
    /// The byte range of the text that each token stands for (T; `0..0` for the special ones that frame the text),
    /// where offsets were asked for.
    pub offsets: Option<Vec<Range<usize>>>,
    /// How many of the first ids frame the text.
    pub prefix: usize,
    /// How many of the last ids frame the text.
    pub suffix: usize,
    /// Whether the text had more tokens than fit.
    pub truncated: bool,
}

fn invalid(message: impl Into<String>) -> Error {
    FILE.error(message.into())
}

fn unsupported(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::TokenizerUnsupported, format!("tokenizer.json {}", message.into()))
}

fn failed(e: impl std::fmt::Display) -> Error {
    invalid(format!("can't be used ({e}): take the file that belongs to the weights."))
}

impl Tokenizer {
    /// Reads a `tokenizer.json`, for a model whose word embedding has `rows` rows.
    ///
    /// # Errors
    /// Those of [`Tokenizer::from_files`].
    pub fn from_json(bytes: &[u8], rows: usize) -> Result<Self> {
        Self::from_files(bytes, None, rows)
    }

    /// Reads a `tokenizer.json` beside its `tokenizer_config.json`, for a model whose word embedding has `rows` rows.
    ///
    /// # Errors
    /// [`ErrorKind::TokenizerInvalid`] where it can't be read or has ids beyond `rows`;
    /// [`ErrorKind::TokenizerUnsupported`] where it is not BERT's WordPiece; [`ErrorKind::NotAModel`] where it is another file.
    pub fn from_files(bytes: &[u8], config: Option<TokenizerConfig>, rows: usize) -> Result<Self> {
        let TokenizerFile { normalizer, model, added: tokens, prefix, suffix } =
            TokenizerFile::from_json(bytes, config, rows)?;
        // A token may stand anywhere in a text: its form is not that of a text's start.
        let form = |token: &str| match &normalizer {
            Some(bert) => bert.normalize(token, 1).map(Cow::into_owned).map_err(failed),
            None => Ok(token.into()),
        };
        let added = Added::new(tokens, model.len(), rows, |token| model.id(token), form)?;
        Ok(Self { normalizer, model, added, prefix, suffix, scratch: RefCell::default() })
    }

    /// How many special tokens frame a text.
    pub fn special_tokens(&self) -> usize {
        self.prefix.len() + self.suffix.len()
    }

    /// The token ids of the whole text, without the special tokens that frame it.
    ///
    /// # Errors
    /// [`ErrorKind::TokenizerInvalid`] where the crate's stages fail.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        Ok(self.tokens(text, usize::MAX, false)?.ids)
    }

    /// The token ids of the whole text and, for each, the byte range of `text` that it stands for.
    ///
    /// # Errors
    /// Those of [`Tokenizer::encode`].
    ///
    /// Oracle: `tokenizers` 0.23 in Python (test_data/tokenizer).
    pub fn encode_with_offsets(&self, text: &str) -> Result<(Vec<u32>, Vec<Range<usize>>)> {
        let tokens = self.tokens(text, usize::MAX, true)?;
        Ok((tokens.ids, tokens.offsets.unwrap_or_default()))
    }

    /// The tokens of a text, framed and cut to `max_tokens`: as [`Tokenizer::encode`] and [`Tokenizer::frame`] give them, but of a
    /// long text only as much is read as they need. A text without a token of its own has none at all.
    ///
    /// # Errors
    /// Those of [`Tokenizer::encode`].
    pub fn encode_to(&self, text: &str, max_tokens: usize, with_offsets: bool) -> Result<Encoding> {
        let room = max_tokens.saturating_sub(self.special_tokens());
        let Tokens { ids, offsets } = self.tokens(text, room, with_offsets)?;
        if ids.is_empty() {
            return Ok(Encoding { ids, offsets, prefix: 0, suffix: 0, truncated: false });
        }
        Ok(self.frame(ids, offsets, max_tokens))
    }

    /// The text's tokens up to `most` and one more, at least: all of a text of fewer.
    ///
    /// The text is read in windows. A piece between two added tokens that goes on behind its window is encoded as far as what follows
    /// can't change it ([`Tokenizer::piece`]); where that is too little, once more in a window twice as long.
    fn tokens(&self, text: &str, most: usize, with_offsets: bool) -> Result<Tokens> {
        let mut tokens = Tokens { ids: Vec::new(), offsets: with_offsets.then(Vec::new) };
        let least = most.saturating_mul(8).max(MIN_WINDOW);
        let mut search = self.added.raw.search(text);
        let (mut piece, mut window) = (0_usize, least);
        while tokens.ids.len() <= most {
            let seen = end_of_window(text, piece.saturating_add(window));
            if let Some((range, id)) = search.next(seen) {
                if piece < range.start {
                    self.piece(&text[piece..range.start], piece, true, &mut tokens)?;
                }
                piece = range.end;
                window = least;
                tokens.push(id, || range);
                continue;
            }
            let before = tokens.ids.len();
            self.piece(&text[piece..seen], piece, seen == text.len(), &mut tokens)?;
            if seen == text.len() || tokens.ids.len() > most {
                break;
            }
            tokens.truncate(before);
            window = window.saturating_mul(2);
        }
        Ok(tokens)
    }

    /// The tokens of a piece of the text, which lies at byte `at`. Unless it is `complete`, only those that hold whatever follows it,
    /// provided that this doesn't begin with a mark: each character is then normalized by itself or with those before it, and
    ///
    /// - whether an added token begins at a byte is known where the longest one, and a character behind it, lie before the end,
    /// - a word that ends before that byte has ended, for what ends it is there.
    fn piece(&self, piece: &str, at: usize, complete: bool, tokens: &mut Tokens) -> Result<()> {
        #[cfg(test)]
        tests::READ.set(tests::READ.get() + piece.len());
        let aligned = match tokens.offsets {
            Some(_) => Some(align::normalize(self.normalizer.as_ref(), piece, at)?),
            None => None,
        };
        let normalized = match (&aligned, &self.normalizer) {
            (Some(aligned), _) => Cow::Borrowed(aligned.text.as_str()),
            (None, Some(bert)) => bert.normalize(piece, at).map_err(failed)?,
            (None, None) => Cow::Borrowed(piece),
        };
        let origin = |range: Range<usize>| aligned.as_ref().map_or(0..0, |aligned| aligned.origin(range));
        let end = normalized.len();
        const LONGEST_CHARACTER: usize = 4;
        let sure = if complete { end } else { end.saturating_sub(self.added.normalized.longest + LONGEST_CHARACTER) };
        let mut search = self.added.normalized.search(&normalized);
        let mut start = 0;
        loop {
            let next = search.next(sure);
            let until = next.as_ref().map_or(end, |(range, _)| range.start);
            if start < until {
                self.words(&normalized[start..until], sure.saturating_sub(start), |part, id| {
                    tokens.push(id, || origin(start + part.start..start + part.end));
                })?;
            }
            match next {
                // The white space that it takes may go on behind the end.
                Some((range, _)) if range.end == end && !complete => return Ok(()),
                Some((range, id)) => {
                    start = range.end;
                    tokens.push(id, || origin(range));
                }
                None => return Ok(()),
            }
        }
    }

    /// Frames a text's ids with the special tokens and cuts it to `max_tokens`, as Hugging Face cuts it: from the end
    /// of the text, the closing special tokens stay.
    pub fn frame(&self, ids: Vec<u32>, offsets: Option<Vec<Range<usize>>>, max_tokens: usize) -> Encoding {
        let room = max_tokens.saturating_sub(self.special_tokens());
        let truncated = ids.len() > room;
        let nowhere = |run: &[u32]| vec![0..0; run.len()];
        Encoding {
            ids: framed(&self.prefix, ids, &self.suffix, room),
            offsets: offsets.map(|o| framed(&nowhere(&self.prefix), o, &nowhere(&self.suffix), room)),
            prefix: self.prefix.len(),
            suffix: self.suffix.len(),
            truncated,
        }
    }

    /// The vocabulary's word for `id` (`##` marks the continuation of a word).
    pub fn token(&self, id: u32) -> String {
        let beyond = || self.added.beyond_vocabulary.get((id as usize).checked_sub(self.model.len())?).cloned();
        self.model.token(id).map(str::to_owned).or_else(beyond).unwrap_or_default()
    }

    /// Gives `token` the WordPiece tokens of the words of a normalized piece that end at byte `sure` or before: the byte range of
    /// each in `piece`, and its id.
    fn words(&self, piece: &str, sure: usize, mut token: impl FnMut(Range<usize>, u32)) -> Result<()> {
        let mut scratch = self.scratch.borrow_mut();
        let Scratch { pre_tokenizer, spans, pieces } = &mut *scratch;
        let cut = if punctuation::differs(piece) { &punctuation::stand_in(piece) } else { piece };
        spans.clear();
        BertPreTokenizer.pre_tokenize(cut, pre_tokenizer, spans).map_err(failed)?;
        for span in spans.iter().map(|span| span.range()).take_while(|span| span.end <= sure) {
            let mut at = span.start;
            self.model.cut(&piece[span], pieces);
            for Piece { id, bytes } in pieces.iter() {
                token(at..at + bytes, *id);
                at += bytes;
            }
        }
        Ok(())
    }
}

fn framed<T: Clone>(prefix: &[T], mut content: Vec<T>, suffix: &[T], room: usize) -> Vec<T> {
    content.truncate(room);
    content.splice(0..0, prefix.iter().cloned());
    content.extend_from_slice(suffix);
    content
}

/// The end of a window of `text` from byte `at` on: before a character that is no mark, for marks are normalized with those before.
fn end_of_window(text: &str, at: usize) -> usize {
    let Some(at) = (at..text.len()).find(|at| text.is_char_boundary(*at)) else { return text.len() };
    text[at..].char_indices().find(|(_, c)| !c.is_mark()).map_or(text.len(), |(i, _)| at + i)
}

#[cfg(test)]
mod tests {
    use super::*;

    thread_local! {
        /// The bytes given to the stages so far.
        pub static READ: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    }

    #[test]
    fn a_megabyte_costs_what_its_first_part_costs() {
        let file = include_bytes!("../../models/sentiment-en/tokenizer.json");
        let tokenizer = Tokenizer::from_json(file, 30_522).unwrap();
        let read = |text: &str, with_offsets: bool| {
            READ.set(0);
            let encoding = tokenizer.encode_to(text, 512, with_offsets).unwrap();
            assert!(encoding.truncated && encoding.ids.len() == 512);
            READ.get()
        };
        for part in ["word ", "中", "na\u{ef}ve!", "[SEP] a ", "antidisestablishmentarianism, "] {
            for with_offsets in [false, true] {
                let short = part.repeat(20_000 / part.len());
                assert_eq!(read(&short.repeat(200), with_offsets), read(&short, with_offsets), "{part:?}");
                assert!(READ.get() < 3 * short.len(), "{part:?}: {} bytes", READ.get());
            }
        }
    }
}

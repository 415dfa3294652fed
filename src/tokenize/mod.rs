//! Text to token ids: the only place that knows the `tokenizers` crate.
//!
//! The crate's stages are used one by one — added tokens, BERT's normalizer and pre-tokenizer — because its assembled
//! pipeline yields ids alone and no offsets. Where each character came from is in `align`; where the crate's punctuation is
//! not Hugging Face's, `punctuation` makes it so; `wordpiece` cuts words, `file` reads `tokenizer.json`. Cutting to the
//! model's length is a step of its own ([`Tokenizer::frame`]).

mod align;
mod file;
mod punctuation;
mod wordpiece;

use crate::error::{Error, ErrorKind, Result};
use file::TokenizerFile;
use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::Range;
use tokenizers::normalizers::bert::BertNormalizer;
use tokenizers::pipeline::{Normalizer, PipelinePatternMatcher, PreTokenizer, PreTokenizerScratch, Span};
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::vocab::bucket_added_vocabulary::AddedVocabulary;
use wordpiece::{Piece, WordPiece};

/// The most characters of one text. A model of 512 tokens reads some 3,000; far longer texts are a mistake that would
/// only cost time.
pub const MAX_CHARS: usize = 1 << 18;

/// A WordPiece tokenizer.
pub struct Tokenizer {
    normalizer: Option<BertNormalizer>,
    model: WordPiece,
    added: AddedVocabulary,
    /// The added tokens that the vocabulary lacks, from the id after its last on.
    beyond_vocabulary: (u32, Vec<String>),
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
    Error::new(ErrorKind::TokenizerInvalid, format!("tokenizer.json {}", message.into()))
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
    /// [`ErrorKind::TokenizerInvalid`] where it can't be read or has ids beyond `rows`;
    /// [`ErrorKind::TokenizerUnsupported`] where it is not BERT's WordPiece.
    pub fn from_json(bytes: &[u8], rows: usize) -> Result<Self> {
        let TokenizerFile { normalizer, model, added: tokens, prefix, suffix } = TokenizerFile::from_json(bytes, rows)?;
        let size = model.len();
        let lacking = tokens.iter().filter(|t| !t.content.is_empty() && model.id(&t.content).is_none());
        let lacking: Vec<String> = lacking.map(|token| token.content.clone()).collect();
        if size + lacking.len() > rows {
            return Err(invalid(format!(
                "has {} tokens, but the model's embedding has {rows} rows: tokenizer.json and config.json must be of \
                 one model.",
                size + lacking.len()
            )));
        }
        let mut added = AddedVocabulary::new();
        added.add_tokens(tokens, size, |token: &str| model.id(token), normalizer.as_ref()).map_err(failed)?;
        let beyond_vocabulary = (size as u32, lacking);
        Ok(Self { normalizer, model, added, beyond_vocabulary, prefix, suffix, scratch: RefCell::default() })
    }

    /// How many special tokens frame a text.
    pub fn special_tokens(&self) -> usize {
        self.prefix.len() + self.suffix.len()
    }

    /// The token ids of the whole text, without the special tokens that frame it.
    ///
    /// # Errors
    /// [`ErrorKind::TextTooLong`] where `text` has more than [`MAX_CHARS`] characters.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        check_length(text)?;
        let mut ids = Vec::with_capacity(text.len() / 4 + 1);
        for (range, id) in self.cut_at_added_tokens(text, false) {
            if let Some(id) = id {
                ids.push(id);
                continue;
            }
            let normalized = match &self.normalizer {
                Some(bert) => bert.normalize(&text[range.clone()], range.start).map_err(failed)?,
                None => Cow::Borrowed(&text[range]),
            };
            for (range, id) in self.cut_at_added_tokens(&normalized, true) {
                match id {
                    Some(id) => ids.push(id),
                    None => self.words(&normalized[range], |_, id| ids.push(id))?,
                }
            }
        }
        Ok(ids)
    }

    /// The token ids of the whole text and, for each, the byte range of `text` that it stands for.
    ///
    /// # Errors
    /// [`ErrorKind::TextTooLong`] where `text` has more than [`MAX_CHARS`] characters.
    ///
    /// Oracle: `tokenizers` 0.23 in Python (test_data/tokenizer).
    pub fn encode_with_offsets(&self, text: &str) -> Result<(Vec<u32>, Vec<Range<usize>>)> {
        check_length(text)?;
        let (mut ids, mut offsets) = (Vec::new(), Vec::new());
        let mut push = |id, range| {
            ids.push(id);
            offsets.push(range);
        };
        for (range, id) in self.cut_at_added_tokens(text, false) {
            if let Some(id) = id {
                push(id, range);
                continue;
            }
            let aligned = align::normalize(self.normalizer.as_ref(), &text[range.clone()], range.start)?;
            for (range, id) in self.cut_at_added_tokens(&aligned.text, true) {
                match id {
                    Some(id) => push(id, aligned.origin(range)),
                    None => self.words(&aligned.text[range.clone()], |word, id| {
                        push(id, aligned.origin(range.start + word.start..range.start + word.end));
                    })?,
                }
            }
        }
        Ok((ids, offsets))
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
        let (first, added) = &self.beyond_vocabulary;
        let beyond = || added.get(id.checked_sub(*first)? as usize).cloned();
        self.model.token(id).map(str::to_owned).or_else(beyond).unwrap_or_default()
    }

    /// Cuts `text` at the added tokens that it spells out (`[SEP]`, say): the byte range of each piece, and its id where
    /// it is such a token.
    fn cut_at_added_tokens(&self, text: &str, normalized: bool) -> Vec<(Range<usize>, Option<u32>)> {
        let mut pieces = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let next = self.added.extract_next(text.as_bytes(), at, normalized, false);
            let start = next.map_or(text.len(), |((start, _), _)| start);
            if start > at {
                pieces.push((at..start, None));
            }
            at = start;
            if let Some(((start, end), id)) = next {
                pieces.push((start..end, Some(id)));
                at = end;
            }
        }
        pieces
    }

    /// Gives `token` the WordPiece tokens of a normalized piece: the byte range of each in `piece`, and its id.
    fn words(&self, piece: &str, mut token: impl FnMut(Range<usize>, u32)) -> Result<()> {
        let mut scratch = self.scratch.borrow_mut();
        let Scratch { pre_tokenizer, spans, pieces } = &mut *scratch;
        let cut = if punctuation::differs(piece) { &punctuation::stand_in(piece) } else { piece };
        spans.clear();
        BertPreTokenizer.pre_tokenize(cut, pre_tokenizer, spans).map_err(failed)?;
        for span in spans.iter() {
            let mut at = span.range().start;
            self.model.cut(&piece[span.range()], pieces);
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

fn check_length(text: &str) -> Result<()> {
    // A text has at most as many characters as bytes: most need no counting.
    if text.len() > MAX_CHARS {
        let chars = text.chars().count();
        if chars > MAX_CHARS {
            return Err(Error::new(
                ErrorKind::TextTooLong,
                format!("The text has {chars} characters: give at most {MAX_CHARS}, or classify it in parts."),
            ));
        }
    }
    Ok(())
}

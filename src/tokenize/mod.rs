//! Text to token ids: the only file that knows the `tokenizers` crate.
//!
//! Truncation and padding of a `tokenizer.json` are dropped on the way in: cutting is a step of its own here
//! ([`Tokenizer::frame`]), and nothing is ever padded. The crate's fast pipeline yields ids alone; the offsets that a
//! page shows come from running the same stages with an eye on where each character came from
//! ([`Tokenizer::encode_with_offsets`], `align`), and where its punctuation is not Hugging Face's, ours is taken
//! (`punctuation`).

mod align;
mod punctuation;

use crate::error::{Error, ErrorKind, Result};
use serde_json::Value;
use std::ops::Range;
use tokenizers::pipeline::{
    EncodeOptions, Model, Override, PipelinePatternMatcher, PipelineToken, PipelineTokenizer, PreTokenizer,
    PreTokenizerScratch,
};

/// The most characters of one text. A model of 512 tokens reads some 3,000; far longer texts are a mistake that would
/// only cost time.
pub const MAX_CHARS: usize = 1 << 18;

/// A WordPiece tokenizer.
pub struct Tokenizer {
    pipeline: PipelineTokenizer,
    options: EncodeOptions,
    continuing_prefix: String,
    prefix: Vec<u32>,
    suffix: Vec<u32>,
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
    /// Reads a `tokenizer.json` (any version), for a model whose word embedding has `rows` rows.
    ///
    /// # Errors
    /// [`ErrorKind::TokenizerInvalid`] where it can't be read or has ids beyond `rows`;
    /// [`ErrorKind::TokenizerUnsupported`] where it is not WordPiece.
    pub fn from_json(bytes: &[u8], rows: usize) -> Result<Self> {
        let mut file: Value = serde_json::from_slice(bytes).map_err(failed)?;
        let root = file.as_object_mut().ok_or_else(|| invalid("is not a JSON object: take a tokenizer.json."))?;
        // Ours to do; and hostile values there (a stride beyond the length, say) must not reach the crate.
        root.remove("truncation");
        root.remove("padding");
        tokenizers::canonicalize_value(&mut file).map_err(failed)?;
        let model = &file["model"];
        match model["type"].as_str() {
            Some("WordPiece") => {}
            other => {
                return Err(unsupported(format!(
                    "is of kind {:?}: WordPiece runs here. Take a DistilBERT checkpoint with its own tokenizer.json.",
                    other.unwrap_or("unknown")
                )));
            }
        }
        check_ids(&file, rows)?;
        let continuing_prefix = model["continuing_subword_prefix"].as_str().unwrap_or("##").to_owned();
        let text = file.to_string();
        drop(file); // The parsed tree of a vocabulary is several MB: gone before the crate builds its own.
        let pipeline = tokenizers::from_json(&text).map_err(failed)?;

        let frame = &pipeline.get_post_processor().single;
        let ids = |run: &[(PipelineToken, u8)]| run.iter().map(|(token, _)| token.id()).collect::<Vec<_>>();
        let (prefix, suffix) = (ids(&frame.prefix), ids(&frame.suffix));
        if let Some(id) = prefix.iter().chain(&suffix).find(|&&id| id as usize >= rows) {
            return Err(beyond(u64::from(*id), rows));
        }
        let options = EncodeOptions {
            add_special_tokens: false,
            encode_special_tokens: false,
            padding: Override::Off,
            truncation: Override::Off,
        };
        Ok(Self { pipeline, options, continuing_prefix, prefix, suffix })
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
        if punctuation::differs(text) {
            return Ok(self.encode_with_offsets(text)?.0);
        }
        let mut tokens = Vec::with_capacity(text.len() / 4 + 1);
        self.pipeline.encode_into(text, &self.options, &mut tokens).map_err(failed)?;
        Ok(tokens.into_iter().map(PipelineToken::id).collect())
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
            let aligned = align::normalize(self.pipeline.get_normalizers(), &text[range.clone()], range.start)?;
            for (range, id) in self.cut_at_added_tokens(&aligned.text, true) {
                if let Some(id) = id {
                    push(id, aligned.origin(range));
                    continue;
                }
                for (word, id) in self.words(&aligned.text[range.clone()])? {
                    push(id, aligned.origin(range.start + word.start..range.start + word.end));
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
        self.pipeline.decode_tokens(&[id], false).pop().unwrap_or_default()
    }

    /// Cuts `text` at the added tokens that it spells out (`[SEP]`, say): the byte range of each piece, and its id where
    /// it is such a token.
    fn cut_at_added_tokens(&self, text: &str, normalized: bool) -> Vec<(Range<usize>, Option<u32>)> {
        let added = self.pipeline.get_added_vocabulary();
        let mut pieces = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let next = added.extract_next(text.as_bytes(), at, normalized, self.options.encode_special_tokens);
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

    /// The WordPiece tokens of a normalized piece: the byte range of each in `piece`, and its id.
    fn words(&self, piece: &str) -> Result<Vec<(Range<usize>, u32)>> {
        let (mut scratch, mut spans) = (PreTokenizerScratch::default(), Vec::new());
        let cut = if punctuation::differs(piece) { &punctuation::stand_in(piece) } else { piece };
        self.pipeline.get_pre_tokenizer().pre_tokenize(cut, &mut scratch, &mut spans).map_err(failed)?;
        let model = self.pipeline.get_model();
        let (mut scratch, mut ids) = (model.init_scratch(), Vec::new());
        let mut tokens = Vec::new();
        for span in spans {
            let word = span.range();
            ids.clear();
            model.tokenize_pipeline(&piece[word.clone()], &mut scratch, &mut ids).map_err(failed)?;
            let mut at = word.start;
            for (i, id) in ids.iter().map(|token| token.id()).enumerate() {
                let prefix = if i == 0 { 0 } else { self.continuing_prefix.len() };
                // The unknown token stands for its whole word, whatever its own name is.
                let rest = self.token(id).len().saturating_sub(prefix);
                let end = if ids.len() == 1 { word.end } else { (at + rest).min(word.end) };
                tokens.push((at..end, id));
                at = end;
            }
        }
        Ok(tokens)
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

fn beyond(id: u64, rows: usize) -> Error {
    invalid(format!(
        "has the id {id}, but the model's embedding has {rows} rows: tokenizer.json and config.json must be of one model."
    ))
}

/// Every id of the vocabulary and the added tokens has a row in the embedding, and the unknown token has an id: else
/// the first strange word of a user would show that it lacks one.
fn check_ids(file: &Value, rows: usize) -> Result<()> {
    let vocabulary = file["model"]["vocab"].as_object().ok_or_else(|| invalid("has no vocabulary: take it whole."))?;
    let unknown = file["model"]["unk_token"].as_str().unwrap_or_default();
    if !vocabulary.contains_key(unknown) {
        return Err(invalid(format!("has the unknown token {unknown:?}, which its vocabulary lacks: take it whole.")));
    }
    let added = file["added_tokens"].as_array().into_iter().flatten().map(|token| &token["id"]);
    for id in vocabulary.values().chain(added) {
        match id.as_u64() {
            Some(id) if (id as usize) < rows && id <= u64::from(u32::MAX) => {}
            Some(id) => return Err(beyond(id, rows)),
            None => return Err(invalid("has an id that is no whole number: take it as it was saved.")),
        }
    }
    Ok(())
}

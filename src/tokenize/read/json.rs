//! `tokenizer.json`: the parts that matter here, read and checked. Padding is not read, and truncation only
//! for its length, for static embeddings: cutting is a separate step here, nothing is padded, and hostile
//! values have no effect. `scan` reads the vocabulary and the merges; the other stages, which are small, are
//! read as trees.

use super::super::added::AddedToken;
use super::super::frame::Frame;
use super::super::model::{Bpe, BpeOptions, Flaw, MAX_TOKEN_BYTES, Merges, Model, Unigram, WordPiece};
use super::super::normalize::{Normalizer, Precompiled};
use super::super::split::PreTokenizer;
use super::super::{FILE, invalid_in, unsupported, unsupported_in};
use super::scan::{self, Scanned};
use super::stage::Stage;
use super::vocabulary::FileVocabulary;
use crate::error::{Error, Result};
use crate::json::start_of;
use serde::Deserialize;
use serde_json::Value;

/// A `tokenizer.json` whose stages are not yet assembled.
#[derive(Deserialize)]
pub struct File {
    normalizer: Option<Value>,
    pre_tokenizer: Option<Value>,
    post_processor: Option<Value>,
    /// The model.
    pub model: FileModel,
    #[serde(default)]
    added_tokens: Vec<Added>,
    truncation: Option<Value>,
}

/// The model, with the fields of all kinds.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct FileModel {
    /// Its kind; old files don't have it.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Its tokens.
    pub vocab: Option<FileVocabulary>,
    /// The token for text that has no other.
    pub unk_token: Option<String>,
    /// The prefix of a token that continues a word.
    pub continuing_subword_prefix: Option<String>,
    /// The maximum characters of a word.
    pub max_input_chars_per_word: Option<usize>,
    /// Pairs of tokens that are merged into one.
    pub merges: Option<Merges>,
    /// The suffix of a word's last character.
    pub end_of_word_suffix: Option<String>,
    /// Whether adjacent unknown characters are one token.
    pub fuse_unk: Option<bool>,
    /// Whether unknown characters become tokens of their bytes.
    pub byte_fallback: Option<bool>,
    /// Whether a word that is a token needs no merges.
    pub ignore_merges: Option<bool>,
    /// The index of the unknown token in a list of tokens and scores.
    pub unk_id: Option<usize>,
    /// The file's name, if not `tokenizer.json`.
    #[serde(skip)]
    pub name: Option<&'static str>,
}

/// The fields to check if the file can't be read: a model of another kind has other fields.
#[derive(Deserialize)]
struct Kinds {
    model: Option<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "type")]
    name: Option<String>,
}

#[derive(Deserialize)]
struct Added {
    id: u32,
    content: String,
    #[serde(default)]
    single_word: bool,
    #[serde(default)]
    lstrip: bool,
    #[serde(default)]
    rstrip: bool,
    #[serde(default)]
    normalized: bool,
    #[serde(default)]
    special: bool,
}

impl File {
    /// Reads the file.
    ///
    /// # Errors
    /// [`crate::ErrorKind::TokenizerInvalid`], [`crate::ErrorKind::TokenizerUnsupported`], [`crate::ErrorKind::NotAModel`].
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        match Self::scanned(bytes) {
            Some(file) => Ok(file),
            None => Self::parsed(bytes),
        }
    }

    /// Reads the file if its vocabulary has the form that nearly all files use.
    fn scanned(bytes: &[u8]) -> Option<Self> {
        let Scanned { vocabulary, merges, rest } = scan::tokenizer(bytes)?;
        let mut file: Self = serde_json::from_str(&rest).ok()?;
        file.model.vocab = Some(vocabulary);
        file.model.merges = merges;
        Some(file)
    }

    /// Reads any file.
    fn parsed(bytes: &[u8]) -> Result<Self> {
        let text = FILE.text(bytes)?;
        serde_json::from_str(text).map_err(|error| {
            let kinds = serde_json::from_str::<Kinds>(text);
            match kinds.ok().and_then(|kinds| kinds.model?.name) {
                Some(kind) if !KINDS.contains(&kind.as_str()) => unsupported_model(&kind),
                _ => FILE.broken(&error),
            }
        })
    }

    /// The maximum number of tokens per text, if the file truncates.
    pub fn truncation(&self) -> Option<usize> {
        self.truncation.as_ref()?.get("max_length")?.as_u64()?.try_into().ok()
    }

    /// The added tokens, in the order of their ids, which are all below `rows`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::TokenizerInvalid`]
    pub fn added(&mut self, rows: usize) -> Result<Vec<AddedToken>> {
        let mut added = std::mem::take(&mut self.added_tokens);
        crate::order::sort_by_key(&mut added, |token| token.id);
        check_ids(FILE.name, added.iter().map(|token| token.id), rows)?;
        let token = |token: Added| AddedToken {
            content: token.content,
            single_word: token.single_word,
            lstrip: token.lstrip,
            rstrip: token.rstrip,
            normalized: token.normalized,
            special: token.special,
        };
        Ok(added.into_iter().map(token).collect())
    }

    /// The character map of the normalizer, or of one in a sequence.
    ///
    /// # Errors
    /// The errors of [`Precompiled::read`].
    pub fn map(&self) -> Result<Option<Precompiled>> {
        let Some(normalizer) = &self.normalizer else { return Ok(None) };
        let one = std::slice::from_ref(normalizer);
        let all = normalizer.get("normalizers").and_then(Value::as_array).map_or(one, Vec::as_slice);
        let map = all.iter().find(|stage| stage.get("type").is_some_and(|kind| kind == "Precompiled"));
        map.map(|stage| Precompiled::read(&Stage::new("normalizer", stage)?)).transpose()
    }

    /// The normalizer.
    ///
    /// # Errors
    /// The errors of [`Normalizer::read`].
    pub fn normalizer(&self) -> Result<Normalizer> {
        stage("normalizer", self.normalizer.as_ref(), Normalizer::read).map(|it| it.unwrap_or(Normalizer::NONE))
    }

    /// The pre-tokenizer.
    ///
    /// # Errors
    /// The errors of [`PreTokenizer::read`].
    pub fn pre_tokenizer(&self) -> Result<PreTokenizer> {
        stage("pre_tokenizer", self.pre_tokenizer.as_ref(), PreTokenizer::read)
            .map(|it| it.unwrap_or(PreTokenizer::NONE))
    }

    /// The frame.
    ///
    /// # Errors
    /// The errors of [`Frame::read`].
    pub fn frame(&self) -> Result<Frame> {
        stage("post_processor", self.post_processor.as_ref(), Frame::read).map(Option::unwrap_or_default)
    }
}

fn stage<T>(part: &'static str, value: Option<&Value>, read: impl Fn(&Stage) -> Result<T>) -> Result<Option<T>> {
    value.filter(|value| !value.is_null()).map(|value| read(&Stage::new(part, value)?)).transpose()
}

/// The supported kinds of models.
const KINDS: [&str; 3] = ["WordPiece", "BPE", "Unigram"];

fn unsupported_model(kind: &str) -> Error {
    unsupported(format!(
        "has a model of type {:?}: {} are supported. Use a checkpoint of a supported model type with its own \
         tokenizer.json.",
        start_of(kind),
        KINDS.join(", ")
    ))
}

/// Checks that every id has a row in the embedding.
///
/// # Errors
/// [`crate::ErrorKind::TokenizerInvalid`]
pub fn check_ids(file: &str, mut ids: impl Iterator<Item = u32>, rows: usize) -> Result<()> {
    match ids.find(|id| *id as usize >= rows) {
        Some(id) => {
            let rows = format_args!("the model's embedding has {rows} rows");
            Err(invalid_in(
                file,
                format_args!("has the id {id}, but {rows}: {file} and config.json must be from the same model."),
            ))
        }
        None => Ok(()),
    }
}

impl FileModel {
    /// Builds the model; its ids must all be below `rows`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::TokenizerInvalid`], [`crate::ErrorKind::TokenizerUnsupported`].
    pub fn build(self, rows: usize) -> Result<Model> {
        let file = self.name.unwrap_or(FILE.name);
        let none = || invalid_in(file, "has no vocabulary: use the original file.");
        let FileVocabulary { tokens, scores } = self.vocab.ok_or_else(none)?;
        check_ids(file, tokens.ids(), rows)?;
        let kind = self.kind.as_deref().unwrap_or(match (&scores, &self.merges) {
            (Some(_), _) => "Unigram",
            (None, Some(_)) => "BPE",
            (None, None) => "WordPiece",
        });
        let unknown = self.unk_token;
        let named = unknown.clone();
        let model = match (kind, scores) {
            ("WordPiece", None) => {
                let prefix = self.continuing_subword_prefix.as_deref().unwrap_or("##");
                let longest_word = self.max_input_chars_per_word.unwrap_or(100);
                WordPiece::new(tokens, unknown.as_deref().unwrap_or("[UNK]"), prefix, longest_word)
                    .map(Model::WordPiece)
            }
            ("BPE", None) => {
                let options = BpeOptions {
                    unknown,
                    fuse_unknown: self.fuse_unk.unwrap_or_default(),
                    byte_fallback: self.byte_fallback.unwrap_or_default(),
                    ignore_merges: self.ignore_merges.unwrap_or_default(),
                    prefix: self.continuing_subword_prefix.unwrap_or_default(),
                    suffix: self.end_of_word_suffix.unwrap_or_default(),
                };
                Bpe::new(tokens, &self.merges.unwrap_or_default(), options).map(Model::Bpe)
            }
            ("Unigram", Some(scores)) => {
                let byte_fallback = self.byte_fallback.unwrap_or_default();
                Unigram::new(tokens, scores, self.unk_id, byte_fallback).map(Model::Unigram)
            }
            _ if !KINDS.contains(&kind) => return Err(unsupported_model(kind)),
            _ => {
                let wants =
                    if kind == "Unigram" { "a list of tokens and scores" } else { "an object of tokens and ids" };
                let message = format!("has a {kind} model whose vocabulary is not {wants}: use the original file.");
                return Err(invalid_in(file, message));
            }
        };
        model.map_err(|flaw| error_of(file, flaw, named.as_deref()))
    }
}

/// The error for a flaw. The unknown token must have an id: otherwise, the first unknown word of a user would
/// reveal that it lacks one.
fn error_of(file: &str, flaw: Flaw, unknown: Option<&str>) -> Error {
    let invalid = |message: String| invalid_in(file, message);
    match flaw {
        Flaw::NoUnknown => match unknown {
            Some(token) => invalid(format!(
                "has the unknown token {:?}, which its vocabulary lacks: use the original file.",
                start_of(token)
            )),
            None => invalid("has no unknown token (unk_id) in its vocabulary: use the original file.".into()),
        },
        Flaw::LongToken(bytes) => {
            unsupported_in(file, format!("has a token of {bytes} bytes: at most {MAX_TOKEN_BYTES} are supported."))
        }
        Flaw::UnknownMerge(token) => invalid(format!(
            "has a merge of {:?}, which its vocabulary lacks: use the vocabulary and the merges of the same model.",
            start_of(&token)
        )),
        Flaw::Score(token) => {
            invalid(format!("has a score of token {token} that is not finite: use the original file."))
        }
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;

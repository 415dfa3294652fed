//! `tokenizer.json`: what of it matters here, read and checked.
//!
//! Truncation and padding are not read at all: cutting is a step of its own here, nothing is ever padded, and hostile
//! values there reach nobody. The vocabulary is read as it streams by; the other stages, which are small, as trees.

use super::super::added::AddedToken;
use super::super::frame::Frame;
use super::super::model::{Flaw, MAX_TOKEN_BYTES, Model, Vocabulary, WordPiece};
use super::super::normalize::Normalizer;
use super::super::split::PreTokenizer;
use super::super::{FILE, invalid, unsupported};
use super::stage::Stage;
use super::vocabulary::FileVocabulary;
use crate::error::{Error, Result};
use crate::json::start_of;
use serde::Deserialize;
use serde_json::Value;

/// A `tokenizer.json`, its stages not yet assembled.
#[derive(Deserialize)]
pub struct File {
    normalizer: Option<Value>,
    pre_tokenizer: Option<Value>,
    post_processor: Option<Value>,
    /// The model.
    pub model: FileModel,
    #[serde(default)]
    added_tokens: Vec<Added>,
}

/// The model, with the fields of all kinds.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct FileModel {
    /// Its kind; files of old have none.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Its tokens.
    pub vocab: Option<FileVocabulary>,
    /// The token for what no other stands for.
    pub unk_token: Option<String>,
    /// What a token that continues a word begins with.
    pub continuing_subword_prefix: Option<String>,
    /// The most characters of a word.
    pub max_input_chars_per_word: Option<usize>,
}

/// What is looked at where the file is not as it should be: a model of another kind has other fields.
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
        let text = FILE.text(bytes)?;
        serde_json::from_str(text).map_err(|error| {
            let kinds = serde_json::from_str::<Kinds>(text);
            match kinds.ok().and_then(|kinds| kinds.model?.name) {
                Some(kind) if !KINDS.contains(&kind.as_str()) => unsupported_model(&kind),
                _ => FILE.broken(&error),
            }
        })
    }

    /// The added tokens, in the order of their ids, all of which are below `rows`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::TokenizerInvalid`]
    pub fn added(&mut self, rows: usize) -> Result<Vec<AddedToken>> {
        let mut added = std::mem::take(&mut self.added_tokens);
        added.sort_by_key(|token| token.id);
        check_ids(added.iter().map(|token| token.id), rows)?;
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

    /// The normalizer.
    ///
    /// # Errors
    /// Those of [`Normalizer::read`].
    pub fn normalizer(&self) -> Result<Normalizer> {
        stage("normalizer", self.normalizer.as_ref(), Normalizer::read).map(|it| it.unwrap_or(Normalizer::NONE))
    }

    /// The pre-tokenizer.
    ///
    /// # Errors
    /// Those of [`PreTokenizer::read`].
    pub fn pre_tokenizer(&self) -> Result<PreTokenizer> {
        stage("pre_tokenizer", self.pre_tokenizer.as_ref(), PreTokenizer::read)
            .map(|it| it.unwrap_or(PreTokenizer::NONE))
    }

    /// The frame.
    ///
    /// # Errors
    /// Those of [`Frame::read`].
    pub fn frame(&self) -> Result<Frame> {
        stage("post_processor", self.post_processor.as_ref(), Frame::read).map(Option::unwrap_or_default)
    }
}

fn stage<T>(part: &'static str, value: Option<&Value>, read: impl Fn(&Stage) -> Result<T>) -> Result<Option<T>> {
    value.filter(|value| !value.is_null()).map(|value| read(&Stage::new(part, value)?)).transpose()
}

/// The kinds of models.
const KINDS: [&str; 1] = ["WordPiece"];

fn unsupported_model(kind: &str) -> Error {
    unsupported(format!(
        "has a model of type {:?}: {} are supported. Take a checkpoint of one of the supported model types with its own \
         tokenizer.json.",
        start_of(kind),
        KINDS.join(", ")
    ))
}

/// Every id has a row in the embedding.
///
/// # Errors
/// [`crate::ErrorKind::TokenizerInvalid`]
pub fn check_ids(mut ids: impl Iterator<Item = u32>, rows: usize) -> Result<()> {
    match ids.find(|id| *id as usize >= rows) {
        Some(id) => Err(invalid(format!(
            "has the id {id}, but the model's embedding has {rows} rows: tokenizer.json and config.json must be of one \
             model."
        ))),
        None => Ok(()),
    }
}

impl FileModel {
    /// The model, whose ids are all below `rows`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::TokenizerInvalid`], [`crate::ErrorKind::TokenizerUnsupported`].
    pub fn build(self, rows: usize) -> Result<Model> {
        let kind = self.kind.as_deref().unwrap_or("WordPiece");
        if !KINDS.contains(&kind) {
            return Err(unsupported_model(kind));
        }
        let vocabulary = self.vocab.ok_or_else(|| invalid("has no vocabulary: take the file as it was saved."))?;
        check_ids(vocabulary.tokens.ids(), rows)?;
        if vocabulary.scores.is_some() {
            return Err(invalid(format!("has a {kind} model with scores: take the file as it was saved.")));
        }
        word_piece(
            vocabulary.tokens,
            self.unk_token.as_deref().unwrap_or("[UNK]"),
            self.continuing_subword_prefix.as_deref().unwrap_or("##"),
            self.max_input_chars_per_word.unwrap_or(100),
        )
    }
}

/// A WordPiece model. The unknown token must have an id: else the first strange word of a user would show that it lacks one.
///
/// # Errors
/// [`crate::ErrorKind::TokenizerInvalid`], [`crate::ErrorKind::TokenizerUnsupported`].
pub fn word_piece(vocabulary: Vocabulary, unknown: &str, prefix: &str, longest_word: usize) -> Result<Model> {
    WordPiece::new(vocabulary, unknown, prefix, longest_word).map(Model::WordPiece).map_err(|flaw| match flaw {
        Flaw::NoUnknown => invalid(format!(
            "has the unknown token {:?}, which its vocabulary lacks: take it whole.",
            start_of(unknown)
        )),
        Flaw::LongToken(bytes) => {
            unsupported(format!("has a token of {bytes} bytes: at most {MAX_TOKEN_BYTES} are supported."))
        }
    })
}

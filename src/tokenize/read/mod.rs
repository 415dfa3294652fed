//! Reads and checks a tokenizer's files: `tokenizer.json` (`json`; its stages: `stage`; its vocabulary:
//! `scan` and, in other forms, `vocabulary` and `merges`) and `tokenizer_config.json` (`config`), the class
//! of transformers that reads them (`class`), and the files of repositories without a `tokenizer.json`
//! (`vocabulary_files`, `sentencepiece`).

mod base64;
mod class;
mod config;
mod json;
mod merges;
mod scan;
mod sentencepiece;
mod stage;
mod vocabulary;
mod vocabulary_files;

use super::added::{Added, AddedToken};
use super::frame::Frame;
use super::normalize::Precompiled;
use crate::error::{Error, ErrorKind, Result};
use crate::json::start_of;
pub use base64::base64;
pub use class::Stages;
use class::{Class, ModelConfig};
use config::TokenizerConfig;
use json::File;
use sentencepiece::SentencePiece;
pub use stage::Stage;

/// The files of a tokenizer, if they exist.
#[derive(Clone, Copy, Default)]
pub struct TokenizerFiles<'a> {
    /// The model's `config.json`: it names the class of the tokenizer, or the model's type, which implies
    /// one.
    pub model_config: Option<&'a [u8]>,
    /// `tokenizer.json`
    pub tokenizer_json: Option<&'a [u8]>,
    /// `vocab.txt`, or `vocab.json`.
    pub vocab: Option<&'a [u8]>,
    /// `merges.txt`
    pub merges: Option<&'a [u8]>,
    /// `sentencepiece.bpe.model`, under any name.
    pub sentencepiece: Option<&'a [u8]>,
    /// `tokenizer_config.json`
    pub config: Option<&'a [u8]>,
    /// `special_tokens_map.json`
    pub special_tokens_map: Option<&'a [u8]>,
    /// `added_tokens.json`
    pub added_tokens: Option<&'a [u8]>,
}

/// The stages of a tokenizer.
pub struct Parts {
    /// The normalizer, the pre-tokenizer and the model, whose ids all have a row.
    pub stages: Stages,
    /// Tokens that are found in a text before it is split into words.
    pub added: Added,
    /// The frame.
    pub frame: Frame,
    /// The maximum number of tokens per text, including special ones, if a file sets one.
    pub max_length: Option<usize>,
    /// Settings of the files that are ignored.
    pub warnings: Vec<String>,
    /// The length to which `tokenizer.json` truncates. No class of transformers uses it.
    pub truncation: Option<usize>,
}

impl TokenizerFiles<'_> {
    /// Assembles a tokenizer for a word embedding of `rows` rows.
    ///
    /// # Errors
    /// [`crate::ErrorKind::TokenizerInvalid`], [`crate::ErrorKind::TokenizerUnsupported`], [`crate::ErrorKind::NotAModel`].
    pub fn read(&self, rows: usize) -> Result<Parts> {
        let model_config = self.model_config.map(ModelConfig::from_json).transpose()?.unwrap_or_default();
        let config = TokenizerConfig::read(self, &model_config)?;
        let types = config.types;
        let mut parts = match self.tokenizer_json {
            Some(bytes) => self.of_file(File::from_json(bytes)?, config, rows)?,
            None => self.of_vocabulary(config, rows)?,
        };
        if !types {
            parts.frame.drop_types();
        }
        Ok(parts)
    }

    fn of_file(&self, mut file: File, config: TokenizerConfig, rows: usize) -> Result<Parts> {
        let TokenizerConfig { max_length, class, listed, added: older, mut special, mut warnings, .. } = config;
        let mut added = file.added(rows)?;
        let truncation = file.truncation();
        // tokenizer.json counts more than the defaults for a missing tokenizer_config.json.
        if self.config.is_none() {
            special.clear();
        }
        let (class, other) = match class.filter(|_| self.config.is_some()) {
            Some((class, settings)) if class.takes(&file.model) => (Some((class, settings)), None),
            other => (None, other),
        };
        if let Some((class, _)) = other {
            warnings.push(format!(
                "tokenizer_config.json or config.json asks for {}, but tokenizer.json has a model of another kind: \
                 tokenizer.json counts.",
                class.name()
            ));
        }
        let Some((class, settings)) = class else {
            added.extend(listed.unwrap_or(older));
            let frame = file.frame()?;
            json::check_ids(super::FILE.name, frame.ids(), rows)?;
            let (normalizer, pre_tokenizer) = (file.normalizer()?, file.pre_tokenizer()?);
            let stages = Stages { normalizer, pre_tokenizer, model: file.model.build(rows)? };
            let added = numbered(&stages, added, special, rows)?;
            return Ok(Parts { stages, added, frame, max_length, warnings, truncation });
        };
        if settings.further.is_none() {
            special.extend(class.further_tokens());
        }
        let map = file.map()?;
        let stages = class.make(&settings, file.model, map, rows)?;
        let added = listed.unwrap_or_else(|| [older, added].concat());
        let added = numbered(&stages, added, special, rows)?;
        let frame = class.frame(&settings, |token| id_of(&stages, &added, token))?;
        Ok(Parts { stages, added, frame, max_length, warnings, truncation })
    }

    fn of_vocabulary(&self, config: TokenizerConfig, rows: usize) -> Result<Parts> {
        let TokenizerConfig { max_length, class, listed, added, mut special, warnings, .. } = config;
        let Some((class, settings)) = class else {
            return Err(missing(
                "and neither tokenizer_config.json nor config.json names a class that works without \
             it",
            ));
        };
        let (model, map) = match class {
            Class::Bert | Class::MpNet => {
                (vocabulary_files::word_piece(self.vocab.ok_or_else(|| missing("and no vocab.txt"))?)?, None)
            }
            Class::Roberta => {
                let files = self.vocab.zip(self.merges);
                let (vocab, merges) = files.ok_or_else(|| missing("and no vocab.json with merges.txt"))?;
                (vocabulary_files::byte_pairs(vocab, merges)?, None)
            }
            Class::XlmRoberta | Class::Camembert | Class::DebertaV2 => {
                let bytes = self
                    .sentencepiece
                    .ok_or_else(|| missing("and no sentencepiece.bpe.model, spm.model or spiece.model"))?;
                let file = SentencePiece::read(bytes)?;
                if settings.further.is_none() {
                    let token = |(content, special)| AddedToken { special, ..config::special_of(content) };
                    special.extend(file.added().map(token));
                }
                let map = Some(file.map).filter(|map| !map.is_empty());
                let map = map.map(|map| Precompiled::from_bytes(sentencepiece::NAME, map)).transpose()?;
                (file.model(class, &settings), map)
            }
        };
        let stages = class.make(&settings, model, map, rows)?;
        let added = numbered(&stages, listed.unwrap_or(added), special, rows)?;
        let frame = class.frame(&settings, |token| id_of(&stages, &added, token))?;
        Ok(Parts { stages, added, frame, max_length, warnings, truncation: None })
    }
}

fn missing(what: &str) -> Error {
    let message = format!("There is no tokenizer.json, {what}: add the tokenizer's files that belong to the weights.");
    Error::new(ErrorKind::TokenizerInvalid, message)
}

fn numbered(stages: &Stages, added: Vec<AddedToken>, special: Vec<AddedToken>, rows: usize) -> Result<Added> {
    // A token may be anywhere in a text, so its form is not the one at a text's start.
    let form = |token: &str| {
        let mut text = super::Text::new(token, 1, false);
        stages.normalizer.apply(&mut text)?;
        Ok(text.as_str().to_owned())
    };
    Added::new(added, special, stages.model.len(), rows, |token| stages.model.tokens().id(token), form)
}

fn id_of(stages: &Stages, added: &Added, token: &str) -> Result<u32> {
    let beyond = || {
        let place = added.beyond_vocabulary.iter().position(|other| other == token)?;
        Some((stages.model.len() + place) as u32)
    };
    stages.model.tokens().id(token).or_else(beyond).ok_or_else(|| {
        let token = start_of(token);
        let message = format!("The tokenizer has no token {token:?}, which frames a text: use its original files.");
        Error::new(ErrorKind::TokenizerInvalid, message)
    })
}

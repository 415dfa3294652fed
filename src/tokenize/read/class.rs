//! Which class of transformers' reads a tokenizer, and what that class makes of its files.
//!
//! Most classes take of `tokenizer.json` the vocabulary and the added tokens alone, and the rest from `tokenizer_config.json`.

use super::super::frame::Frame;
use super::super::invalid;
use super::super::model::Model;
use super::super::normalize::{self, Normalizer};
use super::super::split::{self, PreTokenizer};
use super::json::{self, File};
use crate::error::{ErrorKind, Result};
use crate::json::{JsonFile, start_of};

/// What a model's `config.json` says of its tokenizer.
#[derive(Clone, Debug, Default)]
pub struct Described {
    /// The class that it names.
    pub class: Option<String>,
}

impl Described {
    /// Reads the file.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`], [`ErrorKind::NotAModel`].
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        let fields = JsonFile { name: "config.json", kind: ErrorKind::ConfigInvalid }.object(bytes)?;
        let text = |name: &str| fields.get(name).and_then(|value| value.as_str()).map(str::to_owned);
        Ok(Self { class: text("tokenizer_class") })
    }
}

/// The classes that build BERT's tokenizer anew.
const BUILT_ANEW: [&str; 2] = ["BertTokenizer", "DistilBertTokenizer"];

/// Whether the class builds BERT's tokenizer anew. Of a DistilBERT model that names no class Python takes BertTokenizer.
pub fn builds_anew(named: Option<&str>, described: &Described) -> bool {
    let class = named.or(described.class.as_deref()).unwrap_or(BUILT_ANEW[0]);
    BUILT_ANEW.contains(&class.strip_suffix("Fast").unwrap_or(class))
}

/// What a class that builds BERT's tokenizer anew does not take from `tokenizer.json`.
pub struct Anew {
    /// BERT's normalization.
    pub normalizer: normalize::Bert,
    /// The unknown token.
    pub unknown: String,
    /// The token before a text.
    pub cls: String,
    /// The token after a text.
    pub sep: String,
}

impl Anew {
    /// The stages.
    ///
    /// # Errors
    /// [`ErrorKind::TokenizerInvalid`], [`ErrorKind::TokenizerUnsupported`].
    pub fn build(self, file: File, rows: usize) -> Result<(Normalizer, PreTokenizer, Model, Frame)> {
        let model = json::FileModel { vocab: file.model.vocab, unk_token: Some(self.unknown), ..Default::default() };
        let model = model.build(rows)?;
        let id = |token: &str| {
            let id = model.tokens().id(token);
            id.ok_or_else(|| {
                invalid(format!("has no token {:?}, which frames a text: take it whole.", start_of(token)))
            })
        };
        let frame = Frame::bert(id(&self.cls)?, id(&self.sep)?);
        Ok((Normalizer::Bert(self.normalizer), PreTokenizer::Bert(split::Bert::default()), model, frame))
    }
}

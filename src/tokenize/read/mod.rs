//! A tokenizer's files, read and checked: `tokenizer.json` (`json`, its stages `stage`, its vocabulary `vocabulary`) beside
//! `tokenizer_config.json` (`config`), and which class of transformers' makes what of them (`class`).

mod base64;
mod class;
mod config;
mod json;
mod merges;
mod stage;
mod vocabulary;

use super::added::{Added, AddedToken};
use super::frame::Frame;
use super::model::Model;
use super::normalize::Normalizer;
use super::split::PreTokenizer;
use crate::error::Result;
pub use base64::base64;
pub use class::Described;
use config::TokenizerConfig;
pub use stage::Stage;

/// The files of a tokenizer, as far as there are any.
#[derive(Clone, Copy, Default)]
pub struct TokenizerFiles<'a> {
    /// `config.json`, of the model: it names the class of the tokenizer, or the model's type, which has one.
    pub model_config: Option<&'a [u8]>,
    /// `tokenizer.json`
    pub tokenizer_json: Option<&'a [u8]>,
    /// `tokenizer_config.json`
    pub config: Option<&'a [u8]>,
}

/// The stages of a tokenizer.
pub struct Parts {
    /// The normalizer.
    pub normalizer: Normalizer,
    /// The pre-tokenizer.
    pub pre_tokenizer: PreTokenizer,
    /// The model, whose ids all have a row.
    pub model: Model,
    /// Tokens that are found in a text before it is cut into words.
    pub added: Added,
    /// The frame.
    pub frame: Frame,
    /// The most tokens of a text, special ones included, where a file names a bound.
    pub max_length: Option<usize>,
    /// What of the files is not followed.
    pub warnings: Vec<String>,
}

impl TokenizerFiles<'_> {
    /// Assembles a tokenizer for a word embedding of `rows` rows.
    ///
    /// # Errors
    /// [`crate::ErrorKind::TokenizerInvalid`], [`crate::ErrorKind::TokenizerUnsupported`], [`crate::ErrorKind::NotAModel`].
    pub fn read(&self, rows: usize) -> Result<Parts> {
        let described = self.model_config.map(Described::from_json).transpose()?.unwrap_or_default();
        let config = self.config.map(|bytes| TokenizerConfig::from_json(bytes, &described)).transpose()?;
        let mut file = json::File::from_json(self.tokenizer_json.unwrap_or_default())?;
        let mut added = file.added(rows)?;
        let TokenizerConfig { max_length, anew, added: listed, special, warnings } = config.unwrap_or_default();
        match listed {
            Some(listed) if anew.is_some() => added = listed,
            Some(listed) => added.extend(listed),
            None => {}
        }
        let (normalizer, pre_tokenizer, model, frame) = match anew {
            None => {
                let (normalizer, pre_tokenizer, frame) = (file.normalizer()?, file.pre_tokenizer()?, file.frame()?);
                (normalizer, pre_tokenizer, file.model.build(rows)?, frame)
            }
            Some(anew) => anew.build(file, rows)?,
        };
        json::check_ids(frame.ids(), rows)?;
        // A token may stand anywhere in a text: its form is not that of a text's start.
        let form = |token: &str| {
            let mut text = super::Text::new(token, 1, false);
            normalizer.apply(&mut text)?;
            Ok(text.as_str().to_owned())
        };
        let special = special.into_iter().filter(|token| model.tokens().id(&token.content).is_some());
        let added = Added::new(all_of(added, special), model.len(), rows, |token| model.tokens().id(token), form)?;
        Ok(Parts { normalizer, pre_tokenizer, model, added, frame, max_length, warnings })
    }
}

/// The added tokens, and the special ones that are not among them. Python adds those that the vocabulary lacks, too; beyond the
/// embedding they would have no row.
fn all_of(mut added: Vec<AddedToken>, special: impl Iterator<Item = AddedToken>) -> Vec<AddedToken> {
    for token in special {
        if added.iter().all(|other| other.content != token.content) {
            added.push(token);
        }
    }
    added
}

//! A tokenizer and a model that belong together: text in, labelled scores out.
//!
//! Not here: where files come from, clocks, JavaScript (`web`).

use crate::backend::{Backend, Precision};
use crate::batch::{PackedBatch, micro_batches};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::head;
use crate::model::Model;
use crate::model::load::{Dtype, Loaded, ModelLoader};
use crate::tokenize::{Encoding, Tokenizer};
use crate::weights::header::Header;

/// A classifier on its way in: its configuration and tokenizer are there, its weights are streaming.
pub struct Loader<B: Backend> {
    tokenizer: Tokenizer,
    weights: ModelLoader<B>,
}

impl<B: Backend> Loader<B> {
    /// Reads `config.json` and `tokenizer.json`. `announced`: the weights' length in bytes, where it is known.
    ///
    /// # Errors
    /// Those of [`Config::from_json`], [`Tokenizer::from_json`] and [`Dtype::from_name`];
    /// [`ErrorKind::TokenizerInvalid`] where the tokenizer's frame leaves no room for a text.
    pub fn new(backend: B, config: &[u8], tokenizer: &[u8], dtype: &str, announced: Option<usize>) -> Result<Self> {
        let config = Config::from_json(config)?;
        let dtype = Dtype::from_name(dtype)?;
        let tokenizer = Tokenizer::from_json(tokenizer, config.vocabulary)?;
        if tokenizer.special_tokens() >= config.max_tokens {
            return Err(Error::new(
                ErrorKind::TokenizerInvalid,
                format!(
                    "tokenizer.json frames a text with {} special tokens, but the model takes {} tokens in all: \
                     tokenizer.json and config.json must be of one model.",
                    tokenizer.special_tokens(),
                    config.max_tokens
                ),
            ));
        }
        Ok(Self { tokenizer, weights: ModelLoader::new(backend, config, dtype, announced) })
    }

    /// Takes the weights' next bytes.
    ///
    /// # Errors
    /// Those of [`ModelLoader::push`].
    pub fn push(&mut self, chunk: &[u8]) -> Result<()> {
        self.weights.push(chunk)
    }

    /// [`ModelLoader::precision`]
    pub fn precision(&self) -> Option<Precision> {
        self.weights.precision()
    }

    /// The header of the weights' file, once it is there.
    pub fn header(&self) -> Option<&Header> {
        self.weights.header()
    }

    /// The classifier.
    ///
    /// # Errors
    /// Those of [`ModelLoader::finish`].
    pub fn finish(self) -> Result<Classifier<B>> {
        let (model, backend, loaded) = self.weights.finish()?;
        Ok(Classifier { tokenizer: self.tokenizer, model, backend, loaded })
    }
}

/// A classifier, ready.
pub struct Classifier<B: Backend> {
    tokenizer: Tokenizer,
    model: Model<B>,
    backend: B,
    loaded: Loaded,
}

impl<B: Backend> Classifier<B> {
    /// The model's configuration.
    pub fn config(&self) -> &Config {
        self.model.config()
    }

    /// The model.
    pub fn model(&self) -> &Model<B> {
        &self.model
    }

    /// What it computes on.
    pub fn backend(&self) -> &B {
        &self.backend
    }

    /// What was loaded.
    pub fn loaded(&self) -> &Loaded {
        &self.loaded
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The tokens of a text, cut to the model's length; with their offsets where asked for.
    ///
    /// # Errors
    /// [`ErrorKind::EmptyText`], [`ErrorKind::TextTooLong`].
    pub fn encode(&self, text: &str, with_offsets: bool) -> Result<Encoding> {
        let (ids, offsets) = if with_offsets {
            let (ids, offsets) = self.tokenizer.encode_with_offsets(text)?;
            (ids, Some(offsets))
        } else {
            (self.tokenizer.encode(text)?, None)
        };
        if ids.is_empty() {
            return Err(Error::new(
                ErrorKind::EmptyText,
                "The text is empty or has white space and control characters only: there is nothing to classify.",
            ));
        }
        Ok(self.tokenizer.frame(ids, offsets, self.config().max_tokens))
    }

    /// Cuts texts, in order, into the groups that one forward pass each takes.
    pub fn groups(&self, encodings: &[Encoding]) -> Vec<std::ops::Range<usize>> {
        let lengths: Vec<usize> = encodings.iter().map(|e| e.ids.len()).collect();
        micro_batches(&lengths, self.backend.token_budget())
    }

    /// The scores of each text of one group, in the order of the labels' ids.
    ///
    /// # Errors
    /// Those of [`Model::logits`].
    pub async fn scores(&self, group: &[Encoding]) -> Result<Vec<Vec<f64>>> {
        let batch = PackedBatch::new(group.iter().map(|e| e.ids.as_slice()));
        let logits = self.model.logits(&self.backend, &batch).await?;
        let config = self.config();
        Ok(logits.chunks_exact(config.labels.len()).map(|row| head::scores(row, config.scoring)).collect())
    }
}

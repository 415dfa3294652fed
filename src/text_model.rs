//! A tokenizer and its model: text in, numbers out, as the model's task needs them.
//!
//! Not here: where files come from, clocks, JavaScript (`web`).

use crate::backend::{Backend, Precision};
use crate::batch::{PackedBatch, micro_batches};
use crate::config::{Config, Task};
use crate::error::{Error, ErrorKind, Result};
use crate::head;
use crate::model::Model;
use crate::model::architecture::Architecture;
use crate::model::load::{Dtype, Loaded, ModelLoader};
use crate::tokenize::{Cut, Encoding, Tokenizer, TokenizerFiles};
use crate::weights::header::Header;

/// A model while it loads: its configuration and tokenizer are read, its weights are streaming.
pub struct Loader<B: Backend> {
    tokenizer: Tokenizer,
    max_tokens: usize,
    warnings: Vec<String>,
    weights: ModelLoader<B>,
}

impl<B: Backend> Loader<B> {
    /// Reads a classifier's `config.json` and `tokenizer.json`: [`Loader::with_files`] without further files.
    ///
    /// # Errors
    /// The errors of [`Loader::with_files`].
    pub fn new(backend: B, config: &[u8], tokenizer: &[u8], dtype: &str, announced: Option<usize>) -> Result<Self> {
        let files = TokenizerFiles { tokenizer_json: Some(tokenizer), ..TokenizerFiles::default() };
        Self::with_files(backend, Task::Classify, config, files, dtype, announced)
    }

    /// Reads `config.json` and the tokenizer's files; `config` is also used as the `model_config` of `files`.
    /// `announced`: the weights' length in bytes, if known.
    ///
    /// # Errors
    /// The errors of [`Config::for_task`], [`Tokenizer::from_files`] and [`Dtype::from_name`];
    /// [`ErrorKind::TokenizerInvalid`] if the tokenizer's frame leaves no room for a text.
    pub fn with_files(
        backend: B,
        task: Task,
        config: &[u8],
        files: TokenizerFiles,
        dtype: &str,
        announced: Option<usize>,
    ) -> Result<Self> {
        let files = TokenizerFiles { model_config: Some(config), ..files };
        let config = Config::for_task(config, task)?;
        let dtype = Dtype::from_name(dtype)?;
        let (tokenizer, max_tokens) = tokenizer_of(&config, &files)?;
        let warnings = tokenizer.warnings().to_vec();
        let most = config.max_tokens;
        let weights = ModelLoader::new(backend, config, dtype, announced);
        let mut loader = Self { tokenizer, max_tokens, warnings, weights };
        loader.limit_tokens(most)?;
        Ok(loader)
    }

    /// Cuts texts that are longer than `most` tokens.
    ///
    /// # Errors
    /// [`ErrorKind::TokenizerInvalid`] if the tokenizer's frame then leaves no room for a text.
    pub fn limit_tokens(&mut self, most: usize) -> Result<()> {
        self.max_tokens = self.max_tokens.min(most);
        let (special, most) = (self.tokenizer.special_tokens(), self.max_tokens);
        if special < most {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::TokenizerInvalid,
            format!(
                "tokenizer.json adds {special} special tokens to a text, but a text has at most {most}: the \
                 tokenizer's files and config.json must be from the same model."
            ),
        ))
    }

    /// Accepts the next bytes of the weights.
    ///
    /// # Errors
    /// The errors of [`ModelLoader::push`].
    pub fn push(&mut self, chunk: &[u8]) -> Result<()> {
        self.weights.push(chunk)
    }

    /// Ends the file. Returns the name of the next one, if the weights continue in another file next to it;
    /// its bytes are pushed next.
    ///
    /// # Errors
    /// [`ErrorKind::WeightsLength`] if bytes are missing.
    pub fn end_file(&mut self) -> Result<Option<String>> {
        self.weights.end_file()
    }

    /// [`ModelLoader::precision`]
    pub fn precision(&self) -> Option<Precision> {
        self.weights.precision()
    }

    /// The model's configuration.
    pub fn config(&self) -> &Config {
        self.weights.config()
    }

    /// The header of the weights' file, once it has arrived.
    pub fn header(&self) -> Option<&Header> {
        self.weights.header()
    }

    /// The loaded model with its tokenizer.
    ///
    /// # Errors
    /// The errors of [`ModelLoader::finish`].
    pub fn finish(self) -> Result<TextModel<B>> {
        let Self { tokenizer, max_tokens, warnings, weights } = self;
        let (model, backend, loaded) = weights.finish()?;
        // For static embeddings, only the weights tell the number of rows.
        if tokenizer.ids() > model.config().vocabulary {
            return Err(Error::new(
                ErrorKind::TokenizerInvalid,
                format!(
                    "tokenizer.json has {} tokens, but the weights have vectors for {}: both must be from the same \
                     model.",
                    tokenizer.ids(),
                    model.config().vocabulary
                ),
            ));
        }
        Ok(TextModel { tokenizer, max_tokens, warnings, model, backend, loaded })
    }
}

/// The tokenizer for a model of `config`, and the maximum number of tokens per text that its files allow.
///
/// # Errors
/// The errors of [`Tokenizer::from_files`].
pub fn tokenizer_of(config: &Config, files: &TokenizerFiles) -> Result<(Tokenizer, usize)> {
    if let Architecture::StaticEmbedding(layout) = config.architecture {
        return layout.tokenizer(files, config.max_tokens);
    }
    let tokenizer = Tokenizer::from_files(files, config.vocabulary)?;
    let max_tokens = tokenizer.max_length().unwrap_or(usize::MAX);
    Ok((tokenizer, max_tokens))
}

/// A model with its tokenizer, ready.
pub struct TextModel<B: Backend> {
    tokenizer: Tokenizer,
    max_tokens: usize,
    warnings: Vec<String>,
    model: Model<B>,
    backend: B,
    loaded: Loaded,
}

impl<B: Backend> TextModel<B> {
    /// The model's configuration.
    pub fn config(&self) -> &Config {
        self.model.config()
    }

    /// The model.
    pub fn model(&self) -> &Model<B> {
        &self.model
    }

    /// The backend that it computes on.
    pub fn backend(&self) -> &B {
        &self.backend
    }

    /// What was loaded.
    pub fn loaded(&self) -> &Loaded {
        &self.loaded
    }

    /// Settings of the configuration and the tokenizer's files that are ignored.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The tokens of a text, cut to the model's length; with their offsets if requested. A long text is read
    /// only as far as needed. A text that is empty, or has only white space and control characters, has no
    /// tokens at all.
    ///
    /// # Errors
    /// The errors of [`Tokenizer::encode_to`].
    pub fn encode(&self, text: &str, with_offsets: bool) -> Result<Encoding> {
        self.tokenizer.encode_to(text, self.max_tokens, with_offsets)
    }

    /// The tokens of a pair of texts, cut to the model's length according to `cut`.
    ///
    /// # Errors
    /// The errors of [`Tokenizer::encode_pair`]; [`ErrorKind::TokenizerUnsupported`] if the frame of a pair
    /// leaves no room for texts.
    pub fn encode_pair(&self, text: &str, pair: &str, cut: Cut, with_offsets: bool) -> Result<Encoding> {
        match self.tokenizer.special_tokens_of_pair() {
            Some(special) if special >= self.max_tokens => Err(Error::new(
                ErrorKind::TokenizerUnsupported,
                format!(
                    "A pair has {special} special tokens, but may have at most {} tokens: pass single texts.",
                    self.max_tokens
                ),
            )),
            _ => self.tokenizer.encode_pair(text, pair, cut, self.max_tokens, with_offsets),
        }
    }

    /// The encoding of a text or pair without tokens that needs labels anyway: only the special tokens.
    pub fn special_tokens_alone(&self, of_pair: bool, with_offsets: bool) -> Encoding {
        self.tokenizer.special_tokens_alone(of_pair, self.max_tokens, with_offsets)
    }

    /// The maximum number of tokens per text, including special ones: the model's positions, or fewer if
    /// `tokenizer_config.json` says so.
    pub fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    /// Splits texts, in order, into groups, one for each forward pass.
    pub fn groups(&self, encodings: &[Encoding]) -> Vec<std::ops::Range<usize>> {
        let lengths: Vec<usize> = encodings.iter().map(|e| e.ids.len()).collect();
        micro_batches(&lengths, self.backend.token_budget())
    }

    /// What the model computes for each text of one group: a classifier's L logits, an embedder's vector (D),
    /// or a tagger's T × L logits, row by row, special tokens included. Empty for a text without tokens,
    /// which takes no part in the forward pass.
    ///
    /// # Errors
    /// The errors of [`Model::outputs`].
    pub async fn outputs(&self, group: &[Encoding]) -> Result<Vec<Vec<f32>>> {
        let texts = group.iter().filter(|e| !e.ids.is_empty());
        let batch = PackedBatch::with_types(texts.map(|e| (e.ids.as_slice(), e.types.as_slice())));
        let outputs = match batch.texts() {
            0 => Vec::new(),
            _ => self.model.outputs(&self.backend, &batch).await?,
        };
        let width = self.config().output_width();
        let mut rest = outputs.as_slice();
        let mut take = |e: &Encoding| {
            let rows = if self.config().task.reads_all_rows() { e.ids.len() } else { e.ids.len().min(1) };
            let (own, others) = rest.split_at(rows * width);
            rest = others;
            own.to_vec()
        };
        Ok(group.iter().map(&mut take).collect())
    }

    /// The scores of each text of one group, in the order of the label ids; empty for a text without tokens.
    ///
    /// # Errors
    /// The errors of [`TextModel::outputs`].
    pub async fn scores(&self, group: &[Encoding]) -> Result<Vec<Vec<f64>>> {
        Ok(self.outputs(group).await?.iter().map(|logits| self.scored(logits)).collect())
    }

    /// The scores of a text's logits; empty if there are no logits.
    pub fn scored(&self, logits: &[f32]) -> Vec<f64> {
        if logits.is_empty() { Vec::new() } else { head::scores(logits, self.config().scoring) }
    }
}

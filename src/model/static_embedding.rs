//! Static embeddings: a text's vector is the mean of its tokens' vectors in a table. Tokens don't depend on each
//! other, so there are no layers.
//!
//! Source: `model2vec` 0.10, `model.py`; `sentence-transformers` 6.2, `static_embedding.py`.

use super::architecture::Architecture;
use super::plan::{Narrowest, OfTokens, Plan, Table};
use super::transformer::Pass;
use super::weights::Weights;
use crate::backend::{Activation, Backend};
use crate::config::{Config, Fields, Sizes, limits};
use crate::error::{Error, ErrorKind, Result};
use crate::tokenize::{Tokenizer, TokenizerFiles};
use crate::weights::dtype::Storage;
use crate::weights::header::Header;

/// `model_type` of model2vec's models.
pub const MODEL2VEC: &str = "model2vec";
/// The maximum number of tokens per text if nothing limits it.
const UNBOUNDED: usize = 1 << 24;
/// The maximum number of tokens per text in model2vec, if the configuration has no `max_length`.
const MODEL2VEC_TOKENS: usize = 512;

/// The contents of the weights' file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Whether texts are read as model2vec reads them: without unknown tokens.
    model2vec: bool,
    /// Rows of the table.
    rows: usize,
    /// Whether each token has a weight.
    weights: bool,
    /// Whether each token is mapped to a row.
    mapping: bool,
}

impl Layout {
    /// `model_type` in `config.json`.
    pub fn name(self) -> &'static str {
        if self.model2vec { MODEL2VEC } else { "static-embedding" }
    }

    /// The tokenizer, from `tokenizer.json` only, and the maximum number of tokens per text: `max_tokens`, or
    /// fewer if the file's truncation applies.
    ///
    /// # Errors
    /// The errors of [`Tokenizer::from_files`].
    pub fn tokenizer(self, files: &TokenizerFiles, max_tokens: usize) -> Result<(Tokenizer, usize)> {
        let files = TokenizerFiles { tokenizer_json: files.tokenizer_json, ..TokenizerFiles::default() };
        let tokenizer = Tokenizer::from_files(&files, limits::VOCABULARY)?;
        if self.model2vec {
            return Ok((tokenizer.bare_of_known(max_tokens), max_tokens));
        }
        let (tokenizer, truncation) = tokenizer.bare();
        Ok((tokenizer, truncation.unwrap_or(max_tokens).clamp(1, max_tokens)))
    }
}

/// The sizes of a model of sentence-transformers; those of its table are in the weights' header.
///
/// # Errors
/// None; the `Result` is part of a reader's signature.
pub fn sizes(_fields: &Fields) -> Result<Sizes> {
    Ok(sizes_of(false, UNBOUNDED))
}

/// The sizes of a model of model2vec; those of its table are in the weights' header.
///
/// # Errors
/// [`ErrorKind::ConfigInvalid`] if `max_length` is not a whole number.
pub fn model2vec_sizes(fields: &Fields) -> Result<Sizes> {
    let unbounded = if fields.is_null("max_length") { UNBOUNDED } else { MODEL2VEC_TOKENS };
    Ok(sizes_of(true, fields.size_from("max_length", unbounded, 1, UNBOUNDED)?))
}

fn sizes_of(model2vec: bool, max_tokens: usize) -> Sizes {
    let layout = Layout { model2vec, rows: 0, weights: false, mapping: false };
    Sizes {
        architecture: Architecture::StaticEmbedding(layout),
        width: 1,
        heads: 1,
        layers: 0,
        hidden: 0,
        vocabulary: limits::VOCABULARY,
        positions: 0,
        max_tokens,
        types: 0,
        activation: Activation::Gelu,
        layer_norm_eps: 0.0,
    }
}

/// `sizes`, completed with those of the table in the weights' `header`.
///
/// # Errors
/// [`ErrorKind::WeightsMismatch`] if there is no such table, or if it is larger than supported.
pub fn sized(sizes: &Sizes, layout: Layout, header: &Header) -> Result<Sizes> {
    let tensor = |names: &[&str]| header.tensors.iter().find(|tensor| names.contains(&tensor.name.as_str()));
    let shape = |name: &str| tensor(&[name]).map(|tensor| tensor.shape.as_slice());
    let wrong = |message: String| Error::new(ErrorKind::WeightsMismatch, message);
    let table = tensor(&["embeddings", "embedding.weight"]);
    let Some((&[rows, stored], dtype)) = table.map(|table| (table.shape.as_slice(), table.dtype)) else {
        return Err(wrong(
            "The weights lack \"embeddings\" or \"embedding.weight\", the table of a static embedding: use \
             model.safetensors as saved by model2vec or sentence-transformers."
                .into(),
        ));
    };
    // int4 numbers are stored in pairs.
    let width = if Storage::of(dtype) == Some(Storage::Int4) { stored.saturating_mul(2) } else { stored };
    let mapping = shape("mapping");
    let vocabulary = mapping.and_then(|shape| shape.first().copied()).unwrap_or(rows);
    if rows.max(vocabulary) > limits::VOCABULARY || width > limits::WIDTH || rows.min(vocabulary).min(width) == 0 {
        return Err(wrong(format!(
            "The weights have a table of {rows} × {width} numbers for {vocabulary} tokens: up to {} tokens and {} numbers \
             each are supported.",
            limits::VOCABULARY,
            limits::WIDTH
        )));
    }
    let layout = Layout { rows, weights: shape("weights").is_some(), mapping: mapping.is_some(), ..layout };
    Ok(Sizes { architecture: Architecture::StaticEmbedding(layout), width, vocabulary, ..sizes.clone() })
}

/// The table, with the weight and the row of each token, if any.
pub struct StaticEmbedding {
    table: Table,
    rows: usize,
    weights: Option<OfTokens>,
    mapping: Option<OfTokens>,
}

impl StaticEmbedding {
    /// Plans its tensors.
    pub fn new(config: &Config, plan: &mut Plan, layout: Layout) -> Self {
        let Layout { rows, weights, mapping, .. } = layout;
        Self {
            table: plan.table("embedding", [rows, config.width], Narrowest::Int8),
            rows,
            weights: weights.then(|| plan.of_tokens("weights", config.vocabulary)),
            mapping: mapping.then(|| plan.of_tokens("mapping", config.vocabulary)),
        }
    }

    /// Checks that every token has a row of the table.
    ///
    /// # Errors
    /// [`ErrorKind::WeightsMismatch`].
    pub fn check<B: Backend>(&self, weights: &Weights<B>) -> Result<()> {
        let is_row = |row: &&f32| row.fract() == 0.0 && **row >= 0.0 && (**row as usize) < self.rows;
        let rows = self.mapping.map_or(&[][..], |mapping| weights.of_tokens(mapping));
        match rows.iter().position(|row| !is_row(&row)) {
            Some(id) => Err(Error::new(
                ErrorKind::WeightsMismatch,
                format!(
                    "\"mapping\" maps token {id} to no row of the table, which has {}: use model.safetensors as \
                     saved by model2vec.",
                    self.rows
                ),
            )),
            None => Ok(()),
        }
    }

    /// The mean of each text's rows, each times its token's weight: (B, D).
    ///
    /// # Errors
    /// The errors of [`Backend::embed`].
    pub fn forward<B: Backend>(&self, pass: &Pass<'_, B>) -> Result<B::Tensor> {
        let (batch, table) = (pass.batch, pass.weights.table(self.table));
        let of_tokens = |numbers: Option<OfTokens>| numbers.map(|numbers| pass.weights.of_tokens(numbers));
        let (weights, mapping) = (of_tokens(self.weights), of_tokens(self.mapping));
        let width = table.width();
        pass.backend.embed(batch.texts(), width, None, |out| {
            let (mut row, mut sums) = (vec![0.0; width], vec![0.0f64; width]);
            for (mean, text) in out.chunks_exact_mut(width).zip(batch.starts.windows(2)) {
                sums.fill(0.0);
                let ids = &batch.ids[text[0] as usize..text[1] as usize];
                for id in ids.iter().map(|id| *id as usize) {
                    table.read(mapping.map_or(id, |mapping| mapping[id] as usize), &mut row);
                    let weight = weights.map_or(1.0, |weights| f64::from(weights[id]));
                    sums.iter_mut().zip(&row).for_each(|(sum, x)| *sum += weight * f64::from(*x));
                }
                mean.iter_mut().zip(&sums).for_each(|(mean, sum)| *mean = (sum / ids.len() as f64) as f32);
            }
        })
    }
}

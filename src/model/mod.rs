//! The model: the architectures ([`architecture`]; one file each, on top of what [`transformer`]s share), the
//! tensors that they require of a checkpoint ([`plan`], [`names`], [`checkpoint`]) and their number formats
//! ([`dtype`]), how these tensors are loaded ([`load`], with `matching`, `onnx` and [`weights`]) or generated
//! ([`made_up`]), and the forward pass, written once for every [`Backend`].
//!
//! Not here: arithmetic (`backend`), text (`tokenize`), what the logits mean (`head`).

pub mod architecture;
pub mod bert;
pub mod checkpoint;
pub mod distilbert;
pub mod dtype;
pub mod electra;
pub mod embedding;
pub mod load;
pub mod made_up;
mod matching;
pub mod mpnet;
pub mod names;
pub(crate) mod onnx;
pub mod plan;
pub mod roberta;
pub mod static_embedding;
pub mod transformer;
pub mod weights;

use crate::backend::Backend;
use crate::batch::PackedBatch;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use architecture::Network;
use plan::Plan;
use transformer::Pass;
pub use transformer::Tap;
use weights::Weights;

/// A model with its weights.
pub struct Model<B: Backend> {
    config: Config,
    network: Network,
    plan: Plan,
    weights: Weights<B>,
}

impl<B: Backend> Model<B> {
    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Its tensors and their places.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The weights.
    pub fn weights(&self) -> &Weights<B> {
        &self.weights
    }

    /// The outputs of the model's task for a batch, row by row: the logits of each text (B, L) or of each token
    /// (N, L), or without a head a vector for each text (B, D) or each token (N, D).
    ///
    /// # Errors
    /// [`ErrorKind::OutOfMemory`], [`ErrorKind::NotFinite`] if the weights overflow the arithmetic,
    /// [`ErrorKind::InvalidArgument`] if an id, a type or a text's length is beyond the embedding's rows.
    pub async fn outputs(&self, backend: &B, batch: &PackedBatch) -> Result<Vec<f32>> {
        let values = backend.read(&self.forward(backend, batch, |_, _| {}).await?).await?;
        if values.iter().all(|x| x.is_finite()) {
            return Ok(values);
        }
        Err(Error::new(
            ErrorKind::NotFinite,
            "The model's arithmetic overflowed on this text: its weights are damaged or too large; use another file.",
        ))
    }

    /// The forward pass up to the [`Model::outputs`]; `tap` receives intermediate tensors. It waits only when
    /// a backend's [`Backend::product`] does.
    ///
    /// # Errors
    /// The errors of [`Model::outputs`].
    pub async fn forward(
        &self,
        backend: &B,
        batch: &PackedBatch,
        mut tap: impl FnMut(Tap, &B::Tensor),
    ) -> Result<B::Tensor> {
        self.check(batch)?;
        let mut pass = Pass { backend, weights: &self.weights, config: &self.config, batch, tap: &mut tap };
        self.network.forward(&mut pass).await
    }

    /// Checks that every token has its rows in the embedding tables.
    fn check(&self, batch: &PackedBatch) -> Result<()> {
        let (vocabulary, max_tokens) = (self.config.vocabulary, self.config.max_tokens);
        if batch.ids.iter().any(|&id| id as usize >= vocabulary)
            || batch.positions.iter().any(|&p| p as usize >= max_tokens)
            || batch.starts.windows(2).any(|w| w[0] == w[1])
        {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("A text has no token, a token id of {vocabulary} or more, or more than {max_tokens} tokens."),
            ));
        }
        let types = self.config.types;
        match batch.types.iter().max() {
            Some(&largest) if self.config.architecture.uses_token_types() && usize::from(largest) >= types => {
                Err(Error::new(
                    ErrorKind::InvalidArgument,
                    format!(
                        "A text has tokens of type {largest}, but the model has {types} types (type_vocab_size of \
                         config.json): tokenizer.json and config.json must be from the same model."
                    ),
                ))
            }
            _ => Ok(()),
        }
    }
}

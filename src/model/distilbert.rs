//! DistilBERT: BERT without token types and pooler, and with half as many layers.
//!
//! Source: Sanh et al. 2019; `transformers` 5.24, `configuration_distilbert.py` and `modeling_distilbert.py`.

use super::architecture::Architecture;
use super::plan::{Narrowest, Norm, Plan, Table};
use super::transformer::{self, Head, Layer, LayerNames, Pass};
use crate::backend::{Activation, Backend};
use crate::config::{Config, Fields, Sizes, limits};
use crate::error::Result;

/// The prefix of its names, except the head's.
pub const BASE: &str = "distilbert.";

const LAYER: LayerNames = LayerNames {
    qkv: ["attention.q_lin", "attention.k_lin", "attention.v_lin"],
    out: "attention.out_lin",
    attention_norm: "sa_layer_norm",
    ffn: ["ffn.lin1", "ffn.lin2"],
    ffn_norm: "output_layer_norm",
};

/// Its sizes, by its own names and the aliases of its `attribute_map`, with its own defaults.
///
/// # Errors
/// The errors of the fields.
pub fn sizes(fields: &Fields) -> Result<Sizes> {
    let positions = fields.size(&["max_position_embeddings"], 512, limits::POSITIONS)?;
    Ok(Sizes {
        architecture: Architecture::DistilBert,
        width: fields.size(&["dim", "hidden_size"], 768, limits::WIDTH)?,
        heads: fields.size(&["n_heads", "num_attention_heads"], 12, limits::WIDTH)?,
        layers: fields.size(&["n_layers", "num_hidden_layers"], 6, limits::LAYERS)?,
        hidden: fields.size(&["hidden_dim"], 3072, limits::HIDDEN)?,
        vocabulary: fields.size(&["vocab_size"], 30_522, limits::VOCABULARY)?,
        positions,
        max_tokens: positions,
        types: 0,
        activation: fields.activation("activation")?,
        // Fixed in its code; its configuration has no field for it.
        layer_norm_eps: 1e-12,
    })
}

/// Its tables, layers and head.
pub struct DistilBert {
    words: Table,
    positions: Table,
    norm: Norm,
    layers: Vec<Layer>,
    head: Option<Head>,
}

impl DistilBert {
    /// Plans its tensors.
    pub fn new(config: &Config, plan: &mut Plan) -> Self {
        let d = config.width;
        Self {
            words: plan.table("distilbert.embeddings.word_embeddings", [config.vocabulary, d], Narrowest::Int4),
            positions: plan.table("distilbert.embeddings.position_embeddings", [config.positions, d], Narrowest::Int8),
            norm: plan.norm("distilbert.embeddings.LayerNorm", d),
            layers: transformer::layers(plan, config, "distilbert.transformer.layer", &LAYER),
            head: transformer::head(plan, config, "pre_classifier", Activation::Relu, "classifier"),
        }
    }

    /// The outputs of the model's task ([`Pass::head`]).
    ///
    /// # Errors
    /// The errors of the backend's operations.
    pub async fn forward<B: Backend>(&self, pass: &mut Pass<'_, B>) -> Result<B::Tensor> {
        let batch = pass.batch;
        let words = |token: usize| batch.ids[token];
        let positions = |token: usize| batch.positions[token];
        let x = pass.embed(&[(self.words, &words), (self.positions, &positions)], self.norm)?;
        let x = pass.encode(&self.layers, None, x).await?;
        pass.head(&self.head, x).await
    }
}

//! BERT: embeddings of words, positions and token types, post-norm layers, and a head on the pooled first
//! token. Related architectures share its configuration's fields and its layers' names.
//!
//! Source: Devlin et al. 2019; `transformers` 5.24, `configuration_bert.py` and `modeling_bert.py`.

use super::architecture::Architecture;
use super::plan::{Narrowest, Norm, Plan, Table};
use super::transformer::{self, Head, Layer, LayerNames, Pass};
use crate::backend::{Activation, Backend};
use crate::config::{Config, Fields, Sizes, limits};
use crate::error::Result;

/// The prefix of its names, except the classifier's.
pub const BASE: &str = "bert.";

/// A layer's names, shared by ELECTRA and RoBERTa.
pub const LAYER: LayerNames = LayerNames {
    qkv: ["attention.self.query", "attention.self.key", "attention.self.value"],
    out: "attention.output.dense",
    attention_norm: "attention.output.LayerNorm",
    ffn: ["intermediate.dense", "output.dense"],
    ffn_norm: "output.LayerNorm",
};

/// Defaults of fields that a configuration may omit.
pub struct Defaults {
    /// `hidden_size`
    pub width: usize,
    /// `num_attention_heads`
    pub heads: usize,
    /// `intermediate_size`
    pub hidden: usize,
    /// `vocab_size`
    pub vocabulary: usize,
}

/// BERT-base.
pub const DEFAULTS: Defaults = Defaults { width: 768, heads: 12, hidden: 3072, vocabulary: 30_522 };

/// Its sizes.
///
/// # Errors
/// The errors of [`sizes_of_kin`].
pub fn sizes(fields: &Fields) -> Result<Sizes> {
    sizes_of_kin(fields, Architecture::Bert, &DEFAULTS)
}

/// The sizes of an encoder whose configuration uses BERT's names, with a position for each token.
///
/// # Errors
/// The errors of the fields; [`crate::ErrorKind::ConfigUnsupported`] for a decoder, and for positions that
/// don't come from a table.
pub fn sizes_of_kin(fields: &Fields, architecture: Architecture, defaults: &Defaults) -> Result<Sizes> {
    fields.check_is_encoder()?;
    let positions = fields.size(&["max_position_embeddings"], 512, limits::POSITIONS)?;
    Ok(Sizes {
        architecture,
        width: fields.size(&["hidden_size"], defaults.width, limits::WIDTH)?,
        heads: fields.size(&["num_attention_heads"], defaults.heads, limits::WIDTH)?,
        layers: fields.size(&["num_hidden_layers"], 12, limits::LAYERS)?,
        hidden: fields.size(&["intermediate_size"], defaults.hidden, limits::HIDDEN)?,
        vocabulary: fields.size(&["vocab_size"], defaults.vocabulary, limits::VOCABULARY)?,
        positions,
        max_tokens: positions,
        types: fields.size(&["type_vocab_size"], 2, limits::TYPES)?,
        activation: fields.activation("hidden_act")?,
        layer_norm_eps: fields.eps("layer_norm_eps", 1e-12)?,
    })
}

/// Its tables, layers and head.
pub struct Bert {
    words: Table,
    types: Table,
    positions: Table,
    norm: Norm,
    layers: Vec<Layer>,
    head: Option<Head>,
}

impl Bert {
    /// Plans its tensors.
    pub fn new(config: &Config, plan: &mut Plan) -> Self {
        let d = config.width;
        Self {
            words: plan.table("bert.embeddings.word_embeddings", [config.vocabulary, d], Narrowest::Int4),
            types: plan.table("bert.embeddings.token_type_embeddings", [config.types, d], Narrowest::Int8),
            positions: plan.table("bert.embeddings.position_embeddings", [config.positions, d], Narrowest::Int8),
            norm: plan.norm("bert.embeddings.LayerNorm", d),
            layers: transformer::layers(plan, config, "bert.encoder.layer", &LAYER),
            head: transformer::head(plan, config, "bert.pooler.dense", Activation::Tanh, "classifier"),
        }
    }

    /// The outputs of the model's task ([`Pass::head`]).
    ///
    /// # Errors
    /// The errors of the backend's operations.
    pub async fn forward<B: Backend>(&self, pass: &mut Pass<'_, B>) -> Result<B::Tensor> {
        let x = pass.embed_as_bert([self.words, self.types, self.positions], self.norm)?;
        let x = pass.encode(&self.layers, None, x).await?;
        pass.head(&self.head, x).await
    }
}

//! ELECTRA's discriminator: BERT with embeddings of their own width, and a GELU in its head.
//!
//! Source: Clark et al. 2020; `transformers` 5.24, `configuration_electra.py` and `modeling_electra.py`.

use super::architecture::Architecture;
use super::bert::{self, Defaults, LAYER};
use super::plan::{Matrix, Narrowest, Norm, Plan, Table};
use super::transformer::{self, Head, Layer, Pass};
use crate::backend::{Activation, Backend, Epilogue};
use crate::config::{Config, Fields, Sizes, limits};
use crate::error::Result;

/// The prefix of its names, except the head's.
pub const BASE: &str = "electra.";

/// ELECTRA-small.
const DEFAULTS: Defaults = Defaults { width: 256, heads: 4, hidden: 1024, vocabulary: 30_522 };

/// Its sizes.
///
/// # Errors
/// The errors of [`bert::sizes_of_kin`] and of its own field.
pub fn sizes(fields: &Fields) -> Result<Sizes> {
    let embedding_width = fields.size(&["embedding_size"], 128, limits::WIDTH)?;
    bert::sizes_of_kin(fields, Architecture::Electra { embedding_width }, &DEFAULTS)
}

/// Its tables, layers and head.
pub struct Electra {
    words: Table,
    types: Table,
    positions: Table,
    norm: Norm,
    /// From the embeddings' width to the layers', if they differ.
    project: Option<Matrix>,
    layers: Vec<Layer>,
    head: Option<Head>,
}

impl Electra {
    /// Plans its tensors; `e`: the embeddings' width.
    pub fn new(config: &Config, plan: &mut Plan, e: usize) -> Self {
        let d = config.width;
        Self {
            words: plan.table("electra.embeddings.word_embeddings", [config.vocabulary, e], Narrowest::Int4),
            types: plan.table("electra.embeddings.token_type_embeddings", [config.types, e], Narrowest::Int8),
            positions: plan.table("electra.embeddings.position_embeddings", [config.positions, e], Narrowest::Int8),
            norm: plan.norm("electra.embeddings.LayerNorm", e),
            project: (e != d).then(|| plan.matrix("electra.embeddings_project", [d, e], Narrowest::Int8)),
            layers: transformer::layers(plan, config, "electra.encoder.layer", &LAYER),
            head: transformer::head(plan, config, "classifier.dense", Activation::Gelu, "classifier.out_proj"),
        }
    }

    /// The outputs of the model's task ([`Pass::head`]).
    ///
    /// # Errors
    /// The errors of the backend's operations.
    pub async fn forward<B: Backend>(&self, pass: &mut Pass<'_, B>) -> Result<B::Tensor> {
        let mut x = pass.embed_as_bert([self.words, self.types, self.positions], self.norm)?; // (N, E)
        if let Some(project) = self.project {
            x = pass.linear(&x, project, Epilogue::Bias).await?; // (N, D)
        }
        let x = pass.encode(&self.layers, None, x).await?;
        pass.head(&self.head, x).await
    }
}

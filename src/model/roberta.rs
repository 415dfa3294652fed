//! RoBERTa, and XLM-RoBERTa, CamemBERT and data2vec's text model, which are RoBERTa with other vocabularies or
//! names: BERT whose positions start after the padding token's, and whose tokens have one type.
//!
//! Source: Liu et al. 2019, Conneau et al. 2020, Martin et al. 2020, Baevski et al. 2022; `transformers` 5.24,
//! `modeling_roberta.py`, `modeling_xlm_roberta.py`, `modeling_camembert.py` and `modeling_data2vec_text.py`.

use super::architecture::Architecture;
use super::bert::{self, DEFAULTS, Defaults, LAYER};
use super::plan::{Narrowest, Norm, Plan, Table};
use super::transformer::{self, Head, Layer, Pass};
use crate::backend::{Activation, Backend};
use crate::config::{Config, Fields, Sizes};
use crate::error::Result;

/// The member of the family: they differ in their tokenizers, and data2vec in its names, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// RoBERTa.
    Roberta,
    /// XLM-RoBERTa.
    XlmRoberta,
    /// CamemBERT.
    Camembert,
    /// data2vec's text model.
    Data2Vec,
}

impl Kind {
    /// The prefix of its names, except the head's.
    pub fn base(self) -> &'static str {
        match self {
            Self::Roberta | Self::XlmRoberta | Self::Camembert => "roberta.",
            Self::Data2Vec => "data2vec_text.",
        }
    }
}

/// RoBERTa's sizes.
///
/// # Errors
/// The errors of [`bert::sizes_of_kin`] and [`Fields::behind_padding`].
pub fn sizes(fields: &Fields) -> Result<Sizes> {
    sizes_of(fields, Kind::Roberta, &Defaults { vocabulary: 50_265, ..DEFAULTS })
}

/// XLM-RoBERTa's sizes.
///
/// # Errors
/// The errors of [`sizes`].
pub fn xlm_sizes(fields: &Fields) -> Result<Sizes> {
    sizes_of(fields, Kind::XlmRoberta, &DEFAULTS)
}

/// CamemBERT's sizes.
///
/// # Errors
/// The errors of [`sizes`].
pub fn camembert_sizes(fields: &Fields) -> Result<Sizes> {
    sizes_of(fields, Kind::Camembert, &DEFAULTS)
}

/// The sizes of data2vec's text model.
///
/// # Errors
/// The errors of [`sizes`].
pub fn data2vec_sizes(fields: &Fields) -> Result<Sizes> {
    sizes_of(fields, Kind::Data2Vec, &DEFAULTS)
}

fn sizes_of(fields: &Fields, kind: Kind, defaults: &Defaults) -> Result<Sizes> {
    let padding = fields.id("pad_token_id", 1)?;
    let sizes = bert::sizes_of_kin(fields, Architecture::Roberta { kind, padding }, defaults)?;
    fields.behind_padding(sizes, padding)
}

/// Its tables, layers and head.
pub struct Roberta {
    padding: u32,
    words: Table,
    types: Table,
    positions: Table,
    norm: Norm,
    layers: Vec<Layer>,
    head: Option<Head>,
}

impl Roberta {
    /// Plans its tensors; `padding`: the id of the padding token.
    pub fn new(config: &Config, plan: &mut Plan, padding: u32) -> Self {
        let d = config.width;
        let of = |name: &str| format!("{}{name}", config.architecture.base());
        Self {
            padding,
            words: plan.table(&of("embeddings.word_embeddings"), [config.vocabulary, d], Narrowest::Int4),
            types: plan.table(&of("embeddings.token_type_embeddings"), [config.types, d], Narrowest::Int8),
            positions: plan.table(&of("embeddings.position_embeddings"), [config.positions, d], Narrowest::Int8),
            norm: plan.norm(&of("embeddings.LayerNorm"), d),
            layers: transformer::layers(plan, config, &of("encoder.layer"), &LAYER),
            head: transformer::head(plan, config, "classifier.dense", Activation::Tanh, "classifier.out_proj"),
        }
    }

    /// The outputs of the model's task ([`Pass::head`]). Its tokenizers assign no types: all tokens have the
    /// first one.
    ///
    /// # Errors
    /// The errors of the backend's operations.
    pub async fn forward<B: Backend>(&self, pass: &mut Pass<'_, B>) -> Result<B::Tensor> {
        let batch = pass.batch;
        let behind_padding = batch.positions_behind_padding(self.padding);
        let words = |token: usize| batch.ids[token];
        let types = |_| 0;
        let positions = |token: usize| behind_padding[token];
        let tables: [(Table, &dyn Fn(usize) -> u32); 3] =
            [(self.words, &words), (self.types, &types), (self.positions, &positions)];
        let x = pass.embed(&tables, self.norm)?;
        let x = pass.encode(&self.layers, None, x).await?;
        pass.head(&self.head, x).await
    }
}

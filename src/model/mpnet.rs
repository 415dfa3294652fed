//! MPNet: BERT without token types, whose attention adds a bias for the distance between two tokens. All
//! layers share one table of biases, by buckets of distances.
//!
//! Source: Song et al. 2020, Raffel et al. 2020 (section 2.1, the buckets); `transformers` 5.24,
//! `modeling_mpnet.py`.

use super::architecture::Architecture;
use super::bert::{self, DEFAULTS, Defaults};
use super::plan::{Narrowest, Norm, Plan, Relative, RelativeFacts, Table};
use super::transformer::{self, Head, Layer, LayerNames, Pass};
use crate::backend::{Activation, Backend};
use crate::config::{Config, Fields, Sizes};
use crate::error::Result;

/// The prefix of its names, except the head's.
pub const BASE: &str = "mpnet.";

const LAYER: LayerNames = LayerNames {
    qkv: ["attention.attn.q", "attention.attn.k", "attention.attn.v"],
    out: "attention.attn.o",
    attention_norm: "attention.LayerNorm",
    ffn: ["intermediate.dense", "output.dense"],
    ffn_norm: "output.LayerNorm",
};

/// The padding token, regardless of the configuration.
const PADDING: u32 = 1;
/// Buckets that its code uses, whatever the table has: 16 for keys before their query, 16 for keys after it.
const BUCKETS: usize = 32;

/// Its sizes.
///
/// # Errors
/// The errors of [`bert::sizes_of_kin`] and [`Fields::behind_padding`]; [`crate::ErrorKind::ConfigInvalid`]
/// for a table with fewer buckets than are used.
pub fn sizes(fields: &Fields) -> Result<Sizes> {
    let buckets = fields.size_from("relative_attention_num_buckets", BUCKETS, BUCKETS, 4096)?;
    let defaults = Defaults { vocabulary: 30_527, ..DEFAULTS };
    let sizes = bert::sizes_of_kin(fields, Architecture::MpNet { buckets }, &defaults)?;
    fields.behind_padding(Sizes { types: 0, ..sizes }, PADDING)
}

/// The bucket of a key `distance` places after its query: one each for up to 7 places, then eight of
/// increasing width.
fn bucket(distance: isize) -> usize {
    /// 8 · 16^(i / 8), rounded up: the first distances of the wider buckets.
    const FIRST: [usize; 7] = [12, 16, 23, 32, 46, 64, 91];
    let places = distance.unsigned_abs();
    let in_half = if places < 8 { places } else { 8 + FIRST.iter().filter(|first| places >= **first).count() };
    if distance > 0 { BUCKETS / 2 + in_half } else { in_half }
}

/// Its tables, layers and head.
pub struct MpNet {
    words: Table,
    positions: Table,
    norm: Norm,
    biases: Relative,
    layers: Vec<Layer>,
    head: Option<Head>,
}

impl MpNet {
    /// Plans its tensors; `buckets`: rows of the table of biases.
    pub fn new(config: &Config, plan: &mut Plan, buckets: usize) -> Self {
        let d = config.width;
        let biases = RelativeFacts { heads: config.heads, reach: config.max_tokens, bucket };
        Self {
            words: plan.table("mpnet.embeddings.word_embeddings", [config.vocabulary, d], Narrowest::Int4),
            positions: plan.table("mpnet.embeddings.position_embeddings", [config.positions, d], Narrowest::Int8),
            norm: plan.norm("mpnet.embeddings.LayerNorm", d),
            biases: plan.relative("mpnet.encoder.relative_attention_bias", buckets, biases),
            layers: transformer::layers(plan, config, "mpnet.encoder.layer", &LAYER),
            head: transformer::head(plan, config, "classifier.dense", Activation::Tanh, "classifier.out_proj"),
        }
    }

    /// The outputs of the model's task ([`Pass::head`]).
    ///
    /// # Errors
    /// The errors of the backend's operations.
    pub async fn forward<B: Backend>(&self, pass: &mut Pass<'_, B>) -> Result<B::Tensor> {
        let batch = pass.batch;
        let behind_padding = batch.positions_behind_padding(PADDING);
        let words = |token: usize| batch.ids[token];
        let positions = |token: usize| behind_padding[token];
        let x = pass.embed(&[(self.words, &words), (self.positions, &positions)], self.norm)?;
        let x = pass.encode(&self.layers, Some(self.biases), x).await?;
        pass.head(&self.head, x).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_share_buckets_as_in_pytorch() {
        // MPNetEncoder.relative_position_bucket of 0, 7, 8, 11, 12, 15, 16, …, and of their negatives.
        let places = [0, 7, 8, 11, 12, 15, 16, 22, 23, 31, 32, 45, 46, 63, 64, 90, 91, 511, 8191];
        let wanted = [0, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15, 15];
        for (places, wanted) in places.into_iter().zip(wanted) {
            assert_eq!(bucket(-places), wanted, "-{places}");
            assert_eq!(bucket(places), if places > 0 { 16 + wanted } else { 0 }, "{places}");
        }
    }
}

//! Models with generated weights, for the warm-up and for measurements.

use crate::backend::Backend;
use crate::batch::PackedBatch;
use crate::config::Config;
use crate::error::Result;
use crate::model::Model;
use crate::model::architecture::Network;
use crate::model::load::{Dtype, ModelLoader};
use crate::model::plan::{Place, Slot};
use serde_json::{Map, json};

/// The sizes of a DistilBERT.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Layers.
    pub layers: usize,
    /// D
    pub width: usize,
    /// H
    pub heads: usize,
    /// F
    pub hidden: usize,
    /// Rows of the word embedding.
    pub vocabulary: usize,
    /// Rows of the position embedding.
    pub max_tokens: usize,
}

/// Labels of every made-up model.
pub const LABELS: usize = 2;

impl Sizes {
    /// A model of these sizes, stored in f32 and loaded as `dtype` on `backend`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::OutOfMemory`].
    pub fn load<B: Backend>(&self, backend: B, dtype: Dtype) -> Result<(Model<B>, B)> {
        let config = json!({
            "architectures": ["DistilBertForSequenceClassification"], "model_type": "distilbert", "activation": "gelu",
            "dim": self.width, "n_layers": self.layers, "n_heads": self.heads, "hidden_dim": self.hidden,
            "vocab_size": self.vocabulary, "max_position_embeddings": self.max_tokens,
            "id2label": { "0": "NEGATIVE", "1": "POSITIVE" },
        });
        let config = Config::from_json(config.to_string().as_bytes())?;
        let (_, plan) = Network::new(&config);
        let tensors = plan.slots();
        let mut header = Map::new();
        let mut at = 0;
        for Slot { name, shape, .. } in tensors {
            let end = at + 4 * shape.iter().product::<usize>();
            header.insert(name.clone(), json!({ "dtype": "F32", "shape": shape, "data_offsets": [at, end] }));
            at = end;
        }
        let header = serde_json::Value::Object(header).to_string();
        let mut loader = ModelLoader::new(backend, config, dtype, None);
        loader.push(&(header.len() as u64).to_le_bytes())?;
        loader.push(header.as_bytes())?;
        for Slot { shape, place, .. } in tensors {
            let width = shape[shape.len() - 1];
            // As large as after training, so that activations stay in their usual range.
            let (base, spread) = if matches!(place, Place::Gamma(_)) { (1.0, 0.0) } else { (0.0, 0.04) };
            for row in 0..shape.iter().product::<usize>() / width {
                let row = values(width, row).into_iter().flat_map(|x| (base + spread * x).to_le_bytes());
                loader.push(&row.collect::<Vec<u8>>())?;
            }
        }
        let (model, backend, _) = loader.finish()?;
        Ok((model, backend))
    }

    /// A batch of texts with these numbers of tokens.
    pub fn batch(&self, tokens: &[usize]) -> PackedBatch {
        let texts: Vec<Vec<u32>> =
            tokens.iter().map(|&n| (0..n).map(|i| (i * 7919 % self.vocabulary) as u32).collect()).collect();
        PackedBatch::new(texts.iter().map(Vec::as_slice))
    }
}

/// `count` values in [-1, 1), different for each `seed`.
pub fn values(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|i| ((i + seed) * 7919 % 2048) as f32 / 1024.0 - 1.0).collect()
}

//! DistilBERT-base's sizes with made-up weights, for the rate of a whole forward pass.

use crate::backend::cpu::CpuBackend;
use crate::batch::PackedBatch;
use crate::config::Config;
use crate::error::Result;
use crate::model::Model;
use crate::model::load::{Dtype, ModelLoader};
use serde_json::{Map, json};

/// Layers, width D, heads, feed-forward width F, labels, and the vocabulary, which is smaller than the original's 30,522: its
/// rows take memory and no arithmetic.
const LAYERS: usize = 6;
const D: usize = 768;
const HEADS: usize = 12;
const F: usize = 3072;
const LABELS: usize = 2;
const VOCABULARY: usize = 1024;
const MAX_TOKENS: usize = 512;

/// The model, stored in f32 and loaded as `dtype`.
///
/// # Errors
/// Where memory is short.
pub fn load(dtype: Dtype) -> Result<(Model<CpuBackend>, CpuBackend)> {
    let config = json!({
        "architectures": ["DistilBertForSequenceClassification"], "model_type": "distilbert", "activation": "gelu",
        "dim": D, "n_layers": LAYERS, "n_heads": HEADS, "hidden_dim": F, "vocab_size": VOCABULARY,
        "max_position_embeddings": MAX_TOKENS, "id2label": { "0": "NEGATIVE", "1": "POSITIVE" },
    });
    let config = Config::from_json(config.to_string().as_bytes())?;
    let tensors = tensors();
    let mut header = Map::new();
    let mut at = 0;
    for (name, shape) in &tensors {
        let end = at + 4 * shape.iter().product::<usize>();
        header.insert(name.clone(), json!({ "dtype": "F32", "shape": shape, "data_offsets": [at, end] }));
        at = end;
    }
    let header = serde_json::Value::Object(header).to_string();
    let mut loader = ModelLoader::new(CpuBackend::new(), config, dtype, None);
    loader.push(&(header.len() as u64).to_le_bytes())?;
    loader.push(header.as_bytes())?;
    for (name, shape) in &tensors {
        let width = shape[shape.len() - 1];
        // Of the size that training leaves: activations stay in their usual range.
        let (base, spread) = if name.ends_with("orm.weight") { (1.0, 0.0) } else { (0.0, 0.04) };
        for row in 0..shape.iter().product::<usize>() / width {
            let row = super::values(width, row).into_iter().flat_map(|x| (base + spread * x).to_le_bytes());
            loader.push(&row.collect::<Vec<u8>>())?;
        }
    }
    let (model, backend, _) = loader.finish()?;
    Ok((model, backend))
}

/// Names and shapes, as the checkpoint has them.
fn tensors() -> Vec<(String, Vec<usize>)> {
    let mut all = Vec::new();
    let mut matrix = |name: String, rows: usize, columns: usize| {
        all.push((format!("{name}.weight"), vec![rows, columns]));
        all.push((format!("{name}.bias"), vec![rows]));
    };
    matrix("pre_classifier".into(), D, D);
    matrix("classifier".into(), LABELS, D);
    for layer in (0..LAYERS).map(|i| format!("distilbert.transformer.layer.{i}")) {
        for name in ["q_lin", "k_lin", "v_lin", "out_lin"] {
            matrix(format!("{layer}.attention.{name}"), D, D);
        }
        matrix(format!("{layer}.ffn.lin1"), F, D);
        matrix(format!("{layer}.ffn.lin2"), D, F);
    }
    let norms = (0..LAYERS)
        .flat_map(|i| ["sa_layer_norm", "output_layer_norm"].map(|n| format!("distilbert.transformer.layer.{i}.{n}")));
    for norm in norms.chain(["distilbert.embeddings.LayerNorm".into()]) {
        all.push((format!("{norm}.weight"), vec![D]));
        all.push((format!("{norm}.bias"), vec![D]));
    }
    all.push(("distilbert.embeddings.word_embeddings.weight".into(), vec![VOCABULARY, D]));
    all.push(("distilbert.embeddings.position_embeddings.weight".into(), vec![MAX_TOKENS, D]));
    all
}

/// One text of `tokens` tokens.
pub fn text(tokens: usize) -> PackedBatch {
    let ids: Vec<u32> = (0..tokens).map(|i| (i * 7919 % VOCABULARY) as u32).collect();
    PackedBatch::new([ids.as_slice()])
}

/// The multiplications and additions that one text of `tokens` tokens needs: of the last layer, keys and values of every row and
/// all else of the first.
pub fn operations(tokens: usize) -> f64 {
    let n = tokens as f64;
    let (d, f) = (D as f64, F as f64);
    let products = 4.0 * d * d + 2.0 * d * f;
    let layer = n * products + 2.0 * n * n * d;
    let last = n * 2.0 * d * d + (products - 2.0 * d * d) + 2.0 * n * d;
    2.0 * ((LAYERS - 1) as f64 * layer + last + d * d + LABELS as f64 * d)
}

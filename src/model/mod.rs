//! The model: what the checkpoint's tensors are ([`names`], [`checkpoint`]), in which numbers ([`dtype`]), how they get into place
//! ([`load`], with `matching` and `parts`; [`made_up`]), and the forward pass, written once over [`Backend`].
//!
//! Not here: arithmetic (`backend`), text (`tokenize`), what the logits mean (`head`).

pub mod checkpoint;
pub mod dtype;
pub mod embedding;
pub mod load;
pub mod made_up;
mod matching;
pub mod names;
mod parts;

use crate::backend::{Activation, Backend, Columns, Epilogue, Spans};
use crate::batch::PackedBatch;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use embedding::EmbeddingTable;
use names::Product;

/// A classifier of the DistilBERT family, its weights in place.
pub struct Model<B: Backend> {
    config: Config,
    word_embeddings: EmbeddingTable,
    position_embeddings: EmbeddingTable,
    embedding_norm: B::LayerNorm,
    layers: Vec<Layer<B>>,
    pre_classifier: B::Linear,
    classifier: B::Linear,
}

struct Layer<B: Backend> {
    projections: Projections<B::Linear>,
    out_lin: B::Linear,
    sa_layer_norm: B::LayerNorm,
    lin1: B::Linear,
    lin2: B::Linear,
    output_layer_norm: B::LayerNorm,
}

/// The products before the attention. Only the last layer's queries are for other rows than its keys and values.
enum Projections<L> {
    /// q, k and v of every row, (N, 3D), in one product.
    Fused(L),
    /// q of each text's first row, (B, D); k and v of every row, (N, 2D).
    Split { q: L, kv: L },
}

/// A point of the forward pass that tests look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tap {
    /// The embedding, normalized.
    Embedding,
    /// A layer's `sa_layer_norm`. The last layer has a row a text.
    Attention(usize),
    /// A layer's `output_layer_norm`. The last layer has a row a text.
    Ffn(usize),
}

impl<B: Backend> Model<B> {
    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The logits of a batch: (B, L), row by row.
    ///
    /// # Errors
    /// [`ErrorKind::OutOfMemory`], [`ErrorKind::NotFinite`] where the weights overflow the arithmetic,
    /// [`ErrorKind::InvalidArgument`] where an id or a text's length is beyond the embedding's rows.
    pub async fn logits(&self, backend: &B, batch: &PackedBatch) -> Result<Vec<f32>> {
        let logits = backend.read(&self.forward(backend, batch, |_, _| {})?).await?;
        if logits.iter().all(|x| x.is_finite()) {
            return Ok(logits);
        }
        Err(Error::new(
            ErrorKind::NotFinite,
            "The model's arithmetic overflowed on this text: its weights are damaged or too large; take another file.",
        ))
    }

    /// The forward pass to the logits (B, L); `tap` sees what is inside.
    ///
    /// # Errors
    /// As [`Model::logits`].
    ///
    /// Source: Sanh et al. 2019; `transformers` 5.23, `modeling_distilbert.py`.
    pub fn forward(&self, backend: &B, batch: &PackedBatch, mut tap: impl FnMut(Tap, &B::Tensor)) -> Result<B::Tensor> {
        let mut x = self.embedding(backend, batch)?;
        tap(Tap::Embedding, &x);
        for i in 0..self.layers.len() {
            x = self.attention(backend, batch, i, x)?;
            tap(Tap::Attention(i), &x);
            x = self.feed_forward(backend, i, &x)?;
            tap(Tap::Ffn(i), &x);
        }
        self.head(backend, &x)
    }

    /// The first half of layer `i`, the attention, of `x` (N, D): (N, D), or in the last layer (B, D).
    ///
    /// In the last layer only each text's first row feeds the head: keys and values are computed of all rows,
    /// everything else of these B rows.
    ///
    /// # Errors
    /// As [`Model::logits`].
    pub fn attention(&self, backend: &B, batch: &PackedBatch, i: usize, mut x: B::Tensor) -> Result<B::Tensor> {
        let (d, heads, layer) = (self.config.width, self.config.heads, &self.layers[i]);
        let context; // (N, D); in the last layer (B, D)
        match &layer.projections {
            Projections::Fused(qkv) => {
                let qkv = backend.linear(&x, qkv, Epilogue::Bias)?; // (N, 3D)
                let columns = |first| Columns { tensor: &qkv, first };
                let spans = Spans { queries: &batch.starts, keys: &batch.starts };
                context = backend.attention(columns(0), columns(d), columns(2 * d), spans, d, heads)?;
            }
            Projections::Split { q, kv } => {
                let kv = backend.linear(&x, kv, Epilogue::Bias)?; // (N, 2D)
                x = backend.take_rows(&x, batch.first_rows())?; // (B, D)
                let q = backend.linear(&x, q, Epilogue::Bias)?; // (B, D)
                let columns = |first| Columns { tensor: &kv, first };
                // With one query a text, text b's query is row b.
                let one_each: Vec<u32> = (0..=batch.texts() as u32).collect();
                let spans = Spans { queries: &one_each, keys: &batch.starts };
                let q = Columns { tensor: &q, first: 0 };
                context = backend.attention(q, columns(0), columns(d), spans, d, heads)?;
            }
        }
        let sum = backend.linear(&context, &layer.out_lin, Epilogue::Residual(&x))?;
        backend.layer_norm(&sum, &layer.sa_layer_norm)
    }

    /// The second half of layer `i`, the feed-forward network, of the first half's `x`: of its shape.
    ///
    /// # Errors
    /// As [`Model::logits`].
    pub fn feed_forward(&self, backend: &B, i: usize, x: &B::Tensor) -> Result<B::Tensor> {
        let layer = &self.layers[i];
        let hidden = backend.linear(x, &layer.lin1, Epilogue::Activation(self.config.activation))?; // (N, F)
        let sum = backend.linear(&hidden, &layer.lin2, Epilogue::Residual(x))?;
        backend.layer_norm(&sum, &layer.output_layer_norm)
    }

    /// The logits (B, L) of the last layer's rows `x` (B, D).
    ///
    /// # Errors
    /// As [`Model::logits`].
    pub fn head(&self, backend: &B, x: &B::Tensor) -> Result<B::Tensor> {
        let pooled = backend.linear(x, &self.pre_classifier, Epilogue::Activation(Activation::Relu))?; // (B, D)
        backend.linear(&pooled, &self.classifier, Epilogue::Bias) // (B, L)
    }

    /// The matrices of the first half of layer `i`.
    pub fn attention_matrices(&self, i: usize) -> impl Iterator<Item = &B::Linear> {
        let Layer { projections, out_lin, .. } = &self.layers[i];
        let (first, second) = match projections {
            Projections::Fused(qkv) => (qkv, None),
            Projections::Split { q, kv } => (q, Some(kv)),
        };
        [first, out_lin].into_iter().chain(second)
    }

    /// The matrices of the second half of layer `i`.
    pub fn feed_forward_matrices(&self, i: usize) -> impl Iterator<Item = &B::Linear> {
        [&self.layers[i].lin1, &self.layers[i].lin2].into_iter()
    }

    /// The matrix that computes `product`, alone or with others of the same input.
    pub fn matrix(&self, product: Product) -> &B::Linear {
        let projections = |i: usize| &self.layers[i].projections;
        match product {
            Product::Q(i) => match projections(i) {
                Projections::Fused(qkv) => qkv,
                Projections::Split { q, .. } => q,
            },
            Product::K(i) | Product::V(i) => match projections(i) {
                Projections::Fused(qkv) => qkv,
                Projections::Split { kv, .. } => kv,
            },
            Product::Out(i) => &self.layers[i].out_lin,
            Product::Lin1(i) => &self.layers[i].lin1,
            Product::Lin2(i) => &self.layers[i].lin2,
            Product::PreClassifier => &self.pre_classifier,
            Product::Classifier => &self.classifier,
        }
    }

    /// The matrices of the head.
    pub fn head_matrices(&self) -> impl Iterator<Item = &B::Linear> {
        [&self.pre_classifier, &self.classifier].into_iter()
    }

    /// The layer normalizations.
    pub fn norms(&self) -> impl Iterator<Item = &B::LayerNorm> {
        let of_layers = self.layers.iter().flat_map(|layer| [&layer.sa_layer_norm, &layer.output_layer_norm]);
        [&self.embedding_norm].into_iter().chain(of_layers)
    }

    /// Word and position rows of every token, summed and normalized: (N, D).
    ///
    /// # Errors
    /// As [`Model::logits`].
    pub fn embedding(&self, backend: &B, batch: &PackedBatch) -> Result<B::Tensor> {
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
        let d = self.config.width;
        backend.embed(batch.tokens(), d, Some(&self.embedding_norm), |out| {
            let mut scratch = vec![0.0; d];
            for (row, (&id, &position)) in out.chunks_exact_mut(d).zip(batch.ids.iter().zip(&batch.positions)) {
                self.word_embeddings.read(id as usize, row);
                self.position_embeddings.add(position as usize, row, &mut scratch);
            }
        })
    }
}

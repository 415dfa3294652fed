//! The parts that encoders share: the sum of embeddings, a layer of attention and feed-forward network, each
//! followed by its normalization (post-norm), and the head. Each architecture's file calls these with its own
//! names and tables, so that it shows what differs.

use super::plan::{Matrix, Narrowest, Norm, Part, Plan, Relative, Table};
use super::weights::Weights;
use crate::backend::{Activation, Attention, Backend, Columns, Epilogue, Spans};
use crate::batch::PackedBatch;
use crate::config::{Config, Pooling, Task};
use crate::error::Result;

/// A point of the forward pass that tests inspect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tap {
    /// The first layer's input.
    Embedding,
    /// A layer's attention with residual and normalization. The last layer has only the rows that are read.
    Attention(usize),
    /// A layer's feed-forward network with residual and normalization. The last layer has only the rows that
    /// are read.
    Ffn(usize),
}

/// A forward pass in progress.
pub struct Pass<'a, B: Backend> {
    /// The backend.
    pub backend: &'a B,
    /// The model's weights.
    pub weights: &'a Weights<B>,
    /// The model's configuration.
    pub config: &'a Config,
    /// The tokens.
    pub batch: &'a PackedBatch,
    /// Called with intermediate tensors.
    pub tap: &'a mut dyn FnMut(Tap, &B::Tensor),
}

impl<B: Backend> Pass<'_, B> {
    /// The sum of a row of each table for every token, normalized: (N, D). Each table comes with a function
    /// from token to row.
    ///
    /// # Errors
    /// [`crate::ErrorKind::OutOfMemory`]; those of the backend.
    pub fn embed(&self, tables: &[(Table, &dyn Fn(usize) -> u32)], norm: Norm) -> Result<B::Tensor> {
        let weights = self.weights;
        let width = weights.table(tables[0].0).width();
        self.backend.embed(self.batch.tokens(), width, Some(weights.norm(norm)), |out| {
            let mut scratch = vec![0.0; width];
            for (token, sum) in out.chunks_exact_mut(width).enumerate() {
                let ((first, row_of), others) = tables.split_first().expect("a table of words");
                weights.table(*first).read(row_of(token) as usize, sum);
                for (table, row_of) in others {
                    weights.table(*table).add(row_of(token) as usize, sum, &mut scratch);
                }
            }
        })
    }

    /// BERT's embedding: words, token types and positions starting at 0, each from its table: (N, D).
    ///
    /// # Errors
    /// The errors of [`Pass::embed`].
    pub fn embed_as_bert(&self, [words, types, positions]: [Table; 3], norm: Norm) -> Result<B::Tensor> {
        let batch = self.batch;
        let tables: [(Table, &dyn Fn(usize) -> u32); 3] = [
            (words, &|token| batch.ids[token]),
            (types, &|token| u32::from(batch.types[token])),
            (positions, &|token| batch.positions[token]),
        ];
        self.embed(&tables, norm)
    }

    /// epilogue(x·Wᵀ + b).
    ///
    /// # Errors
    /// The errors of [`Backend::product`].
    pub async fn linear(&self, x: &B::Tensor, matrix: Matrix, epilogue: Epilogue<'_, B::Tensor>) -> Result<B::Tensor> {
        self.backend.product(x, self.weights.matrix(matrix), epilogue).await
    }

    /// norm(x·Wᵀ + b + residual).
    async fn add_and_norm(&self, x: &B::Tensor, matrix: Matrix, residual: &B::Tensor, norm: Norm) -> Result<B::Tensor> {
        let sum = self.linear(x, matrix, Epilogue::Residual(residual)).await?;
        self.backend.layer_norm(&sum, self.weights.norm(norm))
    }

    /// Runs all layers: (N, D) → (N, D), or (B, D) if only each text's first row is read. `bias` is added to
    /// the scores of every layer's attention.
    ///
    /// # Errors
    /// The errors of the backend's operations.
    pub async fn encode(&mut self, layers: &[Layer], bias: Option<Relative>, mut x: B::Tensor) -> Result<B::Tensor> {
        let bias = bias.map(|bias| self.weights.relative(bias));
        (self.tap)(Tap::Embedding, &x);
        for (i, layer) in layers.iter().enumerate() {
            x = self.attention(layer, bias, x).await?;
            (self.tap)(Tap::Attention(i), &x);
            x = self.feed_forward(layer, &x).await?;
            (self.tap)(Tap::Ffn(i), &x);
        }
        Ok(x)
    }

    /// The first half of a layer, the attention: `x` (N, D) → (N, D), or (B, D) if only each text's first row
    /// is read.
    ///
    /// Source: Vaswani et al. 2017, sections 3.1 and 3.2.
    async fn attention(&self, layer: &Layer, bias: Option<&B::RelativeBias>, mut x: B::Tensor) -> Result<B::Tensor> {
        let (backend, batch) = (self.backend, self.batch);
        let (width, heads) = (self.config.width, self.config.heads);
        let context = match layer.projections {
            Projections::Fused(qkv) => {
                let qkv = self.linear(&x, qkv, Epilogue::Bias).await?; // (N, 3D)
                let [q, k, v] = [0, width, 2 * width].map(|first| Columns { tensor: &qkv, first });
                let spans = Spans { queries: &batch.starts, keys: &batch.starts };
                backend.attention(Attention { q, k, v, spans, width, heads, bias })? // (N, D)
            }
            Projections::Split { q, kv } => {
                let kv = self.linear(&x, kv, Epilogue::Bias).await?; // (N, 2D)
                x = backend.take_rows(&x, batch.first_rows())?; // (B, D)
                let q = self.linear(&x, q, Epilogue::Bias).await?; // (B, D)
                let [k, v] = [0, width].map(|first| Columns { tensor: &kv, first });
                // With one query per text, text b's query is row b.
                let one_each: Vec<u32> = (0..=batch.texts() as u32).collect();
                let spans = Spans { queries: &one_each, keys: &batch.starts };
                let q = Columns { tensor: &q, first: 0 };
                backend.attention(Attention { q, k, v, spans, width, heads, bias })? // (B, D)
            }
        };
        self.add_and_norm(&context, layer.out, &x, layer.attention_norm).await
    }

    /// The second half of a layer, the feed-forward network, applied to the first half's `x`, whose shape it
    /// keeps.
    ///
    /// Source: Vaswani et al. 2017, section 3.3.
    async fn feed_forward(&self, layer: &Layer, x: &B::Tensor) -> Result<B::Tensor> {
        let inner = self.linear(x, layer.lin1, Epilogue::Activation(self.config.activation)).await?; // (N, F)
        self.add_and_norm(&inner, layer.lin2, x, layer.ffn_norm).await
    }

    /// Turns the last layer's `x` into the outputs of the model's task: logits (B, L) or (N, L) with a head,
    /// otherwise a vector per text (B, D) or `x` itself.
    ///
    /// # Errors
    /// The errors of the backend's operations.
    pub async fn head(&self, head: &Option<Head>, mut x: B::Tensor) -> Result<B::Tensor> {
        let Some(head) = head else {
            return match self.config.task {
                Task::Embed(Pooling::Mean) => self.backend.mean_rows(&x, &self.batch.starts),
                _ => Ok(x),
            };
        };
        if let Some((dense, activation)) = head.dense {
            x = self.linear(&x, dense, Epilogue::Activation(activation)).await?; // (B, D)
        }
        self.linear(&x, head.classifier, Epilogue::Bias).await
    }
}

/// A layer's matrices and normalizations.
pub struct Layer {
    projections: Projections,
    out: Matrix,
    attention_norm: Norm,
    lin1: Matrix,
    lin2: Matrix,
    ffn_norm: Norm,
}

/// The products before the attention. Only the last layer's queries may be for other rows than its keys and
/// values.
enum Projections {
    /// q, k and v of every row, (N, 3D), in one product.
    Fused(Matrix),
    /// q of each text's first row, (B, D); k and v of every row, (N, 2D).
    Split { q: Matrix, kv: Matrix },
}

/// The names of a layer's tensors, after the layer's own name.
pub struct LayerNames {
    /// Queries, keys and values.
    pub qkv: [&'static str; 3],
    /// The attention's output.
    pub out: &'static str,
    /// The normalization after the attention.
    pub attention_norm: &'static str,
    /// The two products of the feed-forward network.
    pub ffn: [&'static str; 2],
    /// The normalization after it.
    pub ffn_norm: &'static str,
}

/// The layers `LAYERS.0.` and so on. The last one computes only each text's first row if no other is read:
/// keys and values for all rows, everything else for B rows.
pub fn layers(plan: &mut Plan, config: &Config, layers: &str, names: &LayerNames) -> Vec<Layer> {
    let (d, f) = (config.width, config.hidden);
    let plan_layer = |i: usize| {
        let of = |name: &str| format!("{layers}.{i}.{name}");
        let [q, k, v] = names.qkv.map(of);
        let first_row_alone = i + 1 == config.layers && config.task.reads_first_rows();
        Layer {
            projections: if first_row_alone {
                Projections::Split {
                    q: plan.matrix(&q, [d, d], Narrowest::Int4),
                    kv: plan.fused(&[&k, &v], [d, d], Narrowest::Int4),
                }
            } else {
                Projections::Fused(plan.fused(&[&q, &k, &v], [d, d], Narrowest::Int4))
            },
            out: plan.matrix(&of(names.out), [d, d], Narrowest::Int8),
            attention_norm: plan.norm(&of(names.attention_norm), d),
            lin1: plan.matrix(&of(names.ffn[0]), [f, d], Narrowest::Int4),
            lin2: plan.matrix(&of(names.ffn[1]), [d, f], Narrowest::Int4),
            ffn_norm: plan.norm(&of(names.ffn_norm), d),
        }
    };
    (0..config.layers).map(plan_layer).collect()
}

/// A head on each text's first token, or on every token.
pub struct Head {
    /// The product before the last, for a head on the first token.
    dense: Option<(Matrix, Activation)>,
    classifier: Matrix,
}

/// The head of a classifier, classifier(activation(dense(x))), or of a tagger, which has a single product,
/// with the same name in every architecture. A bare encoder has none.
pub fn head(plan: &mut Plan, config: &Config, dense: &str, activation: Activation, classifier: &str) -> Option<Head> {
    let (d, labels) = (config.width, config.labels.len());
    let last = |plan: &mut Plan, name: &str| {
        plan.part(Part::Classifier, |plan| plan.matrix(name, [labels, d], Narrowest::Int8))
    };
    match config.task {
        Task::Classify => {
            let dense = plan.part(Part::Head, |plan| plan.matrix(dense, [d, d], Narrowest::Int8));
            Some(Head { dense: Some((dense, activation)), classifier: last(plan, classifier) })
        }
        Task::Tag => Some(Head { dense: None, classifier: last(plan, TAGGER) }),
        Task::Embed(_) | Task::Encode => None,
    }
}

/// The name of the product of a head on every token, in every architecture.
pub const TAGGER: &str = "classifier";

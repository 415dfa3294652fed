//! The model's parts while they fill: each row goes straight to where the model needs it.

use super::dtype::Dtype;
use super::embedding::EmbeddingTable;
use super::matching::{Incoming, Target};
use super::names::{Norm, Product, Role, Table};
use super::{Layer, Model, Projections};
use crate::backend::{Backend, LinearBuilder, Precision};
use crate::config::Config;
use crate::error::Result;

struct LayerParts<L> {
    projections: Projections<L>,
    out_lin: L,
    lin1: L,
    lin2: L,
}

/// The model's parts while they fill.
pub(super) struct Parts<B: Backend> {
    word: EmbeddingTable,
    position: EmbeddingTable,
    norms: Vec<[Vec<f32>; 2]>,
    layers: Vec<LayerParts<B::LinearBuilder>>,
    pre_classifier: B::LinearBuilder,
    classifier: B::LinearBuilder,
    width: usize,
}

/// The place of a layer normalization in [`Parts::norms`].
fn norm_index(norm: Norm) -> usize {
    match norm {
        Norm::Embedding => 0,
        Norm::Attention(i) => 1 + 2 * i,
        Norm::Ffn(i) => 2 + 2 * i,
    }
}

impl<B: Backend> Parts<B> {
    pub fn new(backend: &B, config: &Config, dtype: Dtype, tensors: &[Incoming]) -> Result<Self> {
        let (d, f) = (config.width, config.hidden);
        let find = |role: Role| {
            let found = tensors.iter().find(|t| matches!(t.target, Target::Role(r) if r == role));
            found.expect("every role was matched")
        };
        let table = |table, rows| {
            let storage = dtype.table_storage(find(Role::Embedding(table)).storage);
            EmbeddingTable::new(rows, d, storage)
        };
        // Matrices that share a product share its precision: the narrowest that holds all of them.
        let linear = |products: &[Product], m, k| {
            let all_in = |held: &[Precision]| {
                products.iter().all(|&p| find(Role::Weight(p)).precision.is_some_and(|p| held.contains(&p)))
            };
            let precision = if all_in(&[Precision::Int4]) {
                Precision::Int4
            } else if all_in(&[Precision::Int4, Precision::Int8]) {
                Precision::Int8
            } else if all_in(&[Precision::F16]) {
                Precision::F16
            } else {
                Precision::F32
            };
            backend.linear_builder(m, k, precision)
        };
        let mut layers = Vec::with_capacity(config.layers);
        for i in 0..config.layers {
            let (q, k, v) = (Product::Q(i), Product::K(i), Product::V(i));
            layers.push(LayerParts {
                projections: if i + 1 < config.layers {
                    Projections::Fused(linear(&[q, k, v], 3 * d, d)?)
                } else {
                    Projections::Split { q: linear(&[q], d, d)?, kv: linear(&[k, v], 2 * d, d)? }
                },
                out_lin: linear(&[Product::Out(i)], d, d)?,
                lin1: linear(&[Product::Lin1(i)], f, d)?,
                lin2: linear(&[Product::Lin2(i)], d, f)?,
            });
        }
        Ok(Self {
            word: table(Table::Word, config.vocabulary)?,
            position: table(Table::Position, config.max_tokens)?,
            norms: vec![[Vec::new(), Vec::new()]; 1 + 2 * config.layers],
            layers,
            pre_classifier: linear(&[Product::PreClassifier], d, d)?,
            classifier: linear(&[Product::Classifier], config.labels.len(), d)?,
            width: d,
        })
    }

    /// The matrix that a product is part of, and its first row there.
    fn product(&mut self, product: Product) -> (&mut B::LinearBuilder, usize) {
        let d = self.width;
        match product {
            Product::Q(i) => match &mut self.layers[i].projections {
                Projections::Fused(qkv) => (qkv, 0),
                Projections::Split { q, .. } => (q, 0),
            },
            Product::K(i) => match &mut self.layers[i].projections {
                Projections::Fused(qkv) => (qkv, d),
                Projections::Split { kv, .. } => (kv, 0),
            },
            Product::V(i) => match &mut self.layers[i].projections {
                Projections::Fused(qkv) => (qkv, 2 * d),
                Projections::Split { kv, .. } => (kv, d),
            },
            Product::Out(i) => (&mut self.layers[i].out_lin, 0),
            Product::Lin1(i) => (&mut self.layers[i].lin1, 0),
            Product::Lin2(i) => (&mut self.layers[i].lin2, 0),
            Product::PreClassifier => (&mut self.pre_classifier, 0),
            Product::Classifier => (&mut self.classifier, 0),
        }
    }

    fn table(&mut self, table: Table) -> &mut EmbeddingTable {
        match table {
            Table::Word => &mut self.word,
            Table::Position => &mut self.position,
        }
    }

    pub fn put(&mut self, role: Role, row: usize, numbers: &[f32], stored: &[u8]) {
        match role {
            Role::Embedding(table) => self.table(table).set_float(row, numbers, stored),
            Role::Gamma(norm) => self.norms[norm_index(norm)][0] = numbers.to_vec(),
            Role::Beta(norm) => self.norms[norm_index(norm)][1] = numbers.to_vec(),
            Role::Weight(product) => {
                let (builder, first) = self.product(product);
                builder.row_f32(first + row, numbers);
            }
            Role::Bias(product) => {
                let (builder, first) = self.product(product);
                builder.bias(first, numbers);
            }
        }
    }

    pub fn put_int8(&mut self, role: Role, row: usize, values: &[i8]) {
        match role {
            Role::Embedding(table) => self.table(table).set_int8(row, values),
            Role::Weight(product) => {
                let (builder, first) = self.product(product);
                builder.row_i8(first + row, values);
            }
            Role::Gamma(_) | Role::Beta(_) | Role::Bias(_) => unreachable!("only matrices are stored as int8"),
        }
    }

    pub fn put_int4(&mut self, role: Role, row: usize, packed: &[u8], group_scales: &[f32]) {
        match role {
            Role::Weight(product) => {
                let (builder, first) = self.product(product);
                builder.row_i4(first + row, packed, group_scales);
            }
            _ => unreachable!("only products' matrices are stored as int4"),
        }
    }

    pub fn put_scales(&mut self, role: Role, scales: &[f32]) {
        match role {
            Role::Embedding(table) => self.table(table).set_scales(scales),
            Role::Weight(product) => {
                let (builder, first) = self.product(product);
                builder.scales(first, scales);
            }
            Role::Gamma(_) | Role::Beta(_) | Role::Bias(_) => unreachable!("only matrices have scales"),
        }
    }

    pub fn finish(self, backend: &B, config: Config) -> Result<Model<B>> {
        let mut norms =
            self.norms.into_iter().map(|[gamma, beta]| backend.layer_norm_weights(gamma, beta, config.layer_norm_eps));
        let mut next_norm = || norms.next().expect("two a layer and one for the embedding");
        let embedding_norm = next_norm()?;
        let mut layers = Vec::with_capacity(config.layers);
        for layer in self.layers {
            layers.push(Layer {
                projections: match layer.projections {
                    Projections::Fused(qkv) => Projections::Fused(qkv.finish()),
                    Projections::Split { q, kv } => Projections::Split { q: q.finish(), kv: kv.finish() },
                },
                out_lin: layer.out_lin.finish(),
                sa_layer_norm: next_norm()?,
                lin1: layer.lin1.finish(),
                lin2: layer.lin2.finish(),
                output_layer_norm: next_norm()?,
            });
        }
        Ok(Model {
            word_embeddings: self.word,
            position_embeddings: self.position,
            embedding_norm,
            layers,
            pre_classifier: self.pre_classifier.finish(),
            classifier: self.classifier.finish(),
            config,
        })
    }
}

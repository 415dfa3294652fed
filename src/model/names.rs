//! The tensor names of each architecture: the only thing that differs between checkpoints of one shape.

use crate::config::{Architecture, Config};

/// The names of one architecture's tensors; `.weight` and `.bias` follow, layers have `{layer}.{n}.` before theirs.
pub struct Names {
    word_embeddings: &'static str,
    position_embeddings: &'static str,
    embedding_norm: &'static str,
    layer: &'static str,
    q: &'static str,
    k: &'static str,
    v: &'static str,
    out: &'static str,
    attention_norm: &'static str,
    lin1: &'static str,
    lin2: &'static str,
    ffn_norm: &'static str,
    pre_classifier: &'static str,
    classifier: &'static str,
}

const DISTILBERT: Names = Names {
    word_embeddings: "distilbert.embeddings.word_embeddings",
    position_embeddings: "distilbert.embeddings.position_embeddings",
    embedding_norm: "distilbert.embeddings.LayerNorm",
    layer: "distilbert.transformer.layer",
    q: "attention.q_lin",
    k: "attention.k_lin",
    v: "attention.v_lin",
    out: "attention.out_lin",
    attention_norm: "sa_layer_norm",
    lin1: "ffn.lin1",
    lin2: "ffn.lin2",
    ffn_norm: "output_layer_norm",
    pre_classifier: "pre_classifier",
    classifier: "classifier",
};

/// Buffers that old checkpoints carry and that are no weights.
pub const BUFFERS: &[&str] = &["distilbert.embeddings.position_ids"];

/// An embedding table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// A row a token id.
    Word,
    /// A row a position.
    Position,
}

/// A layer normalization of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// After the embedding.
    Embedding,
    /// `sa_layer_norm` of a layer.
    Attention(usize),
    /// `output_layer_norm` of a layer.
    Ffn(usize),
}

/// A product of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// Queries of a layer.
    Q(usize),
    /// Keys of a layer.
    K(usize),
    /// Values of a layer.
    V(usize),
    /// The attention's output of a layer.
    Out(usize),
    /// The first feed-forward product of a layer.
    Lin1(usize),
    /// The second.
    Lin2(usize),
    /// The head's first product.
    PreClassifier,
    /// The head's second.
    Classifier,
}

impl Product {
    /// Whether 4 bits of weights are enough: not for the head, which is small and decides, nor for the attention's output, whose rounding
    /// disturbs more than that of larger matrices.
    pub const fn bears_int4(self) -> bool {
        !matches!(self, Self::Out(_) | Self::PreClassifier | Self::Classifier)
    }
}

/// What a tensor is to the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// An embedding table.
    Embedding(Table),
    /// γ of a layer normalization.
    Gamma(Norm),
    /// β of a layer normalization.
    Beta(Norm),
    /// The matrix of a product.
    Weight(Product),
    /// The bias of a product.
    Bias(Product),
}

/// A tensor that a configuration asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Its name in the checkpoint.
    pub name: String,
    /// Its shape, (rows, columns) or (size).
    pub shape: Vec<usize>,
    /// What it is.
    pub role: Role,
}

/// Every tensor that `config` asks for.
pub fn expected(config: &Config) -> Vec<Expected> {
    let names = match config.architecture {
        Architecture::DistilBert => &DISTILBERT,
    };
    let (d, f, labels) = (config.width, config.hidden, config.labels.len());
    let mut list = Vec::new();
    let mut add = |name: String, shape: &[usize], role| list.push(Expected { name, shape: shape.to_vec(), role });

    add(format!("{}.weight", names.word_embeddings), &[config.vocabulary, d], Role::Embedding(Table::Word));
    add(format!("{}.weight", names.position_embeddings), &[config.max_tokens, d], Role::Embedding(Table::Position));
    let mut norms = vec![(names.embedding_norm.to_owned(), Norm::Embedding)];
    let mut products = Vec::new();
    for i in 0..config.layers {
        let of = |name: &str| format!("{}.{i}.{name}", names.layer);
        norms.push((of(names.attention_norm), Norm::Attention(i)));
        norms.push((of(names.ffn_norm), Norm::Ffn(i)));
        products.push((of(names.q), [d, d], Product::Q(i)));
        products.push((of(names.k), [d, d], Product::K(i)));
        products.push((of(names.v), [d, d], Product::V(i)));
        products.push((of(names.out), [d, d], Product::Out(i)));
        products.push((of(names.lin1), [f, d], Product::Lin1(i)));
        products.push((of(names.lin2), [d, f], Product::Lin2(i)));
    }
    products.push((names.pre_classifier.to_owned(), [d, d], Product::PreClassifier));
    products.push((names.classifier.to_owned(), [labels, d], Product::Classifier));
    for (name, norm) in norms {
        add(format!("{name}.weight"), &[d], Role::Gamma(norm));
        add(format!("{name}.bias"), &[d], Role::Beta(norm));
    }
    for (name, shape, product) in products {
        add(format!("{name}.weight"), &shape, Role::Weight(product));
        add(format!("{name}.bias"), &shape[..1], Role::Bias(product));
    }
    list
}

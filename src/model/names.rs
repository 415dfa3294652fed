//! The tensor names of each architecture: the only thing that differs between checkpoints of one shape.

use crate::config::{Architecture, Config};
use std::borrow::Cow;
use std::collections::HashSet;

/// The names of one architecture's tensors; `.weight` and `.bias` follow, layers have `{layer}.{n}.` before theirs.
pub struct Names {
    /// What the names of all but the head begin with: `base_model_prefix` of `transformers`, with its dot.
    base: &'static str,
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
    base: "distilbert.",
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

/// The numbers 0, 1, 2, … and zeros that old checkpoints carry, and that are no weights; with or without the base's prefix.
const BUFFERS: &[&str] = &["embeddings.position_ids", "embeddings.token_type_ids"];

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
    let expect = |(name, role)| Expected { name, shape: shape(role, config), role };
    roles(names, config.layers).into_iter().map(expect).collect()
}

/// The shape of a tensor: (rows, columns), or (size).
fn shape(role: Role, config: &Config) -> Vec<usize> {
    let (d, f, labels) = (config.width, config.hidden, config.labels.len());
    let rows = |product| match product {
        Product::Lin1(_) => f,
        Product::Classifier => labels,
        _ => d,
    };
    match role {
        Role::Embedding(Table::Word) => vec![config.vocabulary, d],
        Role::Embedding(Table::Position) => vec![config.max_tokens, d],
        Role::Gamma(_) | Role::Beta(_) => vec![d],
        Role::Weight(product @ Product::Lin2(_)) => vec![rows(product), f],
        Role::Weight(product) => vec![rows(product), d],
        Role::Bias(product) => vec![rows(product)],
    }
}

/// The tensors of a model of so many layers.
fn roles(names: &Names, layers: usize) -> Vec<(String, Role)> {
    let mut norms = vec![(names.embedding_norm.to_owned(), Norm::Embedding)];
    let mut products = Vec::new();
    for i in 0..layers {
        let of = |name: &str| format!("{}.{i}.{name}", names.layer);
        norms.push((of(names.attention_norm), Norm::Attention(i)));
        norms.push((of(names.ffn_norm), Norm::Ffn(i)));
        products.push((of(names.q), Product::Q(i)));
        products.push((of(names.k), Product::K(i)));
        products.push((of(names.v), Product::V(i)));
        products.push((of(names.out), Product::Out(i)));
        products.push((of(names.lin1), Product::Lin1(i)));
        products.push((of(names.lin2), Product::Lin2(i)));
    }
    products.push((names.pre_classifier.to_owned(), Product::PreClassifier));
    products.push((names.classifier.to_owned(), Product::Classifier));
    let mut list = vec![
        (format!("{}.weight", names.word_embeddings), Role::Embedding(Table::Word)),
        (format!("{}.weight", names.position_embeddings), Role::Embedding(Table::Position)),
    ];
    for (name, norm) in norms {
        list.push((format!("{name}.weight"), Role::Gamma(norm)));
        list.push((format!("{name}.bias"), Role::Beta(norm)));
    }
    for (name, product) in products {
        list.push((format!("{name}.weight"), Role::Weight(product)));
        list.push((format!("{name}.bias"), Role::Bias(product)));
    }
    list
}

/// The names of a checkpoint whose configuration is not there: any number of layers, one at least.
pub struct Known(HashSet<String>);

impl Known {
    /// The names of every architecture.
    pub fn new() -> Self {
        Self(roles(&DISTILBERT, 1).into_iter().map(|(name, _)| name).collect())
    }

    /// Whether a model has a tensor `name`.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains(&*in_first_layer(name))
    }

    /// What the smallest model has.
    pub fn least(&self) -> impl Iterator<Item = &String> {
        self.0.iter()
    }
}

impl Default for Known {
    fn default() -> Self {
        Self::new()
    }
}

/// A name with the number of its layer replaced by 0.
fn in_first_layer(name: &str) -> Cow<'_, str> {
    let layer = DISTILBERT.layer;
    let numbered = name.strip_prefix(layer).and_then(|rest| rest.strip_prefix('.')?.split_once('.'));
    match numbered {
        Some((i, rest)) if i.parse::<u16>().is_ok_and(|n| n.to_string() == i) => format!("{layer}.0.{rest}").into(),
        _ => name.into(),
    }
}

/// Whether a tensor of the file is a buffer, which the model computes by itself.
pub fn is_buffer(name: &str) -> bool {
    BUFFERS.contains(&name.strip_prefix(DISTILBERT.base).unwrap_or(name))
}

/// Whether a tensor is part of a head: of what a base model has not.
pub fn is_of_head(name: &str) -> bool {
    !name.starts_with(DISTILBERT.base)
}

/// A tensor's name as checkpoints of today have it, where TensorFlow's names were kept for a while.
pub fn modern(name: &str) -> Cow<'_, str> {
    let renamed = |old, new| name.strip_suffix(old).map(|stem| format!("{stem}{new}").into());
    renamed("LayerNorm.gamma", "LayerNorm.weight")
        .or_else(|| renamed("LayerNorm.beta", "LayerNorm.bias"))
        .unwrap_or(name.into())
}

/// The name under which a model that `has` certain names knows the file's tensor `name`: with γ and β renamed, and the base's
/// prefix added or taken away where that makes a name of the model's. `None` where it has none.
///
/// Source: `rename_source_key` of `transformers` 5.24, `core_model_loading.py`.
pub fn canonical<'a>(name: &'a str, has: impl Fn(&str) -> bool) -> Option<Cow<'a, str>> {
    let base = DISTILBERT.base;
    let name = modern(name);
    if let Some(stripped) = name.strip_prefix(base)
        && has(stripped)
    {
        return Some(stripped.to_owned().into());
    }
    let prefixed = format!("{base}{name}");
    if has(&prefixed) {
        return Some(prefixed.into());
    }
    has(&name).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_as_transformers_finds_them() {
        let known = Known::new();
        let canonical = |name| canonical(name, |n| known.has(n)).map(Cow::into_owned);
        for (name, want) in [
            ("distilbert.embeddings.LayerNorm.weight", "distilbert.embeddings.LayerNorm.weight"),
            ("distilbert.embeddings.LayerNorm.gamma", "distilbert.embeddings.LayerNorm.weight"),
            ("embeddings.LayerNorm.beta", "distilbert.embeddings.LayerNorm.bias"),
            ("transformer.layer.11.ffn.lin1.bias", "distilbert.transformer.layer.11.ffn.lin1.bias"),
            ("distilbert.pre_classifier.bias", "pre_classifier.bias"),
            ("distilbert.distilbert.embeddings.LayerNorm.bias", "distilbert.embeddings.LayerNorm.bias"),
            ("classifier.weight", "classifier.weight"),
        ] {
            assert_eq!(canonical(name).as_deref(), Some(want), "{name}");
        }
        for name in [
            "gamma",
            "embeddings.position_ids",
            "transformer.layer.01.ffn.lin1.bias",
            "transformer.layer.x.ffn.lin1.bias",
            "module.classifier.weight",
            "vocab_layer_norm.gamma",
            "distilbert.transformer.layer.0.sa_layer_norm.gamma",
        ] {
            assert_eq!(canonical(name), None, "{name}");
        }
        assert!(is_buffer("embeddings.position_ids") && is_buffer("distilbert.embeddings.token_type_ids"));
        assert!(!is_buffer("position_ids"));
    }
}

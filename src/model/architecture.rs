//! The supported architectures, one file each: its sizes from a configuration, its tensors and its forward
//! pass.

use super::bert::{self, Bert};
use super::distilbert::{self, DistilBert};
use super::electra::{self, Electra};
use super::mpnet::{self, MpNet};
use super::plan::Plan;
use super::roberta::{self, Kind, Roberta};
use super::static_embedding::{self, Layout, StaticEmbedding};
use super::transformer::Pass;
use crate::backend::Backend;
use crate::config::{Config, Fields, Sizes};
use crate::error::Result;

/// An architecture, with the settings that only it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// BERT (Devlin et al. 2019).
    Bert,
    /// DistilBERT (Sanh et al. 2019).
    DistilBert,
    /// ELECTRA (Clark et al. 2020).
    Electra {
        /// The embeddings' width.
        embedding_width: usize,
    },
    /// MPNet (Song et al. 2020).
    MpNet {
        /// Rows of the table of biases.
        buckets: usize,
    },
    /// RoBERTa (Liu et al. 2019), XLM-RoBERTa, CamemBERT or data2vec's text model.
    Roberta {
        /// Which of them.
        kind: Kind,
        /// The id of the padding token.
        padding: u32,
    },
    /// A table of vectors, one per token, and no layers.
    StaticEmbedding(Layout),
}

/// Reads an architecture's sizes.
type Reader = fn(&Fields) -> Result<Sizes>;

/// Encoders by `model_type` in `config.json`, in alphabetical order.
pub const READERS: [(&str, Reader); 8] = [
    ("bert", bert::sizes),
    ("camembert", roberta::camembert_sizes),
    ("data2vec-text", roberta::data2vec_sizes),
    ("distilbert", distilbert::sizes),
    ("electra", electra::sizes),
    ("mpnet", mpnet::sizes),
    ("roberta", roberta::sizes),
    ("xlm-roberta", roberta::xlm_sizes),
];

/// Models that have only token vectors, and so no classifier, by `model_type`.
pub const STATIC_READERS: [(&str, Reader); 2] =
    [(static_embedding::MODEL2VEC, static_embedding::model2vec_sizes), ("static-embedding", static_embedding::sizes)];

/// One `model_type` for each set of tensor names.
pub const NAMING_SCHEMES: [&str; 6] = ["distilbert", "bert", "roberta", "electra", "mpnet", "data2vec-text"];

/// Small configurations that together have every tensor of an architecture.
pub fn examples(model_type: &str) -> Vec<Config> {
    let example = |fields: &str| {
        let json = format!(r#"{{"model_type": {model_type:?}, "num_hidden_layers": 1{fields}}}"#);
        Config::from_json(json.as_bytes()).expect("every field has a default")
    };
    match model_type {
        "electra" => vec![example(""), example(r#", "embedding_size": 256"#)],
        _ => vec![example("")],
    }
}

impl Architecture {
    /// `model_type` in `config.json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bert => "bert",
            Self::DistilBert => "distilbert",
            Self::Electra { .. } => "electra",
            Self::MpNet { .. } => "mpnet",
            Self::Roberta { kind: Kind::Roberta, .. } => "roberta",
            Self::Roberta { kind: Kind::XlmRoberta, .. } => "xlm-roberta",
            Self::Roberta { kind: Kind::Camembert, .. } => "camembert",
            Self::Roberta { kind: Kind::Data2Vec, .. } => "data2vec-text",
            Self::StaticEmbedding(layout) => layout.name(),
        }
    }

    /// The prefix of all tensor names except the head's: `base_model_prefix` of `transformers`, with its dot.
    pub fn base(self) -> &'static str {
        match self {
            Self::Bert => bert::BASE,
            Self::DistilBert => distilbert::BASE,
            Self::Electra { .. } => electra::BASE,
            Self::MpNet { .. } => mpnet::BASE,
            Self::Roberta { kind, .. } => kind.base(),
            Self::StaticEmbedding(_) => "",
        }
    }

    /// Whether a pair's token types count; if they don't, tokenizers assign none.
    pub fn uses_token_types(self) -> bool {
        match self {
            Self::Bert | Self::Electra { .. } => true,
            Self::DistilBert | Self::MpNet { .. } | Self::Roberta { .. } | Self::StaticEmbedding(_) => false,
        }
    }

    /// Whether the numbers of an int8 table without scales are used as they are.
    pub fn accepts_bare_int8(self) -> bool {
        matches!(self, Self::StaticEmbedding(_))
    }
}

/// A planned model, ready to compute with weights of its plan.
pub enum Network {
    /// BERT.
    Bert(Bert),
    /// DistilBERT.
    DistilBert(DistilBert),
    /// ELECTRA.
    Electra(Electra),
    /// MPNet.
    MpNet(MpNet),
    /// RoBERTa and its variants.
    Roberta(Roberta),
    /// A static embedding.
    StaticEmbedding(StaticEmbedding),
}

impl Network {
    /// The network that a configuration describes, and its tensors.
    pub fn new(config: &Config) -> (Self, Plan) {
        let mut plan = Plan::new(config.layer_norm_eps);
        let network = match config.architecture {
            Architecture::Bert => Self::Bert(Bert::new(config, &mut plan)),
            Architecture::DistilBert => Self::DistilBert(DistilBert::new(config, &mut plan)),
            Architecture::Electra { embedding_width } => {
                Self::Electra(Electra::new(config, &mut plan, embedding_width))
            }
            Architecture::MpNet { buckets } => Self::MpNet(MpNet::new(config, &mut plan, buckets)),
            Architecture::Roberta { padding, .. } => Self::Roberta(Roberta::new(config, &mut plan, padding)),
            Architecture::StaticEmbedding(layout) => {
                Self::StaticEmbedding(StaticEmbedding::new(config, &mut plan, layout))
            }
        };
        (network, plan)
    }

    /// The outputs of the model's task ([`Pass::head`]).
    ///
    /// # Errors
    /// The errors of the backend's operations.
    pub async fn forward<B: Backend>(&self, pass: &mut Pass<'_, B>) -> Result<B::Tensor> {
        match self {
            Self::Bert(network) => network.forward(pass).await,
            Self::DistilBert(network) => network.forward(pass).await,
            Self::Electra(network) => network.forward(pass).await,
            Self::MpNet(network) => network.forward(pass).await,
            Self::Roberta(network) => network.forward(pass).await,
            Self::StaticEmbedding(network) => network.forward(pass),
        }
    }
}

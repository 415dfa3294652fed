//! The architectures that run here. Each is a file: its sizes from a configuration, its tensors, its forward pass.

use super::distilbert::{self, DistilBert};
use super::plan::Plan;
use super::transformer::Pass;
use crate::backend::Backend;
use crate::config::{Config, Fields, Sizes};
use crate::error::Result;

/// An architecture, with what of its configuration is its alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// DistilBERT (Sanh et al. 2019).
    DistilBert,
}

/// One `model_type` of each set of tensor names.
pub const NAMED_APART: [&str; 1] = ["distilbert"];

/// Small configurations that between them have every tensor of an architecture.
pub fn examples(model_type: &str) -> Vec<Config> {
    let example = |fields: &str| {
        let json = format!(r#"{{"model_type": {model_type:?}, "num_hidden_layers": 1{fields}}}"#);
        Config::from_json(json.as_bytes()).expect("every field has a default")
    };
    vec![example("")]
}

/// Reads an architecture's sizes.
type Reader = fn(&Fields) -> Result<Sizes>;

/// By `model_type` in `config.json`, in alphabetical order.
pub const READERS: [(&str, Reader); 1] = [("distilbert", distilbert::sizes)];

impl Architecture {
    /// `model_type` in `config.json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::DistilBert => "distilbert",
        }
    }

    /// What the names of all tensors but the head's begin with: `base_model_prefix` of `transformers`, with its dot.
    pub fn base(self) -> &'static str {
        match self {
            Self::DistilBert => distilbert::BASE,
        }
    }
}

/// A planned model, ready to compute with weights of its plan.
pub enum Network {
    /// DistilBERT.
    DistilBert(DistilBert),
}

impl Network {
    /// The network that a configuration describes, and its tensors.
    pub fn new(config: &Config) -> (Self, Plan) {
        let mut plan = Plan::new(config.layer_norm_eps);
        let network = match config.architecture {
            Architecture::DistilBert => Self::DistilBert(DistilBert::new(config, &mut plan)),
        };
        (network, plan)
    }

    /// The logits (B, L); without a head the states (N, D).
    ///
    /// # Errors
    /// Those of the backend's operations.
    pub async fn forward<B: Backend>(&self, pass: &mut Pass<'_, B>) -> Result<B::Tensor> {
        match self {
            Self::DistilBert(network) => network.forward(pass).await,
        }
    }
}

//! A model's configuration: Hugging Face's `config.json`, read and checked before anything is allocated.

use crate::backend::Activation;
use crate::error::{Error, ErrorKind, Result};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Limits of what is taken for a model; beyond them a configuration is a mistake or an attack, not a model.
mod limits {
    pub const WIDTH: usize = 8_192;
    pub const HIDDEN: usize = 65_536;
    pub const LAYERS: usize = 96;
    pub const VOCABULARY: usize = 1 << 20;
    pub const POSITIONS: usize = 8_192;
    pub const LABELS: usize = 10_000;
}

/// How logits become scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scoring {
    /// One label of many: softmax.
    Softmax,
    /// Each label by itself: sigmoid.
    Sigmoid,
    /// The logits as they are (regression).
    Identity,
}

/// The architectures that run here; `model::names` holds one table of tensor names for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// DistilBERT (Sanh et al. 2019).
    DistilBert,
}

impl Architecture {
    /// `model_type` in `config.json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::DistilBert => "distilbert",
        }
    }
}

/// A checked configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The architecture.
    pub architecture: Architecture,
    /// D: the width of a token's state.
    pub width: usize,
    /// H: attention heads; divides `width`.
    pub heads: usize,
    /// Transformer layers.
    pub layers: usize,
    /// F: the feed-forward network's inner width.
    pub hidden: usize,
    /// Rows of the word embedding.
    pub vocabulary: usize,
    /// Rows of the position embedding: the most tokens of one text, special ones included.
    pub max_tokens: usize,
    /// The feed-forward network's nonlinearity.
    pub activation: Activation,
    /// ε of every layer normalization.
    pub layer_norm_eps: f32,
    /// L labels, by id.
    pub labels: Vec<String>,
    /// How logits become scores.
    pub scoring: Scoring,
}

/// The fields of `config.json` that matter here; the defaults are `transformers.DistilBertConfig`'s.
#[derive(Deserialize)]
struct File {
    architectures: Option<Vec<String>>,
    #[serde(default = "default_dim")]
    dim: usize,
    #[serde(default = "default_heads")]
    n_heads: usize,
    #[serde(default = "default_layers")]
    n_layers: usize,
    #[serde(default = "default_hidden")]
    hidden_dim: usize,
    #[serde(default = "default_vocabulary")]
    vocab_size: usize,
    #[serde(default = "default_positions")]
    max_position_embeddings: usize,
    #[serde(default = "default_activation")]
    activation: String,
    id2label: Option<BTreeMap<String, String>>,
    num_labels: Option<usize>,
    problem_type: Option<String>,
}

fn default_dim() -> usize {
    768
}
fn default_heads() -> usize {
    12
}
fn default_layers() -> usize {
    6
}
fn default_hidden() -> usize {
    3072
}
fn default_vocabulary() -> usize {
    30_522
}
fn default_positions() -> usize {
    512
}
fn default_activation() -> String {
    "gelu".into()
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::ConfigInvalid, format!("config.json {}", message.into()))
}

fn unsupported(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::ConfigUnsupported, format!("config.json {}", message.into()))
}

impl Config {
    /// Reads and checks a `config.json`.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] where it is no JSON object of the right types or its sizes are impossible;
    /// [`ErrorKind::ConfigUnsupported`] where it describes a model that does not run here.
    ///
    /// Source: `transformers` 5.23, `configuration_distilbert.py` and `configuration_utils.py`.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        // The type is looked at first: a model of another kind has other fields, and "no such field" would mislead.
        #[derive(Deserialize)]
        struct Kind {
            model_type: Option<String>,
        }
        let broken =
            |e: serde_json::Error| invalid(format!("can't be read ({e}): take the file that belongs to the weights."));
        let architecture = match serde_json::from_slice::<Kind>(bytes).map_err(broken)?.model_type.as_deref() {
            Some("distilbert") => Architecture::DistilBert,
            Some(other) => {
                return Err(unsupported(format!(
                    "has model_type {other:?}: only \"distilbert\" runs here. Take a DistilBERT checkpoint."
                )));
            }
            None => {
                return Err(invalid(
                    "has no model_type: take the config.json of a Hugging Face checkpoint, as it was saved.",
                ));
            }
        };
        let file: File = serde_json::from_slice(bytes).map_err(broken)?;
        file.check(architecture)
    }
}

impl File {
    fn check(self, architecture: Architecture) -> Result<Config> {
        if let Some(names) = &self.architectures
            && !names.is_empty()
            && !names.iter().any(|n| n.ends_with("ForSequenceClassification"))
        {
            return Err(unsupported(format!(
                "describes {}, which has no classification head: take a checkpoint of ...ForSequenceClassification.",
                names.join(", ")
            )));
        }
        let activation = match self.activation.as_str() {
            "gelu" => Activation::Gelu,
            "relu" => Activation::Relu,
            other => {
                return Err(unsupported(format!(
                    "has activation {other:?}: \"gelu\" and \"relu\" run here. Take a checkpoint with one of them."
                )));
            }
        };
        for (name, value, most) in [
            ("dim", self.dim, limits::WIDTH),
            ("n_heads", self.n_heads, limits::WIDTH),
            ("n_layers", self.n_layers, limits::LAYERS),
            ("hidden_dim", self.hidden_dim, limits::HIDDEN),
            ("vocab_size", self.vocab_size, limits::VOCABULARY),
            ("max_position_embeddings", self.max_position_embeddings, limits::POSITIONS),
        ] {
            if value == 0 || value > most {
                return Err(invalid(format!("has {name} {value}: it must lie between 1 and {most}.")));
            }
        }
        if !self.dim.is_multiple_of(self.n_heads) {
            return Err(invalid(format!(
                "has dim {} and n_heads {}: the heads must divide the width.",
                self.dim, self.n_heads
            )));
        }
        let labels = self.labels()?;
        let scoring = match self.problem_type.as_deref() {
            Some("multi_label_classification") => Scoring::Sigmoid,
            Some("regression") => Scoring::Identity,
            Some("single_label_classification") => Scoring::Softmax,
            // What transformers' pipeline does where nothing is said.
            None if labels.len() == 1 => Scoring::Sigmoid,
            None => Scoring::Softmax,
            Some(other) => {
                return Err(unsupported(format!(
                    "has problem_type {other:?}: single_label_classification, multi_label_classification and \
                     regression run here."
                )));
            }
        };
        Ok(Config {
            architecture,
            width: self.dim,
            heads: self.n_heads,
            layers: self.n_layers,
            hidden: self.hidden_dim,
            vocabulary: self.vocab_size,
            max_tokens: self.max_position_embeddings,
            activation,
            // DistilBERT's own code fixes it; its configuration has no field for it.
            layer_norm_eps: 1e-12,
            labels,
            scoring,
        })
    }

    fn labels(&self) -> Result<Vec<String>> {
        let Some(map) = &self.id2label else {
            let count = self.num_labels.unwrap_or(2);
            if count == 0 || count > limits::LABELS {
                return Err(invalid(format!("has num_labels {count}: it must lie between 1 and {}.", limits::LABELS)));
            }
            return Ok((0..count).map(|i| format!("LABEL_{i}")).collect());
        };
        if map.is_empty() || map.len() > limits::LABELS {
            return Err(invalid(format!("has {} labels: between 1 and {} are taken.", map.len(), limits::LABELS)));
        }
        (0..map.len())
            .map(|i| {
                map.get(&i.to_string()).cloned().ok_or_else(|| {
                    invalid(format!("has no label {i} in id2label: its {} ids must count up from 0.", map.len()))
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(json: &str) -> ErrorKind {
        let error = Config::from_json(json.as_bytes()).expect_err(json);
        assert!(error.message().starts_with("config.json "), "{}", error.message());
        error.kind()
    }

    #[test]
    fn a_checkpoint_s_own_file_is_read() {
        let config = Config::from_json(include_bytes!("../models/sentiment-en/config.json")).unwrap();
        assert_eq!((config.width, config.heads, config.layers, config.hidden), (384, 12, 6, 1536));
        assert_eq!((config.vocabulary, config.max_tokens), (30_522, 512));
        assert_eq!(config.labels, ["NEGATIVE", "POSITIVE"]);
        assert_eq!((config.activation, config.scoring), (Activation::Gelu, Scoring::Softmax));
    }

    #[test]
    fn missing_fields_take_the_library_s_defaults() {
        let config = Config::from_json(br#"{"model_type": "distilbert"}"#).unwrap();
        assert_eq!((config.width, config.heads, config.layers, config.hidden), (768, 12, 6, 3072));
        assert_eq!(config.labels, ["LABEL_0", "LABEL_1"]);
    }

    #[test]
    fn scoring_follows_the_problem_type_as_in_the_pipeline() {
        let scoring = |extra: &str| {
            Config::from_json(format!(r#"{{"model_type": "distilbert", {extra}}}"#).as_bytes()).unwrap().scoring
        };
        assert_eq!(scoring(r#""problem_type": "multi_label_classification""#), Scoring::Sigmoid);
        assert_eq!(scoring(r#""problem_type": "single_label_classification""#), Scoring::Softmax);
        assert_eq!(scoring(r#""problem_type": "regression", "num_labels": 1"#), Scoring::Identity);
        assert_eq!(scoring(r#""num_labels": 1"#), Scoring::Sigmoid);
        assert_eq!(scoring(r#""problem_type": null"#), Scoring::Softmax);
    }

    #[test]
    fn what_is_no_configuration_is_invalid() {
        for json in [
            "",
            "<!doctype html>",
            "[]",
            "null",
            "{}",
            r#"{"model_type": 3}"#,
            r#"{"model_type": "distilbert", "dim": -3}"#,
            r#"{"model_type": "distilbert", "dim": 0}"#,
            r#"{"model_type": "distilbert", "dim": 38.5}"#,
            r#"{"model_type": "distilbert", "dim": "384"}"#,
            r#"{"model_type": "distilbert", "dim": 100, "n_heads": 12}"#,
            r#"{"model_type": "distilbert", "n_heads": 0}"#,
            r#"{"model_type": "distilbert", "n_layers": 4000000000}"#,
            r#"{"model_type": "distilbert", "vocab_size": 99999999999999999999}"#,
            r#"{"model_type": "distilbert", "hidden_dim": 9999999}"#,
            r#"{"model_type": "distilbert", "max_position_embeddings": 0}"#,
            r#"{"model_type": "distilbert", "num_labels": 0}"#,
            r#"{"model_type": "distilbert", "id2label": {}}"#,
            r#"{"model_type": "distilbert", "id2label": {"0": "a", "2": "b"}}"#,
            r#"{"model_type": "distilbert", "id2label": ["a"]}"#,
        ] {
            assert_eq!(kind(json), ErrorKind::ConfigInvalid, "{json}");
        }
    }

    #[test]
    fn what_does_not_run_here_is_unsupported() {
        for json in [
            r#"{"model_type": "bert"}"#,
            r#"{"model_type": "distilbert", "activation": "gelu_new"}"#,
            r#"{"model_type": "distilbert", "activation": "tanh"}"#,
            r#"{"model_type": "distilbert", "architectures": ["DistilBertForMaskedLM"]}"#,
            r#"{"model_type": "distilbert", "problem_type": "ranking"}"#,
        ] {
            assert_eq!(kind(json), ErrorKind::ConfigUnsupported, "{json}");
        }
    }
}

//! A model's configuration: Hugging Face's `config.json`, read and checked before anything is allocated.

use crate::backend::Activation;
use crate::error::{Error, ErrorKind, Result};
use crate::json::{JsonFile, start_of};
use serde_json::{Map, Value};

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
    /// The tokenizer's class, where the file names one.
    pub tokenizer_class: Option<String>,
}

const FILE: JsonFile = JsonFile { name: "config.json", kind: ErrorKind::ConfigInvalid };

fn invalid(message: impl std::fmt::Display) -> Error {
    FILE.error(message)
}

fn unsupported(message: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::ConfigUnsupported, format!("{} {message}", FILE.name))
}

impl Config {
    /// Reads and checks a `config.json`.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] where it is no JSON object of the right types or its sizes are impossible;
    /// [`ErrorKind::ConfigUnsupported`] where it describes a model that does not run here; [`ErrorKind::NotAModel`] where it is
    /// another file.
    ///
    /// Source: `transformers` 5.24, `configuration_distilbert.py` and `configuration_utils.py`.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        let fields = Fields(FILE.object(bytes)?);
        // The type is looked at first: a model of another kind has other fields, and an error about one would mislead.
        let architecture = match fields.text("model_type")? {
            Some("distilbert") => Architecture::DistilBert,
            Some(other) => {
                return Err(unsupported(format_args!(
                    "has model_type {:?}: only \"distilbert\" is supported. Take a DistilBERT checkpoint.",
                    start_of(other)
                )));
            }
            None => {
                return Err(invalid(
                    "has no model_type: take the config.json of a Hugging Face checkpoint, as it was saved.",
                ));
            }
        };
        fields.has_a_classifier()?;
        let activation = match fields.text("activation")?.unwrap_or("gelu") {
            "gelu" => Activation::Gelu,
            "relu" => Activation::Relu,
            other => {
                return Err(unsupported(format_args!(
                    "has activation {:?}: \"gelu\" and \"relu\" are supported. Take a checkpoint with one of them.",
                    start_of(other)
                )));
            }
        };
        // The names are DistilBERT's own, then those that its attribute_map takes for the same; the defaults are its own, too.
        let width = fields.size(&["dim", "hidden_size"], 768, limits::WIDTH)?;
        let heads = fields.size(&["n_heads", "num_attention_heads"], 12, limits::WIDTH)?;
        if !width.is_multiple_of(heads) {
            return Err(invalid(format_args!("has width {width} and {heads} heads: the heads must divide the width.")));
        }
        let labels = fields.labels()?;
        Ok(Self {
            architecture,
            width,
            heads,
            layers: fields.size(&["n_layers", "num_hidden_layers"], 6, limits::LAYERS)?,
            hidden: fields.size(&["hidden_dim"], 3072, limits::HIDDEN)?,
            vocabulary: fields.size(&["vocab_size"], 30_522, limits::VOCABULARY)?,
            max_tokens: fields.size(&["max_position_embeddings"], 512, limits::POSITIONS)?,
            activation,
            // DistilBERT's own code fixes it; its configuration has no field for it.
            layer_norm_eps: 1e-12,
            scoring: fields.scoring(labels.len())?,
            labels,
            tokenizer_class: fields.text("tokenizer_class")?.map(str::to_owned),
        })
    }
}

/// The file's fields.
struct Fields(Map<String, Value>);

impl Fields {
    /// A field that is not null.
    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Result<Option<&str>> {
        let wrong = || invalid(format_args!("has a wrong {name}: it must be a text."));
        self.get(name).map(|value| value.as_str().ok_or_else(wrong)).transpose()
    }

    /// A whole number of 1 to `most`, by the last of its names that is there, as Python sets them one after the other.
    fn size(&self, names: &[&str], default: usize, most: usize) -> Result<usize> {
        let Some((name, value)) = names.iter().rev().find_map(|name| Some((name, self.0.get(*name)?))) else {
            return Ok(default);
        };
        let size = value.as_u64().and_then(|size| usize::try_from(size).ok()).filter(|size| (1..=most).contains(size));
        size.ok_or_else(|| match value {
            Value::Number(number) => invalid(format_args!("has {name} {number}: it must lie between 1 and {most}.")),
            _ => invalid(format_args!("has a wrong {name}: it must be a whole number between 1 and {most}.")),
        })
    }

    /// Refuses models of another task. Whether an own class has a classifier, the weights will tell.
    fn has_a_classifier(&self) -> Result<()> {
        const OTHER_TASKS: [&str; 6] = [
            "Model",
            "ForMaskedLM",
            "ForPreTraining",
            "ForTokenClassification",
            "ForQuestionAnswering",
            "ForMultipleChoice",
        ];
        let Some(architectures) = self.get("architectures") else { return Ok(()) };
        let wrong = || invalid("has wrong architectures: they must be a list of texts.");
        let names = architectures.as_array().ok_or_else(wrong)?.iter().map(|name| name.as_str().ok_or_else(wrong));
        let names = names.collect::<Result<Vec<_>>>()?;
        match names
            .iter()
            .all(|name| OTHER_TASKS.iter().any(|task| name.ends_with(task)))
            .then(|| names.first())
            .flatten()
        {
            Some(name) => Err(unsupported(format_args!(
                "describes {} in architectures, which has no classification head: take a checkpoint of \
                 ...ForSequenceClassification.",
                start_of(name)
            ))),
            None => Ok(()),
        }
    }

    fn scoring(&self, labels: usize) -> Result<Scoring> {
        match self.text("problem_type")? {
            Some("multi_label_classification") => Ok(Scoring::Sigmoid),
            Some("regression") => Ok(Scoring::Identity),
            // Softmax of one label is 1 for every text: transformers 5 refuses it.
            Some("single_label_classification") if labels == 1 => Err(invalid(
                "has problem_type \"single_label_classification\" and one label: give it two labels, or remove problem_type \
                 to have the sigmoid of the one.",
            )),
            Some("single_label_classification") => Ok(Scoring::Softmax),
            // What transformers' pipeline does where nothing is said.
            None if labels == 1 => Ok(Scoring::Sigmoid),
            None => Ok(Scoring::Softmax),
            Some(other) => Err(unsupported(format_args!(
                "has problem_type {:?}: single_label_classification, multi_label_classification and regression are \
                 supported.",
                start_of(other)
            ))),
        }
    }

    /// The labels by id: texts of whatever `id2label` has, as JSON writes it.
    fn labels(&self) -> Result<Vec<String>> {
        let Some(map) = self.get("id2label") else {
            let count =
                if self.get("num_labels").is_some() { self.size(&["num_labels"], 2, limits::LABELS)? } else { 2 };
            return Ok((0..count).map(|i| format!("LABEL_{i}")).collect());
        };
        let map =
            map.as_object().ok_or_else(|| invalid("has a wrong id2label: it must be an object of ids and labels."))?;
        if map.is_empty() || map.len() > limits::LABELS {
            return Err(invalid(format_args!(
                "has {} labels in id2label: between 1 and {} are supported.",
                map.len(),
                limits::LABELS
            )));
        }
        let mut labels = vec![None; map.len()];
        for (id, label) in map {
            // Python's `int`: zeros and white space around it are no matter.
            let place = id.trim().parse::<usize>().ok().filter(|id| *id < map.len()).ok_or_else(|| {
                invalid(format_args!(
                    "has the id {:?} in id2label: its {} ids must count up from 0.",
                    start_of(id),
                    map.len()
                ))
            })?;
            labels[place] = Some(match label {
                Value::String(text) => text.clone(),
                Value::Null | Value::Bool(_) | Value::Number(_) => label.to_string(),
                Value::Array(_) | Value::Object(_) => {
                    return Err(invalid(format_args!("has a wrong label {place} in id2label: it must be a text.")));
                }
            });
        }
        let count = labels.len();
        let missing = |i| invalid(format_args!("has no label {i} in id2label: its {count} ids must count up from 0."));
        labels.into_iter().enumerate().map(|(i, label)| label.ok_or_else(|| missing(i))).collect()
    }
}

#[cfg(test)]
mod tests;

//! The fields of a `config.json`, each with its own error.

use super::{Scoring, Sizes, Task, invalid, limits, unsupported};
use crate::backend::Activation;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::Result;
use crate::json::start_of;
use serde_json::{Map, Value};

/// The file's fields.
pub struct Fields(pub(super) Map<String, Value>);

impl Fields {
    /// A field, unless it is missing or null.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Whether the field is null.
    pub fn is_null(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(Value::is_null)
    }

    /// An optional string.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] if it is anything else.
    pub fn text(&self, name: &str) -> Result<Option<&str>> {
        let wrong = || invalid(format_args!("has a wrong {name}: it must be a string."));
        self.get(name).map(|value| value.as_str().ok_or_else(wrong)).transpose()
    }

    /// An integer from `min` to `max`.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] if it is anything else.
    pub fn size_from(&self, name: &str, default: usize, min: usize, max: usize) -> Result<usize> {
        self.get(name).map_or(Ok(default), |value| integer(name, value, min, max))
    }

    /// A token's id.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] if it is not an integer, or larger than any vocabulary.
    pub fn id(&self, name: &str, default: u32) -> Result<u32> {
        self.size_from(name, default as usize, 0, limits::VOCABULARY).map(|id| id as u32)
    }

    /// `sizes` for a model whose positions start after the position of the padding token.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] if no position is left.
    pub fn behind_padding(&self, sizes: Sizes, padding: u32) -> Result<Sizes> {
        match sizes.positions.checked_sub(padding as usize + 1) {
            Some(max_tokens @ 1..) => Ok(Sizes { max_tokens, ..sizes }),
            _ => Err(invalid(format_args!(
                "has max_position_embeddings {}, but positions start after the padding token's, {padding}.",
                sizes.positions
            ))),
        }
    }

    /// Rejects decoders, and position embeddings that are not a table.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigUnsupported`].
    pub fn check_is_encoder(&self) -> Result<()> {
        if self.is_set("is_decoder")? {
            return Err(unsupported("has is_decoder true: only encoders are supported. Use an encoder checkpoint."));
        }
        match self.text("position_embedding_type")? {
            None | Some("absolute") => Ok(()),
            Some(other) => Err(unsupported(format_args!(
                "has position_embedding_type {:?}: only \"absolute\" is supported. Use a checkpoint that has it.",
                start_of(other)
            ))),
        }
    }

    /// An integer from 1 to `max`. If several of its names are present, the last one counts: Python sets
    /// them one after the other.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] if it is anything else.
    pub fn size(&self, names: &[&str], default: usize, max: usize) -> Result<usize> {
        let Some((name, value)) = names.iter().rev().find_map(|name| Some((name, self.0.get(*name)?))) else {
            return Ok(default);
        };
        integer(name, value, 1, max)
    }

    /// Whether the field is true.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] if it is neither true nor false.
    pub fn is_set(&self, name: &str) -> Result<bool> {
        let wrong = || invalid(format_args!("has a wrong {name}: it must be true or false."));
        self.get(name).map_or(Ok(false), |value| value.as_bool().ok_or_else(wrong))
    }

    /// ε of the layer normalizations, from 0 to 1.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] if it is anything else.
    pub fn eps(&self, name: &str, default: f32) -> Result<f32> {
        let Some(value) = self.get(name) else { return Ok(default) };
        let eps = value.as_f64().filter(|eps| (0.0..=1.0).contains(eps));
        eps.map(|eps| eps as f32)
            .ok_or_else(|| invalid(format_args!("has a wrong {name}: it must be a number from 0 to 1.")))
    }

    /// The nonlinearity that `name` names; GELU if it is missing.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigUnsupported`] for an unsupported one.
    ///
    /// Source: `transformers` 5.24, `activations.py`.
    pub fn activation(&self, name: &str) -> Result<Activation> {
        match self.text(name)?.unwrap_or("gelu") {
            "gelu" => Ok(Activation::Gelu),
            "gelu_new" | "gelu_pytorch_tanh" | "gelu_fast" => Ok(Activation::GeluTanh),
            "relu" => Ok(Activation::Relu),
            other => Err(unsupported(format_args!(
                "has {name} {:?}: \"gelu\", \"gelu_new\", \"gelu_pytorch_tanh\", \"gelu_fast\" and \"relu\" are \
                 supported. Use a checkpoint with one of them.",
                start_of(other)
            ))),
        }
    }

    /// Rejects models with another task's head. For custom classes, the weights decide.
    pub(super) fn check_head(&self, task: Task) -> Result<()> {
        const OTHERS: [&str; 7] = [
            "Model",
            "ForMaskedLM",
            "LMHeadModel",
            "ForNextSentencePrediction",
            "ForPreTraining",
            "ForQuestionAnswering",
            "ForMultipleChoice",
        ];
        let (wanted, others) = match task {
            Task::Classify => ("ForSequenceClassification", "ForTokenClassification"),
            Task::Tag => ("ForTokenClassification", "ForSequenceClassification"),
            Task::Embed(_) | Task::Encode => return Ok(()),
        };
        let Some(architectures) = self.get("architectures") else { return Ok(()) };
        let wrong = || invalid("has wrong architectures: it must be a list of strings.");
        let names = architectures.as_array().ok_or_else(wrong)?.iter().map(|name| name.as_str().ok_or_else(wrong));
        let names = names.collect::<Result<Vec<_>>>()?;
        let of_another = |name: &&str| name.ends_with(others) || OTHERS.iter().any(|task| name.ends_with(task));
        match names.iter().all(of_another).then(|| names.first()).flatten() {
            Some(name) => Err(unsupported(format_args!(
                "lists {} in architectures, which has no head for {}: use a checkpoint of ...{wanted}{}.",
                start_of(name),
                if task == Task::Tag { "token labels" } else { "text labels" },
                match name.ends_with(others) {
                    true if task == Task::Tag => ", or load this one with Classifier",
                    true => ", or load this one with Tagger",
                    false => "",
                }
            ))),
            None => Ok(()),
        }
    }

    /// The labels of a tagger, which needs their names.
    pub(super) fn labels_of_tokens(&self) -> Result<Vec<String>> {
        if self.get("id2label").is_none() {
            return Err(invalid(
                "has no id2label: a tagger needs its label names. Add those that the model was trained with.",
            ));
        }
        self.labels()
    }

    pub(super) fn scoring(&self, labels: usize) -> Result<Scoring> {
        match self.text("problem_type")? {
            Some("multi_label_classification") => Ok(Scoring::Sigmoid),
            Some("regression") => Ok(Scoring::Identity),
            // Softmax of one label is 1 for every text: transformers 5 rejects it.
            Some("single_label_classification") if labels == 1 => Err(invalid(
                "has problem_type \"single_label_classification\" and one label: give it two labels, or remove \
                 problem_type to get the sigmoid of the one.",
            )),
            Some("single_label_classification") => Ok(Scoring::Softmax),
            // The default of transformers' pipeline.
            None if labels == 1 => Ok(Scoring::Sigmoid),
            None => Ok(Scoring::Softmax),
            Some(other) => Err(unsupported(format_args!(
                "has problem_type {:?}: single_label_classification, multi_label_classification and regression are \
                 supported.",
                start_of(other)
            ))),
        }
    }

    /// The labels by id; null, booleans and numbers in `id2label` become their JSON text.
    pub(super) fn labels(&self) -> Result<Vec<String>> {
        let Some(map) = self.get("id2label") else {
            let count =
                if self.get("num_labels").is_some() { self.size(&["num_labels"], 2, limits::LABELS)? } else { 2 };
            return Ok((0..count).map(|i| format!("LABEL_{i}")).collect());
        };
        let map = map.as_object().ok_or_else(|| invalid("has a wrong id2label: it must map ids to labels."))?;
        if map.is_empty() || map.len() > limits::LABELS {
            return Err(invalid(format_args!(
                "has {} labels in id2label: between 1 and {} are supported.",
                map.len(),
                limits::LABELS
            )));
        }
        let mut labels = vec![None; map.len()];
        for (id, label) in map {
            // As in Python's `int`, leading zeros and surrounding white space are ignored.
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
                    return Err(invalid(format_args!("has a wrong label {place} in id2label: it must be a string.")));
                }
            });
        }
        let count = labels.len();
        let missing = |i| invalid(format_args!("has no label {i} in id2label: its {count} ids must count up from 0."));
        labels.into_iter().enumerate().map(|(i, label)| label.ok_or_else(|| missing(i))).collect()
    }
}

/// An integer from `min` to `max`.
fn integer(name: &str, value: &Value, min: usize, max: usize) -> Result<usize> {
    let size = value.as_u64().and_then(|size| usize::try_from(size).ok());
    size.filter(|size| (min..=max).contains(size)).ok_or_else(|| match value {
        Value::Number(number) => invalid(format_args!("has {name} {number}: it must be between {min} and {max}.")),
        _ => invalid(format_args!("has a wrong {name}: it must be a whole number between {min} and {max}.")),
    })
}

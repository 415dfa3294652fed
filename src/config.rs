//! A model's configuration: Hugging Face's `config.json`, read and checked before anything is allocated.

mod fields;

use crate::backend::Activation;
use crate::error::{Error, ErrorKind, Result};
use crate::json::{JsonFile, start_of};
use crate::model::architecture::{Architecture, READERS, STATIC_READERS};
use crate::model::static_embedding::MODEL2VEC;
pub use fields::Fields;

/// Limits of a plausible model; a configuration beyond them is a mistake or an attack.
pub mod limits {
    /// D
    pub const WIDTH: usize = 8_192;
    /// F
    pub const HIDDEN: usize = 65_536;
    /// Layers.
    pub const LAYERS: usize = 96;
    /// Rows of the word embedding.
    pub const VOCABULARY: usize = 1 << 20;
    /// Rows of the position embedding.
    pub const POSITIONS: usize = 8_192;
    /// Rows of the table of token types.
    pub const TYPES: usize = 256;
    /// L
    pub const LABELS: usize = 10_000;
}

/// What a model is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Labels for each text, from a head on its first token.
    Classify,
    /// A vector for each text: its tokens' states, pooled.
    Embed(Pooling),
    /// Labels for each token, from a head on every token.
    Tag,
    /// A state for each token: the encoder without a head.
    Encode,
}

/// How the states of a text's tokens become one vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// The state of the first token.
    First,
    /// The mean of all states, including those of special tokens.
    Mean,
}

impl Task {
    /// The task with this name: "classify", "embed-mean", "embed-first", "encode" or "tag".
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for any other name.
    pub fn from_name(name: &str) -> Result<Self> {
        match name {
            "classify" => Ok(Self::Classify),
            "embed-mean" => Ok(Self::Embed(Pooling::Mean)),
            "embed-first" => Ok(Self::Embed(Pooling::First)),
            "encode" => Ok(Self::Encode),
            "tag" => Ok(Self::Tag),
            _ => Err(Error::new(ErrorKind::InvalidArgument, format!("There is no task {name:?}."))),
        }
    }

    /// Whether the model has a head, whose rows are labels.
    pub fn has_head(self) -> bool {
        matches!(self, Self::Classify | Self::Tag)
    }

    /// Whether only the first row of each text is read from the last layer.
    pub fn reads_first_rows(self) -> bool {
        matches!(self, Self::Classify | Self::Embed(Pooling::First))
    }

    /// Whether the output has a row for each token instead of each text.
    pub fn reads_all_rows(self) -> bool {
        matches!(self, Self::Tag | Self::Encode)
    }
}

/// How logits become scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scoring {
    /// One label of many: softmax.
    Softmax,
    /// Each label independently: sigmoid.
    Sigmoid,
    /// The logits as they are (regression).
    Identity,
}

/// What a configuration says about the encoder.
#[derive(Clone, Debug, PartialEq)]
pub struct Sizes {
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
    /// Rows of the position embedding.
    pub positions: usize,
    /// The maximum number of tokens in a text, including special tokens.
    pub max_tokens: usize,
    /// Rows of the table of token types; 0 if there is none.
    pub types: usize,
    /// The feed-forward network's nonlinearity.
    pub activation: Activation,
    /// ε of every layer normalization.
    pub layer_norm_eps: f32,
}

/// A checked configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The encoder.
    pub sizes: Sizes,
    /// What the model is used for.
    pub task: Task,
    /// L labels, by id; none without a head.
    pub labels: Vec<String>,
    /// How logits become scores.
    pub scoring: Scoring,
    /// The tokenizer's class, if the file names one.
    pub tokenizer_class: Option<String>,
}

impl std::ops::Deref for Config {
    type Target = Sizes;

    fn deref(&self) -> &Sizes {
        &self.sizes
    }
}

const FILE: JsonFile = JsonFile { name: "config.json", kind: ErrorKind::ConfigInvalid };

fn invalid(message: impl std::fmt::Display) -> Error {
    FILE.error(message)
}

fn unsupported(message: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::ConfigUnsupported, format!("{} {message}", FILE.name))
}

impl Config {
    /// Reads and checks the `config.json` of a classifier.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] if it is not a JSON object with the right types or its sizes are
    /// impossible; [`ErrorKind::ConfigUnsupported`] if it describes an unsupported model;
    /// [`ErrorKind::NotAModel`] if it is another kind of file.
    ///
    /// Source: `transformers` 5.24, `configuration_utils.py`.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        Self::for_task(bytes, Task::Classify)
    }

    /// Reads and checks a `config.json` for a task. For a task without a head, the model may have any head or
    /// none.
    ///
    /// # Errors
    /// The errors of [`Config::from_json`].
    pub fn for_task(bytes: &[u8], task: Task) -> Result<Self> {
        let fields = Fields(FILE.object(bytes)?);
        // Check the type first: a model of another kind has other fields, and an error about one of them
        // would mislead.
        // model2vec writes no model_type for a table that it did not distil itself.
        let of_table = fields.text("embedding_dtype")?.map(|_| MODEL2VEC);
        let Some(model_type) = fields.text("model_type")?.or(of_table) else {
            return Err(invalid("has no model_type: use the original config.json of a Hugging Face checkpoint."));
        };
        let is_mean = task == Task::Embed(Pooling::Mean);
        let static_readers = STATIC_READERS.iter().filter(|_| is_mean);
        let Some((_, sizes)) = READERS.iter().chain(static_readers).find(|(name, _)| *name == model_type) else {
            if STATIC_READERS.iter().any(|(name, _)| *name == model_type) {
                return Err(unsupported(format_args!(
                    "has model_type {model_type:?}: a static embedding only yields the mean of its token vectors. \
                     Load it as an embedder with pooling \"mean\"."
                )));
            }
            return Err(unsupported(format_args!(
                "has model_type {:?}, which is not supported. Supported: {}.",
                start_of(model_type),
                READERS.map(|(name, _)| name).join(", ")
            )));
        };
        fields.check_head(task)?;
        let sizes = sizes(&fields)?;
        let Sizes { width, heads, .. } = sizes;
        if !width.is_multiple_of(heads) {
            return Err(invalid(format_args!("has width {width} and {heads} heads: the heads must divide the width.")));
        }
        let (labels, scoring) = match task {
            Task::Classify => {
                let labels = fields.labels()?;
                let scoring = fields.scoring(labels.len())?;
                (labels, scoring)
            }
            Task::Tag => (fields.labels_of_tokens()?, Scoring::Softmax),
            Task::Embed(_) | Task::Encode => (Vec::new(), Scoring::Identity),
        };
        let tokenizer_class = fields.text("tokenizer_class")?.map(str::to_owned);
        Ok(Self { sizes, task, labels, scoring, tokenizer_class })
    }

    /// The number of values in a row of the model's output: L with a head, else D.
    pub fn output_width(&self) -> usize {
        if self.task.has_head() { self.labels.len() } else { self.width }
    }
}

#[cfg(test)]
mod tests;

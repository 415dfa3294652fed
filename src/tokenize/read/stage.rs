//! A stage of `tokenizer.json`: an object whose `type` names its kind, next to the fields of that kind.

use super::super::{invalid, unsupported};
use crate::error::{Error, Result};
use crate::json::start_of;
use serde_json::{Map, Value};

/// The maximum number of stages in a sequence.
const MAX_STAGES: usize = 32;

/// The longest text of a field that is inserted into a user's texts: at most this many bytes replace a character.
const MAX_TEXT: usize = 64;

/// A stage.
pub struct Stage<'a> {
    /// The part that it belongs to, such as "normalizer".
    part: &'static str,
    kind: &'a str,
    fields: &'a Map<String, Value>,
}

impl<'a> Stage<'a> {
    /// Reads the kind.
    ///
    /// # Errors
    /// [`crate::ErrorKind::TokenizerInvalid`] if `value` is not an object with a type.
    pub fn new(part: &'static str, value: &'a Value) -> Result<Self> {
        let object = value.as_object().and_then(|fields| Some((fields.get("type")?.as_str()?, fields)));
        let Some((kind, fields)) = object else {
            return Err(invalid(format!("has a {part} without a type: use the original file.")));
        };
        Ok(Self { part, kind, fields })
    }

    /// Its kind.
    pub fn kind(&self) -> &'a str {
        self.kind
    }

    /// The error for an unknown kind.
    pub fn unsupported(&self) -> Error {
        unsupported(format!(
            "has a {} of type {:?}, which is not supported: use a checkpoint of a supported model type with its own \
             tokenizer.json.",
            self.part,
            start_of(self.kind)
        ))
    }

    /// The error for a field with a wrong value.
    pub fn wrong(&self, name: &str, wants: &str) -> Error {
        invalid(format!(
            "has a {} {:?} whose {name:?} is wrong: it must be {wants}. Use the original file.",
            self.part,
            start_of(self.kind)
        ))
    }

    /// A field; `null` counts as missing.
    pub fn field(&self, name: &str) -> Option<&'a Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    /// A boolean, if there is one.
    pub fn maybe_flag(&self, name: &str) -> Result<Option<bool>> {
        let flag = |value: &Value| value.as_bool().ok_or_else(|| self.wrong(name, "true or false"));
        self.field(name).map(flag).transpose()
    }

    /// A boolean; required if there is no default.
    pub fn flag(&self, name: &str, default: Option<bool>) -> Result<bool> {
        self.maybe_flag(name)?.or(default).ok_or_else(|| self.wrong(name, "true or false"))
    }

    /// A text, if there is one.
    pub fn maybe_text(&self, name: &str) -> Result<Option<&'a str>> {
        let text = |value: &'a Value| value.as_str().ok_or_else(|| self.wrong(name, "a text"));
        self.field(name).map(text).transpose()
    }

    /// A text that is inserted into a user's texts.
    pub fn short_text(&self, name: &str) -> Result<&'a str> {
        let text = self.maybe_text(name)?.filter(|text| text.len() <= MAX_TEXT);
        text.ok_or_else(|| self.wrong(name, "a string of at most 64 bytes"))
    }

    /// The stages of a sequence, each read by `read`.
    pub fn stages<T>(&self, name: &str, read: impl Fn(&Stage<'a>) -> Result<T>) -> Result<Vec<T>> {
        let all = self.field(name).and_then(Value::as_array).filter(|all| all.len() <= MAX_STAGES);
        let all = all.ok_or_else(|| self.wrong(name, "a list of at most 32 stages"))?;
        all.iter().map(|value| read(&Stage::new(self.part, value)?)).collect()
    }
}

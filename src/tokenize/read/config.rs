//! `tokenizer_config.json`, with `special_tokens_map.json` and `added_tokens.json`: the parts that
//! `AutoTokenizer.from_pretrained` uses.

use super::super::added::AddedToken;
use super::TokenizerFiles;
use super::class::{Class, ModelConfig, Settings};
use crate::error::{ErrorKind, Result};
use crate::json::{JsonFile, start_of};
use serde_json::{Map, Value};

const FILE: JsonFile = JsonFile { name: "tokenizer_config.json", kind: ErrorKind::TokenizerInvalid };
const SPECIAL_TOKENS_MAP: JsonFile = JsonFile { name: "special_tokens_map.json", ..FILE };
const ADDED_TOKENS: JsonFile = JsonFile { name: "added_tokens.json", ..FILE };

/// The fields that name a special token.
pub const SPECIAL: [&str; 7] =
    ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

/// A larger `model_max_length` is Python's way to say that there is no limit.
const NO_LENGTH: f64 = 1e20;

/// The settings of these files.
pub struct TokenizerConfig {
    /// The maximum number of tokens per text, including special ones, if the files set one.
    pub max_length: Option<usize>,
    /// The class, if it is one that reinterprets `tokenizer.json`.
    pub class: Option<(Class, Settings)>,
    /// The added tokens in the order of their ids, if `tokenizer_config.json` lists them.
    pub listed: Option<Vec<AddedToken>>,
    /// The tokens of `added_tokens.json`.
    pub added: Vec<AddedToken>,
    /// Special tokens, added if they are missing; the class's own are in its settings.
    pub special: Vec<AddedToken>,
    /// Whether a model receives the types of the tokens; in Python, one that doesn't uses zeros.
    pub types: bool,
    /// Settings of the files that are ignored.
    pub warnings: Vec<String>,
}

impl TokenizerConfig {
    /// Reads the files; `model_config`, from `config.json`, counts if `tokenizer_config.json` names no class.
    ///
    /// # Errors
    /// [`ErrorKind::TokenizerInvalid`], [`ErrorKind::NotAModel`].
    ///
    /// Source: `transformers` 5.24, `AutoTokenizer.from_pretrained` and
    /// `PreTrainedTokenizerBase._from_pretrained`.
    pub fn read(files: &TokenizerFiles, model_config: &ModelConfig) -> Result<Self> {
        let mut fields = files.config.map(|bytes| FILE.object(bytes)).transpose()?.unwrap_or_default();
        let listed = listed_tokens(&fields)?;
        let mut added = Vec::new();
        // Older files count if the list is missing.
        if listed.is_none() {
            if let Some(bytes) = files.special_tokens_map {
                fields.extend(SPECIAL_TOKENS_MAP.object(bytes)?);
            }
            if let Some(bytes) = files.added_tokens {
                added = added_tokens(&ADDED_TOKENS.object(bytes)?, &fields)?;
            }
        }
        let named = text(&fields, "tokenizer_class")?;
        let class = Class::of(named, model_config);
        let types = match input_names(&fields)? {
            Some(names) => names.iter().any(|name| name == "token_type_ids"),
            // Without a model, only tokenizer.json decides.
            None => files.model_config.is_none() && named.is_none() || Class::gives_types(named, model_config),
        };
        let mut named = Vec::with_capacity(SPECIAL.len());
        for name in SPECIAL {
            let default = || class.and_then(|class| class.special_token(name));
            named.push(special_token(&fields, name)?.or_else(default));
        }
        let settings = Settings {
            lowercase: flag(&fields, "do_lower_case")?,
            split_by_punct: flag(&fields, "split_by_punct")?.unwrap_or(false),
            unk_id: fields.get("unk_id").and_then(Value::as_u64).and_then(|id| id.try_into().ok()),
            chinese: flag(&fields, "tokenize_chinese_chars")?.unwrap_or(true),
            strip_accents: flag(&fields, "strip_accents")?,
            prefix_space: flag(&fields, "add_prefix_space")?,
            trim_offsets: flag(&fields, "trim_offsets")?.unwrap_or(true),
            special: named.iter().map(|token| token.as_ref().map(|token| token.content.clone())).collect(),
            further: None,
        };
        let further = further_tokens(&fields)?;
        let settings = Settings { further: further.as_ref().map(Vec::len), ..settings };
        let mut warnings = Vec::new();
        if text(&fields, "truncation_side")? == Some("left") {
            warnings.push(
                "tokenizer_config.json has truncation_side \"left\", which is not supported: long texts are cut at \
                 their end."
                    .into(),
            );
        }
        Ok(Self {
            max_length: max_length(&fields)?,
            class: class.map(|class| (class, settings)),
            listed,
            added,
            special: named.into_iter().flatten().chain(further.into_iter().flatten()).collect(),
            types,
            warnings,
        })
    }
}

/// The tokens of `added_tokens.json`, in the order of its ids; the ones that `fields` names are special.
fn added_tokens(file: &Map<String, Value>, fields: &Map<String, Value>) -> Result<Vec<AddedToken>> {
    let mut special = further_tokens(fields)?.unwrap_or_default();
    for name in SPECIAL {
        special.extend(special_token(fields, name)?);
    }
    let mut added = Vec::with_capacity(file.len());
    for (content, id) in file {
        let is_special = special.iter().any(|token| token.content == *content);
        let id = id.as_u64().ok_or_else(|| ADDED_TOKENS.error("must have a whole number for each token."))?;
        added.push((id, AddedToken { normalized: !is_special, special: is_special, ..special_of(content) }));
    }
    crate::order::sort_by_key(&mut added, |(id, _)| *id);
    Ok(added.into_iter().map(|(_, token)| token).collect())
}

fn wrong(name: &str, wants: &str) -> crate::Error {
    FILE.error(format_args!("has a wrong {name}: it must be {wants}."))
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(wrong(name, "a text")),
    }
}

fn flag(fields: &Map<String, Value>, name: &str) -> Result<Option<bool>> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(wrong(name, "true or false")),
    }
}

/// The names of a model's inputs, as in Python.
fn input_names(fields: &Map<String, Value>) -> Result<Option<&Vec<Value>>> {
    match fields.get("model_input_names") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(names)) => Ok(Some(names)),
        Some(_) => Err(wrong("model_input_names", "a list of names")),
    }
}

fn max_length(fields: &Map<String, Value>) -> Result<Option<usize>> {
    let name = if fields.contains_key("model_max_length") { "model_max_length" } else { "max_len" };
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_f64() {
            Some(length) if length > NO_LENGTH => Ok(None),
            // A value beyond the largest `usize` saturates, and so limits nothing.
            Some(length) if length >= 1.0 && length.fract() == 0.0 => Ok(Some(length as usize)),
            _ => Err(wrong(name, "a whole number of 1 or more")),
        },
    }
}

/// A special token.
pub fn special_of(content: &str) -> AddedToken {
    AddedToken {
        content: content.into(),
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
    }
}

/// A token as Python writes it; only the content is required.
fn token_of(value: &Value, special: bool) -> Option<AddedToken> {
    let field = |name: &str| value.get(name).and_then(Value::as_bool);
    let special = field("special").unwrap_or(special);
    Some(AddedToken {
        content: value.get("content")?.as_str()?.into(),
        single_word: field("single_word").unwrap_or(false),
        lstrip: field("lstrip").unwrap_or(false),
        rstrip: field("rstrip").unwrap_or(false),
        normalized: field("normalized").unwrap_or(!special),
        special,
    })
}

fn special_token(fields: &Map<String, Value>, name: &str) -> Result<Option<AddedToken>> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(content)) => Ok(Some(special_of(content))),
        Some(value) => token_of(value, true).map(Some).ok_or_else(|| wrong(name, "a string or a token")),
    }
}

/// `added_tokens_decoder`, in the order of its ids.
fn listed_tokens(fields: &Map<String, Value>) -> Result<Option<Vec<AddedToken>>> {
    const NAME: &str = "added_tokens_decoder";
    let Some(value) = fields.get(NAME) else { return Ok(None) };
    let tokens = value.as_object().ok_or_else(|| wrong(NAME, "an object of ids and tokens"))?;
    let mut listed = Vec::with_capacity(tokens.len());
    for (id, token) in tokens {
        let id: u32 = id
            .parse()
            .map_err(|_| FILE.error(format_args!("has the id {:?} in {NAME}, which is not an id.", start_of(id))))?;
        listed.push((id, token_of(token, false).ok_or_else(|| wrong(NAME, "an object of ids and tokens"))?));
    }
    crate::order::sort_by_key(&mut listed, |(id, _)| *id);
    Ok(Some(listed.into_iter().map(|(_, token)| token).collect()))
}

/// `extra_special_tokens`, or `additional_special_tokens`, its former name.
fn further_tokens(fields: &Map<String, Value>) -> Result<Option<Vec<AddedToken>>> {
    // Tokens of an object, and of fields with names of their own, are specific to the model.
    let own = |name: &str| name.ends_with("_token") && !SPECIAL.contains(&name);
    let fields_of_model = fields.iter().filter(|(name, _)| own(name)).map(|(_, value)| value);
    let record = fields.get("extra_special_tokens").and_then(Value::as_object).into_iter().flat_map(Map::values);
    let of_model = fields_of_model.chain(record).filter_map(Value::as_str).map(special_of);
    let of_model = of_model.collect::<Vec<_>>();
    let named = ["extra_special_tokens", "additional_special_tokens"].into_iter();
    let mut lists = named.filter_map(|name| Some((name, fields.get(name)?)));
    let Some((name, Value::Array(tokens))) =
        lists.find(|(_, value)| value.as_array().is_some_and(|list| !list.is_empty()))
    else {
        return Ok(Some(of_model).filter(|tokens| !tokens.is_empty()));
    };
    let token = |value: &Value| value.as_str().map(special_of).or_else(|| token_of(value, true));
    let all = tokens.iter().map(|value| token(value).ok_or_else(|| wrong(name, "a list of tokens")));
    Ok(Some([of_model, all.collect::<Result<_>>()?].concat()))
}

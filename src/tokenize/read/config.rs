//! `tokenizer_config.json`: what `AutoTokenizer.from_pretrained` makes of it beside `tokenizer.json`.
//!
//! For the classes BertTokenizer and DistilBertTokenizer, Python builds the tokenizer anew: of `tokenizer.json` it takes the
//! vocabulary and the added tokens alone, and the rest from here. For other classes `tokenizer.json` counts.

use super::super::added::AddedToken;
use super::super::normalize::Bert;
use super::class::{Anew, Described, builds_anew};
use crate::error::{ErrorKind, Result};
use crate::json::{JsonFile, start_of};
use serde_json::{Map, Value};

const FILE: JsonFile = JsonFile { name: "tokenizer_config.json", kind: ErrorKind::TokenizerInvalid };

/// The fields that name a special token, and its content where a class built anew finds none.
const SPECIAL: [(&str, Option<&str>); 7] = [
    ("bos_token", None),
    ("eos_token", None),
    ("unk_token", Some("[UNK]")),
    ("sep_token", Some("[SEP]")),
    ("pad_token", Some("[PAD]")),
    ("cls_token", Some("[CLS]")),
    ("mask_token", Some("[MASK]")),
];

/// A larger `model_max_length` is Python's way to write that there is none.
const NO_LENGTH: f64 = 1e20;

/// What a `tokenizer_config.json` says.
#[derive(Default)]
pub struct TokenizerConfig {
    /// The most tokens of a text, special ones included, where it names a bound.
    pub max_length: Option<usize>,
    /// What is not taken from `tokenizer.json`, where the class builds the tokenizer anew.
    pub anew: Option<Anew>,
    /// Added tokens by id, where it lists them.
    pub added: Option<Vec<AddedToken>>,
    /// Special tokens, added where they are not yet.
    pub special: Vec<AddedToken>,
    /// What of it is not followed.
    pub warnings: Vec<String>,
}

impl TokenizerConfig {
    /// Reads the file; `described` is what `config.json` says, which counts where this file names no class.
    ///
    /// # Errors
    /// [`ErrorKind::TokenizerInvalid`], [`ErrorKind::NotAModel`].
    ///
    /// Source: `transformers` 5.24, `AutoTokenizer.from_pretrained` and `BertTokenizer.__init__`.
    pub fn from_json(bytes: &[u8], described: &Described) -> Result<Self> {
        let fields = FILE.object(bytes)?;
        let built_anew = builds_anew(text(&fields, "tokenizer_class")?, described);
        let special: Vec<(&str, Option<AddedToken>)> = SPECIAL
            .into_iter()
            .map(|(name, default)| {
                let token = special_token(&fields, name)?;
                Ok((name, token.or_else(|| default.filter(|_| built_anew).map(special_of))))
            })
            .collect::<Result<_>>()?;
        let named = |name: &str| {
            let token = special.iter().find(|(other, _)| *other == name).and_then(|(_, token)| token.as_ref());
            token.map(|token| token.content.clone()).unwrap_or_default()
        };
        let anew = match built_anew {
            false => None,
            true => Some(Anew {
                normalizer: Bert::new(
                    true,
                    flag(&fields, "tokenize_chinese_chars")?.unwrap_or(true),
                    flag(&fields, "strip_accents")?,
                    flag(&fields, "do_lower_case")?.unwrap_or(true),
                ),
                unknown: named("unk_token"),
                cls: named("cls_token"),
                sep: named("sep_token"),
            }),
        };
        let mut warnings = Vec::new();
        if text(&fields, "truncation_side")? == Some("left") {
            warnings.push(
                "tokenizer_config.json has truncation_side \"left\", which is not supported: long texts are cut at their end."
                    .into(),
            );
        }
        Ok(Self {
            max_length: max_length(&fields)?,
            anew,
            added: listed_tokens(&fields)?,
            special: special.into_iter().filter_map(|(_, token)| token).chain(further_tokens(&fields)?).collect(),
            warnings,
        })
    }
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

fn max_length(fields: &Map<String, Value>) -> Result<Option<usize>> {
    let name = if fields.contains_key("model_max_length") { "model_max_length" } else { "max_len" };
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_f64() {
            Some(length) if length > NO_LENGTH => Ok(None),
            // Beyond the largest `usize` it is the largest, which bounds nothing.
            Some(length) if length >= 1.0 && length.fract() == 0.0 => Ok(Some(length as usize)),
            _ => Err(wrong(name, "a whole number of 1 or more")),
        },
    }
}

fn special_of(content: &str) -> AddedToken {
    AddedToken {
        content: content.into(),
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
    }
}

/// A token as Python writes it, of which only the content is needed.
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
        Some(value) => token_of(value, true).map(Some).ok_or_else(|| wrong(name, "a text or a token")),
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
            .map_err(|_| FILE.error(format_args!("has the id {:?} in {NAME}, which is no id.", start_of(id))))?;
        listed.push((id, token_of(token, false).ok_or_else(|| wrong(NAME, "an object of ids and tokens"))?));
    }
    listed.sort_by_key(|(id, _)| *id);
    Ok(Some(listed.into_iter().map(|(_, token)| token).collect()))
}

/// `extra_special_tokens`, or `additional_special_tokens` as it was called.
fn further_tokens(fields: &Map<String, Value>) -> Result<Vec<AddedToken>> {
    let named = ["extra_special_tokens", "additional_special_tokens"].into_iter();
    let mut lists = named.filter_map(|name| Some((name, fields.get(name)?)));
    let Some((name, Value::Array(tokens))) =
        lists.find(|(_, value)| value.as_array().is_some_and(|list| !list.is_empty()))
    else {
        return Ok(Vec::new());
    };
    let token = |value: &Value| value.as_str().map(special_of).or_else(|| token_of(value, true));
    tokens.iter().map(|value| token(value).ok_or_else(|| wrong(name, "a list of tokens"))).collect()
}

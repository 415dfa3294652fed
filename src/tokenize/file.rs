//! `tokenizer.json`: what of it matters here, read and checked.
//!
//! Truncation and padding are not read at all: cutting is a step of its own here, nothing is ever padded, and hostile
//! values there reach nobody. Read with serde rather than with the crate's own reader, which brings every kind of
//! tokenizer along (87 kB brotli more).

use super::wordpiece::{Vocabulary, WordPiece};
use super::{invalid, unsupported};
use crate::error::Result;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use tokenizers::normalizers::bert::BertNormalizer;
use tokenizers::vocab::bucket_added_vocabulary::AddedToken;

/// A checked WordPiece tokenizer's file.
pub struct TokenizerFile {
    /// BERT's normalization, where the file asks for one.
    pub normalizer: Option<BertNormalizer>,
    /// The model, whose ids all have a row.
    pub model: WordPiece,
    /// Tokens that are found in a text before it is cut into words, by id.
    pub added: Vec<AddedToken>,
    /// The special tokens before a text.
    pub prefix: Vec<u32>,
    /// The special tokens after a text.
    pub suffix: Vec<u32>,
}

#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "type")]
    name: Option<String>,
}

#[derive(Deserialize)]
struct Kinds {
    model: Option<Kind>,
    normalizer: Option<Kind>,
    pre_tokenizer: Option<Kind>,
    post_processor: Option<Kind>,
}

#[derive(Deserialize)]
struct File {
    normalizer: Option<Normalizer>,
    pre_tokenizer: Option<Kind>,
    model: Model,
    #[serde(default)]
    added_tokens: Vec<Added>,
    post_processor: Option<PostProcessor>,
}

#[derive(Deserialize)]
struct Normalizer {
    #[serde(rename = "type")]
    kind: Option<String>,
    clean_text: bool,
    handle_chinese_chars: bool,
    strip_accents: Option<bool>,
    lowercase: bool,
}

#[derive(Deserialize)]
struct Model {
    #[serde(rename = "type")]
    kind: Option<String>,
    vocab: Vocabulary,
    #[serde(default = "default_unknown")]
    unk_token: String,
    #[serde(default = "default_prefix")]
    continuing_subword_prefix: String,
    #[serde(default = "default_longest_word")]
    max_input_chars_per_word: usize,
}

fn default_unknown() -> String {
    "[UNK]".into()
}
fn default_prefix() -> String {
    "##".into()
}
fn default_longest_word() -> usize {
    100
}

#[derive(Deserialize)]
struct Added {
    id: u32,
    content: String,
    #[serde(default)]
    single_word: bool,
    #[serde(default)]
    lstrip: bool,
    #[serde(default)]
    rstrip: bool,
    #[serde(default)]
    normalized: bool,
    #[serde(default)]
    special: bool,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum PostProcessor {
    TemplateProcessing { single: Vec<Piece>, special_tokens: BTreeMap<String, SpecialToken> },
    BertProcessing { cls: (String, u32), sep: (String, u32) },
}

#[derive(Deserialize)]
enum Piece {
    SpecialToken { id: String },
    Sequence {},
}

#[derive(Deserialize)]
struct SpecialToken {
    ids: Vec<u32>,
}

/// Read from an object of 30,000 entries: no token is allocated on its own.
impl<'de> Deserialize<'de> for Vocabulary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Vocabulary;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of tokens and their ids")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Vocabulary, A::Error> {
                let mut vocabulary = Vocabulary::default();
                while map.next_key_seed(Token(&mut vocabulary))?.is_some() {
                    let id = map.next_value()?;
                    vocabulary.end_token(id);
                }
                Ok(vocabulary)
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// Writes a token into the vocabulary.
struct Token<'a>(&'a mut Vocabulary);

impl<'de> DeserializeSeed<'de> for Token<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Token<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a token")
    }

    fn visit_str<E>(self, token: &str) -> std::result::Result<(), E> {
        self.0.write(token);
        Ok(())
    }
}

impl TokenizerFile {
    /// Reads and checks the file, for a word embedding of `rows` rows.
    ///
    /// # Errors
    /// [`crate::ErrorKind::TokenizerInvalid`], [`crate::ErrorKind::TokenizerUnsupported`].
    pub fn from_json(bytes: &[u8], rows: usize) -> Result<Self> {
        let broken = |e: serde_json::Error| {
            invalid(format!("can't be read ({e}): take the file that belongs to the weights, as it was saved."))
        };
        let expect = |part: &str, kind: Option<Kind>, known: &[&str]| match kind.map(|k| k.name) {
            Some(Some(name)) if !known.contains(&name.as_str()) => Err(unsupported(format!(
                "has a {part} of type {name:?}: {} runs here. Take a DistilBERT checkpoint with its own tokenizer.json.",
                known.join(" or ")
            ))),
            _ => Ok(()),
        };
        let expect_all = |kinds: Kinds| {
            expect("model", kinds.model, &["WordPiece"])?;
            expect("normalizer", kinds.normalizer, &["BertNormalizer"])?;
            expect("pre_tokenizer", kinds.pre_tokenizer, &["BertPreTokenizer"])?;
            expect("post_processor", kinds.post_processor, &["TemplateProcessing", "BertProcessing"])
        };
        let file: File = match serde_json::from_slice(bytes) {
            Ok(file) => file,
            Err(error) => {
                // Another kind has other fields, and "no such field" would mislead.
                expect_all(serde_json::from_slice(bytes).map_err(broken)?)?;
                return Err(broken(error));
            }
        };
        let kind = |name: &Option<String>| Some(Kind { name: name.clone() });
        expect_all(Kinds {
            model: kind(&file.model.kind),
            normalizer: file.normalizer.as_ref().and_then(|n| kind(&n.kind)),
            pre_tokenizer: file.pre_tokenizer.as_ref().and_then(|p| kind(&p.name)),
            post_processor: None, // of a known kind, or it would not have been read
        })?;
        let (prefix, suffix) = file.post_processor.map_or(Ok((Vec::new(), Vec::new())), PostProcessor::frame)?;
        let mut added = file.added_tokens;
        added.sort_by_key(|token| token.id);
        let ids = file.model.vocab.ids().chain(added.iter().map(|token| token.id));
        check_ids(ids.chain(prefix.iter().chain(&suffix).copied()), rows)?;
        Ok(Self {
            normalizer: file
                .normalizer
                .map(|n| BertNormalizer::new(n.clean_text, n.handle_chinese_chars, n.strip_accents, n.lowercase)),
            model: file.model.build()?,
            added: added.into_iter().map(Added::token).collect(),
            prefix,
            suffix,
        })
    }
}

/// Every id has a row in the embedding.
fn check_ids(mut ids: impl Iterator<Item = u32>, rows: usize) -> Result<()> {
    match ids.find(|id| *id as usize >= rows) {
        Some(id) => Err(invalid(format!(
            "has the id {id}, but the model's embedding has {rows} rows: tokenizer.json and config.json must be of one \
             model."
        ))),
        None => Ok(()),
    }
}

impl Model {
    /// The unknown token must have an id: else the first strange word of a user would show that it lacks one.
    fn build(self) -> Result<WordPiece> {
        let Self { vocab, unk_token, continuing_subword_prefix, max_input_chars_per_word, .. } = self;
        WordPiece::new(vocab, &unk_token, &continuing_subword_prefix, max_input_chars_per_word).ok_or_else(|| {
            invalid(format!("has the unknown token {unk_token:?}, which its vocabulary lacks: take it whole."))
        })
    }
}

impl Added {
    fn token(self) -> AddedToken {
        AddedToken {
            content: self.content,
            single_word: self.single_word,
            lstrip: self.lstrip,
            rstrip: self.rstrip,
            normalized: self.normalized,
            special: self.special,
        }
    }
}

impl PostProcessor {
    /// The special tokens before and after a text.
    fn frame(self) -> Result<(Vec<u32>, Vec<u32>)> {
        let (single, special_tokens) = match self {
            Self::BertProcessing { cls, sep } => return Ok((vec![cls.1], vec![sep.1])),
            Self::TemplateProcessing { single, special_tokens } => (single, special_tokens),
        };
        let (mut prefix, mut suffix) = (Vec::new(), None);
        for piece in single {
            match (piece, &mut suffix) {
                (Piece::Sequence {}, None) => suffix = Some(Vec::new()),
                (Piece::Sequence {}, Some(_)) => return Err(invalid("frames a text twice: take it as it was saved.")),
                (Piece::SpecialToken { id }, suffix) => {
                    let Some(token) = special_tokens.get(&id) else {
                        return Err(invalid(format!(
                            "frames a text with {id:?}, which it does not know: take it whole."
                        )));
                    };
                    suffix.as_mut().unwrap_or(&mut prefix).extend_from_slice(&token.ids);
                }
            }
        }
        let suffix = suffix.ok_or_else(|| invalid("frames nothing: take it as it was saved."))?;
        Ok((prefix, suffix))
    }
}

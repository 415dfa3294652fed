//! `tokenizer.json`: what of it matters here, read and checked.
//!
//! Truncation and padding are not read at all: cutting is a step of its own here, nothing is ever padded, and hostile
//! values there reach nobody. Read with serde rather than with the crate's own reader, which brings every kind of
//! tokenizer along (87 kB brotli more).

use super::{invalid, unsupported};
use crate::error::Result;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use tokenizers::normalizers::bert::BertNormalizer;
use tokenizers::vocab::bucket_added_vocabulary::AddedToken;

/// A checked WordPiece tokenizer's file.
pub struct TokenizerFile {
    /// BERT's normalization, where the file asks for one.
    pub normalizer: Option<BertNormalizer>,
    /// The vocabulary's tokens and their ids.
    pub vocabulary: Vec<(String, u32)>,
    /// The token of words that the vocabulary can't spell; it is in the vocabulary.
    pub unknown: String,
    /// What a token that continues a word begins with.
    pub continuing_prefix: String,
    /// Longer words are unknown.
    pub longest_word: usize,
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

/// An object of 30,000 entries, in its order: no map is built that only another map is made of.
struct Vocabulary(Vec<(String, u32)>);

impl<'de> Deserialize<'de> for Vocabulary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Vocabulary;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of tokens and their ids")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Vocabulary, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Vocabulary(entries))
            }
        }
        deserializer.deserialize_map(Entries)
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
        let checked = Self {
            normalizer: file
                .normalizer
                .map(|n| BertNormalizer::new(n.clean_text, n.handle_chinese_chars, n.strip_accents, n.lowercase)),
            vocabulary: file.model.vocab.0,
            unknown: file.model.unk_token,
            continuing_prefix: file.model.continuing_subword_prefix,
            longest_word: file.model.max_input_chars_per_word,
            added: Vec::new(),
            prefix,
            suffix,
        };
        checked.check_ids(&added, rows)?;
        Ok(Self { added: added.into_iter().map(Added::token).collect(), ..checked })
    }

    /// Every id has a row in the embedding, and the unknown token has an id: else the first strange word of a user
    /// would show that it lacks one.
    fn check_ids(&self, added: &[Added], rows: usize) -> Result<()> {
        if !self.vocabulary.iter().any(|(token, _)| *token == self.unknown) {
            return Err(invalid(format!(
                "has the unknown token {:?}, which its vocabulary lacks: take it whole.",
                self.unknown
            )));
        }
        let vocabulary = self.vocabulary.iter().map(|(_, id)| *id);
        let ids = vocabulary.chain(added.iter().map(|token| token.id)).chain(self.prefix.iter().copied());
        match ids.chain(self.suffix.iter().copied()).find(|id| *id as usize >= rows) {
            Some(id) => Err(invalid(format!(
                "has the id {id}, but the model's embedding has {rows} rows: tokenizer.json and config.json must be \
                 of one model."
            ))),
            None => Ok(()),
        }
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

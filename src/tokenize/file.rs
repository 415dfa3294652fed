//! `tokenizer.json`: what of it matters here, read and checked.
//!
//! Truncation and padding are not read at all: cutting is a step of its own here, nothing is ever padded, and hostile
//! values there reach nobody. Read with serde rather than with the crate's own reader, which brings every kind of
//! tokenizer along (87 kB brotli more).

use super::added::AddedToken;
use super::config_file::{Anew, TokenizerConfig};
use super::wordpiece::{Flaw, MAX_TOKEN_BYTES, Vocabulary, WordPiece};
use super::{FILE, invalid, unsupported};
use crate::error::Result;
use crate::json::start_of;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use tokenizers::normalizers::bert::BertNormalizer;

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
    /// Reads and checks the file, for a word embedding of `rows` rows. `config` counts where both say something.
    ///
    /// # Errors
    /// [`crate::ErrorKind::TokenizerInvalid`], [`crate::ErrorKind::TokenizerUnsupported`], [`crate::ErrorKind::NotAModel`].
    pub fn from_json(bytes: &[u8], config: Option<TokenizerConfig>, rows: usize) -> Result<Self> {
        let file = File::from_json(bytes)?;
        let File { normalizer, model, mut added_tokens, post_processor, .. } = file;
        added_tokens.sort_by_key(|token| token.id);
        let ids = model.vocab.ids().chain(added_tokens.iter().map(|token| token.id));
        check_ids(ids, rows)?;
        let mut added: Vec<AddedToken> = added_tokens.into_iter().map(Added::token).collect();
        let (anew, special) = match config {
            None => (None, Vec::new()),
            Some(TokenizerConfig { anew, added: listed, special, .. }) => {
                match listed {
                    Some(listed) if anew.is_some() => added = listed,
                    Some(listed) => added.extend(listed),
                    None => {}
                }
                (anew, special)
            }
        };
        let (model, normalizer, prefix, suffix) = match anew {
            Some(Anew { normalizer, unknown, cls, sep }) => {
                let model = Model { unk_token: unknown, ..Model::of(model.vocab) }.build()?;
                let id = |token: &str| {
                    model.id(token).ok_or_else(|| {
                        invalid(format!("has no token {:?}, which frames a text: take it whole.", start_of(token)))
                    })
                };
                let (cls, sep) = (id(&cls)?, id(&sep)?);
                (model, Some(normalizer), vec![cls], vec![sep])
            }
            None => {
                let (prefix, suffix) = post_processor.map_or(Ok((Vec::new(), Vec::new())), PostProcessor::frame)?;
                let normalizer = normalizer
                    .map(|n| BertNormalizer::new(n.clean_text, n.handle_chinese_chars, n.strip_accents, n.lowercase));
                (model.build()?, normalizer, prefix, suffix)
            }
        };
        check_ids(prefix.iter().chain(&suffix).copied(), rows)?;
        // Python adds those that the vocabulary lacks, too; beyond the embedding they would have no row.
        for token in special {
            if added.iter().all(|other| other.content != token.content) && model.id(&token.content).is_some() {
                added.push(token);
            }
        }
        Ok(Self { normalizer, model, added, prefix, suffix })
    }
}

impl File {
    fn from_json(bytes: &[u8]) -> Result<Self> {
        let text = FILE.text(bytes)?;
        let expect = |part: &str, kind: Option<Kind>, known: &[&str]| match kind.map(|k| k.name) {
            Some(Some(name)) if !known.contains(&name.as_str()) => Err(unsupported(format!(
                "has a {part} of type {:?}: {} is supported. Take a DistilBERT checkpoint with its own tokenizer.json.",
                start_of(&name),
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
        let file: Self = match serde_json::from_str(text) {
            Ok(file) => file,
            Err(error) => {
                // Another kind has other fields, and "no such field" would mislead.
                expect_all(serde_json::from_str(text).map_err(|e| FILE.broken(&e))?)?;
                return Err(FILE.broken(&error));
            }
        };
        let kind = |name: &Option<String>| Some(Kind { name: name.clone() });
        expect_all(Kinds {
            model: kind(&file.model.kind),
            normalizer: file.normalizer.as_ref().and_then(|n| kind(&n.kind)),
            pre_tokenizer: file.pre_tokenizer.as_ref().and_then(|p| kind(&p.name)),
            post_processor: None, // of a known kind, or it would not have been read
        })?;
        Ok(file)
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
    /// Of a vocabulary, with the crate's defaults.
    fn of(vocab: Vocabulary) -> Self {
        Self {
            kind: None,
            vocab,
            unk_token: default_unknown(),
            continuing_subword_prefix: default_prefix(),
            max_input_chars_per_word: default_longest_word(),
        }
    }

    /// The unknown token must have an id: else the first strange word of a user would show that it lacks one.
    fn build(self) -> Result<WordPiece> {
        let Self { vocab, unk_token, continuing_subword_prefix, max_input_chars_per_word, .. } = self;
        WordPiece::new(vocab, &unk_token, &continuing_subword_prefix, max_input_chars_per_word).map_err(|flaw| {
            match flaw {
                Flaw::NoUnknown => invalid(format!(
                    "has the unknown token {:?}, which its vocabulary lacks: take it whole.",
                    start_of(&unk_token)
                )),
                Flaw::LongToken(bytes) => {
                    unsupported(format!("has a token of {bytes} bytes: at most {MAX_TOKEN_BYTES} are supported."))
                }
            }
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
                            "frames a text with {:?}, which it does not know: take it whole.",
                            start_of(&id)
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

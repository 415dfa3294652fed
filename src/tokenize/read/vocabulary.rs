//! Vocabularies in any form of JSON, if `scan` can't read them, without an allocation per token or a tree.

use super::super::model::Vocabulary;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::result::Result;

/// The vocabulary of a file: an object of tokens and ids, or a list of tokens and scores, whose ids are their
/// indexes.
#[derive(Default)]
pub struct FileVocabulary {
    /// The tokens.
    pub tokens: Vocabulary,
    /// The score of each entry, if the file has scores.
    pub scores: Option<Vec<f64>>,
}

impl<'de> Deserialize<'de> for FileVocabulary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Entries)
    }
}

struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = FileVocabulary;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tokens and their ids, or a list of tokens and their scores")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FileVocabulary, A::Error> {
        let mut tokens = Vocabulary::default();
        while map.next_key_seed(Token(&mut tokens))?.is_some() {
            let id = map.next_value()?;
            tokens.end_token(id);
        }
        Ok(FileVocabulary { tokens, scores: None })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<FileVocabulary, A::Error> {
        let (mut tokens, mut scores) = (Vocabulary::default(), Vec::new());
        while let Some(score) = list.next_element_seed(Scored(&mut tokens))? {
            tokens.end_token(scores.len() as u32);
            scores.push(score);
        }
        Ok(FileVocabulary { tokens, scores: Some(scores) })
    }
}

/// Writes a token into the vocabulary.
struct Token<'a>(&'a mut Vocabulary);

impl<'de> DeserializeSeed<'de> for Token<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Token<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a token")
    }

    fn visit_str<E>(self, token: &str) -> Result<(), E> {
        self.0.write(token);
        Ok(())
    }
}

/// Writes the token of a pair of a token and a score into the vocabulary; returns the score.
struct Scored<'a>(&'a mut Vocabulary);

impl<'de> DeserializeSeed<'de> for Scored<'_> {
    type Value = f64;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<f64, D::Error> {
        deserializer.deserialize_tuple(2, self)
    }
}

impl<'de> Visitor<'de> for Scored<'_> {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a token and its score")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut pair: A) -> Result<f64, A::Error> {
        let missing = || A::Error::custom("a token without a score");
        pair.next_element_seed(Token(self.0))?.ok_or_else(missing)?;
        pair.next_element()?.ok_or_else(missing)
    }
}

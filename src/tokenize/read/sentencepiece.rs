//! A SentencePiece model: a protocol buffer of pieces, their scores and a character map.

use super::super::{invalid_in, unsupported_in};
use super::class::{Class, Settings};
use super::json::FileModel;
use super::vocabulary::FileVocabulary;
use crate::error::{Error, ErrorKind, Result};
use crate::file_kind;

/// Its name in messages.
pub const NAME: &str = "sentencepiece.bpe.model";

/// A control symbol, which doesn't occur in texts, and a user-defined piece, which is never split.
const CONTROL: u64 = 3;
const USER_DEFINED: u64 = 4;

/// The contents of the file.
#[derive(Default)]
pub struct SentencePiece<'a> {
    pieces: Vec<(&'a str, f32, u64)>,
    /// The character map; empty if there is none.
    pub map: &'a [u8],
    kind: u64,
    /// The id of the unknown piece.
    unknown: usize,
}

/// A field's value.
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Float(f32),
    Other,
}

fn cut() -> Error {
    invalid_in(NAME, "is cut off or not a SentencePiece model: use the original file.")
}

/// The remaining bytes of a message.
struct Message<'a>(&'a [u8]);

impl<'a> Message<'a> {
    fn number(&mut self) -> Result<u64> {
        let mut value = 0;
        for i in 0..10 {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << (7 * i);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(cut())
    }

    fn take(&mut self, bytes: u64) -> Result<&'a [u8]> {
        let bytes = usize::try_from(bytes).map_err(|_| cut())?;
        let (taken, rest) = self.0.split_at_checked(bytes).ok_or_else(cut)?;
        self.0 = rest;
        Ok(taken)
    }

    /// Calls `field` with the number and the value of each field.
    fn fields(mut self, mut field: impl FnMut(u64, Value<'a>) -> Result<()>) -> Result<()> {
        while !self.0.is_empty() {
            let key = self.number()?;
            let value = match key & 7 {
                0 => Value::Number(self.number()?),
                1 => self.take(8).map(|_| Value::Other)?,
                2 => {
                    let length = self.number()?;
                    Value::Bytes(self.take(length)?)
                }
                5 => Value::Float(self.take(4)?.try_into().map(f32::from_le_bytes).map_err(|_| cut())?),
                _ => return Err(cut()),
            };
            field(key >> 3, value)?;
        }
        Ok(())
    }
}

impl<'a> SentencePiece<'a> {
    /// Reads the file.
    ///
    /// # Errors
    /// [`ErrorKind::TokenizerInvalid`]; [`ErrorKind::TokenizerUnsupported`] if it is not a Unigram model;
    /// [`ErrorKind::NotAModel`].
    pub fn read(bytes: &'a [u8]) -> Result<Self> {
        if let Some(kind) = file_kind::name_of(bytes) {
            let message =
                format!("{NAME} is {kind}, not a SentencePiece model: use the file that belongs to the weights.");
            return Err(Error::new(ErrorKind::NotAModel, message));
        }
        let mut model = Self { kind: 1, ..Self::default() };
        Message(bytes).fields(|number, value| match (number, value) {
            (1, Value::Bytes(piece)) => {
                let (mut text, mut score, mut kind) = ("", 0.0, 1);
                Message(piece).fields(|number, value| {
                    match (number, value) {
                        (1, Value::Bytes(bytes)) => text = std::str::from_utf8(bytes).map_err(|_| cut())?,
                        (2, Value::Float(number)) => score = number,
                        (3, Value::Number(number)) => kind = number,
                        _ => {}
                    }
                    Ok(())
                })?;
                model.pieces.push((text, score, kind));
                Ok(())
            }
            (2, Value::Bytes(trainer)) => Message(trainer).fields(|number, value| {
                match (number, value) {
                    (3, Value::Number(kind)) => model.kind = kind,
                    (40, Value::Number(id)) => model.unknown = usize::try_from(id).unwrap_or(usize::MAX),
                    _ => {}
                }
                Ok(())
            }),
            (3, Value::Bytes(normalizer)) => Message(normalizer).fields(|number, value| {
                if let (2, Value::Bytes(map)) = (number, value) {
                    model.map = map;
                }
                Ok(())
            }),
            _ => Ok(()),
        })?;
        if model.kind != 1 {
            return Err(unsupported_in(NAME, "is not a Unigram model: use a checkpoint with its own tokenizer.json."));
        }
        Ok(model)
    }

    /// The vocabulary as a class numbers it: fairseq's special tokens come before the pieces, the mask after
    /// them.
    pub fn model(&self, class: Class, settings: &Settings) -> FileModel {
        let mut vocabulary = FileVocabulary::default();
        let mut scores = Vec::with_capacity(self.pieces.len() + 8);
        let mut add = |token: &str, score: f64| {
            vocabulary.tokens.write(token);
            vocabulary.tokens.end_token(scores.len() as u32);
            scores.push(score);
        };
        let special = |name: &str| settings.special(name).unwrap_or_default();
        let skipped = match class {
            Class::Camembert => {
                add("<s>NOTUSED", 0.0);
                add(&special("pad_token"), 0.0);
                add("</s>NOTUSED", 0.0);
                add(&special("unk_token"), 0.0);
                add("<unk>NOTUSED", -100.0);
                1
            }
            Class::DebertaV2 => 0,
            _ => {
                ["bos_token", "pad_token", "eos_token", "unk_token"]
                    .into_iter()
                    .for_each(|name| add(&special(name), 0.0));
                3
            }
        };
        self.pieces.iter().skip(skipped).for_each(|(token, score, _)| add(token, f64::from(*score)));
        if class != Class::DebertaV2 {
            add(&special("mask_token"), 0.0);
        }
        vocabulary.scores = Some(scores);
        FileModel { vocab: Some(vocabulary), name: Some(NAME), unk_id: Some(self.unknown), ..FileModel::default() }
    }

    /// The control symbols and the user-defined pieces, and whether each is special.
    pub fn added(&self) -> impl Iterator<Item = (&'a str, bool)> {
        let added = self.pieces.iter().filter(|(_, _, kind)| matches!(*kind, CONTROL | USER_DEFINED));
        added.map(|(token, _, kind)| (*token, *kind == CONTROL))
    }
}

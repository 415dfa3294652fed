//! Files of older repositories: `vocab.txt` of BERT, `vocab.json` and `merges.txt` of RoBERTa.

use super::super::model::{Merges, Vocabulary};
use super::json::FileModel;
use super::scan;
use super::vocabulary::FileVocabulary;
use crate::error::{ErrorKind, Result};
use crate::json::JsonFile;

const VOCAB_TXT: JsonFile = JsonFile { name: "vocab.txt", ..MERGES };
const VOCAB_JSON: JsonFile = JsonFile { name: "vocab.json", ..MERGES };
const MERGES: JsonFile = JsonFile { name: "merges.txt", kind: ErrorKind::TokenizerInvalid };

/// BERT's: one token per line, whose index is the id.
///
/// # Errors
/// [`ErrorKind::TokenizerInvalid`], [`ErrorKind::NotAModel`].
pub fn word_piece(vocab: &[u8]) -> Result<FileModel> {
    let mut tokens = Vocabulary::default();
    for (id, line) in VOCAB_TXT.text(vocab)?.lines().enumerate() {
        tokens.write(line.trim_end());
        tokens.end_token(id as u32);
    }
    let vocab = Some(FileVocabulary { tokens, scores: None });
    Ok(FileModel { vocab, name: Some(VOCAB_TXT.name), ..FileModel::default() })
}

/// RoBERTa's: an object of tokens and ids, and one pair of tokens per line.
///
/// # Errors
/// [`ErrorKind::TokenizerInvalid`], [`ErrorKind::NotAModel`].
pub fn byte_pairs(vocab: &[u8], merges: &[u8]) -> Result<FileModel> {
    let vocab = match scan::vocabulary(vocab) {
        Some(vocab) => vocab,
        None => serde_json::from_str(VOCAB_JSON.text(vocab)?).map_err(|e| VOCAB_JSON.broken(&e))?,
    };
    let mut all = Merges::default();
    for (i, line) in MERGES.text(merges)?.lines().enumerate() {
        if !line.starts_with("#version") && !all.push_line(line) {
            let message =
                format!("doesn't have two tokens on line {}: use the file that belongs to vocab.json.", i + 1);
            return Err(MERGES.error(message));
        }
    }
    Ok(FileModel { vocab: Some(vocab), merges: Some(all), name: Some(VOCAB_JSON.name), ..FileModel::default() })
}

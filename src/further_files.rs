//! A tokenizer's older files, as passed from JavaScript, for the WebAssembly modules of the classifier and
//! the converter.

use crate::tokenize::TokenizerFiles;
use crate::{Error, ErrorKind};
use wasm_bindgen::prelude::*;

/// The files of a tokenizer other than `tokenizer.json` and `tokenizer_config.json`: repositories that lack
/// the first have them.
#[wasm_bindgen]
#[derive(Default)]
pub struct FurtherFiles {
    vocab: Option<Vec<u8>>,
    merges: Option<Vec<u8>>,
    sentencepiece: Option<Vec<u8>>,
    special_tokens_map: Option<Vec<u8>>,
    added_tokens: Option<Vec<u8>>,
}

#[wasm_bindgen]
impl FurtherFiles {
    /// No files yet.
    #[wasm_bindgen(constructor)]
    pub fn new() -> FurtherFiles {
        Self::default()
    }

    /// Adds a file: `vocab.txt` or `vocab.json`, `merges.txt`, one whose name ends with `.model`,
    /// `special_tokens_map.json` or `added_tokens.json`.
    pub fn set(&mut self, name: &str, bytes: Vec<u8>) -> Result<(), JsValue> {
        let place = match name {
            "vocab.txt" | "vocab.json" => &mut self.vocab,
            "merges.txt" => &mut self.merges,
            "special_tokens_map.json" => &mut self.special_tokens_map,
            "added_tokens.json" => &mut self.added_tokens,
            name if name.ends_with(".model") => &mut self.sentencepiece,
            other => {
                let message = format!("{other:?} is not a supported tokenizer file.");
                return Err(Error::new(ErrorKind::InvalidArgument, message).into());
            }
        };
        *place = Some(bytes);
        Ok(())
    }
}

impl FurtherFiles {
    /// The files in the form that a tokenizer reads.
    pub(crate) fn files(&self) -> TokenizerFiles<'_> {
        TokenizerFiles {
            vocab: self.vocab.as_deref(),
            merges: self.merges.as_deref(),
            sentencepiece: self.sentencepiece.as_deref(),
            special_tokens_map: self.special_tokens_map.as_deref(),
            added_tokens: self.added_tokens.as_deref(),
            ..TokenizerFiles::default()
        }
    }
}

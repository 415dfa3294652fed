//! The WebAssembly bindings of the converter: a separate module for the command line, never fetched by pages.

use crate::config::{Config, Task};
use crate::convert;
use crate::further_files::FurtherFiles;
use crate::model::plan::Narrowest;
use crate::prune;
use crate::quantize::calibration;
use crate::tokenize::{self, Tokenizer, TokenizerFiles};
use crate::weights::coded;
use wasm_bindgen::prelude::*;

/// The coded form of a whole safetensors file: fewer bytes, the same numbers.
#[wasm_bindgen]
pub fn encode(file: &[u8]) -> Result<Vec<u8>, JsValue> {
    Ok(coded::encode(file)?)
}

/// The plain form of a whole safetensors file, coded or not.
#[wasm_bindgen]
pub fn decode(file: Vec<u8>) -> Result<Vec<u8>, JsValue> {
    Ok(coded::decode(file)?)
}

/// Converts a file of weights to another form.
#[wasm_bindgen]
pub struct Converter {
    inner: convert::Converter,
}

#[wasm_bindgen]
impl Converter {
    /// A converter to `dtype`, "int8" or "fp16".
    #[wasm_bindgen(constructor)]
    pub fn new(dtype: &str) -> Result<Converter, JsValue> {
        Ok(Self { inner: convert::Converter::new(convert::Format::from_name(dtype)?) })
    }

    /// Reads the source's next bytes and returns the part of the result that is ready.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Vec<u8>, JsValue> {
        Ok(self.inner.push(chunk)?)
    }

    /// Ends the current file and returns the name of the file next to it that continues the weights, if any.
    /// Push its bytes next.
    #[wasm_bindgen(js_name = endFile)]
    pub fn end_file(&mut self) -> Result<Option<String>, JsValue> {
        Ok(self.inner.end_file()?)
    }

    /// Warnings about the source once its header has been read, a sentence each: tensors that were left out.
    #[wasm_bindgen(getter)]
    pub fn warnings(&self) -> Vec<String> {
        self.inner.warnings().to_vec()
    }

    /// The rest of the result; consumes the converter.
    pub fn finish(self) -> Result<Vec<u8>, JsValue> {
        Ok(self.inner.finish()?)
    }
}

/// Loads a model to calibrate.
#[wasm_bindgen]
pub struct CalibrationLoader {
    inner: calibration::Loader,
}

#[wasm_bindgen]
impl CalibrationLoader {
    /// Reads `config.json`, and if given `tokenizer.json`, `tokenizer_config.json` and the tokenizer's other
    /// files, which are consumed. `tables`: "int4" or "int8", for the embedding tables.
    #[wasm_bindgen(constructor)]
    pub fn new(
        config: &[u8],
        tokenizer: Option<Vec<u8>>,
        tokenizer_config: Option<Vec<u8>>,
        files: Option<FurtherFiles>,
        tables: &str,
    ) -> Result<CalibrationLoader, JsValue> {
        let further = files.unwrap_or_default();
        let files = TokenizerFiles {
            tokenizer_json: tokenizer.as_deref(),
            config: tokenizer_config.as_deref(),
            ..further.files()
        };
        let tables = if tables == "int8" { Narrowest::Int8 } else { Narrowest::Int4 };
        Ok(Self { inner: calibration::Loader::new(config, files, tables)? })
    }

    /// Reads the weights' next bytes.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), JsValue> {
        Ok(self.inner.push(chunk)?)
    }

    /// Ends the current file and returns the name of the file next to it that continues the weights, if any.
    /// Push its bytes next.
    #[wasm_bindgen(js_name = endFile)]
    pub fn end_file(&mut self) -> Result<Option<String>, JsValue> {
        Ok(self.inner.end_file()?)
    }

    /// The model, ready for texts; consumes the loader.
    pub fn finish(self) -> Result<Calibration, JsValue> {
        Ok(Calibration { inner: self.inner.finish()? })
    }
}

/// A model that reads calibration texts.
#[wasm_bindgen]
pub struct Calibration {
    inner: calibration::Calibration,
}

#[wasm_bindgen]
impl Calibration {
    /// Reads some texts and returns the number of tokens read so far.
    pub fn read(&mut self, texts: Vec<String>) -> Result<usize, JsValue> {
        self.inner.read(&texts)?;
        Ok(self.inner.tokens())
    }

    /// The converter to int4, which needs the file's bytes again; consumes the calibration.
    pub fn finish(self) -> Result<Converter, JsValue> {
        Ok(Converter { inner: convert::Converter::int4(self.inner.finish()?) })
    }
}

/// Texts that determine which tokens a smaller vocabulary keeps.
#[wasm_bindgen]
pub struct Corpus {
    inner: tokenize::Corpus,
}

#[wasm_bindgen]
impl Corpus {
    /// Reads `config.json`, and if given `tokenizer.json`, `tokenizer_config.json` and the tokenizer's other
    /// files, which are consumed.
    #[wasm_bindgen(constructor)]
    pub fn new(
        config: &[u8],
        tokenizer: Option<Vec<u8>>,
        tokenizer_config: Option<Vec<u8>>,
        files: Option<FurtherFiles>,
    ) -> Result<Corpus, JsValue> {
        let further = files.unwrap_or_default();
        let files = TokenizerFiles {
            model_config: Some(config),
            tokenizer_json: tokenizer.as_deref(),
            config: tokenizer_config.as_deref(),
            ..further.files()
        };
        let rows = Config::for_task(config, Task::Encode)?.vocabulary;
        Ok(Self { inner: tokenize::Corpus::new(Tokenizer::from_files(&files, rows)?)? })
    }

    /// Reads some texts.
    pub fn read(&mut self, texts: Vec<String>) -> Result<(), JsValue> {
        Ok(self.inner.read(&texts)?)
    }

    /// The vocabulary of `rows` tokens for these texts; `named` are ids that other files name.
    pub fn keep(&self, rows: usize, named: &[u32]) -> Result<Kept, JsValue> {
        Ok(Kept { inner: self.inner.keep(rows, named)? })
    }
}

/// A smaller vocabulary.
#[wasm_bindgen]
pub struct Kept {
    inner: tokenize::Kept,
}

#[wasm_bindgen]
impl Kept {
    /// The vocabulary's tokens, by their new ids.
    #[wasm_bindgen(getter)]
    pub fn tokens(&self) -> Vec<String> {
        self.inner.tokens.clone()
    }

    /// The added tokens that are not part of the vocabulary; their ids follow its ids.
    #[wasm_bindgen(getter)]
    pub fn beyond(&self) -> Vec<String> {
        self.inner.beyond.clone()
    }

    /// The old id for each new id.
    #[wasm_bindgen(getter)]
    pub fn rows(&self) -> Vec<u32> {
        self.inner.rows.clone()
    }

    /// The number of words in the texts.
    #[wasm_bindgen(getter)]
    pub fn words(&self) -> usize {
        self.inner.words
    }

    /// The number of those words that are now split into other tokens.
    #[wasm_bindgen(getter, js_name = changedWords)]
    pub fn changed_words(&self) -> usize {
        self.inner.changed_words
    }

    /// The number of tokens in the texts with the old vocabulary.
    #[wasm_bindgen(getter, js_name = tokensRead)]
    pub fn tokens_read(&self) -> usize {
        self.inner.tokens_read
    }

    /// The number of those tokens that are gone.
    #[wasm_bindgen(getter, js_name = droppedTokens)]
    pub fn dropped_tokens(&self) -> usize {
        self.inner.dropped_tokens
    }
}

/// Prunes the word table of weights while they stream.
#[wasm_bindgen]
pub struct Pruner {
    inner: prune::Pruner,
}

#[wasm_bindgen]
impl Pruner {
    /// A pruner for the weights that belong to `config.json`: row i of the new table is row `rows[i]` of the
    /// old one.
    #[wasm_bindgen(constructor)]
    pub fn new(config: &[u8], rows: Vec<u32>) -> Result<Pruner, JsValue> {
        Ok(Self { inner: prune::Pruner::new(config, rows)? })
    }

    /// Reads the source's next bytes and returns the part of the result that is ready.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Vec<u8>, JsValue> {
        Ok(self.inner.push(chunk)?)
    }

    /// Ends the current file and returns the name of the file next to it that continues the weights, if any.
    /// Push its bytes next.
    #[wasm_bindgen(js_name = endFile)]
    pub fn end_file(&mut self) -> Result<Option<String>, JsValue> {
        Ok(self.inner.end_file()?)
    }

    /// Warnings about the source once its header has been read, a sentence each: tensors that were left out.
    #[wasm_bindgen(getter)]
    pub fn warnings(&self) -> Vec<String> {
        self.inner.warnings().to_vec()
    }

    /// The rest of the result; consumes the pruner.
    pub fn finish(self) -> Result<Vec<u8>, JsValue> {
        Ok(self.inner.finish()?)
    }
}

//! The WebAssembly surface of the converter: a module of its own, for Node's command alone. What a page fetches has none of it.

use crate::convert;
use crate::further_files::FurtherFiles;
use crate::model::plan::Narrowest;
use crate::quantize::calibration;
use crate::tokenize::TokenizerFiles;
use crate::weights::coded;
use wasm_bindgen::prelude::*;

/// The coded form of a whole safetensors file: fewer bytes, the same numbers.
#[wasm_bindgen]
pub fn encode(file: &[u8]) -> Result<Vec<u8>, JsValue> {
    Ok(coded::encode(file)?)
}

/// A file of weights on its way to another form.
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

    /// Takes the source's next bytes and returns what is ready of the result.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Vec<u8>, JsValue> {
        Ok(self.inner.push(chunk)?)
    }

    /// That the file is complete: the name of another, beside it, that the weights go on in, if there is one. Its
    /// bytes are pushed next.
    #[wasm_bindgen(js_name = endFile)]
    pub fn end_file(&mut self) -> Result<Option<String>, JsValue> {
        Ok(self.inner.end_file()?)
    }

    /// What to tell of the source once its header has come, a sentence each: tensors that were left out.
    #[wasm_bindgen(getter)]
    pub fn warnings(&self) -> Vec<String> {
        self.inner.warnings().to_vec()
    }

    /// The rest of the result; consumes the converter.
    pub fn finish(self) -> Result<Vec<u8>, JsValue> {
        Ok(self.inner.finish()?)
    }
}

/// A model to calibrate, on its way in.
#[wasm_bindgen]
pub struct CalibrationLoader {
    inner: calibration::Loader,
}

#[wasm_bindgen]
impl CalibrationLoader {
    /// Reads `config.json`, `tokenizer.json` and `tokenizer_config.json`, where there are such, and the
    /// tokenizer's further files, which are consumed. `tables`: "int4" or "int8", for the embedding tables.
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

    /// Takes the weights' next bytes.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), JsValue> {
        Ok(self.inner.push(chunk)?)
    }

    /// That the file is complete: the name of another, beside it, that the weights go on in, if there is one. Its
    /// bytes are pushed next.
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
    /// Reads some texts; returns the tokens of all so far.
    pub fn read(&mut self, texts: Vec<String>) -> Result<usize, JsValue> {
        self.inner.read(&texts)?;
        Ok(self.inner.tokens())
    }

    /// The converter to int4, which takes the file's bytes once more; consumes the calibration.
    pub fn finish(self) -> Result<Converter, JsValue> {
        Ok(Converter { inner: convert::Converter::int4(self.inner.finish()?) })
    }
}

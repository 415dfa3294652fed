//! Loads a model's files.

use super::{Engine, Gpu};
use crate::backend::Precision;
use crate::backend::auto::AutoBackend;
use crate::backend::gpu::GpuBackend;
use crate::config::Task;
use crate::engine;
use crate::engine::warm_up::WarmUp;
use crate::file_hash;
use crate::further_files::FurtherFiles;
use crate::model::load::Dtype;
use crate::text_model;
use crate::tokenize::TokenizerFiles;
use wasm_bindgen::prelude::*;

/// The hashes of a file, computed as its bytes pass through.
#[wasm_bindgen]
pub struct FileHash {
    inner: file_hash::FileHash,
}

#[wasm_bindgen]
impl FileHash {
    /// Starts with no bytes; `sha256`: whether to compute the digest in addition to the checksum.
    #[wasm_bindgen(constructor)]
    pub fn new(sha256: bool) -> FileHash {
        Self { inner: file_hash::FileHash::new(sha256) }
    }

    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.inner.update(bytes);
    }

    /// XXH64, in hexadecimal digits.
    pub fn checksum(&self) -> String {
        self.inner.checksum()
    }

    /// SHA-256, in hexadecimal digits, if requested.
    pub fn sha256(&self) -> Option<String> {
        self.inner.sha256()
    }
}

/// A model being loaded.
#[wasm_bindgen]
pub struct Loader {
    inner: text_model::Loader<AutoBackend>,
    warm_up: Option<WarmUp>,
}

#[wasm_bindgen]
impl Loader {
    /// Reads `config.json`, and if given `tokenizer.json`, `tokenizer_config.json` and the tokenizer's other
    /// files. `task` is "classify", "embed-mean", "embed-first", "encode" or "tag"; `dtype` is "auto",
    /// "fp32", "fp16", "int8" or "int4". `gpu` and `files` are consumed; `cpu`: whether the CPU gets the
    /// weights as well as the GPU.
    #[wasm_bindgen(constructor)]
    // JavaScript passes these arguments: bundled in an object they would need more code on both sides.
    #[expect(clippy::too_many_arguments)]
    pub fn new(
        task: &str,
        config: &[u8],
        tokenizer: Option<Vec<u8>>,
        tokenizer_config: Option<Vec<u8>>,
        dtype: &str,
        gpu: Option<Gpu>,
        cpu: bool,
        files: Option<FurtherFiles>,
    ) -> Result<Loader, JsValue> {
        let backend = match gpu {
            Some(gpu) => AutoBackend::with_gpu(GpuBackend::new(gpu.device), cpu),
            None => AutoBackend::cpu(),
        };
        let further = files.unwrap_or_default();
        let files = TokenizerFiles {
            tokenizer_json: tokenizer.as_deref(),
            config: tokenizer_config.as_deref(),
            ..further.files()
        };
        let inner = text_model::Loader::with_files(backend, Task::from_name(task)?, config, files, dtype, None)?;
        Ok(Self { inner, warm_up: None })
    }

    /// Limits texts to `most` tokens, if the model accepts more.
    #[wasm_bindgen(js_name = limitTokens)]
    pub fn limit_tokens(&mut self, most: usize) -> Result<(), JsValue> {
        Ok(self.inner.limit_tokens(most)?)
    }

    /// Reads the weights' next bytes: of a safetensors or ONNX file, or of a PyTorch checkpoint with the
    /// feature `checkpoints`.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), JsValue> {
        Ok(self.inner.push(chunk)?)
    }

    /// Ends the current file and returns the name of the file next to it that continues the weights, if any.
    /// Push its bytes next.
    #[wasm_bindgen(js_name = endFile)]
    pub fn end_file(&mut self) -> Result<Option<String>, JsValue> {
        Ok(self.inner.end_file()?)
    }

    /// Runs the CPU's kernels while the next bytes are on their way, so that the WebAssembly engine optimizes
    /// them early. Does nothing until it is known which kernels the model needs.
    #[wasm_bindgen(js_name = warmUp)]
    pub fn warm_up(&mut self) -> Result<(), JsValue> {
        let dtype = match self.inner.precision() {
            None => return Ok(()),
            Some(Precision::Int4) => Dtype::Int4,
            Some(Precision::Int8) => Dtype::Int8,
            Some(Precision::F16 | Precision::F32) => Dtype::Fp32,
        };
        let warm_up = match &mut self.warm_up {
            Some(warm_up) => warm_up,
            none => none.insert(WarmUp::new(dtype)?),
        };
        Ok(warm_up.run()?)
    }

    /// The model, tested and measured; consumes the loader.
    pub async fn finish(self) -> Result<Engine, JsValue> {
        let clock: web_sys::Performance =
            js_sys::Reflect::get(&js_sys::global(), &"performance".into())?.unchecked_into();
        let inner = engine::Engine::prepare(self.inner.finish()?, &|| clock.now()).await?;
        Ok(Engine { inner, clock })
    }
}

//! PyTorch checkpoints as safetensors files: the surface of the module `rewriter`, which a page fetches only for
//! them, and a part of the converter's, which merges shards.

use crate::rewrite;
use wasm_bindgen::prelude::*;

/// A PyTorch checkpoint that is rewritten as a safetensors file of the same tensors.
#[wasm_bindgen]
#[derive(Default)]
pub struct TorchRewriter {
    inner: rewrite::Rewriter,
}

#[wasm_bindgen]
impl TorchRewriter {
    /// Of no bytes yet.
    #[wasm_bindgen(constructor)]
    pub fn new() -> TorchRewriter {
        Self::default()
    }

    /// Takes the file's next bytes and returns what is ready of the result.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Vec<u8>, JsValue> {
        Ok(self.inner.push(chunk)?)
    }

    /// The rest of the result; consumes the rewriter.
    pub fn finish(self) -> Result<Vec<u8>, JsValue> {
        Ok(self.inner.finish()?)
    }
}

//! PyTorch checkpoints as safetensors files: the bindings of the module `rewriter`, which a page fetches only
//! for such checkpoints. The converter's module has them too, to merge shards.

use crate::rewrite;
use wasm_bindgen::prelude::*;

/// Rewrites a PyTorch checkpoint as a safetensors file of the same tensors.
#[wasm_bindgen]
#[derive(Default)]
pub struct TorchRewriter {
    inner: rewrite::Rewriter,
}

#[wasm_bindgen]
impl TorchRewriter {
    /// Starts with no bytes.
    #[wasm_bindgen(constructor)]
    pub fn new() -> TorchRewriter {
        Self::default()
    }

    /// Reads the file's next bytes and returns the part of the result that is ready.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Vec<u8>, JsValue> {
        Ok(self.inner.push(chunk)?)
    }

    /// The rest of the result; consumes the rewriter.
    pub fn finish(self) -> Result<Vec<u8>, JsValue> {
        Ok(self.inner.finish()?)
    }
}

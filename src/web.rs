//! The WebAssembly surface: thin, and the only file that JavaScript sees. The public API is written by hand in
//! TypeScript on top (`js/`).

use crate::backend::cpu::CpuBackend;
use crate::classifier;
use crate::convert;
use crate::error::{Error, ErrorKind};
use crate::head;
use crate::tokenize::Encoding;
use serde::Serialize;
use wasm_bindgen::prelude::*;

/// A JavaScript `Error` with the kind as its property `kind`.
impl From<Error> for JsValue {
    fn from(error: Error) -> Self {
        let js = js_sys::Error::new(error.message());
        // Setting a property of a fresh object can't fail.
        let _ = js_sys::Reflect::set(&js, &"kind".into(), &error.kind().name().into());
        js.into()
    }
}

/// One text's result, as JavaScript sees it.
#[derive(Serialize)]
struct Classification<'a> {
    scores: Vec<Score<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<Vec<Token>>,
    truncated: bool,
    timings: Timings,
}

#[derive(Serialize)]
struct Score<'a> {
    label: &'a str,
    score: f64,
}

/// `start` and `end` count UTF-16 code units, as JavaScript's strings do.
#[derive(Serialize)]
struct Token {
    text: String,
    id: u32,
    start: usize,
    end: usize,
    special: bool,
}

/// Milliseconds: the text's own tokenization, and the forward pass of the group that it was part of.
#[derive(Clone, Copy, Serialize)]
struct Timings {
    tokenize: f64,
    forward: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Info<'a> {
    device: &'static str,
    dtype: &'static str,
    architecture: &'static str,
    layers: usize,
    width: usize,
    heads: usize,
    vocabulary: usize,
    max_tokens: usize,
    parameters: usize,
    labels: &'a [String],
    weight_bytes: usize,
}

/// A classifier on its way in.
#[wasm_bindgen]
pub struct Loader {
    inner: classifier::Loader<CpuBackend>,
}

#[wasm_bindgen]
impl Loader {
    /// Reads `config.json` and `tokenizer.json`; `dtype` is "auto", "fp32" or "int8".
    #[wasm_bindgen(constructor)]
    pub fn new(config: &[u8], tokenizer: &[u8], dtype: &str) -> Result<Loader, JsValue> {
        Ok(Self { inner: classifier::Loader::new(CpuBackend::new(), config, tokenizer, dtype, None)? })
    }

    /// Takes the next bytes of `model.safetensors`.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), JsValue> {
        Ok(self.inner.push(chunk)?)
    }

    /// The classifier; consumes the loader.
    pub fn finish(self) -> Result<Engine, JsValue> {
        let clock = js_sys::Reflect::get(&js_sys::global(), &"performance".into())?;
        Ok(Engine { inner: self.inner.finish()?, clock: clock.unchecked_into() })
    }
}

/// A classifier, ready.
#[wasm_bindgen]
pub struct Engine {
    inner: classifier::Classifier<CpuBackend>,
    /// The monotonic clock of the page, the worker or Node.
    clock: web_sys::Performance,
}

#[wasm_bindgen]
impl Engine {
    /// Classifies `texts`: for each its `top` best labels (0: all), and its tokens where `details` is set.
    pub async fn classify(&self, texts: Vec<String>, top: usize, details: bool) -> Result<JsValue, JsValue> {
        let mut encodings = Vec::with_capacity(texts.len());
        let mut tokenize = Vec::with_capacity(texts.len());
        for (i, text) in texts.iter().enumerate() {
            let start = self.clock.now();
            encodings.push(self.inner.encode(text, details).map_err(|e| at_text(e, i, texts.len()))?);
            tokenize.push(self.clock.now() - start);
        }
        let labels = &self.inner.config().labels;
        let mut results = Vec::with_capacity(texts.len());
        for group in self.inner.groups(&encodings) {
            let start = self.clock.now();
            let scores = self.inner.scores(&encodings[group.clone()]).await?;
            let forward = self.clock.now() - start;
            for (i, scores) in group.zip(scores) {
                let best = head::best(&scores, top).into_iter();
                results.push(Classification {
                    scores: best.map(|id| Score { label: &labels[id], score: scores[id] }).collect(),
                    tokens: details.then(|| self.tokens(&texts[i], &encodings[i])),
                    truncated: encodings[i].truncated,
                    timings: Timings { tokenize: tokenize[i], forward },
                });
            }
        }
        to_js(&results)
    }

    /// What runs here.
    pub fn info(&self) -> Result<JsValue, JsValue> {
        let (config, loaded) = (self.inner.config(), self.inner.loaded());
        to_js(&Info {
            device: "cpu",
            dtype: if loaded.int8 { "int8" } else { "fp32" },
            architecture: config.architecture.name(),
            layers: config.layers,
            width: config.width,
            heads: config.heads,
            vocabulary: config.vocabulary,
            max_tokens: config.max_tokens,
            parameters: loaded.parameters,
            labels: &config.labels,
            weight_bytes: loaded.file_bytes,
        })
    }
}

impl Engine {
    fn tokens(&self, text: &str, encoding: &Encoding) -> Vec<Token> {
        let units = utf16_units(text);
        let content = encoding.prefix..encoding.ids.len() - encoding.suffix;
        encoding
            .ids
            .iter()
            .zip(encoding.offsets.iter().flatten())
            .enumerate()
            .map(|(i, (&id, range))| Token {
                text: self.inner.tokenizer().token(id),
                id,
                start: units[range.start],
                end: units[range.end],
                special: !content.contains(&i),
            })
            .collect()
    }
}

/// For each byte of `text`, and its end, how many UTF-16 code units come before it.
fn utf16_units(text: &str) -> Vec<usize> {
    let mut units = Vec::with_capacity(text.len() + 1);
    let mut count = 0;
    for c in text.chars() {
        units.extend(std::iter::repeat_n(count, c.len_utf8()));
        count += c.len_utf16();
    }
    units.push(count);
    units
}

/// Says which of several texts an error is about.
fn at_text(error: Error, index: usize, count: usize) -> Error {
    if count == 1 {
        return error;
    }
    Error::new(error.kind(), format!("Text {index} of {count}: {}", error.message()))
}

fn to_js(value: &impl Serialize) -> Result<JsValue, JsValue> {
    // Numbers beyond 2^53 don't occur; plain objects rather than `Map`s.
    value.serialize(&serde_wasm_bindgen::Serializer::json_compatible()).map_err(JsValue::from)
}

/// A safetensors file on its way to int8 or fp16.
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

    /// The rest of the result; consumes the converter.
    pub fn finish(self) -> Result<Vec<u8>, JsValue> {
        Ok(self.inner.finish()?)
    }
}

/// Every error kind, by name.
#[wasm_bindgen(js_name = errorKinds)]
pub fn error_kinds() -> Vec<String> {
    ErrorKind::ALL.iter().map(|kind| kind.name().to_owned()).collect()
}

/// Bytes of the WebAssembly memory, which never shrinks: its peak.
#[wasm_bindgen(js_name = memoryBytes)]
pub fn memory_bytes() -> f64 {
    core::arch::wasm32::memory_size::<0>() as f64 * 65_536.0
}

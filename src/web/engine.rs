//! A model and its answers, for JavaScript.

use super::{device_name, info, to_js};
use crate::backend::auto::Side;
use crate::backend::gpu::profile::KernelTime;
use crate::engine;
use crate::head;
use crate::tokenize::{Cut, Encoding};
use js_sys::{Float32Array, Uint32Array};
use serde::Serialize;
use wasm_bindgen::prelude::*;

/// One text's result, as JavaScript sees it.
#[derive(Serialize)]
struct Classification<'a> {
    scores: Vec<Score<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<Vec<Token>>,
    truncated: bool,
    device: &'static str,
    timings: Timings,
}

#[derive(Serialize)]
struct Score<'a> {
    label: &'a str,
    score: f64,
}

/// `start` and `end` count UTF-16 code units, as JavaScript strings do, in the text that the token comes
/// from: if `pair`, the second text of a pair.
#[derive(Serialize)]
struct Token {
    text: String,
    id: u32,
    start: usize,
    end: usize,
    special: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pair: bool,
}

/// A token of a single text; `subword`: whether Python considers it the continuation of a word.
#[derive(Serialize)]
struct Piece {
    text: String,
    id: u32,
    start: usize,
    end: usize,
    subword: bool,
}

/// Milliseconds: the text's own tokenization, and the forward pass of its group, which is 0 for a text
/// without tokens.
#[derive(Serialize)]
struct Timings {
    tokenize: f64,
    forward: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    kernels: Option<Vec<KernelMs>>,
}

/// The time of one kernel's dispatches on the graphics device.
#[derive(Clone, Serialize)]
struct KernelMs {
    name: &'static str,
    ms: f64,
    dispatches: usize,
}

impl From<KernelTime> for KernelMs {
    fn from(KernelTime { name, ms, dispatches }: KernelTime) -> Self {
        Self { name, ms, dispatches }
    }
}

#[wasm_bindgen]
extern "C" {
    /// `{ text, pair }`: two texts to classify as one.
    type Pair;
    #[wasm_bindgen(method, getter)]
    fn text(this: &Pair) -> String;
    #[wasm_bindgen(method, getter)]
    fn pair(this: &Pair) -> String;
}

/// The text and, for a pair, the second text.
fn text_of(value: &JsValue) -> (String, Option<String>) {
    value.as_string().map_or_else(
        || {
            let pair: &Pair = value.unchecked_ref();
            (pair.text(), Some(pair.pair()))
        },
        |text| (text, None),
    )
}

/// A model that is ready for use.
#[wasm_bindgen]
pub struct Engine {
    pub(super) inner: engine::Engine,
    /// The monotonic clock of the page, the worker or Node.
    pub(super) clock: web_sys::Performance,
}

#[wasm_bindgen]
impl Engine {
    /// Classifies `texts`, each a string or a pair `{ text, pair }`. Each result has the `top` best labels
    /// (0: all), and the tokens if `details` is set. A text without tokens has neither, unless `empty` is
    /// set: then it is computed as special tokens only.
    pub async fn classify(
        &self,
        texts: Vec<JsValue>,
        top: usize,
        details: bool,
        empty: bool,
    ) -> Result<JsValue, JsValue> {
        let model = self.inner.text_model();
        let labels = &model.config().labels;
        let mut results: Vec<Classification> = Vec::with_capacity(texts.len());
        // The encodings to compute, and the index of the text that each belongs to.
        let (mut encodings, mut places) = (Vec::new(), Vec::new());
        for (i, (text, pair)) in texts.iter().map(text_of).enumerate() {
            let start = self.clock.now();
            let pair = pair.as_deref();
            let mut encoding = match pair {
                Some(pair) => model.encode_pair(&text, pair, Cut::LongestFirst, details)?,
                None => model.encode(&text, details)?,
            };
            if empty && encoding.ids.is_empty() {
                let of_pair = pair.is_some_and(|pair| !pair.is_empty());
                encoding = model.special_tokens_alone(of_pair, details);
            }
            results.push(Classification {
                scores: Vec::new(),
                tokens: details.then(|| self.tokens(&text, pair, &encoding)),
                truncated: encoding.truncated,
                device: device_name(Side::Cpu),
                timings: Timings { tokenize: self.clock.now() - start, forward: 0.0, kernels: None },
            });
            if !encoding.ids.is_empty() {
                encodings.push(encoding);
                places.push(i);
            }
        }
        for group in model.groups(&encodings) {
            let start = self.clock.now();
            let computed = self.inner.outputs(&encodings[group.clone()], details).await?;
            let forward = self.clock.now() - start;
            let kernels: Option<Vec<KernelMs>> =
                computed.kernels.map(|all| all.into_iter().map(KernelMs::from).collect());
            for (i, logits) in group.zip(computed.outputs) {
                let scores = model.scored(&logits);
                let result = &mut results[places[i]];
                let best = head::best(&scores, top).into_iter();
                result.scores = best.map(|id| Score { label: &labels[id], score: scores[id] }).collect();
                result.device = device_name(computed.side);
                result.timings.forward = forward;
                result.timings.kernels = kernels.clone();
            }
        }
        to_js(&results)
    }

    /// The model's raw output for each of `inputs`: a vector for an embedder (D), logits for a classifier
    /// (L), and for each token a state for an encoder (T, D) or logits for a tagger (T, L). An input is a
    /// text, a pair, or a `Uint32Array` of tokens, which are framed like those of a text. A text without
    /// tokens is computed as special tokens only; for a static embedding its vector is all zeros. `cut_text`:
    /// whether only the text is cut in pairs that are too long.
    pub async fn rows(&self, inputs: Vec<JsValue>, cut_text: bool) -> Result<Vec<Float32Array>, JsValue> {
        let model = self.inner.text_model();
        let mut encodings = Vec::with_capacity(inputs.len());
        for input in &inputs {
            encodings.push(self.encoded(input, cut_text)?);
        }
        let mut rows = Vec::with_capacity(encodings.len());
        for group in model.groups(&encodings) {
            for row in self.inner.outputs(&encodings[group], false).await?.outputs {
                rows.push(match row.is_empty() {
                    true => Float32Array::new_with_length(model.config().output_width() as u32),
                    false => Float32Array::from(row.as_slice()),
                });
            }
        }
        Ok(rows)
    }

    /// The tokens of the whole text, however long it is, without the special tokens that frame it.
    pub fn tokenize(&self, text: &str) -> Result<JsValue, JsValue> {
        let tokenizer = self.inner.text_model().tokenizer();
        let (ids, offsets) = tokenizer.encode_with_offsets(text)?;
        let units = utf16_units(text);
        let tokens = ids.iter().zip(offsets).map(|(&id, range)| Piece {
            text: tokenizer.token(id),
            id,
            start: units[range.start],
            end: units[range.end],
            subword: tokenizer.continues_word(id, text, range),
        });
        to_js(&tokens.collect::<Vec<_>>())
    }

    /// Describes what runs here.
    pub fn info(&self) -> Result<JsValue, JsValue> {
        info::of(&self.inner)
    }

    /// Destroys the graphics device, as a driver reset would.
    #[wasm_bindgen(js_name = loseDevice)]
    pub fn lose_device(&self) {
        if let Some(gpu) = self.inner.text_model().backend().gpu() {
            gpu.device().destroy();
        }
    }
}

impl Engine {
    /// The encoding of an input of [`Engine::rows`].
    fn encoded(&self, input: &JsValue, cut_text: bool) -> crate::Result<Encoding> {
        let model = self.inner.text_model();
        if let Some(window) = input.dyn_ref::<Uint32Array>() {
            return Ok(model.tokenizer().frame(window.to_vec(), None, model.max_tokens()));
        }
        let (text, pair) = text_of(input);
        let cut = if cut_text { Cut::OnlyFirst } else { Cut::LongestFirst };
        let encoding = match &pair {
            Some(pair) => model.encode_pair(&text, pair, cut, false)?,
            None => model.encode(&text, false)?,
        };
        let alone = encoding.ids.is_empty();
        Ok(if alone { model.special_tokens_alone(pair.is_some(), false) } else { encoding })
    }

    fn tokens(&self, text: &str, pair: Option<&str>, encoding: &Encoding) -> Vec<Token> {
        let units = [utf16_units(text), utf16_units(pair.unwrap_or_default())];
        encoding
            .ids
            .iter()
            .zip(encoding.offsets.iter().flatten())
            .enumerate()
            .map(|(i, (&id, range))| {
                let pair = encoding.second.contains(&i);
                let units = &units[usize::from(pair)];
                Token {
                    text: self.inner.text_model().tokenizer().token(id),
                    id,
                    start: units[range.start],
                    end: units[range.end],
                    special: encoding.is_special(i),
                    pair,
                }
            })
            .collect()
    }
}

/// For each byte of `text`, and for its end, the number of UTF-16 code units before it.
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

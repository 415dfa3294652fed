//! The WebAssembly surface of a classifier: thin, and all that a page sees. The public API is written by hand in TypeScript on top
//! (`js/`).

use crate::backend::Precision;
use crate::backend::auto::{AutoBackend, Side};
#[cfg(target_feature = "atomics")]
use crate::backend::cpu::team;
use crate::backend::gpu::device::{Device, DeviceInfo};
use crate::backend::gpu::profile::KernelTime;
use crate::backend::gpu::{GpuBackend, memory};
use crate::classifier;
use crate::engine;
use crate::engine::warm_up::WarmUp;
use crate::error::{Error, ErrorKind};
use crate::file_hash;
use crate::head;
use crate::model::load::Dtype;
use crate::tokenize::Encoding;
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
#[derive(Serialize)]
struct Timings {
    tokenize: f64,
    forward: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    kernels: Option<Vec<KernelMs>>,
}

/// What the dispatches of one kernel took on the graphics device.
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

/// What is known of a graphics device.
#[derive(Serialize)]
struct Adapter<'a> {
    adapter: &'a str,
    software: bool,
    f16: bool,
    timestamps: bool,
}

impl<'a> From<&'a DeviceInfo> for Adapter<'a> {
    fn from(DeviceInfo { adapter, software, f16, timestamps }: &'a DeviceInfo) -> Self {
        Self { adapter, software: *software, f16: *f16, timestamps: *timestamps }
    }
}

/// The graphics device in use.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Webgpu<'a> {
    #[serde(flatten)]
    adapter: Adapter<'a>,
    from_tokens: Option<usize>,
    gpu_bytes: u64,
}

/// What both sides took for a text of so many tokens, in milliseconds.
#[derive(Serialize)]
struct Calibration {
    tokens: usize,
    cpu: f64,
    webgpu: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Info<'a> {
    build: &'static str,
    threads: usize,
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
    webgpu: Option<Webgpu<'a>>,
    webgpu_reason: Option<String>,
    calibration: Vec<Calibration>,
}

/// A graphics device, asked for while the model's files are on their way.
#[wasm_bindgen]
pub struct Gpu {
    device: Device,
}

#[wasm_bindgen]
impl Gpu {
    /// The browser's preferred device; `software`: whether one that computes on the processor will do.
    pub async fn request(software: bool) -> Result<Gpu, JsValue> {
        Ok(Self { device: Device::request(software).await? })
    }

    /// What is known of it.
    pub fn info(&self) -> Result<JsValue, JsValue> {
        to_js(&Adapter::from(self.device.info()))
    }

    /// Ends the device, as a driver's reset would.
    pub fn lose(&self) {
        self.device.destroy();
    }
}

/// The hashes of a file whose bytes pass.
#[wasm_bindgen]
pub struct FileHash {
    inner: file_hash::FileHash,
}

#[wasm_bindgen]
impl FileHash {
    /// Of no bytes yet; `sha256`: whether the digest is wanted beside the checksum.
    #[wasm_bindgen(constructor)]
    pub fn new(sha256: bool) -> FileHash {
        Self { inner: file_hash::FileHash::new(sha256) }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.inner.update(bytes);
    }

    /// XXH64, in hexadecimal digits.
    pub fn checksum(&self) -> String {
        self.inner.checksum()
    }

    /// SHA-256, in hexadecimal digits, where it was wanted.
    pub fn sha256(&self) -> Option<String> {
        self.inner.sha256()
    }
}

/// A classifier on its way in.
#[wasm_bindgen]
pub struct Loader {
    inner: classifier::Loader<AutoBackend>,
    warm_up: Option<WarmUp>,
}

#[wasm_bindgen]
impl Loader {
    /// Reads `config.json` and `tokenizer.json`; `dtype` is "auto", "fp32", "fp16", "int8" or "int4". `gpu` is consumed; `cpu`: whether
    /// the CPU holds the weights beside it.
    #[wasm_bindgen(constructor)]
    pub fn new(config: &[u8], tokenizer: &[u8], dtype: &str, gpu: Option<Gpu>, cpu: bool) -> Result<Loader, JsValue> {
        let backend = match gpu {
            Some(gpu) => AutoBackend::with_gpu(GpuBackend::new(gpu.device), cpu),
            None => AutoBackend::cpu(),
        };
        Ok(Self { inner: classifier::Loader::new(backend, config, tokenizer, dtype, None)?, warm_up: None })
    }

    /// Takes the next bytes of `model.safetensors`.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), JsValue> {
        Ok(self.inner.push(chunk)?)
    }

    /// Lets the engine meet the CPU's kernels while the next bytes are awaited; nothing before it is known which those are.
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

    /// The classifier, tested and measured; consumes the loader.
    pub async fn finish(self) -> Result<Engine, JsValue> {
        let clock: web_sys::Performance =
            js_sys::Reflect::get(&js_sys::global(), &"performance".into())?.unchecked_into();
        let inner = engine::Engine::prepare(self.inner.finish()?, &|| clock.now()).await?;
        Ok(Engine { inner, clock })
    }
}

/// A classifier, ready.
#[wasm_bindgen]
pub struct Engine {
    inner: engine::Engine,
    /// The monotonic clock of the page, the worker or Node.
    clock: web_sys::Performance,
}

#[wasm_bindgen]
impl Engine {
    /// Classifies `texts`: for each its `top` best labels (0: all), and its tokens where `details` is set.
    pub async fn classify(&self, texts: Vec<String>, top: usize, details: bool) -> Result<JsValue, JsValue> {
        let classifier = self.inner.classifier();
        let mut encodings = Vec::with_capacity(texts.len());
        let mut tokenize = Vec::with_capacity(texts.len());
        for (i, text) in texts.iter().enumerate() {
            let start = self.clock.now();
            encodings.push(classifier.encode(text, details)?);
            tokenize.push(self.clock.now() - start);
        }
        let labels = &classifier.config().labels;
        let mut results = Vec::with_capacity(texts.len());
        for group in classifier.groups(&encodings) {
            let start = self.clock.now();
            let scored = self.inner.scores(&encodings[group.clone()], details).await?;
            let forward = self.clock.now() - start;
            let kernels: Option<Vec<KernelMs>> =
                scored.kernels.map(|all| all.into_iter().map(KernelMs::from).collect());
            for (i, scores) in group.zip(scored.scores) {
                let best = head::best(&scores, top).into_iter();
                results.push(Classification {
                    scores: best.map(|id| Score { label: &labels[id], score: scores[id] }).collect(),
                    tokens: details.then(|| self.tokens(&texts[i], &encodings[i])),
                    truncated: encodings[i].truncated,
                    device: device_name(scored.side),
                    timings: Timings { tokenize: tokenize[i], forward, kernels: kernels.clone() },
                });
            }
        }
        to_js(&results)
    }

    /// What runs here.
    pub fn info(&self) -> Result<JsValue, JsValue> {
        let classifier = self.inner.classifier();
        let (config, loaded, backend) = (classifier.config(), classifier.loaded(), classifier.backend());
        let gpu = backend.gpu();
        to_js(&Info {
            build: BUILD,
            threads: backend.cpu_threads(),
            device: match (&gpu, backend.cpu_holds()) {
                (Some(_), true) => "auto",
                (Some(_), false) => device_name(Side::Gpu),
                (None, _) => device_name(Side::Cpu),
            },
            dtype: match loaded.precision {
                Precision::Int8 => "int8",
                Precision::Int4 if gpu.is_some() => "fp16",
                Precision::Int4 => "int4",
                Precision::F16 if gpu.is_some() => "fp16",
                _ => "fp32",
            },
            architecture: config.architecture.name(),
            layers: config.layers,
            width: config.width,
            heads: config.heads,
            vocabulary: config.vocabulary,
            max_tokens: config.max_tokens,
            parameters: loaded.parameters,
            labels: &config.labels,
            weight_bytes: loaded.file_bytes,
            webgpu: gpu.as_ref().map(|gpu| Webgpu {
                adapter: gpu.device().info().into(),
                from_tokens: if backend.cpu_holds() { backend.from_tokens() } else { Some(1) },
                gpu_bytes: memory::ledger().bytes,
            }),
            webgpu_reason: self.inner.reason(),
            calibration: self
                .inner
                .calibration()
                .iter()
                .map(|m| Calibration { tokens: m.tokens, cpu: m.cpu, webgpu: m.gpu })
                .collect(),
        })
    }

    /// Ends the graphics device, as a driver's reset would.
    #[wasm_bindgen(js_name = loseDevice)]
    pub fn lose_device(&self) {
        if let Some(gpu) = self.inner.classifier().backend().gpu() {
            gpu.device().destroy();
        }
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
                text: self.inner.classifier().tokenizer().token(id),
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

/// The build variant, by its name in wasm-pack.toml.
const BUILD: &str = match (cfg!(target_feature = "relaxed-simd"), cfg!(target_feature = "atomics")) {
    (false, false) => "simd",
    (true, false) => "relaxed",
    (false, true) => "simd-threads",
    (true, true) => "relaxed-threads",
};

/// Helps the thread that classifies as thread `thread` (1 and up), until [`end_helpers`]. To be called in a worker of its own, on
/// an instance with the same memory.
#[cfg(target_feature = "atomics")]
#[wasm_bindgen(js_name = helpAsThread)]
pub fn help_as_thread(thread: usize) {
    team::help(thread);
}

/// How many threads the models loaded from now on are computed with: this one, and helpers 1 and up.
#[cfg(target_feature = "atomics")]
#[wasm_bindgen(js_name = setThreads)]
pub fn set_threads(threads: usize) {
    team::set_threads(threads);
}

/// Lets every helper return, for good.
#[cfg(target_feature = "atomics")]
#[wasm_bindgen(js_name = endHelpers)]
pub fn end_helpers() {
    team::end_helpers();
}

/// Tells, from any of its instances, that a helper trapped. What is computed now or next traps too, instead of waiting for it.
#[cfg(target_feature = "atomics")]
#[wasm_bindgen(js_name = loseHelper)]
pub fn lose_helper() {
    team::lose_helper();
}

fn device_name(side: Side) -> &'static str {
    match side {
        Side::Cpu => "cpu",
        Side::Gpu => "webgpu",
    }
}

/// The buffers on graphics devices that are alive now.
#[wasm_bindgen(js_name = gpuBuffers)]
pub fn gpu_buffers() -> Result<JsValue, JsValue> {
    #[derive(Serialize)]
    struct Ledger {
        buffers: usize,
        bytes: u64,
    }
    let memory::Ledger { buffers, bytes } = memory::ledger();
    to_js(&Ledger { buffers, bytes })
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

//! Information about the loaded model, for JavaScript.

use super::gpu::Adapter;
use super::{device_name, to_js};
use crate::backend::Precision;
use crate::backend::auto::Side;
use crate::backend::gpu::memory;
use crate::engine::Engine;
use serde::Serialize;
use wasm_bindgen::JsValue;

/// The build variant, by its name in wasm-pack.toml.
const BUILD: &str = match (cfg!(target_feature = "relaxed-simd"), cfg!(target_feature = "atomics")) {
    (false, false) => "simd",
    (true, false) => "relaxed",
    (false, true) => "simd-threads",
    (true, true) => "relaxed-threads",
};

/// The graphics device in use.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Webgpu<'a> {
    #[serde(flatten)]
    adapter: Adapter<'a>,
    from_tokens: Option<usize>,
    gpu_bytes: u64,
}

/// How long both backends took for a text of `tokens` tokens, in milliseconds.
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
    special_tokens: [usize; 2],
    spelling: &'static str,
    parameters: usize,
    labels: &'a [String],
    weight_bytes: usize,
    webgpu: Option<Webgpu<'a>>,
    webgpu_reason: Option<String>,
    calibration: Vec<Calibration>,
    warnings: Vec<String>,
}

/// Describes what runs in `engine`.
pub(super) fn of(engine: &Engine) -> Result<JsValue, JsValue> {
    let model = engine.text_model();
    let (config, loaded, backend) = (model.config(), model.loaded(), model.backend());
    let gpu = backend.gpu();
    to_js(&Info {
        build: BUILD,
        threads: backend.cpu_threads(),
        device: match (&gpu, backend.cpu_has_weights()) {
            (Some(_), true) => "auto",
            (Some(_), false) => device_name(Side::Gpu),
            (None, _) => device_name(Side::Cpu),
        },
        dtype: match loaded.precision {
            Precision::Int8 => "int8",
            Precision::Int4 => "int4",
            Precision::F16 if gpu.is_some() => "fp16",
            _ => "fp32",
        },
        architecture: config.architecture.name(),
        layers: config.layers,
        width: config.width,
        heads: config.heads,
        vocabulary: config.vocabulary,
        max_tokens: model.max_tokens(),
        special_tokens: model.tokenizer().frame_lengths(),
        spelling: model.tokenizer().spelling(),
        parameters: loaded.parameters,
        labels: &config.labels,
        weight_bytes: loaded.file_bytes,
        webgpu: gpu.as_ref().map(|gpu| Webgpu {
            adapter: gpu.device().info().into(),
            from_tokens: if backend.cpu_has_weights() { backend.from_tokens() } else { Some(1) },
            gpu_bytes: memory::ledger().bytes,
        }),
        webgpu_reason: engine.reason(),
        calibration: engine
            .calibration()
            .iter()
            .map(|m| Calibration { tokens: m.tokens, cpu: m.cpu, webgpu: m.gpu })
            .collect(),
        warnings: model.warnings().iter().chain(&loaded.warnings).cloned().collect(),
    })
}

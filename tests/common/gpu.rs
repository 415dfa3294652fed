//! The graphics device for the tests. A software adapter is enough; without any adapter the tests fail.
#![allow(dead_code)] // Each group of tests uses only a part.

use std::cell::Cell;
use tabsense::backend::Backend;
use tabsense::backend::auto::{AutoBackend, Side};
use tabsense::backend::gpu::device::Device;
use tabsense::backend::gpu::{GpuBackend, GpuTensor};
use tabsense::batch::PackedBatch;
use tabsense::engine::Engine;
use tabsense::text_model::Loader;

pub async fn device() -> Device {
    let device = Device::request(true).await;
    device.expect("the tests need a graphics adapter; Mesa's lavapipe or Chromium's --enable-unsafe-webgpu will do")
}

pub async fn backend() -> GpuBackend {
    GpuBackend::new(device().await)
}

/// A backend that the thread's tests share: a software adapter takes seconds to compile its pipelines.
pub async fn shared_backend() -> &'static GpuBackend {
    thread_local! {
        static SHARED: Cell<Option<&'static GpuBackend>> = const { Cell::new(None) };
    }
    if let Some(backend) = SHARED.get() {
        backend.set_int8_dot(false); // an earlier test may have chosen it
        return backend;
    }
    let backend = Box::leak(Box::new(backend().await));
    SHARED.set(Some(backend));
    backend
}

/// The values of a tensor, after checking that the device reported no error.
pub async fn read(backend: &GpuBackend, x: &GpuTensor) -> Vec<f32> {
    backend.settle().await.unwrap();
    backend.checked(async || backend.read(x).await).await.unwrap()
}

/// Loads a committed random model on the graphics device and, if `cpu_has_weights`, on the CPU as well.
pub async fn load(tiny: &super::Tiny, dtype: &str, cpu_has_weights: bool) -> tabsense::Result<Engine> {
    load_files(device().await, tiny.config, tiny.tokenizer, tiny.weights, dtype, cpu_has_weights).await
}

pub async fn load_files(
    device: Device,
    config: &[u8],
    tokenizer: &[u8],
    weights: &[u8],
    dtype: &str,
    cpu_has_weights: bool,
) -> tabsense::Result<Engine> {
    let backend = AutoBackend::with_gpu(GpuBackend::new(device), cpu_has_weights);
    let mut loader = Loader::new(backend, config, tokenizer, dtype, Some(weights.len()))?;
    for chunk in weights.chunks(1 << 16) {
        loader.push(chunk)?;
    }
    Engine::prepare(loader.finish()?, &clock).await
}

/// Milliseconds, for the calibration; the tests don't depend on them.
#[cfg(not(target_arch = "wasm32"))]
pub fn clock() -> f64 {
    use std::sync::OnceLock;
    use std::time::Instant;
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs_f64() * 1e3
}

/// Milliseconds, for the calibration; the tests don't depend on them.
#[cfg(target_arch = "wasm32")]
pub fn clock() -> f64 {
    js_sys::Date::now()
}

/// The logits of texts, given as ids, on one side: one list per text.
pub async fn logits(engine: &Engine, side: Side, texts: &[&[u32]]) -> tabsense::Result<Vec<Vec<f32>>> {
    let (model, backend) = (engine.text_model().model(), engine.text_model().backend());
    let batch = PackedBatch::new(texts.iter().copied());
    let logits = backend.on(side, async || model.forward(backend, &batch, |_, _| {}).await).await?;
    let logits = backend.read(&logits).await?;
    Ok(logits.chunks(model.config().labels.len()).map(<[f32]>::to_vec).collect())
}

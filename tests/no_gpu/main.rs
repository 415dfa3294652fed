//! A browser without a graphics adapter: this is reported, and the CPU answers. Runs in Chromium without the
//! flag that enables a software adapter; on the host, lavapipe is always available.
#![cfg(target_arch = "wasm32")]

#[path = "../common/mod.rs"]
mod common;

use common::F32;
use tabsense::ErrorKind;
use tabsense::backend::auto::{AutoBackend, Side};
use tabsense::backend::gpu::device::Device;
use tabsense::backend::gpu::memory::ledger;
use tabsense::engine::Engine;
use tabsense::text_model::Loader;
use wasm_bindgen_test::wasm_bindgen_test;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);

#[wasm_bindgen_test]
async fn a_missing_adapter_is_an_error_that_says_so() {
    for software in [false, true] {
        let error = Device::request(software).await.err().expect("this browser has no adapter");
        assert_eq!(error.kind(), ErrorKind::Environment);
        // Firefox on Linux and WebKitGTK lack the interface itself.
        let reasons = ["adapter", "This browser has no WebGPU."];
        assert!(reasons.iter().any(|reason| error.message().contains(reason)), "{error}");
    }
}

#[wasm_bindgen_test]
async fn the_cpu_answers_without_one() {
    let mut loader = Loader::new(AutoBackend::cpu(), F32.config, F32.tokenizer, "fp16", None).unwrap();
    loader.push(F32.weights).unwrap();
    let engine = Engine::prepare(loader.finish().unwrap(), &common::gpu::clock).await.unwrap();
    let text = engine.text_model().encode("the film", false).unwrap();
    let computed = engine.outputs(&[text], true).await.unwrap();
    assert_eq!((computed.side, computed.kernels.is_none()), (Side::Cpu, true));
    assert!((engine.text_model().scored(&computed.outputs[0]).iter().sum::<f64>() - 1.0).abs() < 1e-9);
    assert_eq!((engine.reason(), ledger().buffers), (None, 0));
}

//! The graphics device.

use super::to_js;
use crate::backend::gpu::device::{Device, DeviceInfo};
use crate::backend::gpu::memory;
use serde::Serialize;
use wasm_bindgen::prelude::*;

/// What is known about a graphics device.
#[derive(Serialize)]
pub(super) struct Adapter<'a> {
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

/// A graphics device, requested while the model's files load.
#[wasm_bindgen]
pub struct Gpu {
    pub(super) device: Device,
}

#[wasm_bindgen]
impl Gpu {
    /// Requests the browser's preferred device; `software`: whether one that computes on the processor is
    /// acceptable.
    pub async fn request(software: bool) -> Result<Gpu, JsValue> {
        Ok(Self { device: Device::request(software).await? })
    }

    /// What is known about it.
    pub fn info(&self) -> Result<JsValue, JsValue> {
        to_js(&Adapter::from(self.device.info()))
    }

    /// Destroys the device, as a driver reset would.
    pub fn lose(&self) {
        self.device.destroy();
    }
}

/// The buffers that exist on graphics devices now.
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

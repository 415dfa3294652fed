//! The graphics device: found, requested, watched for its loss, and destroyed at the end.

use crate::error::{Error, ErrorKind, Result};
use std::sync::{Arc, Mutex, PoisonError};

/// What is known about a device.
#[derive(Clone, Debug)]
pub struct DeviceInfo {
    /// The adapter's name, as far as the browser or the driver reveals it.
    pub adapter: String,
    /// Whether the adapter computes on the processor.
    pub software: bool,
    /// Whether shaders support half-precision numbers.
    pub f16: bool,
    /// Whether the device can time its own work.
    pub timestamps: bool,
}

/// A graphics device with its queue. Dropping it destroys the device and cancels its unfinished work.
pub struct Device {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    info: DeviceInfo,
    fate: Fate,
}

/// Why a device is no longer usable, if it isn't. Callbacks on any thread may set it.
#[derive(Clone, Default)]
struct Fate(Arc<Mutex<Option<String>>>);

impl Fate {
    /// Sets the reason, unless there already is one.
    fn end(&self, reason: impl FnOnce() -> String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(reason);
    }

    fn reason(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The error for a runtime without a usable graphics device.
fn unavailable(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Environment, message)
}

impl Device {
    /// Requests the device that the browser or the system prefers. `software`: whether one that computes on
    /// the processor is acceptable.
    ///
    /// # Errors
    /// [`ErrorKind::Environment`] if there is none, with the reason.
    pub async fn request(software: bool) -> Result<Self> {
        environment::check()?;
        let backends = wgpu::Backends::BROWSER_WEBGPU | wgpu::Backends::VULKAN | wgpu::Backends::METAL;
        let descriptor =
            wgpu::InstanceDescriptor { backends, ..wgpu::InstanceDescriptor::new_without_display_handle() };
        let instance = wgpu::Instance::new(descriptor);
        let options = wgpu::RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            ..Default::default()
        };
        let adapter = instance.request_adapter(&options).await.map_err(|_| {
            unavailable("This browser has WebGPU but offers no graphics adapter: the card or its driver is not supported, or graphics acceleration is switched off.")
        })?;
        let facts = adapter.get_info();
        if facts.device_type == wgpu::DeviceType::Cpu && !software {
            return Err(unavailable(
                "The only graphics adapter is a software one, which is slower than this package's own CPU kernels.",
            ));
        }
        let offered = adapter.limits();
        let features = adapter.features() & (wgpu::Features::SHADER_F16 | wgpu::Features::TIMESTAMP_QUERY);
        let (device, queue) = adapter
            .request_device(&wgpu::DeviceDescriptor {
                label: Some("tabsense"),
                required_features: features,
                required_limits: wgpu::Limits {
                    max_buffer_size: offered.max_buffer_size,
                    max_storage_buffer_binding_size: offered.max_storage_buffer_binding_size,
                    ..wgpu::Limits::default()
                },
                ..Default::default()
            })
            .await
            .map_err(|e| unavailable(format!("The graphics adapter returned no device ({e}).")))?;
        let fate = Fate::default();
        let lost = fate.clone();
        device.set_device_lost_callback(move |_, message| {
            let message = message.trim_end_matches('.');
            lost.end(|| if message.is_empty() { "it was reset or taken away".into() } else { message.to_owned() });
        });
        let failed = fate.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| failed.end(|| error.to_string())));
        let info = DeviceInfo {
            adapter: environment::adapter_name(&device, &facts),
            software: facts.device_type == wgpu::DeviceType::Cpu,
            f16: features.contains(wgpu::Features::SHADER_F16),
            timestamps: features.contains(wgpu::Features::TIMESTAMP_QUERY),
        };
        Ok(Self { device, queue, info, fate })
    }

    /// What is known about it.
    pub fn info(&self) -> &DeviceInfo {
        &self.info
    }

    /// The device and its queue, for measurements outside the backend's own work.
    pub fn raw(&self) -> (&wgpu::Device, &wgpu::Queue) {
        (&self.device, &self.queue)
    }

    /// Checks that it still works.
    ///
    /// # Errors
    /// [`ErrorKind::DeviceLost`].
    pub fn check(&self) -> Result<()> {
        self.fate.reason().map_or(Ok(()), |reason| Err(self.lost(&reason)))
    }

    /// The error for a device that is lost, or whose results can't be read.
    pub(super) fn failure(&self, otherwise: &str) -> Error {
        self.lost(self.fate.reason().as_deref().unwrap_or(otherwise))
    }

    fn lost(&self, reason: &str) -> Error {
        Error::new(ErrorKind::DeviceLost, format!("The graphics device ({}) was lost: {reason}.", self.info.adapter))
    }

    /// Destroys the device, as a driver's reset would. Its unfinished work fails.
    pub fn destroy(&self) {
        self.fate.end(|| "it was destroyed".into());
        self.device.destroy();
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        // On the web, dropping handles frees nothing.
        self.destroy();
    }
}

#[cfg(target_arch = "wasm32")]
mod environment {
    use super::unavailable;
    use crate::error::Result;
    use js_sys::{Reflect, global};
    use wasm_bindgen::JsValue;

    fn property(of: &JsValue, name: &str) -> Option<JsValue> {
        Reflect::get(of, &name.into()).ok().filter(|value| !value.is_undefined() && !value.is_null())
    }

    /// Checks that WebGPU is available here. `wgpu::Instance::new` panics outside of a window or a worker.
    pub fn check() -> Result<()> {
        let global = JsValue::from(global());
        if property(&global, "Window").or_else(|| property(&global, "DedicatedWorkerGlobalScope")).is_none() {
            return Err(unavailable("WebGPU is available only in pages and their workers."));
        }
        if property(&global, "navigator").and_then(|navigator| property(&navigator, "gpu")).is_some() {
            return Ok(());
        }
        // Only secure pages have WebGPU: https, or localhost.
        let secure = property(&global, "isSecureContext").is_none_or(|secure| secure.is_truthy());
        Err(unavailable(if secure {
            "This browser has no WebGPU."
        } else {
            "This page has no WebGPU because it is not served over https (or from localhost)."
        }))
    }

    /// Browsers reveal vendor and architecture, and a description only sometimes.
    pub fn adapter_name(device: &wgpu::Device, facts: &wgpu::AdapterInfo) -> String {
        if !facts.name.is_empty() {
            return facts.name.clone();
        }
        let info = device.as_webgpu().and_then(|device| property(device, "adapterInfo"));
        let part = |name| info.as_ref().and_then(|info| property(info, name)).and_then(|part| part.as_string());
        let parts: Vec<String> =
            ["vendor", "architecture"].into_iter().filter_map(part).filter(|p| !p.is_empty()).collect();
        if parts.is_empty() { "unnamed adapter".into() } else { parts.join(" ") }
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod environment {
    use crate::error::Result;

    pub fn check() -> Result<()> {
        Ok(())
    }

    pub fn adapter_name(_: &wgpu::Device, facts: &wgpu::AdapterInfo) -> String {
        facts.name.clone()
    }
}

//! The peak rates of the adapter, with which everything else is compared.

use std::time::Instant;
use tabsense::backend::gpu::device::Device;
use wgpu::util::DeviceExt as _;

/// The best of several runs.
pub struct Peaks {
    /// 10^9 multiplications and additions a second, counted as two for a multiply-add.
    pub gflops: f64,
    /// 10^9 bytes a second, read and written.
    pub gbytes: f64,
}

/// Invocations of a run.
const INVOCATIONS: u32 = 1 << 17;
/// The number of vec4 that an invocation of the copy kernel moves: 64 MB in total.
const COPIED: u32 = 32;
const RUNS: usize = 5;

/// Measures wall-clock time, over runs that are long compared with the cost of a submission.
pub fn measure(device: &Device) -> Peaks {
    // Long enough on a graphics card, and acceptable on a software adapter.
    let steps = if device.info().software { 64 } else { 4096 };
    // 32 vec4 multiply-adds per step.
    let flops = f64::from(INVOCATIONS) * f64::from(steps) * 32.0 * 4.0 * 2.0;
    let bytes = f64::from(INVOCATIONS) * f64::from(COPIED) * 16.0 * 2.0;
    Peaks { gflops: flops / seconds(device, steps, 0) / 1e9, gbytes: bytes / seconds(device, COPIED, 1) / 1e9 }
}

fn seconds(device: &Device, steps: u32, copy: u32) -> f64 {
    let (device, queue) = device.raw();
    let module = device.create_shader_module(wgpu::include_wgsl!("peak.wgsl"));
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: None,
        layout: None,
        module: &module,
        entry_point: Some("main"),
        compilation_options: Default::default(),
        cache: None,
    });
    let parameters: Vec<u8> = [steps, copy, INVOCATIONS, 0].iter().flat_map(|x| x.to_le_bytes()).collect();
    let parameters = device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
        label: None,
        contents: &parameters,
        usage: wgpu::BufferUsages::UNIFORM,
    });
    let buffer = || {
        device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: u64::from(INVOCATIONS) * u64::from(COPIED) * 16,
            usage: wgpu::BufferUsages::STORAGE,
            mapped_at_creation: false,
        })
    };
    let (x, y) = (buffer(), buffer());
    let entries = [parameters.as_entire_binding(), x.as_entire_binding(), y.as_entire_binding()];
    let entries: Vec<_> =
        (0..).zip(entries).map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource }).collect();
    let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: None,
        layout: &pipeline.get_bind_group_layout(0),
        entries: &entries,
    });
    let run = || {
        let mut encoder = device.create_command_encoder(&Default::default());
        let mut pass = encoder.begin_compute_pass(&Default::default());
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, &group, &[]);
        pass.dispatch_workgroups(INVOCATIONS / 64, 1, 1);
        drop(pass);
        let start = Instant::now();
        queue.submit([encoder.finish()]);
        let _ = device.poll(wgpu::PollType::wait_indefinitely());
        start.elapsed().as_secs_f64()
    };
    (0..RUNS).map(|_| run()).fold(f64::INFINITY, f64::min)
}

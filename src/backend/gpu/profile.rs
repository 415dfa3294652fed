//! Where the time goes: the device's own clock, read before and after each dispatch.

use super::device::Device;
use super::kernels::Kernel;
use super::memory::GpuBuffer;

/// Dispatches that one profile can time; a device's query sets have at most 4,096 entries, two per dispatch.
const MAX_DISPATCHES: usize = 2048;

/// The total time of one kernel's dispatches.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelTime {
    /// The kernel's name.
    pub name: &'static str,
    /// Milliseconds on the device.
    pub ms: f64,
    /// The number of dispatches.
    pub dispatches: usize,
}

/// Sums up the times of dispatches by kernel, in the order of each kernel's first dispatch.
pub fn by_kernel(times: &[(Kernel, f64)]) -> Vec<KernelTime> {
    let mut sums: Vec<KernelTime> = Vec::new();
    for &(kernel, ms) in times {
        match sums.iter_mut().find(|sum| sum.name == kernel.name()) {
            Some(sum) => (sum.ms, sum.dispatches) = (sum.ms + ms, sum.dispatches + 1),
            None => sums.push(KernelTime { name: kernel.name(), ms, dispatches: 1 }),
        }
    }
    sums
}

/// Times of the dispatches of a forward pass.
pub struct Profile {
    queries: wgpu::QuerySet,
    resolved: GpuBuffer,
    pub(super) readable: GpuBuffer,
    kernels: Vec<Kernel>,
    // Nanoseconds per tick.
    period: f32,
}

impl Profile {
    /// A profile without dispatches. The device must have [`wgpu::Features::TIMESTAMP_QUERY`].
    pub fn new(device: &Device) -> Self {
        let queries = device.device.create_query_set(&wgpu::QuerySetDescriptor {
            label: None,
            ty: wgpu::QueryType::Timestamp,
            count: 2 * MAX_DISPATCHES as u32,
        });
        let bytes = (2 * MAX_DISPATCHES * size_of::<u64>()) as u64;
        let buffer = |usage| GpuBuffer::new(device, bytes, usage);
        Self {
            queries,
            resolved: buffer(wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC),
            readable: buffer(wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST),
            kernels: Vec::new(),
            period: device.queue.get_timestamp_period(),
        }
    }

    /// The timestamps that the pass of the next dispatch writes; none if the profile is full.
    pub fn next(&mut self, kernel: Kernel) -> Option<wgpu::ComputePassTimestampWrites<'_>> {
        let at = 2 * self.kernels.len() as u32;
        if self.kernels.len() == MAX_DISPATCHES {
            return None;
        }
        self.kernels.push(kernel);
        Some(wgpu::ComputePassTimestampWrites {
            query_set: &self.queries,
            beginning_of_pass_write_index: Some(at),
            end_of_pass_write_index: Some(at + 1),
        })
    }

    /// Records the copy of the times to the buffer from which they can be read.
    pub fn resolve(&self, encoder: &mut wgpu::CommandEncoder) {
        let queries = 2 * self.kernels.len() as u32;
        if queries > 0 {
            encoder.resolve_query_set(&self.queries, 0..queries, &self.resolved.raw, 0);
            let bytes = u64::from(queries) * size_of::<u64>() as u64;
            encoder.copy_buffer_to_buffer(&self.resolved.raw, 0, &self.readable.raw, 0, bytes);
        }
    }

    /// Milliseconds of each dispatch, in order, from the ticks that were read.
    pub fn times(&self, ticks: &[u64]) -> Vec<(Kernel, f64)> {
        // If the clock was reset in between, the time is 0.
        let ms = |ends: &[u64]| ends[1].saturating_sub(ends[0]) as f64 * f64::from(self.period) / 1e6;
        self.kernels.iter().copied().zip(ticks.chunks_exact(2).map(ms)).collect()
    }

    /// Bytes to read.
    pub(super) fn bytes(&self) -> u64 {
        (2 * self.kernels.len() * size_of::<u64>()) as u64
    }
}

impl Drop for Profile {
    fn drop(&mut self) {
        // On the web, dropping the handle frees nothing.
        self.queries.destroy();
    }
}

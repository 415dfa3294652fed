//! The commands of one forward pass: recorded one after another, submitted to the device together.

use super::device::Device;
use super::geometry::MAX_WORKGROUPS;
use super::kernels::{Kernel, Pipeline};
use super::memory::{GpuBuffer, Pooled};
use super::profile::Profile;
use crate::error::{Error, ErrorKind, Result};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The parameters of a dispatch; each kernel uses as many as it needs.
pub type Parameters = [u32; 12];

/// Bytes from one dispatch's parameters to the next one's: the alignment that bindings need.
const SLOT: u64 = 256;
/// The number of dispatches whose parameters share a buffer.
const SLOTS: usize = 64;
/// The maximum number of bind groups that are kept. A model of six layers needs 45 for each size class, of
/// which there are a few dozen at most.
const MAX_BIND_GROUPS: usize = 8192;

/// Records dispatches; see the module.
#[derive(Default)]
pub struct Recorder {
    encoder: Option<wgpu::CommandEncoder>,
    pass: Option<wgpu::ComputePass<'static>>,
    parameters: Vec<u8>,
    parameter_buffers: Vec<GpuBuffer>,
    bind_groups: BTreeMap<Vec<u64>, wgpu::BindGroup>,
    // Buffers that the queue writes ahead of the commands. They must not be written again before the commands
    // are submitted.
    held: Vec<Rc<Pooled>>,
    profile: Option<Profile>,
    dispatches: usize,
    submitted: Counts,
}

/// Counts of what was submitted since the recorder was created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Dispatches.
    pub dispatches: usize,
    /// Command buffers.
    pub submissions: usize,
    /// Bind groups that had to be created.
    pub bind_groups: usize,
}

/// One run of a kernel. Its buffers come after the parameters, in the order of its bindings.
pub struct Dispatch<'a> {
    /// The kernel.
    pub kernel: Kernel,
    /// Its pipeline.
    pub pipeline: &'a Pipeline,
    /// Its parameters.
    pub parameters: Parameters,
    /// Its other bindings.
    pub buffers: &'a [&'a GpuBuffer],
    /// Workgroups.
    pub groups: [u32; 3],
}

impl Recorder {
    /// Records a dispatch.
    ///
    /// # Errors
    /// [`ErrorKind::WebgpuUnusable`] if it has more workgroups than a dispatch can have.
    pub fn dispatch(&mut self, device: &Device, run: &Dispatch<'_>) -> Result<()> {
        if run.groups.contains(&0) {
            return Ok(());
        }
        if run.groups.iter().any(|&n| n > MAX_WORKGROUPS) {
            return Err(Error::new(
                ErrorKind::WebgpuUnusable,
                "The text or the model is too large for one step on a graphics device: use device \"cpu\".",
            ));
        }
        let slot = self.dispatches;
        self.dispatches += 1;
        self.parameters.extend_from_slice(bytemuck::cast_slice(&run.parameters));
        self.parameters.resize((slot + 1) * SLOT as usize, 0);
        if slot / SLOTS == self.parameter_buffers.len() {
            let usage = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
            self.parameter_buffers.push(GpuBuffer::new(device, SLOT * SLOTS as u64, usage));
        }
        let key: Vec<u64> =
            [run.pipeline.id, slot as u64].into_iter().chain(run.buffers.iter().map(|b| b.id)).collect();
        if !self.bind_groups.contains_key(&key) {
            if self.bind_groups.len() >= MAX_BIND_GROUPS {
                self.bind_groups.clear();
            }
            let group = self.bind_group(device, run, slot);
            self.bind_groups.insert(key.clone(), group);
            self.submitted.bind_groups += 1;
        }
        let group = &self.bind_groups[&key];
        let encoder = self.encoder.get_or_insert_with(|| device.device.create_command_encoder(&Default::default()));
        if let Some(profile) = &mut self.profile {
            // Times are taken at the beginning and end of a pass, so each dispatch gets its own pass.
            self.pass = None;
            if let Some(writes) = profile.next(run.kernel) {
                let descriptor = wgpu::ComputePassDescriptor { label: None, timestamp_writes: Some(writes) };
                self.pass = Some(encoder.begin_compute_pass(&descriptor).forget_lifetime());
            }
        }
        let pass = self.pass.get_or_insert_with(|| encoder.begin_compute_pass(&Default::default()).forget_lifetime());
        pass.set_pipeline(&run.pipeline.raw);
        pass.set_bind_group(0, group, &[]);
        let [x, y, z] = run.groups;
        pass.dispatch_workgroups(x, y, z);
        Ok(())
    }

    fn bind_group(&self, device: &Device, run: &Dispatch<'_>, slot: usize) -> wgpu::BindGroup {
        let parameters = wgpu::BufferBinding {
            buffer: &self.parameter_buffers[slot / SLOTS].raw,
            offset: (slot % SLOTS) as u64 * SLOT,
            size: wgpu::BufferSize::new(SLOT),
        };
        let resources = [wgpu::BindingResource::Buffer(parameters)]
            .into_iter()
            .chain(run.buffers.iter().map(|b| b.raw.as_entire_binding()));
        let entries: Vec<_> =
            (0..).zip(resources).map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource }).collect();
        device.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &run.pipeline.layout,
            entries: &entries,
        })
    }

    /// Whether nothing waits to be submitted.
    pub fn is_empty(&self) -> bool {
        self.dispatches == 0
    }

    /// Keeps a buffer that the queue has written from being written again before the commands recorded now
    /// are submitted.
    pub fn keep_until_submit(&mut self, buffer: Rc<Pooled>) {
        self.held.push(buffer);
    }

    /// Times the following dispatches, until [`Recorder::take_profile`].
    pub fn start_profile(&mut self, device: &Device) {
        self.profile = Some(Profile::new(device));
    }

    /// Ends the timing and returns the profile, which can be read once the device is done.
    pub fn take_profile(&mut self) -> Option<Profile> {
        self.profile.take()
    }

    /// Submits the recorded commands, followed by a copy of the first `bytes` bytes of `from` to `to`.
    pub fn submit(&mut self, device: &Device, copy: Option<(&GpuBuffer, &GpuBuffer, u64)>) {
        // Ends the pass.
        self.pass = None;
        let mut encoder = match self.encoder.take() {
            Some(encoder) => encoder,
            None => device.device.create_command_encoder(&Default::default()),
        };
        if let Some((from, to, bytes)) = copy {
            encoder.copy_buffer_to_buffer(&from.raw, 0, &to.raw, 0, bytes);
        }
        if let Some(profile) = &mut self.profile {
            profile.resolve(&mut encoder);
        }
        for (bytes, buffer) in self.parameters.chunks(SLOT as usize * SLOTS).zip(&self.parameter_buffers) {
            device.queue.write_buffer(&buffer.raw, 0, bytes);
        }
        device.queue.submit([encoder.finish()]);
        self.submitted.dispatches += self.dispatches;
        self.submitted.submissions += 1;
        self.dispatches = 0;
        self.parameters.clear();
        self.held.clear();
    }

    /// Drops what was recorded since the last submission.
    pub fn discard(&mut self) {
        (self.pass, self.encoder, self.profile) = (None, None, None);
        self.dispatches = 0;
        self.parameters.clear();
        self.held.clear();
    }

    /// Drops the bind groups, because some of their buffers may have been freed.
    pub fn forget_bind_groups(&mut self) {
        self.bind_groups.clear();
    }

    /// Frees its memory on the device, except for parameters that another recorded pass uses.
    pub fn free(&mut self) {
        self.bind_groups.clear();
        if self.is_empty() {
            self.parameter_buffers.clear();
        }
    }

    /// Counts of the work submitted so far.
    pub fn counts(&self) -> Counts {
        self.submitted
    }
}

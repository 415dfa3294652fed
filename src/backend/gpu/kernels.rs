//! The compute kernels of `shaders/`: their bindings and their pipelines.

use super::device::Device;
use super::geometry;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A WGSL file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kernel {
    /// `linear_rows.wgsl`: a product of few rows.
    LinearRows,
    /// `linear_tiles.wgsl`: a product of many rows.
    LinearTiles,
    /// `linear_rows.wgsl` with `halves.wgsl`: a product of few rows with native half-precision weights.
    LinearRowsF16,
    /// `linear_tiles.wgsl` with `halves.wgsl`: a product of many rows with native half-precision weights.
    LinearTilesF16,
    /// `linear_tiles_dot.wgsl`: a product of many rows in int8 arithmetic.
    LinearTilesDot,
    /// `linear_blocks.wgsl`: a product on a software adapter.
    LinearBlocks,
    /// `attention.wgsl`
    Attention,
    /// `layer_norm.wgsl`
    LayerNorm,
    /// `take_rows.wgsl`
    TakeRows,
    /// `mean_rows.wgsl`
    MeanRows,
}

/// How a weight matrix is stored; the number is the shaders' `FORMAT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// 32-bit floats.
    F32 = 0,
    /// 16-bit floats.
    F16 = 1,
    /// Bytes, with a scale per row.
    Int8 = 2,
    /// Two to a byte, with a scale per group.
    Int4 = 3,
}

impl Format {
    /// The shaders' constants: how weights are stored, and how many vec4 one read unpacks to.
    fn constants(self) -> [(&'static str, f64); 2] {
        let quads = match self {
            Self::F32 => 1.0,
            Self::F16 | Self::Int4 => 2.0,
            Self::Int8 => 4.0,
        };
        [("FORMAT", f64::from(self as u32)), ("QUADS", quads)]
    }
}

/// How a kernel uses a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// `var<uniform>`
    Parameters,
    /// `var<storage, read>`
    Input,
    /// `var<storage, read_write>`
    Output,
}

use Binding::{Input, Output, Parameters};

impl Kernel {
    /// All kernels.
    pub const ALL: &[Self] = &[
        Self::LinearRows,
        Self::LinearTiles,
        Self::LinearRowsF16,
        Self::LinearTilesF16,
        Self::LinearTilesDot,
        Self::LinearBlocks,
        Self::Attention,
        Self::LayerNorm,
        Self::TakeRows,
        Self::MeanRows,
    ];

    /// The name of its file in `shaders/`, and its whole text. The text of a product begins with the code
    /// that all products share and the code that reads its weights.
    pub const fn file(self) -> (&'static str, &'static str) {
        macro_rules! text {
            ($name:literal) => {
                // build.rs has removed the comments.
                include_str!(concat!(env!("OUT_DIR"), "/shaders/", $name, ".wgsl"))
            };
        }
        macro_rules! file {
            ($name:literal) => {
                ($name, text!($name))
            };
        }
        macro_rules! product {
            ($name:literal) => {
                ($name, concat!(text!("linear/common"), text!("linear/packed"), text!($name)))
            };
        }
        macro_rules! product_f16 {
            ($name:literal) => {
                ($name, concat!("enable f16;\n", text!("linear/common"), text!("linear/halves"), text!($name)))
            };
        }
        match self {
            Self::LinearRows => product!("linear_rows"),
            Self::LinearTiles => product!("linear_tiles"),
            Self::LinearRowsF16 => product_f16!("linear_rows"),
            Self::LinearTilesF16 => product_f16!("linear_tiles"),
            Self::LinearTilesDot => product!("linear_tiles_dot"),
            Self::LinearBlocks => product!("linear_blocks"),
            Self::Attention => file!("attention"),
            Self::LayerNorm => file!("layer_norm"),
            Self::TakeRows => file!("take_rows"),
            Self::MeanRows => file!("mean_rows"),
        }
    }

    /// Its bindings in group 0, in order.
    pub const fn bindings(self) -> &'static [Binding] {
        match self {
            // parameters, x, weights, bias and scale per column, residual, rows, y
            Self::LinearRows
            | Self::LinearTiles
            | Self::LinearRowsF16
            | Self::LinearTilesF16
            | Self::LinearTilesDot
            | Self::LinearBlocks => &[Parameters, Input, Input, Input, Input, Input, Output],
            // parameters, q, k, v, tiles, biases, y
            Self::Attention => &[Parameters, Input, Input, Input, Input, Input, Output],
            // parameters, x, γ and β, y; parameters, x, rows, y; parameters, x, starts, y
            Self::LayerNorm | Self::TakeRows | Self::MeanRows => &[Parameters, Input, Input, Output],
        }
    }

    /// Whether its code depends on `FORMAT`.
    const fn has_format(self) -> bool {
        matches!(self, Self::LinearRows | Self::LinearTiles | Self::LinearBlocks)
    }

    /// Invocations in a workgroup.
    pub const fn workgroup(self) -> u32 {
        match self {
            Self::LinearBlocks => geometry::BLOCKS_WORKGROUP,
            _ => geometry::WORKGROUP,
        }
    }

    /// Its name in a profile.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LinearRows
            | Self::LinearTiles
            | Self::LinearRowsF16
            | Self::LinearTilesF16
            | Self::LinearTilesDot
            | Self::LinearBlocks => "linear",
            _ => self.file().0,
        }
    }
}

/// A kernel, ready for a device.
pub struct Pipeline {
    pub(super) raw: wgpu::ComputePipeline,
    pub(super) layout: wgpu::BindGroupLayout,
    /// Different for each pipeline of a backend.
    pub(super) id: u64,
}

/// A kernel, and the format of its weights if its code depends on it.
type Key = (Kernel, Option<Format>);

/// The pipelines of a device, created when first requested. The browser compiles them in the background.
#[derive(Default)]
pub struct Pipelines {
    pipelines: RefCell<BTreeMap<Key, Rc<Pipeline>>>,
}

impl Pipelines {
    /// The pipeline of `kernel` for weights of `format`.
    pub fn get(&self, device: &Device, kernel: Kernel, format: Format) -> Rc<Pipeline> {
        let format = kernel.has_format().then_some(format);
        let mut pipelines = self.pipelines.borrow_mut();
        let id = pipelines.len() as u64;
        pipelines.entry((kernel, format)).or_insert_with(|| Rc::new(make(&device.device, kernel, format, id))).clone()
    }

    /// The number of pipelines.
    pub fn count(&self) -> usize {
        self.pipelines.borrow().len()
    }
}

fn make(device: &wgpu::Device, kernel: Kernel, format: Option<Format>, id: u64) -> Pipeline {
    let (name, text) = kernel.file();
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some(name),
        source: wgpu::ShaderSource::Wgsl(text.into()),
    });
    let entries: Vec<_> = (0..).zip(kernel.bindings()).map(|(i, kind)| layout_entry(i, *kind)).collect();
    let layout =
        device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some(name), entries: &entries });
    let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some(name),
        bind_group_layouts: &[Some(&layout)],
        immediate_size: 0,
    });
    let constants = format.map(Format::constants);
    let raw = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some(name),
        layout: Some(&pipeline_layout),
        module: &module,
        entry_point: Some("main"),
        compilation_options: wgpu::PipelineCompilationOptions {
            constants: constants.as_ref().map_or(&[], |constants| constants),
            // Every kernel writes its workgroup memory before it reads it.
            zero_initialize_workgroup_memory: false,
        },
        cache: None,
    });
    Pipeline { raw, layout, id }
}

fn layout_entry(binding: u32, kind: Binding) -> wgpu::BindGroupLayoutEntry {
    let ty = match kind {
        Parameters => wgpu::BufferBindingType::Uniform,
        Input => wgpu::BufferBindingType::Storage { read_only: true },
        Output => wgpu::BufferBindingType::Storage { read_only: false },
    };
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
        count: None,
    }
}

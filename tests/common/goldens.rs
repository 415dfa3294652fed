//! PyTorch's results for the committed random models (test_data/README.md), and comparisons of a model on the
//! CPU with them.

use super::{Tiny, largest_difference, now};
use serde::Deserialize;
use tabsense::backend::Backend;
use tabsense::backend::cpu::CpuBackend;
use tabsense::batch::PackedBatch;
use tabsense::model::load::Dtype;
use tabsense::model::{Model, Tap};

/// Sums of up to a few hundred products of numbers near 1, in a different order than PyTorch's, through three
/// layers: ten times the difference between PyTorch's own fp32 and fp64.
pub const TOLERANCE: f32 = 2e-5;

pub type Loaded = (Model<CpuBackend>, CpuBackend);

#[derive(Deserialize)]
pub struct Goldens {
    pub cases: Vec<Case>,
    pub batches: Vec<Vec<usize>>,
    /// The case whose layers are compared, if any.
    #[serde(default)]
    pub taps_case: usize,
    #[serde(default)]
    pub taps: Vec<GoldenTap>,
    /// The bare encoder's last states for case `taps_case`; DistilBERT's files have none.
    #[serde(default)]
    pub states: Vec<f32>,
}

#[derive(Deserialize)]
pub struct Case {
    pub ids: Vec<u32>,
    /// If the model supports them: pairs have tokens of two types.
    #[serde(default)]
    pub types: Vec<u8>,
    pub logits: Vec<f32>,
}

#[derive(Deserialize)]
pub struct GoldenTap {
    pub name: String,
    pub cols: usize,
    pub values: Vec<f32>,
}

pub fn goldens(tiny: &Tiny) -> Goldens {
    serde_json::from_str(tiny.goldens).unwrap()
}

impl Goldens {
    /// The cases whose tokens are of more than one type.
    pub fn pairs(&self) -> Vec<usize> {
        (0..self.cases.len()).filter(|&i| self.cases[i].types.iter().any(|t| *t > 0)).collect()
    }

    /// Every case alone, then the batches.
    pub fn groups(&self) -> Vec<Vec<usize>> {
        (0..self.cases.len()).map(|i| vec![i]).chain(self.batches.iter().cloned()).collect()
    }

    /// Some cases together.
    pub fn batch(&self, group: &[usize]) -> PackedBatch {
        let cases = group.iter().map(|&i| &self.cases[i]);
        PackedBatch::with_types(cases.map(|case| (case.ids.as_slice(), case.types.as_slice())))
    }

    /// PyTorch's logits for these cases, row by row.
    pub fn logits(&self, group: &[usize]) -> Vec<f32> {
        group.iter().flat_map(|&i| self.cases[i].logits.iter().copied()).collect()
    }
}

/// The largest difference between the groups' logits and PyTorch's.
pub fn worst((model, backend): &Loaded, goldens: &Goldens, groups: &[Vec<usize>]) -> f32 {
    let difference = |group: &Vec<usize>| {
        let logits = now(model.outputs(backend, &goldens.batch(group))).unwrap();
        largest_difference(&logits, &goldens.logits(group))
    };
    groups.iter().map(difference).fold(0.0, f32::max)
}

/// Checks that a text's logits are the same to the bit, alone or in a batch with all others.
pub fn alone_equals_in_a_batch(tiny: &Tiny) {
    for dtype in [Dtype::Fp32, Dtype::Int8] {
        let ((model, backend), goldens) = (tiny.load(dtype), goldens(tiny));
        let all: Vec<usize> = (0..goldens.cases.len()).collect();
        let together = now(model.outputs(&backend, &goldens.batch(&all))).unwrap();
        for (i, row) in together.chunks(model.config().labels.len()).enumerate() {
            let alone = now(model.outputs(&backend, &goldens.batch(&[i]))).unwrap();
            assert_eq!(alone, row, "{}, {dtype:?}, case {i}", tiny.name);
        }
    }
}

/// Checks that the output of every layer is PyTorch's.
pub fn every_layer_is_pytorch_s(tiny: &Tiny) {
    let ((model, backend), goldens) = (tiny.load(Dtype::Auto), goldens(tiny));
    let batch = goldens.batch(&[goldens.taps_case]);
    let mut taps = Vec::new();
    let read = |tap, tensor: &_| {
        let name = match tap {
            Tap::Embedding => "embedding".to_owned(),
            Tap::Attention(i) => format!("layer.{i}.attention"),
            Tap::Ffn(i) => format!("layer.{i}.ffn"),
        };
        taps.push((name, now(backend.read(tensor)).unwrap()));
    };
    now(model.forward(&backend, &batch, read)).unwrap();
    assert_eq!(taps.len(), goldens.taps.len());
    let last = format!("layer.{}.", model.config().layers - 1);
    for ((name, got), golden) in taps.iter().zip(&goldens.taps) {
        assert_eq!(*name, golden.name);
        // The last layer computes only the first row.
        let rows = if name.starts_with(&last) { 1 } else { batch.tokens() };
        assert_eq!(got.len(), rows * golden.cols, "{}, {name}", tiny.name);
        let worst = largest_difference(got, &golden.values[..got.len()]);
        assert!(worst <= TOLERANCE, "{}, {name}: {worst}", tiny.name);
    }
}

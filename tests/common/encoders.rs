//! The committed random models of every architecture but DistilBERT, and what PyTorch says of them
//! (test_data/README.md).

use super::Tiny;
use serde::Deserialize;
use tabsense::batch::PackedBatch;

pub static ENCODERS: [Tiny; 9] = [
    tiny!("tiny-bert"),
    tiny!("tiny-bert-tanh"),
    tiny!("tiny-roberta"),
    tiny!("tiny-xlm-roberta"),
    tiny!("tiny-camembert"),
    tiny!("tiny-electra"),
    tiny!("tiny-electra-wide"),
    tiny!("tiny-mpnet"),
    tiny!("tiny-data2vec-text"),
];

#[derive(Deserialize)]
pub struct Goldens {
    pub cases: Vec<Case>,
    pub batches: Vec<Vec<usize>>,
    pub taps_case: usize,
    pub taps: Vec<GoldenTap>,
    /// Of the bare encoder, of case `taps_case`.
    pub states: Vec<f32>,
}

#[derive(Deserialize)]
pub struct Case {
    pub ids: Vec<u32>,
    /// Where the model takes them: pairs have tokens of two types.
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
    /// Cases that are of more than one type of token.
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

    /// What PyTorch has for them, row by row.
    pub fn logits(&self, group: &[usize]) -> Vec<f32> {
        group.iter().flat_map(|&i| self.cases[i].logits.iter().copied()).collect()
    }
}

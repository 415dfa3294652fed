//! Real encoders against PyTorch: `npm run check:models`.
//!
//! For each model of test_data/goldens/real.json, in fp32 and int8: the largest difference of a number of a
//! text's mean state, the smallest cosine of two, and how long loading took.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Instant;
use tabsense::backend::cpu::CpuBackend;
use tabsense::backend::now;
use tabsense::batch::PackedBatch;
use tabsense::config::{Config, Pooling, Task};
use tabsense::model::load::{Dtype, ModelLoader};

/// The cosine of the angle between two vectors.
fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(x * y)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// The most that fp32 may differ.
const TOLERANCE: f32 = 1e-4;

#[derive(Deserialize)]
struct Goldens {
    models: BTreeMap<String, Vec<Case>>,
}

#[derive(Deserialize)]
struct Case {
    ids: Vec<u32>,
    #[serde(default)]
    types: Vec<u8>,
    mean: Vec<f32>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("Give the folder that holds the models.")?;
    let goldens = concat!(env!("CARGO_MANIFEST_DIR"), "/test_data/goldens/real.json");
    let goldens: Goldens = serde_json::from_slice(&fs::read(goldens)?)?;
    println!("{:<20} {:>6} {:>12} {:>12} {:>12}", "model", "dtype", "difference", "cosine", "loaded in");
    let mut exact = true;
    for (name, cases) in &goldens.models {
        let folder = Path::new(&folder).join(name);
        let (config, weights) = (fs::read(folder.join("config.json"))?, fs::read(folder.join("model.safetensors"))?);
        for (of, dtype) in [("fp32", Dtype::Fp32), ("int8", Dtype::Int8)] {
            let config = Config::for_task(&config, Task::Embed(Pooling::Mean))?;
            let start = Instant::now();
            let mut loader = ModelLoader::new(CpuBackend::new(), config, dtype, Some(weights.len()));
            for chunk in weights.chunks(1 << 18) {
                loader.push(chunk)?;
            }
            let (model, backend, loaded) = loader.finish()?;
            let seconds = start.elapsed().as_secs_f64();
            let batch = PackedBatch::with_types(cases.iter().map(|case| (case.ids.as_slice(), case.types.as_slice())));
            let means = now(model.states(&backend, &batch))?;
            let wanted = || cases.iter().flat_map(|case| &case.mean);
            let difference = means.iter().zip(wanted()).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max);
            let vectors = means.chunks(model.config().width).zip(cases);
            let cosine = vectors.map(|(x, case)| cosine(x, &case.mean)).fold(1.0, f64::min);
            println!("{name:<20} {of:>6} {difference:>12.1e} {cosine:>12.6} {seconds:>10.1} s");
            loaded.warnings.iter().for_each(|warning| println!("  {warning}"));
            exact &= of != "fp32" || difference <= TOLERANCE;
        }
    }
    if exact { Ok(()) } else { Err(format!("fp32 differs from PyTorch by more than {TOLERANCE:.0e}.").into()) }
}

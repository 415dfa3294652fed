//! Weights of models, in every precision, plain and coded, with tensors of the wrong type, shape, name and
//! position, streamed into the model. If the model loads, it computes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tabsense::ErrorKind;
use tabsense::backend::cpu::CpuBackend;
use tabsense::backend::now;
use tabsense::batch::PackedBatch;
use tabsense::config::{Config, Pooling, Task};
use tabsense::model::load::{Dtype, ModelLoader};
use tabsense_fuzz::{Result, Unstructured, check_message, run_bounded, tensors};

const DTYPES: [Dtype; 5] = [Dtype::Auto, Dtype::Fp32, Dtype::Fp16, Dtype::Int8, Dtype::Int4];

/// The bits of what the model computes for a text, or the kind of the error.
fn outputs<'a>(
    mut chunks: impl Iterator<Item = &'a [u8]>,
    config: &Config,
    dtype: Dtype,
) -> std::result::Result<Vec<u32>, ErrorKind> {
    let mut loader = ModelLoader::new(CpuBackend::new(), config.clone(), dtype, None);
    let result = chunks.try_for_each(|chunk| loader.push(chunk)).and_then(|()| loader.finish()).and_then(|model| {
        let (model, backend, loaded) = model;
        assert!(loaded.warnings.iter().all(|warning| warning.ends_with('.')), "{:?}", loaded.warnings);
        let rows = model.config().vocabulary as u32;
        let ids = [2, 7, 11, 5, 3].map(|id: u32| id.min(rows - 1));
        let outputs = now(model.outputs(&backend, &PackedBatch::new([&ids[..], &ids[..1]])))?;
        assert!(outputs.iter().all(|x| x.is_finite()), "{outputs:?}");
        Ok(outputs.into_iter().map(f32::to_bits).collect())
    });
    result.map_err(|error| (check_message(&error), error.kind()).1)
}

fn target(u: &mut Unstructured) -> Result<()> {
    let (model, file) = tensors::weights(u)?;
    let task = match model.is_static {
        true => Task::Embed(Pooling::Mean),
        false => *u.choose(&[Task::Classify, Task::Classify, Task::Encode, Task::Tag, Task::Embed(Pooling::First)])?,
    };
    let Ok(config) = Config::for_task(model.config, task) else { return Ok(()) };
    let dtype = *u.choose(&DTYPES)?;
    let whole = outputs(std::iter::once(&file[..]), &config, dtype);
    let size = u.int_in_range(1..=600)?;
    assert_eq!(outputs(file.chunks(size), &config, dtype), whole, "chunks of {size}");
    Ok(())
}

fuzz_target!(|data: &[u8]| run_bounded(data, target));

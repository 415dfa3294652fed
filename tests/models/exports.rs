//! ONNX files of exporters, quantizers and optimizers (test_data/make_onnx.py): each gives the answers of the
//! checkpoint that it was made from, within the precision of its numbers. `TABSENSE_EXPORTS` names another
//! folder of such files.

use crate::common::goldens::{Goldens, Loaded};
use crate::common::{edit, largest_difference, now};
use serde::Deserialize;
use std::fs::read;
use std::path::{Path, PathBuf};
use tabsense::backend::cpu::CpuBackend;
use tabsense::config::{Config, Task};
use tabsense::convert::{Converter, Format};
use tabsense::model::load::{Dtype, ModelLoader};
use tabsense::{Error, ErrorKind};

/// Sums are in another order than PyTorch's, as in [`crate::common::goldens::TOLERANCE`]; weights may also be
/// decoded in another order of operations.
const TOLERANCE: f32 = 2e-5;

#[derive(Deserialize)]
struct Manifest {
    files: Vec<Export>,
}

#[derive(Deserialize)]
struct Export {
    file: String,
    model: String,
    /// PyTorch's logits with the file's numbers instead of the checkpoint's, if they differ.
    logits: Option<Vec<f32>>,
    /// onnxruntime's.
    onnxruntime: Option<Vec<f32>>,
    /// Why the file is refused, if it is not one of the model's.
    refused: Option<String>,
    /// PyTorch's last states for one case of the goldens, if the file has no head.
    states: Option<Vec<f32>>,
    #[serde(default)]
    states_case: usize,
}

fn folder() -> PathBuf {
    std::env::var_os("TABSENSE_EXPORTS").map_or_else(|| "test_data/onnx".into(), PathBuf::from)
}

fn exports() -> Vec<Export> {
    serde_json::from_slice::<Manifest>(&read(folder().join("manifest.json")).unwrap()).unwrap().files
}

fn config(model: &str, task: Task) -> Config {
    Config::for_task(&read(format!("test_data/models/{model}/config.json")).unwrap(), task).unwrap()
}

/// Loads a file in chunks of `size`, and the files next to it.
fn load((model, task): (&str, Task), path: &Path, dtype: Dtype, size: usize) -> Result<Loaded, Error> {
    let bytes = read(path).unwrap();
    let mut loader = ModelLoader::new(CpuBackend::new(), config(model, task), dtype, Some(bytes.len()));
    bytes.chunks(size).try_for_each(|chunk| loader.push(chunk))?;
    while let Some(name) = loader.end_file()? {
        read(path.with_file_name(name)).unwrap().chunks(size).try_for_each(|chunk| loader.push(chunk))?;
    }
    loader.finish().map(|(model, backend, _)| (model, backend))
}

fn goldens(model: &str) -> Goldens {
    serde_json::from_slice(&read(format!("test_data/goldens/{model}.json")).unwrap()).unwrap()
}

/// The logits of every case of a model's goldens.
fn logits((model, backend): &Loaded, goldens: &Goldens) -> Vec<f32> {
    let of = |i| now(model.outputs(backend, &goldens.batch(&[i]))).unwrap();
    (0..goldens.cases.len()).flat_map(of).collect()
}

fn checkpoint(model: &str) -> Vec<f32> {
    let path = PathBuf::from(format!("test_data/models/{model}/model.safetensors"));
    logits(&load((model, Task::Classify), &path, Dtype::Fp32, 1 << 20).unwrap(), &goldens(model))
}

#[test]
fn exports_have_the_answers_of_their_checkpoints() {
    let mut faults = Vec::new();
    for Export { file, model, logits: decoded, onnxruntime, refused, states, states_case } in exports() {
        let path = folder().join(&file);
        let loaded = load((&model, Task::Classify), &path, Dtype::Fp32, 1009);
        if let Some(states) = states {
            let no_head = loaded.err().is_some_and(|e| e.message().contains("no classification head"));
            faults.extend((!no_head).then(|| format!("{file}: loads without a head")));
            let (encoder, backend) = load((&model, Task::Encode), &path, Dtype::Fp32, 1009).unwrap();
            let ours = now(encoder.outputs(&backend, &goldens(&model).batch(&[states_case]))).unwrap();
            let difference = largest_difference(&ours, &states);
            println!("{file}: states {difference:.1e}");
            faults.extend((difference > TOLERANCE).then(|| format!("{file}: {difference:e} from PyTorch")));
            continue;
        }
        match (loaded, refused) {
            (Err(e), Some(_)) => {
                println!("{file}: refused");
                if e.kind() != ErrorKind::WeightsMismatch || !e.message().contains('"') {
                    faults.push(format!("{file}: {e} names no node"));
                }
            }
            (Err(e), None) => faults.push(format!("{file}: {:?}, {e}", e.kind())),
            (Ok(_), Some(_)) => faults.push(format!("{file} loads")),
            (Ok(loaded), None) => {
                let goldens = goldens(&model);
                let exact = logits(&loaded, &goldens);
                let auto = logits(&load((&model, Task::Classify), &path, Dtype::Auto, 1 << 20).unwrap(), &goldens);
                let Some(decoded) = decoded else {
                    println!("{file}: fp32");
                    let same = exact == checkpoint(&model) && auto == exact;
                    faults.extend((!same).then(|| format!("{file}: other logits than the checkpoint's")));
                    continue;
                };
                let differences = [&exact, &auto].map(|ours| largest_difference(ours, &decoded));
                let theirs = onnxruntime.map(|theirs| largest_difference(&theirs, &decoded));
                let theirs = theirs.map_or("–".to_owned(), |theirs| format!("{theirs:.1e}"));
                println!(
                    "{file}: decoded {:.1e}, as it is {:.1e}, onnxruntime {theirs}",
                    differences[0], differences[1]
                );
                if differences[0] > TOLERANCE {
                    faults.push(format!("{file}: {:e} from PyTorch", differences[0]));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// Including the table of words: its rows of 32 columns are whole groups.
#[test]
fn floats_of_an_export_are_rounded_to_int4_as_those_of_its_checkpoint() {
    let model = "mini-distilbert";
    let of = |path: &Path| logits(&load((model, Task::Classify), path, Dtype::Int4, 1 << 20).unwrap(), &goldens(model));
    let rounded = of(Path::new("test_data/models/mini-distilbert/model.safetensors"));
    assert_eq!(of(&folder().join("mini-distilbert-optimum.onnx")), rounded);
    assert_ne!(rounded, checkpoint(model));
}

#[test]
fn chunks_of_any_size_give_the_same() {
    for file in ["mini-bert-typed-q8.onnx", "mini-bert-weights-first-q8.onnx", "mini-bert-external.onnx"] {
        let path = folder().join(file);
        let of = |size| {
            logits(&load(("mini-bert", Task::Classify), &path, Dtype::Auto, size).unwrap(), &goldens("mini-bert"))
        };
        let whole = of(1 << 20);
        for size in [1, 2, 7, 64, 4096] {
            assert_eq!(of(size), whole, "{file} in chunks of {size}");
        }
    }
}

#[test]
fn a_file_that_ends_early_is_incomplete() {
    for file in ["mini-bert-q8.onnx", "mini-distilbert-q4.onnx", "mini-bert-fp16.onnx"] {
        let bytes = read(folder().join(file)).unwrap();
        let model = file.split('-').take(2).collect::<Vec<_>>().join("-");
        for cut in (1..bytes.len()).step_by(397).chain(bytes.len() - 40..bytes.len()) {
            let mut loader = ModelLoader::new(CpuBackend::new(), config(&model, Task::Classify), Dtype::Auto, None);
            let result =
                loader.push(&bytes[..cut]).and_then(|()| loader.end_file()).and_then(|_| loader.finish().map(|_| ()));
            // A file without its last fields, the operators' versions, is complete: these are not read.
            let kind = result.map_err(|e| e.kind());
            assert!(matches!(kind, Err(ErrorKind::WeightsLength) | Ok(())), "{file} after {cut} bytes: {kind:?}");
            assert!(kind.is_err() || cut + 200 > bytes.len(), "{file} loads after {cut} of {} bytes", bytes.len());
            let mut announced =
                ModelLoader::new(CpuBackend::new(), config(&model, Task::Classify), Dtype::Auto, Some(bytes.len()));
            let result = announced.push(&bytes[..cut]).and_then(|()| announced.finish().map(|_| ()));
            assert_eq!(result.unwrap_err().kind(), ErrorKind::WeightsLength, "{file} after {cut} bytes");
        }
    }
}

/// Name, shape and bytes.
type Converted = (String, Vec<usize>, Vec<u8>);

/// The tensors that a file converts to, by name.
fn converted(path: &Path, format: Format) -> Result<Vec<Converted>, Error> {
    let (mut converter, mut out) = (Converter::new(format), Vec::new());
    let mut push = |converter: &mut Converter, path: &Path| {
        read(path).unwrap().chunks(1009).try_for_each(|chunk| converter.push(chunk).map(|bytes| out.extend(bytes)))
    };
    push(&mut converter, path)?;
    while let Some(name) = converter.end_file()? {
        push(&mut converter, &path.with_file_name(name))?;
    }
    out.extend(converter.finish()?);
    let mut tensors = edit::read(&out);
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(tensors.into_iter().map(|t| (t.name, t.shape, t.bytes)).collect())
}

#[test]
fn an_export_converts_as_its_checkpoint() {
    for (model, variant) in [
        ("mini-bert", "optimum"),
        ("mini-bert", "external"),
        ("mini-bert", "numbered"),
        ("mini-distilbert", "optimum"),
        ("mini-mpnet", "dynamo"),
        ("mini-electra", "traced-slim"),
        ("mini-roberta", "fused-attention"),
    ] {
        let checkpoint = PathBuf::from(format!("test_data/models/{model}/model.safetensors"));
        let export = folder().join(format!("{model}-{variant}.onnx"));
        for format in [Format::Int8, Format::Fp16] {
            let wanted = converted(&checkpoint, format).unwrap();
            let made = converted(&export, format).unwrap();
            for (made, wanted) in made.iter().zip(&wanted) {
                assert!(
                    made == wanted,
                    "{model}-{variant}, {format:?}: {} {:?} for {} {:?}",
                    made.0,
                    made.1,
                    wanted.0,
                    wanted.1
                );
            }
            assert_eq!(made.len(), wanted.len(), "{model}-{variant}, {format:?}");
        }
    }
    // Whole numbers are decoded and rounded again.
    let of = |file: &str| converted(&folder().join(file), Format::Int8).unwrap();
    let names = |file: &str| of(file).into_iter().map(|(name, shape, _)| (name, shape)).collect::<Vec<_>>();
    assert_eq!(names("mini-bert-q8.onnx"), names("mini-bert-optimum.onnx"));
}

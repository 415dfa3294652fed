//! Embedding tables in int4: reading them, rounding them while streaming or converting, and files that lie.

use crate::common::edit::{self, Tensor};
use crate::common::encoders::ENCODERS;
use crate::common::{F32, Random, Tiny, largest_difference, load, logits};
use crate::quantize::{random_model, texts, with_int4_tables};
use half::f16;
use safetensors::Dtype as File;
use serde_json::{Value, json};
use tabsense::backend::cpu::CpuBackend;
use tabsense::config::{Config, Pooling, Task};
use tabsense::model::Model;
use tabsense::model::architecture::Network;
use tabsense::model::load::Dtype;
use tabsense::model::plan::{Place, Slot};
use tabsense::weights::int4;
use tabsense::weights::safetensors::write_header;
use tabsense::{Error, ErrorKind};
use wasm_bindgen_test::wasm_bindgen_test;

const TEXT: &[u32] = &[2, 7, 44, 32, 39, 3];
const WORDS: &str = "distilbert.embeddings.word_embeddings.weight";

/// Writes the tensors in this order, which `edit::write` doesn't keep.
fn written(tensors: &[Tensor]) -> Vec<u8> {
    let entries = tensors.iter().map(|t| (t.name.clone(), t.dtype, t.shape.clone(), t.bytes.len()));
    let mut file = write_header(entries, &[]);
    tensors.iter().for_each(|t| file.extend(&t.bytes));
    file
}

fn is_table(slot: &Slot) -> bool {
    matches!(slot.place, Place::Table(_))
}

/// A table with random q and scales: as scales and packed rows, and the same in F32.
fn stored(name: &str, &[rows, columns]: &[usize; 2], random: &mut Random) -> ([Tensor; 2], Tensor) {
    let groups = columns / int4::GROUP;
    let scales: Vec<f16> = random.values(rows * groups).iter().map(|x| f16::from_f32(0.3 * x)).collect();
    let bytes: Vec<u8> = (0..rows * columns / 2).map(|_| random.bits() as u8).collect();
    let in_f32: Vec<f32> = scales.iter().map(|scale| scale.to_f32()).collect();
    let rows_of = bytes.chunks(columns / 2).zip(in_f32.chunks(groups));
    let numbers: Vec<f32> = rows_of.flat_map(|(row, scales)| int4::dequantized(row, scales)).collect();
    let scales = scales.iter().flat_map(|scale| scale.to_le_bytes()).collect();
    let of = |name: String, dtype, columns, bytes| Tensor { name, dtype, shape: vec![rows, columns], bytes };
    let pair = [of(format!("{name}_scale"), File::F16, groups, scales), of(name.into(), File::U8, columns / 2, bytes)];
    (pair, Tensor::f32(name, &[rows, columns], &numbers))
}

/// A random model with tables in int4, and the same with tables in F32.
fn models(config: &Value) -> (Config, Vec<Tensor>, Vec<Tensor>) {
    let config = Config::from_json(config.to_string().as_bytes()).unwrap();
    let mut random = Random(5);
    let (mut narrow, mut wide) = (Vec::new(), Vec::new());
    for slot in Network::new(&config).1.slots() {
        if let (true, Ok(shape)) = (is_table(slot), slot.shape.as_slice().try_into()) {
            let (pair, plain) = stored(&slot.name, shape, &mut random);
            narrow.extend(pair);
            wide.push(plain);
            continue;
        }
        let tensor = Tensor::f32(&slot.name, &slot.shape, &random.values(slot.shape.iter().product()));
        narrow.push(tensor.clone());
        wide.push(tensor);
    }
    (config, narrow, wide)
}

fn changed(tiny: &Tiny, sizes: &[(&str, usize)]) -> Value {
    let mut config: Value = serde_json::from_slice(tiny.config).unwrap();
    sizes.iter().for_each(|(key, size)| config[key] = json!(size));
    config
}

/// The tiny DistilBERT with a width that int4 supports.
fn distilbert() -> Value {
    changed(&F32, &[("dim", 64), ("hidden_dim", 64), ("n_heads", 4), ("n_layers", 1)])
}

#[wasm_bindgen_test(unsupported = test)]
fn every_table_of_every_architecture_is_read_as_int4() {
    let others = ENCODERS.iter().map(|tiny| {
        let (heads, width) = (("num_attention_heads", 2), ("hidden_size", 64));
        changed(tiny, &[heads, width, ("intermediate_size", 32), ("embedding_size", 32)])
    });
    for config in std::iter::once(distilbert()).chain(others) {
        let (parsed, narrow, wide) = models(&config);
        let tables = narrow.iter().filter(|t| t.dtype == File::U8).count();
        assert!(tables >= 2, "words and positions at least");
        for dtype in [Dtype::Auto, Dtype::Fp32, Dtype::Fp16] {
            let answers = |file: &[u8], size| {
                let (model, backend) = load(parsed.clone(), dtype, file.chunks(size)).unwrap();
                logits(&model, &backend, &[TEXT, &TEXT[..2]])
            };
            let wanted = answers(&written(&wide), usize::MAX);
            let name = parsed.architecture.name();
            assert_eq!(answers(&written(&narrow), usize::MAX), wanted, "{name}, {dtype:?}");
            assert_eq!(answers(&written(&narrow), 1009), wanted, "{name}, {dtype:?}, in chunks");
        }
    }
}

/// The rows of each of a model's tables, by name.
fn rows(model: &Model<CpuBackend>) -> Vec<(String, Vec<Vec<f32>>)> {
    let tables = model.plan().slots().iter().filter_map(|slot| match slot.place {
        Place::Table(table) => Some((slot, model.weights().table(table))),
        _ => None,
    });
    let all = tables.map(|(slot, table)| {
        let read = |row| {
            let mut out = vec![0.0; table.width()];
            table.read(row, &mut out);
            out
        };
        (slot.name.clone(), (0..slot.shape[0]).map(read).collect())
    });
    all.collect()
}

#[wasm_bindgen_test(unsupported = test)]
fn the_converter_s_tables_are_those_of_streaming() {
    let (config, weights) = random_model();
    let file = with_int4_tables(&config, &weights, &texts(20), usize::MAX).unwrap();
    assert_eq!(file, with_int4_tables(&config, &weights, &texts(20), 1009).unwrap(), "any cut gives the same file");
    let tensors = edit::read(&file);
    let type_of = |name: &str| tensors.iter().find(|t| t.name == name).map(|t| t.dtype);
    assert_eq!(type_of(WORDS), Some(File::U8));
    assert_eq!(type_of(&format!("{WORDS}_scale")), Some(File::F16));
    assert_eq!(type_of("distilbert.embeddings.position_embeddings.weight"), Some(File::I8));
    let of = |file: &[u8], dtype| rows(&load(Config::from_json(&config).unwrap(), dtype, [file]).unwrap().0);
    let converted = of(&file, Dtype::Auto);
    assert_eq!(converted, of(&weights, Dtype::Int4));
    for dtype in [Dtype::Fp32, Dtype::Int8, Dtype::Int4] {
        assert_eq!(of(&file, dtype), converted, "a table stays as the file stores it: {dtype:?}");
    }
    // Half of one of 8 steps is a sixteenth of the largest; the other sign has 7, so a weight may be off by
    // an eighth.
    for ((name, mine), (_, original)) in converted.iter().zip(of(&weights, Dtype::Fp32)) {
        let (mine, original) = (mine.concat(), original.concat());
        for (mine, original) in mine.chunks(int4::GROUP).zip(original.chunks(int4::GROUP)) {
            let largest = original.iter().fold(0.0f32, |m, x| m.max(x.abs()));
            assert!(largest_difference(mine, original) <= 0.126 * largest, "{name}");
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn widths_without_groups_stay_int8() {
    // 36 columns.
    let (streamed, _) = F32.load(Dtype::Int4);
    let (int8, _) = F32.load(Dtype::Int8);
    assert_eq!(rows(&streamed), rows(&int8));
}

#[wasm_bindgen_test(unsupported = test)]
fn words_beyond_int4_s_range_are_refused() {
    let (config, _, mut wide) = models(&distilbert());
    edit::find(&mut wide, WORDS).bytes[..4].copy_from_slice(&1e6f32.to_le_bytes());
    let error = load(config.clone(), Dtype::Int4, [written(&wide).as_slice()]).err().expect("refused");
    assert_eq!(error.kind(), ErrorKind::NotFinite);
    assert!(error.message().contains(WORDS) && error.message().contains("int8"), "{error}");
    assert!(load(config, Dtype::Int8, [written(&wide).as_slice()]).is_ok());
}

/// Makes a file lie.
type Spoil<'a> = &'a dyn Fn(&mut Vec<Tensor>);

#[wasm_bindgen_test(unsupported = test)]
fn rejects_inconsistent_tables() {
    let (config, narrow, _) = models(&distilbert());
    let refused = |spoil: Spoil| -> Error {
        let mut tensors = narrow.clone();
        spoil(&mut tensors);
        load(config.clone(), Dtype::Auto, [written(&tensors).as_slice()]).err().expect("refused")
    };
    let scale = format!("{WORDS}_scale");
    let at = |tensors: &[Tensor], name: &str| tensors.iter().position(|t| t.name == name).unwrap();
    let mismatches: [(&str, Spoil); 6] = [
        ("scales don't precede it", &|t| t.retain(|t| t.name != scale)),
        ("scales don't precede it", &|t| {
            let (first, second) = (at(t, &scale), at(t, WORDS));
            t.swap(first, second);
        }),
        ("has the shape", &|t| {
            let of_words = edit::find(t, &scale);
            of_words.shape[1] -= 1;
            of_words.bytes.truncate(2 * of_words.shape[0] * of_words.shape[1]);
        }),
        ("has the shape", &|t| {
            let words = edit::find(t, WORDS);
            words.shape[1] -= 1;
            words.bytes.truncate(words.shape[0] * words.shape[1]);
        }),
        ("is stored as F32, but the scales of an int4 table must be F16", &|t| {
            let of_words = edit::find(t, &scale);
            of_words.dtype = File::F32;
            of_words.bytes = vec![0; 2 * of_words.bytes.len()];
        }),
        ("belongs to a matrix of integers", &|t| {
            t.push(Tensor { name: format!("{WORDS}_zero_point"), dtype: File::U8, shape: vec![1], bytes: vec![8] });
        }),
    ];
    for (message, spoil) in mismatches {
        let error = refused(spoil);
        assert_eq!(error.kind(), ErrorKind::WeightsMismatch, "{error}");
        assert!(error.message().contains(message) && error.message().contains(WORDS), "{error}");
    }
    for bad in [f16::NAN, f16::INFINITY] {
        let error = refused(&|t| edit::find(t, &scale).bytes[2..4].copy_from_slice(&bad.to_le_bytes()));
        assert_eq!(error.kind(), ErrorKind::WeightsNotFinite, "{error}");
        assert!(error.message().contains(&scale), "{error}");
    }
    let mut cut = written(&narrow);
    cut.truncate(cut.len() - 1);
    assert_eq!(load(config.clone(), Dtype::Auto, [cut.as_slice()]).err().unwrap().kind(), ErrorKind::WeightsLength);
}

/// 36 columns are not whole groups of 32.
#[wasm_bindgen_test(unsupported = test)]
fn int4_tables_need_groups() {
    let mut tensors = edit::read(F32.weights);
    let words = edit::find(&mut tensors, WORDS);
    words.dtype = File::U8;
    words.shape[1] /= 2;
    words.bytes.truncate(words.shape[0] * words.shape[1]);
    let error = load(F32.config(), Dtype::Auto, [edit::write(&tensors).as_slice()]).err().expect("refused");
    assert_eq!(error.kind(), ErrorKind::WeightsMismatch);
    assert!(error.message().contains("not groups of 32"), "{error}");
}

#[wasm_bindgen_test(unsupported = test)]
fn a_static_embedding_s_table_is_read_as_int4() {
    let (pair, plain) = stored("embedding.weight", &[9, 64], &mut Random(1));
    for name in ["embedding.weight", "embeddings"] {
        let loaded = |tensors: &[Tensor]| {
            let config = Config::for_task(br#"{"model_type": "model2vec"}"#, Task::Embed(Pooling::Mean)).unwrap();
            let renamed = |t: &Tensor| Tensor { name: t.name.replace("embedding.weight", name), ..t.clone() };
            let tensors: Vec<Tensor> = tensors.iter().map(renamed).collect();
            load(config, Dtype::Auto, [written(&tensors).as_slice()])
        };
        let (model, _) = loaded(&pair).unwrap();
        assert_eq!(model.config().width, 64);
        assert_eq!(rows(&model), rows(&loaded(std::slice::from_ref(&plain)).unwrap().0));
        let error = loaded(&pair[1..]).err().expect("refused");
        assert_eq!(error.kind(), ErrorKind::WeightsMismatch);
        assert!(error.message().contains("scales don't precede it") && error.message().contains(name), "{error}");
    }
}

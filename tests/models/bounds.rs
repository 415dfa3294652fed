//! The limits of docs/security.md for configurations and weights: a file at a limit is read, and one just
//! beyond it is refused.

use crate::common::protobuf::{Field, fields, written};
use crate::common::torch::{Pickle, archive};
use crate::torch::rewritten;
use tabsense::ErrorKind::{self, WeightsHeader};
use tabsense::Result;
use tabsense::backend::cpu::CpuBackend;
use tabsense::config::{Config, limits};
use tabsense::model::load::{Dtype, ModelLoader};
use tabsense::weights::header::{Header, MAX_HEADER_BYTES, MAX_RANK, MAX_TENSORS};
use tabsense::weights::stream::{Reader, RowSink};
use wasm_bindgen_test::wasm_bindgen_test;

/// A sink that takes no rows.
struct Passed;

impl RowSink for Passed {
    fn header(&mut self, _: &Header) -> Result<()> {
        Ok(())
    }
    fn takes(&self, _: usize) -> bool {
        false
    }
    fn row(&mut self, _: usize, _: usize, _: &[u8]) -> Result<()> {
        Ok(())
    }
}

/// The error, if any, of reading a safetensors file with this header and no data.
fn header(json: &str) -> Option<ErrorKind> {
    let mut reader = Reader::new(None);
    let length = (json.len() as u64).to_le_bytes();
    let read = reader.push(&length, &mut Passed).and_then(|()| reader.push(json.as_bytes(), &mut Passed));
    read.and_then(|()| reader.finish()).err().map(|error| error.kind())
}

#[wasm_bindgen_test(unsupported = test)]
fn the_longest_header_and_one_longer() {
    let of = |bytes: usize| format!("{{}}{}", " ".repeat(bytes - 2));
    assert_eq!(header(&of(MAX_HEADER_BYTES)), None);
    assert_eq!(header(&of(MAX_HEADER_BYTES + 1)), Some(WeightsHeader));
}

#[wasm_bindgen_test(unsupported = test)]
fn the_most_tensors_and_one_more() {
    for metadata in ["", r#""__metadata__":{},"#] {
        let of = |count: usize| {
            let one = |i| format!(r#""t{i}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#);
            format!("{{{metadata}{}}}", (0..count).map(one).collect::<Vec<_>>().join(","))
        };
        assert_eq!(header(&of(MAX_TENSORS)), None, "{metadata}");
        assert_eq!(header(&of(MAX_TENSORS + 1)), Some(WeightsHeader), "{metadata}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn the_most_dimensions_and_one_more() {
    let of = |rank: usize| format!(r#"{{"a":{{"dtype":"F32","shape":{:?},"data_offsets":[0,0]}}}}"#, vec![0; rank]);
    assert_eq!(header(&of(MAX_RANK)), None);
    assert_eq!(header(&of(MAX_RANK + 1)), Some(WeightsHeader));
}

#[wasm_bindgen_test(unsupported = test)]
fn the_largest_sizes_of_a_configuration_and_one_more() {
    let read = |json: String| Config::from_json(json.as_bytes()).map_err(|error| error.kind());
    for (field, most) in [
        ("hidden_size", limits::WIDTH),
        ("intermediate_size", limits::HIDDEN),
        ("num_hidden_layers", limits::LAYERS),
        ("vocab_size", limits::VOCABULARY),
        ("max_position_embeddings", limits::POSITIONS),
        ("type_vocab_size", limits::TYPES),
        ("num_labels", limits::LABELS),
    ] {
        let of = |size: usize| format!(r#"{{"model_type": "bert", "num_attention_heads": 1, "{field}": {size}}}"#);
        assert!(read(of(most)).is_ok(), "{field} {most}");
        assert_eq!(read(of(most + 1)), Err(ErrorKind::ConfigInvalid), "{field} beyond {most}");
    }
    let labels = |count: usize| {
        let all: Vec<_> = (0..count).map(|id| format!(r#""{id}": "{id}""#)).collect();
        read(format!(r#"{{"model_type": "bert", "id2label": {{{}}}}}"#, all.join(",")))
    };
    assert_eq!(labels(limits::LABELS).unwrap().labels.len(), limits::LABELS);
    assert_eq!(labels(limits::LABELS + 1), Err(ErrorKind::ConfigInvalid));
}

/// Rewrites a torch.save checkpoint with this pickle and a storage of two floats.
fn checkpoint(pickle: Pickle) -> Result<Vec<u8>> {
    rewritten(archive(&pickle.end(), &[("0", EIGHT)]).chunks(1 << 16))
}

/// The bytes of a storage.
const EIGHT: &[u8] = &[0; 8];
const STORAGE: (&str, &str, i64) = ("0", "FloatStorage", 2);

#[wasm_bindgen_test(unsupported = test)]
fn the_longest_pickle_and_one_longer() {
    // `src/weights/torch/mod.rs`
    const MOST: usize = 1 << 20;
    let of = |bytes: usize| {
        let ends = |name: &str| Pickle(Vec::new()).text(name).view(STORAGE, 0, &[2], &[1]).op(b"s");
        // Memo entries take two bytes each, so with one of the names the size is exact.
        let start = Pickle::default().op(b"}");
        let room = |name: &str| bytes - start.0.len() - ends(name).0.len() - 1;
        let name = if room("a").is_multiple_of(2) { "a" } else { "ab" };
        let pickle = start.clone().op(&b"q\0".repeat(room(name) / 2)).op(&ends(name).0);
        assert_eq!(pickle.0.len() + 1, bytes);
        checkpoint(pickle)
    };
    assert!(of(MOST).is_ok());
    assert_eq!(of(MOST + 1).unwrap_err().kind(), WeightsHeader);
}

#[wasm_bindgen_test(unsupported = test)]
fn the_most_storages_and_one_more() {
    // `src/weights/torch/mod.rs`
    const MOST: usize = 4096;
    let of = |count: usize| {
        let keys: Vec<String> = (0..count).map(|key| key.to_string()).collect();
        // Only the first has a tensor: fewer tensors are allowed than storages.
        let start = Pickle::default().op(b"}(").text("a").view(STORAGE, 0, &[2], &[1]);
        let pickle = keys[1..].iter().fold(start, |pickle, key| pickle.text(key).storage(key, "FloatStorage", 2));
        let storages: Vec<(&str, &[u8])> = keys.iter().map(|key| (key.as_str(), EIGHT)).collect();
        rewritten(archive(&pickle.op(b"u").end(), &storages).chunks(1 << 16))
    };
    assert!(of(MOST).is_ok(), "{:?}", of(MOST));
    assert_eq!(of(MOST + 1).unwrap_err().kind(), WeightsHeader);
}

#[wasm_bindgen_test(unsupported = test)]
fn the_most_tensors_of_a_storage_and_one_more() {
    let of = |count: usize| {
        let start = Pickle::default().op(b"}(");
        let view = |pickle: Pickle, i| pickle.text(&format!("t{i}")).view(STORAGE, 0, &[2], &[1]);
        checkpoint((0..count).fold(start, view).op(b"u"))
    };
    // `src/weights/torch/state_dict.rs`
    assert!(of(32).is_ok());
    assert_eq!(of(33).unwrap_err().kind(), WeightsHeader);
}

const ONNX: &[u8] = include_bytes!("../../test_data/onnx/mini-bert-optimum.onnx");
const ONNX_CONFIG: &[u8] = include_bytes!("../../test_data/models/mini-bert/config.json");

/// Fields of ModelProto, GraphProto and NodeProto.
const GRAPH: u64 = 7;
const NODE: u64 = 1;
const INITIALIZER: u64 = 5;
const OPERATOR: u64 = 4;

/// Loads the ONNX file with nodes or initializers appended until there are `count` operations or tensors. A
/// constant is a tensor, not an operation.
fn onnx(field: u64, count: usize, one: impl Fn(usize) -> Vec<u8>) -> Result<()> {
    let mut model = fields(ONNX).unwrap();
    let graph = model.iter_mut().find(|field| field.field() == GRAPH).unwrap();
    let mut inner = fields(&graph.bytes).unwrap();
    let is_constant = |node: &Field| {
        let named = |f: &Field| f.field() == OPERATOR && f.bytes == b"Constant";
        node.field() == NODE && fields(&node.bytes).unwrap().iter().any(named)
    };
    let of_kind = |one: &&Field| match field {
        NODE => one.field() == NODE && !is_constant(one),
        _ => one.field() == field || is_constant(one),
    };
    let there = inner.iter().filter(of_kind).count();
    let end = inner.iter().rposition(|one| one.field() == field).unwrap() + 1;
    inner.splice(end..end, (there..count).map(|i| Field::bytes(field, one(i))));
    graph.bytes = written(&inner);
    let file = written(&model);
    let config = Config::from_json(ONNX_CONFIG).unwrap();
    let mut loader = ModelLoader::new(CpuBackend::new(), config, Dtype::Auto, Some(file.len()));
    file.chunks(1 << 16).try_for_each(|chunk| loader.push(chunk))?;
    loader.finish().map(|_| ())
}

#[wasm_bindgen_test(unsupported = test)]
fn the_most_operations_and_tensors_of_an_onnx_file_and_one_more() {
    // `src/weights/onnx/reader.rs`
    const MOST: usize = 100_000;
    let [output, data_type, name, raw] = [2, 2, 8, 9];
    let nodes = |i: usize| written(&[Field::bytes(output, format!("n{i}")), Field::bytes(OPERATOR, "Identity")]);
    // A number, as f32.
    let number = |i| [Field::number(data_type, 1), Field::bytes(name, format!("t{i}")), Field::bytes(raw, [0; 4])];
    let tensors = |i: usize| written(&number(i));
    for (field, one) in [(NODE, &nodes as &dyn Fn(usize) -> Vec<u8>), (INITIALIZER, &tensors)] {
        let at = onnx(field, MOST, one);
        assert!(at.is_ok(), "field {field}: {at:?}");
        assert_eq!(onnx(field, MOST + 1, one).unwrap_err().kind(), WeightsHeader, "field {field}");
    }
}

//! ONNX files that lie, are cut short or contain something else: each is an error of the right kind, and
//! nothing is used.

use crate::common::protobuf::{Field, fields, varint, written};
use tabsense::backend::cpu::CpuBackend;
use tabsense::config::Config;
use tabsense::convert::{Converter, Format};
use tabsense::model::load::{Dtype, ModelLoader};
use tabsense::{Error, ErrorKind};
use wasm_bindgen_test::wasm_bindgen_test;

const CONFIG: &str = include_str!("../../test_data/models/mini-bert/config.json");
const FILE: &[u8] = include_bytes!("../../test_data/onnx/mini-bert-optimum.onnx");
const EXTERNAL: &[u8] = include_bytes!("../../test_data/onnx/mini-bert-external.onnx");
const BESIDE: &[u8] = include_bytes!("../../test_data/onnx/mini-bert-external.onnx_data");

/// Fields of ModelProto, GraphProto, NodeProto and TensorProto.
const GRAPH: u64 = 7;
const NODE: u64 = 1;
const INITIALIZER: u64 = 5;
const SPARSE: u64 = 15;
const OPERATOR: u64 = 4;
const ATTRIBUTE: u64 = 5;
const DIMS: u64 = 1;
const FLOATS: u64 = 4;
const NAME: u64 = 8;
const RAW: u64 = 9;
const PLACE: u64 = 13;

fn config(from: &str, to: &str) -> Config {
    assert!(CONFIG.contains(from), "{from}");
    Config::from_json(CONFIG.replace(from, to).as_bytes()).unwrap()
}

fn load(file: &[u8]) -> Result<(), Error> {
    load_as(file, config("", ""))
}

fn load_as(file: &[u8], config: Config) -> Result<(), Error> {
    let mut loader = ModelLoader::new(CpuBackend::new(), config, Dtype::Auto, Some(file.len()));
    file.chunks(4096).try_for_each(|chunk| loader.push(chunk))?;
    while loader.end_file()?.is_some() {
        loader.push(BESIDE)?;
    }
    loader.finish().map(|_| ())
}

/// The file with the fields of its graph changed.
fn graph(file: &[u8], edit: impl FnOnce(&mut Vec<Field>)) -> Vec<u8> {
    let mut model = fields(file).unwrap();
    let graph = model.iter_mut().find(|field| field.field() == GRAPH).unwrap();
    let mut inner = fields(&graph.bytes).unwrap();
    edit(&mut inner);
    graph.bytes = written(&inner);
    written(&model)
}

/// The file with the fields of the initializer `name` changed.
fn tensor(file: &[u8], name: &str, edit: impl FnOnce(&mut Vec<Field>)) -> Vec<u8> {
    graph(file, |graph| {
        let is_it = |field: &&mut Field| {
            let named = |f: &Field| f.field() == NAME && f.bytes == name.as_bytes();
            field.field() == INITIALIZER && fields(&field.bytes).unwrap().iter().any(named)
        };
        let field = graph.iter_mut().find(is_it).unwrap_or_else(|| panic!("no {name}"));
        let mut inner = fields(&field.bytes).unwrap();
        edit(&mut inner);
        field.bytes = written(&inner);
    })
}

#[track_caller]
fn refused(file: &[u8], kind: ErrorKind, word: &str) {
    let error = load(file).expect_err("a lie");
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.message().contains(word), "{error}");
}

const NORM: &str = "bert.embeddings.LayerNorm.weight";
const WORDS: &str = "bert.embeddings.word_embeddings.weight";

#[wasm_bindgen_test(unsupported = test)]
fn a_graph_without_weights_is_not_converted_to_an_empty_file() {
    let file = graph(FILE, Vec::clear);
    for format in [Format::Int8, Format::Fp16] {
        let mut converter = Converter::new(format);
        let error = converter.push(&file).and_then(|_| converter.finish()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WeightsMismatch, "{error}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn the_files_themselves_load() {
    load(FILE).unwrap();
    load(EXTERNAL).unwrap();
    load(&graph(FILE, |_| {})).unwrap();
}

#[wasm_bindgen_test(unsupported = test)]
fn lengths_beyond_the_file() {
    for length in [1u64 << 20, 1 << 31, 1 << 40, u64::MAX] {
        let mut file = vec![8, 8, (GRAPH << 3 | 2) as u8];
        varint(length, &mut file);
        file.extend([0x0a, 0x00]);
        refused(&file, ErrorKind::WeightsHeader, "longer than its parent");
        // If no length was announced, the error comes at the end of the file at the latest.
        let mut loader = ModelLoader::new(CpuBackend::new(), config("", ""), Dtype::Auto, None);
        let error = loader.push(&file).and_then(|()| loader.finish().map(|_| ())).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::WeightsLength | ErrorKind::WeightsHeader), "{error}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_field_of_two_gigabytes_takes_the_memory_of_what_came() {
    // Within its graph, in a file that announces this much.
    let mut file = vec![8, 8, (GRAPH << 3 | 2) as u8];
    varint((1 << 31) + 6, &mut file);
    file.push((NODE << 3 | 2) as u8);
    varint(1 << 31, &mut file);
    let mut loader = ModelLoader::new(CpuBackend::new(), config("", ""), Dtype::Auto, Some((1 << 31) + 15));
    loader.push(&file).unwrap();
    loader.push(&[0; 1 << 16]).unwrap();
    assert_eq!(loader.finish().err().unwrap().kind(), ErrorKind::WeightsLength);
}

#[wasm_bindgen_test(unsupported = test)]
fn messages_within_messages() {
    // A node's attribute with a graph in a graph, which is never entered.
    let mut deep = Vec::new();
    for _ in 0..2_000 {
        deep = written(&[Field::bytes(6, written(&[Field::bytes(ATTRIBUTE, deep)]))]);
    }
    let node = written(&[Field::bytes(OPERATOR, "If"), Field::bytes(ATTRIBUTE, deep)]);
    refused(&graph(FILE, |graph| graph.insert(0, Field::bytes(NODE, node))), ErrorKind::WeightsMismatch, "the If that");
}

#[wasm_bindgen_test(unsupported = test)]
fn nodes_without_outputs() {
    for operator in ["Gather", "MatMul", "MatMulInteger", "Gemm", "Softmax"] {
        let inputs = ["x", WORDS, "a", "b"].map(|name| Field::bytes(1, name));
        let node = written(&[&inputs[..], &[Field::bytes(OPERATOR, operator)]].concat());
        let file = graph(FILE, |graph| graph.insert(0, Field::bytes(NODE, node)));
        assert!(load(&file).is_ok() || load(&file).unwrap_err().kind() == ErrorKind::WeightsMismatch, "{operator}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn names_operations_without_control_characters() {
    for name in ["\x1b[2J\n", &"x".repeat(100_000), "\u{9b}31m"] {
        let node = written(&[Field::bytes(2, "y"), Field::bytes(OPERATOR, name)]);
        let error = load(&graph(FILE, |graph| graph.insert(0, Field::bytes(NODE, node)))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WeightsMismatch);
        assert!(error.message().len() < 500 && !error.message().contains(char::is_control), "{error}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn paths_without_end_are_not_followed() {
    // Layers of nodes, each of which reads every node of the layer before.
    let name = |layer: usize, i: usize| format!("{layer}.{i}");
    let nodes = (0..6).flat_map(|layer| (0..200).map(move |i| (layer, i)));
    let nodes = nodes.map(|(layer, i)| {
        let inputs = (0..200).map(|j| Field::bytes(1, if layer == 0 { WORDS.into() } else { name(layer - 1, j) }));
        let rest = [Field::bytes(2, name(layer, i)), Field::bytes(OPERATOR, if layer == 0 { "MatMul" } else { "Mul" })];
        Field::bytes(NODE, written(&inputs.chain(rest).collect::<Vec<_>>()))
    });
    let nodes: Vec<_> = nodes.collect();
    refused(&graph(FILE, |graph| _ = graph.splice(0..0, nodes)), ErrorKind::WeightsMismatch, "MatMul");
}

#[wasm_bindgen_test(unsupported = test)]
fn scales_that_are_dequantized_by_themselves_are_not_followed() {
    let node = |operator: &str, inputs: [&str; 2], output: &str| {
        let inputs = inputs.map(|input| Field::bytes(1, input));
        let rest = [Field::bytes(2, output), Field::bytes(OPERATOR, operator)];
        Field::bytes(NODE, written(&inputs.into_iter().chain(rest).collect::<Vec<_>>()))
    };
    let nodes = [
        node("DequantizeLinear", [WORDS, "scale"], "scale"),
        node("DequantizeLinear", [WORDS, "scale"], "words"),
        node("MatMul", ["states", "words"], "product"),
    ];
    // A product with a value that is no tensor of the file is none of the weights.
    load(&graph(FILE, |graph| _ = graph.splice(0..0, nodes))).unwrap();
}

#[wasm_bindgen_test(unsupported = test)]
fn tensors_that_come_twice() {
    let twice = graph(FILE, |graph| {
        let last = graph.iter().rposition(|field| field.field() == INITIALIZER).unwrap();
        let copy = graph[last].clone();
        graph.insert(last, copy);
    });
    refused(&twice, ErrorKind::WeightsHeader, "twice");
}

#[wasm_bindgen_test(unsupported = test)]
fn tensors_whose_sizes_contradict_their_data() {
    let sized = |sizes: &[u64]| {
        tensor(FILE, NORM, |tensor| {
            tensor.retain(|field| field.field() != DIMS);
            tensor.splice(0..0, sizes.iter().map(|n| Field::number(DIMS, *n)));
        })
    };
    refused(&sized(&[-16i64 as u64]), ErrorKind::WeightsHeader, "a size of -16");
    refused(&sized(&[1 << 31, 1 << 31, 8]), ErrorKind::WeightsHeader, "than can be counted");
    refused(&sized(&[17]), ErrorKind::WeightsHeader, "match its shape");
    refused(&sized(&[1; 20]), ErrorKind::WeightsHeader, "too many dimensions");
    let short = tensor(FILE, NORM, |tensor| {
        tensor.retain(|field| field.field() != DIMS);
        tensor.insert(0, Field::number(DIMS, 15));
        tensor.iter_mut().find(|field| field.field() == RAW).unwrap().bytes.truncate(60);
    });
    refused(&short, ErrorKind::WeightsMismatch, "shape [15]");
}

#[wasm_bindgen_test(unsupported = test)]
fn tensors_with_data_in_two_fields() {
    for behind in [false, true] {
        let both = tensor(FILE, NORM, |tensor| {
            let floats = Field::bytes(FLOATS, [0; 64]);
            if behind { tensor.push(floats) } else { tensor.insert(0, floats) }
        });
        let error = load(&both).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WeightsHeader, "{error}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn tensors_that_are_missing() {
    let without = graph(FILE, |graph| {
        graph.retain(|field| {
            let named = |f: &Field| f.field() == NAME && f.bytes == WORDS.as_bytes();
            field.field() != INITIALIZER || !fields(&field.bytes).unwrap().iter().any(named)
        });
    });
    refused(&without, ErrorKind::WeightsHeader, WORDS);
    // Only as an input of the graph, for which no caller has a value.
    let input = written(&[Field::bytes(1, WORDS)]);
    let mut model = fields(&without).unwrap();
    let graph_field = model.iter_mut().find(|field| field.field() == GRAPH).unwrap();
    let mut inner = fields(&graph_field.bytes).unwrap();
    inner.push(Field::bytes(11, input));
    graph_field.bytes = written(&inner);
    refused(&written(&model), ErrorKind::WeightsHeader, WORDS);
}

#[wasm_bindgen_test(unsupported = test)]
fn nodes_behind_tensors_and_sparse_tensors() {
    let moved = graph(FILE, |graph| {
        let node = graph.remove(0);
        graph.push(node);
    });
    refused(&moved, ErrorKind::WeightsHeader, "before and after");
    let sparse = graph(FILE, |graph| graph.push(Field::bytes(SPARSE, [])));
    refused(&sparse, ErrorKind::WeightsHeader, "sparse");
}

#[wasm_bindgen_test(unsupported = test)]
fn external_weights_at_invalid_locations() {
    let at = |key: &str, value: &str| {
        tensor(EXTERNAL, WORDS, |tensor| {
            let entry = written(&[Field::bytes(1, key), Field::bytes(2, value)]);
            let is_key =
                |field: &Field| field.field() == PLACE && fields(&field.bytes).unwrap()[0].bytes == key.as_bytes();
            tensor.retain(|field| !is_key(field));
            tensor.push(Field::bytes(PLACE, entry));
        })
    };
    for location in ["../mini.onnx_data", "/etc/passwd", "https://example.com/a", "a\\b", ".."] {
        refused(&at("location", location), ErrorKind::WeightsHeader, "not a file next to it");
    }
    refused(&at("offset", "1"), ErrorKind::WeightsHeader, "overlap");
    refused(&at("offset", "99999999"), ErrorKind::WeightsLength, "external.onnx_data");
    refused(&at("length", "5"), ErrorKind::WeightsHeader, "match its shape");
}

#[wasm_bindgen_test(unsupported = test)]
fn graphs_of_other_models() {
    let of = |from, to| load_as(FILE, config(from, to)).unwrap_err();
    for (from, to, word) in [
        ("\"layer_norm_eps\": 1e-12", "\"layer_norm_eps\": 1e-5", "epsilon"),
        ("\"hidden_act\": \"gelu\"", "\"hidden_act\": \"relu\"", "activations"),
        ("\"num_hidden_layers\": 1", "\"num_hidden_layers\": 2", "encoder.layer.1."),
        ("\"vocab_size\": ", "\"vocab_size\": 1", "word_embeddings"),
        ("\"model_type\": \"bert\"", "\"model_type\": \"distilbert\"", ""),
    ] {
        let error = of(from, to);
        assert_eq!(error.kind(), ErrorKind::WeightsMismatch, "{error}");
        assert!(error.message().contains(word), "{error}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_failed_loader_rejects_more_input() {
    let mut loader = ModelLoader::new(CpuBackend::new(), config("", ""), Dtype::Auto, None);
    assert!(loader.push(&[8, 8, 0x3a, 6, 0x0b, 0, 0, 0, 0, 0]).is_err());
    assert_eq!(loader.push(FILE).unwrap_err().kind(), ErrorKind::WeightsLength);
    assert!(loader.end_file().is_err() && loader.finish().is_err());
}

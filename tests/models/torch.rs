//! PyTorch checkpoints give the same results as the safetensors file of the same tensors.

use crate::checkpoints::{check, convert};
use crate::common::edit::{self, Tensor};
use crate::common::encoders::ENCODERS;
use crate::common::torch::{self, Pickle};
use crate::common::{BF16, F32, Tiny, load, logits};
use crate::quantize::calibrated;
use safetensors::Dtype as File;
use tabsense::backend::cpu::CpuBackend;
use tabsense::convert::Format;
use tabsense::model::load::{Dtype, ModelLoader};
use tabsense::rewrite::Rewriter;
use tabsense::weights::header::Header;
use tabsense::weights::stream::{Reader, RowSink};
use tabsense::{ErrorKind, Result};
use wasm_bindgen_test::wasm_bindgen_test;

macro_rules! file {
    ($name:literal) => {
        include_bytes!(concat!("../../test_data/torch/", $name)).as_slice()
    };
}

const PLAIN: &[u8] = file!("plain.bin");
const VIEWS: &[u8] = file!("views.bin");
const OLDER: &[u8] = file!("older.bin");
const LEGACY: &[u8] = file!("legacy.bin");
const PARTS: [&[u8]; 2] = [file!("pytorch_model-00001-of-00002.bin"), file!("pytorch_model-00002-of-00002.bin")];

fn electra() -> &'static Tiny {
    ENCODERS.iter().find(|tiny| tiny.name == "tiny-electra-wide").unwrap()
}

pub fn rewritten<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>> {
    let (mut rewriter, mut out) = (Rewriter::default(), Vec::new());
    for chunk in chunks {
        out.extend(rewriter.push(chunk)?);
    }
    out.extend(rewriter.finish()?);
    Ok(out)
}

fn class(dtype: File) -> &'static str {
    match dtype {
        File::F64 => "DoubleStorage",
        File::F32 => "FloatStorage",
        File::F16 => "HalfStorage",
        File::BF16 => "BFloat16Storage",
        File::I64 => "LongStorage",
        File::BOOL => "BoolStorage",
        other => panic!("{other:?} is not used here"),
    }
}

/// The pickle of these tensors, each in its own storage.
pub fn pickle(tensors: &[Tensor]) -> Vec<u8> {
    let start = Pickle::default().global("collections", "OrderedDict").op(b")R(");
    let items = tensors.iter().enumerate().fold(start, |pickle, (i, t)| {
        let shape: Vec<i64> = t.shape.iter().map(|&n| n as i64).collect();
        let strides: Vec<i64> = (0..shape.len()).map(|d| shape[d + 1..].iter().product()).collect();
        let count = (t.bytes.len() * 8 / t.dtype.bitsize()) as i64;
        pickle.text(&t.name).view((&i.to_string(), class(t.dtype), count), 0, &shape, &strides)
    });
    items.op(b"u").end()
}

/// The checkpoint of these tensors.
pub fn write(tensors: &[Tensor]) -> Vec<u8> {
    let keys: Vec<String> = (0..tensors.len()).map(|i| i.to_string()).collect();
    let storages: Vec<_> = keys.iter().zip(tensors).map(|(key, t)| (key.as_str(), t.bytes.as_slice())).collect();
    torch::archive(&pickle(tensors), &storages)
}

type Found = (String, File, Vec<usize>, Vec<u8>);

/// A safetensors file's tensors by name.
fn tensors(file: &[u8]) -> Vec<Found> {
    let mut tensors: Vec<_> = edit::read(file).into_iter().map(|t| (t.name, t.dtype, t.shape, t.bytes)).collect();
    tensors.sort();
    tensors
}

fn answers(tiny: &Tiny, file: &[u8], dtype: Dtype) -> Vec<Vec<f32>> {
    let (model, backend) = load(tiny.config(), dtype, file.chunks(1009)).unwrap_or_else(|e| panic!("{e}"));
    logits(&model, &backend, &[&[2, 47, 41, 25, 39, 3], &[2, 7, 3]])
}

#[wasm_bindgen_test(unsupported = test)]
fn checkpoints_of_torch_save_answer_as_the_safetensors() {
    for (tiny, file) in [(&BF16, PLAIN), (&BF16, VIEWS), (electra(), LEGACY)] {
        for dtype in [Dtype::Auto, Dtype::Fp32, Dtype::Int8] {
            assert_eq!(answers(tiny, file, dtype), answers(tiny, tiny.weights, dtype), "{} {dtype:?}", tiny.name);
        }
    }
}

/// A checkpoint's length is known only at its end.
#[wasm_bindgen_test(unsupported = test)]
fn a_loaded_checkpoint_knows_its_length() {
    for (tiny, file) in [(&BF16, PLAIN), (electra(), LEGACY)] {
        for announced in [None, Some(file.len())] {
            let mut loader = ModelLoader::new(CpuBackend::new(), tiny.config(), Dtype::Auto, announced);
            loader.push(file).unwrap();
            assert_eq!(loader.finish().unwrap().2.file_bytes, file.len());
        }
        let mut loader = ModelLoader::new(CpuBackend::new(), tiny.config(), Dtype::Auto, Some(file.len() + 1));
        loader.push(file).unwrap();
        assert_eq!(loader.finish().err().unwrap().kind(), ErrorKind::WeightsLength);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn every_tensor_has_its_name_type_shape_and_bytes() {
    let plain = tensors(BF16.weights);
    assert_eq!(tensors(&rewritten([PLAIN]).unwrap()), plain);
    assert_eq!(tensors(&rewritten([LEGACY]).unwrap()), tensors(electra().weights));
    let vectors: Vec<Found> = plain.iter().filter(|(_, _, shape, _)| shape.len() == 1).cloned().collect();
    assert!(vectors.len() > 20, "numbers of two digits, whose order is that of texts");
    assert_eq!(tensors(&rewritten([OLDER]).unwrap()), vectors);
    let mut parts: Vec<Found> = PARTS.iter().flat_map(|part| tensors(&rewritten([*part]).unwrap())).collect();
    parts.sort();
    assert_eq!(parts, plain);
}

#[wasm_bindgen_test(unsupported = test)]
fn views_are_gathered() {
    let plain = tensors(BF16.weights);
    let words = plain.iter().find(|(name, ..)| name.contains("word_embeddings")).unwrap();
    let ids: Vec<u8> = (0..16i64).flat_map(i64::to_le_bytes).collect();
    let mut expected = plain.clone();
    expected.push(("position_ids".into(), File::I64, vec![1, 16], ids));
    expected.push(("vocab_projector.weight".into(), words.1, words.2.clone(), words.3.clone()));
    expected.sort();
    assert_eq!(tensors(&rewritten([VIEWS]).unwrap()), expected);
}

#[wasm_bindgen_test(unsupported = test)]
fn chunks_of_any_size_give_the_same_file() {
    for file in [VIEWS, OLDER, LEGACY, PARTS[1]] {
        let whole = rewritten([file]).unwrap();
        for size in [1, 2, 3, 5, 16, 31, 1009, 4096, 65536] {
            assert!(rewritten(file.chunks(size)).unwrap() == whole, "chunks of {size}");
        }
    }
    let file = write(&edit::read(F32.weights)[..3]);
    let whole = rewritten([file.as_slice()]).unwrap();
    for cut in 0..=file.len() {
        assert!(rewritten([&file[..cut], &file[cut..]]).unwrap() == whole, "cut at {cut}");
    }
}

/// A file whose storages are in the expected order streams: at most one row is buffered.
#[wasm_bindgen_test(unsupported = test)]
fn streams_tensors_that_are_in_order() {
    let numbers: Vec<f32> = (0..1024).map(|i| i as f32).collect();
    let matrices: Vec<Tensor> = (0..12).map(|i| Tensor::f32(&format!("t{i}"), &[64, 16], &numbers)).collect();
    let listed = pickle(&matrices);
    let names: Vec<String> = (0..12).map(|i| format!("x/data/{i}")).collect();
    let by_number: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut by_text = by_number.clone();
    by_text.sort_unstable();
    assert_ne!(by_text, by_number);
    let bytes = matrices[0].bytes.as_slice();
    let made = |note: &str, names: &[&str]| {
        let storages = names.iter().map(|name| (*name, bytes));
        torch::zip([("x/data.pkl", listed.as_slice()), (note, b"1")].into_iter().chain(storages))
    };
    let today = made("x/.format_version", &by_number);
    let older = made("x/version", &by_text);
    for (file, what) in [(&today[..], "by number"), (&older, "by text"), (PLAIN, "plain"), (LEGACY, "before zip")] {
        let whole = tensors(&rewritten([file]).unwrap());
        // Everything except numbers (the pickle, records, alignment), a row, and a chunk.
        let overhead = file.len() - whole.iter().map(|(.., bytes)| bytes.len()).sum::<usize>();
        let row = whole
            .iter()
            .map(|(_, _, shape, bytes)| if shape.len() == 2 { bytes.len() / shape[0] } else { bytes.len() });
        let most = overhead + row.max().unwrap() + 64;
        let (mut rewriter, mut given, mut taken) = (Rewriter::default(), 0, 0);
        for chunk in file.chunks(64) {
            given += rewriter.push(chunk).unwrap().len();
            taken += chunk.len();
            assert!(taken <= given + most, "{what}: {given} bytes given of {taken}");
        }
    }
}

/// Counts the rows of a file, except those of the tensor "tied".
#[derive(Default)]
struct Untied {
    names: Vec<String>,
    rows: usize,
}

impl RowSink for Untied {
    fn header(&mut self, header: &Header) -> Result<()> {
        self.names = header.tensors.iter().map(|t| t.name.clone()).collect();
        Ok(())
    }
    fn takes(&self, tensor: usize) -> bool {
        self.names[tensor] != "tied"
    }
    fn row(&mut self, tensor: usize, row: usize, bytes: &[u8]) -> Result<()> {
        assert_eq!((tensor < self.names.len(), row, bytes.len()), (true, self.rows % 64, 64));
        self.rows += 1;
        Ok(())
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn weights_tied_to_unused_ones_stream() {
    let view = |pickle: Pickle, name| pickle.text(name).view(("0", "FloatStorage", 1024), 0, &[64, 16], &[16, 1]);
    for names in [["tied", "words"], ["words", "tied"], ["words", "more"]] {
        let pickle = names.iter().fold(Pickle::default().op(b"}("), |pickle, name| view(pickle, name)).op(b"u").end();
        let file = torch::archive(&pickle, &[("0", &[0; 4096])]);
        let half = file.windows(64).position(|bytes| bytes == [0; 64]).unwrap() + 2048;
        let (mut reader, mut sink) = (Reader::new(None), Untied::default());
        reader.push(&file[..half], &mut sink).unwrap();
        // In the last case both are wanted: their rows come when the storage is complete.
        let both = !names.contains(&"tied");
        assert_eq!(sink.rows, if both { 0 } else { 32 }, "{names:?}");
        reader.push(&file[half..], &mut sink).unwrap();
        reader.finish().unwrap();
        assert_eq!(sink.rows, if both { 128 } else { 64 }, "{names:?}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn storages_in_any_order_are_put_in_theirs() {
    let some = edit::read(BF16.weights);
    let keys: Vec<String> = (0..some.len()).map(|i| i.to_string()).collect();
    let mut storages: Vec<_> = keys.iter().zip(&some).map(|(key, t)| (key.as_str(), t.bytes.as_slice())).collect();
    for shift in [1, 7] {
        storages.rotate_left(shift);
        let file = torch::archive(&pickle(&some), &storages);
        assert_eq!(tensors(&rewritten(file.chunks(997)).unwrap()), tensors(BF16.weights), "rotated by {shift}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_checkpoint_converts_as_the_safetensors() {
    check(&write(&edit::read(F32.weights)), 0, "a checkpoint of torch.save");
    let mut more = edit::read(F32.weights);
    more.insert(2, Tensor { name: "step".into(), dtype: File::I64, shape: vec![], bytes: vec![1; 8] });
    check(&write(&more), 1, "a number beside the weights");
    let sorted = |file: &[u8], format| tensors(&convert(file, format).unwrap().0);
    for (tiny, file) in [(&BF16, PLAIN), (electra(), LEGACY)] {
        for format in [Format::Int8, Format::Fp16] {
            assert_eq!(sorted(file, format), sorted(tiny.weights, format), "{}, {format:?}", tiny.name);
        }
    }
    let texts: Vec<String> = (1..40).map(|i| "good film not bad ".repeat(i % 7 + 1)).collect();
    for size in [1009, 1 << 20] {
        let int4 = calibrated(F32.config, &write(&edit::read(F32.weights)), &texts, size).unwrap();
        let expected = calibrated(F32.config, F32.weights, &texts, size).unwrap();
        assert_eq!(tensors(&int4), tensors(&expected), "int4, chunks of {size}");
    }
}

/// An archive as other programs write it: sizes precede the entries.
fn packed(file: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut directory = Vec::new();
    for (name, bytes) in file {
        let size = (bytes.len() as u32).to_le_bytes();
        let (length, at) = ((name.len() as u16).to_le_bytes(), (out.len() as u32).to_le_bytes());
        out.extend([b"PK\x03\x04", &[0; 14][..], &size, &size, &length, &[0, 0], name.as_bytes(), bytes].concat());
        directory.extend([b"PK\x01\x02", &[0; 16][..], &size, &size, &length, &[0; 12], &at, name.as_bytes()].concat());
    }
    [out, directory, b"PK\x05\x06".to_vec(), vec![0; 18]].concat()
}

#[wasm_bindgen_test(unsupported = test)]
fn an_archive_with_sizes_before_its_entries() {
    let pickle = Pickle::default().op(b"}").text("a").view(("0", "FloatStorage", 2), 0, &[2], &[1]).op(b"s").end();
    let entries = |size| [("x/data.pkl", pickle.as_slice()), ("x/byteorder", b"little"), ("x/data/0", &[7; 9][..size])];
    let file = packed(&entries(8));
    for size in 1..file.len() {
        let whole = rewritten(file.chunks(size)).unwrap();
        assert_eq!(tensors(&whole), [("a".into(), File::F32, vec![2], vec![7; 8])]);
        assert_eq!(rewritten([&file[..size]]).unwrap_err().kind(), ErrorKind::WeightsLength, "ends after {size}");
    }
    for size in [7, 9] {
        assert_eq!(rewritten([packed(&entries(size)).as_slice()]).unwrap_err().kind(), ErrorKind::WeightsHeader);
    }
}

/// As torch.save writes data beyond 4 GiB: 64-bit numbers in the records after entries and in the directory.
#[wasm_bindgen_test(unsupported = test)]
fn an_archive_of_64_bits() {
    let pickle = Pickle::default().op(b"}").text("a").view(("0", "FloatStorage", 2), 0, &[2], &[1]).op(b"s").end();
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in [("x/data.pkl", pickle.as_slice()), ("x/version", b"3\n"), ("x/data/0", &[7; 8])] {
        let (size, offset) = ((bytes.len() as u64).to_le_bytes(), (file.len() as u64).to_le_bytes());
        let length = (name.len() as u16).to_le_bytes();
        let flags = [0, 0, 8, 8, 0, 0, 0, 0, 0, 0];
        let extra = [b"FB\x01\0Z\x01\0\x08\0".as_slice(), &offset].concat();
        let head = [b"PK\x03\x04".as_slice(), &flags, &[0; 12], &length, &[extra.len() as u8, 0]];
        file.extend([&head.concat(), name.as_bytes(), &extra, bytes].concat());
        file.extend([b"PK\x07\x08\0\0\0\0".as_slice(), &size, &size].concat());
        let head = [b"PK\x01\x02\0\0".as_slice(), &flags, &[0; 4], &[0xff; 8], &length, &[28, 0], &[0; 10], &[0xff; 4]];
        directory.extend([&head.concat(), name.as_bytes(), b"\x01\0\x18\0", &size, &size, &offset].concat());
    }
    file.extend([&directory, b"PK\x06\x06\x2c".as_slice(), &[0; 51], b"PK\x06\x07", &[0; 16], b"PK\x05\x06"].concat());
    file.extend([0; 18]);
    for size in [1, 13, file.len()] {
        let whole = rewritten(file.chunks(size)).unwrap();
        assert_eq!(tensors(&whole), [("a".into(), File::F32, vec![2], vec![7; 8])]);
    }
    let lying = file.len() - 26 - 20 - 56 - 8;
    file[lying] ^= 1;
    assert!(rewritten([file.as_slice()]).unwrap_err().message().contains("lists other entries"));
}

/// What checkpoints from Python 2 and the first versions of PyTorch contain.
#[wasm_bindgen_test(unsupported = test)]
fn what_older_pythons_wrote() {
    let view = Pickle::default().global("torch._utils", "_rebuild_tensor").op(b"(");
    let view = view.storage("0", "DoubleStorage", 3).int(1).op(b"K\x02\x85K\x01\x85tR").0[2..].to_vec();
    let parameter = [&b"ctorch._utils\n_rebuild_parameter\n("[..], &view, b"\x89}tR"].concat();
    // OrderedDict([["a", tensor], ["b", parameter]]), with names of one byte a character.
    let pairs = [b"](](U\x01a", &view[..], b"e](T\x01\0\0\0b", &parameter, b"ee\x85R"].concat();
    let pickle = Pickle::default().global("collections", "OrderedDict").op(&pairs).end();
    let numbers: Vec<u8> = (0..24).collect();
    let file = torch::archive(&pickle, &[("0", &numbers)]);
    let found = tensors(&rewritten([file.as_slice()]).unwrap());
    let expected = |name: &str| (name.to_owned(), File::F64, vec![2], numbers[8..].to_vec());
    assert_eq!(found, [expected("a"), expected("b")]);
}

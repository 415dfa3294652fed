//! Files of weights, with tensors that can be made to lie.

use crate::json::Node;
use crate::{complete_file, damage};
use arbitrary::{Result, Unstructured};
use serde_json::{Value, json};
use std::sync::LazyLock;
use tabsense::convert::{Converter, Format};
use tabsense::weights::coded;

/// The types that a header can name, with their bits, and one that doesn't exist.
pub const DTYPES: [(&str, u64); 20] = [
    ("F32", 32),
    ("F16", 16),
    ("BF16", 16),
    ("F64", 64),
    ("I8", 8),
    ("U8", 8),
    ("I32", 32),
    ("I64", 64),
    ("BOOL", 8),
    ("I16", 16),
    ("U16", 16),
    ("U32", 32),
    ("U64", 64),
    ("F8_E4M3", 8),
    ("F8_E5M2", 8),
    ("F8_E8M0", 8),
    ("F4", 4),
    ("F6_E2M3", 6),
    ("C64", 64),
    ("Q4", 4),
];

/// Sizes whose products and sums overflow.
const SIZES: [u64; 9] = [0, 1, 3, 1 << 20, 1 << 31, 1 << 32, 1 << 62, u64::MAX - 1, u64::MAX];

/// What a header may contain in addition to the names of the tensors.
const KEYS: &[&str] = &["__metadata__", "dtype", "shape", "data_offsets", "classifier.weight", "tabsense.coded.2"];

/// A tensor.
#[derive(Clone)]
pub struct Tensor {
    /// Its name in the header.
    pub name: String,
    /// Its type in the header.
    pub dtype: String,
    /// Its shape in the header.
    pub shape: Vec<u64>,
    /// Its bytes; their position follows from the order of the tensors.
    pub bytes: Vec<u8>,
}

/// A file of these tensors, in order.
pub fn file(tensors: &[Tensor]) -> Vec<u8> {
    written(&header(tensors).written(), tensors)
}

fn header(tensors: &[Tensor]) -> Node {
    let mut at = 0;
    let entries = tensors.iter().map(|tensor| {
        let Tensor { name, dtype, shape, bytes } = tensor;
        let end = at + bytes.len();
        let entry = json!({"dtype": dtype, "shape": shape, "data_offsets": [at, end]});
        at = end;
        (name.clone(), Node::of(&entry))
    });
    Node::Object(entries.collect())
}

fn written(header: &[u8], tensors: &[Tensor]) -> Vec<u8> {
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header);
    tensors.iter().for_each(|tensor| file.extend_from_slice(&tensor.bytes));
    file
}

/// The tensors of a file of the repository, in order.
pub fn read(file: &[u8]) -> Vec<Tensor> {
    let (length, rest) = file.split_first_chunk::<8>().expect("a length");
    let (json, data) = rest.split_at(u64::from_le_bytes(*length) as usize);
    let header: Value = serde_json::from_slice(json).expect("JSON");
    let mut tensors: Vec<_> = (header.as_object().expect("an object").iter())
        .filter(|(name, _)| *name != "__metadata__")
        .map(|(name, entry)| {
            let numbers = |value: &Value| -> Vec<u64> {
                value.as_array().expect("a list").iter().map(|n| n.as_u64().expect("a number")).collect()
            };
            let [first, last] = numbers(&entry["data_offsets"])[..] else { panic!("two offsets") };
            let bytes = data[first as usize..last as usize].to_vec();
            let dtype = entry["dtype"].as_str().expect("a text").to_owned();
            (first, Tensor { name: name.clone(), dtype, shape: numbers(&entry["shape"]), bytes })
        })
        .collect();
    tensors.sort_by_key(|(first, _)| *first);
    tensors.into_iter().map(|(_, tensor)| tensor).collect()
}

/// A model of the repository in one precision: its configuration and its tensors.
pub struct Model {
    /// `config.json`
    pub config: &'static [u8],
    /// Whether it is only a table of vectors.
    pub is_static: bool,
    tensors: Vec<Tensor>,
}

macro_rules! folder {
    ($name:literal) => {
        (
            include_bytes!(concat!("../../test_data/", $name, "/config.json")).as_slice(),
            include_bytes!(concat!("../../test_data/", $name, "/model.safetensors")).as_slice(),
        )
    };
}

/// Models of the repository, as they are and converted.
pub static MODELS: LazyLock<Vec<Model>> = LazyLock::new(|| {
    let (bert, distilbert) = (folder!("models/mini-bert"), folder!("models/mini-distilbert"));
    let plain = |(config, file): (_, &[u8]), is_static| Model { config, is_static, tensors: read(file) };
    let converted = |(config, file): (_, &[u8]), format| plain((config, &convert(file, format)), false);
    vec![
        plain(bert, false),
        converted(bert, Format::Int8),
        converted(bert, Format::Fp16),
        plain(distilbert, false),
        converted(distilbert, Format::Int8),
        Model { config: distilbert.0, is_static: false, tensors: int4(read(distilbert.1)) },
        plain(folder!("models/mini-mpnet"), false),
        plain(folder!("models/mini-electra"), false),
        plain(folder!("static/mapped"), true),
        plain(folder!("static/int8"), true),
        plain(folder!("static/unigram"), true),
    ]
});

fn convert(file: &[u8], format: Format) -> Vec<u8> {
    let mut converter = Converter::new(format);
    let mut out = converter.push(file).expect("a model of the repository");
    out.extend(converter.finish().expect("a model of the repository"));
    out
}

/// The tensors, with each matrix of a layer in int4 with steps of 1/8.
fn int4(tensors: Vec<Tensor>) -> Vec<Tensor> {
    let of_layer = |tensor: &Tensor| tensor.name.contains(".layer.") && tensor.shape.len() == 2;
    (tensors.into_iter())
        .flat_map(|tensor| match (of_layer(&tensor), &tensor.shape[..]) {
            (true, &[rows, columns]) => {
                let (shape, bytes) =
                    (vec![rows, columns / 32], 0x3000_u16.to_le_bytes().repeat((rows * columns / 32) as usize));
                let scales = Tensor { name: format!("{}_scale", tensor.name), dtype: "F16".into(), shape, bytes };
                let pairs = tensor.bytes.chunks_exact(8).map(|two| two[2] ^ two[6]).collect();
                vec![scales, Tensor { dtype: "U8".into(), shape: vec![rows, columns / 2], bytes: pairs, ..tensor }]
            }
            _ => vec![tensor],
        })
        .collect()
}

/// Sets a number at some place of the tensor to an extreme: NaN, infinity, the largest or the smallest.
fn worsen(tensor: &mut Tensor, u: &mut Unstructured) -> Result<()> {
    let pattern: &[u8] = match tensor.dtype.as_str() {
        "F32" => *u.choose(&[b"\0\0\xc0\x7f", b"\0\0\x80\x7f", b"\xff\xff\x7f\x7f", b"\x01\0\0\0"])?,
        "F16" | "BF16" => *u.choose(&[b"\0\x7e", b"\0\xfc", b"\xff\x7b", b"\x80\x7f", b"\x01\0"])?,
        _ => *u.choose(&[b"\x80", b"\xff", b"\0"])?,
    };
    if tensor.bytes.len() >= pattern.len() {
        let at = u.int_in_range(0..=tensor.bytes.len() / pattern.len() - 1)? * pattern.len();
        tensor.bytes[at..at + pattern.len()].copy_from_slice(pattern);
    }
    Ok(())
}

/// Changes the tensors of a model.
fn change(tensors: &mut Vec<Tensor>, u: &mut Unstructured) -> Result<()> {
    if tensors.is_empty() {
        return Ok(());
    }
    let last = tensors.len() - 1;
    let [at, other] = [u.int_in_range(0..=last)?, u.int_in_range(0..=last)?];
    match u.int_in_range(0..=11)? {
        0 => tensors.swap(at, other),
        1 => _ = tensors.remove(at),
        2 => tensors.push(tensors[at].clone()),
        3 => tensors[at].name = tensors[other].name.clone() + u.choose(&["", "_scale", "_zero_point", ".weight"])?,
        4 => (*u.choose(&DTYPES)?).0.clone_into(&mut tensors[at].dtype),
        5 => tensors[at].shape.reverse(),
        6 => tensors[at].shape.push(1),
        7 => {
            // Another shape, with the bytes to match.
            let bits = DTYPES.iter().find(|(name, _)| *name == tensors[at].dtype).map_or(8, |(_, bits)| *bits);
            tensors[at].shape = (0..u.int_in_range(0..=3)?).map(|_| u.int_in_range(0..=40)).collect::<Result<_>>()?;
            let bytes = tensors[at].shape.iter().product::<u64>() * bits / 8;
            tensors[at].bytes.resize(bytes as usize, 1);
        }
        8 => {
            let end = u.int_in_range(0..=tensors[at].bytes.len())?;
            tensors[at].bytes.truncate(end);
        }
        9 => {
            let place = u.int_in_range(0..=tensors[at].shape.len())?;
            let size = *u.choose(&SIZES)?;
            match tensors[at].shape.get_mut(place) {
                Some(n) => *n = size,
                None => tensors[at].shape.push(size),
            }
        }
        _ => worsen(&mut tensors[at], u)?,
    }
    Ok(())
}

/// Some tensors that belong to no model.
///
/// # Errors
/// `u` has no bytes left.
pub fn tensors(u: &mut Unstructured) -> Result<Vec<Tensor>> {
    let names = ["a", "b", "c.weight", "", "__metadata__", "__proto__", "tabsense.coded.1", "tabsense.coded.3", "é"];
    let mut tensors = Vec::new();
    for _ in 0..u.int_in_range(0..=6)? {
        let (dtype, bits) = *u.choose(&DTYPES)?;
        let shape: Vec<u64> = (0..u.int_in_range(0..=4)?).map(|_| u.int_in_range(0..=6)).collect::<Result<_>>()?;
        let bytes = (shape.iter().product::<u64>() * bits).div_ceil(8) as usize;
        let bytes = (0..bytes).map(|i| i as u8).collect();
        tensors.push(Tensor { name: (*u.choose(&names)?).to_owned(), dtype: dtype.to_owned(), shape, bytes });
    }
    Ok(tensors)
}

/// A file of `tensors`, whose header may lie and whose bytes may be damaged.
///
/// # Errors
/// `u` has no bytes left.
pub fn hostile(mut tensors: Vec<Tensor>, u: &mut Unstructured) -> Result<Vec<u8>> {
    for _ in 0..u.int_in_range(0..=2)? {
        change(&mut tensors, u)?;
    }
    let mut header = header(&tensors);
    if u.ratio(1, 3)? {
        for _ in 0..u.int_in_range(1..=3)? {
            header.change(KEYS, u)?;
        }
    }
    let mut file = written(&header.written(), &tensors);
    if u.ratio(1, 4)? {
        damage(&mut file, u)?;
    }
    if u.ratio(1, 16)? {
        let length = *u.choose(&SIZES)?;
        let end = file.len().min(8);
        file[..end].copy_from_slice(&length.to_le_bytes()[..end]);
    }
    Ok(file)
}

/// A model, and a file of weights that may be its own.
///
/// # Errors
/// `u` has no bytes left.
pub fn weights(u: &mut Unstructured) -> Result<(&'static Model, Vec<u8>)> {
    if let Some(file) = complete_file(u) {
        return Ok((u.choose(&MODELS)?, file.to_vec()));
    }
    let model = u.choose(&MODELS)?;
    let file = hostile(model.tensors.clone(), u)?;
    if u.ratio(1, 4)?
        && let Ok(mut coded) = coded::encode(&file)
    {
        if u.arbitrary()? {
            damage(&mut coded, u)?;
        }
        return Ok((model, coded));
    }
    Ok((model, file))
}

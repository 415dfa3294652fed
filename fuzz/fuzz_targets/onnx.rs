//! ONNX files: exports whose messages are moved, doubled, dropped and changed, at any depth, or any bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tabsense::backend::cpu::CpuBackend;
use tabsense::config::Config;
use tabsense::convert::{Converter, Format};
use tabsense::model::load::{Dtype, ModelLoader};
use tabsense_fuzz::{Result, Unstructured, damage};

const CONFIG: &[u8] = include_bytes!("../../test_data/models/mini-bert/config.json");
/// Exports, and the file beside the first.
const FILES: [&[u8]; 7] = [
    include_bytes!("../../test_data/onnx/mini-bert-external.onnx"),
    include_bytes!("../../test_data/onnx/mini-bert-optimum.onnx"),
    include_bytes!("../../test_data/onnx/mini-bert-q8-dynamo.onnx"),
    include_bytes!("../../test_data/onnx/mini-bert-typed-q8.onnx"),
    include_bytes!("../../test_data/onnx/mini-bert-weights-first-q8.onnx"),
    include_bytes!("../../test_data/onnx/mini-bert-session-q8.onnx"),
    include_bytes!("../../test_data/onnx/mini-bert-fused-fp16.onnx"),
];
const BESIDE: &[u8] = include_bytes!("../../test_data/onnx/mini-bert-external.onnx_data");
/// Numbers that sizes, types and lengths are set to.
const NUMBERS: [u64; 10] = [0, 1, 2, 3, 22, 16, 1 << 20, 1 << 31, 1 << 63, u64::MAX];

fn varint(mut n: u64, out: &mut Vec<u8>) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// The number at the front of `bytes`, which is cut off.
fn read(bytes: &mut &[u8]) -> Option<u64> {
    let mut n = 0u64;
    for i in 0..10 {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        n |= u64::from(byte & 0x7f).checked_shl(7 * i)?;
        if byte < 0x80 {
            return Some(n);
        }
    }
    None
}

/// A message's fields: tag, number, bytes.
type Field = (u64, u64, Vec<u8>);

fn fields(mut bytes: &[u8]) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let tag = read(&mut bytes)?;
        let (number, length) = match tag & 7 {
            0 => (read(&mut bytes)?, 0),
            1 => (0, 8),
            2 => (0, usize::try_from(read(&mut bytes)?).ok()?),
            5 => (0, 4),
            _ => return None,
        };
        let (content, rest) = bytes.split_at_checked(length)?;
        bytes = rest;
        fields.push((tag, number, content.to_vec()));
    }
    Some(fields)
}

fn written(fields: &[Field]) -> Vec<u8> {
    let mut out = Vec::new();
    for (tag, number, bytes) in fields {
        varint(*tag, &mut out);
        match tag & 7 {
            0 => varint(*number, &mut out),
            2 => varint(bytes.len() as u64, &mut out),
            _ => {}
        }
        out.extend_from_slice(bytes);
    }
    out
}

/// Changes a field of a message, or one inside of it.
fn change(message: &[u8], u: &mut Unstructured, depth: usize) -> Result<Vec<u8>> {
    let Some(mut fields) = fields(message).filter(|fields| !fields.is_empty()) else {
        return if message.is_empty() {
            Ok(u.arbitrary()?)
        } else {
            let mut bytes = message.to_vec();
            damage(&mut bytes, u)?;
            Ok(bytes)
        };
    };
    let at = u.int_in_range(0..=fields.len() - 1)?;
    let other = u.int_in_range(0..=fields.len() - 1)?;
    match u.int_in_range(0..=9)? {
        0 => fields.swap(at, other),
        1 => _ = fields.remove(at),
        2 => fields.insert(other, fields[at].clone()),
        3 => fields[at].1 = *u.choose(&NUMBERS)?,
        4 => fields[at].0 = u.int_in_range(0..=130)?,
        5 => fields[at].2 = fields[other].2.clone(),
        _ if depth < 5 && fields[at].0 & 7 == 2 => fields[at].2 = change(&fields[at].2, u, depth + 1)?,
        _ => fields[at].1 ^= 1,
    }
    Ok(written(&fields))
}

fn told(error: &tabsense::Error) {
    let message = error.message();
    assert!(message.ends_with('.') && message.len() < 3000, "{message}");
    assert!(!message.chars().any(char::is_control), "{message:?}");
}

/// Loads a file; the kind of the error, if there is one.
fn load<'a>(dtype: Dtype, chunks: impl Iterator<Item = &'a [u8]>) -> Option<tabsense::ErrorKind> {
    let mut loader = ModelLoader::new(CpuBackend::new(), Config::from_json(CONFIG).unwrap(), dtype, None);
    let result = chunks.map(|chunk| loader.push(chunk)).collect::<tabsense::Result<()>>().and_then(|()| {
        for _ in 0..8 {
            match loader.end_file()? {
                Some(name) => {
                    assert!(!name.contains(['/', '\\']) && !name.starts_with('.'), "{name}");
                    loader.push(BESIDE)?;
                }
                None => break,
            }
        }
        loader.finish().map(|_| ())
    });
    result.map_err(|error| (told(&error), error.kind()).1).err()
}

fn target(u: &mut Unstructured) -> Result<()> {
    let mut bytes = match u.int_in_range(0..=15)? {
        0 => [b"\x08\x08\x12\x02pt".to_vec(), u.arbitrary()?].concat(),
        _ => u.choose(&FILES)?.to_vec(),
    };
    for _ in 0..u.int_in_range(0..=4)? {
        bytes = change(&bytes, u, 0)?;
    }
    if u.ratio(1, 4)? {
        damage(&mut bytes, u)?;
    }
    let dtype = *u.choose(&[Dtype::Auto, Dtype::Fp32, Dtype::Int8, Dtype::Fp16])?;
    let whole = load(dtype, std::iter::once(&bytes[..]));
    let size = u.int_in_range(1..=300)?;
    assert_eq!(load(dtype, bytes.chunks(size)), whole, "chunks of {size}");
    let mut converter = Converter::new(Format::Int8);
    if let Err(error) = converter.push(&bytes).and_then(|_| converter.finish().map(|_| ())) {
        told(&error);
    }
    Ok(())
}

fuzz_target!(|data: &[u8]| {
    // Too few bytes make no input.
    let _ = target(&mut Unstructured::new(data));
});

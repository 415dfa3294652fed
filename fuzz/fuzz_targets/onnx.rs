//! ONNX files: exports with messages moved, duplicated, dropped and changed at any depth, or any bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tabsense::backend::cpu::CpuBackend;
use tabsense::config::Config;
use tabsense::convert::{Converter, Format};
use tabsense::model::load::{Dtype, ModelLoader};
use tabsense_fuzz::protobuf::{fields, written};
use tabsense_fuzz::{Result, Unstructured, check_message, complete_file, damage, run_bounded};

const CONFIG: &[u8] = include_bytes!("../../test_data/models/mini-bert/config.json");
/// Exports; [`EXTERNAL`] is the external data of the first.
const FILES: [&[u8]; 7] = [
    include_bytes!("../../test_data/onnx/mini-bert-external.onnx"),
    include_bytes!("../../test_data/onnx/mini-bert-optimum.onnx"),
    include_bytes!("../../test_data/onnx/mini-bert-q8-dynamo.onnx"),
    include_bytes!("../../test_data/onnx/mini-bert-typed-q8.onnx"),
    include_bytes!("../../test_data/onnx/mini-bert-weights-first-q8.onnx"),
    include_bytes!("../../test_data/onnx/mini-bert-session-q8.onnx"),
    include_bytes!("../../test_data/onnx/mini-bert-fused-fp16.onnx"),
];
const EXTERNAL: &[u8] = include_bytes!("../../test_data/onnx/mini-bert-external.onnx_data");
/// Values for sizes, types and lengths.
const NUMBERS: [u64; 10] = [0, 1, 2, 3, 22, 16, 1 << 20, 1 << 31, 1 << 63, u64::MAX];

/// Changes a field of a message, or of a message within it.
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
        3 => fields[at].number = *u.choose(&NUMBERS)?,
        4 => fields[at].tag = u.int_in_range(0..=130)?,
        5 => fields[at].bytes = fields[other].bytes.clone(),
        _ if depth < 5 && fields[at].tag & 7 == 2 => fields[at].bytes = change(&fields[at].bytes, u, depth + 1)?,
        _ => fields[at].number ^= 1,
    }
    Ok(written(&fields))
}

/// Loads a file and returns the kind of the error, if any.
fn load<'a>(dtype: Dtype, chunks: impl Iterator<Item = &'a [u8]>) -> Option<tabsense::ErrorKind> {
    let mut loader = ModelLoader::new(CpuBackend::new(), Config::from_json(CONFIG).unwrap(), dtype, None);
    let result = chunks.map(|chunk| loader.push(chunk)).collect::<tabsense::Result<()>>().and_then(|()| {
        for _ in 0..8 {
            match loader.end_file()? {
                Some(name) => {
                    assert!(!name.contains(['/', '\\']) && !name.starts_with('.'), "{name}");
                    loader.push(EXTERNAL)?;
                }
                None => break,
            }
        }
        loader.finish().map(|_| ())
    });
    result.map_err(|error| (check_message(&error), error.kind()).1).err()
}

fn target(u: &mut Unstructured) -> Result<()> {
    let bytes = match complete_file(u) {
        Some(file) => file.to_vec(),
        None => {
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
            bytes
        }
    };
    let dtype = *u.choose(&[Dtype::Auto, Dtype::Fp32, Dtype::Int8, Dtype::Fp16])?;
    let whole = load(dtype, std::iter::once(&bytes[..]));
    let size = u.int_in_range(1..=300)?;
    assert_eq!(load(dtype, bytes.chunks(size)), whole, "chunks of {size}");
    let mut converter = Converter::new(Format::Int8);
    if u.ratio(1, 4)?
        && let Err(error) = converter.push(&bytes).and_then(|_| converter.finish().map(|_| ()))
    {
        check_message(&error);
    }
    Ok(())
}

fuzz_target!(|data: &[u8]| run_bounded(data, target));

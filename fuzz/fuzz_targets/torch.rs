//! PyTorch checkpoints: made of pickles and archives and then damaged, of opcodes in any order, or any bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tabsense::rewrite::Rewriter;
use tabsense::weights::stream::Reader;
use tabsense_fuzz::torch::{Pickle, archive, zip};
use tabsense_fuzz::{Output, Result, TakesAllRows, Unstructured, check_result, complete_file, damage, run_bounded};

/// Checkpoints that torch.save wrote.
const FILES: [&[u8]; 4] = [
    include_bytes!("../../test_data/torch/two.bin"),
    include_bytes!("../../test_data/torch/older.bin"),
    include_bytes!("../../test_data/torch/script.bin"),
    include_bytes!("../../test_data/torch/module.bin"),
];
const CLASSES: [(&str, i64); 8] = [
    ("FloatStorage", 4),
    ("HalfStorage", 2),
    ("BFloat16Storage", 2),
    ("DoubleStorage", 8),
    ("LongStorage", 8),
    ("ByteStorage", 1),
    ("BoolStorage", 1),
    ("QInt8Storage", 1),
];
const GLOBALS: [(&str, &str); 14] = [
    ("collections", "OrderedDict"),
    ("torch._utils", "_rebuild_tensor"),
    ("torch._utils", "_rebuild_tensor_v2"),
    ("torch._utils", "_rebuild_tensor_v3"),
    ("torch._utils", "_rebuild_parameter"),
    ("torch._tensor", "_rebuild_from_type_v2"),
    ("torch", "Size"),
    ("torch", "float32"),
    ("torch", "uint8"),
    ("torch", "Tensor"),
    ("torch.storage", "UntypedStorage"),
    ("torch", "FloatStorage"),
    ("torch", "device"),
    ("os", "system"),
];
const CODES: &[u8] = b"(.N\x88\x89)t\x85\x86\x87]ae}suRbQ";
const KEYS: [&str; 12] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"];
/// The maximum length of a storage, in numbers.
const MAX_ELEMENTS: i64 = 24;

fn number(u: &mut Unstructured) -> Result<i64> {
    Ok(match u.int_in_range(0..=15)? {
        0 => u.arbitrary()?,
        1 => i64::from(u.arbitrary::<i32>()?),
        _ => u.int_in_range(0..=6)?,
    })
}

fn numbers(u: &mut Unstructured) -> Result<Vec<i64>> {
    (0..u.int_in_range(0..=5)?).map(|_| number(u)).collect()
}

/// The key of a storage, the bytes per number, and all its bytes.
type Storage = (&'static str, u64, Vec<u8>);

/// A pickle of tensors that are views of some storages, and these storages.
fn tensors(u: &mut Unstructured) -> Result<(Pickle, Vec<Storage>)> {
    let mut storages = Vec::new();
    for key in &KEYS[..u.int_in_range(1..=KEYS.len())?] {
        let known = if u.ratio(1, 32)? { 8 } else { 7 };
        let (class, width) = *u.choose(&CLASSES[..known])?;
        storages.push((*key, class, u.int_in_range(0..=MAX_ELEMENTS)?, width));
    }
    let mut pickle = Pickle::default().global("collections", "OrderedDict").op(b")R(");
    for i in 0..u.int_in_range(0..=2 * storages.len())? {
        let (key, class, count, _) = *u.choose(&storages)?;
        pickle = pickle.text(&if u.ratio(1, 64)? { "a".to_owned() } else { format!("t{i}") });
        let whole = u.arbitrary()?;
        pickle = if whole {
            pickle.view((key, class, count), 0, &[count], &[1])
        } else if u.ratio(1, 4)? {
            pickle.view((key, class, count), number(u)?, &numbers(u)?, &numbers(u)?)
        } else {
            // A matrix, plain or transposed.
            let rows = u.int_in_range(1..=4)?;
            let columns = u.int_in_range(0..=count / rows)?;
            let strides = if u.arbitrary()? { [columns, 1] } else { [1, rows] };
            let offset = u.int_in_range(0..=count - rows * columns)?;
            pickle.view((key, class, count), offset, &[rows, columns], &strides)
        };
    }
    let bytes = |n: i64| (0..n).map(|i| i as u8).collect();
    let data = storages.iter().map(|(key, _, count, width)| (*key, *width as u64, bytes(count * width))).collect();
    Ok((pickle.op(b"u"), data))
}

/// Opcodes in any order.
fn opcodes(u: &mut Unstructured) -> Result<Pickle> {
    let mut pickle = Pickle::default();
    for _ in 0..u.int_in_range(0..=200)? {
        pickle = match u.int_in_range(0..=15)? {
            0..=5 => pickle.op(&[*u.choose(CODES)?]),
            6 | 7 => pickle.int(number(u)?),
            8 => pickle.text(*u.choose(&["storage", "0", "1", "cpu", "state_dict", "little_endian"])?),
            9 => {
                let (module, name) = *u.choose(&GLOBALS)?;
                pickle.global(module, name)
            }
            10 => pickle.op(&[b'q', u.int_in_range(0..=9)?]),
            11 => pickle.op(&[b'h', u.int_in_range(0..=9)?]),
            12 => pickle.storage(*u.choose(&KEYS[..3])?, u.choose(&CLASSES)?.0, number(u)?),
            13 => pickle.view(("0", "FloatStorage", 4), number(u)?, &numbers(u)?, &numbers(u)?),
            14 => pickle.op(&[u.arbitrary()?]),
            _ => pickle.ints(&numbers(u)?),
        };
    }
    Ok(pickle)
}

/// The file format before zip: five pickles, then storages, each preceded by its length.
fn legacy(pickle: Pickle, storages: &[Storage], u: &mut Unstructured) -> Result<Vec<u8>> {
    let magic = Pickle::default().op(b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19").end();
    let machine = Pickle::default().op(b"}").text("little_endian").op(b"\x88s").end();
    let keys = storages.iter().fold(Pickle::default().op(b"]("), |p, (key, ..)| p.text(key)).op(b"e").end();
    let mut file = [magic, Pickle::default().int(1001).end(), machine, pickle.end(), keys].concat();
    for (_, width, bytes) in storages {
        let width = if u.ratio(1, 32)? { 3 } else { *width };
        file.extend([&(bytes.len() as u64 / width).to_le_bytes()[..], bytes].concat());
    }
    Ok(file)
}

fn file(u: &mut Unstructured) -> Result<Vec<u8>> {
    Ok(match u.int_in_range(0..=15)? {
        0 => [b"PK\x03\x04".to_vec(), u.arbitrary()?].concat(),
        1 => u.choose(&FILES)?.to_vec(),
        2..=5 => {
            let pickle = opcodes(u)?.end();
            match u.arbitrary()? {
                true => archive(&pickle, &[("0", &[1; 16])]),
                false => zip([("x/data.pkl", pickle.as_slice())]),
            }
        }
        6 | 7 => {
            let (pickle, storages) = tensors(u)?;
            legacy(pickle, &storages, u)?
        }
        _ => {
            let (pickle, mut storages) = tensors(u)?;
            if u.ratio(1, 4)? {
                let shift = u.int_in_range(0..=storages.len() - 1)?;
                storages.rotate_left(shift);
            }
            let storages: Vec<_> = storages.iter().map(|(key, _, bytes)| (*key, bytes.as_slice())).collect();
            archive(&pickle.end(), &storages)
        }
    })
}

fn rewritten<'a>(mut chunks: impl Iterator<Item = &'a [u8]>) -> Output {
    let (mut rewriter, mut out) = (Rewriter::default(), Vec::new());
    let result = chunks.try_for_each(|chunk| rewriter.push(chunk).map(|bytes| out.extend(bytes)));
    check_result(result.and_then(|()| rewriter.finish()).map(|rest| [out, rest].concat()))
}

fn target(u: &mut Unstructured) -> Result<()> {
    let file = match complete_file(u) {
        Some(file) => file.to_vec(),
        None => {
            let mut file = file(u)?;
            damage(&mut file, u)?;
            file
        }
    };
    let size = u.int_in_range(1..=64)?;
    let whole = rewritten(std::iter::once(file.as_slice()));
    let cut = rewritten(file.chunks(size));
    assert!(whole == cut, "{whole:?} whole, {cut:?} in chunks of {size}");
    if let Ok(out) = whole {
        // The number of tensors that share a storage is limited, and each has an entry in the header.
        assert!(out.len() <= 33 * file.len() + 1024, "{} bytes of {}", out.len(), file.len());
        let mut reader = Reader::new(Some(out.len()));
        let read = reader.push(&out, &mut TakesAllRows).and_then(|()| reader.finish());
        assert!(read.is_ok(), "what was made is not read: {read:?}");
    }
    Ok(())
}

fuzz_target!(|data: &[u8]| run_bounded(data, target));

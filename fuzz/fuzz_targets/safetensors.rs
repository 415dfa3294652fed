//! Safetensors files, plain and coded, in chunks of any size: headers that are legal but malicious, and any
//! bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tabsense::weights::coded;
use tabsense::weights::header::{Header, MAX_RANK, MAX_TENSORS};
use tabsense::weights::stream::{Reader, RowSink};
use tabsense_fuzz::{Result, Unstructured, check_message, complete_file, damage, run_bounded, tensors};

/// The result of reading a file.
#[derive(Debug, Default, PartialEq)]
struct Rows {
    header: Option<Header>,
    /// A bit for each tensor: set if it is skipped.
    passed: u64,
    rows: Vec<(usize, usize, Vec<u8>)>,
}

impl RowSink for Rows {
    fn header(&mut self, header: &Header) -> tabsense::Result<()> {
        assert!(header.tensors.len() <= MAX_TENSORS && self.header.is_none(), "{header:?}");
        assert!(header.tensors.iter().all(|tensor| tensor.shape.len() <= MAX_RANK), "{header:?}");
        self.header = Some(header.clone());
        Ok(())
    }

    fn takes(&self, tensor: usize) -> bool {
        self.passed >> (tensor % 64) & 1 == 0
    }

    fn row(&mut self, tensor: usize, row: usize, bytes: &[u8]) -> tabsense::Result<()> {
        self.rows.push((tensor, row, bytes.to_vec()));
        Ok(())
    }
}

/// The rows of a file, and the kind of its error, if any.
fn read<'a>(
    mut chunks: impl Iterator<Item = &'a [u8]>,
    passed: u64,
    announced: Option<usize>,
) -> (Rows, Option<tabsense::ErrorKind>) {
    let (mut reader, mut rows) = (Reader::new(announced), Rows { passed, ..Rows::default() });
    let result = chunks.try_for_each(|chunk| reader.push(chunk, &mut rows)).and_then(|()| reader.finish());
    let kind = result.as_ref().err().map(|error| (check_message(error), error.kind()).1);
    assert!(result.is_err() || rows.header.is_some(), "a file without a header was read");
    (rows, kind)
}

fn target(u: &mut Unstructured) -> Result<()> {
    let file = match complete_file(u) {
        Some(file) => file.to_vec(),
        None if u.ratio(1, 16)? => u.arbitrary()?,
        None => {
            let tensors = tensors::tensors(u)?;
            tensors::hostile(tensors, u)?
        }
    };
    let (size, passed) = (u.int_in_range(1..=300)?, if u.ratio(1, 4)? { u.arbitrary()? } else { 0 });
    let announced = match u.int_in_range(0..=3)? {
        0 => Some(file.len()),
        1 => u.arbitrary()?,
        _ => None,
    };
    let whole = read(std::iter::once(&file[..]), passed, announced);
    assert_eq!(read(file.chunks(size), passed, announced), whole, "chunks of {size}");
    // Coded files take most of the time.
    if !u.ratio(1, 4)? {
        return Ok(());
    }
    let Ok(mut coded) = coded::encode(&file) else { return Ok(()) };
    let back = coded::decode(coded.clone());
    assert!(back.as_ref() == Ok(&file), "{back:?} of {file:?}");
    let is_plain = coded::decode(file.clone()).as_ref() == Ok(&file);
    if announced.is_none() && is_plain {
        assert_eq!(read(coded.chunks(size), passed, None), whole, "coded, in chunks of {size}");
    }
    damage(&mut coded, u)?;
    let damaged = read(std::iter::once(&coded[..]), passed, None);
    assert_eq!(read(coded.chunks(size), passed, None), damaged, "damaged, in chunks of {size}");
    Ok(())
}

fuzz_target!(|data: &[u8]| run_bounded(data, target));

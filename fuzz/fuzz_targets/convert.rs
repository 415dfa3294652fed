//! Converting and pruning weights that lie: either the result is a valid file, or there is an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tabsense::convert::{Converter, Format};
use tabsense::prune::Pruner;
use tabsense::weights::stream::Reader;
use tabsense_fuzz::{Output, Result, TakesAllRows, Unstructured, check_result, run_bounded, tensors};

fn converted<'a>(mut chunks: impl Iterator<Item = &'a [u8]>, format: Format) -> Output {
    let (mut converter, mut out) = (Converter::new(format), Vec::new());
    let result = chunks.try_for_each(|chunk| converter.push(chunk).map(|bytes| out.extend(bytes)));
    check_result(result.and_then(|()| converter.finish()).map(|rest| [out, rest].concat()))
}

fn pruned<'a>(mut chunks: impl Iterator<Item = &'a [u8]>, config: &[u8], rows: &[u32]) -> Output {
    let mut out = Vec::new();
    let result = Pruner::new(config, rows.to_vec()).and_then(|mut pruner| {
        chunks.try_for_each(|chunk| pruner.push(chunk).map(|bytes| out.extend(bytes)))?;
        pruner.finish()
    });
    check_result(result.map(|rest| [out, rest].concat()))
}

/// Checks that the result is a complete file.
fn is_read(out: &[u8]) {
    let mut reader = Reader::new(Some(out.len()));
    let read = reader.push(out, &mut TakesAllRows).and_then(|()| reader.finish());
    assert!(read.is_ok(), "what was made is not read: {read:?}");
}

fn target(u: &mut Unstructured) -> Result<()> {
    let (model, file) = tensors::weights(u)?;
    let size = u.int_in_range(1..=600)?;
    let format = *u.choose(&[Format::Int8, Format::Fp16])?;
    let whole = converted(std::iter::once(&file[..]), format);
    assert!(converted(file.chunks(size), format) == whole, "converted in chunks of {size}");
    if let Ok(out) = &whole {
        is_read(out);
    }
    let rows: Vec<u32> = (0..u.int_in_range(0..=40)?).map(|_| u.int_in_range(0..=120)).collect::<Result<_>>()?;
    let whole = pruned(std::iter::once(&file[..]), model.config, &rows);
    assert!(pruned(file.chunks(size), model.config, &rows) == whole, "pruned in chunks of {size}");
    if let Ok(out) = &whole {
        is_read(out);
    }
    Ok(())
}

fuzz_target!(|data: &[u8]| run_bounded(data, target));

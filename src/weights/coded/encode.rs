//! Writes the format that [`Decoder`](super::Decoder) reads, and decodes whole files: for the converter.

use super::{BITS, BLOCK, Decoder, LANES, LOW, TENSOR, TOTAL, is_coded};
use crate::error::{Error, ErrorKind, Result, try_reserve};
use crate::weights::header::{Header, PREFIX_BYTES, header_length, not_safetensors};
use crate::weights::safetensors::write_header;
use ::safetensors::tensor::Dtype;

/// The plain form of a whole safetensors file: decoded if it is compressed, otherwise unchanged.
///
/// # Errors
/// [`ErrorKind::NotAModel`] and [`ErrorKind::WeightsHeader`] if `file` is not one;
/// [`ErrorKind::WeightsLength`] if it is incomplete; [`ErrorKind::OutOfMemory`].
pub fn decode(file: Vec<u8>) -> Result<Vec<u8>> {
    let (start, outer) = header(&file)?;
    if !is_coded(&outer.tensors)? {
        return Ok(file);
    }
    let (mut decoder, mut coded, mut plain) = (Decoder::new(), &file[start..], Vec::new());
    while !coded.is_empty() {
        let some = decoder.take(&mut coded)?;
        try_reserve(&mut plain, some.len(), "the plain weights")?;
        plain.extend_from_slice(some);
    }
    if !decoder.is_complete() {
        return Err(Error::new(
            ErrorKind::WeightsLength,
            format!("The weights end after {} decoded bytes: load them again.", plain.len()),
        ));
    }
    header(&plain)?;
    Ok(plain)
}

/// The coded form of a whole, plain safetensors file ([`decode`]).
///
/// # Errors
/// [`ErrorKind::NotAModel`](crate::error::ErrorKind::NotAModel) and
/// [`ErrorKind::WeightsHeader`](crate::error::ErrorKind::WeightsHeader) if `file` is not one;
/// [`ErrorKind::WeightsLength`] if it is incomplete.
pub fn encode(file: &[u8]) -> Result<Vec<u8>> {
    let mut coded = (file.len() as u64).to_le_bytes().to_vec();
    let mut rest = file;
    for (bytes, planes) in runs(file)? {
        let (run, others) = rest.split_at(bytes);
        rest = others;
        // Blocks of similar size, so that the last one is not a few bytes with their own table.
        let size = bytes.div_ceil(bytes.div_ceil(BLOCK)).next_multiple_of(LANES).min(BLOCK);
        run.chunks(size).for_each(|block| push_block(block, planes, &mut coded));
    }
    let tensor = (TENSOR.to_owned(), Dtype::U8, vec![coded.len()], coded.len());
    let mut out = write_header([tensor], &[("format", "tabsense")]);
    out.append(&mut coded);
    Ok(out)
}

/// The offset of the tensors in a whole file, and its header.
fn header(file: &[u8]) -> Result<(usize, Header)> {
    let Some((prefix, rest)) = file.split_first_chunk::<PREFIX_BYTES>() else { return Err(not_safetensors(file)) };
    let json = header_length(*prefix)?.and_then(|length| rest.get(..length)).ok_or_else(|| not_safetensors(file))?;
    let header = Header::parse(json)?;
    if header.file_bytes != file.len() {
        return Err(crate::weights::stream::ended(file.len(), header.file_bytes));
    }
    Ok((PREFIX_BYTES + json.len(), header))
}

/// The header, then runs of adjacent tensors of one type: their bytes, and the number of planes of the type.
fn runs(file: &[u8]) -> Result<Vec<(usize, usize)>> {
    let (start, header) = header(file)?;
    // The header stays as it is, so that tools can read it without a decoder.
    let mut runs = vec![(start, 0)];
    let mut dtype = None;
    for tensor in header.tensors.iter().filter(|tensor| tensor.bytes > 0) {
        let planes = match tensor.dtype.bitsize() {
            16 => 2,
            32 => 4,
            _ => 1,
        };
        match runs.last_mut() {
            Some((bytes, _)) if dtype == Some(tensor.dtype) => *bytes += tensor.bytes,
            _ => runs.push((tensor.bytes, planes)),
        }
        dtype = Some(tensor.dtype);
    }
    Ok(runs)
}

fn push_block(block: &[u8], planes: usize, out: &mut Vec<u8>) {
    let coded = if planes == 0 { Vec::new() } else { coded(block, planes) };
    let pays = planes > 0 && coded.len() < block.len();
    let (planes, bytes) = if pays { (planes, &coded[..]) } else { (0, block) };
    out.extend((block.len() as u32).to_le_bytes());
    out.extend((bytes.len() as u32).to_le_bytes());
    out.push(planes as u8);
    out.extend_from_slice(bytes);
}

/// The tables, states and words of a block.
fn coded(block: &[u8], planes: usize) -> Vec<u8> {
    let mut counts = vec![[0; 256]; planes];
    for (i, &byte) in block.iter().enumerate() {
        counts[i % planes][usize::from(byte)] += 1;
    }
    let frequencies: Vec<_> = counts.iter().map(frequencies).collect();
    let firsts: Vec<[u32; 256]> = frequencies.iter().map(firsts).collect();
    let (mut states, mut words) = ([LOW; LANES], Vec::new());
    // The decoder's steps, backwards.
    for (i, &byte) in block.iter().enumerate().rev() {
        let (state, plane, byte) = (&mut states[i % LANES], i % planes, usize::from(byte));
        let frequency = frequencies[plane][byte];
        if u64::from(*state) >= u64::from(frequency) << (32 - BITS) {
            words.push(*state as u16);
            *state >>= 16;
        }
        *state = (*state / frequency) << BITS | (*state % frequency + firsts[plane][byte]);
    }
    let mut out = Vec::new();
    for &frequency in frequencies.iter().flatten() {
        match frequency {
            0..=127 => out.push(frequency as u8),
            _ => out.extend([frequency as u8 | 128, (frequency >> 7) as u8]),
        }
    }
    out.extend(states.iter().flat_map(|state| state.to_le_bytes()));
    out.extend(words.iter().rev().flat_map(|word| word.to_le_bytes()));
    out
}

/// Frequencies in proportion to `counts`, with the sum [`TOTAL`]; none is 0 if its count is not.
fn frequencies(counts: &[u64; 256]) -> [u32; 256] {
    let all = counts.iter().sum::<u64>().max(1);
    let mut shares = counts.map(|count| match count {
        0 => 0,
        _ => ((count * u64::from(TOTAL) + all / 2) / all).max(1) as u32,
    });
    loop {
        let sum = shares.iter().sum::<u32>();
        // The rounding remainder is added to or taken from the largest, where it costs least.
        let largest = (0..256).max_by_key(|&byte| shares[byte]).expect("there are 256 bytes");
        match sum {
            TOTAL => return shares,
            _ if sum < TOTAL => shares[largest] += TOTAL - sum,
            _ => shares[largest] -= (sum - TOTAL).min(shares[largest] / 2).max(1),
        }
    }
}

/// The start of each byte's share.
fn firsts(frequencies: &[u32; 256]) -> [u32; 256] {
    let mut sum = 0;
    frequencies.map(|frequency| {
        let first = sum;
        sum += frequency;
        first
    })
}

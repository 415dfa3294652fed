//! The records of a zip archive: those before and after an entry, and those of the directory at the end.

use super::{invalid, refused};
use crate::error::Result;

pub const LOCAL: [u8; 4] = *b"PK\x03\x04";
pub const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";
pub const DIRECTORY: [u8; 4] = *b"PK\x01\x02";
pub const END64: [u8; 4] = *b"PK\x06\x06";
pub const LOCATOR64: [u8; 4] = *b"PK\x06\x07";
pub const END: [u8; 4] = *b"PK\x05\x06";

/// The lengths of two records, including signatures but without names and other variable parts.
const LOCAL_BYTES: usize = 30;
const DIRECTORY_BYTES: usize = 46;

const ENCRYPTED: u16 = 1;
const DESCRIBED: u16 = 8;
/// A size that is in the extra field.
const ELSEWHERE: u32 = u32::MAX;
/// The extra field for 64-bit sizes.
const ZIP64: u16 = 1;

/// The record before an entry's bytes.
pub struct Local {
    pub name: String,
    /// The entry's length, unless it follows the entry.
    pub size: Option<u64>,
    /// The length of the record after the entry, 0 if there is none.
    pub descriptor_bytes: usize,
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

/// The length of a record that begins with `signature`, without names and other variable parts.
pub fn fixed_bytes(signature: [u8; 4]) -> usize {
    match signature {
        LOCAL => LOCAL_BYTES,
        DIRECTORY => DIRECTORY_BYTES,
        END64 => 12,
        LOCATOR64 => 20,
        _ => 22,
    }
}

/// The length of the whole record with `signature` that begins with `fixed`.
///
/// # Errors
/// [`crate::ErrorKind::WeightsHeader`] if it is longer than allowed.
pub fn whole_bytes(signature: [u8; 4], fixed: &[u8]) -> Result<usize> {
    let lengths: &[usize] = match signature {
        LOCAL => &[26, 28],
        DIRECTORY => &[28, 30, 32],
        END64 => {
            let more = usize::try_from(u64_at(fixed, 4)).ok().filter(|&n| n <= usize::from(u16::MAX));
            return more.map(|n| fixed.len() + n).ok_or_else(|| invalid("has a directory end that is too long"));
        }
        END => &[20],
        _ => &[],
    };
    Ok(lengths.iter().fold(fixed.len(), |sum, &at| sum + usize::from(u16_at(fixed, at))))
}

/// Reads a complete local record.
///
/// # Errors
/// [`crate::ErrorKind::WeightsHeader`] if the entry is encrypted or compressed, or the record is invalid.
pub fn local(record: &[u8]) -> Result<Local> {
    let (flags, method) = (u16_at(record, 6), u16_at(record, 8));
    let (name, extra) = record[LOCAL_BYTES..].split_at(usize::from(u16_at(record, 26)));
    let name = String::from_utf8(name.to_vec()).map_err(|_| invalid("has a name that is not UTF-8"))?;
    if flags & ENCRYPTED != 0 {
        return Err(refused("is encrypted: unpack it, and save it again with torch.save"));
    }
    if method != 0 {
        return Err(refused(
            "is compressed, which torch.save never does: unpack it, and save it again with \
         torch.save",
        ));
    }
    let zip64 = field(extra, ZIP64);
    let (packed, size) = (u32_at(record, 18), u32_at(record, 22));
    if flags & DESCRIBED != 0 {
        return Ok(Local { name, size: None, descriptor_bytes: if zip64.is_some() { 24 } else { 16 } });
    }
    let size = match zip64 {
        Some(sizes) if size == ELSEWHERE && sizes.len() >= 8 => u64_at(sizes, 0),
        _ if packed == size && size != ELSEWHERE => u64::from(size),
        _ => return Err(invalid("has an entry with two lengths")),
    };
    Ok(Local { name, size: Some(size), descriptor_bytes: 0 })
}

/// The extra field `id` among `extra`.
fn field(mut extra: &[u8], id: u16) -> Option<&[u8]> {
    while extra.len() >= 4 {
        let end = (4 + usize::from(u16_at(extra, 2))).min(extra.len());
        if u16_at(extra, 0) == id {
            return Some(&extra[4..end]);
        }
        extra = &extra[end..];
    }
    None
}

/// Whether `record` is the descriptor after an entry of `size` bytes.
pub fn describes(record: &[u8], size: u64) -> bool {
    let sizes = match record.len() {
        16 => [u32_at(record, 8), u32_at(record, 12)].map(u64::from),
        24 => [u64_at(record, 8), u64_at(record, 16)],
        _ => return false,
    };
    record[..4] == DESCRIPTOR && sizes == [size; 2]
}

/// Whether the directory's `record` describes the entry `name` of `size` bytes that begins at `offset`.
pub fn lists(record: &[u8], name: &str, size: u64, offset: u64) -> bool {
    let (its_name, rest) = record[DIRECTORY_BYTES..].split_at(usize::from(u16_at(record, 28)));
    let extra = &rest[..usize::from(u16_at(record, 30))];
    // Sizes that don't fit 32 bits are in the extra field, in this order.
    let mut long = field(extra, ZIP64).unwrap_or_default();
    let mut number = |at: usize| match u32_at(record, at) {
        ELSEWHERE => {
            let (n, rest) = long.split_at_checked(8)?;
            long = rest;
            Some(u64_at(n, 0))
        }
        n => Some(u64::from(n)),
    };
    let (its_size, packed, its_offset) = (number(24), number(20), number(42));
    its_name == name.as_bytes() && its_size == Some(size) && packed == its_size && its_offset == Some(offset)
}

//! The safetensors header: eight bytes of length, then JSON with the name, type, shape and position of each
//! tensor.
//!
//! The names and sizes of the types come from the `safetensors` crate. Its own checks count bits in `usize`,
//! which on wasm32 overflows at tensors of 512 MiB; the checks here count in u64.

use crate::error::{Error, ErrorKind, Result};
use crate::file_kind;
use safetensors::tensor::Dtype;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::{HashMap, HashSet};
use std::fmt;

/// Bytes of the length at the start of the file.
pub const PREFIX_BYTES: usize = 8;
/// Bytes that suffice to recognize a file that is not safetensors.
pub const SNIFFED_BYTES: usize = 1024;
/// The maximum length of a header; that of DistilBERT has about 12 kB.
pub const MAX_HEADER_BYTES: usize = 1 << 20;
/// The maximum number of tensors; DistilBERT has 104.
pub const MAX_TENSORS: usize = 1024;
/// The maximum rank; text classifiers have matrices and vectors.
pub const MAX_RANK: usize = 4;

/// One tensor of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorInfo {
    /// Its name in the checkpoint.
    pub name: String,
    /// How its numbers are stored.
    pub dtype: Dtype,
    /// Its shape, with at most [`MAX_RANK`] sizes.
    pub shape: Vec<usize>,
    /// Its length in bytes.
    pub bytes: usize,
}

/// The tensors of a file, in the order of their bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// The tensors, each starting where the previous one ends.
    pub tensors: Vec<TensorInfo>,
    /// Bytes of the whole file: prefix, header and tensors.
    pub file_bytes: usize,
}

/// A tensor's name for messages: in quotes, and shortened if it is too long.
pub fn quoted(name: &str) -> String {
    const MAX_CHARACTERS: usize = 120;
    match name.char_indices().nth(MAX_CHARACTERS) {
        Some((end, _)) => format!("{:?}…", &name[..end]),
        None => format!("{name:?}"),
    }
}

fn invalid(message: impl fmt::Display) -> Error {
    Error::new(
        ErrorKind::WeightsHeader,
        format!("The safetensors header {message}: download the file again, from its source."),
    )
}

/// The header's length, from the file's first eight bytes; `None` if it is more than [`MAX_HEADER_BYTES`].
/// Then the file is of another kind, which [`not_safetensors`] names.
///
/// # Errors
/// [`ErrorKind::WeightsHeader`] if it is 0 or 1.
pub fn header_length(prefix: [u8; PREFIX_BYTES]) -> Result<Option<usize>> {
    match u64::from_le_bytes(prefix) {
        0 | 1 => Err(invalid("is empty")),
        n => Ok((n <= MAX_HEADER_BYTES as u64).then_some(n as usize)),
    }
}

/// The error for a file without a header, from its first bytes: [`SNIFFED_BYTES`], or all of them if there
/// are fewer.
pub fn not_safetensors(first_bytes: &[u8]) -> Error {
    let name = file_kind::name_of(first_bytes).or_else(|| {
        let text = first_bytes.strip_prefix(file_kind::BYTE_ORDER_MARK).unwrap_or(first_bytes);
        text.trim_ascii_start().starts_with(b"{").then_some("a JSON file, perhaps an index of sharded weights")
    });
    match name {
        Some(name) => Error::new(
            ErrorKind::NotAModel,
            format!("The weights are {name}, not a safetensors, ONNX or PyTorch file. Check the address or the file."),
        ),
        None => invalid("is missing or too long for a model"),
    }
}

/// What the header says about a tensor.
#[derive(Deserialize)]
struct Entry {
    dtype: Dtype,
    shape: Vec<u64>,
    data_offsets: (u64, u64),
}

impl Header {
    /// Parses and checks the JSON of a header.
    ///
    /// # Errors
    /// [`ErrorKind::WeightsHeader`] if it is invalid in any way; [`ErrorKind::OutOfMemory`] if the file is
    /// longer than this machine can address.
    pub fn parse(json: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(json).map_err(|_| invalid("is not UTF-8"))?;
        let mut entries = entries(text)?;
        // Tensors without bytes start where the next one starts.
        crate::order::sort_by_key(&mut entries, |(_, entry)| entry.data_offsets);
        let mut tensors = Vec::with_capacity(entries.len());
        let mut end = 0;
        for (name, entry) in entries {
            let Entry { dtype, shape, data_offsets: (first, last) } = entry;
            if shape.len() > MAX_RANK {
                return Err(invalid(format!(
                    "gives {} {} dimensions, more than {MAX_RANK}",
                    quoted(&name),
                    shape.len()
                )));
            }
            if first != end {
                return Err(invalid(format!(
                    "leaves a gap before {} or makes it overlap another tensor",
                    quoted(&name)
                )));
            }
            if last.checked_sub(first).is_none_or(|bytes| tensor_bytes(&shape, dtype.bitsize() as u64) != Some(bytes)) {
                return Err(invalid(format!("gives {} a length that doesn't match its shape", quoted(&name))));
            }
            end = last;
            let shape = shape.iter().map(|&n| addressable(n)).collect::<Result<_>>()?;
            tensors.push(TensorInfo { name, dtype, shape, bytes: addressable(last - first)? });
        }
        let file_bytes = end.checked_add((PREFIX_BYTES + json.len()) as u64).ok_or_else(|| too_long(end))?;
        Ok(Self { tensors, file_bytes: addressable(file_bytes)? })
    }
}

/// Bytes of a tensor of `shape` with `bits` bits per number; `None` if they are not whole bytes, or more than
/// u64 can count.
fn tensor_bytes(shape: &[u64], bits: u64) -> Option<u64> {
    let bits = shape.iter().try_fold(1u64, |product, &n| product.checked_mul(n))?.checked_mul(bits)?;
    bits.is_multiple_of(8).then_some(bits / 8)
}

fn addressable(n: u64) -> Result<usize> {
    usize::try_from(n).map_err(|_| too_long(n))
}

fn too_long(n: u64) -> Error {
    Error::new(
        ErrorKind::OutOfMemory,
        format!("The weights have {n} bytes or rows, more than can be addressed here: use a smaller model."),
    )
}

/// The header's tensors by name. Duplicate names are detected here: in a map, the last one would silently
/// win.
fn entries(text: &str) -> Result<Vec<(String, Entry)>> {
    struct Names;
    impl<'de> Visitor<'de> for Names {
        type Value = Result<Vec<(String, Entry)>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of tensors")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
            let mut seen = HashSet::new();
            let mut entries = Ok(Vec::new());
            while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                if let Ok(list) = &mut entries
                    && let Err(error) = entry(name, value, &mut seen, list)
                {
                    entries = Err(error);
                }
            }
            Ok(entries)
        }
    }
    // serde_json's messages repeat the file's text, which may contain anything.
    let at =
        |e: serde_json::Error| invalid(format!("can't be read as JSON (column {} of line {})", e.column(), e.line()));
    let mut json = serde_json::Deserializer::from_str(text);
    let entries = json.deserialize_map(Names).map_err(at)??;
    json.end().map_err(at)?;
    Ok(entries)
}

/// Adds what `value` says about tensor `name` to `list`.
fn entry(name: String, value: &RawValue, seen: &mut HashSet<String>, list: &mut Vec<(String, Entry)>) -> Result<()> {
    #[derive(Deserialize)]
    struct Typed {
        #[serde(rename = "dtype")]
        _dtype: Dtype,
    }
    if !seen.insert(name.clone()) {
        return Err(invalid(format!("names {} twice", quoted(&name))));
    }
    let text = value.get();
    if name == "__metadata__" {
        return match serde_json::from_str::<HashMap<String, String>>(text) {
            Ok(_) => Ok(()),
            Err(_) => Err(invalid("can't be read (\"__metadata__\" may only contain strings)")),
        };
    }
    if list.len() == MAX_TENSORS {
        return Err(invalid(format!("names more than {MAX_TENSORS} tensors")));
    }
    match serde_json::from_str(text) {
        Ok(entry) => list.push((name, entry)),
        Err(_) if serde_json::from_str::<Typed>(text).is_err() => {
            return Err(invalid(format!("can't be read (the type of {} is missing or unknown)", quoted(&name))));
        }
        Err(_) => {
            return Err(invalid(format!("can't be read (the shape or the offsets of {} are wrong)", quoted(&name))));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(json: impl AsRef<[u8]>) -> String {
        let e = Header::parse(json.as_ref()).expect_err("a lie");
        assert_eq!(e.kind(), ErrorKind::WeightsHeader);
        e.message().to_owned()
    }

    #[test]
    fn tensors_come_in_the_order_of_their_bytes() {
        let header = Header::parse(
            br#"{"b":{"dtype":"F32","shape":[2],"data_offsets":[6,14]},
                 "a":{"dtype":"F16","shape":[3,1],"data_offsets":[0,6]},
                 "__metadata__":{"format":"pt"}}  "#,
        )
        .unwrap();
        let names: Vec<_> = header.tensors.iter().map(|t| (t.name.as_str(), t.bytes)).collect();
        assert_eq!(names, [("a", 6), ("b", 8)]);
        assert_eq!(header.tensors[0].shape, [3, 1]);
    }

    #[test]
    fn rejects_lengths_of_zero_and_of_the_maximum() {
        for n in [0u64, 1] {
            assert_eq!(header_length(n.to_le_bytes()).unwrap_err().kind(), ErrorKind::WeightsHeader, "{n}");
        }
        for n in [MAX_HEADER_BYTES as u64 + 1, u64::MAX, u64::from_le_bytes(*b"<!doctyp")] {
            assert_eq!(header_length(n.to_le_bytes()).unwrap(), None, "{n}");
        }
        assert_eq!(header_length(300u64.to_le_bytes()).unwrap(), Some(300));
    }

    #[test]
    fn what_is_no_utf8() {
        assert!(error(b"{\"\xff\": 1}").contains("UTF-8"));
    }

    #[test]
    fn what_is_no_json_object() {
        for json in ["", "[]", "{", "3", "null", "{} {}", r#"{"a": 3}"#, r#"{"a": {"dtype": "F32"}}"#] {
            assert!(error(json).contains("can't be read"), "{json}");
        }
    }

    #[test]
    fn an_unknown_dtype() {
        let error = error(r#"{"a":{"dtype":"<b>31</b>","shape":[1],"data_offsets":[0,4]}}"#);
        assert!(error.contains("type of \"a\""), "{error}");
        assert!(!error.contains("<b>"), "{error}");
    }

    #[test]
    fn offsets_that_contradict_the_sizes() {
        let one = |shape: &str, offsets: &str| {
            error(format!(r#"{{"a":{{"dtype":"F32","shape":{shape},"data_offsets":{offsets}}}}}"#))
        };
        one("[1]", "[4,0]"); // backwards
        one("[1]", "[0,8]"); // larger than its shape
        one("[2]", "[0,4]"); // smaller than its shape
        one("[1]", "[0,-4]"); // negative
        one("[1]", "[0,99999999999999999999]"); // beyond any machine
        one("[4611686018427387904,4]", "[0,0]"); // a shape whose product overflows
        one("[1]", "[4,8]"); // a gap before the first
    }

    #[test]
    fn a_hole_and_an_overlap() {
        let two = |second: &str| {
            error(format!(
                r#"{{"a":{{"dtype":"F32","shape":[1],"data_offsets":[0,4]}},
                     "b":{{"dtype":"F32","shape":[1],"data_offsets":{second}}}}}"#
            ))
        };
        two("[8,12]");
        two("[0,4]");
        two("[2,6]");
    }

    #[test]
    fn duplicate_names() {
        let json = r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},
                       "a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
        assert!(error(json).contains("twice"));
    }

    #[test]
    fn a_rank_too_high() {
        assert!(error(r#"{"a":{"dtype":"F32","shape":[1,1,1,1,1],"data_offsets":[0,4]}}"#).contains("dimensions"));
    }

    #[test]
    fn too_many_tensors() {
        let tensors: Vec<_> = (0..MAX_TENSORS + 1)
            .map(|i| format!(r#""t{i}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#))
            .collect();
        assert!(error(format!("{{{}}}", tensors.join(","))).contains("more than"));
    }

    #[test]
    fn sizes_are_counted_beyond_32_bits() {
        // 512 MiB of f32 are 2^32 bits.
        assert_eq!(tensor_bytes(&[1 << 17, 1 << 10], 32), Some(1 << 29));
        assert_eq!(tensor_bytes(&[1 << 40, 1 << 10], 32), Some(1 << 52));
        assert_eq!(tensor_bytes(&[1 << 32, 1 << 32], 32), None);
        assert_eq!(tensor_bytes(&[3], 4), None);
        assert_eq!(tensor_bytes(&[], 64), Some(8));
        assert_eq!(tensor_bytes(&[u64::from(u32::MAX), 0], 32), Some(0));
        assert_eq!(tensor_bytes(&[u64::MAX, 0], 32), Some(0));
    }

    #[test]
    fn a_tensor_of_a_gibibyte_is_taken() {
        let json = r#"{"a":{"dtype":"F32","shape":[262144,1024],"data_offsets":[0,1073741824]}}"#;
        let header = Header::parse(json.as_bytes()).unwrap();
        assert_eq!(header.tensors[0].bytes, 1 << 30);
    }

    #[test]
    fn long_names_are_cut_in_messages() {
        let name = "ä".repeat(100_000);
        let error = error(format!(r#"{{"{name}":{{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}}}"#));
        assert!(error.contains("ää") && error.len() < 500, "{} bytes", error.len());
    }
}

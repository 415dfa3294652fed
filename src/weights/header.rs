//! The safetensors header: eight bytes of length, then JSON that names each tensor, its type, shape and place.
//!
//! The `safetensors` crate parses it and checks that the tensors follow each other without hole or overlap and that
//! each place has the size of its shape. The checks of our own are those of a stream that nobody can trust.

use crate::error::{Error, ErrorKind, Result};
use safetensors::tensor::{Dtype, Metadata};
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use std::collections::HashSet;
use std::fmt;

/// Bytes of the length that the file begins with.
pub const PREFIX_BYTES: usize = 8;
/// The longest header taken; DistilBERT's has some 12 kB.
pub const MAX_HEADER_BYTES: usize = 1 << 20;
/// The most tensors taken; DistilBERT has 104.
pub const MAX_TENSORS: usize = 1024;
/// The highest rank taken; text classifiers have matrices and vectors.
pub const MAX_RANK: usize = 4;

/// One tensor of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorInfo {
    /// Its name in the checkpoint.
    pub name: String,
    /// How its numbers are stored.
    pub dtype: Dtype,
    /// Its shape, at most [`MAX_RANK`] sizes.
    pub shape: Vec<usize>,
    /// Its bytes.
    pub bytes: usize,
}

/// The tensors of a file, in the order of their bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// The tensors, each beginning where the one before it ends.
    pub tensors: Vec<TensorInfo>,
    /// Bytes of the whole file: prefix, header and tensors.
    pub file_bytes: usize,
}

fn lies(message: impl fmt::Display) -> Error {
    Error::new(
        ErrorKind::WeightsHeader,
        format!("The safetensors header {message}: download the file again, or take it from its origin."),
    )
}

/// The header's length, from the file's first eight bytes.
///
/// # Errors
/// [`ErrorKind::WeightsHeader`] where it is zero or more than [`MAX_HEADER_BYTES`].
pub fn header_length(prefix: [u8; PREFIX_BYTES]) -> Result<usize> {
    match u64::from_le_bytes(prefix) {
        0 | 1 => Err(lies("is empty")),
        n if n > MAX_HEADER_BYTES as u64 => {
            Err(lies(format!("says that it is {n} bytes long, more than {MAX_HEADER_BYTES}")))
        }
        n => Ok(n as usize),
    }
}

impl Header {
    /// Parses and checks the JSON of a header.
    ///
    /// # Errors
    /// [`ErrorKind::WeightsHeader`] for every way in which it can lie.
    pub fn parse(json: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(json).map_err(|_| lies("is not UTF-8"))?;
        check_names(text)?;
        let metadata: Metadata = serde_json::from_str(text).map_err(|e| lies(format!("can't be read ({e})")))?;
        let mut tensors = Vec::new();
        for name in metadata.offset_keys() {
            let info = metadata.info(&name).expect("the crate lists its own names");
            if info.shape.len() > MAX_RANK {
                return Err(lies(format!("gives {name:?} {} dimensions, more than {MAX_RANK}", info.shape.len())));
            }
            tensors.push(TensorInfo {
                name,
                dtype: info.dtype,
                shape: info.shape.clone(),
                bytes: info.data_offsets.1 - info.data_offsets.0,
            });
        }
        let file_bytes = tensors
            .iter()
            .try_fold(PREFIX_BYTES + json.len(), |sum, t| sum.checked_add(t.bytes))
            .ok_or_else(|| lies("adds up to more bytes than this machine can count"))?;
        Ok(Self { tensors, file_bytes })
    }
}

/// Duplicate names and too many of them: the crate collects into a map, where the last of two would win unseen.
fn check_names(text: &str) -> Result<()> {
    struct Names;
    impl<'de> Visitor<'de> for Names {
        type Value = std::result::Result<(), String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of tensors")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
            let mut seen = HashSet::new();
            let mut found = Ok(());
            while let Some((name, IgnoredAny)) = map.next_entry::<String, IgnoredAny>()? {
                if found.is_ok() && seen.len() > MAX_TENSORS {
                    found = Err(format!("names more than {MAX_TENSORS} tensors"));
                }
                if found.is_ok() && seen.contains(&name) {
                    found = Err(format!("names {name:?} twice"));
                }
                if found.is_ok() {
                    seen.insert(name);
                }
            }
            Ok(found)
        }
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let names = json.deserialize_map(Names).map_err(|e| lies(format!("can't be read ({e})")))?;
    names.map_err(lies)?;
    json.end().map_err(|e| lies(format!("can't be read ({e})")))
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
    fn a_length_of_nothing_or_of_everything_is_refused() {
        for n in [0, 1, MAX_HEADER_BYTES as u64 + 1, u64::MAX, u64::from_le_bytes(*b"<!doctyp")] {
            assert_eq!(header_length(n.to_le_bytes()).unwrap_err().kind(), ErrorKind::WeightsHeader, "{n}");
        }
        assert_eq!(header_length(300u64.to_le_bytes()).unwrap(), 300);
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
        assert!(error(r#"{"a":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}}"#).contains("F31"));
    }

    #[test]
    fn offsets_that_lie() {
        let one = |shape: &str, offsets: &str| {
            error(format!(r#"{{"a":{{"dtype":"F32","shape":{shape},"data_offsets":{offsets}}}}}"#))
        };
        one("[1]", "[4,0]"); // backwards
        one("[1]", "[0,8]"); // larger than its shape
        one("[2]", "[0,4]"); // smaller than its shape
        one("[1]", "[0,-4]"); // negative
        one("[1]", "[0,99999999999999999999]"); // more than any machine
        one("[4611686018427387904,4]", "[0,0]"); // a shape whose product overflows
        one("[1]", "[4,8]"); // a hole before the first
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
        let tensors: Vec<_> = (0..MAX_TENSORS + 2)
            .map(|i| format!(r#""t{i}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#))
            .collect();
        assert!(error(format!("{{{}}}", tensors.join(","))).contains("more than"));
    }
}

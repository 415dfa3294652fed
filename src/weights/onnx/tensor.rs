//! Tensors as an ONNX file stores them: their names, types and sizes, and their bytes, in the message or in
//! another file next to it.
//!
//! Source: onnx.proto of ONNX 1.23, `TensorProto`.

use super::data::Data;
use super::graph::entry;
use super::wire::{Fields, Value, invalid};
use crate::error::Result;
use crate::weights::dtype::{Storage, decode};
use crate::weights::header::{MAX_RANK, quoted};

/// How a tensor's numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Floating-point numbers.
    Float(Storage),
    /// Integers of 8 bits, signed or unsigned.
    Byte {
        /// Whether they are signed.
        signed: bool,
    },
    /// Integers of 4 bits, signed or unsigned, two per byte, the first in its lower half.
    Nibble {
        /// Whether they are signed.
        signed: bool,
    },
    /// 64-bit integers: sizes and positions, never weights.
    Int64,
    /// Any other type, by its number in onnx.proto.
    Other(i64),
}

impl Type {
    fn of(data_type: i64) -> Self {
        match data_type {
            1 => Self::Float(Storage::F32),
            2 => Self::Byte { signed: false },
            3 => Self::Byte { signed: true },
            7 => Self::Int64,
            10 => Self::Float(Storage::F16),
            11 => Self::Float(Storage::F64),
            16 => Self::Float(Storage::Bf16),
            21 => Self::Nibble { signed: false },
            22 => Self::Nibble { signed: true },
            other => Self::Other(other),
        }
    }

    /// Bytes of `numbers` numbers; `None` if unknown or more than can be counted.
    fn bytes(self, numbers: u64) -> Option<u64> {
        match self {
            Self::Float(storage) => numbers.checked_mul(storage.bytes() as u64),
            Self::Byte { .. } => Some(numbers),
            Self::Nibble { .. } => Some(numbers.div_ceil(2)),
            Self::Int64 => numbers.checked_mul(8),
            Self::Other(_) => None,
        }
    }
}

/// A part of an external file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct External {
    /// The file's name.
    pub location: String,
    /// Where the part begins in the file.
    pub offset: u64,
    /// Its length in bytes.
    pub length: u64,
}

/// The description of a tensor, without its bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Head {
    /// Its name.
    pub name: String,
    sizes: Vec<i64>,
    data_type: i64,
    /// The keys and values of its location, if it is external.
    external_data: Vec<(String, String)>,
    is_external: bool,
}

impl Head {
    /// Reads a field if it describes the tensor; returns whether it does.
    ///
    /// # Errors
    /// [`crate::ErrorKind::WeightsHeader`].
    pub fn take(&mut self, field: u32, value: Value) -> Result<bool> {
        match field {
            1 => {
                value.integers(&mut self.sizes)?;
                if self.sizes.len() > 2 * MAX_RANK {
                    return Err(invalid("has a tensor with too many dimensions"));
                }
            }
            2 => self.data_type = value.integer(),
            3 => return Err(invalid("has a tensor in segments")),
            8 => self.name = value.text()?,
            13 => self.external_data.push(entry(value.bytes())?),
            14 => self.is_external = value.integer() == 1,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// How its numbers are stored.
    pub fn dtype(&self) -> Type {
        Type::of(self.data_type)
    }

    /// Whether its bytes are in another file.
    pub fn is_external(&self) -> bool {
        self.is_external
    }

    /// Whether enough is known about it to read its bytes.
    pub fn is_known(&self) -> bool {
        !self.name.is_empty() && self.data_type != 0
    }

    /// Its sizes.
    ///
    /// # Errors
    /// [`crate::ErrorKind::WeightsHeader`] if one is negative or can't be addressed.
    pub fn shape(&self) -> Result<Vec<usize>> {
        let size = |&n: &i64| {
            usize::try_from(n).map_err(|_| invalid(format_args!("gives {} a size of {n}", quoted(&self.name))))
        };
        self.sizes.iter().map(size).collect()
    }

    /// How many numbers it has.
    ///
    /// # Errors
    /// [`crate::ErrorKind::WeightsHeader`] if they can't be counted.
    pub fn numbers(&self) -> Result<u64> {
        let product = self.shape()?.iter().try_fold(1u64, |product, &n| product.checked_mul(n as u64));
        product.ok_or_else(|| invalid(format_args!("gives {} more numbers than can be counted", quoted(&self.name))))
    }

    /// Its length in bytes, if the size of its type is known.
    ///
    /// # Errors
    /// The errors of [`Head::numbers`].
    pub fn bytes(&self) -> Result<Option<u64>> {
        Ok(self.dtype().bytes(self.numbers()?))
    }

    /// The location of its bytes, if they are in another file.
    ///
    /// # Errors
    /// [`crate::ErrorKind::WeightsHeader`] if that is not a file next to this one, or not a range in it.
    pub fn external(&self) -> Result<Option<External>> {
        if !self.is_external {
            return Ok(None);
        }
        let of = |key: &str| self.external_data.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str());
        let wrong = |what: &str| invalid(format_args!("gives the data of {} {what}", quoted(&self.name)));
        let location = of("location").unwrap_or_default();
        let location = location.strip_prefix("./").unwrap_or(location);
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if location.is_empty() || location.starts_with('.') || location.len() > 255 || !location.chars().all(plain) {
            return Err(wrong("a location that is not a file next to it"));
        }
        let number = |key: &str| {
            of(key).map(str::parse).transpose().map_err(|_| wrong("an offset or a length that is not a number"))
        };
        let offset: u64 = number("offset")?.unwrap_or(0);
        let bytes = self.bytes()?;
        let length = number("length")?.or(bytes).ok_or_else(|| wrong("no length"))?;
        if bytes.is_some_and(|bytes| bytes != length) || offset.checked_add(length).is_none() {
            return Err(wrong("a length that doesn't match its shape"));
        }
        Ok(Some(External { location: location.to_owned(), offset, length }))
    }
}

/// A tensor with its bytes, little-endian.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Its description.
    pub head: Head,
    /// Its numbers as stored.
    pub bytes: Vec<u8>,
}

impl Tensor {
    /// A vector of these numbers.
    pub fn of_numbers(numbers: &[f32]) -> Self {
        let head = Head { sizes: vec![numbers.len() as i64], data_type: 1, ..Head::default() };
        Self { head, bytes: numbers.iter().flat_map(|x| x.to_le_bytes()).collect() }
    }

    /// The tensor of a complete message.
    ///
    /// # Errors
    /// [`crate::ErrorKind::WeightsHeader`], [`crate::ErrorKind::OutOfMemory`].
    pub fn parse(message: &[u8]) -> Result<Self> {
        let (mut head, mut data) = (Head::default(), Data::default());
        for field in Fields(message) {
            let (field, value) = field?;
            if !head.take(field, value)? {
                data.take(field, value)?;
            }
        }
        data.finish(head)
    }

    /// Its numbers, if they are floating-point.
    pub fn numbers(&self) -> Option<Vec<f32>> {
        let Type::Float(storage) = self.head.dtype() else { return None };
        let mut numbers = vec![0.0; self.bytes.len() / storage.bytes()];
        decode(storage, &self.bytes, &mut numbers);
        Some(numbers)
    }

    /// Its number, if it has only one.
    pub fn number(&self) -> Option<f32> {
        match self.numbers()?[..] {
            [x] => Some(x),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::graph::tests::field;
    use super::*;
    use crate::error::ErrorKind;

    fn tensor(data_type: u8, sizes: &[u8], data: &[u8]) -> Result<Tensor> {
        let sizes: Vec<u8> = sizes.iter().flat_map(|&n| [1 << 3, n]).collect();
        Tensor::parse(&[&sizes[..], &[2 << 3, data_type], data, &field(8, b"w")].concat())
    }

    #[test]
    fn data_may_be_in_any_field() {
        let raw = tensor(1, &[2], &field(9, &[0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0])).unwrap();
        assert_eq!(raw.numbers(), Some(vec![1.0, -2.0]));
        let packed = tensor(1, &[2], &field(4, &raw.bytes)).unwrap();
        let alone = [&[4 << 3 | 5][..], &raw.bytes[..4], &[4 << 3 | 5], &raw.bytes[4..]].concat();
        assert_eq!((&packed, &tensor(1, &[2], &alone).unwrap()), (&raw, &raw));
        let halves = tensor(10, &[2], &field(5, &[0x80, 0x78, 0x80, 0x80, 0x03])).unwrap();
        assert_eq!(halves.numbers(), Some(vec![1.0, -2.0]));
        let bytes =
            tensor(3, &[2], &[5 << 3, 1, 5 << 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]).unwrap();
        assert_eq!(bytes.bytes, [1, 0xff]);
    }

    #[test]
    fn refuses_wrong_lengths() {
        for (sizes, data) in [(&[2][..], &field(9, &[0; 4])[..]), (&[1], &field(9, &[0; 5])), (&[3, 3], &[])] {
            assert_eq!(tensor(1, sizes, data).unwrap_err().kind(), ErrorKind::WeightsHeader, "{sizes:?}");
        }
        let both = [field(9, &[0; 4]), field(4, &[0; 4])].concat();
        assert!(tensor(1, &[1], &both).unwrap_err().message().contains("two fields"));
        let negative = [&[1 << 3][..], &[0xff; 9], &[1, 2 << 3, 1]].concat();
        assert!(Tensor::parse(&negative).unwrap_err().message().contains("size of -1"));
        let beyond: Vec<u8> = [[1 << 3, 0xff, 0xff, 0xff, 0xff, 0x0f]; 3].concat();
        assert!(Tensor::parse(&[&beyond[..], &[2 << 3, 1]].concat()).is_err());
    }

    #[test]
    fn external_data_is_a_file_beside() {
        let at = |location: &str, rest: &[(&str, &str)]| {
            let entry = |(key, value): &(&str, &str)| {
                field(13, &[field(1, key.as_bytes()), field(2, value.as_bytes())].concat())
            };
            let entries: Vec<u8> = [("location", location)].iter().chain(rest).flat_map(entry).collect();
            tensor(1, &[2], &[&entries[..], &[14 << 3, 1]].concat()).unwrap().head.external()
        };
        let place = at("model.onnx_data", &[("offset", "4096"), ("length", "8")]).unwrap().unwrap();
        assert_eq!((place.location.as_str(), place.offset, place.length), ("model.onnx_data", 4096, 8));
        assert_eq!(at("./a", &[]).unwrap().unwrap().length, 8);
        for location in ["../a", "/etc/passwd", "a/b", "", ".", "..", "a\\b", "http:", "a b", "a?b"] {
            assert!(at(location, &[]).unwrap_err().message().contains("not a file next to it"), "{location}");
        }
        assert!(at("a", &[("length", "9")]).is_err());
        assert!(at("a", &[("offset", "-1")]).is_err());
        assert!(at("a", &[("offset", "18446744073709551615")]).is_err());
    }
}

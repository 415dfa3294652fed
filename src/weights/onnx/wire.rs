//! Protocol Buffers' wire format: messages of fields, each a number and a value.
//!
//! Source: "Encoding", protobuf.dev.

use crate::error::{Error, ErrorKind, Result};
use std::fmt::Display;

/// The maximum length of a varint, in bytes.
pub const MAX_VARINT: usize = 10;

/// The error for an invalid ONNX file: what is wrong and what to do.
pub fn invalid(message: impl Display) -> Error {
    Error::new(ErrorKind::WeightsHeader, format!("The ONNX file {message}: download the file again, from its source."))
}

/// A field's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// A number of variable length.
    Varint(u64),
    /// Eight bytes.
    Fixed64([u8; 8]),
    /// A string, bytes, a message, or numbers without their tags.
    Bytes(&'a [u8]),
    /// Four bytes.
    Fixed32([u8; 4]),
}

impl<'a> Value<'a> {
    /// The bytes of a string, of bytes or of a message; empty for any other value.
    pub fn bytes(self) -> &'a [u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            _ => &[],
        }
    }

    /// The value as a string.
    ///
    /// # Errors
    /// [`ErrorKind::WeightsHeader`] if it is not UTF-8.
    pub fn text(self) -> Result<String> {
        String::from_utf8(self.bytes().to_vec()).map_err(|_| invalid("has a name that is not UTF-8"))
    }

    /// The value as an integer; 0 for any other value.
    pub fn integer(self) -> i64 {
        match self {
            Self::Varint(n) => n.cast_signed(),
            _ => 0,
        }
    }

    /// Appends the integers of a repeated field, which may be packed or single.
    ///
    /// # Errors
    /// [`ErrorKind::WeightsHeader`] if they are cut off.
    pub fn integers(self, into: &mut Vec<i64>) -> Result<()> {
        match self {
            Self::Varint(n) => into.push(n.cast_signed()),
            Self::Bytes(mut packed) => {
                while !packed.is_empty() {
                    let (n, length) = varint(packed)?.ok_or_else(cut)?;
                    packed = &packed[length..];
                    into.push(n.cast_signed());
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn cut() -> Error {
    invalid("has a field that ends too early")
}

/// The number that `bytes` begins with, and its length; `None` if it continues after `bytes`.
///
/// # Errors
/// [`ErrorKind::WeightsHeader`] for more than 64 bits.
pub fn varint(bytes: &[u8]) -> Result<Option<(u64, usize)>> {
    let mut n = 0u64;
    for (i, &byte) in bytes.iter().take(MAX_VARINT).enumerate() {
        if i + 1 == MAX_VARINT && byte > 1 {
            return Err(invalid("has a number of more than 64 bits"));
        }
        n |= u64::from(byte & 0x7f) << (7 * i);
        if byte < 0x80 {
            return Ok(Some((n, i + 1)));
        }
    }
    Ok(None)
}

/// The contents of a tag: the number of the field and how its value is written.
///
/// # Errors
/// [`ErrorKind::WeightsHeader`] for field 0 and for groups, which ONNX doesn't use.
pub fn tag(n: u64) -> Result<(u32, Wire)> {
    let wire = match n & 7 {
        0 => Wire::Varint,
        1 => Wire::Fixed64,
        2 => Wire::Bytes,
        5 => Wire::Fixed32,
        other => return Err(invalid(format_args!("has a field of wire type {other}"))),
    };
    match u32::try_from(n >> 3) {
        Ok(field @ 1..=0x1fff_ffff) => Ok((field, wire)),
        _ => Err(invalid(format_args!("has a field {}", n >> 3))),
    }
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// 7 bits per byte.
    Varint,
    /// Eight bytes.
    Fixed64,
    /// A length, and this many bytes.
    Bytes,
    /// Four bytes.
    Fixed32,
}

/// The fields of a complete message.
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    fn varint(&mut self) -> Result<u64> {
        let (n, length) = varint(self.0)?.ok_or_else(cut)?;
        self.0 = &self.0[length..];
        Ok(n)
    }

    fn bytes(&mut self, length: u64) -> Result<&'a [u8]> {
        let at = usize::try_from(length).ok().filter(|&length| length <= self.0.len()).ok_or_else(cut)?;
        let (bytes, rest) = self.0.split_at(at);
        self.0 = rest;
        Ok(bytes)
    }

    fn field(&mut self) -> Result<(u32, Value<'a>)> {
        let (field, wire) = tag(self.varint()?)?;
        let value = match wire {
            Wire::Varint => Value::Varint(self.varint()?),
            Wire::Fixed64 => Value::Fixed64(self.bytes(8)?.try_into().expect("eight bytes")),
            Wire::Fixed32 => Value::Fixed32(self.bytes(4)?.try_into().expect("four bytes")),
            Wire::Bytes => {
                let length = self.varint()?;
                Value::Bytes(self.bytes(length)?)
            }
        };
        Ok((field, value))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Value<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_of_every_length() {
        assert_eq!(varint(&[0]).unwrap(), Some((0, 1)));
        assert_eq!(varint(&[0xac, 0x02, 9]).unwrap(), Some((300, 2)));
        assert_eq!(varint(&[0xff; 3]).unwrap(), None);
        let most = [&[0xff; 9][..], &[1]].concat();
        assert_eq!(varint(&most).unwrap(), Some((u64::MAX, 10)));
        let more = [&[0xff; 9][..], &[2]].concat();
        assert_eq!(varint(&more).unwrap_err().kind(), ErrorKind::WeightsHeader);
    }

    #[test]
    fn reads_fields_of_every_wire_type() {
        let bytes =
            [&[0x08, 1, 0x12, 2, b'h', b'i', 0x1d][..], &1f32.to_le_bytes(), &[0x21], &2f64.to_le_bytes()].concat();
        let fields: Vec<_> = Fields(&bytes).map(Result::unwrap).collect();
        assert_eq!(
            fields,
            [
                (1, Value::Varint(1)),
                (2, Value::Bytes(b"hi")),
                (3, Value::Fixed32(1f32.to_le_bytes())),
                (4, Value::Fixed64(2f64.to_le_bytes())),
            ]
        );
    }

    #[test]
    fn refuses_what_is_cut_or_unknown() {
        for bytes in
            [&[0x08][..], &[0x12, 3, b'a'], &[0x12, 0xff, 0xff, 0xff, 0xff, 0x0f], &[0x0b], &[0x00, 1], &[0x1d, 1]]
        {
            let error = Fields(bytes).find_map(Result::err).unwrap();
            assert_eq!(error.kind(), ErrorKind::WeightsHeader, "{bytes:?}");
        }
    }

    #[test]
    fn reads_repeated_numbers_packed_or_alone() {
        let mut numbers = Vec::new();
        Value::Varint(3).integers(&mut numbers).unwrap();
        Value::Bytes(&[1, 0xac, 0x02]).integers(&mut numbers).unwrap();
        assert_eq!(numbers, [3, 1, 300]);
        assert!(Value::Bytes(&[0x80]).integers(&mut numbers).is_err());
    }
}

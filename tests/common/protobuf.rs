//! Takes Protocol Buffers messages apart and puts them together again.

/// A field of a message.
#[derive(Clone)]
pub struct Field {
    /// The field's number and how its value is encoded.
    pub tag: u64,
    /// The value, if it is a number.
    pub number: u64,
    /// The value, if it is anything else.
    pub bytes: Vec<u8>,
}

impl Field {
    /// A field with a string, bytes or a message.
    pub fn bytes(field: u64, bytes: impl Into<Vec<u8>>) -> Self {
        Self { tag: field << 3 | 2, number: 0, bytes: bytes.into() }
    }

    /// A field with a number.
    pub fn number(field: u64, number: u64) -> Self {
        Self { tag: field << 3, number, bytes: Vec::new() }
    }

    /// The number of the field.
    pub fn field(&self) -> u64 {
        self.tag >> 3
    }
}

/// Writes a number in as few bytes as possible.
pub fn varint(mut n: u64, out: &mut Vec<u8>) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Takes a number off the front of `bytes`.
fn read(bytes: &mut &[u8]) -> Option<u64> {
    let mut n = 0u64;
    for i in 0..10 {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        n |= u64::from(byte & 0x7f).checked_shl(7 * i)?;
        if byte < 0x80 {
            return Some(n);
        }
    }
    None
}

/// The fields of a message; `None` for anything else.
pub fn fields(mut bytes: &[u8]) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let tag = read(&mut bytes)?;
        let (number, length) = match tag & 7 {
            0 => (read(&mut bytes)?, 0),
            1 => (0, 8),
            2 => (0, usize::try_from(read(&mut bytes)?).ok()?),
            5 => (0, 4),
            _ => return None,
        };
        let (content, rest) = bytes.split_at_checked(length)?;
        bytes = rest;
        fields.push(Field { tag, number, bytes: content.to_vec() });
    }
    Some(fields)
}

/// The message with these fields.
pub fn written(fields: &[Field]) -> Vec<u8> {
    let mut out = Vec::new();
    for Field { tag, number, bytes } in fields {
        varint(*tag, &mut out);
        match tag & 7 {
            0 => varint(*number, &mut out),
            2 => varint(bytes.len() as u64, &mut out),
            _ => {}
        }
        out.extend_from_slice(bytes);
    }
    out
}

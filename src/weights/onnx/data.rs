//! A tensor's data, from any of the fields of its message that can hold it.

use super::tensor::{Head, Tensor, Type};
use super::wire::{Value, invalid};
use crate::error::{Result, try_reserve};
use crate::weights::dtype::Storage;
use crate::weights::header::quoted;

/// A tensor's data while it arrives, in any field.
#[derive(Default)]
pub struct Data {
    /// `raw_data`.
    raw: Option<Vec<u8>>,
    /// The numbers from the field for their type.
    typed: Typed,
}

#[derive(Default)]
enum Typed {
    #[default]
    None,
    /// `float_data` or `double_data`, as they are stored.
    Floats(Vec<u8>),
    /// `int32_data`, whose elements each hold a number of 32 bits or fewer, and `int64_data`.
    Ints(Vec<i64>),
}

impl Data {
    /// Adds a field of data; ignores any other field.
    ///
    /// # Errors
    /// [`crate::ErrorKind::WeightsHeader`], [`crate::ErrorKind::OutOfMemory`].
    pub fn take(&mut self, field: u32, value: Value) -> Result<()> {
        let twice = || invalid("has a tensor with its data in two fields");
        match (field, &mut self.typed) {
            (9, _) if self.raw.is_none() => {
                let mut bytes = Vec::new();
                try_reserve(&mut bytes, value.bytes().len(), "a tensor")?;
                bytes.extend_from_slice(value.bytes());
                self.raw = Some(bytes);
            }
            (4 | 10, typed @ Typed::None) => {
                *typed = Typed::Floats(Vec::new());
                return self.take(field, value);
            }
            (4 | 10, Typed::Floats(bytes)) => {
                let new: &[u8] = match &value {
                    Value::Fixed32(one) => one,
                    Value::Fixed64(one) => one,
                    Value::Bytes(many) => many,
                    Value::Varint(_) => &[],
                };
                try_reserve(bytes, new.len(), "a tensor")?;
                bytes.extend_from_slice(new);
            }
            (5 | 7, typed @ Typed::None) => {
                *typed = Typed::Ints(Vec::new());
                return self.take(field, value);
            }
            (5 | 7, Typed::Ints(ints)) => {
                try_reserve(ints, value.bytes().len(), "a tensor")?;
                value.integers(ints)?;
            }
            (4 | 5 | 7 | 9 | 10, _) => return Err(twice()),
            _ => {}
        }
        Ok(())
    }

    /// Whether no data has arrived yet.
    pub fn is_empty(&self) -> bool {
        self.raw.is_none() && matches!(self.typed, Typed::None)
    }

    /// The tensor with this `head`, once its data is complete; without data if it is in another file.
    ///
    /// # Errors
    /// [`crate::ErrorKind::WeightsHeader`] if its length doesn't match its shape.
    pub fn finish(self, head: Head) -> Result<Tensor> {
        let bytes = match (self.raw, self.typed) {
            (Some(raw), Typed::None) => raw,
            (None, Typed::None) => Vec::new(),
            (None, Typed::Floats(bytes)) => bytes,
            (None, Typed::Ints(ints)) => match head.dtype() {
                Type::Byte { .. } | Type::Nibble { .. } => ints.iter().map(|&n| n as u8).collect(),
                Type::Float(Storage::F16 | Storage::Bf16) => {
                    ints.iter().flat_map(|&n| (n as u16).to_le_bytes()).collect()
                }
                _ => ints.iter().flat_map(|n| n.to_le_bytes()).collect(),
            },
            (Some(_), _) => return Err(invalid(format_args!("has the data of {} in two fields", quoted(&head.name)))),
        };
        if !head.is_external() && head.bytes()?.is_some_and(|wanted| wanted != bytes.len() as u64) {
            return Err(invalid(format_args!("gives {} a length that doesn't match its shape", quoted(&head.name))));
        }
        Ok(Tensor { head, bytes })
    }
}

//! A tensor of an ONNX file while it is read.

use super::data::Data;
use super::delivery::{Delivery, Streaming};
use super::messages::Content;
use super::tensor::Head;
use super::wire::invalid;
use crate::error::{Result, try_reserve};
use crate::weights::header::quoted;
use crate::weights::stream::RowSink;

/// Tensors of at most this many bytes are kept to check what the graph says about the model.
pub const SMALL: usize = 64;

/// A tensor being read.
#[derive(Default)]
pub struct Incoming {
    /// What the file has said about it.
    pub head: Head,
    /// Its numbers that are fields of the message.
    pub data: Data,
    /// The destination of its other bytes.
    pub to: Destination,
}

/// The destination of a tensor's bytes.
#[derive(Default)]
pub enum Destination {
    /// No bytes yet.
    #[default]
    Nothing,
    /// All bytes so far.
    Held(Vec<u8>),
    /// Passed on row by row.
    Rows(Streaming),
    /// No weight needs them.
    Skipped,
}

impl Incoming {
    /// Reads a field of the tensor.
    ///
    /// # Errors
    /// [`crate::ErrorKind::WeightsHeader`].
    pub fn field(&mut self, field: u32, content: &Content) -> Result<()> {
        let of_head = self.head.take(field, content.value())?;
        // Its location may be given after its bytes; its description may not.
        if !matches!(self.to, Destination::Nothing) && !matches!(field, 12..) {
            return Err(invalid(format_args!("has {} with its fields out of order", quoted(&self.head.name))));
        }
        if !of_head {
            self.data.take(field, content.value())?;
        }
        Ok(())
    }

    /// Called before `length` bytes of data.
    ///
    /// # Errors
    /// [`crate::ErrorKind::WeightsHeader`] if its shape has another length; the errors of [`Delivery::head`].
    pub fn begin(&mut self, length: u64, delivery: Option<&mut Delivery>, sink: &mut dyn RowSink) -> Result<()> {
        if self.head.bytes()?.is_some_and(|bytes| bytes != length) || !self.data.is_empty() {
            return Err(invalid(format_args!(
                "gives {} a length that doesn't match its shape",
                quoted(&self.head.name)
            )));
        }
        self.to = match delivery {
            Some(delivery) if delivery.needs(&self.head.name) => {
                delivery.head(&self.head, sink)?;
                delivery.stream(&self.head)?.map_or_else(|| Destination::Held(Vec::new()), Destination::Rows)
            }
            Some(_) if length > SMALL as u64 => Destination::Skipped,
            _ => Destination::Held(Vec::new()),
        };
        Ok(())
    }

    /// Reads bytes of data.
    ///
    /// # Errors
    /// [`crate::ErrorKind::OutOfMemory`]; the errors of the sink.
    pub fn push(&mut self, bytes: &[u8], delivery: Option<&mut Delivery>, sink: &mut dyn RowSink) -> Result<()> {
        match (&mut self.to, delivery) {
            (Destination::Held(held), _) => {
                try_reserve(held, bytes.len(), "a tensor")?;
                held.extend_from_slice(bytes);
            }
            (Destination::Rows(rows), Some(delivery)) => delivery.push(&self.head, rows, bytes, sink)?,
            _ => {}
        }
        Ok(())
    }
}

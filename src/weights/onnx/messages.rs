//! Parses the messages of an ONNX file that arrives in chunks of any size. Enters a graph and each of its
//! tensors, and passes on tensor data as it arrives; other fields are returned as a whole or skipped.
//!
//! Source: onnx.proto of ONNX 1.23.

use super::wire::{MAX_VARINT, Value, Wire, invalid, tag, varint};
use crate::error::{Result, try_reserve};
use crate::weights::stream::{ended, trailing_bytes};

/// The messages that are entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// `ModelProto`, the file.
    Model,
    /// `GraphProto`.
    Graph,
    /// `TensorProto`, of the graph's initializers.
    Tensor,
}

/// The next event in a file.
pub enum Event<'a> {
    /// A message begins.
    Enter(Level),
    /// A message ends.
    Leave(Level),
    /// A node of the graph, or a field of a tensor.
    Field(u32, Content),
    /// This many bytes of a tensor's data follow.
    DataBegins(u64),
    /// Some of these bytes.
    Data(&'a [u8]),
}

/// A field's value.
pub struct Content {
    wire: Wire,
    number: u64,
    bytes: Vec<u8>,
}

impl Content {
    /// The value in the wire format.
    pub fn value(&self) -> Value<'_> {
        match self.wire {
            Wire::Varint => Value::Varint(self.number),
            Wire::Fixed32 => Value::Fixed32(self.bytes[..].try_into().expect("four bytes")),
            Wire::Fixed64 => Value::Fixed64(self.bytes[..].try_into().expect("eight bytes")),
            Wire::Bytes => Value::Bytes(&self.bytes),
        }
    }
}

/// Parses a file as it arrives.
pub struct Messages {
    open: Vec<(Level, u64)>,
    step: Step,
    /// The part of the current tag, or of a field that is returned as a whole, received so far.
    held: Vec<u8>,
    at: u64,
    announced: Option<usize>,
}

#[derive(Clone, Copy)]
enum Step {
    Tag,
    Field { field: u32, wire: Wire, left: u64 },
    Skip { left: u64 },
    Data { left: u64 },
}

/// What to do with a field.
enum Begun {
    Enter(Level),
    Take,
    Data,
    Skip,
}

impl Messages {
    /// Starts a file announced to have `announced` bytes, if known.
    pub fn new(announced: Option<usize>) -> Self {
        let end = announced.map_or(u64::MAX, |bytes| bytes as u64);
        Self { open: vec![(Level::Model, end)], step: Step::Tag, held: Vec::new(), at: 0, announced }
    }

    fn innermost(&self) -> (Level, u64) {
        *self.open.last().expect("the model is open")
    }

    /// The kind of message being read.
    pub fn level(&self) -> Level {
        self.innermost().0
    }

    /// Returns the next event of the file. Consumes bytes from the front of `chunk`, the file's next bytes.
    /// `None` if it needs more bytes. `streams`: whether to pass on a tensor's data in parts.
    ///
    /// # Errors
    /// [`crate::ErrorKind::WeightsHeader`], [`crate::ErrorKind::WeightsLength`], [`crate::ErrorKind::OutOfMemory`].
    pub fn next<'a>(&mut self, chunk: &mut &'a [u8], streams: bool) -> Result<Option<Event<'a>>> {
        loop {
            let (level, end) = self.innermost();
            if matches!(self.step, Step::Tag) && self.at == end && level != Level::Model {
                if !self.held.is_empty() {
                    return Err(invalid("has a field that ends too early"));
                }
                self.open.pop();
                return Ok(Some(Event::Leave(level)));
            }
            if chunk.is_empty() {
                return Ok(None);
            }
            if self.at == self.open[0].1 {
                return Err(trailing_bytes(self.at as usize));
            }
            match self.step {
                Step::Tag => {
                    self.held.push(chunk[0]);
                    *chunk = &chunk[1..];
                    self.at += 1;
                    if let Some(event) = self.begin(streams)? {
                        return Ok(Some(event));
                    }
                }
                Step::Skip { left } => {
                    let left = left - self.take(left, chunk).len() as u64;
                    self.step = if left == 0 { Step::Tag } else { Step::Skip { left } };
                }
                Step::Data { left } => {
                    let bytes = self.take(left, chunk);
                    let left = left - bytes.len() as u64;
                    self.step = if left == 0 { Step::Tag } else { Step::Data { left } };
                    return Ok(Some(Event::Data(bytes)));
                }
                Step::Field { field, wire, left } => {
                    let bytes = self.take(left, chunk);
                    try_reserve(&mut self.held, bytes.len(), "a part of the ONNX file")?;
                    self.held.extend_from_slice(bytes);
                    let left = left - bytes.len() as u64;
                    self.step = Step::Field { field, wire, left };
                    if left == 0 {
                        self.step = Step::Tag;
                        let bytes = std::mem::take(&mut self.held);
                        return Ok(Some(Event::Field(field, Content { wire, number: 0, bytes })));
                    }
                }
            }
        }
    }

    /// Takes at most `left` bytes from the front of `chunk`.
    fn take<'a>(&mut self, left: u64, chunk: &mut &'a [u8]) -> &'a [u8] {
        let bytes = part(left, chunk);
        self.at += bytes.len() as u64;
        bytes
    }

    /// Starts the field whose tag is held, if the tag is complete.
    fn begin(&mut self, streams: bool) -> Result<Option<Event<'static>>> {
        let Some((n, length)) = varint(&self.held)? else { return Ok(None) };
        let (field, wire) = tag(n)?;
        let (level, end) = self.innermost();
        let taken = matches!((level, field), (Level::Graph, 1) | (Level::Tensor, _));
        let left = match wire {
            Wire::Fixed32 => 4,
            Wire::Fixed64 => 8,
            Wire::Varint | Wire::Bytes => {
                let Some((number, _)) = varint(&self.held[length..])? else {
                    let without_end = self.held.len() >= 2 * MAX_VARINT;
                    return if without_end { Err(invalid("has a number that doesn't end")) } else { Ok(None) };
                };
                if wire == Wire::Varint {
                    self.held.clear();
                    return Ok(taken.then(|| Event::Field(field, Content { wire, number, bytes: Vec::new() })));
                }
                number
            }
        };
        self.held.clear();
        let place = self.at.checked_add(left).filter(|place| *place <= end);
        let place = place.ok_or_else(|| invalid("has a field that is longer than its parent"))?;
        let begun = match (level, field, wire) {
            (Level::Model, 7, Wire::Bytes) => Begun::Enter(Level::Graph),
            (Level::Graph, 5, Wire::Bytes) => Begun::Enter(Level::Tensor),
            (Level::Graph, 15, _) => return Err(invalid("has sparse tensors, which are not supported")),
            (Level::Tensor, 9, Wire::Bytes) if streams => Begun::Data,
            _ if taken => Begun::Take,
            _ => Begun::Skip,
        };
        Ok(match begun {
            Begun::Enter(level) => {
                self.open.push((level, place));
                Some(Event::Enter(level))
            }
            Begun::Data => {
                if left > 0 {
                    self.step = Step::Data { left };
                }
                Some(Event::DataBegins(left))
            }
            Begun::Take if left == 0 => Some(Event::Field(field, Content { wire, number: 0, bytes: Vec::new() })),
            Begun::Take => {
                self.step = Step::Field { field, wire, left };
                None
            }
            Begun::Skip => {
                if left > 0 {
                    self.step = Step::Skip { left };
                }
                None
            }
        })
    }

    /// Checks that the file is complete.
    ///
    /// # Errors
    /// [`crate::ErrorKind::WeightsLength`].
    pub fn check_complete(&self) -> Result<()> {
        let at_a_field = self.level() == Level::Model && matches!(self.step, Step::Tag) && self.held.is_empty();
        if at_a_field && self.announced.is_none_or(|announced| announced as u64 == self.at) {
            return Ok(());
        }
        let whole = self.announced.map_or_else(|| "the ONNX file's".to_owned(), |bytes| bytes.to_string());
        Err(ended(self.at as usize, whole))
    }
}

/// Takes at most `left` bytes from the front of `chunk`.
pub fn part<'a>(left: u64, chunk: &mut &'a [u8]) -> &'a [u8] {
    let n = usize::try_from(left).map_or(chunk.len(), |left| left.min(chunk.len()));
    let (bytes, rest) = chunk.split_at(n);
    *chunk = rest;
    bytes
}

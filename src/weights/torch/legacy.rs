//! PyTorch's file format before 1.6, which PyTorch can still write: five pickles (a magic number, the
//! version, the machine, the value, the names of the storages), then each storage, preceded by its number of
//! elements.

use super::delivery::Delivery;
use super::heap::Value;
use super::pickle::Machine;
use super::state_dict;
use super::{MAX_STORAGES, invalid, refused, trailing_bytes};
use crate::error::Result;
use crate::weights::header::{Header, quoted};
use crate::weights::stream::{RowSink, take};

/// Reads a file as it arrives.
pub struct Legacy {
    state: State,
    machine: Machine,
    tensors: Vec<state_dict::Placed>,
    delivery: Option<Delivery>,
    /// The storages, in the order of the file.
    order: Vec<usize>,
    /// The part of a length received so far.
    held: Vec<u8>,
    seen: usize,
    announced: Option<usize>,
}

enum State {
    /// The pickle with this number.
    Pickle(usize),
    /// The length of storage `order[n]`.
    Length(usize),
    /// Storage `order[n]`, of which this many bytes are left.
    Storage(usize, usize),
}

impl Legacy {
    /// A file announced to have `announced` bytes, if known.
    pub fn new(announced: Option<usize>) -> Self {
        Self {
            state: State::Pickle(0),
            machine: Machine::default(),
            tensors: Vec::new(),
            delivery: None,
            order: Vec::new(),
            held: Vec::new(),
            seen: 0,
            announced,
        }
    }

    /// The header, once it has been passed to the sink.
    pub fn header(&self) -> Option<&Header> {
        self.delivery.as_ref().map(Delivery::header)
    }

    /// The bytes seen, and whether the file is complete.
    pub fn progress(&self) -> (usize, bool) {
        (self.seen, matches!(self.state, State::Length(n) if n == self.order.len()))
    }

    /// Reads the next bytes.
    ///
    /// # Errors
    /// The errors of [`super::Reader::push`].
    pub fn push(&mut self, mut chunk: &[u8], sink: &mut dyn RowSink) -> Result<()> {
        while self.advance(&mut chunk, sink)? {}
        Ok(())
    }

    /// Takes a step; returns `false` if `chunk` was too short for it.
    fn advance(&mut self, chunk: &mut &[u8], sink: &mut dyn RowSink) -> Result<bool> {
        match self.state {
            State::Pickle(number) => {
                let given = chunk.len();
                let value = self.machine.push(chunk)?;
                self.seen += given - chunk.len();
                let Some(value) = value else { return Ok(false) };
                self.state = State::Pickle(number + 1);
                match number {
                    2 => self.check_machine(value)?,
                    3 => self.tensors = state_dict::tensors(&self.machine.heap, value)?,
                    4 => self.start(value, sink)?,
                    _ => {}
                }
            }
            State::Length(nth) => {
                let Some(&storage) = self.order.get(nth) else {
                    let delivery = self.delivery.as_mut().expect("it has started");
                    delivery.set_file_bytes(self.seen);
                    return if chunk.is_empty() { Ok(false) } else { Err(trailing_bytes(self.seen)) };
                };
                let Some(count) = take(&mut self.held, chunk, &mut self.seen, size_of::<u64>())? else {
                    return Ok(false);
                };
                let count = u64::from_le_bytes(count.as_slice().try_into().expect("eight bytes were read"));
                self.held.clear();
                let storage_info = &self.machine.heap.storages[storage];
                let width = storage_info.dtype.map_or(1, |dtype| dtype.bitsize() as u64 / 8);
                let bytes = usize::try_from(storage_info.bytes).ok();
                let Some(bytes) = bytes.filter(|_| count.checked_mul(width) == Some(storage_info.bytes)) else {
                    return Err(invalid(format!("gives storage {} two lengths", quoted(&storage_info.key))));
                };
                self.delivery.as_mut().expect("it has started").begin(storage);
                self.state = State::Storage(nth, bytes);
            }
            State::Storage(nth, left) => {
                let (bytes, rest) = chunk.split_at(left.min(chunk.len()));
                *chunk = rest;
                self.seen += bytes.len();
                let delivery = self.delivery.as_mut().expect("it has started");
                delivery.push(bytes, sink)?;
                self.state = State::Storage(nth, left - bytes.len());
                if left > bytes.len() {
                    return Ok(false);
                }
                delivery.end(sink)?;
                self.state = State::Length(nth + 1);
            }
        }
        Ok(true)
    }

    /// Checks what the file says about the machine that wrote it.
    fn check_machine(&self, value: Value) -> Result<()> {
        let heap = &self.machine.heap;
        let items = heap.dict(value).ok_or_else(|| invalid("doesn't say what machine wrote it"))?;
        let little = items.iter().find(|(key, _)| heap.text(*key) == Some("little_endian"));
        match little {
            Some((_, Value::Bool(true))) => Ok(()),
            _ => Err(refused("was written by a machine with big-endian numbers: save it again on another")),
        }
    }

    /// Called with the names of the storages, in the order in which they follow.
    fn start(&mut self, keys: Value, sink: &mut dyn RowSink) -> Result<()> {
        let heap = &self.machine.heap;
        let keys = heap.sequence(keys).filter(|keys| keys.len() <= MAX_STORAGES);
        let storage = |key: &Value| heap.text(*key).and_then(|key| heap.storage(key));
        let order: Option<Vec<usize>> = keys.and_then(|keys| keys.iter().map(storage).collect());
        self.order = order.ok_or_else(|| invalid("lists storages that its tensors do not name"))?;
        let mut sorted = self.order.clone();
        sorted.sort_unstable();
        sorted.dedup();
        if sorted.len() != heap.storages.len() || self.order.len() != sorted.len() {
            return Err(invalid("lists a storage twice, or not at all"));
        }
        let tensors = std::mem::take(&mut self.tensors);
        self.delivery = Some(Delivery::new(tensors, &self.order, self.announced, sink)?);
        self.state = State::Length(0);
        Ok(())
    }
}

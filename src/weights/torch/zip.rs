//! PyTorch's zip archive, read as it arrives: `data.pkl`, which describes the tensors, then their storages,
//! `data/N`. All entries are uncompressed and follow one another; the size of an entry is before or after it.
//!
//! Checksums are not compared: torch.save can omit them, and safetensors have none.

use super::delivery::Delivery;
use super::globals::torchscript;
use super::pickle::Machine;
use super::{MAX_STORAGES, invalid, records, refused, state_dict, trailing_bytes};
use crate::error::{Error, ErrorKind, Result};
use crate::weights::header::{Header, quoted};
use crate::weights::stream::{RowSink, take};

/// The maximum length of the small entries other than the pickle and the storages: a version, a byte order, a
/// checksum.
const MAX_NOTE_BYTES: usize = 1024;
/// The names of these entries.
const NOTES: [&str; 5] = ["version", "byteorder", ".format_version", ".storage_alignment", ".data/serialization_id"];
/// The maximum number of entries.
const MAX_ENTRIES: usize = MAX_STORAGES + NOTES.len() + 1;

/// Reads an archive as it arrives.
pub struct Zip {
    state: State,
    machine: Machine,
    /// The tensors, from the end of the pickle until the first storage.
    tensors: Option<Vec<state_dict::Placed>>,
    delivery: Option<Delivery>,
    entries: Vec<Entry>,
    /// The part of the current record received so far.
    held: Vec<u8>,
    seen: usize,
    announced: Option<usize>,
}

/// An entry that has arrived or is arriving.
struct Entry {
    name: String,
    /// Where its record begins in the file.
    offset: usize,
    /// The bytes of it received so far.
    seen: usize,
    size: Option<usize>,
    descriptor_bytes: usize,
}

enum State {
    /// Between two records.
    Signature,
    Local,
    Pickle,
    Note,
    /// This many bytes of a storage are left.
    Storage(usize),
    Descriptor,
    /// Records of the directory; this many entries have been listed.
    Directory(usize),
    /// Records of the end of the directory.
    End,
    Done,
}

impl Zip {
    /// An archive announced to have `announced` bytes, if known.
    pub fn new(announced: Option<usize>) -> Self {
        Self {
            state: State::Signature,
            machine: Machine::default(),
            tensors: None,
            delivery: None,
            entries: Vec::new(),
            held: Vec::new(),
            seen: 0,
            announced,
        }
    }

    /// The header, once it has been passed to the sink.
    pub fn header(&self) -> Option<&Header> {
        self.delivery.as_ref().map(Delivery::header)
    }

    /// The bytes seen, and whether the archive is complete.
    pub fn progress(&self) -> (usize, bool) {
        (self.seen, matches!(self.state, State::Done))
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
            State::Signature => {
                let Some(signature) = self.signature(chunk)? else { return Ok(false) };
                self.state = match signature {
                    records::LOCAL => State::Local,
                    records::DIRECTORY => {
                        self.start(sink)?;
                        self.check_complete()?;
                        State::Directory(0)
                    }
                    _ => return Err(invalid("has something other than an entry after an entry")),
                };
            }
            State::Local => {
                let Some(record) = self.record(chunk, records::LOCAL)? else { return Ok(false) };
                let offset = self.seen - record.len();
                self.open(records::local(&record)?, offset, sink)?;
            }
            State::Pickle => return self.pickle(chunk),
            State::Note => return self.note(chunk),
            State::Storage(left) => {
                let (bytes, rest) = chunk.split_at(left.min(chunk.len()));
                *chunk = rest;
                self.seen += bytes.len();
                self.entries.last_mut().expect("an entry was opened").seen += bytes.len();
                let delivery = self.delivery.as_mut().expect("storages come after the start");
                delivery.push(bytes, sink)?;
                self.state = State::Storage(left - bytes.len());
                if left > bytes.len() {
                    return Ok(false);
                }
                delivery.end(sink)?;
                self.close();
            }
            State::Descriptor => {
                let entry = self.entries.last().expect("an entry was opened");
                let Some(record) = take(&mut self.held, chunk, &mut self.seen, entry.descriptor_bytes)? else {
                    return Ok(false);
                };
                if !records::describes(record, entry.seen as u64) {
                    return Err(invalid(format!(
                        "gives {} a length that doesn't match its contents",
                        quoted(&entry.name)
                    )));
                }
                self.held.clear();
                self.state = State::Signature;
            }
            State::Directory(listed) => {
                let Some(signature) = self.signature(chunk)? else { return Ok(false) };
                if signature != records::DIRECTORY {
                    if listed != self.entries.len() {
                        return Err(invalid("has entries that its directory does not list"));
                    }
                    self.state = State::End;
                    return Ok(true);
                }
                let Some(record) = self.record(chunk, signature)? else { return Ok(false) };
                let same = |e: &Entry| records::lists(&record, &e.name, e.seen as u64, e.offset as u64);
                if !self.entries.get(listed).is_some_and(same) {
                    return Err(invalid("has a directory that lists other entries than there are"));
                }
                self.state = State::Directory(listed + 1);
            }
            State::End => {
                let Some(signature) = self.signature(chunk)? else { return Ok(false) };
                if ![records::END64, records::LOCATOR64, records::END].contains(&signature) {
                    return Err(invalid("has something other than its end after its directory"));
                }
                if self.record(chunk, signature)?.is_none() {
                    return Ok(false);
                }
                if signature == records::END {
                    self.state = State::Done;
                    if let Some(delivery) = &mut self.delivery {
                        delivery.set_file_bytes(self.seen);
                    }
                }
            }
            State::Done => return if chunk.is_empty() { Ok(false) } else { Err(trailing_bytes(self.seen)) },
        }
        Ok(true)
    }

    /// The signature at the start of the current record.
    fn signature(&mut self, chunk: &mut &[u8]) -> Result<Option<[u8; 4]>> {
        if self.held.len() < 4 {
            take(&mut self.held, chunk, &mut self.seen, 4)?;
        }
        Ok(self.held.first_chunk().copied())
    }

    /// The complete record that begins with `signature`; `None` until it has arrived.
    fn record(&mut self, chunk: &mut &[u8], signature: [u8; 4]) -> Result<Option<Vec<u8>>> {
        let fixed = records::fixed_bytes(signature);
        if self.held.len() < fixed && take(&mut self.held, chunk, &mut self.seen, fixed)?.is_none() {
            return Ok(None);
        }
        let whole = records::whole_bytes(signature, &self.held[..fixed])?;
        let there = take(&mut self.held, chunk, &mut self.seen, whole)?.is_some();
        Ok(there.then(|| std::mem::take(&mut self.held)))
    }

    /// Opens an entry: its record has arrived, and its bytes follow.
    fn open(&mut self, local: records::Local, offset: usize, sink: &mut dyn RowSink) -> Result<()> {
        let records::Local { name, size, descriptor_bytes } = local;
        let not_torch = || {
            Error::new(
                ErrorKind::NotAModel,
                format!(
                    "The weights are a zip archive that torch.save did not write (it holds {}): pass the weights \
                     file itself.",
                    quoted(&name)
                ),
            )
        };
        let (root, path) = name.split_once('/').ok_or_else(not_torch)?;
        if path == "constants.pkl" || path.starts_with("code/") {
            return Err(torchscript());
        }
        let first_root = self.entries.first().map_or(root, |entry| entry.name.split('/').next().unwrap_or_default());
        if root != first_root {
            return Err(not_torch());
        }
        if self.entries.iter().any(|entry| entry.name == name) {
            return Err(invalid(format!("holds {} twice", quoted(&name))));
        }
        if self.entries.len() == MAX_ENTRIES {
            return Err(invalid(format!("has more than {MAX_ENTRIES} entries")));
        }
        let size =
            size.map(|n| usize::try_from(n).map_err(|_| invalid("has an entry that is too long"))).transpose()?;
        self.state = if path == "data.pkl" {
            State::Pickle
        } else if NOTES.contains(&path) {
            State::Note
        } else if let Some(key) = path.strip_prefix("data/") {
            if self.tensors.is_none() && self.delivery.is_none() {
                return Err(refused(
                    "has its numbers before data.pkl, like TorchScript: save `model.state_dict()` with torch.save",
                ));
            }
            let storage = self.machine.heap.storage(key);
            let storage =
                storage.ok_or_else(|| invalid(format!("holds {}, which data.pkl does not name", quoted(&name))))?;
            let bytes = usize::try_from(self.machine.heap.storages[storage].bytes);
            let bytes = bytes.map_err(|_| invalid("has an entry that is too long"))?;
            if size.is_some_and(|size| size != bytes) {
                return Err(invalid(format!("gives {} a length that differs from data.pkl", quoted(&name))));
            }
            self.start(sink)?;
            self.delivery.as_mut().expect("it has started").begin(storage);
            State::Storage(bytes)
        } else {
            return Err(not_torch());
        };
        self.entries.push(Entry { offset, seen: 0, size, descriptor_bytes, name });
        Ok(())
    }

    /// Reads bytes of the pickle.
    fn pickle(&mut self, chunk: &mut &[u8]) -> Result<bool> {
        let entry = self.entries.last_mut().expect("an entry was opened");
        let left = entry.size.map_or(usize::MAX, |size| size - entry.seen);
        let mut part = &chunk[..left.min(chunk.len())];
        let given = part.len();
        let value = self.machine.push(&mut part)?;
        let used = given - part.len();
        *chunk = &chunk[used..];
        self.seen += used;
        entry.seen += used;
        let Some(value) = value else {
            if entry.size == Some(entry.seen) {
                return Err(invalid("ends within data.pkl"));
            }
            return Ok(false);
        };
        if entry.size.is_some_and(|size| size != entry.seen) {
            return Err(invalid("has data after the pickle in data.pkl"));
        }
        self.tensors = Some(state_dict::tensors(&self.machine.heap, value)?);
        self.close();
        Ok(true)
    }

    /// Reads bytes of a small entry. An entry without a size ends where a descriptor with its length follows.
    fn note(&mut self, chunk: &mut &[u8]) -> Result<bool> {
        let entry = self.entries.last_mut().expect("an entry was opened");
        loop {
            let length = match entry.size {
                Some(size) => (self.held.len() == size).then_some(size),
                None => self
                    .held
                    .len()
                    .checked_sub(entry.descriptor_bytes)
                    .filter(|&length| records::describes(&self.held[length..], length as u64)),
            };
            if let Some(length) = length {
                if entry.name.ends_with("/byteorder") && &self.held[..length] != b"little" {
                    return Err(refused("was written by a machine with big-endian numbers: save it again on another"));
                }
                entry.seen = length;
                self.held.clear();
                self.state = State::Signature;
                return Ok(true);
            }
            if self.held.len() >= MAX_NOTE_BYTES {
                return Err(invalid(format!("has more than {MAX_NOTE_BYTES} bytes in {}", quoted(&entry.name))));
            }
            let next = self.held.len() + 1;
            if take(&mut self.held, chunk, &mut self.seen, next)?.is_none() {
                return Ok(false);
            }
        }
    }

    /// Ends the current entry, whose bytes have all arrived.
    fn close(&mut self) {
        let entry = self.entries.last().expect("an entry was opened");
        self.state = if entry.descriptor_bytes == 0 { State::Signature } else { State::Descriptor };
    }

    /// Passes the header to the sink, once.
    ///
    /// The order of the storages is not known before they arrive. Since PyTorch 2.7, which also writes
    /// `.format_version`, it is the order in which the pickle names them; earlier versions sort their numbers
    /// as strings: 0, 1, 10, 11, 2.
    fn start(&mut self, sink: &mut dyn RowSink) -> Result<()> {
        let Some(tensors) = self.tensors.take() else { return Ok(()) };
        let storages = &self.machine.heap.storages;
        let mut order: Vec<usize> = (0..storages.len()).collect();
        if !self.entries.iter().any(|entry| entry.name.ends_with("/.format_version")) {
            order.sort_by(|&a, &b| storages[a].key.cmp(&storages[b].key));
        }
        self.delivery = Some(Delivery::new(tensors, &order, self.announced, sink)?);
        Ok(())
    }

    fn check_complete(&self) -> Result<()> {
        let Some(delivery) = &self.delivery else {
            return Err(refused("has no data.pkl: save it again with torch.save"));
        };
        match delivery.missing(&self.machine.heap) {
            Some(key) => Err(invalid(format!("lacks data/{}", quoted(key)))),
            None => Ok(()),
        }
    }
}

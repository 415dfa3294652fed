//! Turns storages into rows of tensors. A storage whose tensors are stored one after the other streams, a row
//! at a time. A storage whose tensors overlap or are views in another order (a transposed matrix) is held and
//! gathered, and so is a storage that arrives early.

use super::heap::Heap;
use super::state_dict::Placed;
use crate::error::{Result, try_reserve};
use crate::weights::header::Header;
use crate::weights::stream::{RowSink, row_layout, take};
use std::collections::{HashMap, VecDeque};

/// Named in errors about failed allocations.
const WHAT: &str = "tensors that share their weights";

/// Passes tensors on to a sink.
pub struct Delivery {
    header: Header,
    /// In the order of the header.
    places: Vec<Place>,
    /// Storages of the tensors that the sink takes, in the order in which they are passed on.
    queue: VecDeque<usize>,
    /// For each storage, the tensors that the sink takes.
    taken: Vec<Vec<usize>>,
    now: Mode,
    /// Whole storages that arrived early.
    early: HashMap<usize, Vec<u8>>,
}

struct Place {
    first: usize,
    strides: Option<Vec<usize>>,
}

/// How the current storage is handled.
enum Mode {
    Pass,
    Hold {
        storage: usize,
        bytes: Vec<u8>,
    },
    /// Row `rows` of the `nth` taken tensor is next. `at`: bytes seen of the storage; `row`: the part of a
    /// row received so far.
    Stream {
        storage: usize,
        nth: usize,
        rows: usize,
        at: usize,
        row: Vec<u8>,
    },
}

impl Delivery {
    /// Passes the header to `sink`; the storages are expected in `order`. `file_bytes` is the length of the
    /// file, if known.
    ///
    /// # Errors
    /// The errors of the sink.
    pub fn new(
        mut tensors: Vec<Placed>,
        order: &[usize],
        file_bytes: Option<usize>,
        sink: &mut dyn RowSink,
    ) -> Result<Self> {
        let mut turns = HashMap::new();
        for (turn, &storage) in order.iter().enumerate() {
            turns.insert(storage, turn);
        }
        tensors.sort_by_key(|t| (turns.get(&t.storage).copied(), t.first));
        let storages: Vec<usize> = tensors.iter().map(|t| t.storage).collect();
        let (infos, places): (Vec<_>, Vec<_>) =
            tensors.into_iter().map(|t| (t.info, Place { first: t.first, strides: t.strides })).unzip();
        let file_bytes = file_bytes.unwrap_or(0);
        let header = Header { tensors: infos, file_bytes };
        sink.header(&header)?;
        let mut taken = vec![Vec::new(); storages.iter().max().map_or(0, |last| last + 1)];
        let mut queue = VecDeque::new();
        for (tensor, &storage) in storages.iter().enumerate() {
            if header.tensors[tensor].bytes == 0 || !sink.takes(tensor) {
                continue;
            }
            if taken[storage].is_empty() {
                queue.push_back(storage);
            }
            taken[storage].push(tensor);
        }
        Ok(Self { header, places, queue, taken, now: Mode::Pass, early: HashMap::new() })
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Sets the length of the file.
    pub fn set_file_bytes(&mut self, bytes: usize) {
        self.header.file_bytes = bytes;
    }

    /// A storage that is needed but has not arrived completely.
    pub fn missing<'a>(&self, heap: &'a Heap) -> Option<&'a str> {
        self.queue.front().map(|&storage| heap.storages[storage].key.as_str())
    }

    /// Begins `storage`: the next bytes belong to it.
    pub fn begin(&mut self, storage: usize) {
        self.now = if self.taken.get(storage).is_none_or(Vec::is_empty) {
            Mode::Pass
        } else if self.queue.front() == Some(&storage) && self.streams(storage) {
            Mode::Stream { storage, nth: 0, rows: 0, at: 0, row: Vec::new() }
        } else {
            Mode::Hold { storage, bytes: Vec::new() }
        };
    }

    /// Whether the taken tensors are stored one after the other.
    fn streams(&self, storage: usize) -> bool {
        let mut end = 0;
        self.taken[storage].iter().all(|&tensor| {
            let place = &self.places[tensor];
            let behind = place.first >= end;
            end = place.first + self.header.tensors[tensor].bytes;
            behind && place.strides.is_none()
        })
    }

    /// Reads bytes of the current storage.
    ///
    /// # Errors
    /// [`crate::ErrorKind::OutOfMemory`], and the errors of the sink.
    pub fn push(&mut self, mut chunk: &[u8], sink: &mut dyn RowSink) -> Result<()> {
        match &mut self.now {
            Mode::Pass => Ok(()),
            Mode::Hold { bytes, .. } => {
                try_reserve(bytes, chunk.len(), WHAT)?;
                bytes.extend_from_slice(chunk);
                Ok(())
            }
            Mode::Stream { storage, nth, rows, at, row } => {
                while let Some(&tensor) = self.taken[*storage].get(*nth) {
                    let first = self.places[tensor].first;
                    if *at < first {
                        let gap = (first - *at).min(chunk.len());
                        chunk = &chunk[gap..];
                        *at += gap;
                    }
                    if *at < first {
                        return Ok(());
                    }
                    let info = &self.header.tensors[tensor];
                    let (all, bytes) = row_layout(&info.shape, info.bytes);
                    if row.is_empty() && chunk.len() >= bytes {
                        let (whole, rest) = chunk.split_at(bytes);
                        *at += bytes;
                        chunk = rest;
                        sink.row(tensor, *rows, whole)?;
                    } else {
                        let Some(whole) = take(row, &mut chunk, at, bytes)? else { return Ok(()) };
                        sink.row(tensor, *rows, whole)?;
                        row.clear();
                    }
                    *rows += 1;
                    if *rows == all {
                        (*nth, *rows) = (*nth + 1, 0);
                    }
                }
                Ok(())
            }
        }
    }

    /// Ends the current storage, which has arrived completely.
    ///
    /// # Errors
    /// [`crate::ErrorKind::OutOfMemory`], and the errors of the sink.
    pub fn end(&mut self, sink: &mut dyn RowSink) -> Result<()> {
        match std::mem::replace(&mut self.now, Mode::Pass) {
            Mode::Pass => {}
            Mode::Stream { .. } => {
                self.queue.pop_front();
            }
            Mode::Hold { storage, bytes } => {
                self.early.insert(storage, bytes);
            }
        }
        while let Some(storage) = self.queue.front()
            && let Some(bytes) = self.early.remove(storage)
        {
            for &tensor in &self.taken[*storage] {
                self.gather(tensor, &bytes, sink)?;
            }
            self.queue.pop_front();
        }
        Ok(())
    }

    /// Passes on the rows of a tensor from a complete storage.
    fn gather(&self, tensor: usize, storage: &[u8], sink: &mut dyn RowSink) -> Result<()> {
        let (info, place) = (&self.header.tensors[tensor], &self.places[tensor]);
        let (rows, bytes) = row_layout(&info.shape, info.bytes);
        let Some(strides) = &place.strides else {
            let whole = &storage[place.first..place.first + info.bytes];
            return whole.chunks_exact(bytes).enumerate().try_for_each(|(row, bytes)| sink.row(tensor, row, bytes));
        };
        let width = info.dtype.bitsize() / 8;
        let mut held = Vec::new();
        try_reserve(&mut held, bytes, WHAT)?;
        let mut index = vec![0; info.shape.len()];
        for row in 0..rows {
            held.clear();
            for _ in 0..bytes / width {
                let element: usize = index.iter().zip(strides).map(|(i, stride)| i * stride).sum();
                held.extend_from_slice(&storage[place.first + element * width..][..width]);
                // The next element: the last dimension counts fastest.
                for (i, &n) in index.iter_mut().zip(&info.shape).rev() {
                    *i += 1;
                    if *i < n {
                        break;
                    }
                    *i = 0;
                }
            }
            sink.row(tensor, row, &held)?;
        }
        Ok(())
    }
}

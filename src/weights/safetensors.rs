//! Splits a safetensors file, which arrives in chunks of any size, into its header and the rows of its
//! tensors.
//!
//! At most one row is held here; a row within a single chunk is passed on without a copy.

use super::coded;
use super::header::{Header, PREFIX_BYTES, SNIFFED_BYTES, header_length, not_safetensors};
use super::stream::{RowSink, ended, failed_before, row_layout, take};
use crate::error::{Error, ErrorKind, Result};
use safetensors::tensor::Dtype;
use serde_json::{Map, Value, json};

/// The beginning of a file of these tensors (name, type, shape, bytes): length, header with `metadata`,
/// spaces. The data of the tensors follows in the same order.
pub fn write_header(
    tensors: impl IntoIterator<Item = (String, Dtype, Vec<usize>, usize)>,
    metadata: &[(&str, &str)],
) -> Vec<u8> {
    let metadata: Map<String, Value> = metadata.iter().map(|&(key, value)| (key.into(), value.into())).collect();
    let mut json = Map::from_iter([("__metadata__".to_owned(), Value::Object(metadata))]);
    let mut at = 0u64;
    for (name, dtype, shape, bytes) in tensors {
        let end = at + bytes as u64;
        json.insert(name, json!({ "dtype": dtype, "shape": shape, "data_offsets": [at, end] }));
        at = end;
    }
    let mut text = Value::Object(json).to_string();
    // The format requires data aligned to eight bytes.
    text.extend(std::iter::repeat_n(' ', text.len().next_multiple_of(8) - text.len()));
    let mut file = (text.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(text.as_bytes());
    file
}

/// Reads a file as it arrives.
pub struct Reader {
    state: State,
    /// The part of the current prefix, header or row received so far.
    held: Vec<u8>,
    seen: usize,
    announced: Option<usize>,
    may_be_coded: bool,
}

enum State {
    Prefix,
    /// Not a safetensors file; its first bytes show what it is.
    Foreign,
    Header {
        length: usize,
    },
    /// `passed`: bytes so far of a skipped tensor.
    Rows {
        header: Header,
        tensor: usize,
        row: usize,
        passed: usize,
    },
    /// Reads the file within a coded file. `file_bytes`: the length of the coded file.
    Coded {
        decoder: coded::Decoder,
        within: Box<Reader>,
        file_bytes: usize,
    },
    Broken,
}

impl Reader {
    /// A reader of a file announced to have `announced` bytes, if known.
    pub fn new(announced: Option<usize>) -> Self {
        Self { state: State::Prefix, held: Vec::new(), seen: 0, announced, may_be_coded: true }
    }

    /// A reader of the file within a coded file, which is not decoded again.
    fn within() -> Self {
        Self { may_be_coded: false, ..Self::new(None) }
    }

    /// The header, once it has been read.
    pub fn header(&self) -> Option<&Header> {
        match &self.state {
            State::Rows { header, .. } => Some(header),
            State::Coded { within, .. } => within.header(),
            _ => None,
        }
    }

    /// Reads the file's next bytes.
    ///
    /// # Errors
    /// [`ErrorKind::NotAModel`] for another kind of file, [`ErrorKind::WeightsHeader`],
    /// [`ErrorKind::OutOfMemory`], [`ErrorKind::WeightsLength`] if there are more bytes than the header says,
    /// and the errors of `sink`. After an error the reader rejects further calls.
    pub fn push(&mut self, chunk: &[u8], sink: &mut dyn RowSink) -> Result<()> {
        let result = self.advance(chunk, sink);
        if result.is_err() {
            self.state = State::Broken;
            self.held = Vec::new();
        }
        result
    }

    /// Checks that the file is complete. A reader that failed before fails again.
    ///
    /// # Errors
    /// [`ErrorKind::WeightsLength`] if bytes are missing; [`ErrorKind::NotAModel`],
    /// [`ErrorKind::WeightsHeader`] for a short file of another kind.
    pub fn finish(&self) -> Result<()> {
        if let State::Foreign = &self.state {
            return Err(not_safetensors(&self.held));
        }
        if let State::Rows { header, tensor, .. } = &self.state
            && *tensor == header.tensors.len()
        {
            return Ok(());
        }
        if let State::Coded { decoder, within, .. } = &self.state
            && decoder.is_complete()
        {
            return within.finish();
        }
        let whole = match &self.state {
            State::Rows { header, .. } => format!("{}", header.file_bytes),
            State::Coded { file_bytes, .. } => format!("{file_bytes}"),
            _ => "the header's".into(),
        };
        Err(ended(self.seen, whole))
    }

    fn advance(&mut self, mut chunk: &[u8], sink: &mut dyn RowSink) -> Result<()> {
        loop {
            match &mut self.state {
                State::Broken => return Err(failed_before()),
                State::Prefix => {
                    let Some(bytes) = take(&mut self.held, &mut chunk, &mut self.seen, PREFIX_BYTES)? else {
                        return Ok(());
                    };
                    match header_length(bytes.as_slice().try_into().expect("eight bytes were read"))? {
                        Some(length) => self.state = State::Header { length },
                        None => self.state = State::Foreign,
                    }
                }
                State::Foreign => {
                    let Some(bytes) = take(&mut self.held, &mut chunk, &mut self.seen, SNIFFED_BYTES)? else {
                        return Ok(());
                    };
                    return Err(not_safetensors(bytes));
                }
                State::Header { length } => {
                    // The first bytes of gzip also make a plausible length.
                    if self.held.len() == PREFIX_BYTES && chunk.first().is_some_and(|&byte| byte != b'{') {
                        self.state = State::Foreign;
                        continue;
                    }
                    let Some(bytes) = take(&mut self.held, &mut chunk, &mut self.seen, PREFIX_BYTES + *length)? else {
                        return Ok(());
                    };
                    let header = Header::parse(&bytes[PREFIX_BYTES..])?;
                    if let Some(announced) = self.announced
                        && announced != header.file_bytes
                    {
                        return Err(Error::new(
                            ErrorKind::WeightsLength,
                            format!(
                                "The weights were announced as {announced} bytes, but their header says {}: load \
                                 them again.",
                                header.file_bytes
                            ),
                        ));
                    }
                    self.held = Vec::new();
                    if self.may_be_coded && coded::is_coded(&header.tensors)? {
                        let (decoder, within) = (coded::Decoder::new(), Box::new(Self::within()));
                        self.state = State::Coded { decoder, within, file_bytes: header.file_bytes };
                        continue;
                    }
                    sink.header(&header)?;
                    self.state = State::Rows { header, tensor: 0, row: 0, passed: 0 };
                }
                State::Coded { decoder, within, .. } => {
                    while !chunk.is_empty() {
                        let before = chunk.len();
                        let decoded = decoder.take(&mut chunk)?;
                        self.seen += before - chunk.len();
                        within.advance(decoded, sink)?;
                    }
                    return Ok(());
                }
                State::Rows { header, tensor, row, passed } => {
                    let Some(info) = header.tensors.get(*tensor) else {
                        if chunk.is_empty() {
                            return Ok(());
                        }
                        return Err(Error::new(
                            ErrorKind::WeightsLength,
                            format!(
                                "The weights continue after the {} bytes that their header declares: load them again.",
                                header.file_bytes
                            ),
                        ));
                    };
                    if info.bytes == 0 || !sink.takes(*tensor) {
                        let n = (info.bytes - *passed).min(chunk.len());
                        chunk = &chunk[n..];
                        self.seen += n;
                        *passed += n;
                        if *passed < info.bytes {
                            return Ok(());
                        }
                        (*tensor, *passed) = (*tensor + 1, 0);
                        continue;
                    }
                    let (rows, bytes) = row_layout(&info.shape, info.bytes);
                    if self.held.is_empty() && chunk.len() >= bytes {
                        let (whole, rest) = chunk.split_at(bytes);
                        self.seen += bytes;
                        chunk = rest;
                        sink.row(*tensor, *row, whole)?;
                    } else {
                        let Some(whole) = take(&mut self.held, &mut chunk, &mut self.seen, bytes)? else {
                            return Ok(());
                        };
                        sink.row(*tensor, *row, whole.as_slice())?;
                        self.held.clear();
                    }
                    *row += 1;
                    if *row >= rows {
                        (*tensor, *row) = (*tensor + 1, 0);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;

//! Cuts a safetensors file that arrives in chunks of any size into its header and the rows of its tensors.
//!
//! At most one row is held here; a row that lies within a chunk is passed on without a copy.

use super::coded;
use super::header::{Header, PREFIX_BYTES, SNIFFED_BYTES, header_length, not_safetensors};
use super::stream::{RowSink, ended, failed_before, row_layout, take};
use crate::error::{Error, ErrorKind, Result};
use safetensors::tensor::Dtype;
use serde_json::{Map, Value, json};

/// The beginning of a file of these tensors (name, type, shape, bytes), which follow in this order: length, header with
/// `metadata`, spaces.
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
    // The format asks for data aligned to eight bytes.
    text.extend(std::iter::repeat_n(' ', text.len().next_multiple_of(8) - text.len()));
    let mut file = (text.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(text.as_bytes());
    file
}

/// The state of a file on its way in.
pub struct Reader {
    state: State,
    /// What has come of the present prefix, header or row.
    held: Vec<u8>,
    seen: usize,
    announced: Option<usize>,
    may_be_coded: bool,
}

enum State {
    Prefix,
    /// This is no safetensors file; its first bytes say what it is.
    Foreign,
    Header {
        length: usize,
    },
    /// `passed`: the bytes so far of a tensor that nobody takes.
    Rows {
        header: Header,
        tensor: usize,
        row: usize,
        passed: usize,
    },
    /// The file within a coded one is what is read. `file_bytes`: of the coded one.
    Coded {
        decoder: coded::Decoder,
        within: Box<Reader>,
        file_bytes: usize,
    },
    Broken,
}

impl Reader {
    /// A reader of a file that is announced to have `announced` bytes, where that is known.
    pub fn new(announced: Option<usize>) -> Self {
        Self { state: State::Prefix, held: Vec::new(), seen: 0, announced, may_be_coded: true }
    }

    /// A reader of the file within a coded one, which is none itself.
    fn within() -> Self {
        Self { may_be_coded: false, ..Self::new(None) }
    }

    /// The header, once it is there.
    pub fn header(&self) -> Option<&Header> {
        match &self.state {
            State::Rows { header, .. } => Some(header),
            State::Coded { within, .. } => within.header(),
            _ => None,
        }
    }

    /// Takes the file's next bytes.
    ///
    /// # Errors
    /// [`ErrorKind::NotAModel`] for another kind of file, [`ErrorKind::WeightsHeader`], [`ErrorKind::OutOfMemory`],
    /// [`ErrorKind::WeightsLength`] where there are more bytes than the header says, and
    /// whatever `sink` finds. After an error the reader takes nothing more.
    pub fn push(&mut self, chunk: &[u8], sink: &mut dyn RowSink) -> Result<()> {
        let result = self.advance(chunk, sink);
        if result.is_err() {
            self.state = State::Broken;
            self.held = Vec::new();
        }
        result
    }

    /// That the file is complete. A reader that failed before fails again.
    ///
    /// # Errors
    /// [`ErrorKind::WeightsLength`] where bytes are missing; [`ErrorKind::NotAModel`], [`ErrorKind::WeightsHeader`] for a short
    /// file of another kind.
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
                    match header_length(bytes.as_slice().try_into().expect("eight bytes were asked for"))? {
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
                    // gzip's first bytes are a plausible length, too.
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
                                "The weights are announced with {announced} bytes, but their header says {}: load them again.",
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
                                "The weights go on after the {} bytes that their header says: load them again.",
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
mod tests {
    use super::*;

    #[derive(Default)]
    struct Rows {
        names: Vec<String>,
        rows: Vec<(usize, usize, Vec<u8>)>,
    }

    impl RowSink for Rows {
        fn header(&mut self, header: &Header) -> Result<()> {
            self.names = header.tensors.iter().map(|t| t.name.clone()).collect();
            Ok(())
        }
        fn takes(&self, tensor: usize) -> bool {
            self.names[tensor] != "skipped"
        }
        fn row(&mut self, tensor: usize, row: usize, bytes: &[u8]) -> Result<()> {
            self.rows.push((tensor, row, bytes.to_vec()));
            Ok(())
        }
    }

    fn file() -> Vec<u8> {
        let json = br#"{"m":{"dtype":"I8","shape":[2,3],"data_offsets":[0,6]},"e":{"dtype":"F32","shape":[0,4],"data_offsets":[6,6]},"v":{"dtype":"F16","shape":[2],"data_offsets":[6,10]},"s":{"dtype":"I8","shape":[],"data_offsets":[10,11]}}"#;
        let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(json);
        bytes.extend(1..=11u8);
        bytes
    }

    fn read(chunks: &[&[u8]], announced: Option<usize>) -> Result<Rows> {
        let (mut reader, mut rows) = (Reader::new(announced), Rows::default());
        for chunk in chunks {
            reader.push(chunk, &mut rows)?;
        }
        reader.finish()?;
        Ok(rows)
    }

    #[test]
    fn any_cut_gives_the_same_rows() {
        let file = file();
        let whole = read(&[&file], Some(file.len())).unwrap();
        assert_eq!(whole.rows.len(), 4);
        assert_eq!(whole.rows[1], (0, 1, vec![4, 5, 6]));
        for a in 0..=file.len() {
            for b in a..=file.len() {
                let cut = read(&[&file[..a], &file[a..b], &file[b..]], None).unwrap();
                assert_eq!(cut.rows, whole.rows, "cut at {a} and {b}");
            }
        }
        let bytes: Vec<&[u8]> = file.chunks(1).collect();
        assert_eq!(read(&bytes, None).unwrap().rows, whole.rows);
    }

    #[test]
    fn a_coded_file_gives_the_same_rows() {
        let coded = coded::encode(&file()).unwrap();
        let whole = read(&[&file()], None).unwrap();
        for size in [1, 3, 8, 100, coded.len()] {
            let chunks: Vec<&[u8]> = coded.chunks(size).collect();
            let read = read(&chunks, Some(coded.len())).unwrap();
            assert_eq!((read.names, read.rows), (whole.names.clone(), whole.rows.clone()), "chunks of {size}");
        }
        for n in 0..coded.len() {
            let kind = read(&[&coded[..n]], None).err().expect("incomplete").kind();
            assert_eq!(kind, ErrorKind::WeightsLength, "after {n} bytes");
        }
        let twice = coded::encode(&coded).unwrap();
        let rows = read(&[&twice], None).unwrap();
        assert_eq!(rows.names, [coded::TENSOR], "the file within is read as it is");
    }

    #[test]
    fn tensors_that_nobody_takes_are_passed_over_whatever_their_shape() {
        // Rows without end, none of which has a byte; and a vector that is not to be held.
        let rows = usize::MAX >> 1;
        let json = format!(
            r#"{{"v":{{"dtype":"U8","shape":[2],"data_offsets":[5,7]}},"e":{{"dtype":"F32","shape":[{rows},0],"data_offsets":[0,0]}},
                "skipped":{{"dtype":"U8","shape":[5],"data_offsets":[0,5]}},"z":{{"dtype":"U8","shape":[{rows},0],"data_offsets":[7,7]}}}}"#
        );
        let mut file = (json.len() as u64).to_le_bytes().to_vec();
        file.extend_from_slice(json.as_bytes());
        file.extend(1..=7u8);
        for size in 1..=file.len() {
            let chunks: Vec<&[u8]> = file.chunks(size).collect();
            assert_eq!(read(&chunks, None).unwrap().rows, [(2, 0, vec![6, 7])], "chunks of {size}");
        }
        for n in 0..file.len() {
            assert_eq!(read(&[&file[..n]], None).err().unwrap().kind(), ErrorKind::WeightsLength, "after {n} bytes");
        }
    }

    #[test]
    fn a_file_that_ends_early_at_any_byte() {
        let file = file();
        for n in 0..file.len() {
            let kind = read(&[&file[..n]], None).err().expect("incomplete").kind();
            assert_eq!(kind, ErrorKind::WeightsLength, "after {n} bytes");
        }
    }

    #[test]
    fn a_file_with_a_tail() {
        let mut file = file();
        file.push(0);
        assert_eq!(read(&[&file], None).err().unwrap().kind(), ErrorKind::WeightsLength);
    }

    #[test]
    fn a_length_other_than_the_one_announced() {
        let file = file();
        for announced in [file.len() - 1, file.len() + 1, 0] {
            assert_eq!(read(&[&file], Some(announced)).err().unwrap().kind(), ErrorKind::WeightsLength);
        }
    }

    #[test]
    fn a_reader_that_failed_takes_nothing_more() {
        let (mut reader, mut rows) = (Reader::new(None), Rows::default());
        assert!(reader.push(&[0; 8], &mut rows).is_err());
        assert!(reader.push(&file(), &mut rows).is_err());
        assert!(reader.finish().is_err());
    }
}

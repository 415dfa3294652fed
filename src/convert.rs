//! Converts a safetensors file to int8 or fp16 while it streams: bytes in, bytes out, never the whole file.
//!
//! int8: every matrix is rounded per row ([`quantize_row`]) and gets its scales in `NAME_scale` (F32); vectors stay
//! F32. fp16: every tensor is rounded to half precision. The matrices come first, in the order of the source; vectors
//! and scales, which are small, are held back and follow.

use crate::error::{Error, ErrorKind, Result};
use crate::model::load::SCALE_SUFFIX;
use crate::weights::dtype::{Storage, check_finite, decode};
use crate::weights::header::Header;
use crate::weights::quantize::quantize_row;
use crate::weights::stream::{Reader, RowSink};
use serde_json::{Map, Value, json};

/// What a file is converted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// int8 matrices with a scale a row.
    Int8,
    /// Half precision.
    Fp16,
}

impl Format {
    /// The name's format.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for any name other than "int8" and "fp16".
    pub fn from_name(name: &str) -> Result<Self> {
        match name {
            "int8" => Ok(Self::Int8),
            "fp16" => Ok(Self::Fp16),
            other => Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("A file can't be converted to {other:?}: \"int8\" and \"fp16\" are there."),
            )),
        }
    }
}

/// A file on its way through.
pub struct Converter {
    reader: Reader,
    sink: Sink,
}

impl Converter {
    /// A converter to `format`.
    pub fn new(format: Format) -> Self {
        let sink = Sink {
            format,
            tensors: Vec::new(),
            tail: Vec::new(),
            out: Vec::new(),
            numbers: Vec::new(),
            int8: Vec::new(),
        };
        Self { reader: Reader::new(None), sink }
    }

    /// Takes the source's next bytes and returns what is ready of the result.
    ///
    /// # Errors
    /// Those of [`Reader::push`]; [`ErrorKind::WeightsMismatch`] where a tensor is not floating-point;
    /// [`ErrorKind::WeightsNotFinite`]; [`ErrorKind::NotFinite`] where a number is too large for fp16.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Vec<u8>> {
        self.reader.push(chunk, &mut self.sink)?;
        Ok(std::mem::take(&mut self.sink.out))
    }

    /// The rest of the result.
    ///
    /// # Errors
    /// [`ErrorKind::WeightsLength`] where bytes are missing.
    pub fn finish(mut self) -> Result<Vec<u8>> {
        self.reader.finish()?;
        for part in self.sink.tail {
            self.sink.out.extend_from_slice(&part);
        }
        Ok(self.sink.out)
    }
}

struct Source {
    name: String,
    storage: Storage,
    columns: usize,
    /// The place in [`Sink::tail`] of what is held back: the vector itself, or an int8 matrix' scales.
    tail: Option<usize>,
    matrix: bool,
}

struct Sink {
    format: Format,
    tensors: Vec<Source>,
    /// Vectors and scales, in the order of the header.
    tail: Vec<Vec<u8>>,
    out: Vec<u8>,
    numbers: Vec<f32>,
    int8: Vec<i8>,
}

impl Sink {
    /// Reads the shapes and writes the result's header, which they determine.
    fn plan(&mut self, header: &Header) -> Result<()> {
        let (mut head, mut tail): (Vec<_>, Vec<_>) = (Vec::new(), Vec::new());
        for t in &header.tensors {
            let storage = match Storage::of(t.dtype) {
                Some(storage) if storage.is_float() => storage,
                _ => {
                    return Err(Error::new(
                        ErrorKind::WeightsMismatch,
                        format!(
                            "{:?} is stored as {:?}: give the converter a file of F32, F16 or BF16.",
                            t.name, t.dtype
                        ),
                    ));
                }
            };
            let numbers = t.bytes / storage.bytes();
            let (matrix, rows, columns) = match t.shape[..] {
                [rows, columns] if numbers > 0 => (true, rows, columns),
                _ => (false, 1, numbers),
            };
            let (dtype, size) = match (self.format, matrix) {
                (Format::Int8, true) => ("I8", 1),
                (Format::Int8, false) => ("F32", 4),
                (Format::Fp16, _) => ("F16", 2),
            };
            let entry = (t.name.clone(), dtype, t.shape.clone(), numbers * size);
            if matrix {
                head.push(entry)
            } else {
                tail.push(entry)
            }
            let held = !matrix || self.format == Format::Int8;
            if matrix && held {
                tail.push((format!("{}{SCALE_SUFFIX}", t.name), "F32", vec![rows], 4 * rows));
            }
            let tail = held.then_some(tail.len() - 1);
            self.tensors.push(Source { name: t.name.clone(), storage, columns, tail, matrix });
        }
        self.tail = vec![Vec::new(); tail.len()];

        let mut json = Map::new();
        let quantization = if self.format == Format::Int8 { "int8" } else { "none" };
        json.insert("__metadata__".into(), json!({ "format": "pt", "quantization": quantization }));
        let mut at = 0;
        for (name, dtype, shape, bytes) in head.into_iter().chain(tail) {
            let entry = json!({ "dtype": dtype, "shape": shape, "data_offsets": [at, at + bytes] });
            json.insert(name, entry);
            at += bytes;
        }
        let mut text = Value::Object(json).to_string();
        // The format asks for data aligned to eight bytes.
        text.extend(std::iter::repeat_n(' ', text.len().next_multiple_of(8) - text.len()));
        self.out.extend_from_slice(&(text.len() as u64).to_le_bytes());
        self.out.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

impl RowSink for Sink {
    fn header(&mut self, header: &Header) -> Result<()> {
        self.plan(header)
    }

    fn row(&mut self, tensor: usize, _row: usize, bytes: &[u8]) -> Result<()> {
        let t = &self.tensors[tensor];
        self.numbers.resize(t.columns, 0.0);
        decode(t.storage, bytes, &mut self.numbers);
        check_finite(&self.numbers, &t.name)?;
        match (self.format, t.matrix) {
            (Format::Int8, true) => {
                self.int8.resize(t.columns, 0);
                let scale = quantize_row(&self.numbers, &mut self.int8);
                self.out.extend(self.int8.iter().map(|q| q.cast_unsigned()));
                let scales = t.tail.expect("an int8 matrix has scales");
                self.tail[scales].extend_from_slice(&scale.to_le_bytes());
            }
            (Format::Int8, false) => {
                let place = &mut self.tail[t.tail.expect("a vector is held back")];
                place.extend(self.numbers.iter().flat_map(|x| x.to_le_bytes()));
            }
            (Format::Fp16, _) => {
                let place = match t.tail {
                    Some(tail) => &mut self.tail[tail],
                    None => &mut self.out,
                };
                for x in &self.numbers {
                    let half = half::f16::from_f32(*x);
                    if !half.is_finite() {
                        return Err(Error::new(
                            ErrorKind::NotFinite,
                            format!(
                                "{:?} holds {x}, too large for fp16: convert to int8, or keep the file as it is.",
                                t.name
                            ),
                        ));
                    }
                    place.extend_from_slice(&half.to_le_bytes());
                }
            }
        }
        Ok(())
    }
}

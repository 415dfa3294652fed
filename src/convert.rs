//! Converts a file of weights to int8, int4 or fp16 while it streams: bytes in, bytes out, never the whole file.
//!
//! int8: every matrix and embedding table is rounded per row ([`quantize_row`]), with its scales in
//! `NAME_scale` (F32); vectors and relative attention biases stay F32. Tensors get the names that current
//! checkpoints use; tensors that are not weights of a model are left out. int4: [`Rounder`] rounds the
//! matrices and tables that can be int4; everything else is as for int8. fp16: every tensor is rounded to
//! half precision. The matrices come first, in the order of the source, and each int4 tensor directly after
//! its scales; vectors and row scales, which are small, are held back and follow.

use crate::error::{Error, ErrorKind, Result, try_reserve};
use crate::model::checkpoint;
use crate::model::load::SCALE_SUFFIX;
use crate::model::names::Names;
use crate::model::onnx;
use crate::quantize::calibration::Inputs;
use crate::quantize::rounder::Rounder;
use crate::weights::dtype::{Storage, check_finite, decode, require_float};
use crate::weights::header::{Header, quoted};
use crate::weights::int4;
use crate::weights::onnx::{Graph, Wanted};
use crate::weights::quantize::quantize_row;
use crate::weights::safetensors::write_header;
use crate::weights::stream::{Reader, RowSink};
use safetensors::tensor::Dtype;
use std::collections::HashSet;

/// The formats that need only the file; int4 also needs a calibration ([`Converter::int4`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// int8 matrices with a scale per row.
    Int8,
    /// Half precision.
    Fp16,
}

impl Format {
    /// The format with this name.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for any name other than "int8" and "fp16".
    pub fn from_name(name: &str) -> Result<Self> {
        match name {
            "int8" => Ok(Self::Int8),
            "fp16" => Ok(Self::Fp16),
            other => Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("A file can't be converted to {other:?}. Supported: \"int8\" and \"fp16\"."),
            )),
        }
    }
}

impl Format {
    /// How the matrices of the result are stored.
    pub fn storage(self) -> Storage {
        match self {
            Self::Int8 => Storage::Int8,
            Self::Fp16 => Storage::F16,
        }
    }
}

/// A file being converted.
pub struct Converter {
    reader: Reader,
    sink: Sink,
}

impl Converter {
    /// A converter to `format`.
    pub fn new(format: Format) -> Self {
        Self::to(match format {
            Format::Int8 => Target::Int8,
            Format::Fp16 => Target::Fp16,
        })
    }

    /// A converter to int4, for the same file that the calibration read.
    pub fn int4(inputs: Inputs) -> Self {
        Self::to(Target::Int4(Box::new(Rounder::new(inputs))))
    }

    fn to(target: Target) -> Self {
        let sink = Sink {
            target,
            tensors: Vec::new(),
            warnings: Vec::new(),
            tail: Vec::new(),
            out: Vec::new(),
            numbers: Vec::new(),
            int8: Vec::new(),
        };
        Self { reader: Reader::new(None), sink }
    }

    /// Reads the source's next bytes and returns the part of the result that is ready.
    ///
    /// # Errors
    /// The errors of [`Reader::push`]; [`ErrorKind::WeightsMismatch`] if a tensor is not floating-point, or
    /// if one is missing that every model has; [`ErrorKind::WeightsNotFinite`]; [`ErrorKind::NotFinite`] if a
    /// number is too large for fp16 or int4.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Vec<u8>> {
        self.reader.push(chunk, &mut self.sink)?;
        Ok(std::mem::take(&mut self.sink.out))
    }

    /// Ends the current file of the source and returns the name of the file next to it that continues the
    /// weights, if any. Push its bytes next.
    ///
    /// # Errors
    /// [`ErrorKind::WeightsLength`] if bytes are missing.
    pub fn end_file(&mut self) -> Result<Option<String>> {
        self.reader.end_file()
    }

    /// Warnings about the source, a sentence each, once its header has been read: tensors that were left out.
    pub fn warnings(&self) -> &[String] {
        &self.sink.warnings
    }

    /// The rest of the result.
    ///
    /// # Errors
    /// [`ErrorKind::WeightsLength`] if bytes are missing; [`ErrorKind::OutOfMemory`].
    pub fn finish(mut self) -> Result<Vec<u8>> {
        self.reader.finish()?;
        try_reserve(&mut self.sink.out, self.sink.tail.iter().map(Vec::len).sum(), WHAT)?;
        for part in self.sink.tail {
            self.sink.out.extend_from_slice(&part);
        }
        Ok(self.sink.out)
    }
}

/// Named in errors about failed allocations.
const WHAT: &str = "the converted weights";

enum Target {
    Int8,
    Fp16,
    Int4(Box<Rounder>),
}

/// How and where a tensor is written. `tail` is an index into [`Sink::tail`], for parts that are held back.
#[derive(Clone, Copy)]
enum Form {
    /// Rows of int8, written immediately; their scales go to `tail`.
    Int8 { tail: usize },
    /// int4, written after its scales once the matrix or table of `rows` rows is complete.
    Int4 { rows: usize },
    /// Half precision: a matrix is written immediately, a vector goes to `tail`.
    Fp16 { tail: Option<usize> },
    /// f32, to `tail`.
    Fp32 { tail: usize },
}

struct Source {
    /// Its name in the source.
    name: String,
    /// Its name in the result.
    canonical: String,
    storage: Storage,
    columns: usize,
    form: Form,
}

struct Sink {
    target: Target,
    /// The source's tensors; `None` is left out.
    tensors: Vec<Option<Source>>,
    warnings: Vec<String>,
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
        let guessed;
        let names = match &self.target {
            Target::Int4(rounder) => rounder.inputs.names(),
            Target::Int8 | Target::Fp16 => {
                guessed = Names::guess(header).with_head_of(header);
                &guessed
            }
        };
        let (resolved, warnings) = resolve(header, names)?;
        self.warnings = warnings;
        for (t, name) in header.tensors.iter().zip(resolved) {
            let Some(name) = name else {
                self.tensors.push(None);
                continue;
            };
            let storage = require_float(t)?;
            let numbers = t.bytes / storage.bytes();
            let scale = format!("{name}{SCALE_SUFFIX}");
            let (canonical, shape) = (name.clone(), t.shape.clone());
            let (columns, form) = match (&self.target, &t.shape[..]) {
                (Target::Int4(rounder), &[rows, columns]) if rounder.inputs.columns(&name).is_some() => {
                    if rounder.inputs.columns(&name) != Some(columns) {
                        return Err(Error::new(
                            ErrorKind::WeightsMismatch,
                            format!("{} differs from the calibrated file: convert the same file.", quoted(&t.name)),
                        ));
                    }
                    let groups = columns / int4::GROUP;
                    head.push((scale, Dtype::F16, vec![rows, groups], 2 * rows * groups));
                    head.push((name, Dtype::U8, vec![rows, columns / 2], numbers / 2));
                    (columns, Form::Int4 { rows })
                }
                (Target::Fp16, &[_, columns]) if numbers > 0 => {
                    head.push((name, Dtype::F16, shape, 2 * numbers));
                    (columns, Form::Fp16 { tail: None })
                }
                (Target::Fp16, _) => {
                    tail.push((name, Dtype::F16, shape, 2 * numbers));
                    (numbers, Form::Fp16 { tail: Some(tail.len() - 1) })
                }
                (_, &[rows, columns]) if numbers > 0 && names.supports_integers(&t.name) => {
                    head.push((name, Dtype::I8, shape, numbers));
                    tail.push((scale, Dtype::F32, vec![rows], 4 * rows));
                    (columns, Form::Int8 { tail: tail.len() - 1 })
                }
                _ => {
                    tail.push((name, Dtype::F32, shape, 4 * numbers));
                    // A matrix arrives row by row.
                    let columns = if let (&[_, columns], 1..) = (&t.shape[..], numbers) { columns } else { numbers };
                    (columns, Form::Fp32 { tail: tail.len() - 1 })
                }
            };
            self.tensors.push(Some(Source { name: t.name.clone(), canonical, storage, columns, form }));
        }
        self.tail = vec![Vec::new(); tail.len()];

        let quantization = match self.target {
            Target::Int8 => "int8",
            Target::Int4(_) => "int4",
            Target::Fp16 => "none",
        };
        let tensors = head.into_iter().chain(tail);
        self.out = write_header(tensors, &[("format", "pt"), ("quantization", quantization)]);
        Ok(())
    }
}

/// The name of each tensor in the result, `None` if it is left out, and warnings about the tensors left out.
fn resolve(header: &Header, names: &Names) -> Result<(Vec<Option<String>>, Vec<String>)> {
    let resolved = checkpoint::resolve(header, names.base(), |name| names.has(name))?;
    let found: HashSet<&str> = resolved.iter().flatten().map(String::as_str).collect();
    let missing: Vec<&str> = names.required().map(String::as_str).filter(|name| !found.contains(name)).collect();
    if !missing.is_empty() {
        return Err(checkpoint::missing(header, names, &resolved, missing));
    }
    let unused = header.tensors.iter().zip(&resolved).filter(|(_, name)| name.is_none());
    let warnings = checkpoint::warnings(names, unused.map(|(t, _)| t.name.as_str()));
    let written = resolved.into_iter().map(|name| name.map(|name| names.written(name))).collect();
    Ok((written, warnings))
}

impl RowSink for Sink {
    fn wanted(&mut self, graph: &Graph) -> Result<Wanted> {
        match &self.target {
            Target::Int4(rounder) => onnx::of_checkpoint(graph, rounder.inputs.names()),
            Target::Int8 | Target::Fp16 => onnx::of_checkpoint(graph, &onnx::guess(graph)),
        }
    }

    fn header(&mut self, header: &Header) -> Result<()> {
        self.plan(header)
    }

    fn takes(&self, tensor: usize) -> bool {
        self.tensors[tensor].is_some()
    }

    fn row(&mut self, tensor: usize, row: usize, bytes: &[u8]) -> Result<()> {
        let Some(t) = &self.tensors[tensor] else {
            return Ok(());
        };
        self.numbers.clear();
        try_reserve(&mut self.numbers, t.columns, WHAT)?;
        self.numbers.resize(t.columns, 0.0);
        decode(t.storage, bytes, &mut self.numbers);
        check_finite(&self.numbers, &t.name)?;
        match t.form {
            Form::Int8 { tail } => {
                self.int8.resize(t.columns, 0);
                let scale = quantize_row(&self.numbers, &mut self.int8);
                try_reserve(&mut self.out, t.columns, WHAT)?;
                self.out.extend(self.int8.iter().map(|q| q.cast_unsigned()));
                self.tail[tail].extend_from_slice(&scale.to_le_bytes());
            }
            Form::Int4 { rows } => {
                int4::check_range(&self.numbers, &t.name)?;
                let Target::Int4(rounder) = &mut self.target else { unreachable!("it planned this tensor") };
                rounder.row(&t.canonical, &self.numbers, row + 1 == rows, &mut self.out)?;
            }
            Form::Fp16 { tail } => {
                let place = match tail {
                    Some(tail) => &mut self.tail[tail],
                    None => &mut self.out,
                };
                try_reserve(place, 2 * self.numbers.len(), WHAT)?;
                for x in &self.numbers {
                    let half = half::f16::from_f32(*x);
                    if !half.is_finite() {
                        return Err(Error::new(
                            ErrorKind::NotFinite,
                            format!(
                                "{} holds {x}, too large for fp16: convert to int8, or keep the file as it is.",
                                quoted(&t.name)
                            ),
                        ));
                    }
                    place.extend_from_slice(&half.to_le_bytes());
                }
            }
            Form::Fp32 { tail } => {
                try_reserve(&mut self.tail[tail], 4 * self.numbers.len(), WHAT)?;
                self.tail[tail].extend(self.numbers.iter().flat_map(|x| x.to_le_bytes()));
            }
        }
        Ok(())
    }
}

//! A stream of weights in any container, recognized by its first bytes, split into its header and the rows of its
//! tensors, in chunks of any size.

use super::header::Header;
#[cfg(feature = "checkpoints")]
use super::torch;
use super::{onnx, safetensors};
use crate::error::{Error, ErrorKind, Result, try_reserve};
use std::fmt;

/// Receives the rows.
pub trait RowSink {
    /// Called with the checked header, before any row.
    ///
    /// # Errors
    /// Any error that the receiver returns for these tensors; the stream ends there.
    fn header(&mut self, header: &Header) -> Result<()>;

    /// Whether the rows of tensor `tensor` are needed; the bytes of all others are skipped, whatever their
    /// shape.
    fn takes(&self, tensor: usize) -> bool;

    /// Called with the bytes of row `row` of tensor `tensor` (an index into the header's list). A matrix has
    /// as many rows as its first size; every other tensor is one row. A tensor without bytes has none.
    ///
    /// # Errors
    /// Any error about these bytes; the stream ends there.
    fn row(&mut self, tensor: usize, row: usize, bytes: &[u8]) -> Result<()>;

    /// The weights needed from an ONNX file with this graph; the header follows.
    ///
    /// # Errors
    /// [`ErrorKind::WeightsMismatch`] if the graph belongs to another model, [`ErrorKind::NotAModel`] if ONNX
    /// files are not supported; the stream ends there.
    fn wanted(&mut self, _graph: &onnx::Graph) -> Result<onnx::Wanted> {
        Err(Error::new(
            ErrorKind::NotAModel,
            "The weights are an ONNX file, which isn't supported here: use a safetensors file or a PyTorch checkpoint.",
        ))
    }

    /// Called when the whole graph of an ONNX file has been read.
    ///
    /// # Errors
    /// [`ErrorKind::WeightsMismatch`] if it computes something other than the model; the stream ends there.
    fn graph(&mut self, _graph: &onnx::Graph, _tensors: &onnx::Tensors) -> Result<()> {
        Ok(())
    }
}

/// The number of first bytes that identify the container of a file.
pub const FIRST_BYTES: usize = 8;

/// Reads a file as it arrives.
pub struct Reader {
    container: Container,
    announced: Option<usize>,
    seen: usize,
}

enum Container {
    /// Too few bytes to recognize it.
    Sniffing(Vec<u8>),
    Safetensors(safetensors::Reader),
    Onnx(Box<onnx::Reader>),
    #[cfg(feature = "checkpoints")]
    Torch(Box<torch::Reader>),
}

impl Container {
    /// The container of a file with these first bytes. A file without a known signature is left to the
    /// safetensors reader, which reports what it is.
    fn of(first_bytes: &[u8], announced: Option<usize>) -> Self {
        if onnx::begins(first_bytes) {
            return Self::Onnx(Box::new(onnx::Reader::new(announced)));
        }
        #[cfg(feature = "checkpoints")]
        if let Some(reader) = torch::Reader::of(first_bytes, announced) {
            return Self::Torch(Box::new(reader));
        }
        Self::Safetensors(safetensors::Reader::new(announced))
    }
}

impl Reader {
    /// A reader of a file announced to have `announced` bytes, if known.
    pub fn new(announced: Option<usize>) -> Self {
        Self { container: Container::Sniffing(Vec::new()), announced, seen: 0 }
    }

    /// The header, once it has been read.
    pub fn header(&self) -> Option<&Header> {
        match &self.container {
            Container::Sniffing(_) => None,
            Container::Safetensors(reader) => reader.header(),
            Container::Onnx(reader) => reader.header(),
            #[cfg(feature = "checkpoints")]
            Container::Torch(reader) => reader.header(),
        }
    }

    /// Reads the file's next bytes.
    ///
    /// # Errors
    /// [`ErrorKind::NotAModel`] for another kind of file, [`ErrorKind::WeightsHeader`],
    /// [`ErrorKind::OutOfMemory`], [`ErrorKind::WeightsLength`] if there are more bytes than the header says,
    /// and the errors of `sink`. After an error the reader rejects further calls.
    pub fn push(&mut self, mut chunk: &[u8], sink: &mut dyn RowSink) -> Result<()> {
        if let Container::Sniffing(held) = &mut self.container {
            if take(held, &mut chunk, &mut self.seen, FIRST_BYTES)?.is_none() {
                return Ok(());
            }
            let first = std::mem::take(held);
            self.container = Container::of(&first, self.announced);
            self.seen = 0;
            self.push(&first, sink)?;
        }
        self.seen = self.seen.saturating_add(chunk.len());
        match &mut self.container {
            Container::Sniffing(_) => unreachable!("the container is known"),
            Container::Safetensors(reader) => reader.push(chunk, sink),
            Container::Onnx(reader) => reader.push(chunk, sink),
            #[cfg(feature = "checkpoints")]
            Container::Torch(reader) => reader.push(chunk, sink),
        }
    }

    /// Bytes so far, over all files.
    pub fn seen(&self) -> usize {
        self.seen
    }

    /// Ends the current file and returns the name of the file next to it that continues the weights, if any.
    /// Push its bytes next.
    ///
    /// # Errors
    /// [`ErrorKind::WeightsLength`] if bytes are missing.
    pub fn end_file(&mut self) -> Result<Option<String>> {
        match &mut self.container {
            Container::Onnx(reader) => reader.end_file(),
            _ => Ok(None),
        }
    }

    /// Checks that the file is complete. A reader that failed before fails again.
    ///
    /// # Errors
    /// [`ErrorKind::WeightsLength`] if bytes are missing; [`ErrorKind::NotAModel`],
    /// [`ErrorKind::WeightsHeader`] for a short file of another kind.
    pub fn finish(&self) -> Result<()> {
        match &self.container {
            Container::Sniffing(held) => Err(ended(held.len(), "the header's")),
            Container::Safetensors(reader) => reader.finish(),
            Container::Onnx(reader) => reader.finish(),
            #[cfg(feature = "checkpoints")]
            Container::Torch(reader) => reader.finish(),
        }
    }
}

/// The error for a file that ends after `seen` of `whole` bytes.
pub(crate) fn ended(seen: usize, whole: impl fmt::Display) -> Error {
    Error::new(ErrorKind::WeightsLength, format!("The weights ended after {seen} of {whole} bytes: load them again."))
}

/// The error for a file that continues after `whole` bytes.
pub(super) fn trailing_bytes(whole: usize) -> Error {
    Error::new(ErrorKind::WeightsLength, format!("The weights continue after their {whole} bytes: load them again."))
}

/// The error of a reader that has already failed.
pub(super) fn failed_before() -> Error {
    Error::new(ErrorKind::WeightsLength, "The weights failed earlier: load them again from the start.")
}

/// The number of rows of a tensor of `shape`, and the bytes of each.
pub(super) fn row_layout(shape: &[usize], bytes: usize) -> (usize, usize) {
    match shape {
        [rows, _] if *rows > 0 && bytes.is_multiple_of(*rows) => (*rows, bytes / rows),
        _ => (1, bytes),
    }
}

/// Fills `held` up to `wanted` bytes from the front of `chunk`; `None` if the chunk was too short.
///
/// Allocates as bytes arrive, not by what a header says: it may lie.
///
/// # Errors
/// [`ErrorKind::OutOfMemory`].
pub(super) fn take<'a>(
    held: &'a mut Vec<u8>,
    chunk: &mut &[u8],
    seen: &mut usize,
    wanted: usize,
) -> Result<Option<&'a Vec<u8>>> {
    let n = (wanted - held.len()).min(chunk.len());
    try_reserve(held, n, "a row of the weights")?;
    held.extend_from_slice(&chunk[..n]);
    *chunk = &chunk[n..];
    *seen += n;
    Ok((held.len() == wanted).then_some(held))
}

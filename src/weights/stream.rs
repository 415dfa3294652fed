//! A stream of weights in any container, recognized by its first bytes, split into its header and the rows of its
//! tensors, in chunks of any size.

use super::header::Header;
#[cfg(feature = "checkpoints")]
use super::torch;
use super::{onnx, safetensors};
use crate::error::{Error, ErrorKind, Result, try_reserve};
use std::fmt;

/// What takes the rows.
pub trait RowSink {
    /// The header is there and checked; nothing else has been given yet.
    ///
    /// # Errors
    /// Any error that the receiver of these tensors returns; the stream ends there.
    fn header(&mut self, header: &Header) -> Result<()>;

    /// Whether the rows of tensor `tensor` are wanted; the bytes of all others are passed over, whatever
    /// their shape.
    fn takes(&self, tensor: usize) -> bool;

    /// The bytes of row `row` of tensor `tensor` (an index into the header's list). A matrix has its first
    /// size's number of rows; every other tensor is one row. A tensor without bytes has none.
    ///
    /// # Errors
    /// Whatever is wrong with these bytes; the stream ends there.
    fn row(&mut self, tensor: usize, row: usize, bytes: &[u8]) -> Result<()>;

    /// The weights that are wanted of an ONNX file with this graph; the header follows.
    ///
    /// # Errors
    /// [`ErrorKind::WeightsMismatch`] where the graph is of another model, [`ErrorKind::NotAModel`] where none is read;
    /// the stream ends there.
    fn wanted(&mut self, _graph: &onnx::Graph) -> Result<onnx::Wanted> {
        Err(Error::new(
            ErrorKind::NotAModel,
            "The weights are an ONNX file, not safetensors or a PyTorch checkpoint: check the file's name.",
        ))
    }

    /// An ONNX file's graph has come as a whole.
    ///
    /// # Errors
    /// [`ErrorKind::WeightsMismatch`] where it computes something else than the model; the stream ends there.
    fn graph(&mut self, _graph: &onnx::Graph, _tensors: &onnx::Tensors) -> Result<()> {
        Ok(())
    }
}

/// The first bytes that identify a file's container.
pub const FIRST_BYTES: usize = 8;

/// The state of a file on its way in.
pub struct Reader {
    container: Container,
    announced: Option<usize>,
    seen: usize,
}

enum Container {
    /// Fewer bytes than tell it.
    Sniffing(Vec<u8>),
    Safetensors(safetensors::Reader),
    Onnx(Box<onnx::Reader>),
    #[cfg(feature = "checkpoints")]
    Torch(Box<torch::Reader>),
}

impl Container {
    /// The container of a file that begins so. Whatever has no signature is left to the safetensors' reader,
    /// which says what it is.
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
    /// A reader of a file that is announced to have `announced` bytes, where that is known.
    pub fn new(announced: Option<usize>) -> Self {
        Self { container: Container::Sniffing(Vec::new()), announced, seen: 0 }
    }

    /// The header, once it is there.
    pub fn header(&self) -> Option<&Header> {
        match &self.container {
            Container::Sniffing(_) => None,
            Container::Safetensors(reader) => reader.header(),
            Container::Onnx(reader) => reader.header(),
            #[cfg(feature = "checkpoints")]
            Container::Torch(reader) => reader.header(),
        }
    }

    /// Takes the file's next bytes.
    ///
    /// # Errors
    /// [`ErrorKind::NotAModel`] for another kind of file, [`ErrorKind::WeightsHeader`],
    /// [`ErrorKind::OutOfMemory`], [`ErrorKind::WeightsLength`] where there are more bytes than the header
    /// says, and the errors of `sink`. After an error the reader rejects further calls.
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
            Container::Sniffing(_) => unreachable!("it was told above"),
            Container::Safetensors(reader) => reader.push(chunk, sink),
            Container::Onnx(reader) => reader.push(chunk, sink),
            #[cfg(feature = "checkpoints")]
            Container::Torch(reader) => reader.push(chunk, sink),
        }
    }

    /// Bytes so far, of all files.
    pub fn seen(&self) -> usize {
        self.seen
    }

    /// That the file is complete: the name of another, beside it, that the weights go on in, if there is one. Its bytes
    /// are pushed next.
    ///
    /// # Errors
    /// [`ErrorKind::WeightsLength`] where bytes are missing.
    pub fn end_file(&mut self) -> Result<Option<String>> {
        match &mut self.container {
            Container::Onnx(reader) => reader.end_file(),
            _ => Ok(None),
        }
    }

    /// That the file is complete. A reader that failed before fails again.
    ///
    /// # Errors
    /// [`ErrorKind::WeightsLength`] where bytes are missing; [`ErrorKind::NotAModel`],
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

/// That the file ends after `seen` of `whole` bytes.
pub(crate) fn ended(seen: usize, whole: impl fmt::Display) -> Error {
    Error::new(ErrorKind::WeightsLength, format!("The weights ended after {seen} of {whole} bytes: load them again."))
}

/// That the file goes on after `whole` bytes.
pub(super) fn longer(whole: usize) -> Error {
    Error::new(ErrorKind::WeightsLength, format!("The weights continue after their {whole} bytes: load them again."))
}

/// That a reader has failed already.
pub(super) fn failed_before() -> Error {
    Error::new(ErrorKind::WeightsLength, "The weights failed earlier: load them again from the start.")
}

/// Rows of a tensor of `shape`, and bytes of each.
pub(super) fn row_layout(shape: &[usize], bytes: usize) -> (usize, usize) {
    match shape {
        [rows, _] if *rows > 0 && bytes.is_multiple_of(*rows) => (*rows, bytes / rows),
        _ => (1, bytes),
    }
}

/// Fills `held` to `wanted` bytes from the front of `chunk`; `None` where the chunk was too short for it.
///
/// Room is made as bytes come, not for what a header says: it may lie.
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

//! Rewrites a PyTorch checkpoint as a safetensors file of the same tensors while it streams.

use crate::error::{Result, try_reserve};
use crate::weights::header::{Header, SNIFFED_BYTES, not_safetensors};
use crate::weights::safetensors::write_header;
use crate::weights::stream::{FIRST_BYTES, RowSink, ended};
use crate::weights::torch::Reader;

/// A file being rewritten. All its tensors are written, each in its own type; tensors that share their
/// numbers each get a copy.
#[derive(Default)]
pub struct Rewriter {
    /// The file's first bytes, until they suffice to recognize a checkpoint, or to name another kind of file.
    first: Vec<u8>,
    reader: Option<Reader>,
    out: Out,
}

#[derive(Default)]
struct Out {
    bytes: Vec<u8>,
}

impl Rewriter {
    /// Reads the file's next bytes and returns the part of the result that is ready.
    ///
    /// # Errors
    /// The errors of [`Reader::push`]; [`ErrorKind::NotAModel`](crate::ErrorKind::NotAModel) or
    /// [`ErrorKind::WeightsHeader`](crate::ErrorKind::WeightsHeader) for another kind of file.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Vec<u8>> {
        if let Some(reader) = &mut self.reader {
            reader.push(chunk, &mut self.out)?;
        } else {
            try_reserve(&mut self.first, chunk.len(), "the start of the weights")?;
            self.first.extend_from_slice(chunk);
            if self.first.len() >= FIRST_BYTES {
                if let Some(reader) = Reader::of(&self.first, None) {
                    let first = std::mem::take(&mut self.first);
                    self.reader.insert(reader).push(&first, &mut self.out)?;
                } else if let Some(first) = self.first.get(..SNIFFED_BYTES) {
                    return Err(not_safetensors(first));
                }
            }
        }
        Ok(std::mem::take(&mut self.out.bytes))
    }

    /// The rest of the result, if the file is complete.
    ///
    /// # Errors
    /// The errors of [`Reader::finish`]; those of [`Rewriter::push`] for a short file of another kind.
    pub fn finish(self) -> Result<Vec<u8>> {
        match self.reader {
            Some(reader) => reader.finish()?,
            None if self.first.len() < FIRST_BYTES => return Err(ended(self.first.len(), "the checkpoint's")),
            None => return Err(not_safetensors(&self.first)),
        }
        Ok(self.out.bytes)
    }
}

impl RowSink for Out {
    fn header(&mut self, header: &Header) -> Result<()> {
        let tensors = header.tensors.iter().map(|t| (t.name.clone(), t.dtype, t.shape.clone(), t.bytes));
        self.bytes = write_header(tensors, &[("format", "pt")]);
        Ok(())
    }

    fn takes(&self, _: usize) -> bool {
        true
    }

    fn row(&mut self, _: usize, _: usize, bytes: &[u8]) -> Result<()> {
        try_reserve(&mut self.bytes, bytes.len(), "the rewritten weights")?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

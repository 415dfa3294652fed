//! Rewrites a file of weights of any container that is read here as the safetensors file of the same tensors,
//! while it streams.

use crate::error::{Result, try_reserve};
use crate::weights::header::Header;
use crate::weights::safetensors::write_header;
use crate::weights::stream::{Reader, RowSink};

/// A file on its way through. All its tensors are written, each with its type; tensors that share their
/// numbers have them each.
pub struct Rewriter {
    reader: Reader,
    out: Out,
}

#[derive(Default)]
struct Out {
    bytes: Vec<u8>,
}

impl Default for Rewriter {
    fn default() -> Self {
        Self { reader: Reader::new(None), out: Out::default() }
    }
}

impl Rewriter {
    /// Takes the file's next bytes and returns what is ready of the result.
    ///
    /// # Errors
    /// Those of [`Reader::push`].
    pub fn push(&mut self, chunk: &[u8]) -> Result<Vec<u8>> {
        self.reader.push(chunk, &mut self.out)?;
        Ok(std::mem::take(&mut self.out.bytes))
    }

    /// The rest of the result, if the file is complete.
    ///
    /// # Errors
    /// Those of [`Reader::finish`].
    pub fn finish(self) -> Result<Vec<u8>> {
        self.reader.finish()?;
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

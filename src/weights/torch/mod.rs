//! PyTorch checkpoints (`pytorch_model.bin`) as weights, without running any of their code: the archive
//! ([`zip`] and its [`records`]) or the older file ([`legacy`]) as it arrives, the pickle in it ([`pickle`],
//! its [`opcodes`], its [`globals`] and the values that it makes, the [`heap`]), the tensors that its value
//! describes ([`state_dict`]), and their numbers on the way to a sink ([`delivery`]).

mod delivery;
mod globals;
mod heap;
mod legacy;
mod opcodes;
mod pickle;
mod records;
mod state_dict;
mod zip;

use super::header::Header;
use super::stream::{RowSink, ended, failed_before};
use crate::error::{Error, ErrorKind, Result};
use legacy::Legacy;
use std::fmt;
use zip::Zip;

/// The maximum length of a pickle; that of DistilBERT has 16 kB.
pub const MAX_PICKLE_BYTES: usize = 1 << 20;
/// The maximum number of storages, including those of an optimizer.
pub const MAX_STORAGES: usize = 4096;

/// The first bytes of the older files: a pickle of protocol 2 with the number 0x1950a86a20f9469cfc6c.
const LEGACY: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46";

/// Splits a checkpoint into its header and the rows of its tensors while it arrives.
pub struct Reader {
    file: File,
    announced: Option<usize>,
}

enum File {
    Zip(Zip),
    Legacy(Legacy),
    Broken { seen: usize },
}

impl Reader {
    /// A reader of a file that begins with `first_bytes`, at least eight, and is announced to have
    /// `announced` bytes, if known; `None` if the bytes belong to another kind of file. The first bytes must
    /// be pushed, too.
    pub fn of(first_bytes: &[u8], announced: Option<usize>) -> Option<Self> {
        let file = if first_bytes.starts_with(&records::LOCAL) {
            File::Zip(Zip::new(announced))
        } else if first_bytes.starts_with(LEGACY) {
            File::Legacy(Legacy::new(announced))
        } else {
            return None;
        };
        Some(Self { file, announced })
    }

    /// The header, once it has been read: the tensors in the order in which their rows are passed on.
    /// `file_bytes` is the announced length, or 0, until the file is complete.
    pub fn header(&self) -> Option<&Header> {
        match &self.file {
            File::Zip(zip) => zip.header(),
            File::Legacy(legacy) => legacy.header(),
            File::Broken { .. } => None,
        }
    }

    /// Reads the file's next bytes.
    ///
    /// # Errors
    /// [`ErrorKind::WeightsHeader`] if the file is invalid, or refers to anything that no dictionary of
    /// tensors needs; [`ErrorKind::NotAModel`] for another archive; [`ErrorKind::OutOfMemory`];
    /// [`ErrorKind::WeightsLength`] if it continues after its end, and the errors of `sink`. After an error
    /// the reader rejects further calls.
    pub fn push(&mut self, chunk: &[u8], sink: &mut dyn RowSink) -> Result<()> {
        let result = match &mut self.file {
            File::Zip(zip) => zip.push(chunk, sink),
            File::Legacy(legacy) => legacy.push(chunk, sink),
            File::Broken { .. } => return Err(failed_before()),
        };
        if result.is_err() {
            self.file = File::Broken { seen: self.progress().0 };
        }
        result
    }

    /// Checks that the file is complete. A reader that failed before fails again.
    ///
    /// # Errors
    /// [`ErrorKind::WeightsLength`] if bytes are missing, or if their number is not the announced one.
    pub fn finish(&self) -> Result<()> {
        match (self.progress(), self.announced) {
            ((_, true), None) => Ok(()),
            ((seen, true), Some(announced)) if seen == announced => Ok(()),
            ((seen, _), Some(announced)) => Err(ended(seen, announced)),
            ((seen, false), None) => Err(ended(seen, "the checkpoint's")),
        }
    }

    fn progress(&self) -> (usize, bool) {
        match &self.file {
            File::Zip(zip) => zip.progress(),
            File::Legacy(legacy) => legacy.progress(),
            File::Broken { seen } => (*seen, false),
        }
    }
}

/// The error for an invalid file; `message` continues "The PyTorch checkpoint".
fn invalid(message: impl fmt::Display) -> Error {
    refused(format!("{message}: download the file again, or use a safetensors file of the same model"))
}

/// The error for a rejected file; `message` continues "The PyTorch checkpoint", and says what to do.
fn refused(message: impl fmt::Display) -> Error {
    Error::new(ErrorKind::WeightsHeader, format!("The PyTorch checkpoint {message}."))
}

fn trailing_bytes(seen: usize) -> Error {
    Error::new(
        ErrorKind::WeightsLength,
        format!("The weights continue after the {seen} bytes of their checkpoint: load them again."),
    )
}

//! Rewrites weights with fewer, reordered rows in their word table while they stream.

use crate::config::{Config, Task};
use crate::error::{Error, ErrorKind, Result, try_reserve};
use crate::model::load::SCALE_SUFFIX;
use crate::model::names::Names;
use crate::model::{checkpoint, onnx};
use crate::weights::header::{Header, quoted};
use crate::weights::onnx::{Graph, Wanted};
use crate::weights::safetensors::write_header;
use crate::weights::stream::{Reader, RowSink};

/// The name of the word table, after the architecture's prefix.
const TABLE: &str = "embeddings.word_embeddings.weight";

/// Named in errors about failed allocations.
const WHAT: &str = "the table of words";

/// Prunes weights while they stream. The result is a safetensors file of the model's tensors, each in its own
/// type; integers from an ONNX file become the floating-point numbers that they represent. Only the word
/// table is held in memory.
pub struct Pruner {
    reader: Reader,
    sink: Sink,
}

impl Pruner {
    /// A pruner for the weights that belong to `config.json`: row i of the new table is row `rows[i]` of the
    /// old one.
    ///
    /// # Errors
    /// The errors of [`Config::for_task`].
    pub fn new(config: &[u8], rows: Vec<u32>) -> Result<Self> {
        let config = Config::for_task(config, Task::Encode)?;
        let sink = Sink { config, rows, takes: Vec::new(), held: Vec::new(), warnings: Vec::new(), out: Vec::new() };
        Ok(Self { reader: Reader::new(None), sink })
    }

    /// Reads the source's next bytes and returns the part of the result that is ready.
    ///
    /// # Errors
    /// The errors of [`Reader::push`]; [`ErrorKind::WeightsMismatch`] if there is no word table, or one with
    /// too few rows.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Vec<u8>> {
        self.reader.push(chunk, &mut self.sink)?;
        Ok(std::mem::take(&mut self.sink.out))
    }

    /// Ends the current file of the source and returns the name of the file next to it that continues the
    /// weights, if any.
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
    /// [`ErrorKind::WeightsLength`] if bytes are missing.
    pub fn finish(self) -> Result<Vec<u8>> {
        self.reader.finish()?;
        Ok(self.sink.out)
    }
}

/// What happens to a tensor.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    LeftOut,
    Kept,
    /// The word table, or its scales.
    Pruned {
        rows: usize,
        bytes: usize,
    },
}

struct Sink {
    config: Config,
    rows: Vec<u32>,
    takes: Vec<Fate>,
    /// The rows of the pruned table received so far.
    held: Vec<u8>,
    warnings: Vec<String>,
    out: Vec<u8>,
}

impl RowSink for Sink {
    fn wanted(&mut self, graph: &Graph) -> Result<Wanted> {
        onnx::of_checkpoint(graph, &Names::of(&self.config))
    }

    fn header(&mut self, header: &Header) -> Result<()> {
        let names = Names::of(&self.config).with_head_of(header);
        let table = format!("{}{TABLE}", names.base());
        let mut unused = Vec::new();
        let mut out = Vec::new();
        for t in &header.tensors {
            let of_matrix = t.name.strip_suffix(SCALE_SUFFIX).unwrap_or(&t.name);
            let (mut shape, mut bytes) = (t.shape.clone(), t.bytes);
            let fate = match names.canonical(of_matrix) {
                None => Fate::LeftOut,
                Some(name) if name == table && !shape.is_empty() && shape[0] > 0 => {
                    let rows = std::mem::replace(&mut shape[0], self.rows.len());
                    if let Some(row) = self.rows.iter().find(|row| **row as usize >= rows) {
                        return Err(mismatch(format!(
                            "{} has {rows} rows, but the tokenizer's token {row} is to be kept: weights and \
                             tokenizer must be from the same model.",
                            quoted(&t.name)
                        )));
                    }
                    let of_row = t.bytes / rows;
                    bytes = of_row * self.rows.len();
                    Fate::Pruned { rows, bytes: of_row }
                }
                Some(_) => Fate::Kept,
            };
            self.takes.push(fate);
            if fate == Fate::LeftOut {
                unused.push(t.name.as_str());
            } else {
                out.push((t.name.clone(), t.dtype, shape, bytes));
            }
        }
        if !self.takes.iter().any(|fate| matches!(fate, Fate::Pruned { .. })) {
            return Err(mismatch(format!(
                "The weights have no table of words, {}: weights and config.json must be from the same model.",
                quoted(&table)
            )));
        }
        self.warnings = checkpoint::warnings(&names, unused.into_iter());
        self.out = write_header(out, &[("format", "pt")]);
        Ok(())
    }

    fn takes(&self, tensor: usize) -> bool {
        self.takes[tensor] != Fate::LeftOut
    }

    fn row(&mut self, tensor: usize, _: usize, bytes: &[u8]) -> Result<()> {
        let Fate::Pruned { rows, bytes: of_row } = self.takes[tensor] else {
            try_reserve(&mut self.out, bytes.len(), "the weights")?;
            self.out.extend_from_slice(bytes);
            return Ok(());
        };
        try_reserve(&mut self.held, bytes.len(), WHAT)?;
        self.held.extend_from_slice(bytes);
        if self.held.len() == rows * of_row {
            try_reserve(&mut self.out, self.rows.len() * of_row, WHAT)?;
            for row in &self.rows {
                let start = *row as usize * of_row;
                self.out.extend_from_slice(&self.held[start..start + of_row]);
            }
            self.held = Vec::new();
        }
        Ok(())
    }
}

fn mismatch(message: String) -> Error {
    Error::new(ErrorKind::WeightsMismatch, message)
}

//! Collects what the rounding of each matrix needs, from a model and texts.

use super::gptq::Factor;
use super::observer::{Gram, Observer};
use crate::backend::now;
use crate::batch::PackedBatch;
use crate::config::Task;
use crate::error::{Error, ErrorKind, Result};
use crate::model::names::Names;
use crate::model::plan::{Narrowest, Place, TableFacts};
use crate::text_model::{self, TextModel};
use crate::tokenize::TokenizerFiles;
use crate::weights::dtype::require_float;
use crate::weights::header::TensorInfo;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// λ of [`Factor::new`], and its value with fewer tokens than [`FEW_TOKENS`]: few texts are trusted less.
const DAMPING: f64 = 0.01;
const DAMPING_OF_FEW: f64 = 0.1;
/// With fewer tokens, there are fewer inputs than a feed-forward network has columns.
const FEW_TOKENS: usize = 2000;

/// Loads a model to calibrate: products in f32, embedding tables rounded to int8 or int4 as they will be.
pub struct Loader {
    text_model: text_model::Loader<Observer>,
    tables: Narrowest,
    header_checked: bool,
}

impl Loader {
    /// Reads `config.json` and the tokenizer's files. `tables`: the narrowest integers of the embedding tables.
    ///
    /// # Errors
    /// The errors of [`text_model::Loader::with_files`].
    pub fn new(config: &[u8], files: TokenizerFiles, tables: Narrowest) -> Result<Self> {
        // The observer keeps products in f32; the dtype only determines the embedding tables.
        let dtype = match tables {
            Narrowest::Int4 => "int4",
            Narrowest::Int8 => "int8",
        };
        let text_model =
            text_model::Loader::with_files(Observer::default(), Task::Classify, config, files, dtype, None)?;
        Ok(Self { text_model, tables, header_checked: false })
    }

    /// Reads the weights' next bytes.
    ///
    /// # Errors
    /// The errors of [`text_model::Loader::push`]; [`ErrorKind::WeightsMismatch`] if a tensor of the model is
    /// not floating-point.
    pub fn push(&mut self, chunk: &[u8]) -> Result<()> {
        self.text_model.push(chunk)?;
        self.check_header()
    }

    /// Ends the current file and returns the name of the file that continues the weights, if any.
    ///
    /// # Errors
    /// The errors of [`text_model::Loader::end_file`] and of [`Loader::push`].
    pub fn end_file(&mut self) -> Result<Option<String>> {
        let next = self.text_model.end_file()?;
        self.check_header()?;
        Ok(next)
    }

    /// Checks that the model's tensors are floats, once they are known.
    fn check_header(&mut self) -> Result<()> {
        if !self.header_checked
            && let Some(header) = self.text_model.header()
        {
            self.header_checked = true;
            let names = Names::of(self.text_model.config());
            let of_model = |t: &&TensorInfo| names.canonical(&t.name).is_some();
            header.tensors.iter().filter(of_model).try_for_each(|t| require_float(t).map(|_| ()))?;
        }
        Ok(())
    }

    /// The model, ready for texts.
    ///
    /// # Errors
    /// The errors of [`text_model::Loader::finish`].
    pub fn finish(self) -> Result<Calibration> {
        Ok(Calibration { text_model: self.text_model.finish()?, tables: self.tables, tokens: 0 })
    }
}

/// A model that reads calibration texts.
pub struct Calibration {
    text_model: TextModel<Observer>,
    tables: Narrowest,
    tokens: usize,
}

impl Calibration {
    /// Reads texts, each cut to the model's length.
    ///
    /// # Errors
    /// The errors of [`TextModel::encode`]; [`ErrorKind::OutOfMemory`].
    pub fn read(&mut self, texts: &[String]) -> Result<()> {
        let mut encodings = texts.iter().map(|text| self.text_model.encode(text, false)).collect::<Result<Vec<_>>>()?;
        encodings.retain(|encoding| !encoding.ids.is_empty());
        for group in self.text_model.groups(&encodings) {
            let texts = encodings[group].iter().map(|e| (e.ids.as_slice(), e.types.as_slice()));
            let batch = PackedBatch::with_types(texts);
            now(self.text_model.model().forward(self.text_model.backend(), &batch, |_, _| {}))?;
            self.tokens += batch.tokens();
        }
        Ok(())
    }

    /// The tokens read so far.
    pub fn tokens(&self) -> usize {
        self.tokens
    }

    /// The inputs that the matrices received; frees the model's memory.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] if no text was read.
    pub fn finish(self) -> Result<Inputs> {
        if self.tokens == 0 {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "There is no calibration text: pass some 300 sentences of the kind that the model will read.",
            ));
        }
        let model = self.text_model.model();
        let (plan, weights) = (model.plan(), model.weights());
        let grams = plan.slots().iter().filter_map(|slot| match slot.place {
            Place::Rows { matrix, .. } => {
                let facts = plan.facts(slot.place).filter(|facts| facts.supports_int4())?;
                Some((slot.name.clone(), (facts.in_features, Some(weights.matrix(matrix).gram()))))
            }
            Place::Table(table) if self.tables == Narrowest::Int4 => {
                let facts = Some(plan.tables()[table.index()]).filter(TableFacts::supports_int4)?;
                Some((slot.name.clone(), (facts.width, None)))
            }
            _ => None,
        });
        let damping = if self.tokens < FEW_TOKENS { DAMPING_OF_FEW } else { DAMPING };
        Ok(Inputs { names: Names::of(model.config()), grams: grams.collect(), damping, latest: None })
    }
}

/// Shared by the matrices of one product.
type SharedGram = Rc<RefCell<Gram>>;

/// For each matrix that is to be int4, by name, its inputs; and the tables that are to be int4.
pub struct Inputs {
    names: Names,
    /// For each tensor by name, its number of columns and, for a matrix, its inputs.
    grams: HashMap<String, (usize, Option<SharedGram>)>,
    damping: f64,
    /// The latest factor: the matrices of one product share it.
    latest: Option<(SharedGram, Factor)>,
}

impl Inputs {
    /// The model's names.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Whether `name` is an embedding table that is to be int4.
    pub fn is_table(&self, name: &str) -> bool {
        self.grams.get(name).is_some_and(|(_, gram)| gram.is_none())
    }

    /// The columns of the matrix or table `name`, if it is to be int4.
    pub fn columns(&self, name: &str) -> Option<usize> {
        self.grams.get(name).map(|(columns, _)| *columns)
    }

    /// The factor for rounding matrix `name`, which must be known, with `columns` columns.
    ///
    /// # Errors
    /// The errors of [`Factor::new`].
    pub fn factor(&mut self, name: &str, columns: usize) -> Result<&Factor> {
        let gram = self.grams[name].1.as_ref().expect("a matrix has inputs");
        if !self.latest.as_ref().is_some_and(|(of, _)| Rc::ptr_eq(of, gram)) {
            self.latest = None; // freed before the next is made: each is as large as the largest matrix in f64
            let observed = gram.borrow();
            let factor = Factor::new(observed.values(), columns, observed.rows(), self.damping)?;
            drop(observed);
            self.latest = Some((Rc::clone(gram), factor));
        }
        Ok(&self.latest.as_ref().expect("it was made just now").1)
    }
}

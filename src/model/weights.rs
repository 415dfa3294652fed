//! A model's weights, filled row by row: each row goes straight to its place.

use super::dtype::Dtype;
use super::embedding::EmbeddingTable;
use super::plan::{Matrix, MatrixFacts, Norm, OfTokens, Place, Plan, Relative, Table};
use crate::backend::{Backend, LinearBuilder, Precision};
use crate::error::Result;
use crate::weights::dtype::Storage;

/// The weights of a model, by the handles that its architecture planned.
pub struct Weights<B: Backend> {
    tables: Vec<EmbeddingTable>,
    norms: Vec<B::LayerNorm>,
    matrices: Vec<B::Linear>,
    relative: Vec<B::RelativeBias>,
    of_tokens: Vec<Vec<f32>>,
}

impl<B: Backend> Weights<B> {
    /// An embedding table.
    pub fn table(&self, table: Table) -> &EmbeddingTable {
        &self.tables[table.index()]
    }

    /// A layer normalization.
    pub fn norm(&self, norm: Norm) -> &B::LayerNorm {
        &self.norms[norm.index()]
    }

    /// A matrix.
    pub fn matrix(&self, matrix: Matrix) -> &B::Linear {
        &self.matrices[matrix.index()]
    }

    /// Relative biases.
    pub fn relative(&self, relative: Relative) -> &B::RelativeBias {
        &self.relative[relative.index()]
    }

    /// A number for each token.
    pub fn of_tokens(&self, numbers: OfTokens) -> &[f32] {
        &self.of_tokens[numbers.index()]
    }

    /// All matrices.
    pub fn matrices(&self) -> &[B::Linear] {
        &self.matrices
    }

    /// All layer normalizations.
    pub fn norms(&self) -> &[B::LayerNorm] {
        &self.norms
    }

    /// All relative biases.
    pub fn relatives(&self) -> &[B::RelativeBias] {
        &self.relative
    }
}

/// Weights that are being loaded.
pub(super) struct WeightsBuilder<B: Backend> {
    tables: Vec<EmbeddingTable>,
    /// γ and β of each.
    norms: Vec<[Vec<f32>; 2]>,
    matrices: Vec<B::LinearBuilder>,
    /// (buckets, H) each, filled as the rows arrive.
    relative: Vec<Vec<f32>>,
    of_tokens: Vec<Vec<f32>>,
}

/// The format of a slot's incoming tensor.
#[derive(Clone, Copy)]
pub(super) struct SlotFormat {
    pub storage: Storage,
    /// For the rows of a matrix.
    pub precision: Option<Precision>,
}

impl<B: Backend> WeightsBuilder<B> {
    /// Allocates the planned weights; `formats`: the format of each slot's tensor.
    ///
    /// # Errors
    /// [`crate::ErrorKind::OutOfMemory`].
    pub fn new(backend: &B, plan: &Plan, dtype: Dtype, formats: &[SlotFormat]) -> Result<Self> {
        let mut storages = vec![Storage::F32; plan.tables().len()];
        let mut precisions = vec![Vec::new(); plan.matrices().len()];
        for (slot, format) in plan.slots().iter().zip(formats) {
            match slot.place {
                Place::Table(table) => {
                    let facts = &plan.tables()[table.index()];
                    storages[table.index()] = dtype.table_storage(format.storage, facts);
                }
                Place::Rows { matrix, .. } => precisions[matrix.index()].extend(format.precision),
                _ => {}
            }
        }
        let tables = plan.tables().iter().zip(storages);
        let matrices = plan.matrices().iter().zip(precisions);
        Ok(Self {
            tables: tables
                .map(|(facts, storage)| EmbeddingTable::new(facts.rows, facts.width, storage))
                .collect::<Result<_>>()?,
            norms: vec![Default::default(); plan.norms()],
            matrices: matrices
                .map(|(&MatrixFacts { out_features, in_features, .. }, of_rows)| {
                    backend.linear_builder(out_features, in_features, shared(&of_rows))
                })
                .collect::<Result<_>>()?,
            relative: vec![Vec::new(); plan.relatives().len()],
            of_tokens: vec![Vec::new(); plan.numbers_of_tokens()],
        })
    }

    pub fn put(&mut self, place: Place, row: usize, numbers: &[f32], stored: &[u8]) {
        match place {
            Place::Table(table) => self.tables[table.index()].set_float(row, numbers, stored),
            Place::Gamma(norm) => self.norms[norm.index()][0] = numbers.to_vec(),
            Place::Beta(norm) => self.norms[norm.index()][1] = numbers.to_vec(),
            Place::Rows { matrix, first } => self.matrices[matrix.index()].row_f32(first + row, numbers),
            Place::Bias { matrix, first } => self.matrices[matrix.index()].bias(first, numbers),
            Place::Relative(relative) => self.relative[relative.index()].extend_from_slice(numbers),
            Place::OfTokens(of_tokens) => self.of_tokens[of_tokens.index()] = numbers.to_vec(),
        }
    }

    /// Whether a place's rows of floats are rounded to int4 in an embedding table.
    pub fn rounds_table_to_int4(&self, place: Place) -> bool {
        matches!(place, Place::Table(table) if self.tables[table.index()].is_int4())
    }

    pub fn put_int8(&mut self, place: Place, row: usize, values: &[i8]) {
        match place {
            Place::Table(table) => self.tables[table.index()].set_int8(row, values),
            Place::Rows { matrix, first } => self.matrices[matrix.index()].row_i8(first + row, values),
            _ => unreachable!("only tables and matrices are stored as int8"),
        }
    }

    pub fn put_int4(&mut self, place: Place, row: usize, packed: &[u8], group_scales: &[f32]) {
        match place {
            Place::Table(table) => self.tables[table.index()].set_int4(row, packed, group_scales),
            Place::Rows { matrix, first } => self.matrices[matrix.index()].row_i4(first + row, packed, group_scales),
            _ => unreachable!("only tables and matrices are stored as int4"),
        }
    }

    pub fn put_scales(&mut self, place: Place, scales: &[f32]) {
        match place {
            Place::Table(table) => self.tables[table.index()].set_scales(scales),
            Place::Rows { matrix, first } => self.matrices[matrix.index()].scales(first, scales),
            _ => unreachable!("only tables and matrices have scales"),
        }
    }

    pub fn finish(self, backend: &B, plan: &Plan) -> Result<Weights<B>> {
        let norm = |[gamma, beta]: [Vec<f32>; 2]| backend.layer_norm_weights(gamma, beta, plan.eps());
        let relative = self.relative.iter().zip(plan.relatives());
        Ok(Weights {
            tables: self.tables,
            norms: self.norms.into_iter().map(norm).collect::<Result<_>>()?,
            matrices: self.matrices.into_iter().map(LinearBuilder::finish).collect(),
            relative: relative
                .map(|(table, facts)| backend.relative_bias(facts.heads, facts.spread(table)?))
                .collect::<Result<_>>()?,
            of_tokens: self.of_tokens,
        })
    }
}

/// The precision of a matrix that consists of several parts: the narrowest that suits all of them.
fn shared(parts: &[Precision]) -> Precision {
    let all_in = |held: &[Precision]| parts.iter().all(|precision| held.contains(precision));
    if all_in(&[Precision::Int4]) {
        Precision::Int4
    } else if all_in(&[Precision::Int4, Precision::Int8]) {
        Precision::Int8
    } else if all_in(&[Precision::F16]) {
        Precision::F16
    } else {
        Precision::F32
    }
}

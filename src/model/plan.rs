//! What an architecture requires of a checkpoint: its tensors by name, shape and place. An architecture
//! builds a [`Plan`] from its configuration and keeps the handles; the loader fills the places and is
//! independent of architectures.

use crate::error::{Result, try_vec};
use crate::weights::int4;

/// An embedding table of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table(usize);

/// A layer normalization of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Norm(usize);

/// A weight matrix of the model with its bias: one product, from one matrix of the checkpoint or from several
/// with the same input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matrix(usize);

/// The biases that attention adds to its scores for the distance between key and query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relative(usize);

/// A number for each token of the vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfTokens(usize);

/// Where a tensor goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// An embedding table.
    Table(Table),
    /// γ of a layer normalization.
    Gamma(Norm),
    /// β of a layer normalization.
    Beta(Norm),
    /// The rows of a matrix, starting at `first`.
    Rows {
        /// The matrix.
        matrix: Matrix,
        /// The matrix's row for the tensor's first row.
        first: usize,
    },
    /// The biases of a matrix's rows, starting at `first`.
    Bias {
        /// The matrix.
        matrix: Matrix,
        /// The matrix's row for the first bias.
        first: usize,
    },
    /// A bias per distance bucket and head.
    Relative(Relative),
    /// A number for each token.
    OfTokens(OfTokens),
}

/// Which part of a model a tensor belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All but the head.
    Body,
    /// The head, except its last product.
    Head,
    /// The head's last product: one row per label.
    Classifier,
}

/// A tensor of the checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Its name.
    pub name: String,
    /// Its shape, (rows, columns) or (size).
    pub shape: Vec<usize>,
    /// Where it goes.
    pub place: Place,
    /// The part that it belongs to.
    pub part: Part,
}

/// The narrowest integers that a matrix or an embedding table can be stored as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Narrowest {
    /// 4 bits.
    Int4,
    /// 8 bits: heads, which are small and decisive; the attention's output, whose rounding does more harm
    /// than that of larger matrices; positions and types, whose tables are small.
    Int8,
}

/// What is known about an embedding table before its rows arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableFacts {
    /// R
    pub rows: usize,
    /// D
    pub width: usize,
    /// The narrowest integers that it can be stored as.
    pub narrowest: Narrowest,
}

impl TableFacts {
    /// Whether a file with int4 tables stores this one in 4 bits.
    pub fn supports_int4(&self) -> bool {
        self.narrowest == Narrowest::Int4 && int4::fits(self.width)
    }
}

/// What is known about a matrix before its rows arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatrixFacts {
    /// M
    pub out_features: usize,
    /// K
    pub in_features: usize,
    /// The narrowest integers that it can be stored as.
    pub narrowest: Narrowest,
}

impl MatrixFacts {
    /// Whether an int4 file stores this matrix in 4 bits.
    pub fn supports_int4(&self) -> bool {
        self.narrowest == Narrowest::Int4 && int4::fits(self.in_features)
    }
}

/// Relative biases: a table (buckets, H) of the checkpoint.
#[derive(Clone, Copy, Debug)]
pub struct RelativeFacts {
    /// H
    pub heads: usize,
    /// The maximum number of tokens per text.
    pub reach: usize,
    /// The bucket of a key that is this many places after its query.
    pub bucket: fn(isize) -> usize,
}

impl RelativeFacts {
    /// `table` (buckets, H) spread over all distances: (H, 2R - 1), with column d + R - 1 for a key d places
    /// after its query.
    ///
    /// # Errors
    /// [`crate::ErrorKind::OutOfMemory`].
    pub fn spread(&self, table: &[f32]) -> Result<Vec<f32>> {
        let (reach, row) = (self.reach as isize, 2 * self.reach - 1);
        let mut values = try_vec(self.heads.saturating_mul(row), "the attention's biases")?;
        for (h, of_head) in values.chunks_exact_mut(row).enumerate() {
            for (d, value) in (1 - reach..reach).zip(of_head) {
                *value = table[(self.bucket)(d) * self.heads + h];
            }
        }
        Ok(values)
    }
}

/// Every tensor that an architecture requires for one configuration.
pub struct Plan {
    slots: Vec<Slot>,
    tables: Vec<TableFacts>,
    norms: usize,
    matrices: Vec<MatrixFacts>,
    relative: Vec<RelativeFacts>,
    of_tokens: usize,
    part: Part,
    eps: f32,
}

impl Plan {
    /// An empty plan; `eps`: ε of its layer normalizations.
    pub fn new(eps: f32) -> Self {
        Self {
            slots: Vec::new(),
            tables: Vec::new(),
            norms: 0,
            matrices: Vec::new(),
            relative: Vec::new(),
            of_tokens: 0,
            part: Part::Body,
            eps,
        }
    }

    fn slot(&mut self, name: String, shape: &[usize], place: Place) {
        self.slots.push(Slot { name, shape: shape.to_vec(), place, part: self.part });
    }

    /// An embedding table of `rows` rows: `NAME.weight`.
    pub fn table(&mut self, name: &str, [rows, width]: [usize; 2], narrowest: Narrowest) -> Table {
        let table = Table(self.tables.len());
        self.tables.push(TableFacts { rows, width, narrowest });
        self.slot(format!("{name}.weight"), &[rows, width], Place::Table(table));
        table
    }

    /// A layer normalization: `NAME.weight` and `NAME.bias`.
    pub fn norm(&mut self, name: &str, width: usize) -> Norm {
        let norm = Norm(self.norms);
        self.norms += 1;
        self.slot(format!("{name}.weight"), &[width], Place::Gamma(norm));
        self.slot(format!("{name}.bias"), &[width], Place::Beta(norm));
        norm
    }

    /// A matrix with its bias: `NAME.weight` (out, in) and `NAME.bias` (out).
    pub fn matrix(&mut self, name: &str, [out, depth]: [usize; 2], narrowest: Narrowest) -> Matrix {
        self.fused(&[name], [out, depth], narrowest)
    }

    /// One matrix stacked from several with the same input, each (out, in).
    pub fn fused(&mut self, names: &[&str], [out, depth]: [usize; 2], narrowest: Narrowest) -> Matrix {
        let matrix = Matrix(self.matrices.len());
        self.matrices.push(MatrixFacts { out_features: names.len() * out, in_features: depth, narrowest });
        for (i, name) in names.iter().enumerate() {
            let first = i * out;
            self.slot(format!("{name}.weight"), &[out, depth], Place::Rows { matrix, first });
            self.slot(format!("{name}.bias"), &[out], Place::Bias { matrix, first });
        }
        matrix
    }

    /// Relative biases of `buckets` buckets: `NAME.weight` (buckets, H).
    pub fn relative(&mut self, name: &str, buckets: usize, facts: RelativeFacts) -> Relative {
        let relative = Relative(self.relative.len());
        self.slot(format!("{name}.weight"), &[buckets, facts.heads], Place::Relative(relative));
        self.relative.push(facts);
        relative
    }

    /// A number for each of `tokens` tokens: `NAME`, (tokens).
    pub fn of_tokens(&mut self, name: &str, tokens: usize) -> OfTokens {
        let numbers = OfTokens(self.of_tokens);
        self.of_tokens += 1;
        self.slot(name.into(), &[tokens], Place::OfTokens(numbers));
        numbers
    }

    /// Marks the tensors that `build` plans as a `part` of the model.
    pub fn part<R>(&mut self, part: Part, build: impl FnOnce(&mut Self) -> R) -> R {
        let before = std::mem::replace(&mut self.part, part);
        let built = build(self);
        self.part = before;
        built
    }

    /// The tensors, in the order of the plan.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The embedding tables.
    pub fn tables(&self) -> &[TableFacts] {
        &self.tables
    }

    /// How many layer normalizations there are.
    pub fn norms(&self) -> usize {
        self.norms
    }

    /// The matrices.
    pub fn matrices(&self) -> &[MatrixFacts] {
        &self.matrices
    }

    /// The relative biases.
    pub fn relatives(&self) -> &[RelativeFacts] {
        &self.relative
    }

    /// How many numbers each token has.
    pub fn numbers_of_tokens(&self) -> usize {
        self.of_tokens
    }

    /// What is known about the matrix that a place belongs to.
    pub fn facts(&self, place: Place) -> Option<&MatrixFacts> {
        match place {
            Place::Rows { matrix, .. } | Place::Bias { matrix, .. } => Some(&self.matrices[matrix.index()]),
            _ => None,
        }
    }

    /// ε of the layer normalizations.
    pub fn eps(&self) -> f32 {
        self.eps
    }
}

macro_rules! index {
    ($($handle:ident),*) => {$(
        impl $handle {
            /// Its index among the handles of its kind.
            pub fn index(self) -> usize {
                self.0
            }
        }
    )*};
}
index!(Table, Norm, Matrix, Relative, OfTokens);

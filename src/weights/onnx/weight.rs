//! Which parts of an ONNX file are which weights of a model, and how their numbers become those of a
//! checkpoint: rows of floating-point numbers, of int8 with a scale per row, or of int4 with a scale per
//! group.

use super::tensor::{Head, Type};
use crate::error::{Error, ErrorKind, Result};
use crate::weights::dtype::Storage;
use crate::weights::header::quoted;
use crate::weights::int4;
use safetensors::tensor::Dtype;

/// How the file stores a weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As in checkpoints: row by row, or a vector.
    Rows,
    /// Transposed: (K, M) for a matrix (M, K).
    Columns,
    /// Integers, row by row, in blocks with one scale each; the last block of a row may be padded.
    Blocks {
        /// Bits per number: 4 or 8.
        bits: usize,
        /// Numbers per block.
        size: usize,
        /// Rows; `None`: as many as the file says.
        rows: Option<usize>,
        /// Numbers per row; `None`: as many as the file says.
        columns: Option<usize>,
        /// Whether the last block of a row is padded.
        filled: bool,
    },
}

/// A tensor of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its name in the checkpoint.
    pub name: String,
    /// Its shape in the model; `None`: whatever the file has.
    pub shape: Option<Vec<usize>>,
}

/// What a weight is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A bias, γ or β.
    Vector,
    /// A table from which rows are read.
    Table,
    /// The matrix of a product.
    Matrix,
    /// The relative attention biases, which stay floating-point.
    Relative,
}

/// A weight: one tensor of a checkpoint, or several stored one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weight {
    /// The tensors of the checkpoint that it consists of.
    pub parts: Vec<Part>,
    /// What it is for.
    pub kind: Kind,
    /// How the file stores it.
    pub form: Form,
    /// The tensor of the file with its numbers.
    pub data: String,
    /// The tensor with its scales: one, one per row, or one per block.
    pub scale: Option<String>,
    /// The tensor with its zero points: one, one per row, or one per block.
    pub zero: Option<String>,
    /// The zero point if there is no such tensor.
    pub default_zero: i32,
}

/// The form in which a weight is passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Floating-point numbers in this type.
    Float(Storage),
    /// int8, with a scale per row.
    Int8,
    /// int4, with a scale per group.
    Int4,
}

impl Output {
    /// Its type in safetensors.
    pub fn dtype(self) -> Dtype {
        match self {
            Self::Float(Storage::F16) => Dtype::F16,
            Self::Float(Storage::Bf16) => Dtype::BF16,
            Self::Float(Storage::F64) => Dtype::F64,
            Self::Int8 => Dtype::I8,
            Self::Int4 => Dtype::U8,
            Self::Float(_) => Dtype::F32,
        }
    }
}

impl Weight {
    /// The tensors of the file that it needs.
    pub fn tensors(&self) -> impl Iterator<Item = &String> {
        [Some(&self.data), self.scale.as_ref(), self.zero.as_ref()].into_iter().flatten()
    }

    /// The form in which it is passed on. `float`: how the file stores floating-point numbers; `exact`:
    /// whether to decode integers.
    pub fn output(&self, float: Storage, exact: bool) -> Output {
        if matches!(self.kind, Kind::Vector | Kind::Relative) || (self.scale.is_some() && exact) {
            return Output::Float(Storage::F32);
        }
        match self.form {
            _ if self.scale.is_none() => Output::Float(float),
            Form::Blocks { bits: 4, size, columns: Some(columns), filled: true, .. }
                if self.kind == Kind::Matrix
                    && self.zero.is_none()
                    && self.default_zero == i32::from(int4::ZERO)
                    && size.is_multiple_of(int4::GROUP)
                    && int4::fits(columns) =>
            {
                Output::Int4
            }
            _ => Output::Int8,
        }
    }

    /// Rows and columns of all parts together; a vector is a single column. `data`: what the file says about
    /// its numbers.
    ///
    /// # Errors
    /// [`ErrorKind::WeightsMismatch`] if the sizes in the file differ from the model's.
    pub fn sizes(&self, data: &Head) -> Result<[usize; 2]> {
        let shape = data.shape()?;
        let count = || usize::try_from(data.numbers()?).map_err(|_| self.other_sizes(&shape));
        let of_file = match (self.form, &shape[..]) {
            (Form::Columns, &[k, m]) => [m, k],
            (Form::Blocks { bits, size, rows, columns, filled }, &[m, ref rest @ ..]) => {
                // A byte has two 4-bit integers, which the file counts as one or as two.
                let per_stored = if bits == 4 && !matches!(data.dtype(), Type::Nibble { .. }) { 2 } else { 1 };
                let of_row = rest.iter().try_fold(per_stored, |product: usize, &n| product.checked_mul(n));
                let rows = rows.unwrap_or(m);
                let columns = columns.or(of_row).ok_or_else(|| self.other_sizes(&shape))?;
                let row = if filled { columns.div_ceil(size).checked_mul(size) } else { Some(columns) };
                let all = row
                    .filter(|row| row.is_multiple_of(8 / bits))
                    .and_then(|row| row.checked_mul(rows))
                    .map(|all| (all / per_stored) as u64);
                if all != Some(data.numbers()?) {
                    return Err(self.other_sizes(&shape));
                }
                [rows, columns]
            }
            (Form::Rows, _) if self.kind == Kind::Vector => [count()?, 1],
            (Form::Rows, &[.., last]) => [count()? / last.max(1), last],
            _ => return Err(self.other_sizes(&shape)),
        };
        let wanted: Option<Vec<[usize; 2]>> = self.parts.iter().map(|part| part.shape.as_deref().map(two)).collect();
        if let Some(wanted) = wanted {
            let rows: usize = wanted.iter().map(|[rows, _]| rows).sum();
            if wanted.iter().any(|[_, columns]| *columns != of_file[1]) || rows != of_file[0] {
                return Err(self.other_sizes(&shape));
            }
        } else if self.parts.is_empty() || !of_file[0].is_multiple_of(self.parts.len()) {
            return Err(self.other_sizes(&shape));
        }
        Ok(of_file)
    }

    /// The shape of part `i` of a weight with this many rows and columns.
    pub fn shape(&self, i: usize, [rows, columns]: [usize; 2]) -> Vec<usize> {
        self.parts[i].shape.clone().unwrap_or_else(|| match self.kind {
            Kind::Vector => vec![rows / self.parts.len()],
            _ => vec![rows / self.parts.len(), columns],
        })
    }

    fn other_sizes(&self, shape: &[usize]) -> Error {
        let Part { name, shape: wanted } = &self.parts[0];
        let wanted = wanted.as_ref().map(|wanted| format!(", but {wanted:?} is expected")).unwrap_or_default();
        Error::new(
            ErrorKind::WeightsMismatch,
            format!(
                "{} has the shape {shape:?} in the ONNX file{wanted}: the file and config.json must be from the same \
                 checkpoint.",
                quoted(name)
            ),
        )
    }
}

/// Rows and columns of a shape; a vector is a single column.
pub fn two(shape: &[usize]) -> [usize; 2] {
    match *shape {
        [rows, columns] => [rows, columns],
        _ => [shape.iter().product(), 1],
    }
}

/// The error for a tensor of a type that no weight has.
pub fn unread(name: &str, head: &Head) -> Error {
    let stored = match head.dtype() {
        Type::Other(n) => format!("ONNX type {n}"),
        other => format!("{other:?}"),
    };
    Error::new(
        ErrorKind::WeightsMismatch,
        format!(
            "{} is stored as {stored}, but only floats and 8- and 4-bit integers with scales are supported: use \
             model.onnx or model_quantized.onnx.",
            quoted(name)
        ),
    )
}

//! Rounds rows of floats into the int4 tensors of a file: a matrix using what is known about its inputs, an
//! embedding table row by row. Each is emitted as a whole, because its scales precede it.

use super::calibration::Inputs;
use super::gptq;
use super::refine::refine;
use crate::error::{Result, try_reserve};
use crate::weights::int4;
use half::f16;

/// Named in errors about failed allocations.
const WHAT: &str = "the converted weights";

/// Rounds one tensor after the other.
pub struct Rounder {
    /// Which tensors become int4, and the inputs of the matrices among them.
    pub inputs: Inputs,
    /// The rows of a matrix received so far.
    matrix: Vec<f32>,
    /// The rows of a table received so far, and their scales.
    table: (Vec<u8>, Vec<f16>),
}

impl Rounder {
    /// A rounder for the tensors that `inputs` names.
    pub fn new(inputs: Inputs) -> Self {
        Self { inputs, matrix: Vec::new(), table: (Vec::new(), Vec::new()) }
    }

    /// Adds the next row of tensor `name`; after the `last` row, appends scales and tensor to `out` in their
    /// stored form.
    ///
    /// # Errors
    /// [`crate::ErrorKind::OutOfMemory`]; the errors of [`Inputs::factor`].
    pub fn row(&mut self, name: &str, row: &[f32], last: bool, out: &mut Vec<u8>) -> Result<()> {
        if self.inputs.is_table(name) { self.table_row(row, last, out) } else { self.matrix_row(name, row, last, out) }
    }

    fn table_row(&mut self, row: &[f32], last: bool, out: &mut Vec<u8>) -> Result<()> {
        let (packed, scales) = &mut self.table;
        let (bytes, groups) = (packed.len(), scales.len());
        try_reserve(packed, row.len() / 2, WHAT)?;
        try_reserve(scales, row.len() / int4::GROUP, WHAT)?;
        packed.resize(bytes + row.len() / 2, 0);
        scales.resize(groups + row.len() / int4::GROUP, f16::ZERO);
        int4::round_table_row(row, &mut packed[bytes..], &mut scales[groups..]);
        if last {
            try_reserve(out, packed.len() + 2 * scales.len(), WHAT)?;
            out.extend(scales.drain(..).flat_map(f16::to_le_bytes));
            out.append(packed);
        }
        Ok(())
    }

    fn matrix_row(&mut self, name: &str, row: &[f32], last: bool, out: &mut Vec<u8>) -> Result<()> {
        try_reserve(&mut self.matrix, row.len(), WHAT)?;
        self.matrix.extend_from_slice(row);
        if last {
            let factor = self.inputs.factor(name, row.len())?;
            let mut rounded = gptq::round(&self.matrix, factor)?;
            refine(&self.matrix, factor, &mut rounded)?;
            self.matrix.clear();
            try_reserve(out, rounded.q.len() / 2 + 2 * rounded.scales.len(), WHAT)?;
            out.extend(rounded.scales.iter().flat_map(|s| f16::from_f32(*s).to_le_bytes()));
            out.extend(int4::pack(&rounded.q));
        }
        Ok(())
    }
}

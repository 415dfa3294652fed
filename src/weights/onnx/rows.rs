//! A weight's rows: transposed if they are stored in columns, decoded or rounded if they are integers of
//! another kind than the checkpoint's.

use super::tensor::{Head, Tensor, Type};
use super::weight::{Form, Output, Weight, unread};
use super::wire::invalid;
use crate::error::{Result, try_vec};
use crate::weights::dtype::{Storage, check_finite, decode};
use crate::weights::header::quoted;
use crate::weights::int4;
use crate::weights::quantize::quantize_row;

/// Bytes of each of the file's rows to transpose at a time: a cache line.
const LINE: usize = 64;

/// A weight whose tensors have all arrived: its rows, as bytes in the file's type.
pub struct Stored<'a> {
    data: &'a Tensor,
    form: Form,
    rows: usize,
    columns: usize,
    /// Bytes of a number.
    size: usize,
    /// The transposed rows starting at `first`, as many as the numbers in a [`LINE`].
    block: Vec<u8>,
    first: usize,
}

impl<'a> Stored<'a> {
    /// For this many rows and columns.
    ///
    /// # Errors
    /// [`crate::ErrorKind::OutOfMemory`]; [`crate::ErrorKind::WeightsMismatch`] for a type that no weight
    /// has.
    pub fn new(weight: &Weight, data: &'a Tensor, [rows, columns]: [usize; 2]) -> Result<Self> {
        let size = match (data.head.dtype(), weight.scale.is_some(), weight.form) {
            (Type::Float(storage), false, Form::Rows | Form::Columns) => storage.bytes(),
            (Type::Byte { .. }, true, _) => 1,
            (Type::Nibble { .. }, true, Form::Blocks { bits: 4, .. }) => 1,
            _ => return Err(unread(&weight.parts[0].name, &data.head)),
        };
        let block = match weight.form {
            Form::Columns => try_vec((LINE / size).min(rows) * columns * size, "a row of the weights")?,
            _ => Vec::new(),
        };
        Ok(Self { data, form: weight.form, rows, columns, size, block, first: usize::MAX })
    }

    /// The bytes of row `row`; for blocks, including the padding of the last.
    pub fn row(&mut self, row: usize) -> &[u8] {
        let bytes = self.columns * self.size;
        match self.form {
            Form::Rows => &self.data.bytes[row * bytes..][..bytes],
            Form::Blocks { bits, size, filled, .. } => {
                let columns = if filled { self.columns.div_ceil(size) * size } else { self.columns };
                let bytes = columns * bits / 8;
                &self.data.bytes[row * bytes..][..bytes]
            }
            Form::Columns => {
                let block = LINE / self.size;
                let first = row - row % block;
                if first != self.first {
                    self.first = first;
                    let count = block.min(self.rows - first);
                    match self.size {
                        1 => self.transpose::<1>(count),
                        2 => self.transpose::<2>(count),
                        4 => self.transpose::<4>(count),
                        _ => self.transpose::<8>(count),
                    }
                }
                &self.block[(row - first) * bytes..][..bytes]
            }
        }
    }

    /// The numbers of a vector starting at place `first`, using `scales` if they are integers.
    pub fn numbers(&self, first: usize, scales: Option<&Scales>, out: &mut [f32]) {
        let bytes = &self.data.bytes[first * self.size..][..out.len() * self.size];
        match (self.data.head.dtype(), scales) {
            (Type::Float(storage), _) => decode(storage, bytes, out),
            (dtype, Some(scales)) => scales.decode(0, bytes, self.form, dtype, out),
            (_, None) => unreachable!("whole numbers have scales"),
        }
    }

    /// Reads along the file's rows, which are this weight's columns, of numbers of `SIZE` bytes: with a known
    /// length, a copy is a single instruction.
    fn transpose<const SIZE: usize>(&mut self, count: usize) {
        let row_bytes = self.columns * SIZE;
        for (column, stored) in self.data.bytes.chunks_exact(self.rows * SIZE).enumerate() {
            let numbers = stored[self.first * SIZE..][..count * SIZE].as_chunks::<SIZE>().0;
            for (row, number) in self.block.chunks_exact_mut(row_bytes).zip(numbers) {
                row[column * SIZE..][..SIZE].copy_from_slice(number);
            }
        }
    }
}

/// The scales and zero points of a weight.
pub struct Scales {
    scales: Vec<f32>,
    zeros: Option<Vec<i32>>,
    default_zero: i32,
    /// Blocks per row; 0 if there is a single scale, or one per row.
    blocks: usize,
    /// Numbers per block.
    size: usize,
}

impl Scales {
    /// The scales of a weight of `rows` rows.
    ///
    /// # Errors
    /// [`crate::ErrorKind::WeightsHeader`] if there is not one scale, one per row or one per block, or the
    /// same for zero points; [`crate::ErrorKind::WeightsMismatch`] for an unsupported type;
    /// [`crate::ErrorKind::WeightsNotFinite`].
    pub fn new(weight: &Weight, [rows, columns]: [usize; 2], scale: &Tensor, zero: Option<&Tensor>) -> Result<Self> {
        let name = &weight.parts[0].name;
        let wrong = |what: &str| invalid(format_args!("has {what} of {} that don't match it", quoted(name)));
        let scales = scale.numbers().ok_or_else(|| unread(name, &scale.head))?;
        check_finite(&scales, &scale.head.name)?;
        let (blocks, size) = match weight.form {
            Form::Blocks { size, .. } => (columns.div_ceil(size), size),
            _ => (0, 0),
        };
        let fits = |n: usize| if blocks > 0 { Some(n) == rows.checked_mul(blocks) } else { n == 1 || n == rows };
        if !fits(scales.len()) {
            return Err(wrong("scales"));
        }
        let zeros = zero.map(|zero| zeros(weight, zero, rows, blocks).ok_or_else(|| unread(name, &zero.head)));
        let zeros = zeros.transpose()?;
        if zeros.as_ref().is_some_and(|zeros| !fits(zeros.len())) {
            return Err(wrong("zero points"));
        }
        Ok(Self { scales, zeros, default_zero: weight.default_zero, blocks, size })
    }

    /// The scale and zero point of block `block` of a row.
    fn at(&self, row: usize, block: usize) -> (f32, i32) {
        let place = if self.blocks > 0 { row * self.blocks + block } else { row };
        let scale = self.scales[if self.scales.len() == 1 { 0 } else { place }];
        let zero = self.zeros.as_ref().map(|zeros| zeros[if zeros.len() == 1 { 0 } else { place }]);
        (scale, zero.unwrap_or(self.default_zero))
    }

    /// The scales of row `row`, one for each of its `groups` of [`int4::GROUP`].
    fn groups(&self, row: usize, groups: usize) -> impl Iterator<Item = f32> {
        let of_row = &self.scales[row * self.blocks..][..self.blocks];
        of_row.iter().flat_map(|&scale| std::iter::repeat_n(scale, self.size / int4::GROUP)).take(groups)
    }

    /// Decodes the numbers of row `row`, stored as the bytes `stored`, without rounding.
    pub fn decode(&self, row: usize, stored: &[u8], form: Form, dtype: Type, out: &mut [f32]) {
        let Form::Blocks { bits, size, .. } = form else {
            let (scale, zero) = self.at(row, 0);
            let signed = matches!(dtype, Type::Byte { signed: true });
            for (x, &q) in out.iter_mut().zip(stored) {
                let q = if signed { i32::from(q.cast_signed()) } else { i32::from(q) };
                *x = (q - zero) as f32 * scale;
            }
            return;
        };
        let signed = matches!(dtype, Type::Byte { signed: true } | Type::Nibble { signed: true });
        let number = |i: usize| match (bits, signed) {
            (4, false) => i32::from(stored[i / 2] >> (4 * (i % 2)) & 15),
            (4, true) => i32::from((stored[i / 2] >> (4 * (i % 2)) << 4).cast_signed() >> 4),
            (_, false) => i32::from(stored[i]),
            (_, true) => i32::from(stored[i].cast_signed()),
        };
        for (block, out) in out.chunks_mut(size).enumerate() {
            let (scale, zero) = self.at(row, block);
            for (i, x) in out.iter_mut().enumerate() {
                *x = (number(block * size + i) - zero) as f32 * scale;
            }
        }
    }
}

/// Zero points as integers; 4-bit ones are stored per row, two per byte.
fn zeros(weight: &Weight, zero: &Tensor, rows: usize, blocks: usize) -> Option<Vec<i32>> {
    let four = matches!(weight.form, Form::Blocks { bits: 4, .. });
    match zero.head.dtype() {
        Type::Byte { signed: false } if four => {
            let of_row = blocks.div_ceil(2);
            if zero.bytes.len() != rows.checked_mul(of_row)? {
                return Some(Vec::new());
            }
            let unpacked = zero.bytes.chunks_exact(of_row.max(1));
            Some(unpacked.flat_map(|row| int4::unpack(row).take(blocks).map(i32::from)).collect())
        }
        Type::Byte { signed: false } => Some(zero.bytes.iter().map(|&q| i32::from(q)).collect()),
        Type::Byte { signed: true } => Some(zero.bytes.iter().map(|&q| i32::from(q.cast_signed())).collect()),
        Type::Nibble { signed } => {
            let number = |q: u8| if signed { i32::from((q << 4).cast_signed() >> 4) } else { i32::from(q) };
            let count = usize::try_from(zero.head.numbers().ok()?).ok()?;
            Some(int4::unpack(&zero.bytes).map(number).take(count).collect())
        }
        Type::Float(_) => {
            let numbers = zero.numbers()?;
            numbers.iter().map(|&x| (x.fract() == 0.0 && x.abs() < 1024.0).then_some(x as i32)).collect()
        }
        _ => None,
    }
}

/// Converts the rows of one weight.
pub struct Rows<'a> {
    output: Output,
    form: Form,
    dtype: Type,
    /// Its name in messages.
    name: &'a str,
    scales: Option<Scales>,
    numbers: Vec<f32>,
    int8: Vec<i8>,
    bytes: Vec<u8>,
}

impl<'a> Rows<'a> {
    /// Rows of `columns` numbers; `data`: what the file says about them.
    ///
    /// # Errors
    /// [`crate::ErrorKind::OutOfMemory`].
    pub fn new(
        weight: &'a Weight,
        output: Output,
        data: &Head,
        columns: usize,
        scales: Option<Scales>,
    ) -> Result<Self> {
        let what = "a row of the weights";
        Ok(Self {
            output,
            form: weight.form,
            dtype: data.dtype(),
            name: &weight.parts[0].name,
            scales,
            numbers: try_vec(columns, what)?,
            int8: try_vec(if output == Output::Int8 { columns } else { 0 }, what)?,
            bytes: Vec::new(),
        })
    }

    /// Row `row` as it is passed on, converted from `stored`; and its scale, for int8.
    ///
    /// # Errors
    /// [`crate::ErrorKind::WeightsNotFinite`]; [`crate::ErrorKind::WeightsMismatch`] if floating-point
    /// numbers would have to be converted to a type other than f32.
    pub fn row<'s>(&'s mut self, row: usize, stored: &'s [u8]) -> Result<(&'s [u8], f32)> {
        let columns = self.numbers.len();
        match (self.output, &self.scales) {
            (Output::Float(storage), None) => {
                if self.dtype == Type::Float(storage) {
                    return Ok((stored, 1.0));
                }
                let Type::Float(of_file) = self.dtype else { unreachable!("whole numbers have scales") };
                if storage != Storage::F32 {
                    return Err(mixed(self.name, storage, of_file));
                }
                decode(of_file, stored, &mut self.numbers);
                self.write_numbers();
                Ok((&self.bytes, 1.0))
            }
            (Output::Float(_), Some(scales)) => {
                scales.decode(row, stored, self.form, self.dtype, &mut self.numbers);
                self.write_numbers();
                Ok((&self.bytes, 1.0))
            }
            (Output::Int4, _) => Ok((&stored[..columns / 2], 1.0)),
            (Output::Int8, Some(scales)) => {
                if let Type::Byte { signed } = self.dtype
                    && !matches!(self.form, Form::Blocks { .. })
                    && let (scale, zero) = scales.at(row, 0)
                    && scale > 0.0
                    && shift(stored, signed, zero, &mut self.int8)
                {
                    return Ok((bytemuck::cast_slice(&self.int8), scale));
                }
                scales.decode(row, stored, self.form, self.dtype, &mut self.numbers);
                check_finite(&self.numbers, self.name)?;
                let scale = quantize_row(&self.numbers, &mut self.int8);
                Ok((bytemuck::cast_slice(&self.int8), scale))
            }
            (Output::Int8, None) => unreachable!("whole numbers have scales"),
        }
    }

    /// The scales, if the numbers are integers.
    pub fn scales(&self) -> Option<&Scales> {
        self.scales.as_ref()
    }

    fn write_numbers(&mut self) {
        self.bytes.clear();
        self.bytes.extend(self.numbers.iter().flat_map(|x| x.to_le_bytes()));
    }

    /// The scales of an int4 row, as f32.
    pub fn group_scales(&mut self, row: usize) -> &[u8] {
        let groups = self.numbers.len() / int4::GROUP;
        self.bytes.clear();
        if let Some(scales) = &self.scales {
            self.bytes.extend(scales.groups(row, groups).flat_map(|scale| scale.to_le_bytes()));
        }
        &self.bytes
    }
}

/// Sets `out` to the integers of a row minus their zero point. Returns whether all of them fit this project's
/// int8, so that nothing is rounded.
fn shift(stored: &[u8], signed: bool, zero: i32, out: &mut [i8]) -> bool {
    let Ok(zero) = i16::try_from(zero) else { return false };
    let mut largest = 0;
    for (to, &q) in out.iter_mut().zip(stored) {
        let q = if signed { i16::from(q.cast_signed()) } else { i16::from(q) };
        let difference = q.wrapping_sub(zero);
        largest = largest.max(difference.wrapping_abs());
        *to = difference as i8;
    }
    (0..=127).contains(&largest)
}

fn mixed(name: &str, first: Storage, this: Storage) -> crate::error::Error {
    crate::error::Error::new(
        crate::error::ErrorKind::WeightsMismatch,
        format!(
            "{} is stored as {this:?} in a file whose first matrix is {first:?}: use model.onnx or \
             model_quantized.onnx.",
            quoted(name)
        ),
    )
}

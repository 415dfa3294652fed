//! Embedding tables, which stay on the CPU side, as the file stores them or rounded to integers: every
//! backend gathers the rows of a batch there.

use crate::error::{Result, try_vec};
use crate::weights::dtype::{Storage, decode};
use crate::weights::int4;
use crate::weights::quantize::quantize_row;

enum Values {
    /// Floating-point rows as their bytes.
    Float { storage: Storage, bytes: Vec<u8> },
    /// int8 rows, each with its scale.
    Int8 { values: Vec<i8>, scales: Vec<f32> },
    /// int4 rows, each with the scales of its groups.
    Int4 { packed: Vec<u8>, scales: Vec<half::f16> },
}

/// A table of R rows of D numbers.
pub struct EmbeddingTable {
    values: Values,
    width: usize,
}

impl EmbeddingTable {
    /// Allocates a table of (rows, width) numbers in `storage`. The scales of int8 rows are 1 until they are
    /// set. For int4, `width` must satisfy [`int4::fits`].
    ///
    /// # Errors
    /// [`crate::ErrorKind::OutOfMemory`].
    pub fn new(rows: usize, width: usize, storage: Storage) -> Result<Self> {
        let what = "the embedding table";
        let values = match storage {
            Storage::Int8 => {
                let mut scales = try_vec(rows, what)?;
                scales.fill(1.0);
                Values::Int8 { values: try_vec(rows * width, what)?, scales }
            }
            Storage::Int4 => Values::Int4 {
                packed: try_vec(rows * (width / 2), what)?,
                scales: try_vec(rows * (width / int4::GROUP), what)?,
            },
            _ => Values::Float { storage, bytes: try_vec(rows * width * storage.bytes(), what)? },
        };
        Ok(Self { values, width })
    }

    /// D
    pub fn width(&self) -> usize {
        self.width
    }

    /// Sets row `row` of an int8 table.
    pub fn set_int8(&mut self, row: usize, stored: &[i8]) {
        if let Values::Int8 { values, .. } = &mut self.values {
            let at = row * self.width;
            values[at..at + self.width].copy_from_slice(stored);
        }
    }

    /// Whether it is an int4 table.
    pub fn is_int4(&self) -> bool {
        matches!(self.values, Values::Int4 { .. })
    }

    /// Sets row `row` of an int4 table, as it is stored; the scales are half-precision numbers.
    pub fn set_int4(&mut self, row: usize, stored: &[u8], group_scales: &[f32]) {
        if let Values::Int4 { packed, scales } = &mut self.values {
            packed[row * stored.len()..][..stored.len()].copy_from_slice(stored);
            for (to, scale) in scales[row * group_scales.len()..].iter_mut().zip(group_scales) {
                *to = half::f16::from_f32(*scale);
            }
        }
    }

    /// Sets row `row` from the file's floating-point numbers: a table of integers rounds them, any other
    /// keeps the stored bytes, or for F64 the bytes of the nearest f32.
    pub fn set_float(&mut self, row: usize, numbers: &[f32], stored: &[u8]) {
        let at = row * self.width;
        match &mut self.values {
            Values::Int8 { values, scales } => scales[row] = quantize_row(numbers, &mut values[at..at + self.width]),
            Values::Int4 { packed, scales } => {
                let (bytes, groups) = (self.width / 2, self.width / int4::GROUP);
                int4::round_table_row(
                    numbers,
                    &mut packed[row * bytes..][..bytes],
                    &mut scales[row * groups..][..groups],
                );
            }
            // From an F64 file, whose table is F32.
            Values::Float { storage: Storage::F32, bytes } if stored.len() != 4 * self.width => {
                for (to, x) in bytes[4 * at..].as_chunks_mut::<4>().0.iter_mut().zip(numbers) {
                    *to = x.to_le_bytes();
                }
            }
            Values::Float { bytes, .. } => bytes[row * stored.len()..][..stored.len()].copy_from_slice(stored),
        }
    }

    /// Sets the scales of an int8 table.
    pub fn set_scales(&mut self, all: &[f32]) {
        if let Values::Int8 { scales, .. } = &mut self.values {
            scales.copy_from_slice(all);
        }
    }

    /// Writes row `row` to `out` (D).
    pub fn read(&self, row: usize, out: &mut [f32]) {
        let at = row * self.width;
        match &self.values {
            Values::Float { storage, bytes } => {
                let size = storage.bytes();
                decode(*storage, &bytes[at * size..(at + self.width) * size], out);
            }
            Values::Int8 { values, scales } => {
                let scale = scales[row];
                for (x, q) in out.iter_mut().zip(&values[at..at + self.width]) {
                    *x = f32::from(*q) * scale;
                }
            }
            Values::Int4 { packed, scales } => {
                let packed = packed[at / 2..][..self.width / 2].chunks_exact(int4::GROUP / 2);
                let groups = packed.zip(&scales[at / int4::GROUP..]).zip(out.chunks_exact_mut(int4::GROUP));
                groups.for_each(|((packed, scale), out)| int4::dequantize(packed, &[scale.to_f32()], out));
            }
        }
    }

    /// Adds row `row` to `out` (D); `scratch` has room for D.
    pub fn add(&self, row: usize, out: &mut [f32], scratch: &mut [f32]) {
        self.read(row, scratch);
        for (x, y) in out.iter_mut().zip(scratch) {
            *x += *y;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_in_every_storage() {
        for (storage, one) in [
            (Storage::F32, 1.0f32.to_le_bytes().to_vec()),
            (Storage::F16, half::f16::ONE.to_le_bytes().to_vec()),
            (Storage::Bf16, half::bf16::ONE.to_le_bytes().to_vec()),
        ] {
            let mut table = EmbeddingTable::new(3, 2, storage).unwrap();
            table.set_float(2, &[1.0, 1.0], &[one.clone(), one].concat());
            check(&table, storage);
        }
        let mut table = EmbeddingTable::new(3, 2, Storage::F32).unwrap();
        table.set_float(2, &[1.0, 1.0], [1f64.to_le_bytes(); 2].as_flattened());
        check(&table, Storage::F64);
        let mut table = EmbeddingTable::new(3, 2, Storage::Int8).unwrap();
        table.set_int8(2, &[2, 2]);
        table.set_scales(&[9.0, 9.0, 0.5]);
        check(&table, Storage::Int8);
    }

    /// By hand: (q - 8) · scale, the first column in the lower half.
    #[test]
    fn rows_of_an_int4_table_are_decoded() {
        let (mut table, mut out) = (EmbeddingTable::new(2, 64, Storage::Int4).unwrap(), [9.0; 64]);
        assert!(table.is_int4());
        let mut stored = [0x88; 32];
        (stored[0], stored[15], stored[16]) = (0x0f, 0x98, 0x1a);
        table.set_int4(1, &stored, &[0.5, -2.0]);
        table.read(1, &mut out);
        let mut wanted = [0.0; 64];
        (wanted[0], wanted[1], wanted[31], wanted[32], wanted[33]) = (3.5, -4.0, 0.5, -4.0, 14.0);
        assert_eq!(out, wanted);
        table.add(1, &mut out, &mut [0.0; 64]);
        assert_eq!(out, wanted.map(|x| 2.0 * x));
        table.read(0, &mut out);
        assert_eq!(out, [0.0; 64]);
        // Floats are rounded: here to themselves, since all are multiples of a scale.
        wanted[32] = -16.0;
        table.set_float(0, &wanted, &[]);
        table.read(0, &mut out);
        assert_eq!(out, wanted);
    }

    fn check(table: &EmbeddingTable, storage: Storage) {
        let (mut row, mut scratch) = ([7.0; 2], [0.0; 2]);
        table.read(2, &mut row);
        assert_eq!(row, [1.0, 1.0], "{storage:?}");
        table.add(2, &mut row, &mut scratch);
        assert_eq!(row, [2.0, 2.0], "{storage:?}");
        table.read(1, &mut row);
        assert_eq!(row, [0.0, 0.0], "{storage:?}");
    }

    #[test]
    fn an_int8_table_quantizes_numbers() {
        let mut table = EmbeddingTable::new(2, 3, Storage::Int8).unwrap();
        table.set_float(1, &[1.0, -0.3, 0.004], &[]);
        let mut row = [0.0; 3];
        table.read(1, &mut row);
        for (x, y) in row.iter().zip([1.0, -0.3, 0.004]) {
            assert!((x - y).abs() <= 0.5 / 127.0 + 1e-7, "{x} for {y}"); // half a step of the scale
        }
    }
}

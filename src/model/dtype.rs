//! How the number formats of the project relate: those of files, of options, and of computation.
//!
//! Five types name them, each for one place:
//!
//! - `safetensors::Dtype`: the names in a file's header; [`Storage::of`] says which of them are read.
//! - [`Storage`]: how a tensor of the file, or an embedding table in memory, stores its numbers.
//! - [`Dtype`], here: what the caller requests, the option `dtype`.
//! - [`Precision`]: what a matrix is multiplied in, once its backend has said what it supports
//!   ([`crate::backend::Backend::precision`]).
//! - [`crate::convert::Format`]: what a file is converted to; its result is read as the [`Storage`] of the same name.
//!
//! A matrix is multiplied in this precision (rows: the file's format; columns: the option; *: if the model
//! allows it, else int8):
//!
//! | file | `auto` | `fp32` | `fp16` | `int8` | `int4` |
//! |---|---|---|---|---|---|
//! | F64, F32, BF16 | f32 | f32 | f16 | int8 | int4* |
//! | F16 | f16 | f32 | f16 | int8 | int4* |
//! | int8 | int8 | f32 | f16 | int8 | int8 |
//! | int4 | int4 | f32 | f16 | int8 | int4 |
//!
//! Vectors are f32. An embedding table stays as the file stores it, F64 as F32; but a table of floats becomes
//! int8 with `int8`, and int4* with `int4`.

use super::plan::{Narrowest, TableFacts};
use crate::backend::Precision;
use crate::error::{Error, ErrorKind, Result};
use crate::weights::dtype::Storage;
use crate::weights::int4;

/// What the products are computed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// As the file stores them: int8 and int4 stay as they are, f16 stays f16 if the backend stores halves,
    /// everything else is f32.
    Auto,
    /// f32, whatever the file stores.
    Fp32,
    /// f16, on backends that store halves; f32 on others.
    Fp16,
    /// int8; a file of floating-point weights is quantized while it streams.
    Int8,
    /// int4 if the model allows it ([`Narrowest`]), else int8; quantized in the same way.
    Int4,
}

impl Dtype {
    /// The dtype with this name.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for any other name.
    pub fn from_name(name: &str) -> Result<Self> {
        match name {
            "auto" => Ok(Self::Auto),
            "fp32" => Ok(Self::Fp32),
            "fp16" => Ok(Self::Fp16),
            "int8" => Ok(Self::Int8),
            "int4" => Ok(Self::Int4),
            other => Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "dtype {other:?} is unknown: \"auto\", \"fp32\", \"fp16\", \"int8\" and \"int4\" are supported."
                ),
            )),
        }
    }

    /// The precision in which a matrix of `depth` columns, stored as `storage` in the file, is multiplied if
    /// the backend supports it.
    pub fn precision(self, storage: Storage, narrowest: Narrowest, depth: usize) -> Precision {
        match (self, storage) {
            (Self::Auto | Self::Int4, Storage::Int4) => Precision::Int4,
            (Self::Int8, _) | (Self::Auto | Self::Int4, Storage::Int8) => Precision::Int8,
            (Self::Int4, _) if narrowest == Narrowest::Int4 && int4::fits(depth) => Precision::Int4,
            (Self::Int4, _) => Precision::Int8,
            (Self::Fp16, _) | (Self::Auto, Storage::F16) => Precision::F16,
            _ => Precision::F32,
        }
    }

    /// How an embedding table stored as `storage` is kept in memory: rows are decoded as they are read.
    pub fn table_storage(self, storage: Storage, facts: &TableFacts) -> Storage {
        match (self, storage) {
            (_, Storage::Int8 | Storage::Int4) => storage,
            (Self::Int4, _) if facts.supports_int4() => Storage::Int4,
            (Self::Int8 | Self::Int4, _) => Storage::Int8,
            (_, Storage::F64) => Storage::F32,
            _ => storage,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of this module's documentation.
    #[test]
    fn every_pair_of_file_and_option_has_its_precision() {
        use Precision::{F16, F32, Int4, Int8};
        use safetensors::Dtype as File;
        const OPTIONS: [&str; 5] = ["auto", "fp32", "fp16", "int8", "int4"];
        for (file, storage, wanted) in [
            (File::F64, Storage::F64, [F32, F32, F16, Int8, Int4]),
            (File::F32, Storage::F32, [F32, F32, F16, Int8, Int4]),
            (File::BF16, Storage::Bf16, [F32, F32, F16, Int8, Int4]),
            (File::F16, Storage::F16, [F16, F32, F16, Int8, Int4]),
            (File::I8, Storage::Int8, [Int8, F32, F16, Int8, Int8]),
            (File::U8, Storage::Int4, [Int4, F32, F16, Int8, Int4]),
        ] {
            assert_eq!(Storage::of(file), Some(storage));
            for (name, wanted) in OPTIONS.iter().zip(wanted) {
                let dtype = Dtype::from_name(name).unwrap();
                assert_eq!(dtype.precision(storage, Narrowest::Int4, 64), wanted, "{file:?}, {name}");
                if storage.is_float() {
                    let rounded = if *name == "int4" { Int8 } else { wanted };
                    assert_eq!(dtype.precision(storage, Narrowest::Int8, 64), rounded, "{file:?}, {name}: the head");
                    assert_eq!(dtype.precision(storage, Narrowest::Int4, 63), rounded, "{file:?}, {name}: no groups");
                }
                let table = match (storage, *name) {
                    (Storage::Int8 | Storage::Int4, _) => [storage; 3],
                    (_, "int8") => [Storage::Int8; 3],
                    (_, "int4") => [Storage::Int4, Storage::Int8, Storage::Int8],
                    (Storage::F64, _) => [Storage::F32; 3],
                    _ => [storage; 3],
                };
                let tables = [(64, Narrowest::Int4), (63, Narrowest::Int4), (64, Narrowest::Int8)];
                for ((width, narrowest), wanted) in tables.into_iter().zip(table) {
                    let held = dtype.table_storage(storage, &TableFacts { rows: 9, width, narrowest });
                    assert_eq!(held, wanted, "{file:?}, {name}: a table of {width} columns, {narrowest:?}");
                }
            }
        }
        for file in [File::I64, File::I32] {
            assert!(Storage::of(file).is_some_and(|storage| !storage.is_float()), "{file:?}: of no matrix or table");
        }
        for file in [File::I16, File::BOOL, File::F8_E4M3, File::F8_E5M2, File::F4, File::C64] {
            assert_eq!(Storage::of(file), None, "{file:?}");
        }
        for (name, storage) in [("int8", Storage::Int8), ("fp16", Storage::F16)] {
            let format = crate::convert::Format::from_name(name).unwrap();
            assert_eq!(format.storage(), storage);
        }
    }
}

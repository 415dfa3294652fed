//! Numbers as a safetensors file stores them.

use super::header::{TensorInfo, quoted};
use crate::error::{Error, ErrorKind, Result};
use safetensors::tensor::Dtype;

/// The supported storage types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// IEEE double precision.
    F64,
    /// IEEE single precision.
    F32,
    /// IEEE half precision.
    F16,
    /// The upper half of an f32.
    Bf16,
    /// Integers of 32 bits.
    I32,
    /// Integers of 64 bits.
    I64,
    /// Symmetric int8 per row, with the scales in a separate tensor.
    Int8,
    /// int4 in pairs, with the scales of groups in a separate tensor ([`super::int4`]).
    Int4,
}

impl Storage {
    /// The storage of a safetensors type, or `None` if it is not supported.
    pub fn of(dtype: Dtype) -> Option<Self> {
        match dtype {
            Dtype::F64 => Some(Self::F64),
            Dtype::F32 => Some(Self::F32),
            Dtype::F16 => Some(Self::F16),
            Dtype::BF16 => Some(Self::Bf16),
            Dtype::I32 => Some(Self::I32),
            Dtype::I64 => Some(Self::I64),
            Dtype::I8 => Some(Self::Int8),
            Dtype::U8 => Some(Self::Int4),
            _ => None,
        }
    }

    /// Bytes of one element: a number, or a pair of int4.
    pub const fn bytes(self) -> usize {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::Int8 | Self::Int4 => 1,
        }
    }

    /// Whether the elements are floating-point numbers.
    pub const fn is_float(self) -> bool {
        matches!(self, Self::F64 | Self::F32 | Self::F16 | Self::Bf16)
    }
}

/// The storage of a tensor that is to be converted.
///
/// # Errors
/// [`ErrorKind::WeightsMismatch`] if it is not floating-point.
pub fn require_float(t: &TensorInfo) -> Result<Storage> {
    Storage::of(t.dtype).filter(|storage| storage.is_float()).ok_or_else(|| {
        Error::new(
            ErrorKind::WeightsMismatch,
            format!("{} is stored as {:?}: convert a file of F32, F64, F16 or BF16.", quoted(&t.name), t.dtype),
        )
    })
}

/// Decodes floating-point numbers, or integers to the nearest f32. `out` has one place for each number in
/// `bytes`.
pub fn decode(storage: Storage, bytes: &[u8], out: &mut [f32]) {
    debug_assert_eq!(bytes.len(), out.len() * storage.bytes());
    match storage {
        // As PyTorch casts: to the nearest, and to infinity beyond f32.
        Storage::F64 => {
            for (x, b) in out.iter_mut().zip(bytes.as_chunks::<8>().0) {
                *x = f64::from_le_bytes(*b) as f32;
            }
        }
        Storage::F32 => {
            for (x, b) in out.iter_mut().zip(bytes.as_chunks::<4>().0) {
                *x = f32::from_le_bytes(*b);
            }
        }
        Storage::I32 => {
            for (x, b) in out.iter_mut().zip(bytes.as_chunks::<4>().0) {
                *x = i32::from_le_bytes(*b) as f32;
            }
        }
        Storage::I64 => {
            for (x, b) in out.iter_mut().zip(bytes.as_chunks::<8>().0) {
                *x = i64::from_le_bytes(*b) as f32;
            }
        }
        Storage::F16 => {
            for (x, b) in out.iter_mut().zip(bytes.as_chunks::<2>().0) {
                *x = half::f16::from_le_bytes(*b).to_f32();
            }
        }
        Storage::Bf16 => {
            for (x, b) in out.iter_mut().zip(bytes.as_chunks::<2>().0) {
                *x = half::bf16::from_le_bytes(*b).to_f32();
            }
        }
        Storage::Int8 | Storage::Int4 => unreachable!("integers have scales: they are not decoded by themselves"),
    }
}

/// Checks that every number of tensor `name` is finite.
///
/// # Errors
/// [`ErrorKind::WeightsNotFinite`].
pub fn check_finite(values: &[f32], name: &str) -> Result<()> {
    // x · 0 is 0 for every finite x and NaN for NaN and Inf; a sum needs no branch, so it is vectorized.
    let sum: f32 = values.iter().map(|x| x * 0.0).sum();
    if sum == 0.0 {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::WeightsNotFinite,
        format!(
            "{} holds NaN, infinity or a number beyond f32: the file is damaged or the training failed; use another.",
            quoted(name)
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_is_decoded() {
        let mut out = [0.0; 2];
        decode(Storage::F32, &[0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0], &mut out);
        assert_eq!(out, [1.0, -2.0]);
        let doubles = [0.1f64, -1e-300].map(f64::to_le_bytes);
        decode(Storage::F64, doubles.as_flattened(), &mut out);
        assert_eq!(out, [0.1, 0.0]);
        decode(Storage::F64, [1e300f64, -2.0].map(f64::to_le_bytes).as_flattened(), &mut out);
        assert!(check_finite(&out, "w").is_err(), "f64 beyond f32");
        decode(Storage::F16, &[0x00, 0x3c, 0x01, 0x00], &mut out);
        assert_eq!(out, [1.0, 2f32.powi(-24)]);
        decode(Storage::Bf16, &[0x80, 0x3f, 0x00, 0xc0], &mut out);
        assert_eq!(out, [1.0, -2.0]);
    }

    #[test]
    fn nan_and_infinity_are_found_anywhere() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for at in [0, 8, 16] {
                let mut row = [1e38f32; 17];
                row[at] = bad;
                assert_eq!(check_finite(&row, "w").unwrap_err().kind(), ErrorKind::WeightsNotFinite);
            }
        }
        assert!(check_finite(&[f32::MAX, f32::MIN, -0.0, 1e-45], "w").is_ok());
    }
}

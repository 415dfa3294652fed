//! Lanes of f32.

use super::I32x4;
use core::array::from_fn;
use core::ops::{Add, Div, Mul, Sub};

/// Four f32 lanes.
#[derive(Clone, Copy)]
pub struct F32x4(pub(super) [f32; 4]);

impl F32x4 {
    #[inline(always)]
    fn zip(self, b: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Self(from_fn(|l| f(self.0[l], b.0[l])))
    }

    /// `x` in every lane.
    #[inline(always)]
    pub fn splat(x: f32) -> Self {
        Self([x; 4])
    }

    /// The four values at `p`, of any alignment.
    ///
    /// # Safety
    /// `p` must be readable for four values.
    #[inline(always)]
    pub unsafe fn load(p: *const f32) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { p.cast::<[f32; 4]>().read_unaligned() })
    }

    /// The value at `p` in every lane.
    ///
    /// # Safety
    /// `p` must be readable.
    #[inline(always)]
    pub unsafe fn load_splat(p: *const f32) -> Self {
        // SAFETY: the caller's promise.
        Self([unsafe { p.read() }; 4])
    }

    /// Writes the four lanes to `p`, of any alignment.
    ///
    /// # Safety
    /// `p` must be writable for four values.
    #[inline(always)]
    pub unsafe fn store(self, p: *mut f32) {
        // SAFETY: the caller's promise.
        unsafe { p.cast::<[f32; 4]>().write_unaligned(self.0) }
    }

    /// self · b + c, rounded after the product and after the sum.
    #[inline(always)]
    pub fn mul_add(self, b: Self, c: Self) -> Self {
        self * b + c
    }

    /// b if b < self, otherwise self; NaN if self is NaN.
    #[inline(always)]
    pub fn min(self, b: Self) -> Self {
        self.zip(b, |a, b| if b < a { b } else { a })
    }

    /// b if b > self, otherwise self; NaN if self is NaN.
    #[inline(always)]
    pub fn max(self, b: Self) -> Self {
        self.zip(b, |a, b| if a < b { b } else { a })
    }

    /// |x|
    #[inline(always)]
    pub fn abs(self) -> Self {
        Self(self.0.map(f32::abs))
    }

    /// The f32 with these bits.
    #[inline(always)]
    pub fn from_bits(bits: I32x4) -> Self {
        Self(bits.0.map(|b| f32::from_bits(b.cast_unsigned())))
    }

    /// The bits of each f32.
    #[inline(always)]
    pub fn to_bits(self) -> I32x4 {
        I32x4(self.0.map(|x| x.to_bits().cast_signed()))
    }

    /// Lane j of vector i becomes lane i of vector j.
    #[inline(always)]
    pub fn transpose(rows: [Self; 4]) -> [Self; 4] {
        from_fn(|j| Self(rows.map(|row| row.0[j])))
    }

    /// The f32 nearest to each i32.
    #[inline(always)]
    pub fn from_i32(x: I32x4) -> Self {
        Self(x.0.map(|x| x as f32))
    }
}

impl Add for F32x4 {
    type Output = Self;
    #[inline(always)]
    fn add(self, b: Self) -> Self {
        self.zip(b, |a, b| a + b)
    }
}

impl Sub for F32x4 {
    type Output = Self;
    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        self.zip(b, |a, b| a - b)
    }
}

impl Mul for F32x4 {
    type Output = Self;
    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        self.zip(b, |a, b| a * b)
    }
}

impl Div for F32x4 {
    type Output = Self;
    #[inline(always)]
    fn div(self, b: Self) -> Self {
        self.zip(b, |a, b| a / b)
    }
}

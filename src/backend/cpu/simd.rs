//! Vectors of 128 bits: SIMD128 if the target has it, plain arrays elsewhere, with bit-identical results, so
//! that the host's tests cover the arithmetic that the browser runs. Lane order, rounding and the order of
//! sums are part of that.
//!
//! Relaxed SIMD: [`F32x4::mul_add`] is the only operation whose result differs between engines (one rounding
//! less where the processor fuses). [`I16x8::dot_i7`] and [`I32x4::dot_quads_add`] would differ, too, but
//! only for operands that products never have.

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod portable;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm;

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
pub use portable::{F32x4, I8x16, I16x8, I32x4};
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub use wasm::{F32x4, I8x16, I16x8, I32x4};

/// Lanes of an [`F32x4`] and an [`I32x4`].
pub const LANES: usize = 4;

impl F32x4 {
    /// The first four values of `values`.
    ///
    /// # Panics
    /// If there are fewer.
    #[inline(always)]
    pub fn from_slice(values: &[f32]) -> Self {
        // SAFETY: the slicing has checked that four values are there.
        unsafe { Self::load(values[..LANES].as_ptr()) }
    }

    /// Up to four values, and `pad` in the lanes beyond them.
    #[inline(always)]
    pub fn from_slice_padded(values: &[f32], pad: f32) -> Self {
        let mut lanes = [pad; LANES];
        let n = values.len().min(LANES);
        lanes[..n].copy_from_slice(&values[..n]);
        Self::from_slice(&lanes)
    }

    /// Writes the lanes to the first four places of `to`.
    ///
    /// # Panics
    /// If there are fewer.
    #[inline(always)]
    pub fn write(self, to: &mut [f32]) {
        // SAFETY: the slicing has checked that four places are there.
        unsafe { self.store(to[..LANES].as_mut_ptr()) }
    }

    /// Writes as many lanes as `to` has places, at most four.
    #[inline(always)]
    pub fn write_part(self, to: &mut [f32]) {
        let n = to.len().min(LANES);
        to[..n].copy_from_slice(&self.to_array()[..n]);
    }

    /// The nearest whole number, ties to even, as f32 and as i32; for |x| ≤ 2^22.
    ///
    /// Method: the sum with 1.5 · 2^23 has no bits for a fraction, and holds the number in its lowest bits.
    /// On x86 this is shorter than WebAssembly's own rounding and saturating conversion.
    #[inline(always)]
    pub fn nearest(self) -> (Self, I32x4) {
        let shift = Self::splat(12_582_912.0);
        let sum = self + shift;
        (sum - shift, sum.to_bits() - shift.to_bits())
    }

    /// Each lane clamped to `low..=high`; NaN stays NaN.
    #[inline(always)]
    pub fn clamp(self, low: f32, high: f32) -> Self {
        self.max(Self::splat(low)).min(Self::splat(high))
    }

    /// The four lanes, in order.
    #[inline(always)]
    pub fn to_array(self) -> [f32; LANES] {
        let mut lanes = [0.0; LANES];
        self.write(&mut lanes);
        lanes
    }

    /// (l0 + l1) + (l2 + l3).
    #[inline(always)]
    pub fn sum(self) -> f32 {
        let [a, b, c, d] = self.to_array();
        (a + b) + (c + d)
    }

    /// The largest lane; none may be NaN.
    #[inline(always)]
    pub fn largest(self) -> f32 {
        self.to_array().into_iter().fold(f32::NEG_INFINITY, f32::max)
    }
}

impl I8x16 {
    /// The sixteen bytes as lanes.
    #[inline(always)]
    pub fn from_bytes(bytes: &[u8; 16]) -> Self {
        // SAFETY: `bytes` has the sixteen values that are read.
        unsafe { Self::load(bytes.as_ptr().cast()) }
    }
}

impl I32x4 {
    /// The sums of lanes 0 and 1 and of lanes 2 and 3 of `a`, then those of `b`.
    #[inline(always)]
    pub fn add_pairs(a: Self, b: Self) -> Self {
        let [even, odd] = Self::even_and_odd(a, b);
        even + odd
    }

    /// The four lanes, in order.
    #[inline(always)]
    pub fn to_array(self) -> [i32; LANES] {
        F32x4::from_bits(self).to_array().map(|x| x.to_bits().cast_signed())
    }
}

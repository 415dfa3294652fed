//! Lanes of integers.

use core::arch::wasm32::*;
use core::ops::{Add, Sub};

/// Four i32 lanes.
#[derive(Clone, Copy)]
pub struct I32x4(pub(super) v128);

/// Eight i16 lanes.
#[derive(Clone, Copy)]
pub struct I16x8(pub(super) v128);

/// Sixteen i8 lanes.
#[derive(Clone, Copy)]
pub struct I8x16(pub(super) v128);

impl I32x4 {
    /// `x` in every lane.
    #[inline(always)]
    pub fn splat(x: i32) -> Self {
        Self(i32x4_splat(x))
    }

    /// The larger of each pair.
    #[inline(always)]
    pub fn max(self, b: Self) -> Self {
        Self(i32x4_max(self.0, b.0))
    }

    /// The four values at `p`, of any alignment.
    ///
    /// # Safety
    /// `p` must be readable for four values.
    #[inline(always)]
    pub unsafe fn load(p: *const i32) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { v128_load(p.cast()) })
    }

    /// Lanes 0 and 2 of `a`, then those of `b`; and lanes 1 and 3 of both.
    #[inline(always)]
    pub fn even_and_odd(a: Self, b: Self) -> [Self; 2] {
        [Self(i32x4_shuffle::<0, 2, 4, 6>(a.0, b.0)), Self(i32x4_shuffle::<1, 3, 5, 7>(a.0, b.0))]
    }

    /// The bits that are set in both.
    #[inline(always)]
    pub fn and(self, b: Self) -> Self {
        Self(v128_and(self.0, b.0))
    }

    /// Each lane's lower 16 bits, then its upper ones.
    #[inline(always)]
    pub fn as_i16(self) -> I16x8 {
        I16x8(self.0)
    }

    /// self + a[2l] · b[2l] + a[2l + 1] · b[2l + 1] in lane l, modulo 2^32.
    #[inline(always)]
    pub fn dot_add(self, a: I16x8, b: I16x8) -> Self {
        Self(i32x4_add(i32x4_dot_i16x8(a.0, b.0), self.0))
    }

    /// self + Σ a[4l + i] · b[4l + i] in lane l, modulo 2^32, for signed a and b in 0..=127. For any other b,
    /// engines differ.
    #[cfg(target_feature = "relaxed-simd")]
    #[inline(always)]
    pub fn dot_quads_add(self, a: I8x16, b: I8x16) -> Self {
        Self(i32x4_relaxed_dot_i8x16_i7x16_add(a.0, b.0, self.0))
    }

    /// self + Σ a[4l + i] · b[4l + i] in lane l, modulo 2^32, for signed a and b in 0..=127.
    #[cfg(not(target_feature = "relaxed-simd"))]
    #[inline(always)]
    pub fn dot_quads_add(self, a: I8x16, b: I8x16) -> Self {
        let low = i32x4_dot_i16x8(i16x8_extend_low_i8x16(a.0), i16x8_extend_low_i8x16(b.0));
        let high = i32x4_dot_i16x8(i16x8_extend_high_i8x16(a.0), i16x8_extend_high_i8x16(b.0));
        let [even, odd] = Self::even_and_odd(Self(low), Self(high));
        self + even + odd
    }

    /// Each lane shifted left by `N` bits.
    #[inline(always)]
    pub fn shl<const N: u32>(self) -> Self {
        Self(i32x4_shl(self.0, N))
    }

    /// Each lane shifted right by `N` bits, with the sign extended.
    #[inline(always)]
    pub fn shr<const N: u32>(self) -> Self {
        Self(i32x4_shr(self.0, N))
    }
}

impl Add for I32x4 {
    type Output = Self;
    #[inline(always)]
    fn add(self, b: Self) -> Self {
        Self(i32x4_add(self.0, b.0))
    }
}

impl Sub for I32x4 {
    type Output = Self;
    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        Self(i32x4_sub(self.0, b.0))
    }
}

impl I16x8 {
    /// The eight i8 at `p`, widened.
    ///
    /// # Safety
    /// `p` must be readable for eight values.
    #[inline(always)]
    pub unsafe fn load_extend(p: *const i8) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { i16x8_load_extend_i8x8(p) })
    }

    /// `x` in every lane.
    #[inline(always)]
    pub fn splat(x: i16) -> Self {
        Self(i16x8_splat(x))
    }

    /// The eight values at `p`, of any alignment.
    ///
    /// # Safety
    /// `p` must be readable for eight values.
    #[inline(always)]
    pub unsafe fn load(p: *const i16) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { v128_load(p.cast()) })
    }

    /// The two values at `p`, four times.
    ///
    /// # Safety
    /// `p` must be readable for two values.
    #[inline(always)]
    pub unsafe fn load_splat_pair(p: *const i16) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { v128_load32_splat(p.cast()) })
    }

    /// The four values at `p`, twice.
    ///
    /// # Safety
    /// `p` must be readable for four values.
    #[inline(always)]
    pub unsafe fn load_splat_quad(p: *const i16) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { v128_load64_splat(p.cast()) })
    }

    /// a[2l] · b[2l] + a[2l + 1] · b[2l + 1] in lane l, for signed a and b in 0..=127. It fits i16 for
    /// |a| ≤ 127. For any other b, engines differ.
    #[cfg(target_feature = "relaxed-simd")]
    #[inline(always)]
    pub fn dot_i7(a: I8x16, b: I8x16) -> Self {
        Self(i16x8_relaxed_dot_i8x16_i7x16(a.0, b.0))
    }

    /// a[2l] · b[2l] + a[2l + 1] · b[2l + 1] in lane l, for signed a and b in 0..=127. It fits i16 for
    /// |a| ≤ 127.
    #[cfg(not(target_feature = "relaxed-simd"))]
    #[inline(always)]
    pub fn dot_i7(a: I8x16, b: I8x16) -> Self {
        let low = i32x4_dot_i16x8(i16x8_extend_low_i8x16(a.0), i16x8_extend_low_i8x16(b.0));
        let high = i32x4_dot_i16x8(i16x8_extend_high_i8x16(a.0), i16x8_extend_high_i8x16(b.0));
        Self(i16x8_narrow_i32x4(low, high))
    }

    /// The eight lanes, in order.
    #[inline(always)]
    pub fn to_array(self) -> [i16; 8] {
        let mut lanes = [0; 8];
        // SAFETY: `lanes` has room for eight values.
        unsafe { v128_store(lanes.as_mut_ptr().cast(), self.0) };
        lanes
    }

    /// Writes the first four lanes to `to`.
    #[inline(always)]
    pub fn write_low(self, to: &mut [i16; 4]) {
        // SAFETY: `to` has room for four values.
        unsafe { v128_store64_lane::<0>(self.0, to.as_mut_ptr().cast()) }
    }

    /// The lanes of `a`, then those of `b`, each clamped to i16's range.
    #[inline(always)]
    pub fn narrow(a: I32x4, b: I32x4) -> Self {
        Self(i16x8_narrow_i32x4(a.0, b.0))
    }
}

impl Add for I16x8 {
    type Output = Self;
    /// The sums modulo 2^16.
    #[inline(always)]
    fn add(self, b: Self) -> Self {
        Self(i16x8_add(self.0, b.0))
    }
}

impl I8x16 {
    /// `x` in every lane.
    #[inline(always)]
    pub fn splat(x: i8) -> Self {
        Self(i8x16_splat(x))
    }

    /// The sixteen values at `p`, of any alignment.
    ///
    /// # Safety
    /// `p` must be readable for sixteen values.
    #[inline(always)]
    pub unsafe fn load(p: *const i8) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { v128_load(p.cast()) })
    }

    /// The four values at `p`, four times.
    ///
    /// # Safety
    /// `p` must be readable for four values.
    #[inline(always)]
    pub unsafe fn load_splat_quad(p: *const i8) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { v128_load32_splat(p.cast()) })
    }

    /// The eight values at `p`, twice.
    ///
    /// # Safety
    /// `p` must be readable for eight values.
    #[inline(always)]
    pub unsafe fn load_splat_8(p: *const i8) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { v128_load64_splat(p.cast()) })
    }

    /// The first two quads of lanes, each twice; and the last two.
    #[inline(always)]
    pub fn double_quads(self) -> [Self; 2] {
        [Self(i32x4_shuffle::<0, 0, 1, 1>(self.0, self.0)), Self(i32x4_shuffle::<2, 2, 3, 3>(self.0, self.0))]
    }

    /// The lower four bits of each lane, and the upper four: 0 to 15.
    #[inline(always)]
    pub fn nibbles(self) -> [Self; 2] {
        let mask = i8x16_splat(15);
        // Shifted as 64 bits: LLVM 22 fails on a shift of narrower lanes here.
        [Self(v128_and(self.0, mask)), Self(v128_and(u64x2_shr(self.0, 4), mask))]
    }

    /// |x|, for lanes above -128.
    #[inline(always)]
    pub fn abs(self) -> Self {
        Self(i8x16_abs(self.0))
    }

    /// The lanes of `self` at the indices in `places`, each 0 to 15.
    #[inline(always)]
    pub fn lookup(self, places: Self) -> Self {
        Self(i8x16_swizzle(self.0, places.0))
    }

    /// Lanes of `a` and `b` interleaved: the first eight of each, then the last eight.
    #[inline(always)]
    pub fn interleave(a: Self, b: Self) -> [Self; 2] {
        [
            Self(i8x16_shuffle::<0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23>(a.0, b.0)),
            Self(i8x16_shuffle::<8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31>(a.0, b.0)),
        ]
    }

    /// The first eight lanes and the last eight, widened.
    #[inline(always)]
    pub fn extend(self) -> [I16x8; 2] {
        [I16x8(i16x8_extend_low_i8x16(self.0)), I16x8(i16x8_extend_high_i8x16(self.0))]
    }

    /// Writes the first eight lanes to `to`.
    #[inline(always)]
    pub fn write_low(self, to: &mut [i8; 8]) {
        // SAFETY: `to` has room for eight values.
        unsafe { v128_store64_lane::<0>(self.0, to.as_mut_ptr().cast()) }
    }

    /// The lanes of `a`, then those of `b`, each clamped to i8's range.
    #[inline(always)]
    pub fn narrow(a: I16x8, b: I16x8) -> Self {
        Self(i8x16_narrow_i16x8(a.0, b.0))
    }

    /// The sixteen lanes, in order.
    #[inline(always)]
    pub fn to_array(self) -> [i8; 16] {
        let mut lanes = [0; 16];
        // SAFETY: `lanes` has room for sixteen values.
        unsafe { v128_store(lanes.as_mut_ptr().cast(), self.0) };
        lanes
    }
}

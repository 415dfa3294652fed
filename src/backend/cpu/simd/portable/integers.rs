//! Lanes of integers.

use core::array::from_fn;
use core::ops::{Add, Sub};

/// Four i32 lanes.
#[derive(Clone, Copy)]
pub struct I32x4(pub(super) [i32; 4]);

/// Eight i16 lanes.
#[derive(Clone, Copy)]
pub struct I16x8(pub(super) [i16; 8]);

/// Sixteen i8 lanes.
#[derive(Clone, Copy)]
pub struct I8x16(pub(super) [i8; 16]);

impl I32x4 {
    /// `x` in every lane.
    #[inline(always)]
    pub fn splat(x: i32) -> Self {
        Self([x; 4])
    }

    /// The larger of each pair.
    #[inline(always)]
    pub fn max(self, b: Self) -> Self {
        Self(from_fn(|l| self.0[l].max(b.0[l])))
    }

    /// The four values at `p`, of any alignment.
    ///
    /// # Safety
    /// `p` must be readable for four values.
    #[inline(always)]
    pub unsafe fn load(p: *const i32) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { p.cast::<[i32; 4]>().read_unaligned() })
    }

    /// Lanes 0 and 2 of `a`, then those of `b`; and lanes 1 and 3 of both.
    #[inline(always)]
    pub fn even_and_odd(a: Self, b: Self) -> [Self; 2] {
        let ([a, b, c, d], [e, f, g, h]) = (a.0, b.0);
        [Self([a, c, e, g]), Self([b, d, f, h])]
    }

    /// The bits that are set in both.
    #[inline(always)]
    pub fn and(self, b: Self) -> Self {
        Self(from_fn(|l| self.0[l] & b.0[l]))
    }

    /// Each lane's lower 16 bits, then its upper ones.
    #[inline(always)]
    pub fn as_i16(self) -> I16x8 {
        I16x8(from_fn(|l| (self.0[l / 2] >> (l % 2 * 16)) as i16))
    }

    /// `self + a[2l] · b[2l] + a[2l + 1] · b[2l + 1]` in lane l, modulo 2^32.
    #[inline(always)]
    pub fn dot_add(self, a: I16x8, b: I16x8) -> Self {
        let product = |i: usize| i32::from(a.0[i]) * i32::from(b.0[i]);
        Self(from_fn(|l| self.0[l].wrapping_add(product(2 * l).wrapping_add(product(2 * l + 1)))))
    }

    /// self + Σ a[4l + i] · b[4l + i] in lane l, modulo 2^32, for signed a and b in 0..=127.
    #[inline(always)]
    pub fn dot_quads_add(self, a: I8x16, b: I8x16) -> Self {
        let product = |i: usize| i32::from(a.0[i]) * i32::from(b.0[i]);
        Self(from_fn(|l| (4 * l..4 * l + 4).fold(self.0[l], |sum, i| sum.wrapping_add(product(i)))))
    }

    /// Each lane shifted left by `N` bits.
    #[inline(always)]
    pub fn shl<const N: u32>(self) -> Self {
        Self(self.0.map(|x| x << N))
    }

    /// Each lane shifted right by `N` bits, with the sign extended.
    #[inline(always)]
    pub fn shr<const N: u32>(self) -> Self {
        Self(self.0.map(|x| x >> N))
    }
}

impl Add for I32x4 {
    type Output = Self;
    #[inline(always)]
    fn add(self, b: Self) -> Self {
        Self(from_fn(|l| self.0[l].wrapping_add(b.0[l])))
    }
}

impl Sub for I32x4 {
    type Output = Self;
    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        Self(from_fn(|l| self.0[l].wrapping_sub(b.0[l])))
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
        Self(unsafe { p.cast::<[i8; 8]>().read() }.map(i16::from))
    }

    /// `x` in every lane.
    #[inline(always)]
    pub fn splat(x: i16) -> Self {
        Self([x; 8])
    }

    /// The eight values at `p`, of any alignment.
    ///
    /// # Safety
    /// `p` must be readable for eight values.
    #[inline(always)]
    pub unsafe fn load(p: *const i16) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { p.cast::<[i16; 8]>().read_unaligned() })
    }

    /// The four values at `p`, twice.
    ///
    /// # Safety
    /// `p` must be readable for four values.
    #[inline(always)]
    pub unsafe fn load_splat_quad(p: *const i16) -> Self {
        // SAFETY: the caller's promise.
        let [a, b, c, d] = unsafe { p.cast::<[i16; 4]>().read_unaligned() };
        Self([a, b, c, d, a, b, c, d])
    }

    /// `a[2l] · b[2l] + a[2l + 1] · b[2l + 1]` in lane l, for signed a and b in 0..=127. It fits i16 for
    /// |a| ≤ 127.
    #[inline(always)]
    pub fn dot_i7(a: I8x16, b: I8x16) -> Self {
        let product = |i: usize| i16::from(a.0[i]) * i16::from(b.0[i]);
        Self(from_fn(|l| product(2 * l) + product(2 * l + 1)))
    }

    /// The two values at `p`, four times.
    ///
    /// # Safety
    /// `p` must be readable for two values.
    #[inline(always)]
    pub unsafe fn load_splat_pair(p: *const i16) -> Self {
        // SAFETY: the caller's promise.
        let [a, b] = unsafe { p.cast::<[i16; 2]>().read_unaligned() };
        Self([a, b, a, b, a, b, a, b])
    }

    /// The eight lanes, in order.
    #[inline(always)]
    pub fn to_array(self) -> [i16; 8] {
        self.0
    }

    /// Writes the first four lanes to `to`.
    #[inline(always)]
    pub fn write_low(self, to: &mut [i16; 4]) {
        *to = from_fn(|l| self.0[l]);
    }

    /// The lanes of `a`, then those of `b`, each clamped to i16's range.
    #[inline(always)]
    pub fn narrow(a: I32x4, b: I32x4) -> Self {
        let cut = |x: i32| x.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
        Self(from_fn(|l| cut(if l < 4 { a.0[l] } else { b.0[l - 4] })))
    }
}

impl Add for I16x8 {
    type Output = Self;
    /// The sums modulo 2^16.
    #[inline(always)]
    fn add(self, b: Self) -> Self {
        Self(from_fn(|l| self.0[l].wrapping_add(b.0[l])))
    }
}

impl I8x16 {
    /// `x` in every lane.
    #[inline(always)]
    pub fn splat(x: i8) -> Self {
        Self([x; 16])
    }

    /// The sixteen values at `p`, of any alignment.
    ///
    /// # Safety
    /// `p` must be readable for sixteen values.
    #[inline(always)]
    pub unsafe fn load(p: *const i8) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { p.cast::<[i8; 16]>().read() })
    }

    /// The four values at `p`, four times.
    ///
    /// # Safety
    /// `p` must be readable for four values.
    #[inline(always)]
    pub unsafe fn load_splat_quad(p: *const i8) -> Self {
        // SAFETY: the caller's promise.
        let four = unsafe { p.cast::<[i8; 4]>().read() };
        Self(from_fn(|l| four[l % 4]))
    }

    /// The eight values at `p`, twice.
    ///
    /// # Safety
    /// `p` must be readable for eight values.
    #[inline(always)]
    pub unsafe fn load_splat_8(p: *const i8) -> Self {
        // SAFETY: the caller's promise.
        let eight = unsafe { p.cast::<[i8; 8]>().read() };
        Self(from_fn(|l| eight[l % 8]))
    }

    /// The first two quads of lanes, each twice; and the last two.
    #[inline(always)]
    pub fn double_quads(self) -> [Self; 2] {
        [0, 8].map(|first| Self(from_fn(|l| self.0[first + l / 8 * 4 + l % 4])))
    }

    /// The lower four bits of each lane, and the upper four: 0 to 15.
    #[inline(always)]
    pub fn nibbles(self) -> [Self; 2] {
        [Self(self.0.map(|x| x & 15)), Self(self.0.map(|x| x >> 4 & 15))]
    }

    /// |x|, for lanes above -128.
    #[inline(always)]
    pub fn abs(self) -> Self {
        Self(self.0.map(i8::abs))
    }

    /// The lanes of `self` at the indices in `places`, each 0 to 15.
    #[inline(always)]
    pub fn lookup(self, places: Self) -> Self {
        Self(places.0.map(|place| self.0[place as usize]))
    }

    /// Lanes of `a` and `b` interleaved: the first eight of each, then the last eight.
    #[inline(always)]
    pub fn interleave(a: Self, b: Self) -> [Self; 2] {
        [0, 8].map(|first| Self(from_fn(|l| if l % 2 == 0 { a.0[first + l / 2] } else { b.0[first + l / 2] })))
    }

    /// The first eight lanes and the last eight, widened.
    #[inline(always)]
    pub fn extend(self) -> [I16x8; 2] {
        [0, 8].map(|first| I16x8(from_fn(|l| self.0[first + l].into())))
    }

    /// Writes the first eight lanes to `to`.
    #[inline(always)]
    pub fn write_low(self, to: &mut [i8; 8]) {
        *to = from_fn(|l| self.0[l]);
    }

    /// The lanes of `a`, then those of `b`, each clamped to i8's range.
    #[inline(always)]
    pub fn narrow(a: I16x8, b: I16x8) -> Self {
        let cut = |x: i16| x.clamp(i8::MIN.into(), i8::MAX.into()) as i8;
        Self(from_fn(|l| cut(if l < 8 { a.0[l] } else { b.0[l - 8] })))
    }

    /// The sixteen lanes, in order.
    #[inline(always)]
    pub fn to_array(self) -> [i8; 16] {
        self.0
    }
}

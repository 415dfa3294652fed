//! Elementary functions on vectors, each with its method and its error as measured by `tests/arithmetic/elementary.rs`.
//!
//! Each takes `V` vectors and does every step for all of them before the next step, because a single vector
//! would wait for each of its own results.

use super::simd::{F32x4, I32x4};
use std::array::from_fn;

/// e^x, with x clamped to -87.3..=88, so that the result is neither 0 nor infinite. NaN stays NaN.
///
/// Method: x = n·ln 2 + r with |r| ≤ ln 2 / 2, ln 2 in two parts (Cody & Waite); e^r as a polynomial of
/// degree 7; the product with 2^n through the exponent's bits.
/// Error: at most 8.3e-8 relative, against f64 `exp`, on 1,000,001 points of [-87, 88].
///
/// Source: Moshier, Cephes 2.2, `expf`.
#[inline(always)]
pub fn exp<const V: usize>(x: [F32x4; V]) -> [F32x4; V] {
    let s = F32x4::splat;
    let x = x.map(|x| x.clamp(EXP_LOW, EXP_HIGH));
    let n = x.map(|x| (x * s(std::f32::consts::LOG2_E)).nearest());
    // 0.693359375 has 9 significant bits: its product with n is exact.
    let r: [F32x4; V] = from_fn(|i| n[i].0.mul_add(s(-0.693_359_4), x[i]));
    let r: [F32x4; V] = from_fn(|i| n[i].0.mul_add(s(2.121_944_4e-4), r[i]));
    let p = polynomial(r, &EXP);
    // If x is NaN, so is e^r.
    from_fn(|i| {
        let e_r = p[i].mul_add(r[i] * r[i], r[i]) + s(1.0);
        e_r * F32x4::from_bits((n[i].1 + I32x4::splat(127)).shl::<23>())
    })
}

/// 2^-126, the smallest normal number, is e^-87.34.
const EXP_LOW: f32 = -87.3;
/// 2^128 is e^88.72.
const EXP_HIGH: f32 = 88.0;
/// (e^r - 1 - r) / r²
const EXP: [f32; 6] = [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_6e-1, 0.5];

/// x · Φ(x), the erf form of GELU.
///
/// Method: max(x, 0) - |x| / 2 · (1 - erf(|x| / √2)), with erf(a / √2) = a·P(a²) / Q(a²), P and Q of degree
/// 5, on 0..=5.5; beyond it, erfc is below 4e-8. No exponential, one division. `test_data/fit_gelu.py`
/// computes the coefficients: they are within 2.2e-8 of a / 2 · erf in f64.
/// Error: at most 1.9e-7 · max(|x|, 1) absolute, against `libm`'s `erfc` in f64, on 1,000,001 points of
/// [-12, 12]; at most 6e-7 below -5.5, where the exact value goes to zero.
///
/// Source: Hendrycks & Gimpel 2016, section 2.
#[inline(always)]
pub fn gelu<const V: usize>(x: [F32x4; V]) -> [F32x4; V] {
    let s = F32x4::splat;
    let a = x.map(|x| x.abs().min(s(ERF_ONE)));
    let squares = a.map(|a| a * a);
    let (p, q) = (polynomial(squares, &ERF_P), polynomial(squares, &ERF_Q));
    from_fn(|i| x[i].max(s(0.0)) - a[i] * s(0.5) * (s(1.0) - a[i] * p[i] / q[i]))
}

/// From here on, erf(a / √2) counts as constant.
const ERF_ONE: f32 = 5.5;
const ERF_P: [f32; 6] = [4.444_298_8e-8, 1.304_891_4e-5, 3.649_600_8e-4, 0.009_518_802, 0.070_217_9, 0.797_884];
const ERF_Q: [f32; 6] = [1.195_078_8e-6, 7.846_754e-5, 0.001_960_383, 0.029_379_083, 0.254_668_8, 1.0];

/// tanh x.
///
/// Method: 1 - 2 / (e^2x + 1); where e^2x is clamped, the result is ±1.
/// Error: at most 1.8e-7 absolute, against `libm`'s `tanh` in f64, on 1,000,001 points of [-12, 12].
#[inline(always)]
pub fn tanh<const V: usize>(x: [F32x4; V]) -> [F32x4; V] {
    let s = F32x4::splat;
    let e = exp(x.map(|x| x + x));
    e.map(|e| s(1.0) - s(2.0) / (e + s(1.0)))
}

/// x / 2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))), the tanh form of GELU.
///
/// Method: x / (1 + e^-2u), where u is tanh's argument. Below -16 the dividend is -16, so that the largest
/// e^-2u makes the quotient vanish for any x.
/// Error: at most 1.2e-7 · max(|x|, 1) absolute, against `libm`'s `tanh` in f64, on 1,000,001 points of
/// [-12, 12].
///
/// Source: Hendrycks & Gimpel 2016, section 2.
#[inline(always)]
pub fn gelu_tanh<const V: usize>(x: [F32x4; V]) -> [F32x4; V] {
    let s = F32x4::splat;
    // -2·√(2/π) · (x + 0.044715 x³)
    let exponents = x.map(|x| x * (x * x).mul_add(s(-0.071_354_816), s(-1.595_769_2)));
    let e = exp(exponents);
    from_fn(|i| x[i].max(s(-16.0)) / (e[i] + s(1.0)))
}

/// Horner's scheme in x², on pairs of coefficients, which halves the chain of dependent results. The number
/// of coefficients is even, and the highest power comes first.
#[inline(always)]
fn polynomial<const V: usize, const C: usize>(x: [F32x4; V], coefficients: &[f32; C]) -> [F32x4; V] {
    let s = F32x4::splat;
    let squares = x.map(|x| x * x);
    let (pairs, _) = coefficients.as_chunks::<2>();
    let linear = |[high, low]: [f32; 2], i: usize| x[i].mul_add(s(high), s(low));
    let mut p: [F32x4; V] = from_fn(|i| linear(pairs[0], i));
    for pair in &pairs[1..] {
        p = from_fn(|i| p[i].mul_add(squares[i], linear(*pair, i)));
    }
    p
}

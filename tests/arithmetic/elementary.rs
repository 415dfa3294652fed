//! The CPU's elementary functions against f64.

use crate::common::kernels::{gelu_f64, gelu_tanh_f64};
use tabsense::backend::cpu::math;
use tabsense::backend::cpu::simd::F32x4;
use wasm_bindgen_test::wasm_bindgen_test;

/// The largest `error(x, got, exact)` at `POINTS` + 1 points of [low, high].
fn largest_error(
    [low, high]: [f64; 2],
    kernel: impl Fn([F32x4; 1]) -> [F32x4; 1],
    exact: impl Fn(f64) -> f64,
    error: impl Fn(f64, f64, f64) -> f64,
) -> f64 {
    const POINTS: usize = 1_000_000;
    (0..=POINTS).fold(0.0, |largest: f64, i| {
        let x = (low + (high - low) * i as f64 / POINTS as f64) as f32;
        let got = f64::from(kernel([F32x4::splat(x)])[0].to_array()[i % 4]);
        let error = error(f64::from(x), got, exact(f64::from(x)));
        assert!(!error.is_nan(), "{got} at {x}");
        largest.max(error)
    })
}

#[wasm_bindgen_test(unsupported = test)]
fn exp_has_its_stated_error() {
    let error = largest_error([-87.0, 88.0], math::exp, f64::exp, |_, got, exact| (got / exact - 1.0).abs());
    assert!(error <= 8.3e-8, "{error:e}");
}

#[wasm_bindgen_test(unsupported = test)]
fn gelu_has_its_stated_error() {
    let error =
        largest_error([-12.0, 12.0], math::gelu, gelu_f64, |x, got, exact| (got - exact).abs() / x.abs().max(1.0));
    assert!(error <= 1.9e-7, "{error:e}");
}

#[wasm_bindgen_test(unsupported = test)]
fn gelu_s_tanh_form_has_its_stated_error() {
    let share = |x: f64, got: f64, exact: f64| (got - exact).abs() / x.abs().max(1.0);
    let error = largest_error([-12.0, 12.0], math::gelu_tanh, gelu_tanh_f64, share);
    assert!(error <= 1.2e-7, "{error:e}");
}

#[wasm_bindgen_test(unsupported = test)]
fn tanh_has_its_stated_error() {
    let error = largest_error([-12.0, 12.0], math::tanh, libm::tanh, |_, got, exact| (got - exact).abs());
    assert!(error <= 1.8e-7, "{error:e}");
}

#[wasm_bindgen_test(unsupported = test)]
fn elementary_functions_keep_to_their_range() {
    let of = |f: fn([F32x4; 1]) -> [F32x4; 1], x: f32| f([F32x4::splat(x)])[0].to_array()[0];
    for x in [20.0, 1e10, 1e38, f32::MAX] {
        assert_eq!((of(math::gelu, x), of(math::gelu, -x).abs() < 6e-7), (x, true), "gelu of ±{x}");
        assert_eq!(
            (of(math::gelu_tanh, x), of(math::gelu_tanh, -x).abs() < 1e-30),
            (x, true),
            "gelu's tanh form of ±{x}"
        );
        assert_eq!((of(math::tanh, x), of(math::tanh, -x)), (1.0, -1.0), "tanh of ±{x}");
    }
    assert_eq!((of(math::gelu_tanh, 0.0), of(math::tanh, 0.0)), (0.0, 0.0));
    assert!(of(math::gelu_tanh, f32::NAN).is_nan() && of(math::tanh, f32::NAN).is_nan());
    assert_eq!(of(math::gelu, 0.0), 0.0);
    assert_eq!(of(math::exp, 0.0), 1.0);
    for x in [f32::NEG_INFINITY, f32::MIN, -1e4] {
        assert!((0.0..2e-38).contains(&of(math::exp, x)), "exp of {x}");
    }
    assert!(of(math::exp, f32::INFINITY).is_finite());
    assert!(of(math::exp, f32::NAN).is_nan() && of(math::gelu, f32::NAN).is_nan());
}

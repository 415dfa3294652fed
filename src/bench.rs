//! Timing loops of the CPU kernels, for `npm run bench:kernels` (feature `bench`); never in the shipped build.
//!
//! JavaScript keeps the time: it calls [`Bench::run`] and divides [`Bench::operations`] by what the clock says.

use crate::backend::cpu::math::gelu;
use crate::backend::cpu::simd::{F32x4, I16x8, I32x4, LANES};
use crate::backend::cpu::{CpuBackend, CpuTensor};
use crate::backend::{Backend, Columns, Epilogue, LinearBuilder, Precision, Spans};
use crate::error::Result;
use crate::model::load::Dtype;
use std::array::from_fn;
use std::hint::black_box;
use wasm_bindgen::prelude::{JsError, wasm_bindgen};

mod whole_model;

/// A kernel on data of one shape.
#[wasm_bindgen]
pub struct Bench {
    run: Box<dyn FnMut()>,
    operations: f64,
}

/// Steps of a ceiling's loop in one run.
const CEILING_STEPS: u32 = 200_000;
/// Steps after which that loop comes back to the start of its panel, a power of two: it stays in the first-level cache. With operands
/// that never change, the products would be computed once, before the loop.
const CEILING_PANEL: usize = 64;

#[wasm_bindgen]
impl Bench {
    /// x·Wᵀ + b with x (rows, depth) and W (width, depth) in f32 or int8.
    ///
    /// # Errors
    /// Where memory is short.
    pub fn linear(rows: usize, depth: usize, width: usize, int8: bool) -> std::result::Result<Bench, JsError> {
        let backend = CpuBackend::new();
        let x = tensor(&backend, rows, depth)?;
        let mut builder = backend.linear_builder(width, depth, if int8 { Precision::Int8 } else { Precision::F32 })?;
        for m in 0..width {
            builder.row_f32(m, &values(depth, m));
        }
        let weights = builder.finish();
        let run = move || drop(black_box(backend.linear(&x, &weights, Epilogue::Bias)));
        Ok(Self { run: Box::new(run), operations: 2.0 * rows as f64 * depth as f64 * width as f64 })
    }

    /// Self-attention of `texts` texts of `tokens` tokens each; operations are those of both products.
    ///
    /// # Errors
    /// Where memory is short.
    pub fn attention(texts: u32, tokens: u32, width: usize, heads: usize) -> std::result::Result<Bench, JsError> {
        let backend = CpuBackend::new();
        let x = tensor(&backend, (texts * tokens) as usize, 3 * width)?;
        let starts: Vec<u32> = (0..=texts).map(|b| b * tokens).collect();
        let run = move || {
            let [q, k, v] = [0, width, 2 * width].map(|first| Columns { tensor: &x, first });
            let spans = Spans { queries: &starts, keys: &starts };
            drop(black_box(backend.attention(q, k, v, spans, width, heads)));
        };
        let operations = 4.0 * f64::from(texts) * f64::from(tokens).powi(2) * width as f64;
        Ok(Self { run: Box::new(run), operations })
    }

    /// Layer normalization of (rows, width); operations are values.
    ///
    /// # Errors
    /// Where memory is short.
    pub fn layer_norm(rows: usize, width: usize) -> std::result::Result<Bench, JsError> {
        let backend = CpuBackend::new();
        let x = tensor(&backend, rows, width)?;
        let weights = backend.layer_norm_weights(values(width, 1), values(width, 2), 1e-12)?;
        let run = move || drop(black_box(backend.layer_norm(&x, &weights)));
        Ok(Self { run: Box::new(run), operations: (rows * width) as f64 })
    }

    /// GELU of `count` values, a multiple of 8; operations are values.
    pub fn gelu(count: usize) -> Bench {
        let x = values(count, 3);
        let mut y = vec![0.0; count];
        let run = move || {
            for (x, y) in x.chunks_exact(2 * LANES).zip(y.chunks_exact_mut(2 * LANES)) {
                let [low, high] = gelu([F32x4::from_slice(x), F32x4::from_slice(&x[LANES..])]);
                low.write(y);
                high.write(&mut y[LANES..]);
            }
            black_box(&y);
        };
        Self { run: Box::new(run), operations: count as f64 }
    }

    /// A forward pass of DistilBERT-base's sizes on one text; operations are those that the answer needs.
    ///
    /// # Errors
    /// Where memory is short.
    pub fn model(tokens: usize, int8: bool) -> std::result::Result<Bench, JsError> {
        let (model, backend) = whole_model::load(if int8 { Dtype::Int8 } else { Dtype::Fp32 })?;
        let batch = whole_model::text(tokens);
        let run = move || drop(black_box(model.forward(&backend, &batch, |_, _| {})));
        Ok(Self { run: Box::new(run), operations: whole_model::operations(tokens) })
    }

    /// The products and sums of a 4×2 tile whose rows stay in registers: what a product could reach if those loads were free.
    pub fn ceiling(int8: bool) -> Bench {
        // 8 vectors a step: 4 lanes, 1 or 2 products a lane, each with its sum.
        let operations = f64::from(CEILING_STEPS) * 8.0 * 4.0 * if int8 { 4.0 } else { 2.0 };
        let run: Box<dyn FnMut()> = if int8 {
            let panel: Vec<i8> = (0..CEILING_PANEL * 16).map(|i| (i * 7919 % 255) as i8).collect();
            Box::new(move || {
                black_box(ceiling_int8(black_box(&panel)));
            })
        } else {
            let panel = values(CEILING_PANEL * 2 * LANES, 4);
            Box::new(move || {
                black_box(ceiling_f32(black_box(&panel)));
            })
        };
        Self { run, operations }
    }

    /// Runs the kernel `times` times.
    pub fn run(&mut self, times: u32) {
        (0..times).for_each(|_| (self.run)());
    }

    /// Operations of one run.
    #[wasm_bindgen(getter)]
    pub fn operations(&self) -> f64 {
        self.operations
    }
}

/// `count` values in [-1, 1), different for each `seed`.
fn values(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|i| ((i + seed) * 7919 % 2048) as f32 / 1024.0 - 1.0).collect()
}

fn tensor(backend: &CpuBackend, rows: usize, columns: usize) -> Result<CpuTensor> {
    backend.embed(rows, columns, None, |x| x.copy_from_slice(&values(rows * columns, 0)))
}

#[inline(never)] // A function of its own, so that the engine's register allocation sees one loop.
fn ceiling_f32(panel: &[f32]) -> f32 {
    assert_eq!(panel.len(), CEILING_PANEL * 2 * LANES);
    let x: [F32x4; 4] = from_fn(|r| F32x4::from_slice(&panel[r * LANES..]));
    let mut sums = [[F32x4::splat(0.0); 2]; 4];
    for step in 0..CEILING_STEPS as usize {
        // SAFETY: the panel holds 2 vectors for each of its steps.
        let b: [F32x4; 2] =
            from_fn(|j| unsafe { F32x4::load(panel.as_ptr().add((step % CEILING_PANEL * 2 + j) * LANES)) });
        sums = from_fn(|r| from_fn(|j| x[r].mul_add(b[j], sums[r][j])));
    }
    sums.as_flattened().iter().map(|sum| sum.sum()).sum()
}

#[inline(never)]
fn ceiling_int8(panel: &[i8]) -> f32 {
    assert_eq!(panel.len(), CEILING_PANEL * 16);
    // SAFETY: the panel holds 2 times 8 values for each of its steps, of which there are more than 4.
    let load = |i: usize| unsafe { I16x8::load_extend(panel.as_ptr().add(i * 8)) };
    let x: [I16x8; 4] = from_fn(load);
    let mut sums = [[I32x4::splat(0); 2]; 4];
    for step in 0..CEILING_STEPS as usize {
        let b: [I16x8; 2] = from_fn(|j| load(step % CEILING_PANEL * 2 + j));
        sums = from_fn(|r| from_fn(|j| sums[r][j].dot_add(x[r], b[j])));
    }
    sums.as_flattened().iter().map(|sum| F32x4::from_i32(*sum).sum()).sum()
}

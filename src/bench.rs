//! Timing loops of the CPU kernels, for `npm run bench:kernels` (feature `bench`); never in the shipped
//! build.
//!
//! JavaScript measures the time: it calls [`Bench::run`] and divides [`Bench::operations`] by the elapsed
//! time.

use crate::backend::cpu::math::gelu;
use crate::backend::cpu::simd::{F32x4, LANES};
use crate::backend::cpu::tile;
use crate::backend::cpu::{CpuBackend, CpuTensor};
use crate::backend::{Attention, Backend, Columns, Epilogue, LinearBuilder, Precision, Spans, now};
use crate::error::Result;
use crate::model::load::Dtype;
use crate::model::made_up::values;
use std::hint::black_box;
use wasm_bindgen::prelude::{JsError, wasm_bindgen};

mod whole_model;

/// A kernel on data of one shape.
#[wasm_bindgen]
pub struct Bench {
    run: Box<dyn FnMut()>,
    operations: f64,
}

/// Computes one tile.
type TileLoop = Box<dyn Fn(&mut tile::Tile)>;

/// Depth of the tile in [`Bench::tile`], and tiles per run.
const TILE_DEPTH: usize = 256;
const TILES: usize = 1000;

#[wasm_bindgen]
impl Bench {
    /// x·Wᵀ + b with x (rows, depth) and W (width, depth) in "f32", "int8" or "int4".
    ///
    /// # Errors
    /// If memory runs out.
    pub fn linear(rows: usize, depth: usize, width: usize, precision: &str) -> std::result::Result<Bench, JsError> {
        let backend = CpuBackend::new();
        let x = tensor(&backend, rows, depth)?;
        let mut builder = backend.linear_builder(width, depth, named(precision))?;
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
    /// If memory runs out.
    pub fn attention(texts: u32, tokens: u32, width: usize, heads: usize) -> std::result::Result<Bench, JsError> {
        let backend = CpuBackend::new();
        let x = tensor(&backend, (texts * tokens) as usize, 3 * width)?;
        let starts: Vec<u32> = (0..=texts).map(|b| b * tokens).collect();
        let run = move || {
            let [q, k, v] = [0, width, 2 * width].map(|first| Columns { tensor: &x, first });
            let spans = Spans { queries: &starts, keys: &starts };
            drop(black_box(backend.attention(Attention::new([q, k, v], spans, width, heads))));
        };
        let operations = 4.0 * f64::from(texts) * f64::from(tokens).powi(2) * width as f64;
        Ok(Self { run: Box::new(run), operations })
    }

    /// Layer normalization of (rows, width); operations are values.
    ///
    /// # Errors
    /// If memory runs out.
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

    /// A forward pass of a model of DistilBERT-base's size on one text; operations are those that the answer
    /// needs.
    ///
    /// # Errors
    /// If memory runs out.
    pub fn model(tokens: usize, precision: &str) -> std::result::Result<Bench, JsError> {
        let (model, backend) = whole_model::BASE.load(
            CpuBackend::new(),
            match precision {
                "int8" => Dtype::Int8,
                "int4" => Dtype::Int4,
                _ => Dtype::Fp32,
            },
        )?;
        let batch = whole_model::BASE.batch(&[tokens]);
        let run = move || drop(black_box(now(model.forward(&backend, &batch, |_, _| {}))));
        Ok(Self { run: Box::new(run), operations: whole_model::operations(tokens) })
    }

    /// Only the inner loop of a product, on one panel that stays in the L1 cache: the speed that a product
    /// could reach if loading weights and storing sums were free.
    pub fn tile(precision: &str) -> Bench {
        let x = values(tile::MAX_ROWS * TILE_DEPTH, 0);
        let panel = values(TILE_DEPTH * tile::PANEL, 4);
        let small = |x: &[f32]| x.iter().map(|x| (x * 60.0) as i8).collect::<Vec<_>>();
        let (bytes, wide) = (small(&x), x.iter().map(|x| (x * 4000.0) as i16).collect::<Vec<_>>());
        let (rows, run): (usize, TileLoop) = match CpuBackend::new().precision(named(precision)) {
            Precision::Int8 => {
                let weights = small(&panel);
                let steps = TILE_DEPTH / tile::STEP;
                match tile::Dot::fastest() {
                    tile::Dot::Pairs => {
                        let run = move |c: &mut _| tile::tile_i8_i16(&wide, tile::int8::I16_ROWS, &weights, steps, c);
                        (tile::int8::I16_ROWS, Box::new(run) as TileLoop)
                    }
                    tile::Dot::Quads => {
                        let digits: Vec<i8> = [&bytes[..], &bytes].concat().iter().map(|x| x & 127).collect();
                        let starts = [0; tile::PANEL];
                        let run = move |c: &mut _| {
                            tile::tile_i8_i14(
                                &digits,
                                tile::int8::I14_ROWS,
                                &weights,
                                &starts,
                                steps,
                                tile::Ahead::NONE,
                                c,
                            );
                        };
                        (tile::int8::I14_ROWS, Box::new(run) as TileLoop)
                    }
                }
            }
            Precision::Int4 => {
                let weights: Vec<u8> =
                    small(&panel)[..TILE_DEPTH * tile::PANEL / 2].iter().map(|w| w.cast_unsigned()).collect();
                let multipliers = vec![1000; TILE_DEPTH / 32 * 2 * tile::PANEL];
                let run = move |c: &mut _| {
                    let panel = tile::int4::Panel { weights: &weights, multipliers: &multipliers };
                    let a = tile::I8Rows { values: &bytes, starts: &wide };
                    tile::tile_i4_i8(tile::Dot::fastest(), &a, tile::int4::ROWS, panel, c)
                };
                (tile::int4::ROWS, Box::new(run))
            }
            _ => (
                tile::float::ROWS,
                Box::new(move |c| {
                    tile::tile_f32(&x, TILE_DEPTH, tile::float::ROWS, &panel, TILE_DEPTH, tile::Ahead::NONE, c)
                }),
            ),
        };
        let run = move || {
            let mut c = tile::Tile::new();
            for _ in 0..TILES {
                run(&mut c);
                black_box(c.rows());
            }
        };
        Self { run: Box::new(run), operations: 2.0 * (TILES * rows * TILE_DEPTH * tile::PANEL) as f64 }
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

fn tensor(backend: &CpuBackend, rows: usize, columns: usize) -> Result<CpuTensor> {
    backend.embed(rows, columns, None, |x| x.copy_from_slice(&values(rows * columns, 0)))
}

fn named(precision: &str) -> Precision {
    match precision {
        "int8" => Precision::Int8,
        "int4" => Precision::Int4,
        _ => Precision::F32,
    }
}

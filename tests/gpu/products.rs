//! Products of the GPU's kernels against the CPU's, in every format of weights, over ragged sizes.

use crate::common::gpu::{read, shared_backend};
use crate::common::{Random, largest_difference, now};
use tabsense::backend::cpu::CpuBackend;
use tabsense::backend::gpu::GpuBackend;
use tabsense::backend::{Activation, Backend, Epilogue, LinearBuilder, Precision};
use tabsense::weights::int4;
use tabsense::weights::quantize::quantize_row;

/// Half the distance between 1 and the next f32.
pub const ROUNDING: f32 = 1.0 / (1 << 24) as f32;

const ROWS: [usize; 8] = [1, 2, 7, 8, 9, 64, 65, 129];
const DEPTHS: [usize; 6] = [1, 3, 16, 17, 64, 130];
const WIDTHS: [usize; 6] = [1, 2, 15, 16, 65, 130];
/// Whole groups: an odd number of them, and more than the invocations of a workgroup read at once.
const INT4_DEPTHS: [usize; 6] = [32, 64, 96, 160, 512, 544];

/// The matrix on a backend, from rows that the precision represents exactly; int4 rows as a file stores them.
pub fn matrix<B: Backend>(backend: &B, precision: Precision, w: &Weights) -> B::Linear {
    let mut builder = backend.linear_builder(w.width, w.depth, precision).unwrap();
    for m in 0..w.width {
        match w.stored.get(m) {
            Some((packed, scales)) if precision == Precision::Int4 => builder.row_i4(m, packed, scales),
            _ => builder.row_f32(m, &w.values[m * w.depth..][..w.depth]),
        }
    }
    builder.bias(0, &w.bias);
    builder.finish()
}

pub struct Weights {
    pub values: Vec<f32>,
    /// The rows in int4, packed and their scales.
    pub stored: Vec<(Vec<u8>, Vec<f32>)>,
    pub bias: Vec<f32>,
    pub depth: usize,
    pub width: usize,
}

/// Random weights, rounded to `precision`, so that both sides multiply the same numbers.
pub fn weights(random: &mut Random, precision: Precision, depth: usize, width: usize) -> Weights {
    let mut values = random.values(width * depth);
    let mut stored = Vec::new();
    for row in values.chunks_exact_mut(depth) {
        match precision {
            Precision::F32 => {}
            Precision::F16 => row.iter_mut().for_each(|w| *w = half::f16::from_f32(*w).to_f32()),
            Precision::Int4 => {
                // Groups of different magnitudes, so that another group's scale would be wrong.
                let sizes = (0..depth).map(|k| 1.0 / (1 + k / int4::GROUP % 5) as f32);
                row.iter_mut().zip(sizes).for_each(|(w, size)| *w *= size);
                let (mut q, mut scales) = (vec![0; depth], vec![0.0; depth / int4::GROUP]);
                int4::quantize_row(row, &mut q, &mut scales);
                let packed: Vec<u8> = int4::pack(&q).collect();
                int4::dequantize(&packed, &scales, row);
                stored.push((packed, scales));
            }
            Precision::Int8 => {
                let mut quantized = vec![0; depth];
                let scale = quantize_row(row, &mut quantized);
                row.iter_mut().zip(&quantized).for_each(|(w, q)| *w = f32::from(*q) * scale);
            }
        }
    }
    Weights { values, stored, bias: random.values(width), depth, width }
}

/// One product on both sides, and the largest difference as a share of what f32 rounding allows.
async fn product(
    gpu: &GpuBackend,
    random: &mut Random,
    precision: Precision,
    [rows, depth, width]: [usize; 3],
    epilogue: usize,
) -> f32 {
    let cpu = CpuBackend::new();
    let w = weights(random, precision, depth, width);
    let x = random.values(rows * depth);
    let r = random.values(rows * width);
    let on_cpu = {
        // f32 on the CPU: its int8 products round the activations, too.
        let matrix = matrix(&cpu, Precision::F32, &w);
        let x = cpu.embed(rows, depth, None, |to| to.copy_from_slice(&x)).unwrap();
        let r = cpu.embed(rows, width, None, |to| to.copy_from_slice(&r)).unwrap();
        now(cpu.read(&cpu.linear(&x, &matrix, pick(epilogue, &r)).unwrap())).unwrap()
    };
    let matrix = matrix(gpu, precision, &w);
    let x_gpu = gpu.embed(rows, depth, None, |to| to.copy_from_slice(&x)).unwrap();
    let r_gpu = gpu.embed(rows, width, None, |to| to.copy_from_slice(&r)).unwrap();
    let on_gpu = read(gpu, &gpu.linear(&x_gpu, &matrix, pick(epilogue, &r_gpu)).unwrap()).await;
    assert_eq!(on_gpu.len(), on_cpu.len());
    // The sum of |x|·|w| is at most K; rounding int8 rows to int8 again moves a weight by an ulp.
    let allowed = (2.0 * depth as f32 + 16.0) * ROUNDING * (1.0 + (depth as f32).sqrt()) + 4e-7;
    largest_difference(&on_gpu, &on_cpu) / allowed
}

fn pick<T>(epilogue: usize, residual: &T) -> Epilogue<'_, T> {
    match epilogue {
        0 => Epilogue::Bias,
        1 => Epilogue::Activation(Activation::Gelu),
        2 => Epilogue::Activation(Activation::Relu),
        3 => Epilogue::Activation(Activation::GeluTanh),
        4 => Epilogue::Activation(Activation::Tanh),
        _ => Epilogue::Residual(residual),
    }
}

async fn products(precision: Precision, blocks: bool) {
    let gpu = shared_backend().await;
    let mut random = Random(7 + precision as u64);
    let (mut case, mut worst) = (0, (0.0, [0; 3], 0));
    for rows in ROWS {
        for depth in if precision == Precision::Int4 { INT4_DEPTHS } else { DEPTHS } {
            for width in WIDTHS {
                let sizes = [rows, depth, width];
                gpu.set_software_kernel(blocks);
                let share = product(gpu, &mut random, precision, sizes, case % 6).await;
                if share.is_nan() || share > worst.0 {
                    worst = (share, sizes, case % 6);
                }
                case += 1;
            }
        }
    }
    assert!(worst.0 <= 1.0, "{precision:?}: {worst:?} of what rounding allows");
}

gpu_test!(f32_products_are_the_cpu_s, products(Precision::F32, false));
gpu_test!(f16_products_are_the_cpu_s, products(Precision::F16, false));
gpu_test!(int8_products_are_the_cpu_s, products(Precision::Int8, false));
gpu_test!(int4_products_are_the_cpu_s, products(Precision::Int4, false));
gpu_test!(f32_products_for_software_adapters_are_the_cpu_s, products(Precision::F32, true));
gpu_test!(f16_products_for_software_adapters_are_the_cpu_s, products(Precision::F16, true));
gpu_test!(int8_products_for_software_adapters_are_the_cpu_s, products(Precision::Int8, true));
gpu_test!(int4_products_for_software_adapters_are_the_cpu_s, products(Precision::Int4, true));

gpu_test!(int8_arithmetic_stays_near_the_cpu, async {
    let gpu = shared_backend().await;
    gpu.set_software_kernel(false);
    gpu.set_int8_dot(true);
    let cpu = CpuBackend::new();
    let mut random = Random(11);
    for [rows, depth, width] in [[65, 16, 16], [129, 130, 65], [200, 768, 96]] {
        let w = weights(&mut random, Precision::Int8, depth, width);
        let x = random.values(rows * depth);
        let on_cpu = {
            let x = cpu.embed(rows, depth, None, |to| to.copy_from_slice(&x)).unwrap();
            let matrix = matrix(&cpu, Precision::F32, &w);
            now(cpu.read(&cpu.linear(&x, &matrix, Epilogue::Bias).unwrap())).unwrap()
        };
        let x = gpu.embed(rows, depth, None, |to| to.copy_from_slice(&x)).unwrap();
        let matrix = matrix(gpu, Precision::Int8, &w);
        let on_gpu = read(gpu, &gpu.linear(&x, &matrix, Epilogue::Bias).unwrap()).await;
        let difference = largest_difference(&on_gpu, &on_cpu);
        // Activations of up to 1 are rounded to multiples of 1/127, so each is off by at most 1/254, and by
        // 1/440 in the root mean square; weights have a root mean square of 0.58. Six deviations of the sum.
        let allowed = 6.0 * (depth as f32).sqrt() * 0.58 / 440.0;
        assert!(
            difference > 0.0 && difference <= allowed,
            "{rows} × {depth} × {width}: {difference}, allowed {allowed}"
        );
    }
});

/// The values with every NaN as `None`, so that NaNs compare as equal.
pub fn with_nan(values: &[f32]) -> Vec<Option<f32>> {
    values.iter().map(|x| (!x.is_nan()).then_some(*x)).collect()
}

gpu_test!(nan_is_never_an_answer_of_a_product, async {
    let gpu = shared_backend().await;
    let matrix_of = |precision| {
        let w = Weights { values: vec![1.0; 32], stored: Vec::new(), bias: vec![0.0], depth: 32, width: 1 };
        matrix(gpu, precision, &w)
    };
    for (precision, blocks, dot) in [
        (Precision::F32, false, false),
        (Precision::F32, true, false),
        (Precision::F16, false, false),
        (Precision::Int8, false, false),
        (Precision::Int8, false, true),
        (Precision::Int4, false, false),
        (Precision::Int4, true, false),
    ] {
        gpu.set_software_kernel(blocks);
        gpu.set_int8_dot(dot);
        let matrix = matrix_of(precision);
        for rows in [3, 100] {
            // Row 1 has a NaN, and the sum of row 2 is NaN.
            let x = gpu.embed(rows, 32, None, |to| {
                to.fill(1.0);
                to[33] = f32::NAN;
                (to[65], to[66]) = (f32::INFINITY, f32::NEG_INFINITY);
            });
            let x = x.unwrap();
            for epilogue in 0..4 {
                let r = gpu.embed(rows, 1, None, |to| to.fill(0.0)).unwrap();
                let y = read(gpu, &gpu.linear(&x, &matrix, pick(epilogue, &r)).unwrap()).await;
                let nan: Vec<usize> = (0..rows).filter(|n| y[*n].is_nan()).collect();
                assert_eq!(
                    nan,
                    [1, 2],
                    "{precision:?}, {blocks}, {dot}, {rows} rows, epilogue {epilogue}: {:?}",
                    &y[..3]
                );
            }
        }
    }
});

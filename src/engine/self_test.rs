//! The self-test of a graphics device: compares its logits for a fixed text, computed with its own weights,
//! with the CPU's. If the CPU has no weights, or different ones from the device (f16 if the file has more
//! digits), or if its int4 products round activations to 8 bits, each matrix is read back from the device,
//! used, and dropped ([`AutoBackend::with_gpu_weights`]): the test covers the weights that were sent, and at most one
//! matrix is in memory. A checksum of the sent bytes guards the matrices read back.

use crate::backend::auto::{AutoBackend, Side};
use crate::backend::{Backend, Precision};
use crate::batch::PackedBatch;
use crate::error::{Error, ErrorKind, Result};
use crate::text_model::TextModel;

/// The text that the test computes; any model has tokens for it, if only unknown ones.
const TEXT: &str = "The screen is bright, but the battery was empty by noon.";
/// Copies of the text, enough to exceed the rows that the kernel for few rows supports.
const COPIES: usize = 12;
/// The largest difference of a logit that passes: absolute for logits up to 1, relative for larger ones. With
/// float weights, the backends differ only in the order of their sums, which moves a logit by at most 1e-5;
/// wrong results are off by far more.
const TOLERANCE: f32 = 2e-3;
/// The same with int8 weights, for which the CPU, not the device, rounds activations to 12 bits or more: that
/// alone moved a logit of sentiment-en by 2e-3.
const INT8_WEIGHTS_TOLERANCE: f32 = 1e-2;
/// The same if the device rounds activations, too, to 8 bits.
const INT8_ARITHMETIC_TOLERANCE: f32 = 0.03;

/// The largest difference between the device's and the CPU's logits, relative to the largest logit if that
/// exceeds 1: for a single text and for a batch of copies, so that both kinds of products are tested.
///
/// # Errors
/// The errors of the device and the CPU.
pub async fn largest_difference(text_model: &TextModel<AutoBackend>) -> Result<f32> {
    let precision = text_model.loaded().precision;
    let uses_gpu_weights = !text_model.backend().cpu_has_weights() || precision == Precision::Int4;
    let difference = difference_to_cpu(text_model, uses_gpu_weights).await?;
    if precision == Precision::F16 && !uses_gpu_weights && difference > TOLERANCE {
        // The file's weights may have lost digits only on the device: with the same weights on both sides,
        // that makes no difference.
        return difference_to_cpu(text_model, true).await;
    }
    Ok(difference)
}

/// `uses_gpu_weights`: whether the CPU computes with the device's matrices.
async fn difference_to_cpu(text_model: &TextModel<AutoBackend>, uses_gpu_weights: bool) -> Result<f32> {
    let encoding = text_model.encode(TEXT, false)?;
    let (backend, model) = (text_model.backend(), text_model.model());
    let batch = |copies| PackedBatch::new((0..copies).map(|_| encoding.ids.as_slice()));
    // The device computes while the CPU does its part.
    let mut submitted = Vec::new();
    for copies in [1, COPIES] {
        let batch = batch(copies);
        let logits = backend.on(Side::Gpu, async || model.forward(backend, &batch, |_, _| {}).await).await?;
        submitted.push(backend.submit(&logits)?);
    }
    let alone = batch(1);
    let forward = async || model.forward(backend, &alone, |_, _| {}).await;
    let expected =
        if uses_gpu_weights { backend.with_gpu_weights(forward).await } else { backend.on(Side::Cpu, forward).await };
    let expected = backend.read(&expected?).await?;
    let scale = expected.iter().fold(1.0f32, |m, x| m.max(x.abs()));
    let mut largest: f32 = 0.0;
    for pass in submitted {
        let logits = pass.finish().await?;
        for row in logits.chunks_exact(expected.len()) {
            for (got, expected) in row.iter().zip(&expected) {
                let difference = (got - expected).abs() / scale;
                largest = if difference.is_nan() { f32::INFINITY } else { largest.max(difference) };
            }
        }
    }
    Ok(largest)
}

/// Checks whether a device with this difference may be used for weights of `precision`.
///
/// # Errors
/// [`ErrorKind::WebgpuUnusable`].
pub fn check(difference: f32, precision: Precision) -> Result<()> {
    // Tensors that can't be int4 are int8.
    let integers = matches!(precision, Precision::Int8 | Precision::Int4);
    check_against(difference, if integers { INT8_WEIGHTS_TOLERANCE } else { TOLERANCE })
}

/// Checks whether int8 arithmetic with this difference may be used.
///
/// # Errors
/// [`ErrorKind::WebgpuUnusable`].
pub fn check_int8(difference: f32) -> Result<()> {
    check_against(difference, INT8_ARITHMETIC_TOLERANCE)
}

fn check_against(difference: f32, tolerance: f32) -> Result<()> {
    if difference <= tolerance {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::WebgpuUnusable,
        format!("The graphics device computes wrong results: its logits for a test text are off by {difference:.1e}."),
    ))
}

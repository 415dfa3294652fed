//! Which backend is faster for how many tokens, and which arithmetic for batches: measured on this machine with this
//! model while loading.

use super::{Clock, self_test};
use crate::backend::Backend;
use crate::backend::auto::{AutoBackend, Side};
use crate::backend::gpu::GpuBackend;
use crate::batch::PackedBatch;
use crate::error::Result;
use crate::text_model::TextModel;

/// Lengths of the measured texts, in tokens.
const LENGTHS: [usize; 3] = [8, 32, 128];
/// Runs of each; the fastest counts, since disturbances only make a run slower.
const RUNS: usize = 3;
/// A length is no longer measured if a shorter one took longer than this many milliseconds, so that loading
/// doesn't wait. Only the second length still is, once: two lengths show how a side's time grows, and one run
/// of the second takes at most as long as four of the first.
const SLOW_MS: f64 = 25.0;
/// How much faster the graphics device has to be: its times vary more.
const ADVANTAGE: f64 = 0.9;

/// How long a forward pass of `tokens` tokens took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// Tokens.
    pub tokens: usize,
    /// Milliseconds on the CPU.
    pub cpu: f64,
    /// Milliseconds on the graphics device, until the logits were back.
    pub gpu: f64,
}

/// Measures both backends.
///
/// # Errors
/// The error of a backend.
pub async fn measure(text_model: &TextModel<AutoBackend>, clock: Clock<'_>) -> Result<Vec<Measured>> {
    let (backend, model) = (text_model.backend(), text_model.model());
    let mut measured: Vec<Measured> = Vec::new();
    for tokens in LENGTHS {
        let tokens = tokens.min(model.config().max_tokens);
        let slow = measured.iter().any(|m| m.cpu.max(m.gpu) > SLOW_MS);
        if measured.last().is_some_and(|m| m.tokens == tokens || slow && measured.len() > 1) {
            break;
        }
        let ids: Vec<u32> = (0..tokens as u32).map(|i| i % model.config().vocabulary as u32).collect();
        let batch = PackedBatch::new([ids.as_slice()]);
        let mut best = [f64::INFINITY; 2];
        for _ in 0..if slow { 1 } else { RUNS } {
            for (side, best) in [Side::Cpu, Side::Gpu].into_iter().zip(&mut best) {
                let start = clock();
                let logits = backend.on(side, async || model.forward(backend, &batch, |_, _| {}).await).await?;
                backend.read(&logits).await?;
                *best = best.min(clock() - start);
            }
        }
        measured.push(Measured { tokens, cpu: best[0], gpu: best[1] });
    }
    Ok(measured)
}

/// Texts, and tokens per text, of the batch that [`choose_arithmetic`] measures.
const BATCH: (usize, usize) = (8, 128);
/// How much faster int8 arithmetic has to be to justify its cost: it rounds the activations, too.
const INT8_ADVANTAGE: f64 = 1.3;

/// Decides whether batches with int8 weights are computed in int8 arithmetic ([`GpuBackend::set_int8_dot`])
/// from now on: if that is clearly faster and its logits pass their own test. A device that refuses it keeps
/// the other arithmetic.
///
/// # Errors
/// [`crate::ErrorKind::DeviceLost`].
pub async fn choose_arithmetic(
    text_model: &TextModel<AutoBackend>,
    gpu: &GpuBackend,
    clock: Clock<'_>,
) -> Result<bool> {
    let tried = gpu.checked(async || int8_pays(text_model, gpu, clock).await).await;
    gpu.device().check()?;
    let int8 = tried.unwrap_or(false);
    gpu.set_int8_dot(int8);
    Ok(int8)
}

async fn int8_pays(text_model: &TextModel<AutoBackend>, gpu: &GpuBackend, clock: Clock<'_>) -> Result<bool> {
    let (backend, model) = (text_model.backend(), text_model.model());
    let tokens = BATCH.1.min(model.config().max_tokens);
    let ids: Vec<u32> = (0..tokens as u32).map(|i| i % model.config().vocabulary as u32).collect();
    let batch = PackedBatch::new((0..BATCH.0).map(|_| ids.as_slice()));
    let mut best = [f64::INFINITY; 2];
    // The first run of each also compiles its kernels.
    for run in 0..=RUNS {
        for (int8, best) in [false, true].into_iter().zip(&mut best) {
            gpu.set_int8_dot(int8);
            let start = clock();
            let logits = backend.on(Side::Gpu, async || model.forward(backend, &batch, |_, _| {}).await).await?;
            backend.read(&logits).await?;
            let ms = clock() - start;
            if run > 0 {
                *best = best.min(ms);
            }
        }
    }
    Ok(best[0] > INT8_ADVANTAGE * best[1]
        && self_test::check_int8(self_test::largest_difference(text_model).await?).is_ok())
}

/// The number of tokens from which the graphics device is faster, interpolated linearly between the measured
/// lengths and extrapolated beyond them; `None` if it never is.
pub fn crossing(measured: &[Measured]) -> Option<usize> {
    // Below zero if the graphics device wins.
    let lead = |m: &Measured| m.gpu - ADVANTAGE * m.cpu;
    let first = measured.first()?;
    if lead(first) < 0.0 {
        return Some(1);
    }
    let at = |a: &Measured, b: &Measured| {
        let (x, y) = (a.tokens as f64, lead(a));
        let slope = (lead(b) - y) / (b.tokens as f64 - x);
        // The lines never meet if they don't get closer.
        (slope < 0.0).then(|| (x - y / slope).ceil() as usize)
    };
    for pair in measured.windows(2) {
        if lead(&pair[1]) < 0.0 {
            return at(&pair[0], &pair[1]);
        }
    }
    match measured {
        [.., a, b] if a.tokens < b.tokens => at(a, b),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(rows: &[(usize, f64, f64)]) -> Vec<Measured> {
        rows.iter().map(|&(tokens, cpu, gpu)| Measured { tokens, cpu, gpu }).collect()
    }

    #[test]
    fn the_faster_side_is_found() {
        // Faster from the start, never, between two lengths, and beyond the last.
        assert_eq!(crossing(&measured(&[(8, 5.0, 2.0), (32, 20.0, 2.0)])), Some(1));
        assert_eq!(crossing(&measured(&[(8, 5.0, 500.0), (32, 20.0, 900.0)])), None);
        assert_eq!(crossing(&measured(&[(8, 2.0, 9.0), (32, 8.0, 9.0), (128, 32.0, 9.0)])), Some(40));
        assert_eq!(crossing(&measured(&[(8, 10.0, 19.0), (32, 40.0, 40.0)])), Some(48));
        assert_eq!(crossing(&measured(&[(8, 50.0, 60.0)])), None);
        assert_eq!(crossing(&[]), None);
    }

    #[test]
    fn it_has_to_be_faster_by_a_margin() {
        assert_eq!(crossing(&measured(&[(8, 10.0, 9.5), (32, 40.0, 39.0)])), None);
    }
}

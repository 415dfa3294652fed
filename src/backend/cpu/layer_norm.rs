// layer_norm: y[n,d] = (x[n,d] - mean_n) / sqrt(var_n + eps) * gamma[d] + beta[d]
// x, y: (N, D) f32; gamma, beta: (D) f32; eps as in the checkpoint's configuration; var: the biased variance
// two passes over a row, mean then variance, in f32: no cancellation of squares; sums of 4 lanes

//! Layer normalization.

use super::simd::{F32x4, LANES};
use super::team::{Parts, Team};

/// γ and β (D each), and ε, which is added under the root.
pub struct LayerNorm {
    /// γ
    pub gamma: Vec<f32>,
    /// β
    pub beta: Vec<f32>,
    /// ε
    pub eps: f32,
}

impl LayerNorm {
    /// Normalizes each row of `x` (N, D) into `y` (N, D).
    ///
    /// Source: Ba, Kiros & Hinton 2016, equation 4.
    pub fn forward(&self, team: &Team, x: &[f32], y: &mut [f32]) {
        let width = self.gamma.len();
        if width == 0 {
            return;
        }
        let y = Parts::new(y);
        team.run(x.len() / width, |_, n| {
            let row = n * width..(n + 1) * width;
            // SAFETY: each task has a row of its own.
            self.row(&x[row.clone()], unsafe { y.part(row) });
        });
    }

    fn row(&self, x: &[f32], y: &mut [f32]) {
        let width = x.len() as f32;
        let mean = sum(x, |x| x, 0.0) / width;
        let means = F32x4::splat(mean);
        let squares = sum(x, |x| (x - means) * (x - means), mean);
        let scale = F32x4::splat(1.0 / (squares / width + self.eps).sqrt());

        let whole = x.len() / LANES * LANES;
        let normalize = |x: F32x4, gamma: F32x4, beta: F32x4| ((x - means) * scale).mul_add(gamma, beta);
        for d in (0..whole).step_by(LANES) {
            let at = |v: &[f32]| F32x4::from_slice(&v[d..]);
            normalize(at(x), at(&self.gamma), at(&self.beta)).write(&mut y[d..]);
        }
        let rest = |v: &[f32]| F32x4::from_slice_padded(&v[whole..], 0.0);
        normalize(rest(x), rest(&self.gamma), rest(&self.beta)).write_part(&mut y[whole..]);
    }
}

/// Σ f(x) over a row; `pad` is an x with f(x) = 0.
fn sum(row: &[f32], f: impl Fn(F32x4) -> F32x4, pad: f32) -> f32 {
    let chunks = row.chunks_exact(LANES);
    let rest = f(F32x4::from_slice_padded(chunks.remainder(), pad));
    chunks.fold(rest, |sum, x| sum + f(F32x4::from_slice(x))).sum()
}

//! GPTQ: weights are rounded column by column, and the remaining columns compensate for the error of each
//! rounding.
//!
//! Source: Frantar et al. 2022, section 3 and algorithm 1, with the natural order of columns, lazy blocks and
//! the Cholesky form.

use super::dense::{inverse_factor, subtract};
use crate::error::{Error, ErrorKind, Result, try_vec};
use crate::weights::int4::{self, GROUP};

/// Columns after which the errors are applied to the rest of a matrix; whole groups.
const BLOCK: usize = 4 * GROUP;

/// Named in errors about failed allocations.
const WHAT: &str = "the rounding of a weight matrix";

/// What the inputs of a matrix say about its rounding: H = XᵀX / N + λI, and the triangle U with H⁻¹ = Uᵀ·U.
pub struct Factor {
    columns: usize,
    h: Vec<f64>,
    u: Vec<f64>,
    /// Columns that are zero in every input: their weights have no effect.
    dead: Vec<usize>,
}

impl Factor {
    /// The factor of `gram` = XᵀX (K, K), the sum over `rows` inputs; λ is `damping` times the mean of its
    /// diagonal.
    ///
    /// # Errors
    /// [`ErrorKind::NotFinite`] if the inputs are NaN or infinite; [`ErrorKind::OutOfMemory`].
    pub fn new(gram: &[f32], columns: usize, rows: usize, damping: f64) -> Result<Self> {
        assert_eq!(gram.len(), columns * columns, "a square");
        let mut h: Vec<f64> = try_vec(gram.len(), WHAT)?;
        h.iter_mut().zip(gram).for_each(|(h, x)| *h = f64::from(*x) / rows as f64);
        let dead: Vec<usize> = (0..columns).filter(|k| h[k * columns + k] == 0.0).collect();
        dead.iter().for_each(|k| h[k * columns + k] = 1.0);
        let mean = (0..columns).map(|k| h[k * columns + k]).sum::<f64>() / columns as f64;
        (0..columns).for_each(|k| h[k * columns + k] += damping * mean);
        let mut copy = try_vec(h.len(), WHAT)?;
        copy.copy_from_slice(&h);
        let u = inverse_factor(copy, columns).ok_or_else(|| {
            Error::new(
                ErrorKind::NotFinite,
                "The model's arithmetic overflowed on the calibration texts: its weights are damaged or too large; \
                 use another file.",
            )
        })?;
        Ok(Self { columns, h, u, dead })
    }

    /// K
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// H (K, K)
    pub fn h(&self) -> &[f64] {
        &self.h
    }

    /// Weights (M, K), set to zero where they have no effect.
    ///
    /// # Errors
    /// [`ErrorKind::OutOfMemory`].
    pub fn live(&self, weights: &[f32]) -> Result<Vec<f64>> {
        let mut w: Vec<f64> = try_vec(weights.len(), WHAT)?;
        w.iter_mut().zip(weights).for_each(|(to, w)| *to = f64::from(*w));
        for row in w.chunks_exact_mut(self.columns) {
            self.dead.iter().for_each(|column| row[*column] = 0.0);
        }
        Ok(w)
    }
}

/// A rounded matrix: a q per weight and a scale per group of [`GROUP`] columns, both row by row.
pub struct Rounded {
    /// (M, K), each in 0..=15.
    pub q: Vec<u8>,
    /// (M, K / 32), representable in half precision.
    pub scales: Vec<f32>,
}

/// Rounds W (M, K) to int4 so that ‖(W - Ŵ)Xᵀ‖² over the factor's inputs grows least.
///
/// A group's scale is chosen once the columns before it are rounded, from the weights as adjusted by then
/// ([`int4::scale_of`]).
///
/// # Errors
/// [`ErrorKind::OutOfMemory`].
pub fn round(weights: &[f32], factor: &Factor) -> Result<Rounded> {
    let k = factor.columns;
    assert!(int4::fits(k) && weights.len().is_multiple_of(k), "rows of whole groups");
    let mut w = factor.live(weights)?;
    let (mut q, mut scales): (Vec<u8>, Vec<f32>) = (try_vec(w.len(), WHAT)?, try_vec(w.len() / GROUP, WHAT)?);
    let mut errors = [0.0; BLOCK];
    for first in (0..k).step_by(BLOCK) {
        let width = BLOCK.min(k - first);
        let rows = w.chunks_exact_mut(k).zip(q.chunks_exact_mut(k)).zip(scales.chunks_exact_mut(k / GROUP));
        for ((w, q), scales) in rows {
            let (block, rest) = w[first..].split_at_mut(width);
            let mut scale = 0.0;
            for c in 0..width {
                let column = first + c;
                if c.is_multiple_of(GROUP) {
                    let group: [f32; GROUP] = std::array::from_fn(|i| block[c + i] as f32);
                    scales[column / GROUP] = int4::scale_of(&group);
                    scale = f64::from(scales[column / GROUP]);
                }
                let level = (block[c] / scale).round_ties_even().clamp(-8.0, 7.0);
                q[column] = (level + f64::from(int4::ZERO)) as u8;
                let u = &factor.u[column * k + column..][..width - c];
                errors[c] = (block[c] - level * scale) / u[0];
                subtract(&mut block[c + 1..], &errors[c..=c], &u[1..], k);
            }
            subtract(rest, &errors[..width], factor.u.get(first * k + first + width..).unwrap_or(&[]), k);
        }
    }
    Ok(Rounded { q, scales })
}

#[cfg(test)]
mod tests {
    use super::super::refine::refine;
    use super::*;

    const K: usize = 5 * GROUP;
    const M: usize = 6;

    fn noise(n: usize, seed: usize) -> Vec<f32> {
        (0..n).map(|i| ((i + seed) * 7919 % 10_007) as f32 / 5003.5 - 1.0).collect()
    }

    /// Inputs (rows, K) in which neighbouring columns are nearly the same.
    fn correlated(rows: usize) -> Vec<f32> {
        let mut x = noise(rows * K, 3);
        for row in x.chunks_exact_mut(K) {
            (1..K).for_each(|k| row[k] = 0.9 * row[k - 1] + 0.3 * row[k]);
        }
        x
    }

    fn gram(x: &[f32]) -> Vec<f32> {
        let mut sums = vec![0.0; K * K];
        for row in x.chunks_exact(K) {
            for (i, a) in row.iter().enumerate() {
                sums[i * K..][..K].iter_mut().zip(row).for_each(|(sum, b)| *sum += a * b);
            }
        }
        sums
    }

    fn to_nearest(w: &[f32]) -> Rounded {
        let mut rounded = Rounded { q: vec![0; w.len()], scales: vec![0.0; w.len() / GROUP] };
        int4::quantize_row(w, &mut rounded.q, &mut rounded.scales);
        rounded
    }

    /// ‖(W - Ŵ)Xᵀ‖²
    fn loss(w: &[f32], rounded: &Rounded, x: &[f32]) -> f64 {
        let packed: Vec<u8> = int4::pack(&rounded.q).collect();
        let back = int4::dequantized(&packed, &rounded.scales);
        let rows = w.chunks_exact(K).zip(back.chunks_exact(K));
        rows.flat_map(|(w, back)| {
            x.chunks_exact(K).map(move |x| {
                let products = w.iter().zip(back).zip(x).map(|((w, b), x)| f64::from((w - b) * x));
                products.sum::<f64>().powi(2)
            })
        })
        .sum()
    }

    #[test]
    fn correlated_inputs_lose_less_than_by_rounding_to_nearest() {
        // More inputs than columns, and fewer: then XᵀX is singular, and the damping makes it definite.
        for rows in [4 * K, K / 4] {
            let (w, x) = (noise(M * K, 0), correlated(rows));
            let factor = Factor::new(&gram(&x), K, rows, 0.01).unwrap();
            let mut rounded = round(&w, &factor).unwrap();
            let (compensated, nearest) = (loss(&w, &rounded, &x), loss(&w, &to_nearest(&w), &x));
            assert!(
                compensated < 0.4 * nearest,
                "{rows} inputs: {compensated} where rounding to nearest has {nearest}"
            );
            refine(&w, &factor, &mut rounded).unwrap();
            let refined = loss(&w, &rounded, &x);
            assert!(
                refined < 0.95 * compensated,
                "{rows} inputs: {refined} where compensation alone has {compensated}"
            );
            assert!(rounded.scales.iter().all(|s| half::f16::from_f32(*s).to_f32() == *s), "scales of half precision");
        }
    }

    #[test]
    fn independent_inputs_need_no_compensation() {
        let identity: Vec<f32> = (0..K * K).map(|i| f32::from(u8::from(i / K == i % K))).collect();
        let w = noise(M * K, 0);
        let rounded = round(&w, &Factor::new(&identity, K, 1, 0.01).unwrap()).unwrap();
        let nearest = to_nearest(&w);
        assert_eq!((rounded.q, rounded.scales), (nearest.q, nearest.scales));
    }

    #[test]
    fn columns_that_no_input_has_become_zero() {
        let mut x = correlated(K);
        x.iter_mut().skip(7).step_by(K).for_each(|x| *x = 0.0);
        let factor = Factor::new(&gram(&x), K, K, 0.01).unwrap();
        let mut rounded = round(&noise(M * K, 0), &factor).unwrap();
        refine(&noise(M * K, 0), &factor, &mut rounded).unwrap();
        assert!(rounded.q.iter().skip(7).step_by(K).all(|q| *q == int4::ZERO));
        assert!(rounded.q.iter().all(|q| *q < 16) && rounded.scales.iter().all(|s| s.is_finite() && *s != 0.0));
        let nothing = Factor::new(&vec![0.0; K * K], K, 1, 0.01).unwrap();
        assert!(round(&noise(K, 0), &nothing).unwrap().q.iter().all(|q| *q == int4::ZERO));
    }

    #[test]
    fn inputs_that_are_not_finite_are_refused() {
        for bad in [f32::NAN, f32::INFINITY] {
            let error = Factor::new(&[bad; K * K], K, 1, 0.01).err().expect("refused");
            assert_eq!(error.kind(), ErrorKind::NotFinite);
        }
    }
}

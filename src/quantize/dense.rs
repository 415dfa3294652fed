//! Dense linear algebra in f64, row-major: the Cholesky factor and the inverse of a triangle.
//!
//! Blocked so that data that is read again stays in the second-level cache. Every inner loop is [`subtract`],
//! which compilers vectorize.

/// Rows and columns of a block.
const BLOCK: usize = 64;

/// c -= a·B: c (n), a (k), B (k, n) with its rows `stride` apart.
pub fn subtract(c: &mut [f64], a: &[f64], b: &[f64], stride: usize) {
    let n = c.len();
    let (fours, rest) = a.as_chunks::<4>();
    for (i, [a0, a1, a2, a3]) in fours.iter().enumerate() {
        let row = |t: usize| &b[(4 * i + t) * stride..][..n];
        let rows = row(0).iter().zip(row(1)).zip(row(2)).zip(row(3));
        for (c, (((b0, b1), b2), b3)) in c.iter_mut().zip(rows) {
            *c -= a0 * b0 + a1 * b1 + a2 * b2 + a3 * b3;
        }
    }
    for (i, a) in rest.iter().enumerate() {
        for (c, b) in c.iter_mut().zip(&b[(4 * fours.len() + i) * stride..][..n]) {
            *c -= a * b;
        }
    }
}

/// Replaces a symmetric A (n, n) by its lower Cholesky factor L: A = L·Lᵀ. Only A's lower triangle is read;
/// L's upper triangle is zero.
///
/// Returns false if A is not positive definite, or contains NaN or infinity; its contents are then useless.
///
/// Source: Golub & Van Loan, Matrix Computations, 4th edition, section 4.2.9.
#[must_use]
pub fn cholesky(a: &mut [f64], n: usize) -> bool {
    // The columns of the current block, transposed.
    let mut panel = vec![0.0; BLOCK.min(n) * n];
    for first in (0..n).step_by(BLOCK) {
        let end = (first + BLOCK).min(n);
        for i in first..n {
            let (above, row) = a.split_at_mut(i * n);
            for j in first..end.min(i) {
                let other = &above[j * n..][..n];
                row[j] = (row[j] - dot(&row[first..j], &other[first..j])) / other[j];
            }
            if i < end {
                let square = row[i] - dot(&row[first..i], &row[first..i]);
                if !(square > 0.0 && square.is_finite()) {
                    return false;
                }
                row[i] = square.sqrt();
            }
        }
        for (i, row) in a.chunks_exact(n).enumerate().skip(end) {
            for (t, x) in row[first..end].iter().enumerate() {
                panel[t * n + i - end] = *x;
            }
        }
        for (i, row) in a.chunks_exact_mut(n).enumerate().skip(end) {
            let (known, rest) = row.split_at_mut(end);
            subtract(&mut rest[..i + 1 - end], &known[first..], &panel, n);
        }
    }
    for (i, row) in a.chunks_exact_mut(n).enumerate() {
        row[i + 1..].fill(0.0);
    }
    true
}

/// Replaces a lower triangle L (n, n), with zeros above it, by its inverse.
pub fn invert_lower(l: &mut [f64], n: usize) {
    for first in (0..n).step_by(BLOCK) {
        let end = (first + BLOCK).min(n);
        let (done, rest) = l.split_at_mut(first * n);
        let block = &mut rest[..(end - first) * n];
        let factors = block.to_vec();
        let of_row = |i: usize| &factors[(i - first) * n..][..n];
        for (i, row) in (first..end).zip(block.chunks_exact_mut(n)) {
            row[..i].fill(0.0);
            row[i] = 1.0;
        }
        for earlier in (0..first).step_by(BLOCK) {
            let through = earlier + BLOCK;
            for (i, row) in (first..end).zip(block.chunks_exact_mut(n)) {
                subtract(&mut row[..through], &of_row(i)[earlier..through], &done[earlier * n..], n);
            }
        }
        for i in first..end {
            let (above, row) = block.split_at_mut((i - first) * n);
            subtract(&mut row[..i], &of_row(i)[first..i], above, n);
            let pivot = of_row(i)[i];
            row[..=i].iter_mut().for_each(|x| *x /= pivot);
        }
    }
}

/// The upper triangle U (n, n) with A⁻¹ = Uᵀ·U of a symmetric A, or `None` if A is not positive definite.
pub fn inverse_factor(mut a: Vec<f64>, n: usize) -> Option<Vec<f64>> {
    // With rows and columns both reversed (that is, the whole list), A = L·Lᵀ and A⁻¹ = L⁻ᵀ·L⁻¹; reversed
    // back, L⁻¹ is upper. So there is no need to form A⁻¹ and factor it again.
    a.reverse();
    if !cholesky(&mut a, n) {
        return None;
    }
    invert_lower(&mut a, n);
    a.reverse();
    Some(a)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A·Bᵀ, both (n, n).
    fn times_transposed(a: &[f64], b: &[f64], n: usize) -> Vec<f64> {
        a.chunks(n).flat_map(|x| b.chunks(n).map(move |y| dot(x, y))).collect()
    }

    fn transposed(a: &[f64], n: usize) -> Vec<f64> {
        (0..n * n).map(|i| a[i % n * n + i / n]).collect()
    }

    fn largest_difference(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max)
    }

    /// A symmetric matrix with a condition number of a few hundred.
    fn definite(n: usize) -> Vec<f64> {
        let values: Vec<f64> = (0..n * n).map(|i| (i * 7919 % 1009) as f64 / 504.5 - 1.0).collect();
        let mut a = times_transposed(&values, &values, n);
        (0..n).for_each(|i| a[i * n + i] += 0.1 * n as f64);
        a
    }

    #[test]
    fn a_known_factor() {
        let mut a = [4.0, 0.0, 0.0, 12.0, 37.0, 0.0, -16.0, -43.0, 98.0];
        assert!(cholesky(&mut a, 3));
        assert_eq!(a, [2.0, 0.0, 0.0, 6.0, 1.0, 0.0, -8.0, 5.0, 3.0]);
    }

    #[test]
    fn a_known_inverse() {
        let mut l = [2.0, 0.0, 0.0, 6.0, 1.0, 0.0, -8.0, 5.0, 4.0];
        invert_lower(&mut l, 3);
        assert_eq!(l, [0.5, 0.0, 0.0, -3.0, 1.0, 0.0, 4.75, -1.25, 0.25]);
    }

    #[test]
    fn factors_multiply_to_the_matrix_and_its_inverse() {
        for n in [1, 2, 5, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 7] {
            let a = definite(n);
            let mut l = a.clone();
            assert!(cholesky(&mut l, n), "{n}");
            let error = largest_difference(&times_transposed(&l, &l, n), &a);
            assert!(error <= 1e-12 * n as f64, "{n}: L·Lᵀ is off by {error}");

            let u = inverse_factor(a.clone(), n).unwrap();
            assert!((0..n).all(|i| u[i * n..i * n + i].iter().all(|x| *x == 0.0)), "{n}: U is upper");
            let columns = transposed(&u, n);
            // Symmetric: Uᵀ·U·A is A⁻¹·A.
            let product = times_transposed(&times_transposed(&columns, &columns, n), &a, n);
            let identity: Vec<f64> = (0..n * n).map(|i| f64::from(i / n == i % n)).collect();
            let error = largest_difference(&product, &identity);
            assert!(error <= 1e-12 * n as f64, "{n}: A⁻¹·A is off by {error}");
        }
    }

    #[test]
    fn rejects_indefinite_matrices() {
        for a in [[1.0, 2.0, 2.0, 1.0], [0.0; 4], [f64::NAN, 0.0, 0.0, 1.0], [f64::INFINITY, 0.0, 0.0, 1.0]] {
            assert!(!cholesky(&mut a.clone(), 2), "{a:?}");
            assert!(inverse_factor(a.to_vec(), 2).is_none(), "{a:?}");
        }
    }
}

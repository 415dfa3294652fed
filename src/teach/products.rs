//! The two matrix products of the fit, in f32: rows times weights, and their transpose times rows.
//!
//! Plain loops over tiles of 4 × 8 sums, which the compiler turns into vector instructions. Widths are padded to whole tiles.

/// Columns of a tile; widths are multiples of it.
pub const LANES: usize = 8;
/// Rows of a tile.
const ROWS: usize = 4;

/// `count` rounded up to whole tiles.
pub const fn padded(count: usize) -> usize {
    count.div_ceil(LANES) * LANES
}

/// A matrix as panels of [`LANES`] rows each, stored column by column: the order in which a product reads it.
#[derive(Default)]
pub struct Panels {
    data: Vec<f32>,
    width: usize,
}

impl Panels {
    /// Packs `rows`, each of `width` numbers, replacing any packed before.
    pub fn pack<'a>(&mut self, rows: impl ExactSizeIterator<Item = &'a [f32]>, width: usize) {
        self.width = width;
        self.data.clear();
        self.data.resize(padded(rows.len()) * width, 0.0);
        for (r, row) in rows.enumerate() {
            let panel = &mut self.data[r / LANES * LANES * width..];
            for (d, &value) in row.iter().enumerate() {
                panel[d * LANES + r % LANES] = value;
            }
        }
    }

    /// The number of packed rows, including padding: the width of the result of [`times`].
    pub fn columns(&self) -> usize {
        self.data.len() / self.width.max(1)
    }
}

/// `out[r,l] = x[r,:] · panels[l,:]`: out (R, `panels.columns()`), x (R, D).
pub fn times(x: &[f32], panels: &Panels, out: &mut [f32]) {
    let (width, columns) = (panels.width, panels.columns());
    let rows = x.len() / width;
    for first in (0..rows).step_by(ROWS) {
        // Rows past the end repeat the last one, so that a tile is always whole.
        let row = |q: usize| &x[(first + q).min(rows - 1) * width..][..width];
        let a = [row(0), row(1), row(2), row(3)];
        for (p, panel) in panels.data.chunks_exact(LANES * width).enumerate() {
            let mut sums = [[0f32; LANES]; ROWS];
            for (d, b) in panel.chunks_exact(LANES).enumerate() {
                for q in 0..ROWS {
                    for c in 0..LANES {
                        sums[q][c] += a[q][d] * b[c];
                    }
                }
            }
            for (q, sums) in sums.iter().enumerate().take(rows - first) {
                out[(first + q) * columns + p * LANES..][..LANES].copy_from_slice(sums);
            }
        }
    }
}

/// `out[l,d] += sum over r of p[r,l] x[r,d]`: out (L, D), p (R, `columns`), x (R, D).
pub fn add_transposed(p: &[f32], columns: usize, x: &[f32], width: usize, out: &mut [f32]) {
    let labels = out.len() / width;
    for l in (0..labels).step_by(ROWS) {
        for d in (0..width).step_by(LANES) {
            let mut sums = [[0f32; LANES]; ROWS];
            for (p, x) in p.chunks_exact(columns).zip(x.chunks_exact(width)) {
                // Columns are padded to a multiple of eight, so that there are always four.
                let (p, x) = (&p[l..l + ROWS], &x[d..d + LANES]);
                for q in 0..ROWS {
                    for c in 0..LANES {
                        sums[q][c] += p[q] * x[c];
                    }
                }
            }
            for (q, sums) in sums.iter().enumerate().take(labels - l) {
                let out = &mut out[(l + q) * width + d..][..LANES];
                out.iter_mut().zip(sums).for_each(|(o, s)| *o += s);
            }
        }
    }
}

/// The scalar product, summed in f64.
pub fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_equal_plain_sums_at_any_size() {
        for (rows, labels, width) in [(1, 1, 8), (3, 5, 16), (9, 8, 8), (13, 17, 24)] {
            let number = |i: usize| ((i * 37 + 11) % 19) as f32 / 8.0 - 1.0;
            let x: Vec<f32> = (0..rows * width).map(number).collect();
            let w: Vec<f32> = (0..labels * width).map(|i| number(i + 5)).collect();
            let mut panels = Panels::default();
            panels.pack(w.chunks_exact(width), width);
            let columns = panels.columns();
            let mut z = vec![0.0; rows * columns];
            times(&x, &panels, &mut z);
            let mut g = vec![1.0; labels * width];
            add_transposed(&z, columns, &x, width, &mut g);
            for l in 0..labels {
                for r in 0..rows {
                    let expected = dot(&x[r * width..][..width], &w[l * width..][..width]);
                    assert!((f64::from(z[r * columns + l]) - expected).abs() < 1e-4);
                }
                for d in 0..width {
                    let sum = (0..rows).map(|r| z[r * columns + l] * x[r * width + d]).sum::<f32>();
                    assert!((g[l * width + d] - 1.0 - sum).abs() < 1e-3);
                }
            }
        }
    }
}

//! DistilBERT-base's sizes with made-up weights, for the rate of a whole forward pass.

use crate::model::made_up::{LABELS, Sizes};

/// DistilBERT-base. The vocabulary is smaller than the original's 30,522: its rows take memory and no arithmetic.
pub const BASE: Sizes = Sizes { layers: 6, width: 768, heads: 12, hidden: 3072, vocabulary: 1024, max_tokens: 512 };

/// The multiplications and additions for one text of `tokens` tokens. In the last layer, only keys and values
/// are computed for every row; everything else only for the first.
pub fn operations(tokens: usize) -> f64 {
    let n = tokens as f64;
    let (d, f) = (BASE.width as f64, BASE.hidden as f64);
    let products = 4.0 * d * d + 2.0 * d * f;
    let layer = n * products + 2.0 * n * n * d;
    let last = n * 2.0 * d * d + (products - 2.0 * d * d) + 2.0 * n * d;
    2.0 * ((BASE.layers - 1) as f64 * layer + last + d * d + LABELS as f64 * d)
}

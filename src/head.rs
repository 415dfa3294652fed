//! From logits to labelled scores.

use crate::config::Scoring;

/// The scores of one text's logits (L), computed in f64 so that nothing is lost to rounding on the way out.
pub fn scores(logits: &[f32], scoring: Scoring) -> Vec<f64> {
    let logits = logits.iter().map(|&x| f64::from(x));
    match scoring {
        Scoring::Identity => logits.collect(),
        Scoring::Sigmoid => logits.map(|x| 1.0 / (1.0 + (-x).exp())).collect(),
        Scoring::Softmax => {
            let largest = logits.clone().fold(f64::NEG_INFINITY, f64::max);
            let mut scores: Vec<f64> = logits.map(|x| (x - largest).exp()).collect();
            let sum: f64 = scores.iter().sum();
            scores.iter_mut().for_each(|s| *s /= sum);
            scores
        }
    }
}

/// The indices of the `top` best scores, best first; equal scores keep the order of their ids. All of them if
/// `top` is 0.
pub fn best(scores: &[f64], top: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    crate::order::sort_by(&mut order, |&a, &b| scores[b].total_cmp(&scores[a]));
    if top > 0 {
        order.truncate(top);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softmax_sums_to_one_and_never_overflows() {
        for logits in [[1.0f32, 2.0, 3.0], [3e38, 3e38, -3e38], [-1e30, -1e30, -1e30]] {
            let s = scores(&logits, Scoring::Softmax);
            assert!((s.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{logits:?} → {s:?}");
        }
        let s = scores(&[0.0, 3f32.ln()], Scoring::Softmax);
        assert!((s[1] - 0.75).abs() < 1e-7, "{s:?}"); // 3f32.ln() is within 1e-7 of ln 3
    }

    #[test]
    fn sigmoid_takes_each_label_by_itself() {
        let s = scores(&[0.0, 1e30, -1e30], Scoring::Sigmoid);
        assert_eq!(s, [0.5, 1.0, 0.0]);
    }

    #[test]
    fn identity_is_the_logits() {
        assert_eq!(scores(&[-2.5, 7.0], Scoring::Identity), [-2.5, 7.0]);
    }

    #[test]
    fn best_sorts_and_keeps_ties_in_order() {
        assert_eq!(best(&[0.1, 0.4, 0.1, 0.4], 0), [1, 3, 0, 2]);
        assert_eq!(best(&[0.1, 0.4, 0.5], 2), [2, 1]);
        assert_eq!(best(&[0.1], 5), [0]);
    }
}

//! Learns a classifier from examples: logistic regression on the vectors of an encoder.
//!
//! [`examples`] holds what is learned from, [`objective`] the penalized likelihood, [`lbfgs`] its minimizer, [`leave_one_out`] what
//! the fit would say of each example had it not seen it, [`calibration`] the temperature and the threshold that follow from that,
//! and [`trainer`] the order of it all, in slices. Texts, encoders and files are not here: vectors come in, weights go out.
//!
//! The letters: N examples, D width of a vector, L labels. An example `x` has the logits `z = W x + b`; with one label an
//! example, probabilities are `softmax(z / T)`, otherwise `sigmoid(z / T)` for each label by itself.

pub mod calibration;
pub mod examples;
pub mod lbfgs;
pub mod leave_one_out;
pub mod objective;
mod products;
pub mod trainer;

pub use examples::Examples;
pub use trainer::{Keep, Taught, Trainer};

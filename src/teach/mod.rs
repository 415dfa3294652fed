//! Learns a classifier from examples: logistic regression on the vectors of an encoder.
//!
//! [`examples`] holds the training data, [`objective`] the penalized likelihood, [`lbfgs`] its minimizer,
//! [`leave_one_out`] the answer that the fit would give to each example had it not seen it, [`calibration`]
//! the temperature and the threshold that follow from those answers, and [`trainer`] the sequence of these
//! steps, in slices. Texts, encoders and files are not here: vectors come in, weights go out.
//!
//! The letters: N examples, D width of a vector, L labels. An example `x` has the logits `z = W x + b`; with
//! one label per example, probabilities are `softmax(z / T)`, otherwise `sigmoid(z / T)`, independently for
//! each label.

pub mod calibration;
pub mod examples;
pub mod lbfgs;
pub mod leave_one_out;
pub mod objective;
mod products;
pub mod trainer;

pub use examples::Examples;
pub use trainer::{Keep, Taught, Trainer};

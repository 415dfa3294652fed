//! Rounds weights to int4 with calibration texts: the inputs of a matrix decide which roundings matter least.
//!
//! A model is loaded on a backend that keeps count of every matrix' inputs ([`observer`]) and reads the calibration texts
//! ([`calibration`]); then each matrix is rounded so that its products with these inputs change least ([`gptq`], then [`refine`]; [`rounder`]; on the
//! linear algebra of [`dense`]). Not here: how int4 is stored (`weights::int4`), the file that comes of it (`convert`).

pub mod calibration;
pub mod dense;
pub mod gptq;
pub mod observer;
pub mod refine;
pub mod rounder;

//! Rounds weights to int4 with calibration texts: the inputs of a matrix determine which roundings matter
//! least.
//!
//! A model is loaded on a backend that records the inputs of every matrix ([`observer`]) and reads the
//! calibration texts ([`calibration`]). Then each matrix is rounded so that its products with these inputs
//! change least ([`gptq`], then [`refine`]; [`rounder`]), using the linear algebra of [`dense`]. Not here:
//! how int4 is stored (`weights::int4`), and the resulting file (`convert`).

pub mod calibration;
pub mod dense;
pub mod gptq;
pub mod observer;
pub mod refine;
pub mod rounder;

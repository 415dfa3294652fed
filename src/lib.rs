//! Tabsense: text classification inside a browser tab, with BERT and its kin.
//!
//! Data flows one way: bindings (`web`) → [`engine`] → [`text_model`] → [`model`] → [`backend`] → kernels. Weights come in by
//! [`weights`], configuration by [`config`], text by [`tokenize`]; nothing lower knows anything higher. Beside them: files of other
//! precision ([`convert`]), another container ([`rewrite`]) or a smaller vocabulary ([`prune`]), the rounding to int4 ([`quantize`]), and what learns a classifier from examples ([`teach`]).
//!
//! The letters of every shape: B texts, N tokens of all texts, D width, H heads, F feed-forward width, L labels,
//! M a product's out_features, K its in_features.

#![deny(missing_docs)]

pub mod backend;
pub mod batch;
#[cfg(all(feature = "bench", target_arch = "wasm32"))]
pub mod bench;
pub mod config;
pub mod convert;
pub mod engine;
mod error;
pub mod file_hash;
pub mod file_kind;
#[cfg(all(target_arch = "wasm32", not(any(feature = "rewriter", feature = "teacher"))))]
pub mod further_files;
pub mod head;
mod json;
pub mod model;
mod order;
pub mod prune;
pub mod quantize;
#[cfg(feature = "checkpoints")]
pub mod rewrite;
pub mod teach;
pub mod text_model;
#[cfg(target_arch = "wasm32")]
mod thrown;
pub mod tokenize;
#[cfg(all(target_arch = "wasm32", any(feature = "convert", feature = "rewriter")))]
pub mod torch_rewriter;
// One surface a module: exports are kept whether or not they are called.
#[cfg(all(target_arch = "wasm32", not(any(feature = "convert", feature = "rewriter", feature = "teacher"))))]
pub mod web;
#[cfg(all(target_arch = "wasm32", feature = "convert", not(feature = "rewriter")))]
pub mod web_convert;
#[cfg(all(target_arch = "wasm32", feature = "teacher"))]
pub mod web_teach;
pub mod weights;

pub use error::{Error, ErrorKind, Result, try_reserve, try_vec};

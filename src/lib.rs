//! Tabsense: text classification inside a browser tab, with BERT and related models.
//!
//! Data flows one way: bindings (`web`) → [`engine`] → [`text_model`] → [`model`] → [`backend`] → kernels.
//! Weights come in through [`weights`], configuration through [`config`], text through [`tokenize`]; no layer
//! knows the layers above it. Separate from these: files of another precision ([`convert`]), in another
//! container ([`rewrite`]) or with a smaller vocabulary ([`prune`]), rounding to int4 ([`quantize`]), and
//! learning a classifier from examples ([`teach`]).
//!
//! The letters in every shape: B texts, N tokens of all texts, D width, H heads, F feed-forward width, L
//! labels, M the out_features of a product, K its in_features.
//!
//! ```
//! use tabsense::backend::{cpu::CpuBackend, now};
//! use tabsense::text_model::Loader;
//!
//! let read = |name| std::fs::read(format!("models/sentiment-en/{name}"));
//! let (config, tokenizer) = (read("config.json")?, read("tokenizer.json")?);
//! let mut loader = Loader::new(CpuBackend::new(), &config, &tokenizer, "auto", None)?;
//! loader.push(&read("model.safetensors")?)?; // or chunk by chunk, as they arrive
//! let model = loader.finish()?;
//!
//! let scores = now(model.scores(&[model.encode("A delight from start to finish.", false)?]))?;
//! let best = tabsense::head::best(&scores[0], 1)[0];
//! assert_eq!(model.config().labels[best], "POSITIVE");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `examples/classify.rs` is a program that classifies the texts passed to it.

#![deny(missing_docs)]
// Modules document their private parts for contributors: `cargo doc --document-private-items` links them.
#![allow(rustdoc::private_intra_doc_links)]

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
// One set of bindings per module: exports are kept whether or not they are called.
#[cfg(all(target_arch = "wasm32", not(any(feature = "convert", feature = "rewriter", feature = "teacher"))))]
pub mod web;
#[cfg(all(target_arch = "wasm32", feature = "convert", not(feature = "rewriter")))]
pub mod web_convert;
#[cfg(all(target_arch = "wasm32", feature = "teacher"))]
pub mod web_teach;
pub mod weights;

pub use error::{Error, ErrorKind, Result, try_reserve, try_vec};

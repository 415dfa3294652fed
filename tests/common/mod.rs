//! What the tests share. The same tests run on the host and, under `wasm-pack test`, in a browser, so files
//! are compiled in.
#![allow(dead_code)] // Each group of tests uses only a part.

use tabsense::Result;
use tabsense::backend::cpu::CpuBackend;
pub use tabsense::backend::now;
use tabsense::batch::PackedBatch;
use tabsense::config::Config;
use tabsense::model::Model;
use tabsense::model::load::{Dtype, ModelLoader};

/// A committed random model and PyTorch's results for it (test_data/README.md).
pub struct Tiny {
    pub name: &'static str,
    pub config: &'static [u8],
    pub tokenizer: &'static [u8],
    pub weights: &'static [u8],
    pub goldens: &'static str,
}

macro_rules! tiny {
    ($name:literal) => {
        Tiny {
            name: $name,
            config: include_bytes!(concat!("../../test_data/models/", $name, "/config.json")),
            tokenizer: include_bytes!(concat!("../../test_data/models/", $name, "/tokenizer.json")),
            weights: include_bytes!(concat!("../../test_data/models/", $name, "/model.safetensors")),
            goldens: include_str!(concat!("../../test_data/goldens/", $name, ".json")),
        }
    };
}

pub mod edit;
pub mod encoders;
pub mod goldens;
pub mod gpu;
pub mod kernels;
pub mod protobuf;
pub mod texts;
pub mod torch;

pub const F32: Tiny = tiny!("tiny-f32");
pub const F16: Tiny = tiny!("tiny-f16");
pub const BF16: Tiny = tiny!("tiny-bf16");

impl Tiny {
    pub fn config(&self) -> Config {
        Config::from_json(self.config).unwrap()
    }

    pub fn load(&self, dtype: Dtype) -> (Model<CpuBackend>, CpuBackend) {
        load(self.config(), dtype, [self.weights]).unwrap()
    }
}

/// Loads weights that come in `chunks`.
pub fn load<'a>(
    config: Config,
    dtype: Dtype,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> Result<(Model<CpuBackend>, CpuBackend)> {
    let mut loader = ModelLoader::new(CpuBackend::new(), config, dtype, None);
    for chunk in chunks {
        loader.push(chunk)?;
    }
    let (model, backend, _) = loader.finish()?;
    Ok((model, backend))
}

/// The logits of texts, given as ids: one list per text.
pub fn logits(model: &Model<CpuBackend>, backend: &CpuBackend, texts: &[&[u32]]) -> Vec<Vec<f32>> {
    let flat = now(model.outputs(backend, &PackedBatch::new(texts.iter().copied()))).unwrap();
    flat.chunks(model.config().labels.len()).map(<[f32]>::to_vec).collect()
}

/// The largest difference between two lists of equal length.
pub fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max)
}

/// How many cases a property is tested on: `usual`, times `TABSENSE_CASES_FACTOR` if that is set
/// (`npm run test:long`).
#[cfg(not(target_arch = "wasm32"))]
pub fn cases(usual: u32) -> u32 {
    std::env::var("TABSENSE_CASES_FACTOR").map_or(usual, |factor| usual * factor.parse::<u32>().unwrap())
}

/// xorshift64*: the same numbers on every target.
pub struct Random(pub u64);

impl Random {
    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// `n` values in [-1, 1).
    pub fn values(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| (self.bits() >> 40) as f32 / (1 << 23) as f32 - 1.0).collect()
    }

    /// 0..n in random order.
    pub fn order(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        (1..n).for_each(|i| order.swap(i, self.bits() as usize % (i + 1)));
        order
    }
}

/// An asynchronous test. On the host it is polled once: nothing is left to wait for when the device is done.
#[allow(unused_macros)] // Each group of tests uses only a part.
macro_rules! gpu_test {
    ($name:ident, $body:expr) => {
        #[cfg(target_arch = "wasm32")]
        #[wasm_bindgen_test::wasm_bindgen_test]
        async fn $name() {
            $body.await
        }

        #[cfg(not(target_arch = "wasm32"))]
        #[test]
        fn $name() {
            crate::common::now($body)
        }
    };
}

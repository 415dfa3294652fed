//! Properties that hold for models of every architecture and any small size, and for damaged files of them.

use crate::common::edit::{self, Tensor};
use crate::common::encoders::ENCODERS;
use crate::common::{Random, cases, load, now};
use proptest::prelude::*;
use serde_json::json;
use tabsense::backend::cpu::CpuBackend;
use tabsense::batch::PackedBatch;
use tabsense::config::{Config, Pooling, Task};
use tabsense::model::Model;
use tabsense::model::architecture::{Network, READERS};
use tabsense::model::load::Dtype;
use tabsense::model::plan::{Place, Slot};

/// Rows of the table of types, if there is one.
const TYPES: u8 = 2;

/// The task for a random number.
fn task(drawn: usize) -> Task {
    [Task::Classify, Task::Embed(Pooling::First), Task::Embed(Pooling::Mean), Task::Encode][drawn % 4]
}

/// A configuration and weights of any architecture and small sizes.
fn models() -> impl Strategy<Value = (Config, Vec<u8>)> {
    let sizes = (1usize..=3, 1usize..=3, 1usize..=9, 1usize..=30, 1usize..=9, 0usize..4);
    (0..READERS.len(), sizes, any::<u64>()).prop_map(|(architecture, sizes, seed)| {
        let (layers, heads, head_width, hidden, embedding, drawn) = sizes;
        let model_type = READERS[architecture].0;
        let config = json!({
            "model_type": model_type, "num_hidden_layers": layers, "num_attention_heads": heads,
            "hidden_size": heads * head_width, "embedding_size": embedding, "vocab_size": 50, "type_vocab_size": TYPES,
            if model_type == "distilbert" { "hidden_dim" } else { "intermediate_size" }: hidden,
            "max_position_embeddings": 30, "id2label": { "0": "a", "1": "b", "2": "c" },
        });
        let config = Config::for_task(config.to_string().as_bytes(), task(drawn)).unwrap();
        let mut random = Random(seed | 1);
        let (_, plan) = Network::new(&config);
        let tensor = |slot: &Slot| {
            let base = if matches!(slot.place, Place::Gamma(_)) { 1.0 } else { 0.0 };
            let values = random.values(slot.shape.iter().product());
            Tensor::f32(&slot.name, &slot.shape, &values.iter().map(|x| base + 0.5 * x).collect::<Vec<_>>())
        };
        let tensors: Vec<Tensor> = plan.slots().iter().map(tensor).collect();
        (config, edit::write(&tensors))
    })
}

/// Ids, each with one of two types.
fn texts() -> impl Strategy<Value = Vec<Vec<(u32, u8)>>> {
    prop::collection::vec(prop::collection::vec((0u32..50, 0..TYPES), 1..=24), 1..=6)
}

fn batch(texts: &[Vec<(u32, u8)>]) -> PackedBatch {
    let apart: Vec<(Vec<u32>, Vec<u8>)> = texts.iter().map(|text| text.iter().copied().unzip()).collect();
    PackedBatch::with_types(apart.iter().map(|(ids, types)| (ids.as_slice(), types.as_slice())))
}

/// The model's outputs for some texts, by its task.
fn outputs(model: &Model<CpuBackend>, backend: &CpuBackend, texts: &[Vec<(u32, u8)>]) -> Vec<f32> {
    now(model.outputs(backend, &batch(texts))).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(200), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_batch_gives_what_its_texts_give_alone((config, file) in models(), texts in texts(), int8 in any::<bool>()) {
        let dtype = if int8 { Dtype::Int8 } else { Dtype::Fp32 };
        let (model, backend) = load(config, dtype, file.chunks(1009)).unwrap();
        let together = outputs(&model, &backend, &texts);
        let alone = texts.iter().flat_map(|text| outputs(&model, &backend, std::slice::from_ref(text)));
        let alone: Vec<f32> = alone.collect();
        prop_assert!(together.iter().all(|x| x.is_finite()));
        prop_assert_eq!(together, alone);
    }

    /// A configuration or weights with any byte changed load or are refused; they never panic.
    #[test]
    fn a_damaged_file_never_panics(which in 0..ENCODERS.len(), at in any::<prop::sample::Index>(), bits in 1u8..=255) {
        let tiny = &ENCODERS[which];
        let mut config = tiny.config.to_vec();
        let at_config = at.index(config.len());
        config[at_config] ^= bits;
        let mut weights = tiny.weights.to_vec();
        let at_weights = at.index(12_000);
        weights[at_weights] ^= bits;
        for (config, weights) in [(config.as_slice(), tiny.weights), (tiny.config, weights.as_slice())] {
            let Ok(config) = Config::from_json(config) else { continue };
            if let Ok((model, backend)) = load(config, Dtype::Auto, [weights])
                && let Ok(logits) = now(model.outputs(&backend, &batch(&[vec![(2, 0), (7, 1), (3, 0)]])))
            {
                prop_assert!(logits.iter().all(|x| x.is_finite()));
            }
        }
    }
}

//! Properties that hold for every model, every text and every way of cutting a stream.

use crate::common::edit::{self, Tensor};
use crate::common::{F32, cases, load, logits, now};
use proptest::prelude::*;
use std::collections::HashMap;
use tabsense::config::Config;
use tabsense::model::architecture::Network;
use tabsense::model::load::Dtype;
use tabsense::tokenize::Tokenizer;

const TOKENIZER: &[u8] = include_bytes!("../../models/sentiment-en-1/tokenizer.json");

/// A model of any small size with random weights.
#[derive(Clone, Debug)]
struct Random {
    config: Config,
    tensors: HashMap<String, (Vec<usize>, Vec<f32>)>,
}

impl Random {
    fn file(&self) -> Vec<u8> {
        let tensors: Vec<Tensor> = self.tensors.iter().map(|(name, (shape, v))| Tensor::f32(name, shape, v)).collect();
        edit::write(&tensors)
    }

    fn get(&self, name: &str) -> &[f32] {
        &self.tensors[name].1
    }
}

fn models() -> impl Strategy<Value = Random> {
    (1usize..=3, 1usize..=3, 1usize..=9, 1usize..=30, 1usize..=4, any::<u64>(), any::<bool>()).prop_map(
        |(layers, heads, head_width, hidden, labels, seed, relu)| {
            let json = format!(
                r#"{{"model_type": "distilbert", "dim": {}, "n_heads": {heads}, "n_layers": {layers}, "hidden_dim": {hidden},
                    "vocab_size": 50, "max_position_embeddings": 24, "num_labels": {labels}, "activation": "{}"}}"#,
                heads * head_width,
                if relu { "relu" } else { "gelu" }
            );
            let config = Config::from_json(json.as_bytes()).unwrap();
            let mut state = seed | 1;
            let mut number = || {
                // xorshift64: any numbers in -1..1 will do.
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
            };
            let tensors = Network::new(&config)
                .1
                .slots()
                .iter()
                .map(|e| {
                    let values = (0..e.shape.iter().product()).map(|_| number()).collect();
                    (e.name.clone(), (e.shape.clone(), values))
                })
                .collect();
            Random { config, tensors }
        },
    )
}

fn texts() -> impl Strategy<Value = Vec<Vec<u32>>> {
    prop::collection::vec(prop::collection::vec(0u32..50, 1..=24), 1..=6)
}

/// DistilBERT as in the paper, in f64, padded to the longest text with a mask.
fn padded_reference(model: &Random, texts: &[Vec<u32>]) -> Vec<Vec<f64>> {
    let c = &model.config;
    let (d, longest) = (c.width, texts.iter().map(Vec::len).max().unwrap());
    let linear = |name: &str, x: &[f64]| -> Vec<f64> {
        let (w, b) = (model.get(&format!("{name}.weight")), model.get(&format!("{name}.bias")));
        let row = |m: usize| (0..x.len()).map(|k| x[k] * f64::from(w[m * x.len() + k])).sum::<f64>() + f64::from(b[m]);
        (0..b.len()).map(row).collect()
    };
    let norm = |name: &str, x: &[f64]| -> Vec<f64> {
        let (g, b) = (model.get(&format!("{name}.weight")), model.get(&format!("{name}.bias")));
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        let var = x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / x.len() as f64;
        let scale = 1.0 / (var + 1e-12).sqrt();
        (0..x.len()).map(|i| (x[i] - mean) * scale * f64::from(g[i]) + f64::from(b[i])).collect()
    };
    let add = |x: &[f64], y: &[f64]| -> Vec<f64> { x.iter().zip(y).map(|(x, y)| x + y).collect() };
    let activate = |x: f64| match c.activation {
        tabsense::backend::Activation::Relu => x.max(0.0),
        tabsense::backend::Activation::Gelu => 0.5 * x * (1.0 + libm::erf(x / 2f64.sqrt())),
        other => unreachable!("{other:?} is not drawn"),
    };
    let mut logits = Vec::new();
    for text in texts {
        let words = model.get("distilbert.embeddings.word_embeddings.weight");
        let positions = model.get("distilbert.embeddings.position_embeddings.weight");
        let mut x: Vec<Vec<f64>> = (0..longest)
            .map(|t| {
                let id = text.get(t).copied().unwrap_or(0) as usize;
                let row = |i| f64::from(words[id * d + i]) + f64::from(positions[t * d + i]);
                norm("distilbert.embeddings.LayerNorm", &(0..d).map(row).collect::<Vec<_>>())
            })
            .collect();
        for layer in 0..c.layers {
            let name = |n: &str| format!("distilbert.transformer.layer.{layer}.{n}");
            let project = |n: &str| x.iter().map(|r| linear(&name(n), r)).collect::<Vec<_>>();
            let (q, k, v) = (project("attention.q_lin"), project("attention.k_lin"), project("attention.v_lin"));
            let head_width = d / c.heads;
            let mut context = vec![vec![0.0; d]; longest];
            for h in 0..c.heads {
                let columns = h * head_width..(h + 1) * head_width;
                for t in 0..longest {
                    let score = |s: usize| {
                        let dot: f64 = columns.clone().map(|i| q[t][i] * k[s][i]).sum();
                        if s < text.len() { dot / (head_width as f64).sqrt() } else { f64::NEG_INFINITY }
                    };
                    let scores: Vec<f64> = (0..longest).map(score).collect();
                    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    let sum: f64 = scores.iter().map(|s| (s - largest).exp()).sum();
                    for i in columns.clone() {
                        context[t][i] = (0..longest).map(|s| (scores[s] - largest).exp() / sum * v[s][i]).sum();
                    }
                }
            }
            for t in 0..longest {
                let attended = linear(&name("attention.out_lin"), &context[t]);
                let y = norm(&name("sa_layer_norm"), &add(&x[t], &attended));
                let inner: Vec<f64> = linear(&name("ffn.lin1"), &y).into_iter().map(activate).collect();
                x[t] = norm(&name("output_layer_norm"), &add(&y, &linear(&name("ffn.lin2"), &inner)));
            }
        }
        let pooled: Vec<f64> = linear("pre_classifier", &x[0]).into_iter().map(|v| v.max(0.0)).collect();
        logits.push(linear("classifier", &pooled));
    }
    logits
}

fn refs(texts: &[Vec<u32>]) -> Vec<&[u32]> {
    texts.iter().map(Vec::as_slice).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(256), failure_persistence: None, ..ProptestConfig::default() })]

    /// Layer normalization of a few nearly equal numbers amplifies rounding, hence the relative tolerance.
    #[test]
    fn without_padding_equals_with_padding(model in models(), texts in texts()) {
        // A width of one or two normalizes to ±1 or 0, where the sign depends on rounding.
        prop_assume!(model.config.width >= 4);
        let (packed, backend) = load(model.config.clone(), Dtype::Fp32, [model.file().as_slice()]).unwrap();
        let expected = padded_reference(&model, &texts);
        for (got, want) in logits(&packed, &backend, &refs(&texts)).iter().zip(&expected) {
            for (x, y) in got.iter().zip(want) {
                prop_assert!((f64::from(*x) - y).abs() <= 2e-4 * (1.0 + y.abs()), "{x} for {y}");
            }
        }
    }

    #[test]
    fn any_batch_gives_what_its_texts_give_alone(model in models(), texts in texts(), int8 in any::<bool>()) {
        let dtype = if int8 { Dtype::Int8 } else { Dtype::Fp32 };
        let (model, backend) = load(model.config.clone(), dtype, [model.file().as_slice()]).unwrap();
        let together = logits(&model, &backend, &refs(&texts));
        for (text, got) in texts.iter().zip(&together) {
            prop_assert_eq!(&logits(&model, &backend, &[text])[0], got);
        }
    }

    #[test]
    fn any_split_of_the_stream_gives_the_same_model(
        cuts in prop::collection::vec(0..F32.weights.len(), 0..40),
        int8 in any::<bool>(),
    ) {
        let mut cuts = cuts;
        cuts.extend([0, F32.weights.len()]);
        cuts.sort_unstable();
        let chunks = cuts.windows(2).map(|w| &F32.weights[w[0]..w[1]]);
        let dtype = if int8 { Dtype::Int8 } else { Dtype::Auto };
        let (split, a) = load(F32.config(), dtype, chunks).unwrap();
        let (whole, b) = F32.load(dtype);
        let text: &[u32] = &[2, 40, 500, 996, 3];
        prop_assert_eq!(logits(&split, &a, &[text]), logits(&whole, &b, &[text]));
    }

    /// A file with any of its bytes changed loads or is refused; it never panics, and never gives NaN or
    /// infinity.
    #[test]
    fn a_damaged_file_never_panics(at in 0..F32.weights.len(), header in 0usize..12_000, bits in 1u8..=255) {
        for at in [at, header] {
            let mut file = F32.weights.to_vec();
            file[at] ^= bits;
            if let Ok((model, backend)) = load(F32.config(), Dtype::Auto, [file.as_slice()]) {
                let batch = tabsense::batch::PackedBatch::new([&[2u32, 7, 3][..]]);
                if let Ok(logits) = now(model.outputs(&backend, &batch)) {
                    prop_assert!(logits.iter().all(|x| x.is_finite()));
                }
            }
        }
    }
}

/// Added tokens with white space, with marks and with every flag; and without BERT's normalizer.
const FILES: [&str; 4] = [
    r#"{"added_tokens": []}"#,
    r#"{"added_tokens": [
        {"id": 4, "content": "a b", "normalized": true}, {"id": 5, "content": "中 a", "normalized": true, "single_word": true},
        {"id": 6, "content": "[SEP]", "normalized": false, "lstrip": true, "rstrip": true}]}"#,
    r#"{"added_tokens": [
        {"id": 4, "content": "é ", "normalized": false, "rstrip": true}, {"id": 5, "content": "!a", "normalized": true, "rstrip": true},
        {"id": 6, "content": "aaaa", "normalized": true, "single_word": true, "lstrip": true}]}"#,
    r#"{"added_tokens": [{"id": 4, "content": " ", "normalized": true}], "normalizer": null}"#,
];

/// The file of test_data/make_added_tokens.py, with some fields replaced.
fn tokenizer_with(fields: &str) -> Tokenizer {
    let base = include_str!("../../test_data/tokenizer/added_base.json");
    let mut file: serde_json::Map<String, serde_json::Value> = serde_json::from_str(base).unwrap();
    file.extend(serde_json::from_str::<serde_json::Map<_, _>>(fields).unwrap());
    file["model"]["max_input_chars_per_word"] = 300.into();
    Tokenizer::from_json(serde_json::to_string(&file).unwrap().as_bytes(), 100).unwrap()
}

/// A part of a text: a few characters, or many of one kind.
fn part() -> impl Strategy<Value = String> {
    let of = |parts: &'static [&'static str]| prop::sample::select(parts);
    let pieces = of(&[
        "a", "b", "é", "e\u{301}", " ", "\n", "[SEP]", "中", "!", "a b", "中 a", "ß", "x", "\u{200d}", "\u{200b}",
    ]);
    let runs = of(&["a", "ab", " ", "\u{3000}", "中", "\u{301}", "\u{200b}", "!", "é ", "\u{1d165}", "aaaa "]);
    prop_oneof![4 => pieces.prop_map(str::to_owned), 1 => (runs, 1usize..700).prop_map(|(run, n)| run.repeat(n))]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(500), failure_persistence: None, ..ProptestConfig::default() })]

    /// Only as much of a text is read as its first tokens need, and that must not change them.
    #[test]
    fn a_cut_text_has_the_first_tokens_of_the_whole(
        parts in prop::collection::vec(part(), 0..24),
        tail in part(),
        max_tokens in 2usize..40,
        file in 0usize..FILES.len(),
    ) {
        thread_local!(static SHARED: Vec<Tokenizer> = FILES.map(tokenizer_with).into());
        let text = parts.concat() + &tail.repeat(40);
        SHARED.with(|tokenizers| -> Result<(), TestCaseError> {
            let tokenizer = &tokenizers[file];
            let (ids, offsets) = tokenizer.encode_with_offsets(&text).unwrap();
            let cut = tokenizer.encode_to(&text, max_tokens, true).unwrap();
            prop_assert_eq!(&tokenizer.encode_to(&text, max_tokens, false).unwrap().ids, &cut.ids);
            if ids.is_empty() {
                prop_assert_eq!((cut.ids.len(), cut.truncated), (0, false));
            } else {
                prop_assert_eq!(tokenizer.frame(ids, Some(offsets), max_tokens), cut);
            }
            Ok(())
        })?;
    }

    #[test]
    fn tokens_are_the_same_with_and_without_offsets(text in any::<String>()) {
        thread_local!(static SHARED: Tokenizer = Tokenizer::from_json(TOKENIZER, 30_522).unwrap());
        SHARED.with(|tokenizer| -> Result<(), TestCaseError> {
            let (ids, offsets) = tokenizer.encode_with_offsets(&text).unwrap();
            prop_assert_eq!(&ids, &tokenizer.encode(&text).unwrap());
            prop_assert_eq!(ids.len(), offsets.len());
            for range in offsets {
                prop_assert!(text.get(range.clone()).is_some_and(|piece| !piece.is_empty()), "{range:?}");
            }
            Ok(())
        })?;
    }
}

//! `config.json`: files of models, with fields changed, duplicated and nested, or any bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use tabsense::ErrorKind;
use tabsense::config::{Config, Pooling, Task, limits};
use tabsense::model::architecture::{Architecture, Network};
use tabsense_fuzz::json::Node;
use tabsense_fuzz::{Result, Unstructured, check_message, complete_file, damage, run_bounded};

macro_rules! configs {
    ($($path:literal),* $(,)?) => {
        [$(include_bytes!(concat!("../../", $path, "/config.json"))),*]
    };
}

static CONFIGS: LazyLock<Vec<Node>> = LazyLock::new(|| {
    let files: [&[u8]; 13] = configs![
        "models/sentiment-en",
        "models/minilm-en",
        "models/pii-en",
        "test_data/models/mini-bert",
        "test_data/models/mini-camembert",
        "test_data/models/mini-data2vec-text",
        "test_data/models/mini-distilbert",
        "test_data/models/mini-electra",
        "test_data/models/mini-mpnet",
        "test_data/models/mini-roberta",
        "test_data/models/mini-xlm-roberta",
        "test_data/static/mapped",
        "test_data/static/weighted",
    ];
    files.map(Node::read).into()
});

/// The fields that are read.
const KEYS: &[&str] = &[
    "activation",
    "architectures",
    "dim",
    "embedding_dtype",
    "embedding_size",
    "hidden_act",
    "hidden_dim",
    "hidden_size",
    "id2label",
    "intermediate_size",
    "is_decoder",
    "layer_norm_eps",
    "max_length",
    "max_position_embeddings",
    "model_type",
    "n_heads",
    "n_layers",
    "num_attention_heads",
    "num_hidden_layers",
    "num_labels",
    "pad_token_id",
    "position_embedding_type",
    "problem_type",
    "relative_attention_num_buckets",
    "tokenizer_class",
    "type_vocab_size",
    "vocab_size",
];
const TASKS: [Task; 5] =
    [Task::Classify, Task::Embed(Pooling::First), Task::Embed(Pooling::Mean), Task::Encode, Task::Tag];

/// Checks that an accepted configuration is within the limits that docs/security.md states.
fn check(config: &Config) {
    assert!((1..=limits::WIDTH).contains(&config.width) && config.width.is_multiple_of(config.heads), "{config:?}");
    assert!((1..=limits::VOCABULARY).contains(&config.vocabulary) && config.max_tokens > 0, "{config:?}");
    assert!((0.0..=1.0).contains(&config.layer_norm_eps), "{config:?}");
    assert_eq!(config.labels.is_empty(), !config.task.has_head(), "{config:?}");
    if !matches!(config.architecture, Architecture::StaticEmbedding(_)) {
        assert!((1..=limits::HIDDEN).contains(&config.hidden) && (1..=limits::LAYERS).contains(&config.layers));
        assert!(config.max_tokens <= config.positions && config.positions <= limits::POSITIONS, "{config:?}");
        assert!(config.types <= limits::TYPES && config.labels.len() <= limits::LABELS, "{config:?}");
    }
    // A plan has one entry per tensor, and allocates none of them.
    let (_, plan) = Network::new(config);
    assert!(!plan.slots().is_empty());
}

fn target(u: &mut Unstructured) -> Result<()> {
    let file = match complete_file(u) {
        Some(file) => file.to_vec(),
        None => {
            let mut node = u.choose(&CONFIGS)?.clone();
            for _ in 0..u.int_in_range(0..=6)? {
                node.change(KEYS, u)?;
            }
            let mut file = node.written();
            if u.ratio(1, 8)? {
                damage(&mut file, u)?;
            }
            file
        }
    };
    match Config::for_task(&file, *u.choose(&TASKS)?) {
        Ok(config) => check(&config),
        Err(error) => {
            check_message(&error);
            let kinds = [ErrorKind::ConfigInvalid, ErrorKind::ConfigUnsupported, ErrorKind::NotAModel];
            assert!(kinds.contains(&error.kind()), "{error}");
        }
    }
    Ok(())
}

fuzz_target!(|data: &[u8]| run_bounded(data, target));

use super::*;

fn kind(json: &str) -> ErrorKind {
    let error = Config::from_json(json.as_bytes()).expect_err(json);
    assert!(error.message().starts_with("config.json "), "{}", error.message());
    error.kind()
}

#[test]
fn a_checkpoint_s_own_file_is_read() {
    let config = Config::from_json(include_bytes!("../../models/sentiment-en/config.json")).unwrap();
    assert_eq!((config.width, config.heads, config.layers, config.hidden), (384, 12, 6, 1536));
    assert_eq!((config.vocabulary, config.max_tokens), (16_000, 512));
    assert_eq!(config.labels, ["NEGATIVE", "NEUTRAL", "POSITIVE"]);
    assert_eq!((config.activation, config.scoring), (Activation::Gelu, Scoring::Softmax));
}

#[test]
fn missing_fields_take_the_library_s_defaults() {
    let config = Config::from_json(br#"{"model_type": "distilbert"}"#).unwrap();
    assert_eq!((config.width, config.heads, config.layers, config.hidden), (768, 12, 6, 3072));
    assert_eq!(config.labels, ["LABEL_0", "LABEL_1"]);
}

#[test]
fn scoring_follows_the_problem_type_as_in_the_pipeline() {
    let scoring = |extra: &str| {
        Config::from_json(format!(r#"{{"model_type": "distilbert", {extra}}}"#).as_bytes()).unwrap().scoring
    };
    assert_eq!(scoring(r#""problem_type": "multi_label_classification""#), Scoring::Sigmoid);
    assert_eq!(scoring(r#""problem_type": "single_label_classification""#), Scoring::Softmax);
    let one = r#"{"model_type": "distilbert", "problem_type": "single_label_classification", "num_labels": 1}"#;
    assert_eq!(kind(one), ErrorKind::ConfigInvalid);
    assert_eq!(scoring(r#""problem_type": "regression", "num_labels": 1"#), Scoring::Identity);
    assert_eq!(scoring(r#""num_labels": 1"#), Scoring::Sigmoid);
    assert_eq!(scoring(r#""problem_type": null"#), Scoring::Softmax);
}

#[test]
fn labels_are_read_as_python_reads_them() {
    let labels = |json: &str| {
        let json = format!(r#"{{"model_type": "distilbert", "temperature": NaN, "a": [-Infinity], {json}}}"#);
        Config::from_json(json.as_bytes()).unwrap().labels
    };
    assert_eq!(labels(r#""id2label": {"0": 0, "1": 1.5}"#), ["0", "1.5"]);
    assert_eq!(labels(r#""id2label": {"0": false, "1": true, "2": null}"#), ["false", "true", "null"]);
    assert_eq!(labels(r#""id2label": {"01": "b", "00": "a", " 2": "NaN"}"#), ["a", "b", "NaN"]);
    assert_eq!(labels(r#""num_labels": 3, "id2label": null"#), ["LABEL_0", "LABEL_1", "LABEL_2"]);
}

#[test]
fn sizes_have_bert_s_names_too() {
    let bert = r#"{"model_type": "distilbert", "hidden_size": 4, "num_attention_heads": 2, "num_hidden_layers": 3}"#;
    let config = Config::from_json(bert.as_bytes()).unwrap();
    assert_eq!((config.width, config.heads, config.layers), (4, 2, 3));
}

#[test]
fn an_own_class_may_have_a_classifier() {
    for names in [r#"["MyDistilBertClassifier"]"#, r#"["TFDistilBertForSequenceClassification"]"#, "[]", "null"] {
        let json = format!(r#"{{"model_type": "distilbert", "architectures": {names}}}"#);
        assert!(Config::from_json(json.as_bytes()).is_ok(), "{names}");
    }
}

#[test]
fn rejects_other_files() {
    assert_eq!(kind("<!doctype html>"), ErrorKind::NotAModel);
}

#[test]
fn every_architecture_s_own_file_is_read() {
    use crate::model::roberta::Kind;
    macro_rules! real {
        ($name:literal) => {
            include_bytes!(concat!("../../tests/cases/13-real-configs/read/", $name, ".json"))
        };
    }
    let roberta = |kind| Architecture::Roberta { kind, padding: 1 };
    let cases: [(&[u8], _, _, _, _); 7] = [
        (real!("finbert"), Architecture::Bert, [768, 12, 30_522, 512, 2], 1e-12, 3),
        (real!("indobert"), Architecture::Bert, [768, 12, 50_000, 512, 2], 1e-12, 5),
        (real!("veracity-roberta-v5"), roberta(Kind::Roberta), [768, 12, 50_265, 512, 1], 1e-5, 4),
        (real!("generated-xlm-roberta"), roberta(Kind::XlmRoberta), [768, 12, 30_522, 510, 2], 1e-12, 2),
        (real!("generated-camembert"), roberta(Kind::Camembert), [768, 12, 30_522, 510, 2], 1e-12, 2),
        (real!("generated-data2vec-text"), roberta(Kind::Data2Vec), [768, 12, 30_522, 510, 2], 1e-12, 2),
        (
            real!("generated-electra"),
            Architecture::Electra { embedding_width: 128 },
            [256, 4, 30_522, 512, 2],
            1e-12,
            2,
        ),
    ];
    for (json, architecture, sizes, eps, labels) in cases {
        let config = Config::from_json(json).unwrap();
        assert_eq!((config.architecture, config.task), (architecture, Task::Classify));
        let Sizes { width, heads, vocabulary, max_tokens, types, .. } = config.sizes;
        assert_eq!([width, heads, vocabulary, max_tokens, types], sizes, "{architecture:?}");
        assert_eq!((config.layers, config.layer_norm_eps, config.labels.len()), (12, eps, labels), "{architecture:?}");
    }
}

#[test]
fn defaults_are_the_library_s() {
    let sizes = |json: &str| {
        let Sizes { width, heads, layers, hidden, vocabulary, positions, max_tokens, types, .. } =
            Config::from_json(json.as_bytes()).unwrap().sizes;
        [width, heads, layers, hidden, vocabulary, positions, max_tokens, types]
    };
    assert_eq!(sizes(r#"{"model_type": "bert"}"#), [768, 12, 12, 3072, 30_522, 512, 512, 2]);
    assert_eq!(sizes(r#"{"model_type": "roberta"}"#), [768, 12, 12, 3072, 50_265, 512, 510, 2]);
    assert_eq!(sizes(r#"{"model_type": "data2vec-text"}"#), [768, 12, 12, 3072, 30_522, 512, 510, 2]);
    assert_eq!(sizes(r#"{"model_type": "electra"}"#), [256, 4, 12, 1024, 30_522, 512, 512, 2]);
    assert_eq!(sizes(r#"{"model_type": "mpnet"}"#), [768, 12, 12, 3072, 30_527, 512, 510, 0]);
}

#[test]
fn an_encoder_is_read_whatever_its_head() {
    let encoder = |json: &[u8]| Config::for_task(json, Task::Encode).unwrap();
    let mpnet = encoder(include_bytes!("../../tests/cases/13-real-configs/refused/mpnet-base-model.json"));
    assert_eq!((mpnet.architecture, mpnet.max_tokens), (Architecture::MpNet { buckets: 32 }, 512));
    assert_eq!((mpnet.task, mpnet.labels.len()), (Task::Encode, 0));
    let answers = encoder(include_bytes!("../../tests/cases/13-real-configs/refused/roberta-squad-qa.json"));
    assert_eq!(answers.architecture.name(), "roberta");
}

#[test]
fn names_the_supported_types_for_an_unknown_one() {
    let error = Config::from_json(br#"{"model_type": "t5", "d_model": "?"}"#).unwrap_err();
    let message = error.message();
    assert!(message.contains("\"t5\""), "{message}");
    for (name, _) in READERS {
        assert!(message.contains(name), "{message}");
        assert_eq!(
            Config::from_json(format!(r#"{{"model_type": {name:?}}}"#).as_bytes()).unwrap().architecture.name(),
            name
        );
    }
}

#[test]
fn every_nonlinearity_by_its_names() {
    for (name, activation) in [
        ("gelu", Activation::Gelu),
        ("relu", Activation::Relu),
        ("gelu_new", Activation::GeluTanh),
        ("gelu_pytorch_tanh", Activation::GeluTanh),
        ("gelu_fast", Activation::GeluTanh),
    ] {
        for (model_type, field) in [("bert", "hidden_act"), ("distilbert", "activation")] {
            let json = format!(r#"{{"model_type": "{model_type}", "{field}": "{name}"}}"#);
            assert_eq!(Config::from_json(json.as_bytes()).unwrap().activation, activation, "{json}");
        }
    }
}

#[test]
fn other_files_are_invalid() {
    for json in [
        "",
        "[]",
        "null",
        "{}",
        r#"{"model_type": 3}"#,
        r#"{"model_type": "distilbert", "dim": -3}"#,
        r#"{"model_type": "distilbert", "dim": 0}"#,
        r#"{"model_type": "distilbert", "dim": 38.5}"#,
        r#"{"model_type": "distilbert", "dim": "384"}"#,
        r#"{"model_type": "distilbert", "dim": 100, "n_heads": 12}"#,
        r#"{"model_type": "distilbert", "n_heads": 0}"#,
        r#"{"model_type": "distilbert", "n_layers": 4000000000}"#,
        r#"{"model_type": "distilbert", "vocab_size": 99999999999999999999}"#,
        r#"{"model_type": "distilbert", "hidden_dim": 9999999}"#,
        r#"{"model_type": "distilbert", "max_position_embeddings": 0}"#,
        r#"{"model_type": "distilbert", "num_labels": 0}"#,
        r#"{"model_type": "distilbert", "id2label": {}}"#,
        r#"{"model_type": "distilbert", "id2label": {"0": "a", "2": "b"}}"#,
        r#"{"model_type": "distilbert", "id2label": ["a"]}"#,
        r#"{"model_type": "distilbert", "id2label": {"1": "a", "2": "b"}}"#,
        r#"{"model_type": "distilbert", "id2label": {"0": "a", "00": "b"}}"#,
        r#"{"model_type": "distilbert", "id2label": {"0": {}}}"#,
        r#"{"model_type": "distilbert", "dim": NaN}"#,
        r#"{"model_type": "distilbert", "dim": null}"#,
        r#"{"model_type": "distilbert", "hidden_size": 0}"#,
        r#"{"model_type": "distilbert", "architectures": "MyModel"}"#,
        r#"{"model_type": "bert", "layer_norm_eps": "1e-12"}"#,
        r#"{"model_type": "bert", "layer_norm_eps": -1e-12}"#,
        r#"{"model_type": "bert", "type_vocab_size": 257}"#,
        r#"{"model_type": "bert", "is_decoder": "yes"}"#,
        r#"{"model_type": "roberta", "pad_token_id": -1}"#,
        r#"{"model_type": "roberta", "max_position_embeddings": 2}"#,
        r#"{"model_type": "electra", "embedding_size": 0}"#,
        r#"{"model_type": "mpnet", "relative_attention_num_buckets": 31}"#,
        r#"{"model_type": "mpnet", "max_position_embeddings": 2}"#,
    ] {
        assert_eq!(kind(json), ErrorKind::ConfigInvalid, "{json}");
    }
}

#[test]
fn other_models_are_unsupported() {
    for json in [
        r#"{"model_type": "t5"}"#,
        r#"{"model_type": "distilbert", "activation": "silu"}"#,
        r#"{"model_type": "distilbert", "activation": "tanh"}"#,
        r#"{"model_type": "distilbert", "architectures": ["DistilBertForMaskedLM"]}"#,
        r#"{"model_type": "distilbert", "problem_type": "ranking"}"#,
        r#"{"model_type": "bert", "hidden_act": "silu"}"#,
        r#"{"model_type": "bert", "is_decoder": true}"#,
        r#"{"model_type": "bert", "position_embedding_type": "relative_key"}"#,
        r#"{"model_type": "bert", "architectures": ["BertModel"]}"#,
        r#"{"model_type": "bert", "architectures": ["BertLMHeadModel"]}"#,
    ] {
        assert_eq!(kind(json), ErrorKind::ConfigUnsupported, "{json}");
    }
}

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
    assert_eq!((config.vocabulary, config.max_tokens), (30_522, 512));
    assert_eq!(config.labels, ["NEGATIVE", "POSITIVE"]);
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
fn another_file_is_no_model_s() {
    assert_eq!(kind("<!doctype html>"), ErrorKind::NotAModel);
}

#[test]
fn what_is_no_configuration_is_invalid() {
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
    ] {
        assert_eq!(kind(json), ErrorKind::ConfigInvalid, "{json}");
    }
}

#[test]
fn what_does_not_run_here_is_unsupported() {
    for json in [
        r#"{"model_type": "t5"}"#,
        r#"{"model_type": "distilbert", "activation": "silu"}"#,
        r#"{"model_type": "distilbert", "activation": "tanh"}"#,
        r#"{"model_type": "distilbert", "architectures": ["DistilBertForMaskedLM"]}"#,
        r#"{"model_type": "distilbert", "problem_type": "ranking"}"#,
    ] {
        assert_eq!(kind(json), ErrorKind::ConfigUnsupported, "{json}");
    }
}

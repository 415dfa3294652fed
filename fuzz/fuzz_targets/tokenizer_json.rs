//! `tokenizer.json` of every kind, with values changed, duplicated and nested, together with the other files
//! of a tokenizer, changed as well. If it is accepted, it encodes texts.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use tabsense::tokenize::TokenizerFiles;
use tabsense_fuzz::json::Node;
use tabsense_fuzz::{Result, Unstructured, complete_file, damage, run, run_bounded, stages, text};

macro_rules! folders {
    ($($name:literal),* $(,)?) => {
        vec![$((
            Node::read(include_bytes!(concat!("../../test_data/models/", $name, "/tokenizer.json"))),
            include_bytes!(concat!("../../test_data/models/", $name, "/config.json")).as_slice(),
        )),*]
    };
}

static FOLDERS: LazyLock<Vec<(Node, &[u8])>> = LazyLock::new(|| {
    let mut folders =
        folders!["mini-bert", "mini-camembert", "mini-electra", "mini-mpnet", "mini-roberta", "mini-xlm-roberta"];
    // Some of each model's own stages, with a vocabulary of a few tokens.
    let static_table = include_bytes!("../../test_data/static/unigram/tokenizer.json");
    folders.push((Node::read(static_table), br#"{"model_type": "bert"}"#.as_slice()));
    folders
});

const CLASSES: &[&str] = &["BertTokenizer", "RobertaTokenizerFast", "XLMRobertaTokenizer", "MPNetTokenizer", "Wonder"];
const KEYS: &[&str] = &[
    "added_tokens",
    "byte_fallback",
    "content",
    "continuing_subword_prefix",
    "cls",
    "decoder",
    "id",
    "ids",
    "max_input_chars_per_word",
    "max_length",
    "merges",
    "model",
    "normalizer",
    "normalizers",
    "pattern",
    "post_processor",
    "pre_tokenizer",
    "precompiled_charsmap",
    "pretokenizers",
    "prepend_scheme",
    "replacement",
    "sep",
    "single",
    "special_tokens",
    "truncation",
    "type",
    "type_id",
    "unk_id",
    "unk_token",
    "vocab",
];

/// A file's JSON, changed.
fn changed(mut node: Node, u: &mut Unstructured) -> Result<Vec<u8>> {
    for _ in 0..u.int_in_range(0..=4)? {
        node.change(KEYS, u)?;
    }
    let mut file = node.written();
    if u.ratio(1, 6)? {
        damage(&mut file, u)?;
    }
    Ok(file)
}

fn target(u: &mut Unstructured) -> Result<()> {
    if let Some(file) = complete_file(u) {
        return run(&TokenizerFiles { tokenizer_json: Some(file), ..TokenizerFiles::default() }, u);
    }
    let (node, model_config) = u.choose(&FOLDERS)?;
    let file = changed(node.clone(), u)?;
    let optional = |u: &mut Unstructured, node: fn(&mut Unstructured) -> Result<Node>| {
        if u.ratio(3, 4)? { Ok(None) } else { changed(node(u)?, u).map(Some) }
    };
    let config = optional(u, |u| Ok(Node::read(stages::config(u, CLASSES)?.as_bytes())))?;
    let special = optional(u, |u| {
        let content = Node::of(&text::token(u)?.into());
        Ok(Node::Object(vec![("cls_token".into(), content.clone()), ("unk_token".into(), content)]))
    })?;
    let added = optional(u, |u| {
        let tokens = text::tokens(u)?.into_iter().zip(100..);
        Ok(Node::Object(tokens.map(|(token, id)| (token, Node::Leaf(id.to_string()))).collect()))
    })?;
    let files = TokenizerFiles {
        model_config: u.arbitrary::<bool>()?.then_some(*model_config),
        tokenizer_json: Some(&file),
        config: config.as_deref(),
        special_tokens_map: special.as_deref(),
        added_tokens: added.as_deref(),
        ..TokenizerFiles::default()
    };
    run(&files, u)
}

fuzz_target!(|data: &[u8]| run_bounded(data, target));

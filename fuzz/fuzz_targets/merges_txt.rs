//! The older files of RoBERTa: `vocab.json` and `merges.txt`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};
use tabsense::tokenize::TokenizerFiles;
use tabsense_fuzz::{Result, Unstructured, damage, run, run_bounded, stages, text};

const CLASSES: &[&str] = &["RobertaTokenizer", "BartTokenizerFast", "Wonder"];

fn target(u: &mut Unstructured) -> Result<()> {
    let first = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "a", "b", "Ġ", "Ã"].map(str::to_owned);
    let mut tokens: Vec<String> = first.into_iter().chain(text::tokens(u)?).collect();
    let mut merges = String::from("#version: 0.2\n");
    for _ in 0..u.int_in_range(0..=12)? {
        let (a, b) = (u.choose(&tokens)?.clone(), u.choose(&tokens)?.clone());
        merges += &format!("{a} {b}\n");
        // Twelve merges of merged tokens would make megabytes.
        if a.len() + b.len() < 1000 {
            tokens.push(a + &b);
        }
    }
    let vocab: Map<String, Value> = tokens.into_iter().enumerate().map(|(id, token)| (token, id.into())).collect();
    let mut files = [Value::Object(vocab).to_string(), merges, stages::config(u, CLASSES)?].map(String::into_bytes);
    for file in &mut files {
        damage(file, u)?;
    }
    let [vocab, merges, config] = &files;
    let files = TokenizerFiles {
        model_config: Some(br#"{"model_type": "roberta"}"#),
        vocab: Some(vocab),
        merges: Some(merges),
        config: u.arbitrary::<bool>()?.then_some(config),
        ..TokenizerFiles::default()
    };
    run(&files, u)
}

fuzz_target!(|data: &[u8]| run_bounded(data, target));

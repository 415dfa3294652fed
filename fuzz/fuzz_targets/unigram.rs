//! A `tokenizer.json` whose model is Unigram.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use tabsense::tokenize::TokenizerFiles;
use tabsense_fuzz::{Result, Unstructured, run, run_bounded, stages, text};

fn target(u: &mut Unstructured) -> Result<()> {
    let first = ["<unk>", "<s>", "</s>", "a", "▁", "▁a", "b", "ab"].map(str::to_owned);
    let tokens = first.into_iter().chain(text::tokens(u)?);
    let mut vocab: Vec<Value> = Vec::new();
    for token in tokens {
        let score: f64 = match u.int_in_range(0..=7)? {
            0 => u.arbitrary()?,
            1 => 0.0,
            _ => -f64::from(u.arbitrary::<u8>()?) / 8.0,
        };
        vocab.push(json!([token, score]));
    }
    if u.arbitrary()? {
        vocab.extend((0..=255).map(|byte: u8| json!([format!("<0x{byte:02X}>"), -20.0])));
    }
    let unk_id = if u.ratio(1, 8)? { u.arbitrary::<Option<i16>>()? } else { Some(0) };
    let model = json!({"type": "Unigram", "vocab": vocab, "unk_id": unk_id, "byte_fallback": u.arbitrary::<bool>()?});
    let file = stages::file(u, model)?;
    run(&TokenizerFiles { tokenizer_json: Some(file.as_bytes()), ..TokenizerFiles::default() }, u)
}

fuzz_target!(|data: &[u8]| run_bounded(data, target));

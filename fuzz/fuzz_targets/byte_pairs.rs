//! A `tokenizer.json` whose model is byte-pair encoding.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};
use tabsense::tokenize::TokenizerFiles;
use tabsense_fuzz::{Result, Unstructured, run, run_bounded, stages, text};

fn target(u: &mut Unstructured) -> Result<()> {
    let first = ["<unk>", "<s>", "</s>", "a", "b", "Ġ", "▁", "Ã", "©"].map(str::to_owned);
    let mut tokens: Vec<String> = first.into_iter().chain(text::tokens(u)?).collect();
    let mut merges = Vec::new();
    for _ in 0..u.int_in_range(0..=12)? {
        let (a, b) = (u.choose(&tokens)?.clone(), u.choose(&tokens)?.clone());
        // Twelve merges of merged tokens would make megabytes.
        if u.ratio(15, 16)? && a.len() + b.len() < 1000 {
            tokens.push(format!("{a}{b}"));
        }
        merges.push(if u.ratio(1, 4)? { json!(format!("{a} {b}")) } else { json!([a, b]) });
    }
    if u.arbitrary()? {
        tokens.extend((0..=255).map(|byte: u8| format!("<0x{byte:02X}>")));
    }
    let vocab: Map<String, Value> = tokens.into_iter().enumerate().map(|(id, token)| (token, id.into())).collect();
    let model = json!({
        "type": "BPE", "vocab": vocab, "merges": merges, "unk_token": u.choose(&[Some("<unk>"), None])?,
        "fuse_unk": u.arbitrary::<bool>()?, "byte_fallback": u.arbitrary::<bool>()?,
        "ignore_merges": u.arbitrary::<bool>()?,
        "continuing_subword_prefix": u.choose(&[None, None, Some("##"), Some("a")])?,
        "end_of_word_suffix": u.choose(&[None, None, Some("</w>"), Some("b")])?,
    });
    let file = stages::file(u, model)?;
    run(&TokenizerFiles { tokenizer_json: Some(file.as_bytes()), ..TokenizerFiles::default() }, u)
}

fuzz_target!(|data: &[u8]| run_bounded(data, target));

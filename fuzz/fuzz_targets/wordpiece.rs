//! A `tokenizer.json` whose model is WordPiece.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};
use tabsense::tokenize::TokenizerFiles;
use tabsense_fuzz::{Result, Unstructured, run, run_bounded, stages, text};

fn target(u: &mut Unstructured) -> Result<()> {
    let mut vocab = Map::new();
    for token in
        ["[UNK]", "[CLS]", "[SEP]", "a", "##a", "##b", "中"].map(str::to_owned).into_iter().chain(text::tokens(u)?)
    {
        let id = if u.ratio(1, 16)? { u.int_in_range(0..=700)? } else { vocab.len() };
        vocab.insert(token, id.into());
    }
    let model = json!({
        "type": "WordPiece", "unk_token": u.choose(&["[UNK]", "[UNK]", "[UNK]", "a"])?, "vocab": Value::Object(vocab),
        "continuing_subword_prefix": u.choose(&["##", "##", "", "a", "é"])?,
        "max_input_chars_per_word": u.choose(&[100_u64, 0, 1, 3, 1 << 40])?,
    });
    let file = stages::file(u, model)?;
    run(&TokenizerFiles { tokenizer_json: Some(file.as_bytes()), ..TokenizerFiles::default() }, u)
}

fuzz_target!(|data: &[u8]| run_bounded(data, target));

//! The older files of BERT and MPNet: `vocab.txt` with the other files that may accompany it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};
use tabsense::tokenize::TokenizerFiles;
use tabsense_fuzz::{Result, Unstructured, damage, run, run_bounded, stages, text};

const CLASSES: &[&str] = &["BertTokenizer", "DistilBertTokenizerFast", "MPNetTokenizer", "Wonder"];

fn target(u: &mut Unstructured) -> Result<()> {
    let first = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##b"].map(str::to_owned);
    let mut vocab = first.into_iter().chain(text::tokens(u)?).collect::<Vec<_>>().join("\n").into_bytes();
    damage(&mut vocab, u)?;
    let mut config = stages::config(u, CLASSES)?.into_bytes();
    damage(&mut config, u)?;
    let model = json!({"model_type": u.choose(&["bert", "distilbert", "mpnet", "electra"])?}).to_string();
    let map = json!({"cls_token": text::token(u)?, "additional_special_tokens": text::tokens(u)?}).to_string();
    let tokens = text::tokens(u)?.into_iter().enumerate().map(|(id, token)| (token, id.into()));
    let added = Value::Object(tokens.collect::<Map<_, _>>()).to_string();
    let files = TokenizerFiles {
        model_config: Some(model.as_bytes()),
        vocab: Some(&vocab),
        config: u.arbitrary::<bool>()?.then_some(&config),
        special_tokens_map: u.arbitrary::<bool>()?.then_some(map.as_bytes()),
        added_tokens: u.arbitrary::<bool>()?.then_some(added.as_bytes()),
        ..TokenizerFiles::default()
    };
    run(&files, u)
}

fuzz_target!(|data: &[u8]| run_bounded(data, target));

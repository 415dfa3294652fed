//! SentencePiece files, as read for XLM-RoBERTa, CamemBERT and DeBERTa: made of messages and then damaged, or
//! any bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use tabsense::tokenize::TokenizerFiles;
use tabsense_fuzz::{Result, Unstructured, complete_file, damage, run, run_bounded, stages, text};

const CLASSES: &[&str] = &["XLMRobertaTokenizer", "CamembertTokenizer", "DebertaV2Tokenizer", "Wonder"];

/// A trained model.
const SPM: &[u8] = include_bytes!("../../test_data/tokenizer/spm.model");

/// A varint of Protocol Buffers.
fn number(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let more = value > 0x7f;
        bytes.push((value & 0x7f) as u8 | if more { 0x80 } else { 0 });
        value >>= 7;
        if !more {
            return bytes;
        }
    }
}

/// A field that holds bytes.
fn field(key: u64, content: &[u8]) -> Vec<u8> {
    [number(key << 3 | 2), number(content.len() as u64), content.to_vec()].concat()
}

/// A field that holds a number.
fn numbered(key: u64, value: u64) -> Vec<u8> {
    [number(key << 3), number(value)].concat()
}

fn model(u: &mut Unstructured) -> Result<Vec<u8>> {
    let mut file = Vec::new();
    let first = ["<unk>", "<s>", "</s>", "▁", "a", "▁a"].map(str::to_owned);
    for token in first.into_iter().chain(text::tokens(u)?) {
        let mut piece = field(1, token.as_bytes());
        let score = if u.ratio(1, 32)? { u.arbitrary()? } else { -f32::from(u.arbitrary::<u8>()?) };
        piece.extend([&[0x15][..], &score.to_le_bytes()].concat());
        if u.ratio(1, 4)? {
            piece.extend(numbered(3, u.int_in_range(0..=7)?));
        }
        file.extend(field(1, &piece));
    }
    if u.arbitrary()? {
        let kind = numbered(3, if u.ratio(1, 16)? { 2 } else { 1 });
        file.extend(field(2, &[kind, numbered(40, u.int_in_range(0..=30)?)].concat()));
    }
    if u.arbitrary()? {
        let units = (0..u.int_in_range(0..=40)?).map(|_| u.arbitrary::<u32>()).collect::<Result<Vec<_>>>()?;
        let mut map = (4 * units.len() as u32).to_le_bytes().to_vec();
        map.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
        map.extend((text::text(u)? + "\0").bytes());
        file.extend(field(3, &field(2, &map)));
    }
    damage(&mut file, u)?;
    Ok(file)
}

fn target(u: &mut Unstructured) -> Result<()> {
    let complete = complete_file(u);
    let model_type = json!({"model_type": u.choose(&["xlm-roberta", "camembert", "deberta-v2"])?}).to_string();
    let config = stages::config(u, CLASSES)?;
    let file = match complete {
        Some(file) => file.to_vec(),
        None => match u.int_in_range(0..=31)? {
            31 => {
                let mut file = SPM.to_vec();
                damage(&mut file, u)?;
                file
            }
            28..=30 => u.arbitrary::<Vec<u8>>()?,
            _ => model(u)?,
        },
    };
    let files = TokenizerFiles {
        model_config: Some(model_type.as_bytes()),
        sentencepiece: Some(&file),
        config: u.arbitrary::<bool>()?.then_some(config.as_bytes()),
        ..TokenizerFiles::default()
    };
    run(&files, u)
}

fuzz_target!(|data: &[u8]| run_bounded(data, target));

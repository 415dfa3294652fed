//! Smaller vocabularies: which tokens stay, with which ids, and the weights to match.

use crate::checkpoints::convert;
use crate::common::edit::{self, Tensor};
use crate::common::encoders::ENCODERS;
use crate::common::{BF16, F32, Tiny, load, logits};
use safetensors::Dtype as File;
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};
use tabsense::config::Config;
use tabsense::convert::Format;
use tabsense::model::load::Dtype;
use tabsense::prune::Pruner;
use tabsense::tokenize::{Corpus, Kept, Tokenizer};
use tabsense::{ErrorKind, Result};
use wasm_bindgen_test::wasm_bindgen_test;

const UNCASED: &[u8] = include_bytes!("../../models/sentiment-en-1/tokenizer.json");
const CASES: &str = include_str!("../../test_data/tokenizer/cases.jsonl");
const SENTENCES: &str = include_str!("../../test_data/sentences.txt");
const TABLE: &str = "distilbert.embeddings.word_embeddings.weight";

fn kept(file: &[u8], rows: usize, texts: &[&str], keep: usize, named: &[u32]) -> Result<Kept> {
    let mut corpus = Corpus::new(Tokenizer::from_json(file, rows)?)?;
    corpus.read(texts)?;
    corpus.keep(keep, named)
}

/// The file with the kept vocabulary; all special tokens keep their ids.
fn rewritten(file: &[u8], kept: &Kept) -> Vec<u8> {
    let mut file: Value = serde_json::from_slice(file).unwrap();
    let vocabulary = kept.tokens.iter().enumerate().map(|(id, token)| (token.clone(), json!(id)));
    file["model"]["vocab"] = Value::Object(vocabulary.collect::<Map<_, _>>());
    serde_json::to_vec(&file).unwrap()
}

fn pruned(config: &[u8], rows: &[u32], file: &[u8], size: usize) -> Result<Vec<u8>> {
    let mut pruner = Pruner::new(config, rows.to_vec())?;
    let mut out = Vec::new();
    for chunk in file.chunks(size) {
        out.extend(pruner.push(chunk)?);
    }
    out.extend(pruner.finish()?);
    Ok(out)
}

fn with_rows(config: &[u8], rows: usize) -> Vec<u8> {
    let mut config: Value = serde_json::from_slice(config).unwrap();
    config["vocab_size"] = json!(rows);
    serde_json::to_vec(&config).unwrap()
}

/// By name: type, shape and bytes.
fn tensors(file: &[u8]) -> HashMap<String, (File, Vec<usize>, Vec<u8>)> {
    edit::read(file).into_iter().map(|t| (t.name, (t.dtype, t.shape, t.bytes))).collect()
}

fn sentences() -> Vec<&'static str> {
    SENTENCES.lines().collect()
}

#[wasm_bindgen_test(unsupported = test)]
fn the_most_used_tokens_stay_in_the_order_of_their_use() {
    let texts = sentences();
    let old = Tokenizer::from_json(F32.tokenizer, 997).unwrap();
    let mut counts: HashMap<u32, usize> = HashMap::new();
    for id in texts.iter().flat_map(|text| old.encode(text).unwrap()) {
        *counts.entry(id).or_default() += 1;
    }
    let count = |id: &u32| counts.get(id).copied().unwrap_or(0);
    let kept = kept(F32.tokenizer, 997, &texts, 300, &[]).unwrap();
    assert_eq!((kept.tokens.len(), kept.rows.len()), (300, 300));
    for (token, id) in kept.tokens.iter().zip(&kept.rows) {
        assert_eq!(*token, old.token(*id));
    }
    assert_eq!(kept.rows[..5], [0, 1, 2, 3, 4], "special tokens");
    assert!((0..109).all(|id| kept.rows.contains(&id)), "special tokens and characters");
    assert!(kept.rows[5..].windows(2).all(|pair| (count(&pair[1]), pair[0]) < (count(&pair[0]), pair[1])));
    let least = kept.rows.iter().filter(|id| **id >= 109).map(&count).min().unwrap();
    let dropped: Vec<u32> = (0..997).filter(|id| !kept.rows.contains(id)).collect();
    assert!(dropped.iter().all(|id| count(id) <= least));

    let smaller = self::kept(F32.tokenizer, 997, &texts, 200, &[]).unwrap();
    let stay: HashSet<u32> = smaller.rows.iter().copied().collect();
    let read = |of: &dyn Fn(&u32) -> bool| counts.iter().filter(|(id, _)| of(id)).map(|(_, n)| n).sum::<usize>();
    assert_eq!(smaller.tokens_read, read(&|_| true));
    assert_eq!(smaller.dropped_tokens, read(&|id| !stay.contains(id)));
    let words = texts.iter().flat_map(|text| {
        let mut words: Vec<Vec<u32>> = Vec::new();
        for id in old.encode(text).unwrap() {
            match words.last_mut() {
                Some(word) if old.token(id).starts_with("##") => word.push(id),
                _ => words.push(vec![id]),
            }
        }
        words
    });
    let (changed, same): (Vec<_>, Vec<_>) = words.partition(|word| word.iter().any(|id| !stay.contains(id)));
    assert!(!changed.is_empty() && !same.is_empty());
    assert_eq!((smaller.changed_words, smaller.words), (changed.len(), changed.len() + same.len()));
}

#[wasm_bindgen_test(unsupported = test)]
fn no_text_of_the_corpus_s_scripts_gets_an_unknown_token() {
    let cases: Vec<String> = (CASES.lines())
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["text"].as_str().unwrap().to_owned())
        .collect();
    let texts: Vec<&str> = cases.iter().map(String::as_str).collect();
    let old = Tokenizer::from_json(UNCASED, 30_522).unwrap();
    let few = kept(UNCASED, 30_522, &texts, 1, &[]).unwrap_err();
    let words: Vec<&str> = few.message().split(' ').collect();
    let least: usize = words[words.iter().position(|word| *word == "required").unwrap() - 2].parse().unwrap();
    for keep in [least, least + 1500] {
        let kept = kept(UNCASED, 30_522, &texts, keep, &[]).unwrap();
        let new = Tokenizer::from_json(&rewritten(UNCASED, &kept), keep).unwrap();
        let spelled = |tokenizer: &Tokenizer, ids: &[u32]| {
            ids.iter().map(|id| tokenizer.token(*id)).map(|t| t.replace("##", "")).collect::<String>()
        };
        let stay: HashSet<u32> = kept.rows.iter().copied().collect();
        let mut same = 0;
        // The corpus itself, and neighboring texts joined, which makes other words.
        for text in cases.iter().cloned().chain(cases.windows(2).map(|pair| pair.concat())) {
            let (before, after) = (old.encode(&text).unwrap(), new.encode(&text).unwrap());
            assert_eq!(spelled(&old, &before), spelled(&new, &after), "{text:?}");
            if before.iter().all(|id| stay.contains(id)) {
                let back: Vec<u32> = after.iter().map(|id| kept.rows[*id as usize]).collect();
                assert_eq!(back, before, "{text:?}");
                same += 1;
            }
        }
        assert!(same > 100, "{same}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn the_characters_of_scripts_that_no_text_uses_are_dropped() {
    let has = |texts: &[&str], token: &str| {
        kept(UNCASED, 30_522, texts, 3000, &[]).unwrap().tokens.iter().any(|kept| kept == token)
    };
    for token in ["\u{448}", "##\u{448}"] {
        assert!(!has(&["plain words"], token));
        assert!(has(&["plain words", "\u{442}\u{430}\u{43a}"], token));
    }
    // No text contains either of these, though both are among the first of the file.
    assert!(!has(&["plain words"], "[unused0]"));
    assert!(has(&["plain words"], "the"), "an early token of the file, though no text has it");
    for ascii in ["q", "##q", "7", "~"] {
        assert!(has(&["\u{442}\u{430}\u{43a}"], ascii));
    }
    assert!(!has(&["\u{442}\u{430}\u{43a}"], "\u{df}"), "Latin, but not ASCII");
}

#[wasm_bindgen_test(unsupported = test)]
fn special_tokens_keep_their_ids() {
    let few = kept(UNCASED, 30_522, &sentences(), 3000, &[1037, 29_999]).unwrap();
    for (id, token) in [(0, "[PAD]"), (100, "[UNK]"), (101, "[CLS]"), (102, "[SEP]"), (103, "[MASK]"), (1037, "a")] {
        assert_eq!((few.tokens[id].as_str(), few.rows[id]), (token, id as u32));
    }
    assert!(few.rows.contains(&29_999), "an id that a file names, which the new table has no room for");
}

/// A vocabulary with holes and duplicates in its ids, and added tokens in it and beyond.
fn with_holes() -> Vec<u8> {
    let added = |id: u32, content: &str| {
        json!({"id": id, "content": content, "special": true, "normalized": false, "single_word": false,
               "lstrip": false, "rstrip": false})
    };
    let vocab = json!({"[UNK]": 1, "[CLS]": 9, "[SEP]": 4, "a": 18, "##a": 7, "b": 20, "##b": 2, "ab": 16, "ba": 16,
                       "##aa": 15, "x\u{e9}": 6, "x": 17});
    let file = json!({
        "added_tokens": [added(9, "[CLS]"), added(4, "[SEP]"), added(30, "<one>"), added(31, "<two>")],
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "cls": ["[CLS]", 9], "sep": ["[SEP]", 4]},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": vocab},
    });
    serde_json::to_vec(&file).unwrap()
}

#[wasm_bindgen_test(unsupported = test)]
fn ids_with_holes_become_ids_without() {
    let file = with_holes();
    let all = kept(&file, 40, &["ab ab aa <two> x\u{e9}"], 14, &[]).unwrap();
    // Twelve tokens and two beyond them, whose ids in the file start at 12.
    assert_eq!(all.beyond, ["<one>", "<two>"]);
    assert_eq!(all.rows[12..], [12, 13]);
    let place = |token: &str| all.tokens.iter().position(|kept| kept == token).unwrap();
    assert_eq!([place("[UNK]"), place("[SEP]"), place("[CLS]")], [1, 4, 9], "where they were");
    assert_eq!(all.tokens.iter().map(|t| all.rows[place(t)]).collect::<Vec<_>>(), all.rows[..12]);
    assert_eq!([all.rows[place("ab")], all.rows[place("ba")]], [16, 16], "a row for each");

    // "xé" stays: there is no token "##é" that could replace it.
    let least = kept(&file, 40, &["ab ab aa <two> x\u{e9}"], 1, &[]).unwrap_err();
    assert!(least.message().contains("11 are required") && least.message().contains("(Latin)"), "{least}");
    let few = kept(&file, 40, &["ab ab aa <two> x\u{e9}"], 11, &[]).unwrap();
    let mut tokens: Vec<&str> = few.tokens.iter().map(String::as_str).collect();
    tokens.sort_unstable();
    assert_eq!(tokens, ["##a", "##b", "[CLS]", "[SEP]", "[UNK]", "a", "b", "x", "x\u{e9}"]);
    assert_eq!((few.words, few.changed_words, few.tokens_read, few.dropped_tokens), (5, 2, 6, 2));
}

#[wasm_bindgen_test(unsupported = test)]
fn two_tokens_of_one_id_keep_its_row_each() {
    let mut file: Value = serde_json::from_slice(F32.tokenizer).unwrap();
    let vocabulary = file["model"]["vocab"].as_object_mut().unwrap();
    let last = vocabulary.iter().find(|(_, id)| **id == json!(996)).unwrap().0.clone();
    vocabulary[&last] = json!(4);
    let kept = kept(&serde_json::to_vec(&file).unwrap(), 997, &sentences(), 997, &[]).unwrap();
    assert_eq!(kept.tokens.iter().collect::<HashSet<_>>().len(), 997);
    let rows: Vec<u32> = kept.rows.iter().copied().filter(|row| *row == 4).collect();
    assert_eq!(rows.len(), 2);
    let at = kept.tokens.iter().position(|token| *token == last).unwrap();
    assert_eq!(kept.rows[at], 4);
}

#[wasm_bindgen_test(unsupported = test)]
fn what_makes_no_vocabulary_is_refused() {
    let texts = sentences();
    let refused = |texts: &[&str], keep, what: &str| {
        let error = kept(F32.tokenizer, 997, texts, keep, &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.message().contains(what), "{error}");
    };
    refused(&texts, 998, "998 tokens can't be kept of 997");
    refused(&texts, 108, "108 tokens are too few: 109 are required");
    refused(&texts, 0, "0 tokens are too few");
    refused(&[], 300, "The texts have no tokens");
    refused(&["", " \n"], 300, "The texts have no tokens");
    assert_eq!(kept(F32.tokenizer, 997, &texts, 109, &[]).unwrap().rows.len(), 109);
    assert_eq!(kept(F32.tokenizer, 997, &texts, 997, &[]).unwrap().changed_words, 0);

    let bpe = include_str!("../../test_data/tokenizer/bpe.json").trim_end().trim_end_matches('}');
    let bpe = format!(r#"{{"pre_tokenizer": {{"type": "ByteLevel"}}, "model": {bpe}, "type": "BPE"}}}}"#);
    let unigram = json!({"model": {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["a", -1.0]]}});
    for (file, name) in [(bpe.into_bytes(), "BPE"), (serde_json::to_vec(&unigram).unwrap(), "Unigram")] {
        let error = kept(&file, 40_000, &texts, 300, &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TokenizerUnsupported, "{error}");
        assert!(error.message().contains(name), "{error}");
    }
}

/// Every other row, from the last to the first.
fn some_rows(tiny: &Tiny) -> Vec<u32> {
    let rows = Config::from_json(tiny.config).unwrap().vocabulary as u32;
    (0..rows).rev().step_by(2).collect()
}

#[wasm_bindgen_test(unsupported = test)]
fn a_text_whose_rows_are_kept_has_the_same_logits() {
    for tiny in ENCODERS.iter().chain([&F32]) {
        let rows = some_rows(tiny);
        let file = pruned(tiny.config, &rows, tiny.weights, 1009).unwrap();
        let config = with_rows(tiny.config, rows.len());
        for dtype in [Dtype::Auto, Dtype::Int8] {
            let (small, small_backend) = load(Config::from_json(&config).unwrap(), dtype, [&file[..]]).unwrap();
            let (whole, backend) = tiny.load(dtype);
            let new: Vec<u32> = (5..25).collect();
            let old: Vec<u32> = new.iter().map(|id| rows[*id as usize]).collect();
            assert_eq!(logits(&small, &small_backend, &[&new]), logits(&whole, &backend, &[&old]), "{}", tiny.name);
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn pruned_and_converted_is_converted_and_pruned() {
    let rows = some_rows(&F32);
    for format in [Format::Int8, Format::Fp16] {
        let first = convert(&pruned(F32.config, &rows, F32.weights, 4096).unwrap(), format).unwrap().0;
        let last = pruned(F32.config, &rows, &convert(F32.weights, format).unwrap().0, 4096).unwrap();
        assert!(tensors(&first) == tensors(&last), "{format:?}");
    }
    assert!(
        pruned(F32.config, &rows, F32.weights, 7).unwrap() == pruned(F32.config, &rows, F32.weights, 1 << 20).unwrap()
    );
}

#[wasm_bindgen_test(unsupported = test)]
fn other_containers_are_pruned_as_their_safetensors_file() {
    let rows = some_rows(&BF16);
    let torch = include_bytes!("../../test_data/torch/views.bin");
    let [ours, theirs] =
        [&torch[..], BF16.weights].map(|file| tensors(&pruned(BF16.config, &rows, file, 4096).unwrap()));
    assert!(ours == theirs);

    let config = include_bytes!("../../test_data/models/mini-distilbert/config.json");
    let onnx = include_bytes!("../../test_data/onnx/mini-distilbert-optimum.onnx");
    let weights = include_bytes!("../../test_data/models/mini-distilbert/model.safetensors");
    let rows = [100, 3, 3, 7];
    let [ours, theirs] = [&onnx[..], weights].map(|file| tensors(&pruned(config, &rows, file, 4096).unwrap()));
    assert!(ours == theirs);
    assert_eq!(ours[TABLE].1[0], 4);
}

#[wasm_bindgen_test(unsupported = test)]
fn weights_of_another_model_are_refused() {
    let refused = |config: &[u8], rows: &[u32], file: &[u8], what: &str| {
        let error = pruned(config, rows, file, 4096).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WeightsMismatch, "{error}");
        assert!(error.message().contains(what), "{error}");
    };
    refused(F32.config, &[0, 997], F32.weights, "has 997 rows, but the tokenizer's token 997 is to be kept");
    let without = |change: &dyn Fn(&mut Tensor)| {
        let mut all = edit::read(F32.weights);
        change(edit::find(&mut all, TABLE));
        edit::write(&all)
    };
    refused(F32.config, &[0], &without(&|t| t.name = "other".into()), "no table of words");
    let empty = |t: &mut Tensor| (t.shape, t.bytes) = (vec![0, 36], Vec::new());
    refused(F32.config, &[0], &without(&empty), "no table of words");
    let mut pruner = Pruner::new(F32.config, vec![0]).unwrap();
    pruner.push(&F32.weights[..300_000]).unwrap();
    assert_eq!(pruner.finish().unwrap_err().kind(), ErrorKind::WeightsLength);
}

#[wasm_bindgen_test(unsupported = test)]
fn tensors_outside_the_model_are_left_out_with_a_warning() {
    let mut all = edit::read(F32.weights);
    all.push(Tensor::f32("vocab_projector.weight", &[997, 2], &[0.0; 2 * 997]));
    let file = edit::write(&all);
    let mut pruner = Pruner::new(F32.config, vec![3]).unwrap();
    let mut out = pruner.push(&file).unwrap();
    assert_eq!(pruner.warnings(), ["The weights hold \"vocab_projector.weight\", which this model does not use."]);
    out.extend(pruner.finish().unwrap());
    assert!(tensors(&out) == tensors(&pruned(F32.config, &[3], F32.weights, 4096).unwrap()));
}

#[wasm_bindgen_test(unsupported = test)]
fn a_rewritten_tokenizer_is_python_s() {
    let file = include_bytes!("../../test_data/pruned/tokenizer.json");
    let tokenizer = Tokenizer::from_json(file, 300).unwrap();
    for line in include_str!("../../test_data/pruned/cases.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let ids: Vec<u32> = serde_json::from_value(case["ids"].clone()).unwrap();
        let text = case["text"].as_str().unwrap();
        assert_eq!(tokenizer.encode(text).unwrap(), ids[1..ids.len() - 1], "{text:?}");
    }
}

//! Properties of every kind of tokenizer and every text, tested with random ones.

use crate::common::cases;
use crate::common::texts::{PARTS, base, fill};
use proptest::prelude::*;
use serde_json::{Value, json};
use tabsense::tokenize::{Tokenizer, TokenizerFiles};

const ROWS: usize = 40_000;

/// The kinds of test_data/make_tokenizers.py.
fn tokenizers() -> Vec<(String, Tokenizer)> {
    let lines = include_str!("../../test_data/tokenizer/kinds.jsonl").lines();
    let read = |line: &str| {
        let kind: Value = serde_json::from_str(line).unwrap();
        let mut file = base(kind["base"].as_str().unwrap());
        file.as_object_mut().unwrap().extend(kind["fields"].as_object().unwrap().clone());
        file["model"].as_object_mut().unwrap().extend(kind["model"].as_object().unwrap().clone());
        let map: Value = serde_json::from_str(include_str!("../../test_data/tokenizer/unigram.json")).unwrap();
        fill(&mut file["normalizer"], &map["charsmap"]);
        let tokenizer = Tokenizer::from_json(file.to_string().as_bytes(), ROWS).unwrap();
        (kind["name"].as_str().unwrap().to_owned(), tokenizer)
    };
    lines.map(read).collect()
}

thread_local!(static ALL: Vec<(String, Tokenizer)> = tokenizers());

/// A part of a text: a few characters, or many of one kind.
fn part() -> impl Strategy<Value = String> {
    let of = |parts: &'static [&'static str]| prop::sample::select(parts);
    let pieces = of(PARTS);
    let runs = of(&[
        "a",
        "thefilm",
        "unbelievablygood",
        "word ",
        " ",
        "\n",
        "\u{3000}",
        "中",
        "\u{301}",
        "\u{200b}",
        "!",
        "é ",
        "▁",
        "\u{d4e} ",
        "it's ",
    ]);
    let runs = (runs, 1usize..300).prop_map(|(run, n)| run.repeat(n));
    prop_oneof![6 => pieces.prop_map(str::to_owned), 1 => runs, 2 => any::<char>().prop_map(String::from)]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(part(), 0..24).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(200), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn offsets_are_characters_of_the_text_and_ids_have_rows(text in text()) {
        ALL.with(|all| -> Result<(), TestCaseError> {
            for (name, tokenizer) in all {
                let (ids, offsets) = tokenizer.encode_with_offsets(&text).unwrap();
                prop_assert_eq!(&ids, &tokenizer.encode(&text).unwrap(), "{}", name);
                prop_assert_eq!(ids.len(), offsets.len());
                prop_assert!(ids.iter().all(|id| (*id as usize) < ROWS && !tokenizer.token(*id).is_empty()), "{}", name);
                for range in &offsets {
                    prop_assert!(text.get(range.clone()).is_some(), "{}: {:?}", name, range);
                }
                // Marks are reordered, and a character map may count wrong, as in Python.
                if ["BPE: RoBERTa", "BPE: offsets with their spaces", "Unigram: nothing"].contains(&name.as_str()) {
                    prop_assert!(offsets.is_sorted_by_key(|range| range.start), "{}: {:?}", name, offsets);
                }
            }
            Ok(())
        })?;
    }

    /// Only as much of a text is read as its first tokens need, and that must not change them.
    #[test]
    fn a_cut_text_has_the_first_tokens_of_the_whole(text in text(), tail in part(), max_tokens in 2usize..60) {
        let text = text + &tail.repeat(40);
        ALL.with(|all| -> Result<(), TestCaseError> {
            for (name, tokenizer) in all {
                let (ids, offsets) = tokenizer.encode_with_offsets(&text).unwrap();
                let cut = tokenizer.encode_to(&text, max_tokens, true).unwrap();
                prop_assert_eq!(&tokenizer.encode_to(&text, max_tokens, false).unwrap().ids, &cut.ids, "{}", name);
                if ids.is_empty() {
                    prop_assert_eq!((cut.ids.len(), cut.truncated), (0, false), "{}", name);
                } else {
                    prop_assert_eq!(tokenizer.frame(ids, Some(offsets), max_tokens), cut, "{}", name);
                }
            }
            Ok(())
        })?;
    }

    /// Changed or missing bytes lead to an error or to a working tokenizer.
    #[test]
    fn a_damaged_file_never_panics(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
        file in 0usize..4,
        text in text(),
    ) {
        let bpe = || base("bpe").to_string().into_bytes();
        let (mut bytes, model): (Vec<u8>, &[u8]) = match file {
            0 => (include_bytes!("../../test_data/tokenizer/spm.model").to_vec(), br#"{"model_type": "xlm-roberta"}"#),
            1 => (include_bytes!("../../test_data/tokenizer/spm.model").to_vec(), br#"{"model_type": "deberta-v2"}"#),
            2 => (bpe(), b"{}"),
            _ => {
                let mut file = base("unigram");
                let map: Value = serde_json::from_str(include_str!("../../test_data/tokenizer/unigram.json")).unwrap();
                file["normalizer"] = json!({"type": "Precompiled", "precompiled_charsmap": map["charsmap"]});
                (file.to_string().into_bytes(), b"{}")
            }
        };
        for (place, byte) in edits {
            *place.get_mut(&mut bytes) = byte;
        }
        let bytes = &bytes[..cut.map_or(bytes.len(), |cut| cut.index(bytes.len()))];
        let files = match file {
            0 | 1 => TokenizerFiles { sentencepiece: Some(bytes), ..TokenizerFiles::default() },
            _ => TokenizerFiles { tokenizer_json: Some(bytes), ..TokenizerFiles::default() },
        };
        if let Ok(tokenizer) = Tokenizer::from_files(&TokenizerFiles { model_config: Some(model), ..files }, ROWS) {
            let (ids, offsets) = tokenizer.encode_with_offsets(&text).unwrap();
            prop_assert!(ids.iter().all(|id| (*id as usize) < ROWS));
            prop_assert!(offsets.iter().all(|range| text.get(range.clone()).is_some()));
        }
    }
}

/// Windows of a text end at blanks: a replacement that spans a blank is made in the whole text.
#[test]
fn a_cut_text_has_what_replacements_make_of_the_whole() {
    let replace = |pattern: Value, content: &str| json!({"type": "Replace", "pattern": pattern, "content": content});
    let string = |text: &str| json!({"String": text});
    let regex = |text: &str| json!({"Regex": text});
    const WORDS: &str = "the film was not good at all ";
    let marked = WORDS.trim_end().replace(' ', "▁");
    for normalizers in [
        vec![replace(string(WORDS), "x ")],
        vec![replace(regex("f[a-z ]+"), "x")],
        vec![replace(regex("[^t]+"), "x")],
        vec![replace(string(" "), "▁"), replace(string(&marked), "x")],
        vec![replace(regex("\\s"), ""), replace(string(&marked.replace('▁', "")), "x")],
        // As real files have them: none spans a blank.
        vec![replace(regex(" {2,}"), "▁"), replace(string("``"), "\""), replace(string(" "), "▁")],
    ] {
        let mut file = base("unigram");
        file["normalizer"] = json!({"type": "Sequence", "normalizers": normalizers});
        file["pre_tokenizer"] = json!({"type": "WhitespaceSplit"});
        let tokenizer = Tokenizer::from_json(file.to_string().as_bytes(), ROWS).unwrap();
        for (at, _) in WORDS.char_indices() {
            let text = "``  ".repeat(at) + &WORDS.repeat(100);
            let (ids, offsets) = tokenizer.encode_with_offsets(&text).unwrap();
            for max_tokens in 1..100 {
                let whole = tokenizer.frame(ids.clone(), Some(offsets.clone()), max_tokens);
                let cut = tokenizer.encode_to(&text, max_tokens, true).unwrap();
                assert_eq!(cut, whole, "{normalizers:?} from {at}");
            }
        }
    }
}

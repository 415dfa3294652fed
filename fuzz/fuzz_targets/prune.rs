//! Smaller vocabularies, from changed tokenizers and texts of any kind: each token of the new vocabulary
//! comes from the old one, once.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::collections::HashSet;
use std::sync::LazyLock;
use tabsense::tokenize::{Corpus, Tokenizer};
use tabsense_fuzz::json::Node;
use tabsense_fuzz::{ROWS, Result, Unstructured, check_message, complete_file, run_bounded, text};

static FILES: LazyLock<Vec<Node>> = LazyLock::new(|| {
    vec![
        Node::read(include_bytes!("../../test_data/models/mini-bert/tokenizer.json")),
        Node::read(include_bytes!("../../test_data/models/mini-mpnet/tokenizer.json")),
        Node::read(include_bytes!("../../test_data/models/tiny-f32/tokenizer.json")),
    ]
});

fn target(u: &mut Unstructured) -> Result<()> {
    let file = match complete_file(u) {
        Some(file) => file.to_vec(),
        None => {
            let mut node = u.choose(&FILES)?.clone();
            for _ in 0..u.int_in_range(0..=3)? {
                node.change(&["vocab", "added_tokens", "id", "special", "unk_token"], u)?;
            }
            node.written()
        }
    };
    let kept = Tokenizer::from_json(&file, ROWS).and_then(Corpus::new).map(|mut corpus| -> Result<()> {
        let texts = [text::text(u)?, text::text(u)?];
        if let Err(error) = corpus.read(&texts) {
            check_message(&error);
            return Ok(());
        }
        let rows = u.int_in_range(0..=ROWS + 1)?;
        let keep = (0..u.int_in_range(0..=4)?).map(|_| u.int_in_range(0..=700)).collect::<Result<Vec<u32>>>()?;
        match corpus.keep(rows, &keep) {
            Ok(kept) => {
                assert_eq!(kept.rows.len(), rows);
                assert_eq!(kept.tokens.len() + kept.beyond.len(), rows);
                assert!(kept.rows.iter().all(|row| (*row as usize) < ROWS), "{kept:?}");
                // Two tokens may share an id, and so a row.
                assert_eq!(kept.tokens.iter().chain(&kept.beyond).collect::<HashSet<_>>().len(), rows, "{kept:?}");
                assert!(kept.changed_words <= kept.words && kept.dropped_tokens <= kept.tokens_read, "{kept:?}");
            }
            Err(error) => check_message(&error),
        }
        Ok(())
    });
    kept.unwrap_or_else(|error| {
        check_message(&error);
        Ok(())
    })
}

fuzz_target!(|data: &[u8]| run_bounded(data, target));

//! Invariants of every tokenizer, whatever its files say.

use super::ROWS;
use std::ops::Range;
use tabsense::tokenize::{Cut, Encoding, Tokenizer};

fn check_offsets(text: &str, offsets: &[Range<usize>]) {
    offsets.iter().for_each(|range| assert!(text.get(range.clone()).is_some(), "{range:?} of {text:?}"));
}

fn check_ids(tokenizer: &Tokenizer, ids: &[u32]) {
    for id in ids {
        assert!((*id as usize) < ROWS, "{id}");
        tokenizer.token(*id);
    }
}

/// Encodes a text with and without offsets, whole and cut to `max_tokens`, and a pair, cut in both ways.
pub fn check(tokenizer: &Tokenizer, text: &str, pair: &str, max_tokens: usize) {
    let whole = tokenizer.encode_with_offsets(text);
    if let Ok((ids, offsets)) = &whole {
        assert_eq!(Some(ids), tokenizer.encode(text).ok().as_ref(), "{text:?}");
        assert_eq!(ids.len(), offsets.len());
        check_ids(tokenizer, ids);
        check_offsets(text, offsets);
    }
    let cut = tokenizer.encode_to(text, max_tokens, true);
    if let (Ok((ids, offsets)), Ok(cut)) = (whole, &cut) {
        let wanted = match ids.is_empty() {
            true => Encoding::empty(true),
            false => tokenizer.frame(ids, Some(offsets), max_tokens),
        };
        assert_eq!(*cut, wanted, "{text:?} cut to {max_tokens}");
        assert!(cut.ids.len() <= max_tokens.max(tokenizer.special_tokens()));
        assert_eq!(cut.ids, tokenizer.encode_to(text, max_tokens, false).expect("as with offsets").ids);
    }
    for cut in [Cut::LongestFirst, Cut::OnlyFirst] {
        check_pair(tokenizer, text, pair, cut, max_tokens);
    }
}

fn check_pair(tokenizer: &Tokenizer, text: &str, pair: &str, cut: Cut, max_tokens: usize) {
    let Some(special) = tokenizer.special_tokens_of_pair() else {
        assert!(tokenizer.encode_pair(text, pair, cut, max_tokens, true).is_err());
        return;
    };
    let Ok(both) = tokenizer.encode_pair(text, pair, cut, max_tokens, true) else { return };
    assert!(both.ids.len() <= max_tokens.max(special).max(tokenizer.special_tokens()));
    assert_eq!((both.ids.len(), both.types.len()), (both.types.len(), both.offsets.as_ref().map_or(0, Vec::len)));
    check_ids(tokenizer, &both.ids);
    let offsets = both.offsets.as_deref().unwrap_or_default();
    check_offsets(text, &offsets[..both.second.start.min(offsets.len())]);
    check_offsets(pair, &offsets[both.second.clone()]);
    let plain = tokenizer.encode_pair(text, pair, cut, max_tokens, false).expect("as with offsets");
    assert_eq!(both.ids, plain.ids);
    if cut == Cut::OnlyFirst && special < max_tokens && !both.second.is_empty() {
        assert_eq!(Some(&both.ids[both.second.clone()]), tokenizer.encode(pair).ok().as_deref(), "{pair:?}");
    }
}

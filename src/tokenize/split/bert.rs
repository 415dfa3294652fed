//! BERT's words: split at white space and punctuation.

use super::punctuation;
use std::cell::RefCell;
use std::ops::Range;
use tokenizers::pipeline::{PreTokenizer, PreTokenizerScratch, Span};
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;

/// BERT's pre-tokenizer: the crate's, with its buffers.
#[derive(Default)]
pub struct Bert {
    scratch: RefCell<(PreTokenizerScratch, Vec<Span>)>,
}

impl Bert {
    /// Calls `word` with the words of `text`, in order.
    pub fn words(&self, text: &str, word: impl FnMut(Range<usize>)) {
        let mut scratch = self.scratch.borrow_mut();
        let (buffers, spans) = &mut *scratch;
        let cut = if punctuation::differs(text) { &punctuation::stand_in(text) } else { text };
        spans.clear();
        // It never fails, and would return no spans if it did.
        _ = BertPreTokenizer.pre_tokenize(cut, buffers, spans);
        spans.iter().map(|span| span.range()).for_each(word);
    }
}

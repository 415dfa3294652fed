//! The committed random models of every architecture but DistilBERT (test_data/README.md).

use super::Tiny;

pub static ENCODERS: [Tiny; 9] = [
    tiny!("tiny-bert"),
    tiny!("tiny-bert-tanh"),
    tiny!("tiny-roberta"),
    tiny!("tiny-xlm-roberta"),
    tiny!("tiny-camembert"),
    tiny!("tiny-electra"),
    tiny!("tiny-electra-wide"),
    tiny!("tiny-mpnet"),
    tiny!("tiny-data2vec-text"),
];

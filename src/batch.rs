//! A batch without padding: the tokens of all its texts, one after the other.

/// B texts of N tokens in all. Products see one (N, D) matrix; only attention looks at `starts`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedBatch {
    /// The token ids (N).
    pub ids: Vec<u32>,
    /// The position of each token within its text (N).
    pub positions: Vec<u32>,
    /// The type of each token (N): which text of a pair it belongs to.
    pub types: Vec<u8>,
    /// Text b's tokens are `starts[b]..starts[b + 1]` (B + 1, from 0 to N).
    pub starts: Vec<u32>,
}

impl PackedBatch {
    /// Packs texts of at least one token each, all of type 0.
    pub fn new<'a>(texts: impl IntoIterator<Item = &'a [u32]>) -> Self {
        Self::with_types(texts.into_iter().map(|ids| (ids, &[][..])))
    }

    /// Packs texts of at least one token each, with the types of their tokens; missing types are 0.
    pub fn with_types<'a>(texts: impl IntoIterator<Item = (&'a [u32], &'a [u8])>) -> Self {
        let mut batch = Self { ids: Vec::new(), positions: Vec::new(), types: Vec::new(), starts: vec![0] };
        for (ids, types) in texts {
            batch.ids.extend_from_slice(ids);
            batch.positions.extend(0..ids.len() as u32);
            batch.types.extend_from_slice(&types[..types.len().min(ids.len())]);
            batch.types.resize(batch.ids.len(), 0);
            batch.starts.push(batch.ids.len() as u32);
        }
        batch
    }

    /// The position of each token (N) in a model whose positions start after `padding`, which is both the id
    /// and the position of its padding token. All other tokens count up from there; padding tokens don't
    /// count.
    ///
    /// Source: `create_position_ids_from_input_ids` of `transformers` 5.24, `modeling_roberta.py`.
    pub fn positions_behind_padding(&self, padding: u32) -> Vec<u32> {
        let mut positions = Vec::with_capacity(self.tokens());
        for text in self.starts.windows(2) {
            let mut last = padding;
            positions.extend(self.ids[text[0] as usize..text[1] as usize].iter().map(|id| {
                last += u32::from(*id != padding);
                if *id == padding { padding } else { last }
            }));
        }
        positions
    }

    /// N: the tokens of all texts.
    pub fn tokens(&self) -> usize {
        self.ids.len()
    }

    /// B: the texts.
    pub fn texts(&self) -> usize {
        self.starts.len() - 1
    }

    /// The row of each text's first token (B), the only one that feeds the head.
    pub fn first_rows(&self) -> &[u32] {
        &self.starts[..self.texts()]
    }
}

/// Splits texts of `lengths` tokens, in order, into groups of at most `budget` tokens (a longer text is a
/// group by itself), so that a call's memory is bounded, whatever its size.
///
/// Returns the ranges of the groups.
pub fn micro_batches(lengths: &[usize], budget: usize) -> Vec<std::ops::Range<usize>> {
    let mut groups = Vec::new();
    let (mut first, mut tokens) = (0, 0);
    for (i, length) in lengths.iter().enumerate() {
        if i > first && tokens + length > budget {
            groups.push(first..i);
            (first, tokens) = (i, 0);
        }
        tokens += length;
    }
    if first < lengths.len() {
        groups.push(first..lengths.len());
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_lie_one_after_the_other() {
        let batch = PackedBatch::new([&[7, 8, 9][..], &[5], &[1, 2]]);
        assert_eq!(batch.ids, [7, 8, 9, 5, 1, 2]);
        assert_eq!(batch.positions, [0, 1, 2, 0, 0, 1]);
        assert_eq!(batch.starts, [0, 3, 4, 6]);
        assert_eq!((batch.tokens(), batch.texts()), (6, 3));
        assert_eq!(batch.first_rows(), [0, 3, 4]);
        assert_eq!(batch.types, [0; 6]);
        let pair = PackedBatch::with_types([(&[7, 8, 9][..], &[0, 1, 1][..]), (&[5], &[]), (&[1, 2], &[1])]);
        assert_eq!((pair.ids, pair.types), (batch.ids, vec![0, 1, 1, 0, 1, 0]));
    }

    #[test]
    fn positions_count_up_behind_padding() {
        let batch = PackedBatch::new([&[0, 9, 1, 8, 2][..], &[1], &[0, 2]]);
        assert_eq!(batch.positions_behind_padding(1), [2, 3, 1, 4, 5, 1, 2, 3]);
        assert_eq!(batch.positions_behind_padding(7), [8, 9, 10, 11, 12, 8, 8, 9]);
    }

    #[test]
    fn micro_batches_keep_the_order_and_the_budget() {
        assert!(micro_batches(&[], 10).is_empty());
        assert_eq!(micro_batches(&[4, 4, 4], 8), [0..2, 2..3]);
        assert_eq!(micro_batches(&[20, 1, 9, 1], 10), [0..1, 1..3, 3..4]);
        assert_eq!(micro_batches(&[10, 1], 10), [0..1, 1..2]);
    }
}

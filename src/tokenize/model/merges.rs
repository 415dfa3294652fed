//! Merges: the text of their tokens, end to end, as in the vocabulary.

/// Merges, in the order of their ranks: the two tokens of each, end to end.
#[derive(Default)]
pub struct Merges {
    text: String,
    /// Where the first and the second token of each end.
    ends: Vec<(u32, u32)>,
}

impl Merges {
    /// Appends "first second"; returns false if the line doesn't have that form.
    pub fn push_line(&mut self, line: &str) -> bool {
        match line.split_once(' ') {
            Some((first, second)) if !second.contains(' ') => {
                self.push(first, second);
                true
            }
            _ => false,
        }
    }

    /// Appends a merge.
    pub fn push(&mut self, first: &str, second: &str) {
        self.text.push_str(first);
        let middle = self.text.len() as u32;
        self.text.push_str(second);
        self.ends.push((middle, self.text.len() as u32));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The pairs, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let starts = [0].into_iter().chain(self.ends.iter().map(|(_, end)| *end as usize));
        let parts = starts.zip(&self.ends);
        parts.map(|(start, &(middle, end))| {
            (&self.text[start..middle as usize], &self.text[middle as usize..end as usize])
        })
    }
}

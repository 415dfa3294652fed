//! The examples: their vectors, centred; their labels; and how much each counts.

use super::products::padded;
use crate::error::{Error, ErrorKind, Result, try_reserve};

/// The maximum number of labels.
pub const MAX_LABELS: usize = 5_000;
/// The maximum number of examples.
pub const MAX_EXAMPLES: usize = 100_000;
/// The maximum width of a vector.
pub const MAX_WIDTH: usize = 8_192;
/// The maximum number of products N · L · D in one pass over the examples: a few seconds of work.
pub const MAX_WORK: u64 = 10_000_000_000;
/// The maximum number of weights L · D: training holds 20 copies of them.
pub const MAX_WEIGHTS: usize = 4_000_000;

/// The value of the constant column, for the bias.
pub(super) const BIAS: f32 = 0.3;
/// The penalty of that column, relative to the others: as for a bias with a standard deviation ten times that
/// of a weight.
pub(super) const BIAS_PENALTY: f32 = BIAS * BIAS / 100.0;

/// The training data. Examples come first, then the names of labels, which count as examples with a weight
/// that is searched for.
pub struct Examples {
    width: usize,
    labels: usize,
    multi: bool,
    /// (N, D), scaled to unit length, in the order of arrival.
    vectors: Vec<f32>,
    /// The labels of row `i` are `targets[ends[i - 1]..ends[i]]`.
    targets: Vec<u32>,
    ends: Vec<usize>,
    names: Vec<f32>,
    name_labels: Vec<u32>,
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}

impl Examples {
    /// Starts with no examples, for vectors of `width` numbers and `labels` labels; `multi`: an example may
    /// have any number of labels.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for sizes beyond the limits, or for a single label if each example has
    /// one.
    pub fn new(width: usize, labels: usize, multi: bool) -> Result<Self> {
        if width == 0 || width > MAX_WIDTH {
            return Err(invalid(format!("Vectors have {width} numbers: 1 to {MAX_WIDTH} are supported.")));
        }
        let least = if multi { 1 } else { 2 };
        if !(least..=MAX_LABELS).contains(&labels) {
            return Err(invalid(format!(
                "There are {labels} labels: {least} to {MAX_LABELS} are supported. Pass {}.",
                if labels < least { "at least two labels" } else { "fewer labels" }
            )));
        }
        if labels * padded(width + 1) > MAX_WEIGHTS {
            return Err(invalid(format!(
                "{labels} labels with vectors of {width} numbers are {} weights, more than {MAX_WEIGHTS}. Pass fewer \
                 labels.",
                labels * padded(width + 1)
            )));
        }
        Ok(Self {
            width,
            labels,
            multi,
            vectors: Vec::new(),
            targets: Vec::new(),
            ends: Vec::new(),
            names: Vec::new(),
            name_labels: Vec::new(),
        })
    }

    /// Adds an example: its vector (D) and its label numbers.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for another width, numbers that are not finite, unknown labels, the
    /// wrong number of labels or a repeated one, or more examples than supported.
    pub fn add(&mut self, vector: &[f32], labels: &[u32]) -> Result<()> {
        let at = self.count();
        self.check(vector, labels, &format!("Example {at}"))?;
        if !self.multi && labels.len() != 1 {
            return Err(invalid(format!(
                "Example {at} has {} labels. Give each example one label, or allow several labels per example.",
                labels.len()
            )));
        }
        if at == MAX_EXAMPLES || (at as u64 + 1) * self.labels as u64 * self.width as u64 > MAX_WORK {
            return Err(invalid(format!(
                "More than {at} examples of {} labels and {} numbers each don't fit. Pass fewer.",
                self.labels, self.width
            )));
        }
        push_unit(&mut self.vectors, vector)?;
        let first = self.targets.len();
        self.targets.extend_from_slice(labels);
        self.targets[first..].sort_unstable();
        if self.targets[first..].windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(invalid(format!("Example {at} has the same label twice.")));
        }
        self.ends.push(self.targets.len());
        Ok(())
    }

    /// Adds a name or a description of a label: its vector (D). Several names of one label share the weight
    /// of one.
    ///
    /// # Errors
    /// The errors of [`Examples::add`].
    pub fn add_name(&mut self, vector: &[f32], label: u32) -> Result<()> {
        let at = self.name_labels.len();
        self.check(vector, &[label], &format!("Name {at}"))?;
        if at == 2 * MAX_LABELS {
            return Err(invalid(format!("More than {at} names are too many.")));
        }
        push_unit(&mut self.names, vector)?;
        self.name_labels.push(label);
        Ok(())
    }

    fn check(&self, vector: &[f32], labels: &[u32], what: &str) -> Result<()> {
        if vector.len() != self.width {
            return Err(invalid(format!(
                "{what} has a vector of {} numbers, not {}. Use one encoder for all.",
                vector.len(),
                self.width
            )));
        }
        if let Some(value) = vector.iter().find(|value| !value.is_finite()) {
            return Err(invalid(format!("{what} has {value} in its vector. All numbers must be finite.")));
        }
        match labels.iter().find(|&&label| label as usize >= self.labels) {
            Some(label) => Err(invalid(format!("{what} has the label {label}, of {} labels.", self.labels))),
            None => Ok(()),
        }
    }

    /// The number of examples, without names.
    pub fn count(&self) -> usize {
        self.ends.len()
    }

    /// The width of a vector.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The number of labels.
    pub fn labels(&self) -> usize {
        self.labels
    }

    /// Whether an example may have any number of labels.
    pub fn multi(&self) -> bool {
        self.multi
    }

    /// Whether any label has a name.
    pub fn has_names(&self) -> bool {
        !self.name_labels.is_empty()
    }

    fn targets_of(&self, example: usize) -> &[u32] {
        let first = example.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.targets[first..self.ends[example]]
    }

    /// Whether every label has an example.
    pub fn of_all_labels(&self) -> bool {
        let mut known = vec![false; self.labels];
        self.targets.iter().for_each(|&label| known[label as usize] = true);
        known.iter().all(|&known| known)
    }

    /// The first label that has neither an example nor a name.
    pub fn unknown_label(&self) -> Option<usize> {
        let mut known = vec![false; self.labels];
        for &label in self.targets.iter().chain(&self.name_labels) {
            known[label as usize] = true;
        }
        known.iter().position(|known| !known)
    }

    /// At most `most` examples, spread evenly over the labels.
    pub fn sample(&self, most: usize) -> Vec<usize> {
        if self.count() <= most {
            return (0..self.count()).collect();
        }
        // In each round, each label contributes its next example, until there are enough.
        let mut queues = vec![Vec::new(); self.labels + 1];
        for example in 0..self.count() {
            let label = self.targets_of(example).first().map_or(self.labels, |&label| label as usize);
            queues[label].push(example);
        }
        let mut taken = Vec::with_capacity(most);
        for round in 0.. {
            for queue in &queues {
                if taken.len() == most {
                    taken.sort_unstable();
                    return taken;
                }
                taken.extend(queue.get(round));
            }
        }
        unreachable!("there are more examples than are taken")
    }

    /// The rows of the chosen examples and of all names, in the form that the objective reads.
    ///
    /// # Errors
    /// [`ErrorKind::OutOfMemory`] if there is not enough memory for them.
    pub fn rows(&self, chosen: &[usize]) -> Result<Rows> {
        let stride = padded(self.width + 1);
        let names = self.name_labels.len();
        let mut x = Vec::new();
        try_reserve(&mut x, (chosen.len() + names) * stride, "the examples' vectors")?;
        let mut mean = vec![0f64; self.width];
        let vectors = || {
            let examples = chosen.iter().map(|&i| &self.vectors[i * self.width..][..self.width]);
            examples.chain(self.names.chunks_exact(self.width))
        };
        let centre = if chosen.is_empty() { names } else { chosen.len() };
        for vector in vectors().take(centre) {
            mean.iter_mut().zip(vector).for_each(|(m, &v)| *m += f64::from(v) / centre as f64);
        }
        let mut squares = 0.0;
        for vector in vectors().take(centre) {
            squares += vector.iter().zip(&mean).map(|(&v, &m)| (f64::from(v) - m).powi(2)).sum::<f64>();
        }
        // Scales examples of any encoder to the same average length, so that a strength means the same for
        // all.
        let scale = if squares > 1e-9 { (centre as f64 / squares).sqrt() } else { 1.0 };
        for vector in vectors() {
            x.extend(vector.iter().zip(&mean).map(|(&v, &m)| ((f64::from(v) - m) * scale) as f32));
            x.push(BIAS);
            x.resize(x.len().next_multiple_of(stride), 0.0);
        }
        let mut targets = Vec::new();
        let mut ends = Vec::with_capacity(chosen.len() + names);
        let mut counts = vec![0usize; self.labels];
        for &example in chosen {
            targets.extend_from_slice(self.targets_of(example));
            ends.push(targets.len());
            self.targets_of(example).iter().for_each(|&label| counts[label as usize] += 1);
        }
        let mut name_counts = vec![0usize; self.labels];
        for &label in &self.name_labels {
            targets.push(label);
            ends.push(targets.len());
            name_counts[label as usize] += 1;
        }
        let present = counts.iter().filter(|&&count| count > 0).count().max(1);
        let usual = chosen.len() as f64 / present as f64;
        let weights = (chosen.iter())
            .map(|&example| match (self.multi, self.targets_of(example)) {
                (false, &[label]) => (usual / counts[label as usize] as f64).sqrt() as f32,
                _ => 1.0,
            })
            .collect();
        let name_shares = self.name_labels.iter().map(|&label| 1.0 / name_counts[label as usize] as f32).collect();
        Ok(Rows { x, stride, mean, scale, targets, ends, weights, name_shares, labels: self.labels, multi: self.multi })
    }
}

/// Appends the vector scaled to unit length; zeros stay as they are.
fn push_unit(out: &mut Vec<f32>, vector: &[f32]) -> Result<()> {
    try_reserve(out, vector.len(), "the examples' vectors")?;
    // Squares of f32 can't overflow f64.
    let length = vector.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>().sqrt();
    let scale = if length > 0.0 { 1.0 / length } else { 0.0 };
    out.extend(vector.iter().map(|&v| (f64::from(v) * scale) as f32));
    Ok(())
}

/// Rows of examples (E of them), then of names: with the examples' mean subtracted, the constant column
/// added, and padded.
pub struct Rows {
    /// (rows, stride).
    pub(super) x: Vec<f32>,
    pub(super) stride: usize,
    pub(super) mean: Vec<f64>,
    /// The factor for vectors after subtracting the mean, so that examples have length 1 on average.
    pub(super) scale: f64,
    pub(super) targets: Vec<u32>,
    pub(super) ends: Vec<usize>,
    /// (E): examples of rare labels count more, by the square root of their rarity.
    pub(super) weights: Vec<f32>,
    /// Each name's share of the weight of names.
    pub(super) name_shares: Vec<f32>,
    pub(super) labels: usize,
    pub(super) multi: bool,
}

impl Rows {
    /// The number of examples and names.
    pub(super) fn count(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn examples(&self) -> usize {
        self.weights.len()
    }

    pub(super) fn row(&self, i: usize) -> &[f32] {
        &self.x[i * self.stride..][..self.stride]
    }

    pub(super) fn targets_of(&self, i: usize) -> &[u32] {
        let first = i.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.targets[first..self.ends[i]]
    }

    /// The weight of row `i`, if a name counts `name_weight`.
    pub(super) fn weight(&self, i: usize, name_weight: f32) -> f32 {
        match self.weights.get(i) {
            Some(&weight) => weight,
            None => name_weight * self.name_shares[i - self.weights.len()],
        }
    }
}

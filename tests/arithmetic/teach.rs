//! Teaching: weights and objective equal scikit-learn's, leaving one out equals fitting without it, and bad input is refused.

use tabsense::teach::objective::Knobs;
use tabsense::teach::{Examples, Keep, Taught, Trainer, calibration, examples};
use tabsense::{ErrorKind, Result};
use wasm_bindgen_test::wasm_bindgen_test;

#[derive(serde::Deserialize)]
struct Golden {
    name: String,
    labels: usize,
    width: usize,
    multi: bool,
    strength: f64,
    name_weight: f32,
    vectors: Vec<f32>,
    targets: Vec<Vec<u32>>,
    names: Vec<f32>,
    weights: Vec<f32>,
    bias: Vec<f32>,
}

fn goldens() -> Vec<Golden> {
    serde_json::from_str(include_str!("../../test_data/teach/goldens.json")).unwrap()
}

impl Golden {
    fn knobs(&self) -> Knobs {
        Knobs { strength: self.strength, name_weight: self.name_weight }
    }

    /// How many examples have the label of example `i`; 1 if examples have several labels.
    fn alike(&self, i: usize) -> usize {
        if self.multi { 1 } else { self.targets.iter().filter(|targets| **targets == self.targets[i]).count() }
    }

    /// All examples but one. The others of its label count more to make up for it: `k` copies of each, and
    /// `k - 1` of all others, if `k` examples have the label.
    fn without(&self, left_out: Option<usize>) -> Examples {
        let mut examples = Examples::new(self.width, self.labels, self.multi).unwrap();
        let copies = |i: usize| match left_out {
            Some(out) if i == out => 0,
            Some(out) if self.alike(out) > 1 && self.targets[i] == self.targets[out] => self.alike(out),
            Some(out) => (self.alike(out) - 1).max(1),
            None => 1,
        };
        for (i, (vector, labels)) in self.vectors.chunks(self.width).zip(&self.targets).enumerate() {
            for _ in 0..copies(i) {
                examples.add(vector, labels).unwrap();
            }
        }
        for (label, name) in self.names.chunks(self.width).enumerate() {
            examples.add_name(name, label as u32).unwrap();
        }
        examples
    }
}

fn keep(knobs: Knobs) -> Keep {
    Keep { knobs, temperature: 1.0, threshold: 0.0 }
}

fn train(mut trainer: Trainer) -> Result<Taught> {
    let mut before = 0.0;
    loop {
        let done = trainer.step(10_000)?;
        assert!((before..=1.0).contains(&done), "progress {before} and then {done}");
        if done == 1.0 {
            return trainer.finish();
        }
        before = done;
    }
}

fn taught(examples: Examples, kept: Option<Keep>) -> Taught {
    train(Trainer::new(examples, None, kept).unwrap()).unwrap()
}

fn logits(taught: &Taught, vector: &[f32]) -> Vec<f32> {
    let length = vector.iter().map(|v| v * v).sum::<f32>().sqrt();
    let rows = taught.weights.chunks(vector.len()).zip(&taught.bias);
    rows.map(|(w, b)| b + w.iter().zip(vector).map(|(w, v)| w * v / length).sum::<f32>()).collect()
}

/// The fit stops at a small gradient, scikit-learn's at 1e-12. The assertion bounds the largest difference
/// seen.
#[wasm_bindgen_test(unsupported = test)]
fn weights_equal_scikit_learns() {
    for golden in goldens() {
        let taught = taught(golden.without(None), Some(keep(golden.knobs())));
        let pairs = taught.weights.iter().zip(&golden.weights).chain(taught.bias.iter().zip(&golden.bias));
        let far = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(far < 2e-3, "{}: {far}", golden.name);
    }
}

/// With two labels, or several per example, only the single Newton step is approximate. With more labels,
/// their shared curvature is, too.
#[wasm_bindgen_test(unsupported = test)]
fn leaving_one_out_is_near_fitting_without_it() {
    for golden in goldens() {
        let all = taught(golden.without(None), None);
        let beta = 1.0 / all.keep.temperature as f32;
        let mut most = 0f32;
        for (i, (vector, targets)) in golden.vectors.chunks(golden.width).zip(&golden.targets).enumerate() {
            let copies = (golden.alike(i) - 1).max(1);
            let knobs = Knobs {
                strength: all.keep.knobs.strength * copies as f64,
                name_weight: all.keep.knobs.name_weight * copies as f32,
            };
            let without = taught(golden.without(Some(i)), Some(Keep { knobs, ..all.keep }));
            let z = logits(&without, vector);
            if golden.multi {
                let own = &all.own[i * golden.labels..][..golden.labels];
                for (z, own) in z.iter().zip(own) {
                    most = most.max((1.0 / (1.0 + (-beta * z).exp()) - own).abs());
                }
            } else {
                let own = calibration::probability(&z, targets[0] as usize, beta);
                most = most.max((own - all.own[i]).abs());
                let p = calibration::probability(&z, calibration::highest(&z), beta);
                most = most.max((p - all.probability[i]).abs());
            }
        }
        let bound = match golden.name.as_str() {
            "two" | "several an example" => 0.02,
            "three labels" => 0.04,
            _ => 0.1,
        };
        assert!(most < bound, "{}: {most}", golden.name);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn training_twice_gives_the_same_bits_and_a_warm_start_the_same_answers() {
    for golden in goldens() {
        let first = taught(golden.without(None), None);
        assert_eq!(first, taught(golden.without(None), None));
        let warm = Trainer::new(golden.without(None), Some((&first.weights, &first.bias)), Some(first.keep)).unwrap();
        let again = train(warm).unwrap();
        let far = first.weights.iter().zip(&again.weights).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(far < 2e-3, "{}: {far}", golden.name);
        assert_eq!(again.keep, first.keep);
        assert!(again.predicted.is_empty());
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn recognizes_labels_without_examples_by_their_names() {
    let mut examples = Examples::new(4, 3, false).unwrap();
    for label in 0..3u32 {
        let mut name = [0.1f32; 4];
        name[label as usize] = 1.0;
        examples.add_name(&name, label).unwrap();
    }
    let zero = taught(examples, None);
    for label in 0..3 {
        let mut text = [0.2f32; 4];
        text[label] = 0.7;
        assert_eq!(calibration::highest(&logits(&zero, &text)), label);
    }
    assert!(zero.predicted.is_empty());
}

#[wasm_bindgen_test(unsupported = test)]
fn contradictory_duplicate_zero_and_huge_vectors_give_finite_answers() {
    let mut examples = Examples::new(3, 2, false).unwrap();
    for label in [0, 1, 0, 1, 1] {
        examples.add(&[1.0, 0.0, 0.0], &[label]).unwrap();
    }
    examples.add(&[0.0; 3], &[0]).unwrap();
    examples.add(&[f32::MAX, -f32::MAX, f32::MIN_POSITIVE], &[1]).unwrap();
    let taught = taught(examples, None);
    let numbers = taught.weights.iter().chain(&taught.bias).chain(&taught.probability).chain(&taught.own);
    assert!(numbers.clone().all(|n| n.is_finite()));
    let z = logits(&taught, &[1.0, 0.0, 0.0]);
    assert!((calibration::probability(&z, 0, 1.0) - 0.5).abs() < 0.2);
}

#[wasm_bindgen_test(unsupported = test)]
fn five_thousand_labels_are_learned_and_more_are_refused() {
    let mut examples = Examples::new(8, examples::MAX_LABELS, false).unwrap();
    let vector = |label: usize| (0..8).map(|d| ((label * 31 + d * d * 7) % 97) as f32 - 48.0).collect::<Vec<_>>();
    for label in 0..examples::MAX_LABELS {
        examples.add(&vector(label), &[label as u32]).unwrap();
    }
    let kept = keep(Knobs { strength: 10.0, name_weight: 1.0 });
    let taught = taught(examples, Some(kept));
    assert_eq!((taught.weights.len(), taught.bias.len()), (40_000, 5_000));
    assert!(taught.weights.iter().all(|w| w.is_finite()));
    let message = refused(Examples::new(8, examples::MAX_LABELS + 1, false));
    assert!(message.contains("5001 labels"), "{message}");
}

#[wasm_bindgen_test(unsupported = test)]
fn the_most_examples_and_one_more() {
    let mut examples = Examples::new(1, 1, true).unwrap();
    for _ in 0..examples::MAX_EXAMPLES {
        examples.add(&[1.0], &[]).unwrap();
    }
    let message = refused(examples.add(&[1.0], &[]));
    assert!(message.contains("More than 100000 examples"), "{message}");
}

fn refused<T>(result: Result<T>) -> String {
    let error = result.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    error.message().to_owned()
}

#[wasm_bindgen_test(unsupported = test)]
fn rejects_bad_input_with_a_message() {
    let two = || Examples::new(2, 2, false).unwrap();
    assert!(refused(Examples::new(2, 1, false)).contains("at least two labels"));
    assert!(refused(Examples::new(0, 2, false)).contains("0 numbers"));
    assert!(refused(Examples::new(8_192, 5_000, false)).contains("weights"));
    assert!(refused(two().add(&[1.0], &[0])).contains("1 numbers, not 2"));
    assert!(refused(two().add(&[1.0, f32::NAN], &[0])).contains("NaN"));
    assert!(refused(two().add(&[1.0, f32::INFINITY], &[0])).contains("inf"));
    assert!(refused(two().add(&[1.0, 0.0], &[2])).contains("label 2"));
    assert!(refused(two().add(&[1.0, 0.0], &[])).contains("0 labels"));
    assert!(refused(two().add(&[1.0, 0.0], &[0, 1])).contains("2 labels"));
    assert!(refused(two().add_name(&[1.0, 0.0], 7)).contains("label 7"));
    assert!(refused(Examples::new(2, 2, true).unwrap().add(&[1.0, 0.0], &[1, 1])).contains("twice"));
    assert!(refused(Trainer::new(two(), None, None).map(|_| ())).contains("Label 0"));
    let both = || {
        let mut examples = two();
        examples.add(&[1.0, 0.0], &[0]).unwrap();
        examples.add(&[0.0, 1.0], &[1]).unwrap();
        examples
    };
    let warm = [f32::NAN, 0.0, 0.0, 0.0];
    assert!(refused(Trainer::new(both(), Some((&warm, &[0.0; 2])), None).map(|_| ())).contains("2 × 2"));
    assert!(refused(Trainer::new(both(), Some((&warm[..2], &[0.0; 2])), None).map(|_| ())).contains("2 × 2"));
    let kept = Keep { temperature: f64::NAN, ..keep(Knobs { strength: 1.0, name_weight: 1.0 }) };
    assert!(refused(Trainer::new(both(), None, Some(kept)).map(|_| ())).contains("temperature NaN"));
    assert!(refused(Trainer::new(both(), None, None).unwrap().finish()).contains("step"));
}

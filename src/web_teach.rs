//! Learning from examples: the bindings of the module `teacher`, which a page fetches to teach a classifier.

use crate::teach::objective::Knobs;
use crate::teach::{Examples, Keep, Trainer};
use crate::{Error, ErrorKind};
use js_sys::{Float32Array, Object, Reflect, Uint32Array};
use wasm_bindgen::prelude::*;

/// Multiplications per slice: about 10 ms.
const SLICE: usize = 40_000_000;

/// Teaches a classifier: collects examples and names, then works in slices.
#[wasm_bindgen]
pub struct Teacher {
    stage: Stage,
    labels: usize,
    width: usize,
    warm: Option<(Vec<f32>, Vec<f32>)>,
    keep: Option<Keep>,
}

enum Stage {
    Collecting(Examples),
    Training(Box<Trainer>),
    /// After an error.
    Failed,
}

fn invalid(message: impl Into<String>) -> JsValue {
    Error::new(ErrorKind::InvalidArgument, message).into()
}

#[wasm_bindgen]
impl Teacher {
    /// For vectors of `width` numbers and `labels` labels; `multi`: an example may have any number of labels.
    #[wasm_bindgen(constructor)]
    pub fn new(width: usize, labels: usize, multi: bool) -> Result<Teacher, JsValue> {
        let stage = Stage::Collecting(Examples::new(width, labels, multi)?);
        Ok(Self { stage, labels, width, warm: None, keep: None })
    }

    fn examples_mut(&mut self) -> Result<&mut Examples, JsValue> {
        match &mut self.stage {
            Stage::Collecting(examples) => Ok(examples),
            _ => Err(invalid("The training has begun: nothing can be added.")),
        }
    }

    /// Adds examples: all their vectors, concatenated; the label numbers of all examples, concatenated; and
    /// the number of labels of each example (`None`: one each).
    pub fn examples(&mut self, vectors: &[f32], labels: &[u32], counts: Option<Vec<u32>>) -> Result<(), JsValue> {
        let width = self.width;
        let counts = counts.unwrap_or_else(|| vec![1; labels.len()]);
        let sum: usize = counts.iter().map(|&count| count as usize).sum();
        if vectors.len() != counts.len() * width || sum != labels.len() {
            return Err(invalid(format!(
                "{} numbers and {} labels are not {} examples of {width} numbers and {sum} labels.",
                vectors.len(),
                labels.len(),
                counts.len()
            )));
        }
        let examples = self.examples_mut()?;
        let mut rest = labels;
        for (vector, &count) in vectors.chunks_exact(width).zip(&counts) {
            let (example_labels, after) = rest.split_at(count as usize);
            examples.add(vector, example_labels)?;
            rest = after;
        }
        Ok(())
    }

    /// Adds names or descriptions of labels: all their vectors, concatenated, and the label number of each.
    pub fn names(&mut self, vectors: &[f32], labels: &[u32]) -> Result<(), JsValue> {
        let width = self.width;
        if vectors.len() != labels.len() * width {
            return Err(invalid(format!("{} numbers are not {} names of {width}.", vectors.len(), labels.len())));
        }
        let examples = self.examples_mut()?;
        for (vector, &label) in vectors.chunks_exact(width).zip(labels) {
            examples.add_name(vector, label)?;
        }
        Ok(())
    }

    /// Starts from the result of an earlier training: its weights (L × D) and biases (L).
    pub fn start(&mut self, weights: Vec<f32>, bias: Vec<f32>) -> Result<(), JsValue> {
        self.examples_mut()?;
        self.warm = Some((weights, bias));
        Ok(())
    }

    /// Keeps the values of an earlier training instead of searching for them; then there is no leave-one-out.
    pub fn keep(&mut self, strength: f64, name_weight: f64, temperature: f64, threshold: f64) -> Result<(), JsValue> {
        self.examples_mut()?;
        let knobs = Knobs { strength, name_weight: name_weight as f32 };
        self.keep = Some(Keep { knobs, temperature, threshold });
        Ok(())
    }

    /// Works for about 10 ms and returns the progress of the whole training, from 0 to 1; 1 at the end.
    pub fn step(&mut self) -> Result<f64, JsValue> {
        // After an error the training stays failed.
        let stage = match std::mem::replace(&mut self.stage, Stage::Failed) {
            Stage::Collecting(examples) => {
                let warm = self.warm.take();
                let warm = warm.as_ref().map(|(weights, bias)| (&weights[..], &bias[..]));
                Stage::Training(Box::new(Trainer::new(examples, warm, self.keep)?))
            }
            stage => stage,
        };
        let Stage::Training(mut trainer) = stage else { return Err(invalid("The training has failed.")) };
        let done = trainer.step(SLICE)?;
        self.stage = Stage::Training(trainer);
        Ok(done)
    }

    /// The result, as a plain object (`Taught` in the declared types); consumes the teacher.
    pub fn finish(self) -> Result<Object, JsValue> {
        let Stage::Training(trainer) = self.stage else {
            return Err(invalid("The training has not begun. Call `step` until it returns 1."));
        };
        let labels = self.labels;
        let taught = trainer.finish()?;
        let object = Object::new();
        let set = |name: &str, value: JsValue| {
            // Setting a property of a fresh object can't fail.
            let _ = Reflect::set(&object, &name.into(), &value);
        };
        set("labels", (labels as f64).into());
        set("weights", Float32Array::from(&taught.weights[..]).into());
        set("bias", Float32Array::from(&taught.bias[..]).into());
        set("strength", taught.keep.knobs.strength.into());
        set("nameWeight", f64::from(taught.keep.knobs.name_weight).into());
        set("temperature", taught.keep.temperature.into());
        set("threshold", taught.keep.threshold.into());
        set("predicted", Uint32Array::from(&taught.predicted[..]).into());
        set("probability", Float32Array::from(&taught.probability[..]).into());
        set("own", Float32Array::from(&taught.own[..]).into());
        Ok(object)
    }
}

//! Maps the tensors of an ONNX file to a model's weights: by the names of tensors and modules that exporters keep,
//! and by their place in the graph if operations were fused. Also checks that the graph computes the same model, as
//! far as possible without running it.
//!
//! `roles` and `products` find the weights, `source` traces a value to its tensor, `checks` verifies the
//! constants.

mod checks;
mod operators;
mod products;
mod roles;
mod source;

pub(super) use checks::check;
pub(super) use roles::Roles;

use super::names::Names;
use super::plan::{Part, Place, Plan};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::weights::header::quoted;
use crate::weights::onnx::by_name::ByName;
use crate::weights::onnx::{self, Graph, Kind, Node, Wanted};
use std::collections::{HashMap, HashSet};
use std::fmt::Display;

/// The error for a graph that doesn't match the model.
fn mismatch(message: impl Display) -> Error {
    Error::new(ErrorKind::WeightsMismatch, message.to_string())
}

/// A node as shown in messages.
fn described(node: &Node) -> String {
    // An operation's name is a word, unless the file is malicious.
    let is_word = !node.operator.contains(|c: char| !c.is_ascii_alphanumeric() && c != '_') && node.operator.len() < 64;
    let operator = if is_word { node.operator.clone() } else { quoted(&node.operator) };
    match node.name.is_empty() {
        false => format!("{} ({operator})", quoted(&node.name)),
        true => format!("the {operator} that computes {}", quoted(node.output())),
    }
}

/// What is known about the file once its weights have been found.
pub(super) struct Mapped {
    /// Tensors of the file that are weights, or that belong to a head that is left out.
    known: ByName<()>,
}

/// The weights of a file for the model of `config`; `exact`: whether integers are decoded.
///
/// # Errors
/// [`ErrorKind::WeightsMismatch`] if one is missing, or if a node's weight is not one of the model's.
pub(super) fn of_model(graph: &Graph, config: &Config, plan: &Plan, exact: bool) -> Result<(Wanted, Mapped)> {
    let names = Names::of(config);
    let slots: HashMap<&str, usize> = plan.slots().iter().map(|slot| slot.name.as_str()).zip(0..).collect();
    let found = Roles::find(graph, &names)?;
    let mut known = ByName::default();
    let mut weights = Vec::new();
    for mut weight in found.weights {
        weight.tensors().for_each(|name| _ = known.insert(name, ()));
        let mut extra = None;
        for part in &mut weight.parts {
            match slots.get(part.name.as_str()) {
                Some(&slot) => part.shape = Some(plan.slots()[slot].shape.clone()),
                None => extra = Some(part.name.clone()),
            }
        }
        match extra {
            None => weights.push(weight),
            // It belongs to a head, or to the pooler of an encoder.
            Some(name) if names.is_of_unused_head(&name) => {}
            Some(name) => {
                return Err(mismatch(format!(
                    "The ONNX file has {}, which a model with config.json's sizes doesn't have: they must be from \
                     the same checkpoint.",
                    quoted(&name)
                )));
            }
        }
    }
    let there: HashSet<&str> = weights.iter().flat_map(|weight| &weight.parts).map(|part| part.name.as_str()).collect();
    let mut missing: Vec<&str> = slots.keys().copied().filter(|name| !there.contains(name)).collect();
    if !missing.is_empty() {
        crate::order::sort_by_key(&mut missing, |name| slots[name]);
        let more = match missing.len() - 1 {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        let head = missing.iter().all(|name| plan.slots()[slots[name]].part != Part::Body);
        let advice = match head {
            true => "It has no classification head: use one that was exported for text classification.",
            false => "It must be from the same checkpoint as config.json, with nodes named after modules.",
        };
        return Err(mismatch(format!("No node of the ONNX file has {}{more}. {advice}", quoted(missing[0]))));
    }
    Ok((Wanted { weights, exact, in_order: false }, Mapped { known }))
}

/// The weights of a file without its configuration, as they are; `names`: those of its architecture.
///
/// # Errors
/// The errors of [`of_model`].
pub(crate) fn of_checkpoint(graph: &Graph, names: &Names) -> Result<Wanted> {
    Ok(Wanted { weights: Roles::find(graph, names)?.weights, exact: true, in_order: true })
}

/// The names of the architecture that matches most of a graph's values and modules.
pub(crate) fn guess(graph: &Graph) -> Names {
    Names::best_match(|names| Roles::count(graph, names))
}

/// A part of a weight, whose shape is not known yet.
fn part(name: String) -> onnx::Part {
    onnx::Part { name, shape: None }
}

/// The kind of weight that a place needs.
fn kind_of(place: Place) -> Kind {
    match place {
        Place::Table(_) => Kind::Table,
        Place::Rows { .. } => Kind::Matrix,
        Place::Relative(_) => Kind::Relative,
        Place::Gamma(_) | Place::Beta(_) | Place::Bias { .. } | Place::OfTokens(_) => Kind::Vector,
    }
}

impl Mapped {
    /// Whether the file's tensor `name` is accounted for.
    fn has(&self, name: &str) -> bool {
        self.known.has(name)
    }
}

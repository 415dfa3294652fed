//! Pairs the file's tensors with those that the configuration requires, and checks their types and shapes.

use super::checkpoint;
use super::names::Names;
use super::plan::{Part, Place, Plan};
use crate::backend::Precision;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::weights::dtype::Storage;
use crate::weights::header::{Header, TensorInfo, quoted};
use crate::weights::int4;
use std::collections::{HashMap, HashSet};
use std::fmt::Display;

/// The suffix of the tensor with an integer matrix's scales: one per row of int8, one per group of int4.
pub const SCALE_SUFFIX: &str = "_scale";

/// Where a tensor of the file goes.
#[derive(Clone, Copy)]
pub(super) enum Target {
    /// Nowhere: it is not a weight of the model.
    Nothing,
    /// To a slot of the plan.
    Slot(usize),
    /// The scales of a slot's int8 tensor.
    Scales(usize),
    /// The scales of a slot's int4 tensor, row by row.
    GroupScales(usize),
}

/// A tensor of the file.
pub(super) struct Incoming {
    /// Its name in the file.
    pub name: String,
    pub storage: Storage,
    /// Elements of a row, as stored.
    pub columns: usize,
    /// How many of the model's numbers it contains.
    pub numbers: usize,
    pub target: Target,
    /// For the rows of a matrix.
    pub precision: Option<Precision>,
}

/// The file's tensors, in file order, and warnings about those that the model doesn't use.
pub(super) struct Matched {
    pub tensors: Vec<Incoming>,
    pub warnings: Vec<String>,
}

fn mismatch(message: impl Display) -> Error {
    Error::new(ErrorKind::WeightsMismatch, message.to_string())
}

/// The error for a tensor whose integers are not in this project's formats.
pub(super) fn unsupported_integers(message: impl Display) -> Error {
    mismatch(format!(
        "{message}: other integer formats than this project's int8 and int4 are not supported. Use the \
     checkpoint in F32, F16 or BF16."
    ))
}

/// Pairs the file's tensors with those that the plan of `config` requires.
pub(super) fn match_tensors(header: &Header, config: &Config, plan: &Plan) -> Result<Matched> {
    let expected: HashMap<&str, usize> = plan.slots().iter().map(|slot| slot.name.as_str()).zip(0..).collect();
    let names = Names::of(config);
    let resolved = checkpoint::resolve(header, names.base(), |name| expected.contains_key(name))?;
    let found: HashSet<&str> = resolved.iter().flatten().map(String::as_str).collect();
    let missing: Vec<&str> = expected.keys().copied().filter(|name| !found.contains(name)).collect();
    if !missing.is_empty() {
        return Err(checkpoint::missing(header, &names, &resolved, missing));
    }
    // Keyed by the names of their scales.
    let pairs = || header.tensors.iter().zip(&resolved);
    let integer_matrices: HashMap<String, (Vec<usize>, Target)> = pairs()
        .filter_map(|(t, name)| {
            let slot = *expected.get(name.as_ref()?.as_str())?;
            let shape = &plan.slots()[slot].shape;
            let scales = match Storage::of(t.dtype)? {
                Storage::Int8 if config.architecture.accepts_bare_int8() => return None,
                Storage::Int8 => (vec![shape[0]], Target::Scales(slot)),
                Storage::Int4 => (vec![shape[0], shape.get(1)? / int4::GROUP], Target::GroupScales(slot)),
                _ => return None,
            };
            Some((format!("{}{SCALE_SUFFIX}", t.name), scales))
        })
        .collect();
    let mut scales_missing: Vec<&String> = integer_matrices.keys().collect();

    let mut tensors = Vec::with_capacity(header.tensors.len());
    for (t, name) in pairs() {
        let (shape, target) = if let Some(name) = name {
            let slot = expected[name.as_str()];
            (&plan.slots()[slot].shape, Target::Slot(slot))
        } else if let Some((shape, target)) = integer_matrices.get(&t.name) {
            scales_missing.retain(|name| *name != &t.name);
            (shape, *target)
        } else {
            // Offsets, codebooks and the like say what the integers mean: ignoring them would give wrong
            // answers.
            let of_integers =
                |scales: &String| scales.strip_suffix(SCALE_SUFFIX).is_some_and(|matrix| t.name.starts_with(matrix));
            if integer_matrices.keys().any(of_integers) {
                return Err(unsupported_integers(format!("{} belongs to a matrix of integers", quoted(&t.name))));
            }
            tensors.push(Incoming {
                name: t.name.clone(),
                storage: Storage::F32,
                columns: 0,
                numbers: 0,
                target: Target::Nothing,
                precision: None,
            });
            continue;
        };
        let storage = storage(t, target, plan)?;
        let mut stored = shape.clone();
        let columns = stored.last_mut().expect("no expected shape is empty");
        if storage == Storage::Int4 {
            if !int4::fits(*columns) {
                let group = int4::GROUP;
                return Err(unsupported_integers(format!(
                    "{} is stored as U8, but its {columns} columns are not groups of {group}",
                    quoted(&t.name)
                )));
            }
            if scales_missing.iter().any(|name| name.strip_suffix(SCALE_SUFFIX) == Some(&t.name)) {
                return Err(unsupported_integers(format!(
                    "{} is stored as U8, but its scales don't precede it",
                    quoted(&t.name)
                )));
            }
            *columns /= 2;
        }
        let columns = *columns;
        if stored != t.shape {
            let of_labels = matches!(target, Target::Slot(slot) if plan.slots()[slot].part == Part::Classifier);
            let labels = if of_labels { " Each label in id2label of config.json needs one row." } else { "" };
            return Err(mismatch(format!(
                "{} has the shape {:?}, but {stored:?} is expected: model.safetensors and config.json must be from \
                 the same checkpoint.{labels}",
                quoted(&t.name),
                t.shape
            )));
        }
        let numbers = if matches!(target, Target::Slot(_)) { shape.iter().product() } else { 0 };
        tensors.push(Incoming { name: t.name.clone(), storage, columns, numbers, target, precision: None });
    }
    if let Some(name) = scales_missing.into_iter().min() {
        return Err(unsupported_integers(format!(
            "The weights lack {}, the scales of an integer matrix",
            quoted(name)
        )));
    }
    let unused = tensors.iter().filter(|t| matches!(t.target, Target::Nothing)).map(|t| t.name.as_str());
    let warnings = checkpoint::warnings(&names, unused);
    Ok(Matched { tensors, warnings })
}

/// How a tensor of the model is stored.
fn storage(t: &TensorInfo, target: Target, plan: &Plan) -> Result<Storage> {
    let storage = Storage::of(t.dtype);
    let place = match target {
        Target::Slot(slot) => Some(plan.slots()[slot].place),
        // A table keeps its scales as they are stored.
        Target::GroupScales(slot)
            if matches!(plan.slots()[slot].place, Place::Table(_)) && storage != Some(Storage::F16) =>
        {
            return Err(mismatch(format!(
                "{} is stored as {:?}, but the scales of an int4 table must be F16: convert the checkpoint again.",
                quoted(&t.name),
                t.dtype
            )));
        }
        _ => None,
    };
    let (read, integers): (_, &[Storage]) = match place {
        Some(Place::Rows { .. } | Place::Table(_)) => {
            ("F32, F64, F16, BF16 and the int8 and int4 of this project", &[Storage::Int8, Storage::Int4])
        }
        Some(Place::OfTokens(_)) => ("F32, F64, F16, BF16, I32 and I64", &[Storage::I32, Storage::I64]),
        _ => ("F32, F64, F16 and BF16", &[]),
    };
    match storage {
        Some(storage) if storage.is_float() || integers.contains(&storage) => return Ok(storage),
        _ => {}
    }
    Err(mismatch(format!(
        "{} is stored as {:?}, but only {read} are supported: use the checkpoint in one of these.",
        quoted(&t.name),
        t.dtype
    )))
}

//! Maps a file's tensors to a model's by name (the names of current or older checkpoints, or of a base
//! model), and reports unused and missing ones.

use super::names::{self, Names};
use super::plan::Part;
use crate::config::Task;
use crate::error::{Error, ErrorKind, Result};
use crate::weights::header::{Header, quoted};
use std::collections::HashSet;

/// Names that a list shows; further ones are counted.
const MAX_LISTED: usize = 3;

/// For each tensor of the file, its name in a model whose prefix is `base` and that `has` certain names, or
/// `None`.
///
/// # Errors
/// [`ErrorKind::WeightsMismatch`] if two tensors are the same weight.
pub fn resolve(header: &Header, base: &str, has: impl Fn(&str) -> bool) -> Result<Vec<Option<String>>> {
    let mut seen = HashSet::new();
    let mut resolved = Vec::with_capacity(header.tensors.len());
    for t in &header.tensors {
        let name = names::canonical(&t.name, base, &has).map(|name| name.into_owned());
        if let Some(name) = &name
            && !seen.insert(name.clone())
        {
            return Err(Error::new(
                ErrorKind::WeightsMismatch,
                format!(
                    "The weights hold {} twice, under an old name and a new one: remove one of them.",
                    quoted(name)
                ),
            ));
        }
        resolved.push(name);
    }
    Ok(resolved)
}

/// Warnings about tensors of the file that the model doesn't use, one sentence each; none about buffers.
pub fn warnings<'a>(names: &Names, unused: impl Iterator<Item = &'a str>) -> Vec<String> {
    let unused = unused.filter(|name| !names.is_buffer(name) && !names.is_of_unused_head(name));
    let (layers, others): (Vec<&str>, Vec<&str>) = unused.partition(|name| names.canonical(name).is_some());
    let mut warnings = Vec::new();
    if !layers.is_empty() {
        warnings.push(format!(
            "The weights hold {}, of layers beyond those in config.json; they were ignored.",
            list(&layers)
        ));
    }
    if !others.is_empty() {
        warnings.push(format!("The weights hold {}, which this model does not use.", list(&others)));
    }
    warnings
}

/// The first few names, and how many more there are.
fn list(names: &[&str]) -> String {
    let first: Vec<String> = names.iter().take(MAX_LISTED).map(|name| quoted(name)).collect();
    match names.len().saturating_sub(MAX_LISTED) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// Explains why a file with these tensors, `resolved` by [`resolve`], lacks `missing` (at least one name),
/// and what to do.
pub fn missing(header: &Header, names: &Names, resolved: &[Option<String>], mut missing: Vec<&str>) -> Error {
    crate::order::sort_by(&mut missing, Ord::cmp);
    let unused: Vec<&str> = (header.tensors.iter().zip(resolved))
        .filter(|(t, name)| name.is_none() && !names.is_buffer(&t.name))
        .map(|(t, _)| t.name.as_str())
        .collect();
    let found = || resolved.iter().flatten();
    let lack = format!("The weights lack {}", list(&missing));
    let message = if let Some(prefix) = common_prefix(names, &unused, &missing) {
        format!(
            "{lack}: the names in the file begin with {prefix:?}, as if the model was saved inside a wrapper. Save \
             the model itself, or remove {prefix:?} from the names."
        )
    } else if found().next().is_some()
        && missing.iter().all(|name| names.part(name) != Some(Part::Body))
        && !found().any(|name| names.part(name) == Some(Part::Classifier))
    {
        let task = if names.task() == Task::Tag { "token classification" } else { "text classification" };
        format!("{lack}: this checkpoint has no classification head. Use one that was fine-tuned for {task}.")
    } else if unused.is_empty() {
        format!("{lack}: model.safetensors and config.json must be from the same checkpoint.")
    } else {
        format!(
            "{lack}, but hold {}: model.safetensors and config.json must be from the same checkpoint, saved by \
             transformers.",
            list(&unused)
        )
    };
    Error::new(ErrorKind::WeightsMismatch, message)
}

/// The prefix of the missing names in the file, if that is all that is wrong with them.
fn common_prefix<'a>(names: &Names, unused: &[&'a str], missing: &[&str]) -> Option<&'a str> {
    let of = |name: &str| names.canonical(name).map(|n| n.into_owned());
    let prefix = unused.iter().find_map(|name| {
        let ends = name.match_indices('.').map(|(i, _)| i + 1);
        let end = ends.into_iter().find(|&end| of(&name[end..]).as_deref() == Some(missing[0]))?;
        Some(&name[..end])
    })?;
    let without: HashSet<String> = unused.iter().filter_map(|name| of(name.strip_prefix(prefix)?)).collect();
    missing.iter().all(|name| without.contains(*name)).then_some(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_names_three_and_counts_the_rest() {
        let known = names::distilbert();
        let of = |names: &[&str]| warnings(&known, names.iter().copied());
        assert!(of(&["distilbert.embeddings.position_ids", "embeddings.token_type_ids"]).is_empty());
        assert_eq!(of(&["a"]), ["The weights hold \"a\", which this model does not use."]);
        assert_eq!(
            of(&["a", "b", "c", "transformer.layer.9.ffn.lin1.bias", "d", "e"]),
            [
                "The weights hold \"transformer.layer.9.ffn.lin1.bias\", of layers beyond those in config.json; they \
                 were ignored.",
                "The weights hold \"a\", \"b\", \"c\" and 2 more, which this model does not use.",
            ]
        );
    }

    #[test]
    fn a_prefix_is_found_if_it_explains_all() {
        let missing = ["classifier.bias", "distilbert.embeddings.LayerNorm.weight"];
        let known = names::distilbert();
        let prefix = |unused: &[&'static str]| common_prefix(&known, unused, &missing);
        assert_eq!(
            prefix(&[
                "x",
                "_orig_mod.module.classifier.bias",
                "_orig_mod.module.distilbert.embeddings.LayerNorm.gamma"
            ]),
            Some("_orig_mod.module.")
        );
        assert_eq!(prefix(&["m.classifier.bias", "m.embeddings.LayerNorm.weight"]), Some("m."));
        assert_eq!(prefix(&["aux.classifier.bias"]), None);
        assert_eq!(prefix(&[]), None);
    }
}

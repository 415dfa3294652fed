//! The names of a model's tensors in checkpoints: current, older, and those of a base model; and the architecture of
//! a checkpoint without a configuration.

use super::architecture::{Architecture, NAMING_SCHEMES, Network, examples};
use super::plan::{Part, Place, Slot};
use super::transformer::TAGGER;
use crate::config::{Config, Task};
use crate::weights::header::Header;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// The numbers 0, 1, 2, … and zeros in old checkpoints, which are not weights; with or without the base's
/// prefix.
const BUFFERS: &[&str] = &["embeddings.position_ids", "embeddings.token_type_ids"];

/// Tensors that encoders need only in training, for the order or similarity of sentences.
const POOLER: &[&str] = &["pooler.dense.weight", "pooler.dense.bias"];

/// The tensors of an architecture's models with any number of layers, at least one.
pub struct Names {
    model_type: &'static str,
    base: &'static str,
    /// The modules of the layer normalizations of a model with one layer, in order.
    norms: Vec<String>,
    /// The tensors of a model with one layer.
    slots: HashMap<String, Slot>,
    /// The tensors that every model has.
    required: HashSet<String>,
    task: Task,
    /// Whether other architectures could have a file's tensors, too.
    ambiguous: bool,
}

impl Names {
    /// The tensors of models like that of `config`.
    pub fn of(config: &Config) -> Self {
        let names = match config.architecture {
            Architecture::StaticEmbedding(_) => Self::of_examples(std::slice::from_ref(config)),
            architecture => Self::of_type(architecture.name()),
        };
        let names = Self { task: config.task, ..names };
        // All but the head is that of a classifier, whose last layer distinguishes the attention's matrices.
        if config.task == Task::Tag { names.with_tagger() } else { names }
    }

    /// The same with a tagger's head.
    fn with_tagger(mut self) -> Self {
        let renamed = |slot: &Slot| {
            let (_, what) = slot.name.rsplit_once('.')?;
            let name = format!("{TAGGER}.{what}");
            (slot.part == Part::Classifier).then(|| (name.clone(), Slot { name, ..slot.clone() }))
        };
        let head: Vec<(String, Slot)> = self.slots.values().filter_map(renamed).collect();
        self.slots.retain(|_, slot| slot.part == Part::Body);
        self.required.retain(|name| self.slots.contains_key(name));
        self.required.extend(head.iter().map(|(name, _)| name.clone()));
        self.slots.extend(head);
        self.task = Task::Tag;
        self
    }

    /// The same with the head that a file has: a classifier's, a tagger's or none.
    pub fn with_head_of(self, header: &Header) -> Self {
        let has = |part| {
            let of_part = |name: &str| self.part(name) == Some(part);
            header.tensors.iter().any(|t| self.canonical(&t.name).is_some_and(|name| of_part(&name)))
        };
        if has(Part::Classifier) && has(Part::Head) {
            return self;
        }
        let is_tagger =
            |name: &str| name.strip_prefix(self.base).unwrap_or(name).strip_suffix(".weight") == Some(TAGGER);
        if header.tensors.iter().any(|t| is_tagger(&t.name)) {
            return self.with_tagger();
        }
        let mut required = self.required.clone();
        required.retain(|name| self.part(name) == Some(Part::Body));
        Self { required, task: Task::Encode, ..self }
    }

    /// The tensors of classifiers of a `model_type`.
    fn of_type(model_type: &str) -> Self {
        Self::of_examples(&examples(model_type))
    }

    /// The tensors of classifiers, from configurations that together have every tensor of their architecture.
    fn of_examples(examples: &[Config]) -> Self {
        let base = examples[0].architecture.base();
        let (_, plan) = Network::new(&examples[0]);
        let gammas = plan.slots().iter().filter(|slot| matches!(slot.place, Place::Gamma(_)));
        let norms = gammas.filter_map(|slot| slot.name.strip_suffix(".weight").map(str::to_owned)).collect();
        let mut models = examples.iter().map(|config| {
            let (_, plan) = Network::new(config);
            plan.slots().iter().map(|slot| (slot.name.clone(), slot.clone())).collect::<HashMap<_, _>>()
        });
        let mut slots = models.next().expect("an example");
        let mut required: HashSet<String> = slots.keys().cloned().collect();
        for more in models {
            required.retain(|name| more.contains_key(name));
            slots.extend(more);
        }
        Self {
            model_type: examples[0].architecture.name(),
            base,
            norms,
            slots,
            required,
            task: Task::Classify,
            ambiguous: false,
        }
    }

    /// The tensors of the architecture that most of a file's tensors belong to, for a checkpoint without its
    /// configuration.
    pub fn guess(header: &Header) -> Self {
        Self::best_match(|names| header.tensors.iter().filter(|t| names.canonical(&t.name).is_some()).count())
    }

    /// The tensors of the architecture for which `count` finds the most names.
    pub fn best_match(count: impl Fn(&Self) -> usize) -> Self {
        let all = NAMING_SCHEMES.iter().map(|model_type| Self::of_type(model_type));
        let mut counted: Vec<(usize, Self)> = all.map(|names| (count(&names), names)).collect();
        let most = counted.iter().map(|(count, _)| *count).max().expect("some architecture");
        counted.retain(|(count, _)| *count == most);
        let ambiguous = counted.len() > 1;
        Self { ambiguous, ..counted.swap_remove(0).1 }
    }

    /// The name of the tensor `name` in a rewritten file: without the base's prefix if the architecture is
    /// ambiguous. Loading finds it anyway ([`canonical`]).
    pub fn written(&self, name: String) -> String {
        match name.strip_prefix(self.base) {
            Some(rest) if self.ambiguous => rest.to_owned(),
            _ => name,
        }
    }

    /// `model_type` of the architecture, or of the one with the same names.
    pub fn model_type(&self) -> &'static str {
        self.model_type
    }

    /// What the models are used for.
    pub fn task(&self) -> Task {
        self.task
    }

    /// The prefix of all names except the head's.
    pub fn base(&self) -> &str {
        self.base
    }

    /// Whether a model has a tensor `name`.
    pub fn has(&self, name: &str) -> bool {
        self.slots.contains_key(&*in_first_layer(name))
    }

    /// The place of the tensor `name` in a model.
    pub fn place(&self, name: &str) -> Option<Place> {
        self.slots.get(&*in_first_layer(name)).map(|slot| slot.place)
    }

    /// The module of the model's layer normalization `i`, in the order in which they are computed.
    pub fn norm(&self, i: usize) -> Option<String> {
        let first = self.norms.iter().position(|name| name.contains(".0."))?;
        let of_layer = self.norms.len() - first;
        let Some(i) = i.checked_sub(first) else { return self.norms.get(i).cloned() };
        Some(self.norms[first + i % of_layer].replacen(".0.", &format!(".{}.", i / of_layer), 1))
    }

    /// The weights of a layer's products.
    pub fn matrices(&self, layer: usize) -> impl Iterator<Item = String> {
        let rows = self.slots.values().filter(|slot| matches!(slot.place, Place::Rows { .. }));
        let of_layers = rows.filter(|slot| slot.name.contains(".0."));
        of_layers.map(move |slot| slot.name.replacen(".0.", &format!(".{layer}."), 1))
    }

    /// The modules of query, key and value of a layer's attention.
    pub fn attention(&self, layer: usize) -> Option<[String; 3]> {
        let of_layer = self.slots.values().filter_map(|slot| match slot.place {
            Place::Rows { matrix, first } => Some((matrix.index(), first, slot.name.strip_suffix(".weight")?)),
            _ => None,
        });
        let mut rows: Vec<_> = of_layer.filter(|(_, _, name)| name.contains(".0.")).collect();
        crate::order::sort_by(&mut rows, Ord::cmp);
        // In a last layer, as this one is, the queries have their own matrix, before that of the keys and
        // values.
        let keys = rows.windows(2).position(|pair| pair[0].0 == pair[1].0)?;
        let qkv = rows.get(keys.checked_sub(1)?..keys + 2)?;
        let names: Vec<String> =
            qkv.iter().map(|(_, _, name)| name.replacen(".0.", &format!(".{layer}."), 1)).collect();
        names.try_into().ok()
    }

    /// Which part of a model the tensor `name` belongs to.
    pub fn part(&self, name: &str) -> Option<Part> {
        self.slots.get(&*in_first_layer(name)).map(|slot| slot.part)
    }

    /// Whether the file's tensor `name` may be rounded to integers: a matrix or an embedding table.
    pub fn supports_integers(&self, name: &str) -> bool {
        let slot = self.canonical(name).and_then(|name| self.slots.get(&*in_first_layer(&name)));
        slot.is_some_and(|slot| matches!(slot.place, Place::Rows { .. } | Place::Table(_)))
    }

    /// The tensors that every model has.
    pub fn required(&self) -> impl Iterator<Item = &String> {
        self.required.iter()
    }

    /// [`canonical`] for a model with any number of layers.
    pub fn canonical<'a>(&self, name: &'a str) -> Option<Cow<'a, str>> {
        canonical(name, self.base, |name| self.has(name))
    }

    /// Whether the tensor `name` of the file belongs to a head, which an encoder doesn't have.
    pub fn is_of_unused_head(&self, name: &str) -> bool {
        let of_head = || self.canonical(name).is_some_and(|name| self.part(&name) != Some(Part::Body));
        let of_pooler = || POOLER.contains(&name.strip_prefix(self.base).unwrap_or(name));
        match self.task {
            Task::Classify => false,
            Task::Tag => of_pooler(),
            Task::Embed(_) | Task::Encode => of_head() || of_pooler(),
        }
    }

    /// Whether a tensor of the file is a buffer, which the model computes itself.
    pub fn is_buffer(&self, name: &str) -> bool {
        BUFFERS.contains(&name.strip_prefix(self.base).unwrap_or(name))
    }
}

/// A name with the number of its layer replaced by 0.
fn in_first_layer(name: &str) -> Cow<'_, str> {
    let is_number = |part: &&str| part.parse::<u16>().is_ok_and(|n| n.to_string() == *part);
    match name.split('.').find(is_number) {
        Some(number) => {
            let at = number.as_ptr() as usize - name.as_ptr() as usize;
            format!("{}0{}", &name[..at], &name[at + number.len()..]).into()
        }
        None => name.into(),
    }
}

/// A tensor's name in current checkpoints. Older ones kept TensorFlow's names for a while, and a static
/// embedding gets sentence-transformers' name.
pub fn modern(name: &str) -> Cow<'_, str> {
    if name == "embeddings" {
        return "embedding.weight".into();
    }
    let renamed = |old, new| name.strip_suffix(old).map(|stem| format!("{stem}{new}").into());
    renamed("LayerNorm.gamma", "LayerNorm.weight")
        .or_else(|| renamed("LayerNorm.beta", "LayerNorm.bias"))
        .unwrap_or(name.into())
}

/// The name of the file's tensor `name` in a model that `has` certain names: γ and β are renamed, and the
/// base's prefix is added or removed if that gives one of the model's names. `None` if the model has no such
/// tensor.
///
/// Source: `rename_source_key` of `transformers` 5.24, `core_model_loading.py`.
pub fn canonical<'a>(name: &'a str, base: &str, has: impl Fn(&str) -> bool) -> Option<Cow<'a, str>> {
    let name = modern(name);
    if let Some(stripped) = name.strip_prefix(base)
        && has(stripped)
    {
        return Some(stripped.to_owned().into());
    }
    let prefixed = format!("{base}{name}");
    if has(&prefixed) {
        return Some(prefixed.into());
    }
    has(&name).then_some(name)
}

#[cfg(test)]
pub(super) fn distilbert() -> Names {
    Names::of_type("distilbert")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_as_transformers_finds_them() {
        let known = distilbert();
        let canonical = |name| known.canonical(name).map(Cow::into_owned);
        for (name, want) in [
            ("distilbert.embeddings.LayerNorm.weight", "distilbert.embeddings.LayerNorm.weight"),
            ("distilbert.embeddings.LayerNorm.gamma", "distilbert.embeddings.LayerNorm.weight"),
            ("embeddings.LayerNorm.beta", "distilbert.embeddings.LayerNorm.bias"),
            ("transformer.layer.11.ffn.lin1.bias", "distilbert.transformer.layer.11.ffn.lin1.bias"),
            ("distilbert.pre_classifier.bias", "pre_classifier.bias"),
            ("distilbert.distilbert.embeddings.LayerNorm.bias", "distilbert.embeddings.LayerNorm.bias"),
            ("classifier.weight", "classifier.weight"),
        ] {
            assert_eq!(canonical(name).as_deref(), Some(want), "{name}");
        }
        for name in [
            "gamma",
            "embeddings.position_ids",
            "transformer.layer.01.ffn.lin1.bias",
            "transformer.layer.x.ffn.lin1.bias",
            "module.classifier.weight",
            "vocab_layer_norm.gamma",
            "distilbert.transformer.layer.0.sa_layer_norm.gamma",
        ] {
            assert_eq!(canonical(name), None, "{name}");
        }
        assert!(known.is_buffer("embeddings.position_ids") && known.is_buffer("distilbert.embeddings.token_type_ids"));
        assert!(!known.is_buffer("position_ids"));
    }

    fn header(names: &[&str]) -> Header {
        let entries =
            names.iter().map(|name| format!(r#""{name}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#));
        Header::parse(format!("{{{}}}", entries.collect::<Vec<_>>().join(",")).as_bytes()).unwrap()
    }

    #[test]
    fn the_attention_s_modules_are_found_by_their_places() {
        let of = |model_type, layer| Names::of_type(model_type).attention(layer).unwrap();
        let lin = |name| format!("distilbert.transformer.layer.3.attention.{name}_lin");
        assert_eq!(of("distilbert", 3), ["q", "k", "v"].map(lin));
        let of_self = |name| format!("electra.encoder.layer.11.attention.self.{name}");
        assert_eq!(of("electra", 11), ["query", "key", "value"].map(of_self));
        let norm = |i| Names::of_type("roberta").norm(i).unwrap();
        assert_eq!(norm(0), "roberta.embeddings.LayerNorm");
        assert_eq!(norm(3), "roberta.encoder.layer.1.attention.output.LayerNorm");
        assert_eq!(norm(4), "roberta.encoder.layer.1.output.LayerNorm");
        let of_attn = |name| format!("mpnet.encoder.layer.0.attention.attn.{name}");
        assert_eq!(of("mpnet", 0), ["q", "k", "v"].map(of_attn));
    }

    #[test]
    fn a_checkpoint_tells_its_architecture() {
        let base_of = |names: &[&str]| Names::guess(&header(names)).base;
        assert_eq!(base_of(&["transformer.layer.0.ffn.lin1.bias", "classifier.bias"]), "distilbert.");
        assert_eq!(base_of(&["bert.embeddings.LayerNorm.gamma", "classifier.bias"]), "bert.");
        assert_eq!(base_of(&["roberta.embeddings.LayerNorm.bias", "classifier.out_proj.bias"]), "roberta.");
        assert_eq!(base_of(&["data2vec_text.embeddings.LayerNorm.bias"]), "data2vec_text.");
        assert_eq!(base_of(&["encoder.layer.7.output.dense.bias", "embeddings_project.bias"]), "electra.");
        assert_eq!(base_of(&["encoder.layer.7.attention.attn.o.bias"]), "mpnet.");
    }

    #[test]
    fn names_of_several_architectures_are_written_without_a_prefix() {
        let tensors = ["encoder.layer.7.output.dense.bias", "classifier.out_proj.bias"];
        let names = Names::guess(&header(&tensors));
        let written = tensors.map(|name| names.written(names.canonical(name).unwrap().into_owned()));
        assert_eq!(written, tensors);
        let names = Names::guess(&header(&["encoder.layer.7.output.dense.bias", "pooler.dense.bias"]));
        assert_eq!(names.written("bert.pooler.dense.bias".into()), "bert.pooler.dense.bias", "BERT's alone");
    }
}

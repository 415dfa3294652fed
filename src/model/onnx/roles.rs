//! Finds the weights of a graph: tables and vectors here, matrices in [`super::products`].

use super::operators::KNOWN;
use super::source::{Source, stem};
use super::{described, kind_of, mismatch, part};
use crate::config::limits;
use crate::error::Result;
use crate::model::names::Names;
use crate::weights::header::quoted;
use crate::weights::onnx::by_name::ByName;
use crate::weights::onnx::{Form, Graph, Kind, Node, Weight};
use std::collections::HashSet;

/// The maximum number of nodes between a product and the addition of its bias: a cast and a scale of
/// integers, a change of shape.
pub(super) const MAX_STEPS: usize = 5;

/// The longest name, in bytes, that is searched for a tensor's name.
const LONGEST_NAME: usize = 512;

/// The weights of a graph that have been found.
pub(in crate::model) struct Roles<'a> {
    pub(super) graph: &'a Graph,
    pub(super) names: &'a Names,
    pub weights: Vec<Weight>,
    pub(super) seen: ByName<()>,
    /// The names of the weights of products whose biases share a tensor, by node.
    pub(super) of_attention: Vec<(usize, String)>,
    /// Products whose weight no name identifies.
    pub(super) unnamed: Vec<usize>,
    /// The layer normalizations that are a single operation, in order.
    norms: Vec<usize>,
}

impl<'a> Roles<'a> {
    /// Finds all weights.
    ///
    /// # Errors
    /// [`crate::ErrorKind::WeightsMismatch`], naming the node, for an operation that no encoder has and for a
    /// product whose weight is not one of the model's.
    pub fn find(graph: &'a Graph, names: &'a Names) -> Result<Self> {
        let mut roles = Self::of(graph, names);
        for node in graph.nodes() {
            if node.operator == "MatMulBnb4" {
                return Err(mismatch(format!(
                    "{} has 4-bit weights of bitsandbytes (bnb4), which are not supported: use model_q4.onnx or \
                     model_quantized.onnx.",
                    described(node)
                )));
            }
            if KNOWN.binary_search(&node.operator.as_str()).is_err() {
                return Err(mismatch(format!(
                    "The ONNX file has {}, an operation that no model of this kind has: use a supported model's file \
                     as it was exported.",
                    described(node)
                )));
            }
        }
        let mut layers = 0;
        for node in graph.nodes() {
            if matches!(node.operator.as_str(), "Attention" | "QAttention" | "MultiHeadAttention") {
                if layers == limits::LAYERS {
                    return Err(unread(node));
                }
                roles.attention(node, layers)?;
                layers += 1;
            }
        }
        for (at, node) in graph.nodes().iter().enumerate() {
            roles.vectors(at, node);
            roles.table(node)?;
            if let Some(product) = roles.product(node)? {
                roles.matrix(at, node, product)?;
            }
        }
        roles.eliminate()?;
        Ok(roles)
    }

    /// How many of a graph's values and modules have one of these names.
    pub fn count(graph: &'a Graph, names: &'a Names) -> usize {
        let roles = Self::of(graph, names);
        let inputs = graph.nodes().iter().flat_map(|node| &node.inputs).filter_map(|name| roles.known(name));
        let modules = graph.nodes().iter().filter_map(|node| roles.known(&format!("{}.weight", node.module()?)));
        inputs.chain(modules).collect::<HashSet<_>>().len()
    }

    /// Names the products that no name identifies, if at most one weight of each layer is left: they come in
    /// the order of the layers.
    fn eliminate(&mut self) -> Result<()> {
        let unnamed = std::mem::take(&mut self.unnamed);
        let mut left = Vec::new();
        for layer in 0..unnamed.len() {
            let missing: Vec<String> = self.names.matrices(layer).filter(|name| !self.seen.has(name)).collect();
            // If more are missing, there is no such layer, or the names are ambiguous.
            if missing.len() == 1 {
                left.extend(missing);
            }
        }
        let is_clear = left.len() == unnamed.len();
        for (i, at) in unnamed.into_iter().enumerate() {
            let node = &self.graph.nodes()[at];
            let Some(product) = self.product(node)? else { continue };
            self.named_matrix(at, node, product, left.get(i).filter(|_| is_clear).cloned())?;
        }
        Ok(())
    }

    fn of(graph: &'a Graph, names: &'a Names) -> Self {
        let is_norm = |node: &Node| node.operator.ends_with("LayerNormalization");
        let norms = graph.nodes().iter().enumerate().filter(|(_, node)| is_norm(node)).map(|(at, _)| at).collect();
        Self {
            graph,
            names,
            weights: Vec::new(),
            seen: ByName::default(),
            of_attention: Vec::new(),
            unnamed: Vec::new(),
            norms,
        }
    }

    /// The model's name for a value or a module's tensor, tried without its leading parts, too: a model may
    /// have been exported inside another.
    fn known(&self, name: &str) -> Option<String> {
        let name = stem(name);
        if name.len() > LONGEST_NAME {
            return None;
        }
        let rests = std::iter::once(0).chain(name.match_indices('.').map(|(i, _)| i + 1));
        rests.map(|at| &name[at..]).find_map(|rest| self.names.canonical(rest)).map(|name| name.into_owned())
    }

    pub(super) fn known_as(&self, name: &str, kind: Kind) -> Option<String> {
        self.known(name).filter(|name| self.names.place(name).map(kind_of) == Some(kind))
    }

    /// The model's name for the tensor `what` of the node's module.
    pub(super) fn of_module(&self, node: &Node, what: &str, kind: Kind) -> Option<String> {
        self.known_as(&format!("{}.{what}", node.module()?), kind)
    }

    /// The name of the tensor that `source` feeds into `node`: its own, or one from the node's module.
    fn named(&self, source: &Source, node: &Node, kind: Kind, of_module: &str) -> Option<String> {
        let own = source.names.iter().find_map(|name| self.known_as(name, kind));
        own.or_else(|| self.of_module(node, of_module, kind))
    }

    /// The name of the bias, γ or β that `source` feeds into node `at`. Tools keep one of equal tensors for
    /// several modules: then the node identifies it, if anything does.
    pub(super) fn vector_name(&self, source: &Source, at: usize) -> Option<String> {
        let node = &self.graph.nodes()[at];
        let place = source.names.iter().position(|name| self.known_as(name, Kind::Vector).is_some())?;
        let own = self.known_as(&source.names[place], Kind::Vector)?;
        let is_shared = place + 1 == source.names.len() && self.graph.consumers(&source.tensor).count() > 1;
        if !is_shared {
            return Some(own);
        }
        let what = own.rsplit('.').next().unwrap_or_default();
        let of_node = self.of_module(node, what, Kind::Vector);
        let of_product = || {
            let at = node.inputs.iter().filter(|_| what == "bias").find_map(|input| self.product_before(input, 0))?;
            self.of_module(&self.graph.nodes()[at], what, Kind::Vector)
        };
        let of_norm = || {
            let norm = self.norms.binary_search(&at).ok().filter(|_| !is_bias_of_product(node, &source.names[0]))?;
            self.known_as(&format!("{}.{what}", self.names.norm(norm)?), Kind::Vector)
        };
        of_node.or_else(of_norm).or_else(of_product)
    }

    pub(super) fn add(&mut self, weight: Weight) -> Result<()> {
        for part in &weight.parts {
            if !self.seen.insert(&part.name, ()) {
                // One tensor may be used twice, like a table, but two can't be one weight.
                let same = self.weights.iter().any(|other| other.data == weight.data && other.parts == weight.parts);
                return if same {
                    Ok(())
                } else {
                    Err(mismatch(format!(
                        "The ONNX file has two tensors for {}: export the model again.",
                        quoted(&part.name)
                    )))
                };
            }
        }
        self.weights.push(weight);
        Ok(())
    }

    /// Adds biases, γ and β by their names; nameless ones are found with the product that they are added to.
    fn vectors(&mut self, at: usize, node: &'a Node) {
        for (i, input) in node.inputs.iter().enumerate().filter(|(_, input)| !input.is_empty()) {
            let Some(source) = Source::of(self.graph, input) else { continue };
            let by_module = match (node.operator.as_str(), i) {
                ("LayerNormalization", 1) => "weight",
                ("LayerNormalization" | "Gemm" | "FusedGemm", 2) => "bias",
                _ => "",
            };
            let name = self.vector_name(&source, at);
            if let Some(name) = name.or_else(|| self.of_module(node, by_module, Kind::Vector))
                && !self.seen.has(&name)
            {
                self.seen.insert(&name, ());
                let mut weight = vector(vec![name], source);
                if let Some((scale, zero)) = self.scales_beside(node, i) {
                    (weight.scale, weight.zero) = (scale, zero);
                }
                self.weights.push(weight);
            }
        }
    }

    /// Adds tables whose rows are read.
    fn table(&mut self, node: &'a Node) -> Result<()> {
        let inputs: &[usize] = match node.operator.as_str() {
            "Gather" | "GatherBlockQuantized" => &[0],
            "EmbedLayerNormalization" | "QEmbedLayerNormalization" => &[2, 3, 4],
            _ => return Ok(()),
        };
        for &i in inputs {
            let Some(source) = node.input(i).and_then(|input| Source::of(self.graph, input)) else { continue };
            let table = self.named(&source, node, Kind::Table, "weight").map(|name| (name, Kind::Table));
            let relative = || self.named(&source, node, Kind::Relative, "weight").map(|name| (name, Kind::Relative));
            let Some((name, kind)) = table.or_else(relative) else { continue };
            let mut weight = Weight { kind, ..vector(vec![name], source) };
            if node.operator == "GatherBlockQuantized" {
                let (bits, size) = (node.int("bits").unwrap_or(4), node.int("block_size").unwrap_or(128));
                if node.int("gather_axis").unwrap_or(0) != 0 || node.int("quantize_axis").unwrap_or(1) == 0 {
                    return Err(unread(node));
                }
                weight.form = blocks(node, bits, size, None, None)?;
                weight.scale = node.input(2).and_then(|name| Source::of_tensor(self.graph, name));
                weight.zero = node.input(3).and_then(|name| Source::of_tensor(self.graph, name));
            } else if let Some((scale, zero)) = self.scales_beside(node, i) {
                (weight.scale, weight.zero) = (scale, zero);
            } else if weight.scale.is_none()
                && let Some(dequantize) = self.decoded_after(node.output(), 0)
            {
                // Integers, decoded after they are read.
                weight.scale = dequantize.input(1).and_then(|name| Source::of_tensor(self.graph, name));
                weight.zero = dequantize.input(2).and_then(|name| Source::of_tensor(self.graph, name));
            }
            self.add(weight)?;
        }
        Ok(())
    }

    /// The scales and zero points of input `i` of a normalized sum of integer tables.
    fn scales_beside(&self, node: &'a Node, i: usize) -> Option<(Option<String>, Option<String>)> {
        let tensor = |i| node.input(i).and_then(|name| Source::of_tensor(self.graph, name));
        let of_table = node.operator == "QEmbedLayerNormalization" && (2..=6).contains(&i);
        of_table.then(|| (tensor(i + 6), tensor(i + 11)))
    }

    /// The node that decodes integers after they are read, and possibly moved.
    fn decoded_after(&self, value: &str, steps: usize) -> Option<&'a Node> {
        let (_, node, _) = self.graph.consumers(value).find(|(_, _, input)| *input == 0 && steps <= MAX_STEPS)?;
        match node.operator.as_str() {
            "DequantizeLinear" => Some(node),
            "Transpose" | "Unsqueeze" | "Reshape" | "Squeeze" | "Identity" => {
                self.decoded_after(node.output(), steps + 1)
            }
            _ => None,
        }
    }
}

/// Whether `value` is the bias of the product before a normalization, fused with the normalization.
fn is_bias_of_product(node: &Node, value: &str) -> bool {
    node.operator == "SkipLayerNormalization" && node.input(4) == Some(value)
}

pub(super) fn vector(names: Vec<String>, source: Source) -> Weight {
    let (scale, zero) = source.scales.map_or((None, None), |(scale, zero)| (Some(scale), zero));
    Weight {
        parts: names.into_iter().map(part).collect(),
        kind: Kind::Vector,
        form: Form::Rows,
        data: source.tensor,
        scale,
        zero,
        default_zero: 0,
    }
}

pub(super) fn blocks(node: &Node, bits: i64, size: i64, rows: Option<i64>, columns: Option<i64>) -> Result<Form> {
    let count = |n: i64| usize::try_from(n).ok().filter(|&n| n > 0);
    let (Some(size), Some(bits @ (4 | 8))) = (count(size), count(bits)) else { return Err(unread(node)) };
    if !size.is_power_of_two() || size < 16 {
        return Err(unread(node));
    }
    let (rows, columns) = (rows.and_then(count), columns.and_then(count));
    Ok(Form::Blocks { bits, size, rows, columns, filled: columns.is_some() })
}

pub(super) fn unread(node: &Node) -> crate::error::Error {
    mismatch(format!(
        "{} stores its weight in an unsupported way: use model.onnx, model_quantized.onnx or model_q4.onnx.",
        described(node)
    ))
}

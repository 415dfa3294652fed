//! Finds the weights of a graph.

use super::operators::KNOWN;
use super::source::{Source, module, stem};
use super::{described, kind_of, mismatch, part};
use crate::error::Result;
use crate::model::names::Names;
use crate::weights::header::quoted;
use crate::weights::int4;
use crate::weights::onnx::{Form, Graph, Kind, Node, Weight};
use std::collections::{HashMap, HashSet};

/// Nodes between a product and the addition of its bias: a cast and a scale of whole numbers, a change of shape.
const MOST_STEPS: usize = 5;

/// The weights of a graph, as they are found.
pub(in crate::model) struct Roles<'a> {
    graph: &'a Graph,
    names: &'a Names,
    pub weights: Vec<Weight>,
    seen: HashSet<String>,
    /// The weights of products whose biases lie together with others'.
    of_attention: HashMap<usize, String>,
}

/// Where a node has its weight, and what else it says of it.
struct Product<'a> {
    weight: &'a str,
    scale: Option<String>,
    zero: Option<String>,
    bias: Option<&'a str>,
    form: Form,
    default_zero: i32,
}

impl<'a> Roles<'a> {
    /// Finds all.
    ///
    /// # Errors
    /// [`crate::ErrorKind::WeightsMismatch`], naming the node, for an operation that no encoder has and for a product
    /// whose weight is none of the model's.
    pub fn find(graph: &'a Graph, names: &'a Names) -> Result<Self> {
        let mut roles = Self::of(graph, names);
        for node in graph.nodes() {
            if node.operator == "MatMulBnb4" {
                return Err(mismatch(format!(
                    "{} has weights of bitsandbytes' 4 bits (bnb4), which are not read: take model_q4.onnx, or \
                     model_quantized.onnx.",
                    described(node)
                )));
            }
            if KNOWN.binary_search(&node.operator.as_str()).is_err() {
                return Err(mismatch(format!(
                    "The ONNX file has {}, an operation that no model of this kind has: take the file that was exported \
                     of a supported model, as it came from the exporter.",
                    described(node)
                )));
            }
        }
        let mut layers = 0;
        for node in graph.nodes() {
            if matches!(node.operator.as_str(), "Attention" | "QAttention" | "MultiHeadAttention") {
                roles.attention(node, layers)?;
                layers += 1;
            }
        }
        for (at, node) in graph.nodes().iter().enumerate() {
            roles.vectors(node);
            roles.table(node)?;
            if let Some(product) = roles.product(node)? {
                roles.matrix(at, node, product)?;
            }
        }
        Ok(roles)
    }

    /// How many of a graph's values and modules have names of this kind.
    pub fn count(graph: &'a Graph, names: &'a Names) -> usize {
        let roles = Self::of(graph, names);
        let inputs = graph.nodes().iter().flat_map(|node| &node.inputs).filter_map(|name| roles.known(name));
        let modules = graph.nodes().iter().filter_map(|node| roles.known(&format!("{}.weight", module(&node.name)?)));
        inputs.chain(modules).collect::<HashSet<_>>().len()
    }

    fn of(graph: &'a Graph, names: &'a Names) -> Self {
        Self { graph, names, weights: Vec::new(), seen: HashSet::new(), of_attention: HashMap::new() }
    }

    /// The model's name for a value or a module's tensor: a model may have been exported inside of another.
    fn known(&self, name: &str) -> Option<String> {
        let name = stem(name);
        let rests = std::iter::once(0).chain(name.match_indices('.').map(|(i, _)| i + 1));
        rests.map(|at| &name[at..]).find_map(|rest| self.names.canonical(rest)).map(|name| name.into_owned())
    }

    fn known_as(&self, name: &str, kind: Kind) -> Option<String> {
        self.known(name).filter(|name| self.names.place(name).map(kind_of) == Some(kind))
    }

    /// The name of what comes from `source` into `node`: its own, or by the node's module.
    fn named(&self, source: &Source, node: &Node, kind: Kind, of_module: &str) -> Option<String> {
        let own = source.names.iter().rev().find_map(|name| self.known_as(name, kind));
        own.or_else(|| self.known_as(&format!("{}.{of_module}", module(&node.name)?), kind))
    }

    fn add(&mut self, weight: Weight) -> Result<()> {
        for part in &weight.parts {
            if !self.seen.insert(part.name.clone()) {
                // One tensor may be used twice, as a table is, but two can't be one weight.
                let same = self.weights.iter().any(|other| other.data == weight.data && other.parts == weight.parts);
                return if same {
                    Ok(())
                } else {
                    Err(mismatch(format!("The ONNX file has two tensors for {}: export the model anew.", quoted(&part.name))))
                };
            }
        }
        self.weights.push(weight);
        Ok(())
    }

    /// Biases, γ and β, by their names; what has none is found with what it is added to.
    fn vectors(&mut self, node: &'a Node) {
        for (i, input) in node.inputs.iter().enumerate().filter(|(_, input)| !input.is_empty()) {
            let Some(source) = Source::of(self.graph, input) else { continue };
            let by_module = match (node.operator.as_str(), i) {
                ("LayerNormalization", 1) => "weight",
                ("LayerNormalization" | "Gemm" | "FusedGemm", 2) => "bias",
                _ => "",
            };
            if let Some(name) = self.named(&source, node, Kind::Vector, by_module)
                && !self.seen.contains(&name)
            {
                self.seen.insert(name.clone());
                self.weights.push(vector(vec![name], source));
            }
        }
    }

    /// Tables whose rows are read.
    fn table(&mut self, node: &'a Node) -> Result<()> {
        let inputs: &[usize] = match node.operator.as_str() {
            "Gather" | "GatherBlockQuantized" => &[0],
            "EmbedLayerNormalization" => &[2, 3, 4],
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
            } else if weight.scale.is_none()
                && let Some((_, dequantize, 0)) = self.graph.consumers(&node.outputs[0]).next()
                && dequantize.operator == "DequantizeLinear"
            {
                // Whole numbers, decoded once they are read.
                weight.scale = dequantize.input(1).and_then(|name| Source::of_tensor(self.graph, name));
                weight.zero = dequantize.input(2).and_then(|name| Source::of_tensor(self.graph, name));
            }
            self.add(weight)?;
        }
        Ok(())
    }

    /// Where a node has its weight; `None` if it is no product with one.
    fn product(&self, node: &'a Node) -> Result<Option<Product<'a>>> {
        let product = |weight: usize, bias: usize| {
            let weight = node.input(weight)?;
            let (scale, zero, form) = (None, None, Form::Columns);
            Some(Product { weight, scale, zero, bias: node.input(bias), form, default_zero: 0 })
        };
        let tensor = |i| node.input(i).and_then(|name| Source::of_tensor(self.graph, name));
        let form = |transposed| if transposed { Form::Rows } else { Form::Columns };
        let transposed = form(node.int("transB").is_some_and(|on| on != 0));
        Ok(match node.operator.as_str() {
            "MatMul" | "FusedMatMul" | "Gemm" | "FusedGemm" => {
                let one = |name| node.float(name).is_none_or(|x| x == 1.0);
                if !(one("alpha") && one("beta") && node.int("transA").is_none_or(|on| on == 0)) {
                    return Err(unread(node));
                }
                let bias = if node.operator.ends_with("Gemm") { 2 } else { usize::MAX };
                product(1, bias).map(|product| Product { form: transposed, ..product })
            }
            "MatMulInteger" => {
                let scale = self.scale_after(&node.outputs[0]);
                product(1, usize::MAX).map(|product| Product { scale, zero: tensor(3), ..product })
            }
            "DynamicQuantizeMatMul" => product(1, 4).map(|product| Product { scale: tensor(2), zero: tensor(3), ..product }),
            "MatMulIntegerToFloat" => product(1, 6).map(|product| Product { scale: tensor(3), zero: tensor(5), ..product }),
            "MatMulNBits" => {
                if node.input(4).is_some() {
                    return Err(unread(node));
                }
                let bits = node.int("bits").unwrap_or(4);
                let size = node.int("block_size").unwrap_or(0);
                let form = blocks(node, bits, size, node.int("N"), node.int("K"))?;
                let default_zero = if bits == 4 { i32::from(int4::ZERO) } else { 128 };
                product(1, 5).map(|product| Product { scale: tensor(2), zero: tensor(3), form, default_zero, ..product })
            }
            _ => None,
        })
    }

    fn matrix(&mut self, at: usize, node: &'a Node, product: Product<'a>) -> Result<()> {
        let Some(source) = Source::of(self.graph, product.weight) else { return Ok(()) };
        if source.in_blocks {
            return Err(unread(node));
        }
        let bias = product.bias.and_then(|name| self.bias_of(name)).or_else(|| self.bias_after(&node.outputs[0], 0));
        let own = source.names.iter().rev().find_map(|name| self.known_as(name, Kind::Matrix));
        let name = own
            .or_else(|| self.of_attention.get(&at).cloned())
            .or_else(|| Some(format!("{}.weight", bias?.strip_suffix(".bias")?)))
            .or_else(|| self.known_as(&format!("{}.weight", module(&node.name)?), Kind::Matrix));
        let Some(name) = name.filter(|name| self.names.place(name).map(kind_of) == Some(Kind::Matrix)) else {
            return Err(mismatch(format!(
                "{} multiplies with {}, which is no weight of a {} model: the ONNX file has another head or is of another \
                 architecture than config.json.",
                described(node),
                quoted(&source.tensor),
                self.names.model_type()
            )));
        };
        let form = match (product.form, source.transposed) {
            (Form::Rows, true) => Form::Columns,
            (Form::Columns, true) => Form::Rows,
            (form, _) => form,
        };
        let (scale, zero) = match source.scales {
            Some((scale, zero)) => (Some(scale), zero),
            None => (product.scale, product.zero),
        };
        self.add(Weight {
            parts: vec![part(name)],
            kind: Kind::Matrix,
            form,
            data: source.tensor,
            scale,
            zero,
            default_zero: product.default_zero,
        })
    }

    /// The scale of a product of whole numbers, with which and the activations' the result is multiplied.
    fn scale_after(&self, product: &str) -> Option<String> {
        let (_, cast, _) = self.graph.consumers(product).find(|(_, node, _)| node.operator == "Cast")?;
        let (_, mul, input) = self.graph.consumers(&cast.outputs[0]).find(|(_, node, _)| node.operator == "Mul")?;
        let factor = mul.input(1 - input.min(1))?;
        if let Some(scale) = Source::of_tensor(self.graph, factor) {
            return Some(scale);
        }
        let (_, both) = self.graph.producer(factor)?;
        both.inputs.iter().find_map(|name| Source::of_tensor(self.graph, name))
    }

    /// The bias that `value` is.
    fn bias_of(&self, value: &str) -> Option<String> {
        let source = Source::of(self.graph, value)?;
        let name = source.names.iter().rev().find_map(|name| self.known_as(name, Kind::Vector))?;
        name.ends_with(".bias").then_some(name)
    }

    /// The bias that is added to a product.
    fn bias_after(&self, value: &str, steps: usize) -> Option<String> {
        if steps > MOST_STEPS {
            return None;
        }
        self.graph.consumers(value).find_map(|(_, node, input)| {
            let bias = |i: usize| node.input(i).filter(|_| i != input).and_then(|name| self.bias_of(name));
            match node.operator.as_str() {
                "Add" => bias(0).or_else(|| bias(1)),
                "BiasGelu" | "FastGelu" => bias(1),
                "SkipLayerNormalization" => bias(4),
                "Cast" | "Mul" | "Reshape" | "Identity" | "Squeeze" => self.bias_after(&node.outputs[0], steps + 1),
                _ => None,
            }
        })
    }

    /// A fused attention: query, key and value lie side by side, or their biases do.
    fn attention(&mut self, node: &'a Node, layer: usize) -> Result<()> {
        let Some(modules) = self.names.attention(layer) else { return Err(unread(node)) };
        let named = |what: &str| modules.iter().map(|module| format!("{module}.{what}")).collect::<Vec<_>>();
        let source = |i| node.input(i).and_then(|name| Source::of(self.graph, name));
        if node.operator == "MultiHeadAttention" {
            for (i, module) in modules.iter().enumerate() {
                if let Some(at) = node.input(i).and_then(|value| self.product_before(value, 0)) {
                    self.of_attention.insert(at, format!("{module}.weight"));
                }
            }
            if let Some(bias) = source(3) {
                self.add(vector(named("bias"), bias))?;
            }
            return Ok(());
        }
        let (Some(data), Some(bias)) = (source(1), source(2)) else { return Err(unread(node)) };
        let tensor = |i| node.input(i).and_then(|name| Source::of_tensor(self.graph, name));
        let (scale, zero) = if node.operator == "QAttention" { (tensor(4), tensor(7)) } else { (None, None) };
        let (scale, zero) = data.scales.clone().map_or((scale, zero), |(scale, zero)| (Some(scale), zero));
        let parts = named("weight").into_iter().map(part).collect();
        let form = if data.transposed { Form::Rows } else { Form::Columns };
        self.add(Weight { parts, kind: Kind::Matrix, form, data: data.tensor, scale, zero, default_zero: 0 })?;
        self.add(vector(named("bias"), bias))
    }

    /// The product that `value` comes from.
    fn product_before(&self, value: &str, steps: usize) -> Option<usize> {
        let (at, node) = self.graph.producer(value).filter(|_| steps <= MOST_STEPS)?;
        if self.product(node).ok()?.is_some_and(|product| Source::of(self.graph, product.weight).is_some()) {
            return Some(at);
        }
        let moves = matches!(node.operator.as_str(), "Add" | "Reshape" | "Transpose" | "Mul" | "Cast" | "Identity");
        node.inputs.iter().filter(|_| moves).find_map(|input| self.product_before(input, steps + 1))
    }
}

fn vector(names: Vec<String>, source: Source) -> Weight {
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

fn blocks(node: &Node, bits: i64, size: i64, rows: Option<i64>, columns: Option<i64>) -> Result<Form> {
    let count = |n: i64| usize::try_from(n).ok().filter(|&n| n > 0);
    let (Some(size), Some(bits @ (4 | 8))) = (count(size), count(bits)) else { return Err(unread(node)) };
    if !size.is_power_of_two() || size < 16 {
        return Err(unread(node));
    }
    Ok(Form::Blocks { bits, size, rows: rows.and_then(count), columns: columns.and_then(count) })
}

fn unread(node: &Node) -> crate::error::Error {
    mismatch(format!(
        "{} holds its weight in a way that is not read: take model.onnx, model_quantized.onnx or model_q4.onnx.",
        described(node)
    ))
}

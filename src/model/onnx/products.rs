//! Matrices: the products of a graph, and the weights that they multiply by.

use super::roles::{MAX_STEPS, Roles, blocks, unread, vector};
use super::source::Source;
use super::{described, kind_of, mismatch, part};
use crate::error::Result;
use crate::weights::header::quoted;
use crate::weights::int4;
use crate::weights::onnx::{Form, Kind, Node, Weight};

/// A node's weight, and what else the node says about it.
pub(super) struct Product<'a> {
    weight: &'a str,
    scale: Option<String>,
    zero: Option<String>,
    bias: Option<&'a str>,
    form: Form,
    default_zero: i32,
}

impl<'a> Roles<'a> {
    /// The weight of a node; `None` if the node is not a product with one.
    pub(super) fn product(&self, node: &'a Node) -> Result<Option<Product<'a>>> {
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
                let bias = if node.operator.ends_with("Gemm") { 2 } else { usize::MAX };
                product(1, bias).map(|product| Product { form: transposed, ..product })
            }
            "MatMulInteger" => {
                let scale = self.scale_after(node.output());
                product(1, usize::MAX).map(|product| Product { scale, zero: tensor(3), ..product })
            }
            "DynamicQuantizeMatMul" => {
                product(1, 4).map(|product| Product { scale: tensor(2), zero: tensor(3), ..product })
            }
            "MatMulIntegerToFloat" => {
                product(1, 6).map(|product| Product { scale: tensor(3), zero: tensor(5), ..product })
            }
            "MatMulNBits" => {
                if node.input(4).is_some() {
                    return Err(unread(node));
                }
                let bits = node.int("bits").unwrap_or(4);
                let size = node.int("block_size").unwrap_or(0);
                let form = blocks(node, bits, size, node.int("N"), node.int("K"))?;
                let default_zero = if bits == 4 { i32::from(int4::ZERO) } else { 128 };
                product(1, 5).map(|product| Product {
                    scale: tensor(2),
                    zero: tensor(3),
                    form,
                    default_zero,
                    ..product
                })
            }
            _ => None,
        })
    }

    /// Adds the weight of a product, if a name identifies it.
    pub(super) fn matrix(&mut self, at: usize, node: &'a Node, product: Product<'a>) -> Result<()> {
        let Some(source) = Source::of(self.graph, product.weight) else { return Ok(()) };
        let bias = self.bias(at, node, &product).and_then(|(source, at)| self.vector_name(&source, at));
        let own = source.names.iter().find_map(|name| self.known_as(name, Kind::Matrix));
        let name = own
            .or_else(|| self.of_attention.iter().find(|(of, _)| *of == at).map(|(_, name)| name.clone()))
            .or_else(|| Some(format!("{}.weight", bias?.strip_suffix(".bias")?)))
            .or_else(|| self.of_module(node, "weight", Kind::Matrix));
        match name {
            Some(_) => self.named_matrix(at, node, product, name),
            None => {
                self.unnamed.push(at);
                Ok(())
            }
        }
    }

    /// Adds the weight of a product and its bias, by the weight's name.
    ///
    /// # Errors
    /// [`crate::ErrorKind::WeightsMismatch`] if there is none, or if its layout is not supported.
    pub(super) fn named_matrix(
        &mut self,
        at: usize,
        node: &'a Node,
        product: Product<'a>,
        name: Option<String>,
    ) -> Result<()> {
        let Some(source) = Source::of(self.graph, product.weight) else { return Ok(()) };
        // The factor ½ of GELU may have moved into the product after it.
        let of_gelu = |x: f32| node.operator == "FusedMatMul" && x == 0.5;
        let one = |name| node.float(name).is_none_or(|x| x == 1.0 || of_gelu(x));
        if source.in_blocks || !one("alpha") || !one("beta") || node.int("transA").is_some_and(|on| on != 0) {
            return Err(unread(node));
        }
        let Some(name) = name.filter(|name| self.names.place(name).map(kind_of) == Some(Kind::Matrix)) else {
            return Err(mismatch(format!(
                "{} multiplies with {}, which is not a weight of a {} model: the ONNX file has another head or \
                 another architecture than config.json.",
                described(node),
                quoted(&source.tensor),
                self.names.model_type()
            )));
        };
        // Tools may store equal biases once, under another one's name.
        let bias = format!("{}.bias", name.strip_suffix(".weight").unwrap_or(&name));
        if !self.seen.has(&bias)
            && let Some((source, _)) = self.bias(at, node, &product)
        {
            self.add(vector(vec![bias], source))?;
        }
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

    /// The weight's scale in a product of integers, whose result is multiplied by it and the activations'
    /// scale.
    fn scale_after(&self, product: &str) -> Option<String> {
        let (_, cast, _) = self.graph.consumers(product).find(|(_, node, _)| node.operator == "Cast")?;
        let (_, mul, input) = self.graph.consumers(cast.output()).find(|(_, node, _)| node.operator == "Mul")?;
        let factor = mul.input(1 - input.min(1))?;
        if let Some(scale) = Source::of_tensor(self.graph, factor) {
            return Some(scale);
        }
        let (_, both) = self.graph.producer(factor)?;
        both.inputs.iter().find_map(|name| Source::of_tensor(self.graph, name))
    }

    /// The bias of a product, and the node that adds it.
    fn bias(&self, at: usize, node: &Node, product: &Product) -> Option<(Source, usize)> {
        let own = product.bias.and_then(|value| self.bias_of(value));
        own.map(|source| (source, at)).or_else(|| self.bias_after(node.output(), 0))
    }

    /// The tensor of `value`, if it has the name of a bias.
    fn bias_of(&self, value: &str) -> Option<Source> {
        let source = Source::of(self.graph, value)?;
        let is_bias = |name: &String| self.known_as(name, Kind::Vector).is_some_and(|name| name.ends_with(".bias"));
        source.names.iter().any(is_bias).then_some(source)
    }

    /// The bias that is added to a product, and the node that adds it. Follows a single path, since a hostile
    /// graph may have any number of them.
    fn bias_after(&self, value: &str, steps: usize) -> Option<(Source, usize)> {
        let added = self.graph.consumers(value).find_map(|(at, node, input)| {
            let bias = |i: usize| node.input(i).filter(|_| i != input).and_then(|value| self.bias_of(value));
            let bias = match node.operator.as_str() {
                "Add" => bias(0).or_else(|| bias(1)),
                "BiasGelu" | "FastGelu" => bias(1),
                "SkipLayerNormalization" => bias(4),
                _ => None,
            };
            bias.map(|source| (source, at))
        });
        let moves = |node: &Node| matches!(node.operator.as_str(), "Cast" | "Mul" | "Reshape" | "Identity" | "Squeeze");
        added.or_else(|| {
            let (_, node, _) = self.graph.consumers(value).find(|(_, node, _)| steps < MAX_STEPS && moves(node))?;
            self.bias_after(node.output(), steps + 1)
        })
    }

    /// Adds the weights of a fused attention: query, key and value are side by side, or only their biases
    /// are.
    pub(super) fn attention(&mut self, node: &'a Node, layer: usize) -> Result<()> {
        let Some(modules) = self.names.attention(layer) else { return Err(unread(node)) };
        let named = |what: &str| modules.iter().map(|module| format!("{module}.{what}")).collect::<Vec<_>>();
        let source = |i| node.input(i).and_then(|name| Source::of(self.graph, name));
        if node.operator == "MultiHeadAttention" {
            for (i, module) in modules.iter().enumerate() {
                if let Some(at) = node.input(i).and_then(|value| self.product_before(value, 0)) {
                    self.of_attention.push((at, format!("{module}.weight")));
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
    pub(super) fn product_before(&self, value: &str, steps: usize) -> Option<usize> {
        let (at, node) = self.graph.producer(value).filter(|_| steps <= MAX_STEPS)?;
        if self.product(node).ok()?.is_some_and(|product| Source::of(self.graph, product.weight).is_some()) {
            return Some(at);
        }
        let moves = matches!(node.operator.as_str(), "Add" | "Reshape" | "Transpose" | "Mul" | "Cast" | "Identity");
        node.inputs.iter().take(2).filter(|_| moves).find_map(|input| self.product_before(input, steps + 1))
    }
}

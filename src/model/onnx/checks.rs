//! Checks that a graph's constants are those of the model: ε, the activation, the attention's scale, and that no
//! other tensor is used.

use super::{Mapped, described, mismatch};
use crate::backend::Activation;
use crate::config::Config;
use crate::error::Result;
use crate::weights::header::quoted;
use crate::weights::onnx::tensor::Type;
use crate::weights::onnx::{Graph, Node, Tensors};

/// The factor of x³ in the tanh form of GELU.
const CUBIC: f32 = 0.044715;
/// The smallest ε that is used in half precision, in which smaller ones are 0.
const MIN_HALF: f32 = 1.2e-7;

/// Checks the whole graph.
///
/// # Errors
/// [`crate::ErrorKind::WeightsMismatch`], naming the node.
pub(in crate::model) fn check(graph: &Graph, tensors: &Tensors, mapped: &Mapped, config: &Config) -> Result<()> {
    check_all_mapped(graph, tensors, mapped)?;
    for node in graph.nodes() {
        check_epsilon(graph, tensors, node, config.layer_norm_eps)?;
        check_scale(graph, tensors, node, config)?;
    }
    check_activation(graph, tensors, config)
}

/// Checks that every tensor of numbers in use is a weight of the model.
fn check_all_mapped(graph: &Graph, tensors: &Tensors, mapped: &Mapped) -> Result<()> {
    for head in tensors.heads() {
        let name = &head.name;
        let is_numbers = matches!(head.dtype(), Type::Float(_) | Type::Byte { .. } | Type::Nibble { .. });
        if is_numbers && head.numbers()? > 1 && !mapped.has(name) {
            let Some((_, node, _)) = graph.consumers(name).next() else { continue };
            return Err(mismatch(format!(
                "{} reads {}, {:?} numbers that are not a weight of config.json's model: the ONNX file is from \
                 another model, or has another head.",
                described(node),
                quoted(name),
                head.shape()?
            )));
        }
    }
    Ok(())
}

/// Checks ε of a layer normalization, in one operation or in several.
fn check_epsilon(graph: &Graph, tensors: &Tensors, node: &Node, wanted: f32) -> Result<()> {
    let found = match node.operator.as_str() {
        "LayerNormalization" => node.float("epsilon").or(Some(1e-5)),
        "SkipLayerNormalization" | "EmbedLayerNormalization" => node.float("epsilon").or(Some(1e-12)),
        "Sqrt" => (|| {
            let (_, add) = graph.producer(node.input(0)?).filter(|(_, add)| add.operator == "Add")?;
            add.inputs.iter().find_map(|input| tensors.number(input))
        })(),
        _ => None,
    };
    match found {
        Some(eps) if !(is_near(eps, wanted) || wanted < MIN_HALF && eps <= MIN_HALF) => Err(mismatch(format!(
            "{} has an epsilon of {eps:e}, config.json of {wanted:e}: they must be from the same checkpoint.",
            described(node)
        ))),
        _ => Ok(()),
    }
}

/// Checks the number of heads and the factor of the scores before the softmax, if the graph has them as
/// constants.
fn check_scale(graph: &Graph, tensors: &Tensors, node: &Node, config: &Config) -> Result<()> {
    let wanted = 1.0 / ((config.width / config.heads) as f32).sqrt();
    let other = |what: String| {
        mismatch(format!(
            "{} has {what}, which is not config.json's: they must be from the same checkpoint.",
            described(node)
        ))
    };
    match node.operator.as_str() {
        "Attention" | "QAttention" | "MultiHeadAttention" => {
            if let Some(heads) = node.int("num_heads")
                && usize::try_from(heads).ok() != Some(config.heads)
            {
                return Err(other(format!("{heads} heads")));
            }
            match node.float("scale") {
                Some(x) if x != 0.0 && !is_near(x, wanted) => Err(other(format!("a scale of {x}"))),
                _ => Ok(()),
            }
        }
        "Softmax" => match node.input(0).and_then(|scores| factor(graph, tensors, scores)) {
            Some(x) if !is_near(x, wanted) => Err(other(format!("scores scaled by {x} before it"))),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

/// The product of the constants that scores are multiplied by; `None` if a factor is computed.
fn factor(graph: &Graph, tensors: &Tensors, scores: &str) -> Option<f32> {
    let mut value = scores;
    let mut factor = 1.0;
    for _ in 0..8 {
        let (_, node) = graph.producer(value)?;
        match node.operator.as_str() {
            "Mul" | "Div" => {
                let (x, of) = scaled(tensors, node)?;
                (factor, value) = (factor * x, of);
            }
            // A mask, or biases of distances: the scores are the operand that comes from a product.
            "Add" | "Where" | "Cast" | "Reshape" => {
                value = node.inputs.iter().find(|input| leads_to_product(graph, input, 0))?;
            }
            "MatMul" | "FusedMatMul" => {
                factor *= node.float("alpha").unwrap_or(1.0);
                for input in &node.inputs {
                    factor *= operand(graph, tensors, input)?;
                }
                return Some(factor);
            }
            _ => return None,
        }
    }
    None
}

/// The factor of a Mul or Div by a constant, and the value that it scales.
fn scaled<'a>(tensors: &Tensors, node: &'a Node) -> Option<(f32, &'a str)> {
    let (a, b) = (node.input(0)?, node.input(1)?);
    match (node.operator.as_str(), tensors.number(a), tensors.number(b)) {
        ("Mul", None, Some(x)) => Some((x, a)),
        ("Mul", Some(x), None) => Some((x, b)),
        ("Div", None, Some(x)) => Some((1.0 / x, a)),
        _ => None,
    }
}

fn leads_to_product(graph: &Graph, value: &str, steps: usize) -> bool {
    let Some((_, node)) = graph.producer(value).filter(|_| steps < 4) else { return false };
    match node.operator.as_str() {
        "MatMul" | "FusedMatMul" => true,
        "Mul" | "Div" | "Add" | "Where" | "Cast" | "Reshape" => {
            node.inputs.iter().take(3).any(|input| leads_to_product(graph, input, steps + 1))
        }
        _ => false,
    }
}

/// The factor of one operand of the scores' product.
fn operand(graph: &Graph, tensors: &Tensors, value: &str) -> Option<f32> {
    let mut value = value;
    for _ in 0..6 {
        let Some((_, node)) = graph.producer(value) else { return Some(1.0) };
        match node.operator.as_str() {
            "Mul" | "Div" => return scaled(tensors, node).map(|(x, _)| x),
            "Transpose" | "Reshape" | "Cast" | "Split" => value = node.input(0)?,
            _ => return Some(1.0),
        }
    }
    None
}

/// Checks the layers' activation.
fn check_activation(graph: &Graph, tensors: &Tensors, config: &Config) -> Result<()> {
    let tanh_form = |node: &Node| match node.operator.as_str() {
        "FastGelu" => true,
        "Gelu" => node.text("approximate") == Some("tanh"),
        "Mul" => node.inputs.iter().any(|input| tensors.number(input).is_some_and(|x| is_near(x, CUBIC))),
        _ => false,
    };
    let is = |node: &Node| match config.activation {
        Activation::Gelu => match node.operator.as_str() {
            "Erf" | "BiasGelu" => true,
            "Gelu" => !tanh_form(node),
            _ => false,
        },
        Activation::GeluTanh => tanh_form(node),
        Activation::Relu => node.operator == "Relu" || node.text("activation") == Some("Relu"),
        Activation::Tanh => node.operator == "Tanh" || node.text("activation") == Some("Tanh"),
    };
    let count = graph.nodes().iter().filter(|node| is(node)).count();
    if count >= config.layers {
        return Ok(());
    }
    let another = graph.nodes().iter().find(|node| tanh_form(node)).map(|node| format!(", but {}", described(node)));
    Err(mismatch(format!(
        "The ONNX file has {count} activations {:?} for {} layers{}: config.json and the file must be from the same \
         checkpoint, and no optimizer may have replaced an activation by an approximation.",
        config.activation,
        config.layers,
        another.unwrap_or_default()
    )))
}

/// Equal up to a rounding to half precision.
fn is_near(x: f32, y: f32) -> bool {
    (x - y).abs() <= 2e-3 * y.abs()
}

//! Where a value of an ONNX graph comes from, if that is one of the file's tensors.

use crate::weights::onnx::Graph;

/// The maximum number of operations between a tensor and its use; longer paths are not followed.
const MAX_STEPS: usize = 8;

/// A tensor of the file, and what is done to it before its use.
pub(super) struct Source {
    /// The tensor's name.
    pub tensor: String,
    /// The names of the values on its path, the tensor's own name last: exporters keep the checkpoint's names
    /// on any of these. They may keep one of several equal tensors, with the others' names on its path.
    pub names: Vec<String>,
    /// Whether it is transposed.
    pub transposed: bool,
    /// Its scales and zero points, if it contains integers.
    pub scales: Option<(String, Option<String>)>,
    /// Whether these are per block.
    pub in_blocks: bool,
}

impl Source {
    /// The origin of `value`; `None` if it is computed by more than casts, transpositions and dequantization.
    pub fn of(graph: &Graph, value: &str) -> Option<Self> {
        Self::follow(graph, value, true)
    }

    /// The tensor of `value`, if it is used unchanged, possibly under another name.
    pub fn of_tensor(graph: &Graph, value: &str) -> Option<String> {
        // Scales that are dequantized are not followed: a hostile graph may name its own.
        let source = Self::follow(graph, value, false)?;
        (!source.transposed).then_some(source.tensor)
    }

    fn follow(graph: &Graph, value: &str, may_dequantize: bool) -> Option<Self> {
        let mut source =
            Self { tensor: String::new(), names: Vec::new(), transposed: false, scales: None, in_blocks: false };
        let mut value = value;
        for _ in 0..MAX_STEPS {
            source.names.push(value.to_owned());
            let Some((_, node)) = graph.producer(value) else {
                source.tensor = value.to_owned();
                return Some(source);
            };
            match node.operator.as_str() {
                "Identity" | "Cast" => {}
                "Transpose" if node.ints("perm").is_none_or(|perm| perm == [1, 0]) => source.transposed ^= true,
                "DequantizeLinear" if may_dequantize && source.scales.is_none() => {
                    let tensor = |i| node.input(i).and_then(|name| Self::of_tensor(graph, name));
                    source.scales = Some((tensor(1)?, tensor(2)));
                    source.in_blocks = node.int("block_size").is_some_and(|size| size != 0);
                }
                _ => return None,
            }
            value = node.input(0)?;
        }
        None
    }
}

/// A tensor's name before a tool quantized or transposed it.
pub(super) fn stem(mut name: &str) -> &str {
    const SUFFIXES: [&str; 6] = ["_quantized", "_Transposed", "_Q4", "_Q8", "_Bnb4", "_DQ"];
    while let Some(shorter) = SUFFIXES.iter().find_map(|suffix| name.strip_suffix(suffix)) {
        name = shorter;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_what_tools_add() {
        assert_eq!(stem("classifier.weight_Transposed_quantized"), "classifier.weight");
        assert_eq!(stem("onnx::MatMul_743_Q4"), "onnx::MatMul_743");
        assert_eq!(stem("bert.pooler.dense.bias"), "bert.pooler.dense.bias");
    }
}

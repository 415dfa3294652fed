//! The graph of an ONNX file. It is not run: it only identifies the weights.
//!
//! Source: onnx.proto of ONNX 1.23.

use super::by_name::ByName;
use super::tensor::Tensor;
use super::wire::{Fields, Value};
use crate::error::Result;

/// The maximum number of readers of a value that are examined. In the graph of an encoder, the relevant one
/// is among them; in a hostile graph, the paths through all readers would be endless.
const MAX_CONSUMERS: usize = 16;

/// One operation.
#[derive(Debug, Default)]
pub struct Node {
    /// Its name, which may be empty; exporters derive it from the path of the module.
    pub name: String,
    /// Its operation, such as `MatMul` or `Gather`.
    pub operator: String,
    /// The values that it reads; an empty name is an omitted input.
    pub inputs: Vec<String>,
    /// The values that it produces.
    pub outputs: Vec<String>,
    /// The modules that contain it, outermost first, as noted by PyTorch's newer exporter: a list in Python
    /// syntax.
    scopes: String,
    attributes: Vec<(String, Attribute)>,
}

#[derive(Debug)]
enum Attribute {
    Float(f32),
    Int(i64),
    Ints(Vec<i64>),
    Text(Vec<u8>),
    /// Graphs, and everything else that no weight depends on.
    Other,
}

impl Node {
    /// A node for [`Graph`], and the value if the node is a constant.
    ///
    /// # Errors
    /// [`crate::ErrorKind::WeightsHeader`].
    fn parse(message: &[u8]) -> Result<(Self, Option<Tensor>)> {
        let (mut node, mut constant) = (Self::default(), None);
        for field in Fields(message) {
            match field? {
                (1, value) => node.inputs.push(value.text()?),
                (2, value) => node.outputs.push(value.text()?),
                (3, value) => node.name = value.text()?,
                (4, value) => node.operator = value.text()?,
                (5, value) => {
                    let (name, attribute, tensor) = attribute(value.bytes())?;
                    if name == "value" {
                        constant = tensor;
                    }
                    node.attributes.push((name, attribute));
                }
                (9, value) => {
                    let (key, text) = entry(value.bytes())?;
                    if key == "pkg.torch.onnx.name_scopes" {
                        node.scopes = text;
                    }
                }
                _ => {}
            }
        }
        if constant.is_none() && node.operator == "Constant" {
            constant = node.float("value_float").map(|x| Tensor::of_numbers(&[x]));
        }
        Ok((node, constant))
    }

    /// The path of the module that contains it: for `/bert/encoder/layer.0/output/dense/MatMul`, it is
    /// `bert.encoder.layer.0.output.dense`.
    pub fn module(&self) -> Option<String> {
        if let Some((path, _)) = self.name.trim_start_matches('/').rsplit_once('/') {
            return Some(path.replace('/', "."));
        }
        // The last scope is the operation itself.
        let scopes = self.scopes.split('\'').skip(1).step_by(2);
        let (scope, _) = scopes.clone().zip(scopes.skip(1)).last()?;
        (!scope.is_empty()).then(|| scope.to_owned())
    }

    fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|(of, _)| of == name).map(|(_, attribute)| attribute)
    }

    /// The attribute `name`, if it is an integer.
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.attribute(name) {
            Some(Attribute::Int(n)) => Some(*n),
            _ => None,
        }
    }

    /// The attribute `name`, if it is a list of integers.
    pub fn ints(&self, name: &str) -> Option<&[i64]> {
        match self.attribute(name) {
            Some(Attribute::Ints(all)) => Some(all),
            _ => None,
        }
    }

    /// The attribute `name`, if it is a floating-point number.
    pub fn float(&self, name: &str) -> Option<f32> {
        match self.attribute(name) {
            Some(Attribute::Float(x)) => Some(*x),
            _ => None,
        }
    }

    /// The attribute `name`, if it is a string.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.attribute(name) {
            Some(Attribute::Text(text)) => std::str::from_utf8(text).ok(),
            _ => None,
        }
    }

    /// The name of its first output; empty if it has none.
    pub fn output(&self) -> &str {
        self.outputs.first().map_or("", String::as_str)
    }

    /// Input `i`, unless it is omitted.
    pub fn input(&self, i: usize) -> Option<&str> {
        self.inputs.get(i).map(String::as_str).filter(|name| !name.is_empty())
    }
}

/// A key and its value.
///
/// # Errors
/// [`crate::ErrorKind::WeightsHeader`].
pub fn entry(message: &[u8]) -> Result<(String, String)> {
    let (mut key, mut text) = (String::new(), String::new());
    for field in Fields(message) {
        match field? {
            (1, value) => key = value.text()?,
            (2, value) => text = value.text()?,
            _ => {}
        }
    }
    Ok((key, text))
}

fn attribute(message: &[u8]) -> Result<(String, Attribute, Option<Tensor>)> {
    let (mut name, mut attribute, mut tensor) = (String::new(), Attribute::Other, None);
    let mut ints = Vec::new();
    for field in Fields(message) {
        match field? {
            (1, value) => name = value.text()?,
            (2, Value::Fixed32(bytes)) => attribute = Attribute::Float(f32::from_le_bytes(bytes)),
            (3, value) => attribute = Attribute::Int(value.integer()),
            (4, value) => attribute = Attribute::Text(value.bytes().to_vec()),
            (5, value) => tensor = Some(Tensor::parse(value.bytes())?),
            (8, value) => value.integers(&mut ints)?,
            _ => {}
        }
    }
    if !ints.is_empty() {
        attribute = Attribute::Ints(ints);
    }
    Ok((name, attribute, tensor))
}

/// All operations of a file, ordered so that each follows the operations that it reads from.
#[derive(Default)]
pub struct Graph {
    nodes: Vec<Node>,
    /// The node that produces a value, by the name of the value.
    producers: ByName<usize>,
    /// The nodes that read a value, each with the index of that input.
    consumers: ByName<Vec<(usize, usize)>>,
}

impl Graph {
    /// Adds the node of `message`. If it is a constant tensor, returns the name of its value and the tensor.
    ///
    /// # Errors
    /// [`crate::ErrorKind::WeightsHeader`].
    pub fn add(&mut self, message: &[u8]) -> Result<Option<(String, Tensor)>> {
        let (node, constant) = Node::parse(message)?;
        if node.operator == "Constant" {
            return Ok(node.outputs.into_iter().next().zip(constant));
        }
        let at = self.nodes.len();
        for (i, input) in node.inputs.iter().enumerate().filter(|(_, input)| !input.is_empty()) {
            self.consumers.entry(input).push((at, i));
        }
        for output in node.outputs.iter().filter(|output| !output.is_empty()) {
            self.producers.insert(output, at);
        }
        self.nodes.push(node);
        Ok(None)
    }

    /// The operations, without constants.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node that produces a value; `None` for an initializer, a constant or an input of the graph.
    pub fn producer(&self, value: &str) -> Option<(usize, &Node)> {
        self.producers.get(value).map(|&at| (at, &self.nodes[at]))
    }

    /// The first nodes that read a value, at most [`MAX_CONSUMERS`], each with the index of that input.
    pub fn consumers(&self, value: &str) -> impl Iterator<Item = (usize, &Node, usize)> {
        let readers = self.consumers.get(value).into_iter().flatten().take(MAX_CONSUMERS);
        readers.map(|&(at, input)| (at, &self.nodes[at], input))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A field of bytes in the wire format.
    pub(crate) fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut out = vec![number << 3 | 2];
        let mut n = bytes.len();
        while n >= 0x80 {
            out.push(n as u8 | 0x80);
            n >>= 7;
        }
        out.push(n as u8);
        out.extend_from_slice(bytes);
        out
    }

    /// A node's message.
    pub(crate) fn node(operator: &str, name: &str, inputs: &[&str], outputs: &[&str]) -> Vec<u8> {
        let texts =
            |number, all: &[&str]| all.iter().flat_map(|text| field(number, text.as_bytes())).collect::<Vec<_>>();
        [texts(1, inputs), texts(2, outputs), texts(3, &[name]), texts(4, &[operator])].concat()
    }

    #[test]
    fn reads_producers_and_consumers() {
        let mut graph = Graph::default();
        graph.add(&node("MatMul", "/q_lin/MatMul", &["x", "w"], &["xw"])).unwrap();
        graph.add(&node("Add", "", &["b", "xw", ""], &["y"])).unwrap();
        assert_eq!(graph.producer("xw").unwrap().1.operator, "MatMul");
        assert!(graph.producer("w").is_none());
        let readers: Vec<_> = graph.consumers("xw").map(|(at, node, i)| (at, node.operator.as_str(), i)).collect();
        assert_eq!(readers, [(1, "Add", 1)]);
        assert_eq!(graph.nodes()[1].input(2), None);
    }

    #[test]
    fn reads_attributes() {
        let int = [field(1, b"transB"), vec![3 << 3, 1]].concat();
        let float = [field(1, b"epsilon"), vec![2 << 3 | 5], 1e-5f32.to_le_bytes().to_vec()].concat();
        let ints = [field(1, b"perm"), vec![8 << 3, 1, 8 << 3, 0]].concat();
        let attributes = [int, float, ints].map(|attribute| field(5, &attribute)).concat();
        let message = [node("Gemm", "", &[], &["y"]), attributes].concat();
        let mut graph = Graph::default();
        graph.add(&message).unwrap();
        let node = &graph.nodes()[0];
        assert_eq!((node.int("transB"), node.float("epsilon")), (Some(1), Some(1e-5)));
        assert_eq!(node.ints("perm"), Some(&[1, 0][..]));
        assert_eq!((node.int("perm"), node.float("alpha")), (None, None));
    }

    #[test]
    fn a_node_tells_its_module() {
        let module = |name, scopes: &str| {
            let scopes = [field(1, b"pkg.torch.onnx.name_scopes"), field(2, scopes.as_bytes())].concat();
            Node::parse(&[node("MatMul", name, &[], &[]), field(9, &scopes)].concat()).unwrap().0.module()
        };
        let dense = Some("bert.encoder.layer.0.output.dense".to_owned());
        assert_eq!(module("/bert/encoder/layer.0/output/dense/MatMul_Q4", ""), dense);
        assert_eq!(module("node_1", "['', 'bert', 'bert.encoder.layer.0.output.dense', 'linear_7']"), dense);
        assert_eq!((module("node_1", ""), module("", "['']")), (None, None));
    }

    #[test]
    fn a_constant_is_a_tensor_and_no_node() {
        let value = [field(1, b"value_float"), vec![2 << 3 | 5], 8f32.to_le_bytes().to_vec()].concat();
        let message = [node("Constant", "", &[], &["c"]), field(5, &value)].concat();
        let mut graph = Graph::default();
        let (name, tensor) = graph.add(&message).unwrap().unwrap();
        assert_eq!((name.as_str(), tensor.numbers()), ("c", Some(vec![8.0])));
        assert!(graph.nodes().is_empty());
    }
}

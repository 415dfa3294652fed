"""The numbers in a quantized file, as parameters of the PyTorch model: the truth for its readers.

Every number is (q - zero point) * scale in F32, by the operators' definitions, not by onnxruntime's code.
"""

import numpy as np
import torch
from onnx import numpy_helper

BITS4 = 15
# The positions of weight, scale and zero point among an operator's inputs.
PRODUCTS = {
    "MatMulInteger": (1, None, 3),
    "DynamicQuantizeMatMul": (1, 2, 3),
    "MatMulIntegerToFloat": (1, 3, 5),
    "MatMul": (1, None, None),
}
BERTS = ("query", "key", "value")
PROJECTIONS = {
    "distilbert": ("q_lin", "k_lin", "v_lin"),
    "mpnet": ("q", "k", "v"),
}


class Graph:
    """A graph's initializers by name, and the nodes that make and take each value."""

    def __init__(self, graph):
        self.nodes = graph.graph.node
        self.arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.graph.initializer}
        self.makers = {name: node for node in self.nodes for name in node.output}
        self.takers = {}
        for node in self.nodes:
            for name in node.input:
                self.takers.setdefault(name, []).append(node)

    def array(self, node, index):
        name = node.input[index] if index is not None and index < len(node.input) else ""
        return self.arrays.get(name)

    def module(self, node):
        """The module whose product `node` computes: by the node's path, or by the bias that is added."""
        if node.name.startswith("/"):
            return node.name.rpartition("/")[0][1:].replace("/", ".")
        values = [node.output[0]]
        while values:  # an integer product is cast and scaled first
            takers = [taker for value in values for taker in self.takers.get(value, [])]
            for name in (name for taker in takers for name in taker.input):
                if name.endswith(".bias") and name in self.arrays:
                    return name.removesuffix(".bias")
            values = [value for taker in takers if taker.op_type in ("Cast", "Mul") for value in taker.output]
        raise ValueError(f"{node.name}: no bias")

    def scale_of(self, node):
        """The weight's scale of a MatMulInteger: later, a Mul multiplies it by the activation's."""
        cast = self.takers[node.output[0]][0]
        scaling = self.takers[cast.output[0]][0]
        both = next(self.makers[name] for name in scaling.input if name != cast.output[0])
        return next(self.arrays[name] for name in both.input if name in self.arrays)


def parameters(graph, model):
    """Parameters of `model` as stored in `graph` (a ModelProto), by name; those in F32 are left out."""
    read, found = Graph(graph), {}
    attentions = 0
    for node in read.nodes:
        if node.op_type in PRODUCTS:
            weight, scale, zero = (read.array(node, index) for index in PRODUCTS[node.op_type])
            if weight is None:
                made = read.makers.get(node.input[1]) if node.op_type == "MatMul" else None
                if made is None or made.op_type != "DequantizeLinear" or made.input[0] not in read.arrays:
                    continue
                parts = (read.array(made, index) for index in range(3))
                weight = blocks_along(*parts, attribute(made, "axis"))
            elif weight.dtype.itemsize == 1:
                scale = read.scale_of(node) if node.op_type == "MatMulInteger" else scale
                weight = dequantized(weight, scale, zero)
            elif weight.dtype == np.float32:
                continue
            found[f"{read.module(node)}.weight"] = weight.T
        elif node.op_type == "MatMulNBits":
            found[f"{read.module(node)}.weight"] = blocks_of(node, read)
        elif node.op_type == "GatherBlockQuantized":
            name = node.input[0].rpartition("_")[0]
            axis = attribute(node, "quantize_axis")
            found[name] = blocks_along(read.array(node, 0), read.array(node, 2), read.array(node, 3), axis)
        elif node.op_type == "DequantizeLinear":
            gather = read.makers.get(node.input[0])
            # MPNet's biases are transposed in between.
            while gather is not None and gather.op_type in ("Transpose", "Unsqueeze", "Reshape"):
                gather = read.makers.get(gather.input[0])
            if gather is not None and gather.op_type == "Gather":
                name = gather.input[0].removesuffix("_quantized")
                found[name] = dequantized(read.array(gather, 0), read.array(node, 1), read.array(node, 2))
        elif node.op_type in ("QAttention", "Attention", "MultiHeadAttention"):
            path, names = layer(model, attentions), PROJECTIONS.get(model.config.model_type, BERTS)
            for kind, values in packed(node, read).items():
                for name, part in zip(names, np.split(values.T, 3), strict=True):
                    found[f"{path}.{name}.{kind}"] = part
            attentions += 1
        elif node.op_type == "QEmbedLayerNormalization":
            for index in range(2, 7):
                if read.array(node, index) is not None:
                    name = node.input[index].removesuffix("_quantized")
                    found[name] = dequantized(*(read.array(node, index + offset) for offset in (0, 6, 11)))
    for name, values in read.arrays.items():
        if values.dtype == np.float16 and name in model.state_dict():
            found[name] = values
    return {name: torch.from_numpy(np.array(values, dtype=np.float32)) for name, values in found.items()}


def packed(node, read):
    """The three projections of a fused attention together, (K, 3N) and (3N), except those in F32."""
    if node.op_type == "QAttention":
        return {"weight": dequantized(*(read.array(node, index) for index in (1, 4, 7)))}
    inputs = {"bias": 3} if node.op_type == "MultiHeadAttention" else {"weight": 1, "bias": 2}
    arrays = {name: read.array(node, index) for name, index in inputs.items()}
    return {name: of for name, of in arrays.items() if of is not None and of.dtype == np.float16}


def layer(model, index):
    """The path of a layer's projections."""
    names = [name for name, _ in model.named_modules()]
    inner = "attention" if model.config.model_type == "distilbert" else "attention.self"
    return next(name for name in names if name.endswith(f"layer.{index}.{inner}"))


def dequantized(values, scale, zero):
    scale, zero = np.float32(scale), np.float32(0 if zero is None else zero)
    return (values.astype(np.float32) - zero) * scale


def blocks_along(values, scales, zeros, axis):
    """Values in blocks along `axis`, with a scale each; onnx has unpacked 4-bit types."""
    size = -(-values.shape[axis] // scales.shape[axis])
    size = 1 << (size - 1).bit_length()  # the last block may be cut short
    spread = lambda of: np.repeat(of.astype(np.float32), size, axis)[tuple(slice(n) for n in values.shape)]
    return (values.astype(np.float32) - (0 if zeros is None else spread(zeros))) * spread(scales)


def blocks_of(node, read):
    """The weights (N, K) of a MatMulNBits."""
    rows, cols, bits, size = (attribute(node, name) for name in ("N", "K", "bits", "block_size"))
    count = -(-cols // size)
    numbers = unpacked(read.array(node, 1).reshape(rows, count, -1), bits)
    scales = read.array(node, 2).reshape(rows, count, 1).astype(np.float32)
    zeros = read.array(node, 3)
    zeros = 1 << bits - 1 if zeros is None else unpacked(zeros.reshape(rows, -1), bits)[:, :count, None]
    return ((numbers - zeros) * scales).reshape(rows, -1)[:, :cols]


def unpacked(values, bits):
    """The numbers in each byte, low bits first, as F32."""
    if bits == 8:
        return values.astype(np.float32)
    return np.stack([values & BITS4, values >> 4], axis=-1).reshape(*values.shape[:-1], -1).astype(np.float32)


def attribute(node, name):
    return next(a.i for a in node.attribute if a.name == name)

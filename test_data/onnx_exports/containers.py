"""The same graph written differently: where its weights are, and in which order and fields."""

import copy

import onnx
from onnx import TensorProto, external_data_helper, numpy_helper

GRAPH_FIELD, WEIGHT_FIELD, BYTES = 7, 5, 2
NUMBERS_FIRST = ("raw_data", "float_data", "int32_data", "int64_data", "name", "dims", "data_type")
SMALL = 512  # weights of fewer bytes stay in the file


def save_external(graph, path, one_file=True):
    """Weights in `NAME.onnx_data` next to the file, or each in a file with its name."""
    graph = copy.deepcopy(graph)
    for tensor in graph.graph.initializer:
        if len(tensor.raw_data) >= SMALL:
            data = f"{path.name}_data" if one_file else f"{path.stem}-{tensor.name.replace('::', '-')}"
            external_data_helper.set_external_data(tensor, data)
            (path.parent / data).unlink(missing_ok=True)  # onnx appends to an existing file
    onnx.save_model(graph, path)


def lean(graph):
    """Removes what only tools read: shapes between nodes, and the source position of each node."""
    graph = copy.deepcopy(graph)
    del graph.graph.value_info[:], graph.graph.metadata_props[:], graph.metadata_props[:]
    graph.graph.doc_string = ""
    for node in graph.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    return graph


def numbered(graph):
    """Names as in PyTorch before 1.13: only parameters keep theirs, everything else is numbered."""
    graph = copy.deepcopy(graph)
    kept = {value.name for value in (*graph.graph.input, *graph.graph.output)}
    kept |= {tensor.name for tensor in graph.graph.initializer if tensor.name.endswith((".weight", ".bias"))}
    numbers = {"": ""}
    number = lambda name: name if name in kept else numbers.setdefault(name, str(len(numbers) + 100))
    del graph.graph.value_info[:]
    for tensor in graph.graph.initializer:
        tensor.name = number(tensor.name)
    for index, node in enumerate(graph.graph.node):
        node.name = f"{node.op_type}_{index}"
        node.input[:] = map(number, node.input)
        node.output[:] = map(number, node.output)
    return graph


def as_constants(graph):
    """Turns every initializer into the value of a Constant node."""
    graph = copy.deepcopy(graph)
    nodes = [
        onnx.helper.make_node("Constant", [], [tensor.name], name=f"Constant_{index}", value=tensor)
        for index, tensor in enumerate(graph.graph.initializer)
    ]
    nodes += graph.graph.node
    del graph.graph.initializer[:], graph.graph.node[:]
    graph.graph.node.extend(nodes)
    return graph


def as_inputs(graph):
    """Lists initializers as inputs, too, as required before version 4 of the format."""
    graph = copy.deepcopy(graph)
    graph.ir_version = 3
    for tensor in graph.graph.initializer:
        info = onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
        graph.graph.input.append(info)
    return graph


def typed(graph):
    """Moves values from raw_data to float_data and its relatives."""
    graph = copy.deepcopy(graph)
    for tensor in graph.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type == TensorProto.FLOAT16:
            values = values.view("uint16")
        elif tensor.data_type == TensorProto.BOOL:
            values = values.astype("int32")
        field = onnx.helper.tensor_dtype_to_field(tensor.data_type)
        tensor.ClearField("raw_data")
        tensor.ClearField(field)
        getattr(tensor, field).extend(values.ravel().tolist())
    return graph


def weights_first(graph):
    """The file's bytes with the weights before the nodes, and numbers before dtype, sizes and name.

    Protobuf allows any order of fields; a message is the concatenation of its parts.
    """
    rest = copy.deepcopy(graph)
    inner = b""
    for tensor in rest.graph.initializer:
        inner += field(WEIGHT_FIELD, parts(tensor, NUMBERS_FIRST))
    del rest.graph.initializer[:]
    inner += rest.graph.SerializeToString()
    rest.ClearField("graph")
    return field(GRAPH_FIELD, inner) + rest.SerializeToString()


def parts(message, names):
    """`message` in bytes, with its fields in the order of `names`."""
    written = b""
    for name in names:
        one = copy.deepcopy(message)
        for other, _ in message.ListFields():
            if other.name != name:
                one.ClearField(other.name)
        written += one.SerializeToString()
    return written


def field(number, payload):
    return varint(number << 3 | BYTES) + varint(len(payload)) + payload


def varint(value):
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])

"""Smaller weights for a graph, with the settings of transformers.js' scripts/quantize.py and with others."""

import copy
import logging

import onnx
import onnxslim
from onnxruntime.quantization import QuantFormat, QuantizationMode, QuantType
from onnxruntime.quantization.matmul_bnb4_quantizer import MatMulBnb4Quantizer
from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer
from onnxruntime.quantization.onnx_quantizer import ONNXQuantizer
from onnxruntime.quantization.registry import IntegerOpsRegistry
from onnxruntime.transformers import float16

BLOCK = 32


def q8(graph, weights=QuantType.QInt8, per_channel=False, reduce_range=False, **options):
    """MatMul as MatMulInteger, Gather from q8 rows; activations become uint8 at run time."""
    logging.getLogger().setLevel(logging.ERROR)
    quantizer = ONNXQuantizer(
        copy.deepcopy(graph), per_channel, reduce_range, mode=QuantizationMode.IntegerOps, static=False,
        weight_qType=weights, activation_qType=QuantType.QUInt8, tensors_range=None, nodes_to_quantize=[],
        nodes_to_exclude=[], op_types_to_quantize=set(IntegerOpsRegistry),
        extra_options={"EnableSubgraph": True, "MatMulConstBOnly": True, **options},
    )
    quantizer.quantize_model()
    return quantizer.model.model


def uint8(graph, **options):
    return q8(graph, QuantType.QUInt8, **options)


def q4(graph, symmetric=True, block=BLOCK, operators=("MatMul",), **more):
    """MatMul as MatMulNBits; with Gather in `operators`, also Gather as GatherBlockQuantized."""
    quantizer = MatMulNBitsQuantizer(
        copy.deepcopy(graph), algo_config=DefaultWeightOnlyQuantConfig(
            block_size=block, is_symmetric=symmetric, op_types_to_quantize=operators, **more,
        ),
    )
    quantizer.process()
    return quantizer.model.model


def fp16(graph):
    """F16 inside, F32 at the output."""
    return onnxslim.slim(float16.convert_float_to_float16(copy.deepcopy(graph), keep_io_types=True))


def bnb4(graph, block=64):
    quantizer = MatMulBnb4Quantizer(copy.deepcopy(graph), MatMulBnb4Quantizer.NF4, block)
    quantizer.process()
    return quantizer.model.model


def slim(graph):
    return onnxslim.slim(copy.deepcopy(graph))

"""Graphs with fused operators: from onnxruntime's transformer optimizer, and as its sessions save them."""

import contextlib
import logging
import tempfile
from pathlib import Path

import onnx
import onnxruntime
from onnxruntime.transformers.fusion_options import FusionOptions
from onnxruntime.transformers.optimizer import optimize_model

FUSED = "com.microsoft"
LEVELS = onnxruntime.GraphOptimizationLevel


def fused(graph, config, multi_head=False, half=False, approximate=False):
    """Fuses to Attention or MultiHeadAttention, SkipLayerNormalization, EmbedLayerNormalization and BiasGelu.

    `approximate` turns GELU by erf into FastGelu, which is GELU by tanh.
    """
    options = FusionOptions("bert")
    options.use_multi_head_attention = multi_head
    options.enable_gelu_approximation = approximate
    heads, width = config.num_attention_heads, config.hidden_size
    with file_of(graph) as path, silence():
        optimized = optimize_model(
            str(path), "bert", num_heads=heads, hidden_size=width, optimization_options=options, opt_level=0,
        )
        if half:
            optimized.convert_float_to_float16(keep_io_types=True)
        if FUSED not in [opset.domain for opset in optimized.model.opset_import]:
            # The quantizer expects it.
            optimized.model.opset_import.append(onnx.helper.make_opsetid(FUSED, 1))
        return optimized.model


def of_session(graph, level=LEVELS.ORT_ENABLE_EXTENDED):
    """A graph as onnxruntime optimizes it before running it (`optimized_model_filepath`)."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level, options.log_severity_level = level, 3
    with file_of(graph) as path:
        saved = path.with_name("saved.onnx")
        options.optimized_model_filepath = str(saved)
        onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        return onnx.load(saved)


def basic(graph):
    return of_session(graph, LEVELS.ORT_ENABLE_BASIC)


@contextlib.contextmanager
def file_of(graph):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        onnx.save(graph, path)
        yield path


@contextlib.contextmanager
def silence():
    """Silences logging: the optimizer logs every pattern that it doesn't find."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)

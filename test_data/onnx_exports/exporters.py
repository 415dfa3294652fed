"""A classifier's graph in fp32, from PyTorch's two exporters, called as optimum and transformers.js' scripts call them."""

import contextlib
import inspect
import io
import tempfile
import warnings
from pathlib import Path

import onnx
import torch
from transformers import AutoModelForSequenceClassification

# The tracing exporter ends at 20, the other one starts at 18.
TRACED_OPSETS = (11, 13, 14, 17, 18, 20)
DYNAMO_OPSETS = (18, 20, 21)


def load_model(folder):
    """The classifier in `folder` in fp32, with eager attention."""
    kind = AutoModelForSequenceClassification
    return kind.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


def example(model, tokens=16):
    """Inputs (2, tokens) of a graph, in the order of the model's arguments; two texts, so that 2 stands for any number."""
    ids = torch.full((2, tokens), 7, dtype=torch.int64)
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    # optimum gives token types to BERT and ELECTRA alone; RoBERTa's kin have one type.
    takes = inspect.signature(model.forward).parameters
    if "token_type_ids" in takes and model.config.type_vocab_size > 1:
        inputs["token_type_ids"] = torch.zeros_like(ids)
    return inputs


def traced(model, opset=14, fold=True):
    """The graph (a ModelProto) of the tracing exporter."""
    inputs = example(model)
    axes = {name: {0: "batch_size", 1: "sequence_length"} for name in inputs}
    with quiet() as path:
        torch.onnx.export(
            model, (inputs,), path, input_names=list(inputs), output_names=["logits"],
            dynamic_axes={**axes, "logits": {0: "batch_size"}}, opset_version=opset, do_constant_folding=fold, dynamo=False,
        )
        return onnx.load(path)


def captured(model, opset=18, optimize=True):
    """The graph of the exporter that goes by torch.export (`dynamo=True`)."""
    inputs = example(model)
    batch, length = torch.export.Dim("batch_size", min=1, max=64), torch.export.Dim("sequence_length", min=1, max=512)
    with quiet() as path:
        program = torch.onnx.export(
            model, (), kwargs=inputs, input_names=list(inputs), output_names=["logits"],
            dynamic_shapes={name: {0: batch, 1: length} for name in inputs}, opset_version=opset, optimize=optimize, dynamo=True,
        )
        program.save(path, external_data=False)
        return onnx.load(path)


@contextlib.contextmanager
def quiet():
    """A path to write to; the exporters' words about what is deprecated and traced are dropped."""
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield Path(folder) / "model.onnx"

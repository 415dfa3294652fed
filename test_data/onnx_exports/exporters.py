"""A classifier's graph in fp32, from each of PyTorch's two exporters."""

import contextlib
import inspect
import io
import tempfile
import warnings
from pathlib import Path

import onnx
import torch
from transformers import AutoModelForSequenceClassification

# The newer exporter starts at 18: for lower opsets, it writes 18 anyway.
TRACED_OPSETS = (*range(11, 22),)
DYNAMO_OPSETS = (*range(18, 22),)


def load_model(folder, kind=AutoModelForSequenceClassification):
    """The classifier in `folder` in fp32, with eager attention."""
    return kind.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


def example(model, tokens=16):
    """Inputs (2, tokens), by name, of the kinds that optimum gives a model."""
    ids = torch.full((2, tokens), 7, dtype=torch.int64)
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    # optimum gives token types only to BERT and ELECTRA; RoBERTa's relatives have one type.
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
            dynamic_axes={**axes, "logits": {0: "batch_size"}}, opset_version=opset, do_constant_folding=fold,
            dynamo=False,
        )
        return onnx.load(path)


def captured(model, opset=18, optimize=True):
    """The graph of the exporter that uses torch.export (`dynamo=True`)."""
    inputs = example(model)
    batch = torch.export.Dim("batch_size", min=1, max=64)
    length = torch.export.Dim("sequence_length", min=1, max=512)
    with quiet() as path:
        program = torch.onnx.export(
            model, (), kwargs=inputs, input_names=list(inputs), output_names=["logits"],
            dynamic_shapes={name: {0: batch, 1: length} for name in inputs}, opset_version=opset,
            optimize=optimize, dynamo=True,
        )
        program.save(path, external_data=False)
        return onnx.load(path)


@contextlib.contextmanager
def quiet():
    """A path to write to; the exporters' messages about deprecation and tracing are dropped."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        warnings.simplefilter("ignore")
        yield Path(folder) / "model.onnx"

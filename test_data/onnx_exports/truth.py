"""Logits of a file: PyTorch's with the file's numbers, and onnxruntime's."""

import numpy as np
import onnx
import onnxruntime
import torch

from decode import parameters
from golden import floats

STATES = "last_hidden_state"


def inputs_of(case):
    ids = np.array([case["ids"]], dtype=np.int64)
    inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    if "types" in case:
        inputs["token_type_ids"] = np.array([case["types"]], dtype=np.int64)
    return inputs


def by_pytorch(model, found, cases, output="logits"):
    """The logits of each case by `model` with the parameters `found` instead of its own."""
    own = {name: values.clone() for name, values in model.state_dict().items()}
    for name, values in found.items():
        assert own[name].shape == values.shape, (name, own[name].shape, values.shape)
    model.load_state_dict(own | found)
    try:
        tensors = lambda case: {name: torch.from_numpy(values) for name, values in inputs_of(case).items()}
        return torch.cat([model(**tensors(case))[output] for case in cases])
    finally:
        model.load_state_dict(own)


def by_onnxruntime(path, cases, output="logits"):
    """The same by onnxruntime, from a file."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    takes = {value.name for value in session.get_inputs()}
    taken = lambda case: {name: values for name, values in inputs_of(case).items() if name in takes}
    return torch.from_numpy(np.concatenate([session.run([output], taken(case))[0] for case in cases]))


def states_of(path, model, case):
    """The same for a file without a head: the last states of one case."""
    found = parameters(onnx.load(path), model)
    mine = by_pytorch(model, found, [case], STATES)
    theirs = by_onnxruntime(path, [case], STATES)
    largest = (theirs - mine).abs().max().item()
    said = {"decoded": len(found), "onnxruntime_minus_pytorch": float(f"{largest:.2g}")}
    return said | {"states": floats(mine)}


def truth_of(path, model, cases):
    """A file's entry in the manifest: PyTorch's logits if its numbers aren't the model's, and differences.

    `onnxruntime`: its logits, if it computes differently from PyTorch (8-bit activations, F16).
    """
    found = parameters(onnx.load(path), model)
    exact = torch.tensor([case["logits"] for case in cases])
    mine, theirs = by_pytorch(model, found, cases), by_onnxruntime(path, cases)
    largest = (theirs - mine).abs().max().item()
    said = {"decoded": len(found), "onnxruntime_minus_pytorch": float(f"{largest:.2g}")}
    if found:
        said |= {"minus_fp32": float(f"{(mine - exact).abs().max().item():.2g}"), "logits": floats(mine)}
    if largest > 1e-5:
        said["onnxruntime"] = floats(theirs)
    return said

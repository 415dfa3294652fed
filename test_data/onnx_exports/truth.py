"""Logits of a file: PyTorch's with the numbers that the file holds, and onnxruntime's."""

import numpy as np
import onnx
import onnxruntime
import torch

from decode import parameters
from golden import floats


def inputs_of(case):
    ids = np.array([case["ids"]], dtype=np.int64)
    inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    if "types" in case:
        inputs["token_type_ids"] = np.array([case["types"]], dtype=np.int64)
    return inputs


def by_pytorch(model, found, cases):
    """Logits (a list of each case's) of `model` with the parameters `found` in place of its own."""
    own = {name: values.clone() for name, values in model.state_dict().items()}
    for name, values in found.items():
        assert own[name].shape == values.shape, (name, own[name].shape, values.shape)
    model.load_state_dict(own | found)
    try:
        run = lambda case: model(**{name: torch.from_numpy(values) for name, values in inputs_of(case).items()}).logits
        return torch.cat([run(case) for case in cases])
    finally:
        model.load_state_dict(own)


def by_onnxruntime(path, cases):
    """The same of a file."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    takes = {value.name for value in session.get_inputs()}
    run = lambda case: session.run(["logits"], {name: of for name, of in inputs_of(case).items() if name in takes})[0]
    return torch.from_numpy(np.concatenate([run(case) for case in cases]))


def truth_of(path, model, cases):
    """What the manifest says of a file: logits by PyTorch where the file's numbers aren't the model's, and differences.

    `onnxruntime`: its logits, where it computes otherwise than PyTorch does (8-bit activations, F16).
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

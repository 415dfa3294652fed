"""Writes the file that ships: int4 by the rule that the student was trained with, int8 for small matrices,
f32 for vectors.

    python rounding.py FOLDER OUT.safetensors

The writing crate sorts tensors by the size of their numbers, so scales come before the weights, as a reader
needs them.
"""

import argparse
from pathlib import Path

import quantized
import torch
from safetensors import safe_open
from safetensors.torch import save_file


def int4(weights: torch.Tensor) -> dict[str, torch.Tensor]:
    """`_scale` f16 (rows, columns / 32) and the weights u8 (rows, columns / 2), the first of two columns in the lower half."""
    q, scale = quantized.to_int4(weights)
    q = (q.flatten(1) + 8).to(torch.uint8)
    return {"_scale": scale.flatten(1).half(), "": q[:, 0::2] | q[:, 1::2] << 4}


def int8(weights: torch.Tensor) -> dict[str, torch.Tensor]:
    """`_scale` f32 (rows) and the weights i8 (rows, columns)."""
    scale = weights.abs().amax(dim=1).clamp_min(1e-30) / 127
    return {"_scale": scale, "": (weights / scale[:, None]).round().clamp(-127, 127).to(torch.int8)}


def rounded(name: str, weights: torch.Tensor) -> dict[str, torch.Tensor]:
    if weights.ndim != 2:
        return {name: weights}
    module = name.removesuffix(".weight")
    parts = int4(weights) if quantized.bears_int4(module) else int8(weights)
    return {name + suffix: tensor.contiguous() for suffix, tensor in parts.items()}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("out", type=Path)
    given = arguments.parse_args()
    tensors: dict[str, torch.Tensor] = {}
    with safe_open(given.folder / "model.safetensors", "pt") as file:
        for name in file.keys():
            tensors |= rounded(name, file.get_tensor(name).float())
    save_file(tensors, given.out, metadata={"format": "pt", "quantization": "int4"})


if __name__ == "__main__":
    main()

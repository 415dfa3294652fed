"""Writes a model in this project's int4 or int8 as floats (F32) of the same values, for PyTorch and for an export.

    npx tabsense convert models/NAME/model.safetensors PLAIN.safetensors    # if the file is compressed
    python bench/export/floats.py --model models/NAME --weights PLAIN.safetensors --out FOLDER

`NAME_scale` next to a tensor of integers contains the scales: F32 (rows) for int8, F16 (rows, columns / 32) for int4,
which is stored as U8 (rows, columns / 2) with the first of two columns in the lower half and 8 added.
"""

import argparse
import shutil
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

GROUP = 32
SCALE = "_scale"


def floats(stored, scales):
    """F32 (rows, columns) from integers and their scales."""
    if stored.dtype == np.int8:
        return stored.astype(np.float32) * scales.reshape(-1, 1)
    q = np.stack([stored & 15, stored >> 4], axis=-1).reshape(len(stored), -1, GROUP).astype(np.float32) - 8
    return (q * scales.astype(np.float32)[..., None]).reshape(len(stored), -1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    tensors = load_file(arguments.weights)
    read = {
        name: floats(tensor, tensors[name + SCALE]) if name + SCALE in tensors else tensor.astype(np.float32)
        for name, tensor in tensors.items()
        if not name.endswith(SCALE)
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    save_file(read, arguments.out / "model.safetensors", metadata={"format": "pt"})
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        if (arguments.model / name).exists():
            shutil.copyfile(arguments.model / name, arguments.out / name)


if __name__ == "__main__":
    main()

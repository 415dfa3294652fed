"""Writes the student's starting point: all-MiniLM-L6-v2 as a DistilBERT of 6 layers with a new head, three
labels.

    python base.py --encoder FOLDER --out FOLDER
"""

import argparse
from pathlib import Path

import networks
import torch
from safetensors.torch import save_file


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--encoder", type=Path, required=True)
    arguments.add_argument("--out", type=Path, required=True)
    given = arguments.parse_args()
    torch.manual_seed(0)
    model, tokenizer = networks.student(given.encoder)
    given.out.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(weights, given.out / "model.safetensors", metadata={"format": "pt"})
    model.config.to_json_file(given.out / "config.json")
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.save(str(given.out / "tokenizer.json"))


if __name__ == "__main__":
    main()

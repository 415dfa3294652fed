"""Calibrates the scores of a folder's model in place: divides all logits by one temperature.

    python calibrate.py FOLDER --data ../../../../shared/data/sentiment

The temperature is the one with the least cross-entropy on GoEmotions' development set (Guo et al. 2017),
which is used only for this. Labelled sentences that the student had not seen gave 0.91, because the teacher
had learnt them, and scores that were too high elsewhere. Labels don't change.
"""

import argparse
import json
from pathlib import Path

import corpus
import networks
import torch
from safetensors.torch import load_file, save_file
from torch.nn.functional import cross_entropy


def temperature(logits: torch.Tensor, labels: torch.Tensor) -> float:
    candidates = [2 ** (step / 50) for step in range(-100, 101)]
    return min(candidates, key=lambda t: cross_entropy(logits / t, labels).item())


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--data", type=Path, required=True)
    given = arguments.parse_args()
    model, tokenizer = networks.distilbert(given.folder)
    held_out = corpus.read(given.data / "heldout.tsv.gz")
    sentences = [one for one in held_out if one.source == "goemotions-dev"]
    logits = networks.logits_of(model.eval(), tokenizer, [one.text for one in sentences], 128, 8192)
    best = temperature(torch.from_numpy(logits), torch.tensor([one.label for one in sentences]))
    weights = load_file(given.folder / "model.safetensors")
    for name in ("classifier.weight", "classifier.bias"):
        weights[name] = weights[name] / best
    save_file(weights, given.folder / "model.safetensors", metadata={"format": "pt"})
    print(json.dumps({"sentences": len(sentences), "temperature": round(best, 3)}))


if __name__ == "__main__":
    main()

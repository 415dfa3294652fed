"""Trains the student on the teacher's logits: all-MiniLM-L6-v2 as a DistilBERT, with a pruned vocabulary.

    python student.py --data ../../../../shared/data/sentiment --base FOLDER --work FOLDER

First in floats, then (`--rounded`) for int4, from where the first run ended. Both resume where they were
stopped.
"""

import argparse
import json
from pathlib import Path

import corpus
import label
import losses
import networks
import numpy as np
import quantized
import torch
import training
from safetensors.torch import save_file

MAX_TOKENS = 96
BATCH_TOKENS = 4096
TEMPERATURE = 2.0
# The weight of the labels relative to the teacher
LABELS = 0.3
# How strongly SST-2's labels count against neutral: the share of the second teacher in the blend
SST2 = 0.6


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--base", type=Path, required=True)
    arguments.add_argument("--work", type=Path, required=True)
    arguments.add_argument("--name", default="student")
    arguments.add_argument("--rounded", action="store_true")
    arguments.add_argument("--minutes", type=float, default=1e9)
    arguments.add_argument("--epochs", type=int, default=2)
    arguments.add_argument("--steps", type=int)
    arguments.add_argument("--rate", type=float, default=2e-4)
    given = arguments.parse_args()
    torch.manual_seed(0)
    model, tokenizer = networks.distilbert(given.base)
    if given.rounded:
        quantized.prepare(model)
    teacher = torch.from_numpy(np.load(given.work / "logits.npy"))
    sentences = label.to_learn(given.data)[: len(teacher)]
    ids = networks.encode(tokenizer, [one.text for one in sentences], MAX_TOKENS)
    order = corpus.epochs([len(one) for one in ids], BATCH_TOKENS, given.epochs)[: given.steps]
    plan = training.Plan(
        steps=len(order), rate=given.rate, head_rate=5 * given.rate, warm_up=len(order) // 20, averaged_from=0.9
    )
    print(f"{len(sentences)} sentences, {sum(map(len, ids))} tokens, {len(order)} steps", flush=True)
    labels = losses.Labels(sentences, SST2)

    def loss_of(step: int) -> torch.Tensor:
        logits = networks.logits_of_rows(model, ids, order[step], training.DEVICE)
        target = teacher[order[step]].to(training.DEVICE)
        of_teacher = losses.of_teacher(logits, target, TEMPERATURE)
        return (of_teacher + LABELS * labels.loss(logits, order[step], smoothing=0.0)).mean()

    done = training.run(
        model,
        plan,
        lambda name: "classifier" in name,
        loss_of,
        given.work / f"{given.name}.pt",
        given.work / f"{given.name}.log",
        given.minutes,
    )
    if done:
        folder = given.work / given.name
        folder.mkdir(exist_ok=True)
        if given.rounded:
            quantized.settle(model)
        weights = {name: tensor.contiguous().cpu() for name, tensor in model.state_dict().items()}
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        for file in ("config.json", "tokenizer.json"):
            (folder / file).write_bytes((given.base / file).read_bytes())
    print(json.dumps({"done": done}))


if __name__ == "__main__":
    main()

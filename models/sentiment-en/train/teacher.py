"""Trains a teacher: all-mpnet-base-v2 on the labelled sentences.

    python teacher.py --data ../../../../shared/data/sentiment --encoder FOLDER --work FOLDER

Resumes where it was stopped. A step takes 2.2 s on two cores with bf16 matrix units (AMX). `--start FOLDER`
begins with an existing teacher instead of the encoder, `--steps` makes the plan shorter than its epochs, and
`--sst2` sets how strongly SST-2's labels count against neutral (see `corpus.py`).
"""

import argparse
import json
import random
from collections import defaultdict
from pathlib import Path

import corpus
import losses
import networks
import torch
import training
from safetensors.torch import load_file, save_file

MAX_TOKENS = 96
BATCH_TOKENS = 3072
# Maximum sentences per source: all of sources with three labels, a part of the others, to save time
MOST = {"imdb-document": 4000, "proscons": 10000, "tweets": 10000}


def chosen(sentences: list[corpus.Sentence], seed: int) -> list[corpus.Sentence]:
    by_source = defaultdict(list)
    for one in sentences:
        if one.label != corpus.UNLABELLED:
            by_source[one.source].append(one)
    draw = random.Random(seed)
    kept = []
    for source, all_ in sorted(by_source.items()):
        draw.shuffle(all_)
        kept += all_[: MOST.get(source)]
    return corpus.as_written(kept, seed)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--encoder", type=Path, required=True)
    arguments.add_argument("--work", type=Path, required=True)
    arguments.add_argument("--minutes", type=float, default=1e9)
    arguments.add_argument("--epochs", type=int, default=1)
    arguments.add_argument("--steps", type=int)
    arguments.add_argument("--start", type=Path)
    arguments.add_argument("--sst2", type=float, default=0.0)
    arguments.add_argument("--name", default="teacher-1")
    arguments.add_argument("--rate", type=float, default=5e-5)
    arguments.add_argument("--seed", type=int, default=0)
    given = arguments.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(given.seed)
    model, tokenizer = networks.teacher(given.encoder)
    if given.start:
        model.load_state_dict(load_file(given.start / "model.safetensors"))
    sentences = chosen(corpus.read(given.data / "train.tsv.gz"), given.seed)
    ids = networks.encode(tokenizer, [one.text for one in sentences], MAX_TOKENS)
    order = corpus.epochs([len(one) for one in ids], BATCH_TOKENS, given.epochs)[: given.steps]
    plan = training.Plan(steps=len(order), rate=given.rate, head_rate=4 * given.rate, warm_up=len(order) // 16)
    print(f"{len(sentences)} sentences, {sum(map(len, ids))} tokens, {len(order)} steps", flush=True)
    labels = losses.Labels(sentences, given.sst2)

    def loss_of(step: int) -> torch.Tensor:
        logits = networks.logits_of_rows(model, ids, order[step], training.DEVICE)
        return labels.loss(logits, order[step], smoothing=0.03).mean()

    done = training.run(
        model,
        plan,
        lambda name: name.startswith("classifier"),
        loss_of,
        given.work / f"{given.name}.pt",
        given.work / f"{given.name}.log",
        given.minutes,
    )
    if done:
        folder = given.work / given.name
        folder.mkdir(exist_ok=True)
        save_file({name: tensor.contiguous().cpu() for name, tensor in model.state_dict().items()}, folder / "model.safetensors")
        model.config.to_json_file(folder / "config.json")
        tokenizer.no_truncation()
        tokenizer.save(str(folder / "tokenizer.json"))
    print(json.dumps({"done": done}))


if __name__ == "__main__":
    main()

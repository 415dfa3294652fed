"""Trains the teacher: all-mpnet-base-v2 on the labelled sentences.

    python teacher.py --data ../../../../shared/data/sentiment --encoder FOLDER --work FOLDER

Goes on where it was stopped. The plan's 1,268 steps took 2.2 s each on two cores with bf16 matrix units (AMX).
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
from safetensors.torch import save_file

MAX_TOKENS = 96
BATCH_TOKENS = 3072
# Sentences a source: all of what has three labels, and a part of the others, for time
MOST = {"sst2": 36000, "imdb-document": 6000, "proscons": 14000, "tweets": 14000}


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
    given = arguments.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    model, tokenizer = networks.teacher(given.encoder)
    sentences = chosen(corpus.read(given.data / "train.tsv.gz"), seed=0)
    ids = networks.encode(tokenizer, [one.text for one in sentences], MAX_TOKENS)
    order = corpus.epochs([len(one) for one in ids], BATCH_TOKENS, given.epochs)
    plan = training.Plan(steps=len(order), rate=5e-5, head_rate=2e-4, warm_up=len(order) // 16)
    print(f"{len(sentences)} sentences, {sum(map(len, ids))} tokens, {len(order)} steps", flush=True)
    labels = losses.Labels(sentences)

    def loss_of(step: int) -> torch.Tensor:
        logits = networks.logits_of_rows(model, ids, order[step], training.DEVICE)
        return labels.loss(logits, order[step], smoothing=0.03).mean()

    done = training.run(
        model,
        plan,
        lambda name: name.startswith("classifier"),
        loss_of,
        given.work / "teacher.pt",
        given.work / "teacher.log",
        given.minutes,
    )
    if done:
        folder = given.work / "teacher"
        folder.mkdir(exist_ok=True)
        save_file({name: tensor.contiguous().cpu() for name, tensor in model.state_dict().items()}, folder / "model.safetensors")
        model.config.to_json_file(folder / "config.json")
        tokenizer.no_truncation()
        tokenizer.save(str(folder / "tokenizer.json"))
    print(json.dumps({"done": done}))


if __name__ == "__main__":
    main()

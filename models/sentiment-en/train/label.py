"""Writes the teacher's logits for all sentences, from which the student learns.

    python label.py --data ../../../../shared/data/sentiment --work FOLDER

Appends to `logits.npy` (sentences, 3) slice by slice, so that it resumes where it was stopped.
"""

import argparse
import time
from pathlib import Path

import corpus
import networks
import numpy as np
import training
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import MPNetConfig, MPNetForSequenceClassification

MAX_TOKENS = 96
BATCH_TOKENS = 6144
SLICE = 8000
# Documents are long, and the data also has their sentences: a part of them is enough
DOCUMENTS = 8000


def to_learn(folder: Path) -> list[corpus.Sentence]:
    """The sentences that the student learns from, those with a label first."""
    sentences = corpus.as_written(corpus.read(folder / "train.tsv.gz"), seed=1)
    documents = [one for one in sentences if one.source == "imdb-document"][:DOCUMENTS]
    others = [one for one in sentences if one.source != "imdb-document"]
    labelled = [one for one in others if one.label != corpus.UNLABELLED]
    return documents + labelled + [one for one in others if one.label == corpus.UNLABELLED]


def load(folder: Path) -> tuple[MPNetForSequenceClassification, Tokenizer]:
    model = MPNetForSequenceClassification(MPNetConfig.from_json_file(folder / "config.json"))
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model.bfloat16().to(training.DEVICE).eval(), Tokenizer.from_file(str(folder / "tokenizer.json"))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--work", type=Path, required=True)
    given = arguments.parse_args()
    texts = [one.text for one in to_learn(given.data)]
    file = given.work / "logits.npy"
    done = np.load(file) if file.exists() else np.zeros((0, len(corpus.LABELS)), np.float32)
    model, tokenizer = load(given.work / "teacher")
    while len(done) < len(texts):
        started = time.monotonic()
        some = networks.logits_of(model, tokenizer, texts[len(done) : len(done) + SLICE], MAX_TOKENS, BATCH_TOKENS)
        done = np.concatenate([done, some])
        being_written = given.work / "logits.tmp.npy"
        np.save(being_written, done)
        being_written.replace(file)
        print(f"{len(done)} of {len(texts)}, {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()

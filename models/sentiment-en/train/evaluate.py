"""Accuracy of a folder's model in fp32, by PyTorch.

    python evaluate.py FOLDER --data ../../../../shared/data

Prints a line per set: accuracy with three labels, macro-F1, accuracy of positive against negative (sentences
with one of these labels; the answer NEUTRAL is ignored), and the expected calibration error. The package
itself measures the shipped file: `npm run bench:accuracy`.
"""

import argparse
import json
from pathlib import Path

import corpus
import networks
import numpy as np
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import AutoConfig, AutoModelForSequenceClassification

ROOT = Path(__file__).resolve().parents[3]


def sets(data: Path) -> dict[str, tuple[list[str], np.ndarray]]:
    """Texts and labels of each held-out set, by its name."""
    found: dict[str, tuple[list[str], list[int]]] = {}
    for one in corpus.read(data / "sentiment/heldout.tsv.gz"):
        texts, labels = found.setdefault(one.source, ([], []))
        texts.append(one.text)
        labels.append(one.label)
    rows = [line.split("\t") for line in (data / "sst2_dev.tsv").read_text().splitlines()[1:]]
    found["sst2-dev"] = ([row[0] for row in rows], [2 * int(row[1]) for row in rows])
    for name in ("validation", "neutral"):
        lines = (ROOT / f"test_data/sentiment_{name}.jsonl").read_text().splitlines()
        rows = [json.loads(line) for line in lines]
        found[name] = ([row["text"] for row in rows], [corpus.LABELS.index(row["label"].lower()) for row in rows])
    return {name: (texts, np.array(labels)) for name, (texts, labels) in found.items()}


def calibration_error(scores: np.ndarray, labels: np.ndarray) -> float:
    """Expected calibration error of the first label, in 15 bins of equal width (Guo et al. 2017)."""
    best, right = scores.max(axis=1), scores.argmax(axis=1) == labels
    bins = np.minimum((best * 15).astype(int), 14)
    return float(sum(abs(right[bins == b].mean() - best[bins == b].mean()) * (bins == b).mean() for b in set(bins)))


def macro_f1(found: np.ndarray, labels: np.ndarray) -> float:
    f1 = []
    for label in sorted(set(labels)):
        hits = np.sum((found == label) & (labels == label))
        f1.append(2 * hits / max(1, np.sum(found == label) + np.sum(labels == label)))
    return float(np.mean(f1))


def report(logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    scores = np.exp(logits - logits.max(axis=1, keepdims=True))
    scores /= scores.sum(axis=1, keepdims=True)
    found = scores.argmax(axis=1)
    sided = labels != corpus.NEUTRAL
    positive = logits[:, corpus.POSITIVE] > logits[:, corpus.NEGATIVE]
    return {
        "sentences": len(labels),
        "accuracy": round(100 * float(np.mean(found == labels)), 2),
        "macro_f1": round(macro_f1(found, labels), 4),
        "positive_or_negative": round(100 * float(np.mean((positive == (labels == corpus.POSITIVE))[sided])), 2)
        if sided.any()
        else None,
        "calibration_error": round(calibration_error(scores, labels), 4),
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--data", type=Path, required=True)
    given = arguments.parse_args()
    model = AutoModelForSequenceClassification.from_config(AutoConfig.from_pretrained(given.folder))
    model.load_state_dict(load_file(given.folder / "model.safetensors"))
    tokenizer = Tokenizer.from_file(str(given.folder / "tokenizer.json"))
    for name, (texts, labels) in sets(given.data).items():
        logits = networks.logits_of(model.eval(), tokenizer, texts, max_tokens=128, batch_tokens=8192)
        print(name, json.dumps(report(logits, labels)), flush=True)


if __name__ == "__main__":
    main()

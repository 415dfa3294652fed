"""The sentences: where they come from, what their labels mean, and how they are batched.

A line of the data is `label<TAB>source<TAB>text`; the label is `negative`, `neutral`, `positive` or `-`
(none). A label from a source without neutral texts may be weak evidence against neutral: see `TWO_CHOICES`.
"""

import gzip
import random
import re
from dataclasses import dataclass
from pathlib import Path

LABELS = ["negative", "neutral", "positive"]
NEGATIVE, NEUTRAL, POSITIVE = range(3)
UNLABELLED = -1

# How strongly a label from a source without neutral texts counts against neutral, from 0 (only the choice
# between negative and positive counts) to 1 (as from a source with three choices). Documents are cut, and
# pros and cons are often bare nouns, so these count little. SST-2's raters did find phrases neutral, which
# GLUE left out: at 0, a teacher got 21 % of its development set right with three labels, calling most of it
# NEUTRAL, and at 1 it called "It is a film." POSITIVE. SST-2's share is an argument of the teacher, which is
# blended from both.
TWO_CHOICES = {"imdb-document": 0.3, "proscons": 0.3}

# The weight of a source's labels: crowds labelled these tweets, and disagree in a fifth.
TRUST = {"tweets": 0.5}


@dataclass(frozen=True)
class Sentence:
    text: str
    source: str
    label: int  # UNLABELLED if there is none

    @property
    def trust(self) -> float:
        return TRUST.get(self.source, 1.0)


def read(path: Path) -> list[Sentence]:
    """Reads lines of `label<TAB>source<TAB>text`, compressed with gzip or not."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="\n") as lines:
        rows = (line.rstrip("\n").split("\t", 2) for line in lines)
        return [
            Sentence(text, source, UNLABELLED if label == "-" else LABELS.index(label))
            for label, source, text in rows
        ]


# Turns Treebank spacing, as in SST, into natural spacing: the models are trained on both.
SPACED = [
    (re.compile(r" (n't|'s|'re|'ve|'ll|'d|'m)\b"), r"\1"),
    (re.compile(r" ([.,!?;:%)\]])"), r"\1"),
    (re.compile(r"([(\[$]) "), r"\1"),
    (re.compile(r"`` ?"), '"'),
    (re.compile(r" ?''"), '"'),
    (re.compile(r"-lrb- ?", re.I), "("),
    (re.compile(r" ?-rrb-", re.I), ")"),
]


def natural(text: str) -> str:
    """`it 's good , is n't it ?` as `it's good, isn't it?`"""
    for pattern, to in SPACED:
        text = pattern.sub(to, text)
    return text


def as_written(sentences: list[Sentence], seed: int) -> list[Sentence]:
    """The sentences with half of SST's and CR's lines in natural spacing, drawn by `seed`."""
    draw = random.Random(seed)
    return [
        Sentence(natural(one.text), one.source, one.label)
        if one.source in ("sst2", "sst5", "cr") and draw.random() < 0.5
        else one
        for one in sentences
    ]


def batches(lengths: list[int], tokens: int, seed: int) -> list[list[int]]:
    """Indices of sentences in batches of about `tokens` tokens and similar length, in an order drawn by
    `seed`.

    Sentences are shuffled, sorted by length within slices of 100 batches' worth, and cut before the padded
    batch would exceed `tokens`. So padding is a few per cent, and batches differ from epoch to epoch.
    """
    draw = random.Random(seed)
    order = list(range(len(lengths)))
    draw.shuffle(order)
    mean = max(1, sum(lengths) // max(1, len(lengths)))
    slice_size = max(1, 100 * tokens // mean)
    all_batches = []
    for start in range(0, len(order), slice_size):
        batch: list[int] = []
        for index in sorted(order[start : start + slice_size], key=lambda i: lengths[i]):
            if batch and (len(batch) + 1) * lengths[index] > tokens:
                all_batches.append(batch)
                batch = []
            batch.append(index)
        if batch:
            all_batches.append(batch)
    draw.shuffle(all_batches)
    return all_batches


def epochs(lengths: list[int], tokens: int, count: int) -> list[list[int]]:
    """The batches of `count` epochs, each in its own order."""
    return [batch for epoch in range(count) for batch in batches(lengths, tokens, seed=epoch)]

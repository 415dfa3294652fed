"""Measures how rounding weights and activations to few bits changes sentiment-en's answers on SST-2's development set.

Arithmetic is modelled in numpy: integers are rounded (ties to even) and clipped as in the kernels, sums are f32.
Embeddings are int8 with a scale per row, as the converter stores them, except in schemes for these tables; softmax,
normalization and GELU stay f32.

    python bench/python/rounding.py [../shared/models/sentiment-en] [tables]

`tables`: only the schemes for the embedding tables.

Columns: labels that agree with PyTorch's in fp32, accuracy, mean |difference of a probability|, root mean square
error of half the logits' difference. Agreement moves in steps of 0.115 %: rank by the last column.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file

TABLES_ALONE = sys.argv[-1] == "tables"
ARGUMENTS = sys.argv[1 : len(sys.argv) - TABLES_ALONE]
FOLDER = Path(ARGUMENTS[0] if ARGUMENTS else "../shared/models/sentiment-en")
LAYERS, HEADS, EPS = 6, 12, np.float32(1e-12)
# A lower bound of GELU.
FLOOR = np.float32(-0.17)


def nearest(x, low, high):
    return np.clip(np.rint(x), low, high)


def per_row(w, most):
    """Weights rounded to -most..=most, with a scale per row."""
    scale = np.abs(w).max(1, keepdims=True) / np.float32(most)
    return (nearest(w / scale, -most, most) * scale).astype(np.float32)


def grouped(x, size):
    return x.reshape(len(x), -1, size or x.shape[1])


def int4(w, low, signed):
    """Weights rounded to low..=7 in groups of 32, f16 scales; `signed`: the largest is on the longer side."""
    g = grouped(w, 32)
    if signed:
        largest = np.take_along_axis(g, np.abs(g).argmax(2)[..., None], 2)
        scale = largest / low
    else:
        scale = np.abs(g).max(2, keepdims=True) / 7
    scale = np.where(scale == 0, 1, scale.astype(np.float16)).astype(np.float32)
    return (nearest(g / scale, low, 7) * scale).reshape(w.shape).astype(np.float32)


def searched(w):
    """int4 as matrices are rounded to nearest: of 23 scales of either sign, the one with a group's least error."""
    g = grouped(w, 32)
    largest = np.abs(g).max(2, keepdims=True)
    best, least = np.zeros_like(g), np.full(largest.shape, np.inf, np.float32)
    for share in 0.6 + 0.025 * np.arange(23, dtype=np.float32):
        for sign in (1, -1):
            scale = (sign * share * largest / 7).astype(np.float16).astype(np.float32)
            scale[scale == 0] = 1
            back = nearest(g / scale, -8, 7) * scale
            error = ((g - back) ** 2).sum(2, keepdims=True)
            best = np.where(error < least, back, best)
            least = np.minimum(error, least)
    return best.reshape(w.shape).astype(np.float32)


def symmetric(x, most, size=0):
    """Activations rounded to -most..=most, with a scale for `size` columns of a row (0: all)."""
    g = grouped(x, size)
    scale = np.abs(g).max(2, keepdims=True) / np.float32(most)
    scale[scale == 0] = 1
    return (nearest(g / scale, -most, most) * scale).reshape(x.shape)


def asymmetric(x, size=0, floor=None):
    """Activations rounded to 0..=127 above a group's minimum (at most 0), or above `floor`."""
    g = grouped(x, size)
    low = np.minimum(g.min(2, keepdims=True), 0) if floor is None else floor
    scale = (g.max(2, keepdims=True) - low) / np.float32(127)
    scale[scale <= 0] = 1
    return (nearest((g - low) / scale, 0, 127) * scale + low).reshape(x.shape).astype(np.float32)


def gelu(x):
    return torch.nn.functional.gelu(torch.from_numpy(x)).numpy()


class Model:
    def __init__(self):
        tensors = load_file(FOLDER / "model.safetensors")
        self.tensors = {name.removeprefix("distilbert."): t for name, t in tensors.items()}
        self.linears = [name.removesuffix(".weight") for name, t in self.tensors.items() if t.ndim == 2 and "embeddings" not in name]
        rows = [json.loads(line) for line in open(FOLDER / "golden.jsonl")]
        self.ids = [row["ids"] for row in rows]
        self.labels = np.array([row["label"] for row in rows])
        self.wanted = np.array([row["logits"] for row in rows], np.float32)
        self.store_tables(lambda w: per_row(w, 127), lambda w: per_row(w, 127))

    def store_tables(self, words, positions):
        self.words = words(self.tensors["embeddings.word_embeddings.weight"])
        self.positions = positions(self.tensors["embeddings.position_embeddings.weight"])

    def norm(self, x, name):
        x = x - x.mean(1, keepdims=True)
        x = x / np.sqrt((x * x).mean(1, keepdims=True) + EPS)
        return x * self.tensors[f"{name}.weight"] + self.tensors[f"{name}.bias"]

    def logits(self, weights, activations):
        """Runs texts of one length at a time; from the last layer's queries on, only the first row of each."""
        out = np.empty_like(self.wanted)
        lengths = np.array([len(ids) for ids in self.ids])

        def linear(name, x):
            return activations(name, x) @ weights[name].T + self.tensors[f"{name}.bias"]

        for length in np.unique(lengths):
            places = np.nonzero(lengths == length)[0]
            ids = np.array([self.ids[i] for i in places]).ravel()
            x = self.norm(self.words[ids] + np.tile(self.positions[:length], (len(places), 1)), "embeddings.LayerNorm")
            for layer in range(LAYERS):
                name = f"transformer.layer.{layer}"
                rows = x if layer + 1 < LAYERS else x[::length]
                q, k, v = (linear(f"{name}.attention.{part}_lin", rows if part == "q" else x) for part in "qkv")
                split = lambda t: t.reshape(len(places), -1, HEADS, t.shape[1] // HEADS).transpose(0, 2, 1, 3)
                scores = split(q) @ split(k).transpose(0, 1, 3, 2) / np.sqrt(np.float32(q.shape[1] // HEADS))
                scores = np.exp(scores - scores.max(3, keepdims=True))
                context = (scores / scores.sum(3, keepdims=True)) @ split(v)
                context = context.transpose(0, 2, 1, 3).reshape(len(rows), -1)
                rows = self.norm(linear(f"{name}.attention.out_lin", context) + rows, f"{name}.sa_layer_norm")
                hidden = gelu(linear(f"{name}.ffn.lin1", rows))
                x = self.norm(linear(f"{name}.ffn.lin2", hidden) + rows, f"{name}.output_layer_norm")
            out[places] = linear("classifier", np.maximum(linear("pre_classifier", x), 0))
        return out

    def report(self, title, rounding, activations):
        weights = {name: rounding(name, self.tensors[f"{name}.weight"]) for name in self.linears}
        logits = self.logits(weights, activations)
        probability = lambda z: 1 / (1 + np.exp(z[:, 0].astype(float) - z[:, 1]))
        mine, wanted = probability(logits), probability(self.wanted)
        error = (logits[:, 1] - logits[:, 0] - self.wanted[:, 1] + self.wanted[:, 0]) / 2
        agreement, accuracy = np.mean((mine > 0.5) == (wanted > 0.5)), np.mean((mine > 0.5) == (self.labels == 1))
        rms = np.sqrt(np.mean(error.astype(float) ** 2))
        print(f"{title:64} {agreement:8.2%} {accuracy:7.2%} {np.abs(mine - wanted).mean():7.4f} {rms:7.4f}", flush=True)


def tables(model, plain):
    """Schemes for the tables (words, positions), with matrices in f32."""
    int8 = lambda w: per_row(w, 127)
    covering = lambda w: int4(w, -8, True)
    for words, positions, title in [
        (np.asarray, np.asarray, "f32, f32"),
        (int8, int8, "int8, int8"),
        (covering, int8, "int4, int8 (chosen)"),
        (int8, covering, "int8, int4"),
        (covering, covering, "int4, int4"),
        (searched, int8, "int4 by the search for matrices, int8"),
    ]:
        model.store_tables(words, positions)
        model.report(f"tables {title}", plain, plain)


def main():
    model = Model()
    plain = lambda _, x: x
    print(f"{'weights × activations':64} {'agree':>8} {'correct':>7} {'mean dp':>7} {'rms':>7}")
    if TABLES_ALONE:
        return tables(model, plain)
    rows = lambda most: lambda _, w: per_row(w, most)
    after_gelu = lambda name: name.endswith("lin2")
    after_relu = lambda name: name == "classifier"
    above_floor = lambda name: FLOOR if after_gelu(name) else np.float32(0) if after_relu(name) else None

    def chosen(name, x):
        floor = above_floor(name)
        return symmetric(x, 63, 32) if floor is None else asymmetric(x, 64, floor)

    supports_int4 = lambda name: not name.endswith("out_lin") and "classifier" not in name
    mixed = lambda low, signed: lambda name, w: int4(w, low, signed) if supports_int4(name) else per_row(w, 127)
    model.report("f32 × f32 (int8 embeddings)", plain, plain)
    model.report("int8 × f32", rows(127), plain)
    model.report("int8 × int8, a scale per row", rows(127), lambda _, x: symmetric(x, 127))
    model.report("int8 × 7 bits without sign, a scale per row", rows(127), lambda _, x: asymmetric(x))
    model.report("int8 × 7 bits without sign, a scale per 128 columns", rows(127), lambda _, x: asymmetric(x, 128))
    model.report("int8 × 7 bits without sign, a scale per 64 columns", rows(127), lambda _, x: asymmetric(x, 64))
    model.report("int8 × 7 bits around 0, a scale per 32; per 64 above a floor (chosen)", rows(127), chosen)
    model.report("7 bits × f32", rows(63), plain)
    model.report("7 bits × int8, a scale per row", rows(63), lambda _, x: symmetric(x, 127))
    model.report("7 bits × 7 bits without sign, a scale per row", rows(63), lambda _, x: asymmetric(x))
    model.report("int4 -7..=7 to nearest (attention's output and head int8) × f32", mixed(-7, False), plain)
    model.report("int4 -8..=7 to nearest, scales of either sign × f32", mixed(-8, True), plain)
    model.report("the same × int8, a scale per row", mixed(-8, True), lambda _, x: symmetric(x, 127))
    tables(model, plain)


main()

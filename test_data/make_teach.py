"""Makes teach/goldens.json: the weights that scikit-learn learns from small random vectors, for comparison
with src/teach.

Versions: scikit-learn 1.9.1, numpy 2.4.6, scipy 1.17.1. Run it in this folder.

scikit-learn can't penalize the intercept weakly, or together with a column. The vectors have a constant
column of 10 instead, whose weight is a tenth of the bias.
"""
import json, pathlib

import numpy as np
from sklearn.linear_model import LogisticRegression

HERE = pathlib.Path(__file__).parent


def fit(x, y, weight, strength):
    model = LogisticRegression(C=1 / strength, fit_intercept=False, tol=1e-12, max_iter=10_000)
    model.fit(x, y, sample_weight=weight)
    return model.coef_


def case(name, labels, counts, width, strength, name_weight, multi=False):
    random = np.random.default_rng(len(name))
    centres = random.normal(size=(labels, width))
    y = np.repeat(np.arange(labels), counts)
    vectors = (centres[y] + 1.2 * random.normal(size=(len(y), width))).astype(np.float32)
    names = (centres + 0.8 * random.normal(size=(labels, width))).astype(np.float32)
    targets = [[int(l)] for l in y]
    if multi:
        targets = [sorted({int(l)} | set(np.flatnonzero(random.random(labels) < 0.2).tolist())) for l in y]
        targets[3] = []
    unit = lambda v: v.astype(np.float64) / np.linalg.norm(v.astype(np.float64), axis=1, keepdims=True)
    mean = unit(vectors).mean(axis=0)
    scale = np.sqrt(len(vectors) / np.square(unit(vectors) - mean).sum())
    x = scale * (np.vstack([unit(vectors), unit(names)]) - mean)
    x = np.hstack([x, np.full((len(x), 1), 10.0)])
    usual = len(y) / labels
    rarity = np.ones(len(y)) if multi else np.sqrt(usual / np.array(counts)[y])
    weight = np.concatenate([rarity, np.full(labels, name_weight)])
    truth = np.zeros((len(x), labels))
    for i, own in enumerate(targets + [[l] for l in range(labels)]):
        truth[i, own] = 1
    if multi:
        w = np.vstack([fit(x, truth[:, l], weight, strength) for l in range(labels)])
    elif labels == 2:
        # For two labels, scikit-learn has one row of weights, w1 - w0, whose penalty is half of that here.
        w = fit(x, truth.argmax(1), weight, strength / 2)
        w = np.vstack([-w / 2, w / 2])
    else:
        w = fit(x, truth.argmax(1), weight, strength)
    z = x @ w.T
    nll = np.logaddexp(0, z) - z * truth if multi else np.logaddexp.reduce(z, axis=1)[:, None] - (z * truth).sum(1)[:, None]
    objective = float((nll.sum(1) * weight).sum() + strength / 2 * (w * w).sum())
    return {
        "name": name, "labels": labels, "width": width, "multi": multi, "strength": strength, "name_weight": name_weight,
        "vectors": vectors.ravel().tolist(), "targets": targets, "names": names.ravel().tolist(),
        "weights": np.round(scale * w[:, :-1], 6).ravel().tolist(),
        "bias": np.round(10 * w[:, -1] - scale * w[:, :-1] @ mean, 6).tolist(),
        "objective": objective,
    }


cases = [
    case("three labels", 3, [5, 5, 5], 7, 0.1, 2.0),
    case("rare labels", 5, [12, 6, 3, 2, 1], 16, 0.4, 4.0),
    case("two", 2, [9, 4], 6, 0.2, 1.0),
    case("several an example", 4, [6, 6, 6, 6], 10, 0.3, 1.5, multi=True),
]
(HERE / "teach").mkdir(exist_ok=True)
(HERE / "teach/goldens.json").write_text(json.dumps(cases) + "\n")

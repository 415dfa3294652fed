"""Measures scikit-learn's logistic regression on the same vectors. scripts/bench-teach.mjs calls it:

    baseline.py draws FOLDER DRAWS     prints for each set: labels, and for each k and seed the examples' numbers
    baseline.py fit FILE               FILE: JSON with the inputs; prints accuracies in per cent

Needs numpy and scikit-learn (1.9.1 for the figures in docs/benchmarks-teach.md).
"""
import json, pathlib, random, sys

KS = (4, 8, 16)


def draws(folder, count):
    out = {}
    for path in sorted(pathlib.Path(folder).glob("*.train.jsonl")):
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        labels = sorted({row["label"] for row in rows})
        of = {label: [i for i, row in enumerate(rows) if row["label"] == label] for label in labels}
        drawn = {}
        for k in KS:
            drawn[k] = []
            for seed in range(count):
                chance = random.Random(seed)
                drawn[k].append([i for label in labels for i in chance.sample(of[label], k)])
        out[path.name.removesuffix(".train.jsonl")] = {"labels": labels, "draws": drawn}
    print(json.dumps(out))


def fit(file):
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    task = json.loads(pathlib.Path(file).read_text())
    read = lambda name: np.fromfile(name, dtype=np.float32).reshape(-1, task["width"])
    train, test = read(task["train"]), read(task["test"])
    truth = np.array(task["testLabels"])
    for draw in task["draws"]:
        model = LogisticRegression(C=10, max_iter=300).fit(train[draw["examples"]], draw["labels"])
        print(json.dumps(100 * float((model.predict(test) == truth).mean())), flush=True)


if sys.argv[1] == "draws":
    draws(sys.argv[2], int(sys.argv[3]))
else:
    fit(sys.argv[2])

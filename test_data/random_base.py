"""Writes DistilBERT checkpoints with random weights, with the names and shapes of `transformers`.

As a program it writes one of DistilBERT-base's size (6 x 768, 268 MB, F32), for timing, with meaningless
answers.

    python test_data/random_base.py OUT_FOLDER [--tokenizer models/sentiment-en-1/tokenizer.json]

Needs only numpy and safetensors. The same numpy gives the same bytes.
"""

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

REPOSITORY = Path(__file__).resolve().parent.parent
SEED = 20260


def make_config(dim, heads, layers, hidden, vocabulary, labels, dtype="float32", **more):
    """A Hugging Face `config.json` of a DistilBertForSequenceClassification, as a dictionary."""
    return {
        "activation": "gelu",
        "architectures": ["DistilBertForSequenceClassification"],
        "attention_dropout": 0.1,
        "dim": dim,
        "dropout": 0.1,
        "dtype": dtype,
        "hidden_dim": hidden,
        "id2label": {str(index): label for index, label in enumerate(labels)},
        "initializer_range": 0.02,
        "label2id": {label: index for index, label in enumerate(labels)},
        "max_position_embeddings": 512,
        "model_type": "distilbert",
        "n_heads": heads,
        "n_layers": layers,
        "pad_token_id": 0,
        "seq_classif_dropout": 0.2,
        "sinusoidal_pos_embds": False,
        "vocab_size": vocabulary,
    } | more


def tensor_shapes(config):
    """Name and shape of every tensor of the checkpoint; a linear layer's weight is [out, in]."""
    dim, hidden, labels = config["dim"], config["hidden_dim"], len(config["id2label"])

    def linear(name, outputs, inputs):
        return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}

    def layer_norm(name):
        return {f"{name}.weight": (dim,), f"{name}.bias": (dim,)}

    embeddings = "distilbert.embeddings"
    shapes = {
        f"{embeddings}.word_embeddings.weight": (config["vocab_size"], dim),
        f"{embeddings}.position_embeddings.weight": (config["max_position_embeddings"], dim),
    }
    shapes |= layer_norm(f"{embeddings}.LayerNorm")
    for index in range(config["n_layers"]):
        layer = f"distilbert.transformer.layer.{index}"
        for part in ("q_lin", "k_lin", "v_lin", "out_lin"):
            shapes |= linear(f"{layer}.attention.{part}", dim, dim)
        shapes |= layer_norm(f"{layer}.sa_layer_norm")
        shapes |= linear(f"{layer}.ffn.lin1", hidden, dim)
        shapes |= linear(f"{layer}.ffn.lin2", dim, hidden)
        shapes |= layer_norm(f"{layer}.output_layer_norm")
    return shapes | linear("pre_classifier", dim, dim) | linear("classifier", labels, dim)


def random_tensors(config, seed, weight, embedding, bias):
    """Normal weights (F32); the last three arguments are the standard deviations of each kind, LayerNorm's being `bias` too."""
    generator = np.random.default_rng(seed)
    tensors = {}
    for name, shape in tensor_shapes(config).items():
        values = generator.standard_normal(shape, dtype=np.float32)
        if "_embeddings." in name:
            tensors[name] = values * np.float32(embedding)
        elif len(shape) == 2:
            tensors[name] = values * np.float32(weight)
        else:
            centre = 1.0 if name.endswith(("layer_norm.weight", "LayerNorm.weight")) else 0.0
            tensors[name] = np.float32(centre) + values * np.float32(bias)
    return tensors


def write_json(path, value):
    """Writes indented ASCII JSON that ends with a newline."""
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="ascii")


def main():
    parser = argparse.ArgumentParser(description="Writes a random checkpoint of DistilBERT-base's size.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tokenizer", type=Path, default=REPOSITORY / "models/sentiment-en-1/tokenizer.json")
    arguments = parser.parse_args()

    config = make_config(768, 12, 6, 3072, 30522, ["NEGATIVE", "POSITIVE"])
    arguments.folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(arguments.tokenizer, arguments.folder / "tokenizer.json")
    write_json(arguments.folder / "config.json", config)
    tensors = random_tensors(config, SEED, weight=0.04, embedding=0.05, bias=0.02)
    save_file(tensors, arguments.folder / "model.safetensors", metadata={"format": "pt"})
    (arguments.folder / "model.safetensors").chmod(0o644)  # the library makes it readable only by its owner
    print(f"{sum(tensor.size for tensor in tensors.values())} parameters in {arguments.folder}")


if __name__ == "__main__":
    main()

"""Shared by the scripts that make goldens: the versions, the tiny vocabularies, exact decimals."""

import json
import platform
from pathlib import Path

import numpy as np
import tokenizers
import torch
import transformers

HERE = Path(__file__).resolve().parent
VERSIONS = {
    "python": platform.python_version(),
    "torch": torch.__version__.split("+")[0],
    "transformers": transformers.__version__,
    "tokenizers": tokenizers.__version__,
    "numpy": np.__version__,
}
PAD, UNK, CLS, SEP, MASK = range(5)  # in the tiny vocabularies


def floats(tensor):
    """The shortest decimals that read back as the same F32 values, flat."""
    values = tensor.detach().numpy().ravel()
    decimals = [float(str(value)) for value in values]
    assert (np.array(decimals, dtype=np.float32) == values).all()
    return decimals


def tiny_tokenizer(like, size):
    """The tokenizer `like` with a vocabulary of `size`: specials, characters, their continuations, then its first words."""
    letters, digits = "abcdefghijklmnopqrstuvwxyz", "0123456789"
    marks = [chr(code) for code in range(0x21, 0x7F) if not chr(code).isalnum()]
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *digits, *marks, *("##" + c for c in letters + digits)]
    ids_of = like["model"]["vocab"]
    words = (token for token in sorted(ids_of, key=ids_of.get) if token.removeprefix("##").isascii() and token.removeprefix("##").isalpha())
    known = set(tokens)
    tokens += [word for word in words if word not in known][: size - len(tokens)]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    assert len(vocabulary) == size and [vocabulary[token] for token in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")] == [PAD, UNK, CLS, SEP, MASK]

    tokenizer = json.loads(json.dumps(like))
    tokenizer["model"]["vocab"] = vocabulary
    for token in tokenizer["added_tokens"]:
        token["id"] = vocabulary[token["content"]]
    for name, special in tokenizer["post_processor"]["special_tokens"].items():
        special["ids"] = [vocabulary[name]]
    return tokenizer

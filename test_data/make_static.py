"""Makes static/, models of static embeddings, and goldens/static.json, the results of model2vec and
sentence-transformers for some texts.

Versions: model2vec 0.10.0, sentence-transformers 6.2.0, tokenizers 0.23.3, torch 2.15.0. Run it in this folder. The same versions give the same bytes.
"""
import json, shutil

import numpy as np
import torch
from model2vec import StaticModel
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer

from golden import HERE

OUT = HERE / "static"
# A part of a text, and how often it is repeated.
TEXTS = [("The film was good, and unbelievable!", 1), ("", 1), (" \t", 1), ("ΩΩ", 1), ("a Ω b [SEP] c [UNK]", 1), ("Café déjà-vu 12", 1), ("good ", 600), ("Ω a ", 400),
         ("unbelievable", 300), ("antidisestablishment word ", 150), ("a " * 511 + "Ω z z z", 1)]


def word_piece(truncation=None):
    """The tokenizer of tiny-f32; its special tokens must have no effect."""
    file = json.loads((HERE / "models" / "tiny-f32" / "tokenizer.json").read_text("utf-8"))
    return Tokenizer.from_str(json.dumps({**file, "truncation": truncation, "padding": None}))


def unigram():
    """The first tokens of tokenizer/unigram.json, and its single characters."""
    vocab = json.loads((HERE / "tokenizer" / "unigram.json").read_text("utf-8"))["vocab"]
    vocab = [piece for i, piece in enumerate(vocab) if i < 120 or len(piece[0]) == 1][:200]
    space = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    file = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None, "pre_tokenizer": space, "post_processor": None, "decoder": space,
            "model": {"type": "Unigram", "unk_id": 0, "vocab": vocab, "byte_fallback": False}}
    return Tokenizer.from_str(json.dumps(file))


def numbers(random, *shape):
    return random.normal(0, 0.5, shape).astype(np.float32)


def models():
    """Models by name; their folders are not written yet."""
    random = np.random.default_rng(16)
    words, pieces = word_piece(), unigram()
    v = words.get_vocab_size()
    # Like model2vec's own: `model_type` and what `distill` writes.
    config = {"model_type": "model2vec", "architectures": ["StaticModel"], "hidden_dim": 8, "seq_length": 1000000}
    yield "plain", StaticModel(numbers(random, v, 8), words, config=config, normalize=True)
    # 20 vectors shared by all tokens, with a weight for each token.
    mapping, weights = random.integers(0, 20, v).astype(np.int64), random.uniform(0.1, 2, v)
    yield "mapped", StaticModel(numbers(random, 20, 8).astype(np.float16), words, config=config, weights=weights, token_mapping=mapping, max_length=None)
    yield "weighted", StaticModel(numbers(random, v, 6), words, config=config, weights=weights.astype(np.float32), max_length=5)
    yield "int8", StaticModel(random.integers(-127, 128, (v, 8)).astype(np.int8), words, config=config)
    yield "unigram", StaticModel(numbers(random, pieces.get_vocab_size(), 4), pieces, config=config)
    for name, truncation in {"bag": None, "bag-cut": {"direction": "Right", "max_length": 12, "strategy": "LongestFirst", "stride": 0}}.items():
        yield name, StaticEmbedding(word_piece(truncation), embedding_weights=numbers(random, v, 8))


def case(model, text):
    """The ids that are averaged, and their mean."""
    if isinstance(model, StaticEmbedding):
        features = model.preprocess([text])
        return features["input_ids"].tolist(), model(features)["sentence_embedding"][0].tolist()
    seen, tokenize = [], model.tokenize
    model.tokenize = lambda sentences: seen.append(tokenize(sentences)) or seen[-1]
    vector = model.encode([text], normalize=False)[0]
    del model.tokenize
    return seen[0][0], vector.tolist()


def make():
    shutil.rmtree(OUT, ignore_errors=True)
    goldens = []
    for name, model in models():
        folder = OUT / name
        if isinstance(model, StaticEmbedding):
            SentenceTransformer(modules=[model], device="cpu").save(str(folder), create_model_card=False)
        else:
            model.save_pretrained(folder)
            (folder / "README.md").unlink()
            # Sums of the file's numbers in F32, as in the engine.
            model.embedding = model.embedding.astype(np.float32)
        # The others have the same tokenizer as plain.
        if name not in ("plain", "unigram", "bag", "bag-cut"):
            (folder / "tokenizer.json").unlink()
        cases = [case(model, part * times) for part, times in TEXTS]
        goldens.append({"name": name, "cases": [{"ids": ids, "vector": [float(f"{x:.9g}") for x in vector]} for ids, vector in cases]})
    file = {"texts": TEXTS, "models": goldens}
    (HERE / "goldens" / "static.json").write_text(json.dumps(file, separators=(",", ":")) + "\n", encoding="ascii")


if __name__ == "__main__":
    with torch.no_grad():
        make()

"""Random models of every architecture, so small that many ONNX files of them can be committed.

`models/mini-*` and `goldens/mini-*.json` are like those of encoders.py, with texts of at most 30 tokens.
"""

import json

from transformers import (
    BertConfig,
    CamembertConfig,
    Data2VecTextConfig,
    DistilBertConfig,
    ElectraConfig,
    MPNetConfig,
    RobertaConfig,
    XLMRobertaConfig,
)

from encoders import make_encoder, sizes
from golden import HERE

LENGTHS = (1, 2, 3, 7, 8, 9, 16, 30)
BATCHES = ([0, 1], [4, 0, 7], [6, 3, 1], list(range(len(LENGTHS))))
VOCABULARY = 113
TOKENS = 30
EPSILON = {"layer_norm_eps": 1e-5}


def size(labels, layers=1, tokens=TOKENS, **more):
    return sizes(VOCABULARY, 16, 2, layers, 28, labels, max_position_embeddings=tokens, **more)


def of_roberta(labels, **more):
    """Sizes for RoBERTa's relatives, whose positions start after the padding id."""
    return size(labels, tokens=TOKENS + 2, type_vocab_size=1, **EPSILON, **more)


def repeat(state):
    """Makes some tensors equal, of which exporters keep one."""
    layers = [f"roberta.encoder.layer.{index}" for index in range(2)]
    state[f"{layers[1]}.output.LayerNorm.weight"] = state[f"{layers[0]}.output.LayerNorm.weight"].clone()
    for layer in layers:
        state[f"{layer}.attention.self.key.bias"].zero_()


DISTILBERT = dict(
    vocab_size=VOCABULARY, dim=32, hidden_dim=64, n_heads=2, n_layers=1, max_position_embeddings=TOKENS,
    id2label={0: "NEGATIVE", 1: "POSITIVE"}, label2id={"NEGATIVE": 0, "POSITIVE": 1},
)
# DistilBERT's rows are whole blocks of 32 numbers; the others' rows end within a block.
MINIS = {
    "mini-distilbert": dict(seed=31, config=DistilBertConfig(**DISTILBERT)),
    "mini-bert": dict(seed=32, types=True, config=BertConfig(**size(["a", "b", "c"]))),
    "mini-bert-tanh": dict(seed=33, types=True, config=BertConfig(
        **size(["a", "b"]), hidden_act="gelu_pytorch_tanh",
    )),
    "mini-roberta": dict(seed=34, config=RobertaConfig(**of_roberta(["a", "b"], layers=2)), change=repeat),
    "mini-xlm-roberta": dict(seed=35, config=XLMRobertaConfig(**of_roberta(["a", "b"]))),
    "mini-camembert": dict(seed=36, config=CamembertConfig(**of_roberta(["a", "b"]))),
    "mini-electra": dict(seed=37, types=True, config=ElectraConfig(
        **size(["a", "b"]), embedding_size=12, hidden_act="gelu_new",
    )),
    "mini-mpnet": dict(seed=38, config=MPNetConfig(**size(["a", "b", "c"], tokens=TOKENS + 2, **EPSILON))),
    "mini-data2vec-text": dict(seed=39, config=Data2VecTextConfig(**of_roberta(["a", "b"]))),
}


def make_minis(names=MINIS):
    tokenizer = HERE.parent / "models" / "sentiment-en" / "tokenizer.json"
    tokenizer = json.loads(tokenizer.read_text(encoding="utf-8"))
    for name in names:
        make_encoder(name, tokenizer=tokenizer, lengths=LENGTHS, batches=BATCHES, inner=False, **MINIS[name])

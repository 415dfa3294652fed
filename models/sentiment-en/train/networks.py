"""The encoders: the teacher (MPNet) and the student (MiniLM as a DistilBERT), with heads for three labels."""

import json
from pathlib import Path

import corpus
import numpy as np
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import (
    DistilBertConfig,
    DistilBertForSequenceClassification,
    MPNetConfig,
    MPNetForSequenceClassification,
)

LABELS = [label.upper() for label in corpus.LABELS]
NAMES = {"id2label": dict(enumerate(LABELS)), "label2id": {name: i for i, name in enumerate(LABELS)}}


def encode(tokenizer: Tokenizer, texts: list[str], max_tokens: int) -> list[list[int]]:
    """Token ids of each text with its special tokens, cut to `max_tokens`."""
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    encoded = tokenizer.encode_batch_fast(texts)
    return [one.ids for one in encoded]


def padded(ids: list[list[int]], pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(ids, mask) of shape (B, T), where T is the longest length."""
    longest = max(map(len, ids))
    tokens = torch.full((len(ids), longest), pad)
    mask = torch.zeros((len(ids), longest), dtype=torch.long)
    for row, one in enumerate(ids):
        tokens[row, : len(one)] = torch.tensor(one)
        mask[row, : len(one)] = 1
    return tokens, mask


def logits_of_rows(
    model: torch.nn.Module, ids: list[list[int]], rows: list[int], device: torch.device
) -> torch.Tensor:
    """(rows, labels) of one batch."""
    tokens, mask = padded([ids[row] for row in rows], model.config.pad_token_id)
    return model(input_ids=tokens.to(device), attention_mask=mask.to(device)).logits


@torch.inference_mode()
def logits_of(
    model: torch.nn.Module, tokenizer: Tokenizer, texts: list[str], max_tokens: int, batch_tokens: int
) -> np.ndarray:
    """(texts, labels) f32"""
    device = next(model.parameters()).device
    ids = encode(tokenizer, texts, max_tokens)
    out = np.zeros((len(texts), len(LABELS)), np.float32)
    for rows in corpus.batches([len(one) for one in ids], batch_tokens, seed=0):
        out[rows] = logits_of_rows(model, ids, rows, device).float().cpu().numpy()
    return out


def teacher(folder: Path) -> tuple[MPNetForSequenceClassification, Tokenizer]:
    """all-mpnet-base-v2 with a new head.

    There is no dropout (drawing it takes a seventh of a step on a CPU, and one epoch doesn't overfit), and
    the embeddings and the first two layers are frozen.
    """
    said = json.loads((folder / "config.json").read_text())
    config = MPNetConfig(**(said | NAMES | {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}))
    model = MPNetForSequenceClassification(config)
    weights = load_file(folder / "model.safetensors")
    missing, unexpected = model.mpnet.load_state_dict(weights, strict=False)
    assert not missing, missing
    assert all("pooler" in name or "position_ids" in name for name in unexpected), unexpected
    for part in (model.mpnet.embeddings, *model.mpnet.encoder.layer[:2]):
        part.requires_grad_(False)
    return model, Tokenizer.from_file(str(folder / "tokenizer.json"))


# BERT's names for the parts that DistilBERT has, too
RENAMED = [
    ("encoder.layer.", "transformer.layer."),
    ("attention.self.query", "attention.q_lin"),
    ("attention.self.key", "attention.k_lin"),
    ("attention.self.value", "attention.v_lin"),
    ("attention.output.dense", "attention.out_lin"),
    ("attention.output.LayerNorm", "sa_layer_norm"),
    ("intermediate.dense", "ffn.lin1"),
    ("output.dense", "ffn.lin2"),
    ("output.LayerNorm", "output_layer_norm"),
]


def student(folder: Path) -> tuple[DistilBertForSequenceClassification, Tokenizer]:
    """all-MiniLM-L6-v2 as a DistilBERT with a new head: the first token type's row is added to the positions."""
    said = json.loads((folder / "config.json").read_text())
    config = DistilBertConfig(
        architectures=["DistilBertForSequenceClassification"],
        vocab_size=said["vocab_size"],
        max_position_embeddings=said["max_position_embeddings"],
        dim=said["hidden_size"],
        n_layers=said["num_hidden_layers"],
        n_heads=said["num_attention_heads"],
        hidden_dim=said["intermediate_size"],
        **NAMES,
        **NO_DROPOUT,
    )
    model = DistilBertForSequenceClassification(config)
    weights = load_file(folder / "model.safetensors")
    types = weights.pop("embeddings.token_type_embeddings.weight")
    weights["embeddings.position_embeddings.weight"] += types[0]
    renamed = {}
    for name, tensor in weights.items():
        for old, new in RENAMED:
            name = name.replace(old, new)
        renamed[name] = tensor
    missing, unexpected = model.distilbert.load_state_dict(renamed, strict=False)
    assert not missing, missing
    assert all("pooler" in name or "position_ids" in name for name in unexpected), unexpected
    return model, Tokenizer.from_file(str(folder / "tokenizer.json"))


NO_DROPOUT = {"dropout": 0.0, "attention_dropout": 0.0, "seq_classif_dropout": 0.0}


def distilbert(folder: Path) -> tuple[DistilBertForSequenceClassification, Tokenizer]:
    """The model of a folder, in f32."""
    said = json.loads((folder / "config.json").read_text())
    model = DistilBertForSequenceClassification(DistilBertConfig(**(said | NO_DROPOUT)))
    # On a CPU the backward pass of PyTorch's fused attention takes half of a step: 0.91 instead of 0.51 s.
    model.set_attn_implementation("eager")
    model.load_state_dict({name: tensor.float() for name, tensor in load_file(folder / "model.safetensors").items()})
    return model, Tokenizer.from_file(str(folder / "tokenizer.json"))

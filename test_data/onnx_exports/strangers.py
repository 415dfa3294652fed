"""Graphs that must be refused: another architecture, and a head that isn't the architecture's."""

import torch
from transformers import AlbertConfig, AutoModelForSequenceClassification

from encoders import random_state, sizes
from exporters import traced


def with_deeper_head(model):
    """The same classifier with one more layer at its end, as people add who fine-tune with a head of their own."""
    head = model.classifier
    last = head if isinstance(head, torch.nn.Linear) else head.out_proj
    deeper = torch.nn.Sequential(last, torch.nn.ReLU(), torch.nn.Linear(last.out_features, last.out_features))
    if head is last:
        model.classifier = deeper
    else:
        head.out_proj = deeper
    try:
        return traced(model)
    finally:
        if head is last:
            model.classifier = head
        else:
            head.out_proj = last


def albert():
    """An encoder whose layers share their weights."""
    config = AlbertConfig(**sizes(113, 16, 2, 1, 28, ["a", "b"]), embedding_size=8, max_position_embeddings=30)
    config._attn_implementation = "eager"
    model = AutoModelForSequenceClassification.from_config(config).eval()
    model.load_state_dict(random_state(model, 51))
    return traced(model)

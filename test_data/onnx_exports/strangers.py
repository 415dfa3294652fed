"""Graphs that must be refused: another architecture, and a head that isn't the architecture's."""

import torch
from transformers import AlbertConfig, AutoModelForSequenceClassification

from encoders import random_state
from exporters import traced
from minis import size


def with_deeper_head(model):
    """The same classifier with one more layer at its end, as if somebody had trained their own head."""
    head = model.classifier
    torch.manual_seed(52)
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
    config = AlbertConfig(**size(["a", "b"]), embedding_size=8)
    config._attn_implementation = "eager"
    model = AutoModelForSequenceClassification.from_config(config).eval()
    model.load_state_dict(random_state(model, 51))
    return traced(model)

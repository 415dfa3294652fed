"""Training for int4: the forward pass uses rounded matrices and tables, gradients pass as if they weren't
rounded (Bengio et al. 2013's straight-through estimator), and the same rule rounds the file in the end.

A group of 32 columns shares a scale; the weight of the largest magnitude becomes -8 (so a scale may be negative), which
uses all sixteen values. The scale is rounded to half precision, as the file stores it. Activations that enter a matrix
are rounded to int8 with a scale per row, as in the package's fastest kernel.
"""

import torch
from torch.nn.functional import embedding, linear

GROUP = 32


class Rounded(torch.autograd.Function):
    """w → w rounded to int4; the gradient passes unchanged."""

    @staticmethod
    def forward(_, weights: torch.Tensor) -> torch.Tensor:
        q, scale = to_int4(weights)
        return (q * scale).reshape(weights.shape).to(weights.dtype)

    @staticmethod
    def backward(_, gradient: torch.Tensor) -> torch.Tensor:
        return gradient


class RoundedRows(torch.autograd.Function):
    """x (…, K) → x rounded to int8 with a scale per row; the gradient passes unchanged."""

    @staticmethod
    def forward(_, x: torch.Tensor) -> torch.Tensor:
        scale = x.abs().amax(dim=-1, keepdim=True).float().clamp_min(1e-8) / 127
        return ((x / scale).round_() * scale).to(x.dtype)

    @staticmethod
    def backward(_, gradient: torch.Tensor) -> torch.Tensor:
        return gradient


def to_int4(weights: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(q, scale): integers from -8 to 7 (…, groups, 32), and f32 (…, groups, 1), exact in half precision."""
    groups = weights.detach().float().unflatten(-1, (-1, GROUP))
    largest = groups.gather(-1, groups.abs().argmax(dim=-1, keepdim=True))
    scale = (largest / -8).half().float()
    scale = torch.where(scale == 0, 1.0, scale)
    return (groups / scale).round_().clamp_(-8, 7), scale


class Linear(torch.nn.Linear):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return linear(RoundedRows.apply(x), Rounded.apply(self.weight), self.bias)


class Table(torch.nn.Embedding):
    """Rows are rounded as they are gathered: unused rows take no time."""

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return Rounded.apply(embedding(ids, self.weight))


def bears_int4(name: str) -> bool:
    """The encoder's matrices and the table of words; the rest is small: int8 (matrices, positions) or f32."""
    return name.endswith(("word_embeddings", "q_lin", "k_lin", "v_lin", "out_lin", "lin1", "lin2"))


def prepare(model: torch.nn.Module) -> None:
    """Makes the modules that become int4 compute with rounded weights, in place."""
    for name, module in model.named_modules():
        if bears_int4(name):
            module.__class__ = Table if isinstance(module, torch.nn.Embedding) else Linear


@torch.no_grad()
def settle(model: torch.nn.Module) -> None:
    """Rounds the weights to int4, in place. Rounding them again doesn't change them."""
    for name, module in model.named_modules():
        if bears_int4(name):
            module.weight.copy_(Rounded.apply(module.weight))

"""What the networks learn from: labels that may be no evidence against neutral, and a teacher's logits."""

import corpus
import torch
from corpus import NEGATIVE, POSITIVE, UNLABELLED
from torch.nn.functional import kl_div, log_softmax


class Labels:
    """Labels of sentences, as tensors (sentences). `sst2`: how strongly SST-2's count against neutral."""

    def __init__(self, sentences: list[corpus.Sentence], sst2: float) -> None:
        shares = corpus.TWO_CHOICES | {"sst2": sst2}
        self.labels = torch.tensor([one.label for one in sentences])
        self.against_neutral = torch.tensor([shares.get(one.source, 1.0) for one in sentences])
        self.trust = torch.tensor([one.trust for one in sentences])

    def loss(self, logits: torch.Tensor, rows: list[int], smoothing: float) -> torch.Tensor:
        """`of_labels` for the sentences `rows`."""
        picked = (tensor[rows].to(logits.device) for tensor in (self.labels, self.against_neutral, self.trust))
        return of_labels(logits, *picked, smoothing=smoothing)


def of_labels(
    logits: torch.Tensor,
    labels: torch.Tensor,
    against_neutral: torch.Tensor,
    trust: torch.Tensor,
    smoothing: float,
) -> torch.Tensor:
    """Cross-entropy of each sentence (B), 0 if it has no label.

    For a label that doesn't count against neutral (`against_neutral` 0), only the choice between negative and
    positive counts: softmax over these two logits.
    """
    labelled = labels != UNLABELLED
    target = labels.clamp_min(0)

    def cross_entropy(scores: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        scores = log_softmax(scores.float(), dim=-1)
        chosen = scores.gather(1, index[:, None])[:, 0]
        return -((1 - smoothing) * chosen + smoothing * scores.mean(dim=-1))

    three = cross_entropy(logits, target)
    two = cross_entropy(logits[:, [NEGATIVE, POSITIVE]], (target == POSITIVE).long())
    share = torch.where((target == NEGATIVE) | (target == POSITIVE), against_neutral, 1.0)
    return torch.where(labelled, trust * (share * three + (1 - share) * two), 0.0)


def of_teacher(logits: torch.Tensor, teacher: torch.Tensor, temperature: float) -> torch.Tensor:
    """Divergence of each sentence (B) from the teacher's scores, both at `temperature` (Hinton et al. 2015)."""
    student = log_softmax(logits.float() / temperature, dim=-1)
    target = log_softmax(teacher.float() / temperature, dim=-1)
    return kl_div(student, target, reduction="none", log_target=True).sum(dim=-1) * temperature**2

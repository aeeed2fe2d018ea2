"""Samples as padded tensors, in small batches of like length, and what a model makes of them where the agent decided."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel

from clinsim.training.samples import Sample


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """B samples of T tokens at most, with K decisions at most.

    `tokens`, `attention` (B, T); `before` the position before each decision, `targets` the token decided, `mask` where there is one, `sampled` its
    log-probability then (B, K); `allowed` what the grammar left open (B, K, vocabulary), None without one. `rows` says which samples these are.
    """

    rows: tuple[int, ...]
    tokens: Tensor
    attention: Tensor
    before: Tensor
    targets: Tensor
    mask: Tensor
    sampled: Tensor
    allowed: Tensor | None


def batches(samples: Sequence[Sample], most_tokens: int = 8192) -> Iterator[Batch]:
    """Cut samples into batches of at most `most_tokens` tokens, padding included, the shortest first."""
    order = sorted(range(len(samples)), key=lambda k: (len(samples[k].tokens), k))
    start = 0
    while start < len(order):
        end = start + 1
        while end < len(order) and (end - start + 1) * len(samples[order[end]].tokens) <= most_tokens:
            end += 1
        yield collated([samples[k] for k in order[start:end]], tuple(order[start:end]))
        start = end


def collated(samples: Sequence[Sample], rows: tuple[int, ...]) -> Batch:
    """One batch of samples, padded on the right."""
    width, most = max(len(sample.tokens) for sample in samples), max(len(sample.decided) for sample in samples)
    tokens, attention = torch.zeros(len(samples), width, dtype=torch.long), torch.zeros(len(samples), width, dtype=torch.long)
    before, targets = torch.zeros(len(samples), most, dtype=torch.long), torch.zeros(len(samples), most, dtype=torch.long)
    mask, sampled = torch.zeros(len(samples), most), torch.zeros(len(samples), most)
    for row, sample in enumerate(samples):
        n, k = len(sample.tokens), len(sample.decided)
        tokens[row, :n] = torch.tensor(sample.tokens)
        attention[row, :n] = 1
        before[row, :k] = torch.tensor(sample.decided, dtype=torch.long) - 1
        targets[row, :k] = torch.tensor([sample.tokens[place] for place in sample.decided], dtype=torch.long)
        mask[row, :k] = 1.0
        sampled[row, :k] = torch.tensor(sample.logps)
    return Batch(rows, tokens, attention, before, targets, mask, sampled, _allowed(samples, most))


def _allowed(samples: Sequence[Sample], most: int) -> Tensor | None:
    """What was open at each decision; where there is none, everything."""
    widths = {sample.allowed.shape[1] for sample in samples if sample.allowed is not None}
    if not widths:
        return None
    allowed = torch.ones(len(samples), most, widths.pop(), dtype=torch.bool)
    for row, sample in enumerate(samples):
        if sample.allowed is not None:
            allowed[row, : len(sample.decided)] = torch.from_numpy(sample.allowed)
    return allowed


def decided_logps(model: PreTrainedModel, batch: Batch) -> tuple[Tensor, Tensor]:
    """Log-probability of each decided token among those that were allowed, and the entropy there (nats): two of (B, K).

    The vocabulary is scored where the agent decided, and nowhere else.
    """
    hidden = model.model(batch.tokens, attention_mask=batch.attention).last_hidden_state
    rows = torch.arange(len(batch.rows)).unsqueeze(1)
    logits = model.lm_head(hidden[rows, batch.before]).float()
    if batch.allowed is not None:
        logits = logits.masked_fill(~batch.allowed, -torch.inf)
    spread = logits.log_softmax(-1)
    chosen = spread.gather(-1, batch.targets.unsqueeze(-1)).squeeze(-1)
    entropy = -(spread.exp() * spread.masked_fill(spread == -torch.inf, 0.0)).sum(-1)
    # A padded place may hold a token that is not allowed: it does not count, and must not spread infinities.
    return torch.where(batch.mask > 0, chosen, 0.0), torch.where(batch.mask > 0, entropy, 0.0)

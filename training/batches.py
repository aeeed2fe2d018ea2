"""Samples as padded tensors, in small batches of like length, and what a model makes of them where the agent decided.

Turns of one conversation, each of which goes on from the tokens of the one before, are read as one row: nothing is read twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel

from clinsim.training.samples import Sample


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """B conversations of T tokens at most, with K decisions at most.

    `tokens` (B, T); for each decision (B, K) `rows` the sample that it belongs to, `before` the position before it, `targets` the token decided,
    `mask` 1 where there is one, `sampled` its log-probability then; `allowed` the tokens that the grammar left open (B, K, tokens, the first of them
    repeated), None without a grammar.
    """

    tokens: Tensor
    rows: Tensor
    before: Tensor
    targets: Tensor
    mask: Tensor
    sampled: Tensor
    allowed: Tensor | None

    def to(self, device: torch.device) -> Batch:
        """The same batch on a device."""
        allowed = None if self.allowed is None else self.allowed.to(device)
        parts = (self.tokens, self.rows, self.before, self.targets, self.mask, self.sampled)
        tokens, rows, before, targets, mask, sampled = (part.to(device) for part in parts)
        return Batch(tokens, rows, before, targets, mask, sampled, allowed)


def conversations(samples: Sequence[Sample]) -> list[list[int]]:
    """Which samples are one conversation: places of those whose tokens go on from the sample before, of the same agent and episode."""
    found: list[list[int]] = []
    latest: dict[tuple[int, str], list[int]] = {}
    for place, sample in enumerate(samples):
        talk = latest.get((sample.episode, sample.agent))
        before = samples[talk[-1]].tokens if talk else ()
        if talk and sample.tokens[: len(before)] == before:
            talk.append(place)
        else:
            found.append([place])
            latest[sample.episode, sample.agent] = found[-1]
    return found


def batches(samples: Sequence[Sample], most_tokens: int = 8192) -> Iterator[Batch]:
    """Cut samples into batches of at most `most_tokens` tokens, padding included, the shortest conversations first."""
    talks = conversations(samples)
    width = [len(samples[talk[-1]].tokens) for talk in talks]
    order = sorted(range(len(talks)), key=lambda k: (width[k], k))
    start = 0
    while start < len(order):
        end = start + 1
        while end < len(order) and (end - start + 1) * width[order[end]] <= most_tokens:
            end += 1
        yield collated(samples, [talks[k] for k in order[start:end]])
        start = end


def collated(samples: Sequence[Sample], talks: Sequence[Sequence[int]]) -> Batch:
    """One batch of conversations, padded on the right."""
    tokens = _padded([samples[talk[-1]].tokens for talk in talks])
    rows = _padded([[place for place in talk for _ in samples[place].decided] for talk in talks])
    decided = [[place for k in talk for place in samples[k].decided] for talk in talks]
    sampled = _padded([[logp for k in talk for logp in samples[k].logps] for talk in talks], torch.float32)
    mask = _padded([[1.0] * len(places) for places in decided], torch.float32)
    before = _padded([[place - 1 for place in places] for places in decided])
    targets = torch.where(mask > 0, tokens.gather(1, before + 1), 0)
    return Batch(tokens, rows, before, targets, mask, sampled, _allowed(samples, talks, mask.shape[1]))


def _padded(rows: Sequence[Sequence[float]], dtype: torch.dtype = torch.long) -> Tensor:
    width = max(map(len, rows))
    return torch.tensor([[*row, *[0] * (width - len(row))] for row in rows], dtype=dtype)


def _allowed(samples: Sequence[Sample], talks: Sequence[Sequence[int]], most: int) -> Tensor | None:
    """What was open at each decision; None if nothing constrained any of these."""
    if any(samples[talk[0]].allowed is None for talk in talks):
        return None
    rows = [[tokens for k in talk for tokens in samples[k].allowed or ()] for talk in talks]
    widest = max((len(tokens) for row in rows for tokens in row), default=1)
    padded = [[[*tokens, *[tokens[0]] * (widest - len(tokens))] for tokens in row] for row in rows]
    return torch.tensor([[*row, *[[0] * widest] * (most - len(row))] for row in padded], dtype=torch.long)


def decided_logps(model: PreTrainedModel, batch: Batch) -> tuple[Tensor, Tensor]:
    """Log-probability of each decided token among those that were allowed, and the entropy there (nats): two of (B, K).

    The vocabulary is scored where the agent decided, and nowhere else. Padding lies behind the end of a row, where no token of the row looks.
    """
    hidden = model.model(batch.tokens, use_cache=False).last_hidden_state
    logits = model.lm_head(hidden[torch.arange(len(hidden), device=hidden.device).unsqueeze(1), batch.before]).float()
    if batch.allowed is not None:
        closed = torch.ones_like(logits, dtype=torch.bool).scatter_(2, batch.allowed, False)
        logits = logits.masked_fill(closed, -torch.inf)
    spread = logits.log_softmax(-1)
    chosen = spread.gather(-1, batch.targets.unsqueeze(-1)).squeeze(-1)
    entropy = -(spread.exp() * spread.masked_fill(spread == -torch.inf, 0.0)).sum(-1)
    # A padded place may hold a token that is not allowed: it does not count, and must not spread infinities.
    return torch.where(batch.mask > 0, chosen, 0.0), torch.where(batch.mask > 0, entropy, 0.0)

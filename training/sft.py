"""Supervised training on what experts did: the likelihood of the tokens that were theirs to choose, nothing else.

    for step in fitted(engine.model, samples, FitRule(passes=3)): ...

What the grammar forced, and what the environment wrote, is read and not learnt (assistant-only loss). One pass takes the samples in batches of like
length, in an order drawn from the seed. Yields a `FitStep` after each update, so that whoever calls may look, save, or stop.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from clinsim.training.batches import Batch, batches, decided_logps
from clinsim.training.loss import masked_mean
from clinsim.training.optimiser import Kind, Optimiser, made, set_rate
from clinsim.training.samples import Sample

Score = Callable[[PreTrainedModel, Batch], tuple[Tensor, Tensor]]
"""Log-probabilities and entropies of a batch, as `decided_logps` says them."""


@dataclass(frozen=True, slots=True)
class FitRule:
    """How to fit: passes over the data, peak learning rate (linear warm-up, then down to 0), tokens of a batch, and the seed of the order."""

    passes: int = 3
    learning_rate: float = 3e-3
    warm_up: int = 20
    batch_tokens: int = 4096
    optimiser: Kind = "muon"
    most_norm: float = 1.0
    weight_decay: float = 0.01
    seed: int = 0


@dataclass(frozen=True, slots=True)
class FitStep:
    """One update: `loss` in nats per decided token, before it."""

    step: int
    steps: int
    loss: float


def fitted(model: PreTrainedModel, samples: Sequence[Sample], rule: FitRule, score: Score = decided_logps) -> Iterator[FitStep]:
    """Fit what can be trained of a model to samples (an adapter on a frozen model, or all), one update after the other.

    Raises:
        FloatingPointError: The loss is no number any more.
    """
    cut = list(batches(samples, rule.batch_tokens))
    steps = rule.passes * len(cut)
    free = [(name, weights) for name, weights in model.named_parameters() if weights.requires_grad]
    optimiser = made(free, rule.optimiser, rule.learning_rate, rule.weight_decay)
    order = np.random.default_rng(rule.seed)
    model.train()
    for step in range(steps):
        if step % len(cut) == 0:
            turns = order.permutation(len(cut))
        set_rate(optimiser, rule.learning_rate * min(1.0, (step + 1) / rule.warm_up) * (1.0 - step / steps))
        yield FitStep(step, steps, _update(model, cut[turns[step % len(cut)]], optimiser, rule, score))
    model.train(False)


def _update(model: PreTrainedModel, batch: Batch, optimiser: Optimiser, rule: FitRule, score: Score) -> float:
    here = batch.to(model.device)
    logps, _ = score(model, here)
    loss = -masked_mean(logps, here.mask)
    if not math.isfinite(loss.item()):
        raise FloatingPointError("the loss is no number any more: lower the learning rate")
    optimiser.zero_grad()
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(model.parameters(), rule.most_norm)
    optimiser.step()
    return loss.item()


@torch.inference_mode()
def likelihood(model: PreTrainedModel, samples: Sequence[Sample], batch_tokens: int = 8192) -> float:
    """Nats per decided token: the loss on samples that need not be those it was fitted to."""
    total = counted = 0.0
    for batch in batches(samples, batch_tokens):
        logps, _ = decided_logps(model, batch)
        total -= float((logps * batch.mask).sum())
        counted += float(batch.mask.sum())
    return total / max(counted, 1.0)

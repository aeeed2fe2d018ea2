"""Demonstrations beside one's own episodes: an expert plays training seeds of its own, and what it did becomes likelier.

The weight of that falls to 0 over a run: a policy is led to where its own rewards can teach it, and then taught by nothing else (compare 2504.14945).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from clinsim.agents.cast import Cast
from clinsim.agents.decoding import Engine
from clinsim.processes import shared_out
from clinsim.referee import TRAINING_SEEDS
from clinsim.training.batches import batches, conversations, decided_logps
from clinsim.training.experts import Shown, expert_turns, lessons, seats_of
from clinsim.training.loss import masked_mean
from clinsim.training.samples import Sample
from clinsim.training.settings import GrpoSettings


def demonstration_seeds(settings: GrpoSettings, step: int) -> list[int]:
    """The training seeds on which the expert plays in a step: from the far end of the order in which the run takes them."""
    order = np.random.default_rng(settings.seed).permutation(TRAINING_SEEDS)[::-1]
    first = step * settings.demonstrations
    return [int(order[(first + k) % TRAINING_SEEDS]) for k in range(settings.demonstrations)]


def weight_at(settings: GrpoSettings, step: int) -> float:
    """Weight of the demonstrations in a step."""
    return settings.imitation * max(0.0, 1.0 - step / (settings.imitated_until * settings.steps)) if settings.demonstrations else 0.0


def demonstrated(cast: Cast, settings: GrpoSettings, step: int) -> list[Sample]:
    """What the expert did in a step, as each role's model would have written it."""
    if not weight_at(settings, step):
        return []
    processes = settings.processes if isinstance(settings.processes, int) else 1
    parts = [part.tolist() for part in np.array_split(demonstration_seeds(settings, step), processes)]
    shown = [turn for played in shared_out(_played, [(settings, part) for part in parts], processes=processes) for turn in played]
    seats = seats_of(settings.scenario)
    engines = {role: cast.engines[voice.base] for role, voice in cast.voices.items()}
    return [sample for role, engine in engines.items() for sample in lessons(engine, (turn for turn in shown if turn.role == role), seats)]


def _played(job: tuple[GrpoSettings, Sequence[int]]) -> list[Shown]:
    settings, seeds = job
    return list(expert_turns(settings.scenario, seeds, settings.expert))


def in_parts(samples: Sequence[Sample], parts: int) -> list[list[Sample]]:
    """Samples in so many parts, whole conversations in each."""
    talks = conversations(samples)
    return [[samples[place] for talk in part for place in talk] for part in (talks[first::parts] for first in range(parts))]


def towards(engine: Engine, samples: Sequence[Sample], weight: float, batch_tokens: int) -> float:
    """Add the gradient of `weight` times the loss on what an expert did (nats per decided token), and say what that loss is."""
    total, loss = sum(len(sample.decided) for sample in samples), 0.0
    for batch in batches(samples, batch_tokens):
        logps, _ = decided_logps(engine.model, batch)
        part = -masked_mean(logps, batch.mask) * (float(batch.mask.sum()) / total)
        torch.autograd.backward(part * weight)
        loss += part.item()
    return loss

"""Supervised training on what experts did: the likelihood of the tokens that were theirs to choose, nothing else.

    for step in fitted(engine.model, samples, FitRule(passes=3)): ...

What the grammar forced, and what the environment wrote, is read and not learnt (assistant-only loss). One pass takes the samples in batches of like
length, in an order drawn from the seed. Yields a `FitStep` after each update, so that whoever calls may look, save, or stop.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from clinsim.agents.cast import Cast
from clinsim.agents.decoding import Engine
from clinsim.agents.local import model_in
from clinsim.errors import UsageError
from clinsim.processes import workers
from clinsim.record import ROLES
from clinsim.referee import TRAINING_SEEDS
from clinsim.training.batches import Batch, batches, decided_logps
from clinsim.training.course import Tell
from clinsim.training.experts import Shown, lessons, played_by_expert, seats_of
from clinsim.training.learners import with_adapter
from clinsim.training.loss import masked_mean
from clinsim.training.model import Shape, fresh_engine, halve, sharpen
from clinsim.training.optimiser import Kind, Optimiser, made, set_rate
from clinsim.training.run import BEST, RunFolder
from clinsim.training.samples import Sample
from clinsim.training.settings import RunSettings, SftSettings

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
        FloatingPointError: Loss or weights are no numbers any more.
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
    if not all(bool(weights.isfinite().all()) for _, weights in free):
        raise FloatingPointError("the weights are no numbers any more: lower the learning rate")
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


# ---------------------------------------------------------------- the recipe

LESSONS = 1
"""Of a run's seed: the draw of lessons, apart from other draws."""


def run_sft(settings: SftSettings, out: Path, resume: bool, tell: Tell) -> None:
    """Teach a model what experts did on training seeds. A fresh model has the vocabulary of these experts.

    It takes minutes, so nothing is kept on the way: gone on with, it is taught again from the beginning, to the same numbers.

    Raises:
        UsageError: The folder holds another run.
    """
    if settings.rank and settings.start == "fresh":
        raise UsageError("rank: an adapter needs a start that was taught; fresh weights are fitted whole (rank=0)")
    folder = lessons_begun(settings, out, resume)
    if folder is None:
        return
    shown = shown_for(settings)
    seats = seats_of(settings.scenario)
    shape = Shape(settings.vocabulary, settings.hidden, settings.layers, settings.heads)
    engine = fresh_engine(shown, seats, shape, settings.seed) if settings.start == "fresh" else Engine.load(model_in(Path(settings.start)))
    engine.grammar = settings.grammar
    models = with_adapter(engine, settings.lora, settings.seed) if settings.rank else Cast.shared(engine)
    teaching = frozenset(lesson_seeds(settings, settings.taught))
    samples = list(lessons(engine, (turn for turn in shown if not teaching or turn.seed in teaching), seats))
    rule = FitRule(settings.passes, settings.learning_rate, batch_tokens=settings.batch_tokens, optimiser=settings.optimiser, seed=settings.seed)
    told(fitted(engine.model, samples, rule), folder, tell)
    if settings.temperature < 1.0:
        sharpen(engine, settings.temperature)
    if settings.half:
        halve(engine)
    folder.keep_best(models)


def lessons_begun(settings: RunSettings, out: Path, resume: bool) -> RunFolder | None:
    """The folder of lessons that begin, or begin anew: nothing is kept on the way; None if they have been given.

    Raises:
        UsageError: The folder holds another run.
    """
    taught = (out / BEST).exists()
    folder = RunFolder.opened(out, settings.model_dump(mode="json"), resume=resume, may_change=() if taught else settings.may_change)
    if taught:
        return None
    folder.begun_anew()
    torch.set_num_threads(settings.threads or workers())
    return folder


def told(steps: Iterable[FitStep], folder: RunFolder, tell: Tell) -> None:
    """Fit to the end, and write and tell each step."""
    for step in steps:
        row = {"step": step.step, "loss": step.loss}
        folder.add(row)
        tell(row)


def shown_for(settings: SftSettings) -> list[Shown]:
    """The turns that an expert shows: of all roles in the first episodes, of some in more."""
    counts = {role: settings.episodes + settings.more.get(role, 0) for role in settings.roles or ROLES}
    seeds = lesson_seeds(settings, max(counts.values()))
    taking = {role: frozenset(seeds[:count]) for role, count in counts.items()}
    played = played_by_expert(settings.scenario, seeds, settings.expert, settings.processes)
    shown = [turn for turn in played if turn.seed in taking.get(turn.role, ())]
    middle = sorted(turn.reward for turn in shown)[len(shown) // 2] if settings.keep == "better_half" else -math.inf
    return [turn for turn in shown if turn.reward >= middle]


def lesson_seeds(settings: SftSettings, count: int) -> list[int]:
    """The first `count` seeds of lessons: one after the other, or drawn from all training seeds by the run's seed."""
    if not settings.drawn:
        return list(range(settings.first_seed, settings.first_seed + count))
    return [int(seed) for seed in np.random.default_rng((settings.seed, LESSONS)).permutation(TRAINING_SEEDS)[:count]]

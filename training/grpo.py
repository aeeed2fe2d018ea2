"""GRPO for several agents, to be read aloud.

One step: play `group_size` episodes from each of `groups` starts, all with the same models at the learning seats. What an agent earned is
compared with what the same role earned in the other episodes from the same start: that is its advantage, and it holds for every token that the agent
decided in that episode (with `grouping=turn`: at one turn, compared with other replies to the same moment). Then each learner goes uphill on the
samples of its roles, clipped. No value network, no replay, no tokens made again from text; what a grammar forced does not train.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from clinsim.agents.cast import Cast
from clinsim.agents.decoding import Engine
from clinsim.agents.local import Writer
from clinsim.processes import shared_out
from clinsim.referee import TRAINING_SEEDS
from clinsim.training.advantages import Advantages, Baselines, Earned, advantages, as_they_are
from clinsim.training.batches import Batch, batches, conversations
from clinsim.training.credit import Rule, TurnRule, as_team, play_credited, play_turns, with_share
from clinsim.training.learners import Learner, Learners, Speakers, learning_roles
from clinsim.training.loss import LossParts, LossRule, policy_loss
from clinsim.training.optimiser import set_rate
from clinsim.training.ray_rollouts import PlayBlock, played_by_ray
from clinsim.training.rollouts import Plan, Rollout, blocks, play_block, scenarios_of
from clinsim.training.samples import Sample, role_weights
from clinsim.training.settings import GrpoSettings


@dataclass(slots=True)
class Memory:
    """What a run remembers between steps, besides model and optimiser."""

    step: int = 0
    rows: int = 0
    best: float = -math.inf
    since_best: int = 0
    threads: int = 0
    baselines: Baselines = field(default_factory=Baselines)
    progress: dict[str, Any] = field(default_factory=dict)
    """Of a curriculum, as plain data; empty without one."""

    def as_data(self) -> dict[str, Any]:
        """As plain data."""
        values = [[*key, value] for key, value in self.baselines.values.items()]
        return {"step": self.step, "rows": self.rows, "best": self.best if math.isfinite(self.best) else None,
                "since_best": self.since_best, "threads": self.threads, "baselines": values, "progress": self.progress}  # fmt: skip

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Memory:
        """From plain data."""
        baselines = Baselines(values={(scenario, role): value for scenario, role, value in data["baselines"]})
        best = -math.inf if data["best"] is None else float(data["best"])
        return cls(int(data["step"]), int(data["rows"]), best, int(data["since_best"]), int(data["threads"]), baselines, dict(data["progress"]))


def starts(settings: GrpoSettings, step: int) -> list[int]:
    """The training seeds of a step: without repeats over the run, in an order that the run's seed draws."""
    order = np.random.default_rng(settings.seed).permutation(TRAINING_SEEDS)
    first = step * settings.groups
    return [int(order[(first + k) % TRAINING_SEEDS]) for k in range(settings.groups)]


def plans(settings: GrpoSettings, step: int) -> list[Plan]:
    """The episodes of a step."""
    numbers = range(settings.openings)
    return [
        Plan(settings.scenario, seed, number, settings.partners, f"{settings.seed}|{step}") for seed in starts(settings, step) for number in numbers
    ]


def played(models: Cast | Engine, settings: GrpoSettings, step: int) -> list[Rollout]:
    """Play the episodes of a step."""
    return play_all(models, settings, plans(settings, step))


def play_all(models: Cast | Engine, settings: GrpoSettings, episodes: Sequence[Plan]) -> list[Rollout]:
    """Play episodes block by block: here, in processes that read the weights from a folder, or by Ray."""
    cut = blocks(episodes, settings.block)
    play = partial(played_block, settings)
    if settings.processes == "ray":
        return played_by_ray(models, cut, play)
    if settings.processes == 1:
        return [rollout for block in cut for rollout in play(models, block)]
    with TemporaryDirectory() as folder:
        models.save(Path(folder))
        jobs = [(folder, block, play) for block in cut]
        return [rollout for block in shared_out(_played_there, jobs, processes=settings.processes, preload=__name__) for rollout in block]


def played_block(settings: GrpoSettings, writer: Writer, block: Sequence[Plan]) -> list[Rollout]:
    """Play some episodes in step, and work out what single turns were worth, or go on from them, if the settings ask for it."""
    scenarios = scenarios_of(block)
    if settings.grouping == "turn":
        return play_turns(writer, block, scenarios, TurnRule(settings.group_size, settings.credit_decisions, learning_roles(settings)))
    if settings.credit != "counterfactual":
        return play_block(writer, block, scenarios)
    rule = Rule(settings.credit_baseline, settings.credit_decisions, settings.credit_futures, learning_roles(settings))
    return play_credited(writer, block, scenarios, rule)


def _played_there(job: tuple[str, Sequence[Plan], PlayBlock]) -> list[Rollout]:
    folder, block, play = job
    return play(Cast.load(Path(folder)), block)


def earned_by(rollouts: Sequence[Rollout], settings: GrpoSettings) -> list[Earned]:
    """What each agent of the learning roles is credited with in each episode in which it had a turn, or for each turn whose worth was worked out."""
    roles = learning_roles(settings)
    return [row for episode, rollout in enumerate(rollouts) for row in _earned_in(episode, rollout, settings) if row.group.role in roles]


def _earned_in(episode: int, rollout: Rollout, settings: GrpoSettings) -> Iterator[Earned]:
    groups = {agent: rollout.group_of(role) for agent, role in rollout.roles.items()}
    if settings.credit == "counterfactual":
        for turn, credit in rollout.credits.items():
            agent = rollout.said[turn].agent
            yield Earned(groups[agent], episode, agent, credit, turn)
        return
    credited = as_team(rollout.rewards) if settings.credit == "team" else with_share(rollout.rewards, settings.team_share)
    for agent in dict.fromkeys(said.agent for said in rollout.compared):
        yield Earned(groups[agent], episode, agent, credited[agent])


@dataclass(frozen=True, slots=True)
class Scored:
    """Samples with the advantage of each, and how the groups fared."""

    samples: list[Sample]
    values: list[float]
    groups: Advantages

    def of(self, roles: Container[str]) -> Scored:
        """Those of some roles."""
        kept = [(sample, value) for sample, value in zip(self.samples, self.values, strict=True) if sample.role in roles]
        return Scored([sample for sample, _ in kept], [value for _, value in kept], self.groups)


def scored(rollouts: Sequence[Rollout], settings: GrpoSettings, baselines: Baselines) -> Scored:
    """The samples of a step; those with no advantage teach nothing and are left out, unless they hold the model back (`kl`)."""
    roles = learning_roles(settings)
    earned = earned_by(rollouts, settings)
    groups = as_they_are(earned) if settings.finds_advantages else advantages(earned, settings.advantage, baselines)
    of = {(row.episode, row.agent, row.turn): value for row, value in zip(earned, groups.values, strict=True)}
    samples = [sample for episode, rollout in enumerate(rollouts) for sample in rollout.samples(episode) if sample.role in roles]
    values = [of.get((s.episode, s.agent, s.turn), of.get((s.episode, s.agent, None), 0.0)) for s in samples]
    teaching = [(sample, value) for sample, value in zip(samples, values, strict=True) if value != 0.0 or settings.kl]
    return Scored([sample for sample, _ in teaching], [value for _, value in teaching], groups)


def update(learners: Learners, step_of: Scored, settings: GrpoSettings, step: int) -> dict[str, float]:
    """Each learner goes uphill on the samples of its roles; figures of the last pass, the mean over learners, and each apart if there are several."""
    found = {learner.name: _learnt(learners.cast, learner, step_of.of(learner.roles), settings, step) for learner in learners.each}
    found = {name: row for name, row in found.items() if row}
    together = {key: fmean(row[key] for row in found.values()) for key in next(iter(found.values()), ())}
    apart = {f"{key}_{name}": value for name, row in found.items() for key, value in row.items()} if len(learners.each) > 1 else {}
    return together | apart


def _learnt(cast: Speakers, learner: Learner, step_of: Scored, settings: GrpoSettings, step: int) -> dict[str, float]:
    """Go uphill on the samples: `passes` times, in `updates` parts each; nothing if there are none."""
    rule = LossRule(settings.loss, settings.level, settings.clip_low, settings.clip_high, settings.kl, settings.entropy)
    weights = role_weights(step_of.samples) if settings.equal_roles else {}
    set_rate(learner.optimiser, rate_at(settings, step))
    model = cast.model_of(learner.voice)
    model.train()
    talks = conversations(step_of.samples)
    found: list[dict[str, float]] = []
    for turn in range(settings.passes):
        order = np.random.default_rng((settings.seed, step, turn)).permutation(len(talks))
        parts = [[place for k in part for place in talks[k]] for part in np.array_split(order, settings.updates)]
        found = [_uphill(model, learner, step_of, part, rule, weights, settings) for part in parts if part]
    model.train(False)
    return {name: fmean(row[name] for row in found) for name in found[0]} if found else {}


def rate_at(settings: GrpoSettings, step: int) -> float:
    """The learning rate of a step: up to its height in `warm_up` steps, and down to 0 at the end if it is to `cool_down`."""
    left = 1.0 - step / settings.steps if settings.cool_down else 1.0
    return settings.learning_rate * min(1.0, (step + 1) / max(1, settings.warm_up)) * left


def _uphill(
    model: PreTrainedModel,
    learner: Learner,
    step_of: Scored,
    part: Sequence[int],
    rule: LossRule,
    weights: Mapping[str, float],
    settings: GrpoSettings,
) -> dict[str, float]:
    """One update: the gradients of all batches of a part are summed, each by its share of the decided tokens."""
    samples = [step_of.samples[k] for k in part]
    total = sum(len(sample.decided) for sample in samples)
    advantage = torch.tensor([step_of.values[k] for k in part])
    weight = torch.tensor([weights.get(sample.role, 1.0) for sample in samples])
    learner.optimiser.zero_grad()
    parts: list[tuple[float, LossParts]] = []
    for batch, times in learner.shares(batches(samples, settings.batch_tokens)):
        loss = batch_loss(learner.score(model, batch), batch, advantage[batch.rows], weight[batch.rows], rule)
        share = float(batch.mask.sum()) / total
        learner.backward(loss.total * share * times)
        parts.append((share if times else 0.0, loss))
    norm = learner.clip(settings.most_norm)
    if not math.isfinite(norm):
        raise FloatingPointError("the gradient is no number any more: lower learning_rate, or start again from the last checkpoint")
    learner.optimiser.step()
    means = {name: math.fsum(share * float(getattr(loss, name)) for share, loss in parts) for name in ("policy", "kl", "entropy", "clipped")}
    return learner.summed(means) | {"gradient": norm}


def batch_loss(scores: tuple[Tensor, Tensor], batch: Batch, advantage: Tensor, weight: Tensor, rule: LossRule) -> LossParts:
    """The loss of one batch, given log-probabilities and entropies now: advantage and weight for each decision (B, K)."""
    logps, entropies = scores
    reference = batch.sampled if rule.kl else None
    return policy_loss(logps, batch.sampled, advantage, batch.mask, rule, entropies=entropies, reference=reference, weights=weight)


def silent_seats(rollout: Rollout) -> int:
    """Learning seats of an episode that had no turn: nothing to compare, nothing to learn."""
    return len(rollout.learning - {said.agent for said in rollout.said})


def described(rollouts: Sequence[Rollout], step_of: Scored) -> dict[str, float]:
    """What a step looked like: rewards by role, outcomes, how much was said, and the groups that could not teach."""
    said = [turn for rollout in rollouts for turn in rollout.said]
    actions = sum(rollout.actions for rollout in rollouts)
    by_agent = {f"reward_{agent}": fmean(rollout.rewards[agent] for rollout in rollouts) for agent in rollouts[0].rewards}
    return {
        "return": fmean(rollout.total for rollout in rollouts),
        "utility_loss": fmean(rollout.utility_loss for rollout in rollouts),
        **by_agent,
        "turns_per_episode": len(said) / len(rollouts),
        "tokens_per_turn": fmean(len(turn.written.decided) for turn in said) if said else 0.0,
        "refused_share": sum(rollout.refused for rollout in rollouts) / max(1, actions),
        "groups": step_of.groups.groups,
        "alone": step_of.groups.alone,
        "unequal": step_of.groups.unequal,
        "silent": sum(silent_seats(rollout) for rollout in rollouts),
        "flat_share": step_of.groups.flat_share,
        "samples": len(step_of.samples),
    }


Play = Callable[[Any, GrpoSettings, int], list[Rollout]]
"""How the episodes of a step are played: by those who speak, as the settings say, for step number so and so."""


def trained(learners: Learners, settings: GrpoSettings, memory: Memory, play: Play = played) -> Iterator[dict[str, Any]]:
    """Train, one step after the other, from where `memory` stands; the figures of each step."""
    while memory.step < settings.steps:
        clock = [perf_counter()]
        rollouts = play(learners.cast, settings, memory.step)
        clock.append(perf_counter())
        step_of = scored(rollouts, settings, memory.baselines)
        learnt = update(learners, step_of, settings, memory.step) if step_of.samples else {}
        clock.append(perf_counter())
        playing, learning = (after - before for before, after in pairwise(clock))
        row = {"step": memory.step, **described(rollouts, step_of), **learnt, "play_seconds": playing, "learn_seconds": learning}
        memory.step += 1
        yield row

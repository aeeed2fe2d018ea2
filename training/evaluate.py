"""How good a model is: episodes on seeds that it was not trained on, with intervals, beside the policies it is measured against."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from clinsim.agents.cast import Cast
from clinsim.agents.decoding import Engine
from clinsim.intervals import of_mean
from clinsim.metrics import outcome
from clinsim.processes import shared_out
from clinsim.rollout import Policies, raw_env, run_episode
from clinsim.scenario_file import Scenario
from clinsim.training.rollouts import Plan, Rollout, blocks, play_block, scenarios_of

Values = dict[str, list[float]]
BLOCK = 32


def model_values(models: Cast | Engine, scenario: str, seeds: Sequence[int], partners: Mapping[str, str] | None = None, processes: int = 1) -> Values:
    """Return, utility loss and reward of each agent, by seed; any number of processes gives the same."""
    plans = [Plan(scenario, seed, 0, dict(partners or {})) for seed in seeds]
    return values_of([rollout for block in in_processes(models, blocks(plans, BLOCK), processes) for rollout in block])


def values_of(played: Sequence[Rollout]) -> Values:
    """Return, utility loss and reward of each agent, episode by episode."""
    values: Values = {"return": [rollout.total for rollout in played], "utility_loss": [rollout.utility_loss for rollout in played]}
    for agent in played[0].rewards if played else ():
        values[agent] = [rollout.rewards[agent] for rollout in played]
    return values


def in_processes(models: Cast | Engine, cut: Sequence[Sequence[Plan]], processes: int) -> list[list[Rollout]]:
    """Play blocks of episodes here, or in processes that read the weights from a folder."""
    if processes == 1:
        return [play_block(models, block, scenarios_of(block)) for block in cut]
    with TemporaryDirectory() as folder:
        models.save(Path(folder))
        return shared_out(_played, [(folder, block) for block in cut], processes=processes, preload=__name__)


def _played(job: tuple[str, Sequence[Plan]]) -> list[Rollout]:
    folder, block = job
    return in_processes(Cast.load(Path(folder)), [block], 1)[0]


def policy_values(policies: Policies, scenario: str | Scenario, seeds: Sequence[int]) -> Values:
    """The same for other policies."""
    values: Values = {"return": [], "utility_loss": []}
    for seed in seeds:
        trace = run_episode(raw_env(scenario), policies, seed=seed)
        values["return"].append(math.fsum(trace.rewards.values()))
        values["utility_loss"].append(outcome(trace.entries)["utility_loss"])
        for agent, reward in trace.rewards.items():
            values.setdefault(agent, []).append(reward)
    return values


def in_short(values: Values) -> dict[str, dict[str, Any]]:
    """The same without the values."""
    return {name: {key: figure[key] for key in ("mean", "low", "high", "n")} for name, figure in figures(values).items()}


def figures(values: Values) -> dict[str, dict[str, Any]]:
    """`{mean, low, high, n, values}` of each, with 95 % intervals (Student's t); of one value the interval is not known (null)."""
    found = {}
    for name, row in values.items():
        estimate = of_mean(row)
        known = math.isfinite(estimate.low)
        found[name] = {
            "mean": estimate.mean, "low": estimate.low if known else None, "high": estimate.high if known else None, "n": estimate.n, "values": row,
        }  # fmt: skip
    return found

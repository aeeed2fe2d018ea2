"""How good a model is: episodes on seeds that it was not trained on, with intervals, beside the policies it is measured against."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from clinsim.agents.local import Writer
from clinsim.intervals import of_mean
from clinsim.metrics import outcome
from clinsim.rollout import Policies, raw_env, run_episode
from clinsim.scenario_file import load_scenario
from clinsim.training.rollouts import Plan, blocks, play_block

Values = dict[str, list[float]]
BLOCK = 16


def model_values(writer: Writer, scenario: str, seeds: Sequence[int], partners: Mapping[str, str] | None = None) -> Values:
    """Return, utility loss and reward of each agent, by seed."""
    plans = [Plan(scenario, seed, 0, dict(partners or {})) for seed in seeds]
    loaded = {scenario: load_scenario(scenario)}
    played = [rollout for block in blocks(plans, BLOCK) for rollout in play_block(writer, block, loaded)]
    values: Values = {"return": [rollout.total for rollout in played], "utility_loss": [rollout.utility_loss for rollout in played]}
    for agent in played[0].rewards if played else ():
        values[agent] = [rollout.rewards[agent] for rollout in played]
    return values


def policy_values(policies: Policies, scenario: str, seeds: Sequence[int]) -> Values:
    """The same for other policies."""
    values: Values = {"return": [], "utility_loss": []}
    for seed in seeds:
        trace = run_episode(raw_env(scenario), policies, seed=seed)
        values["return"].append(math.fsum(trace.rewards.values()))
        values["utility_loss"].append(outcome(trace.entries)["utility_loss"])
        for agent, reward in trace.rewards.items():
            values.setdefault(agent, []).append(reward)
    return values


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

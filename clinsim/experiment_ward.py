"""The hospital as a model that can be replicated: a scenario with some fields set, played by some team."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from math import fsum
from typing import Any

from clinsim.data_file import read_yaml
from clinsim.errors import ScenarioError, UsageError
from clinsim.experiment import Outcome, WarmUp
from clinsim.metrics import census, kpis
from clinsim.rollout import DEFAULT_POLICY, check_policies, raw_env, run_episode
from clinsim.scenario_file import Scenario, load_scenario
from clinsim.trace_file import Trace

DAY = 1440.0
DAYS_FOR_A_ROUND = 3.0
"""From so many days on, a warm-up is looked for unless one is named: in less it cannot be told from the tide of the day."""
POINTS = 100
"""Values in the series of a run that is shorter; in longer ones there is one an hour."""
RETURN = "return"
Settings = tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Team:
    """A scenario (name or path), fields that are set in it, and who plays it: policies by seat or role."""

    scenario: str
    settings: Settings = ()
    policies: tuple[tuple[str, str], ...] = ()

    def loaded(self) -> Scenario:
        """The scenario with its fields set.

        Raises:
            ScenarioError: The scenario or a field is wrong.
        """
        return load_scenario(self.scenario, dict(self.settings))

    def check(self) -> None:
        """Find out before anything is played whether scenario, fields and policies exist.

        Raises:
            ScenarioError: The scenario or a field is wrong.
            UsageError: A policy or a seat is unknown.
        """
        scenario = self.loaded()
        raw_env(scenario)
        check_policies(dict(self.policies), scenario.seats)

    def __call__(self, seed: int, opens_at: tuple[float, ...]) -> Outcome:
        """Play an episode; its key figures and rewards."""
        scenario = self.loaded()
        trace = run_episode(raw_env(scenario), dict(self.policies) or DEFAULT_POLICY, seed, observations=False)
        every = step_minutes(scenario)
        entries = trace.entries
        rewards = rewards_of(trace)
        figures = {cut: {name: figure["value"] for name, figure in kpis(entries, scenario, cut).items()} | rewards for cut in opens_at}
        return Outcome(figures, census(entries, every, scenario.horizon_minutes))


def rewards_of(trace: Trace) -> dict[str, float | None]:
    """The return of the team, and of each agent; they count from the start."""
    rewards = trace.rewards
    return {RETURN: fsum(rewards.values()), **{f"{RETURN}_{agent}": value for agent, value in rewards.items()}}


def units_of(scenario: Scenario) -> dict[str, str]:
    """The unit of each figure."""
    units = {name: figure["unit"] for name, figure in kpis((), scenario).items()}
    return units | {RETURN: "reward"} | {f"{RETURN}_{seat.agent}": "reward" for seat in scenario.seats}


def step_minutes(scenario: Scenario) -> float:
    """Minutes between the values of the series: an hour in runs of days, a hundredth of a shorter one."""
    return 60.0 if has_round(scenario) else scenario.horizon_minutes / POINTS


def has_round(scenario: Scenario) -> bool:
    """Whether the run is long enough to tell its warm-up from the tide of the day."""
    return scenario.horizon_minutes >= DAYS_FOR_A_ROUND * DAY


def warm_up_of(scenario: Scenario, given: str | None) -> WarmUp:
    """How the warm-up is chosen.

    Args:
        scenario: What is played.
        given: Minutes, `auto` (look for it), or None: what the scenario says, and in runs of days without such a word look for it.

    Raises:
        UsageError: It is neither minutes within the run nor `auto`.
    """
    own, horizon = scenario.file.warm_up_minutes, scenario.horizon_minutes
    if given == "auto" or (given is None and has_round(scenario) and not own):
        every = step_minutes(scenario)
        return WarmUp(None, every, int(horizon / every), round(DAY / every) if has_round(scenario) else 0)
    if given is None:
        return WarmUp(own)
    if not re.fullmatch(r"\d+(\.\d*)?", given) or float(given) >= horizon:
        raise UsageError(f"--warm-up {given}: give minutes below the horizon of {horizon:g}, or auto")
    return WarmUp(float(given))


def alternatives(scenario: str, every: Iterable[str], sets: Iterable[str], teams: Iterable[Mapping[str, str]]) -> dict[str, Team]:
    """Every team in the scenario as it is and with each of `sets`; the first is what the others are compared with.

    Args:
        scenario: Name or path.
        every: Settings `FIELD=VALUE` that hold for all.
        sets: Settings of an alternative each; several fields are parted by semicolons.
        teams: Policies by seat or role, a mapping for each team (none: the guideline team).

    Raises:
        UsageError: A setting cannot be read, or two alternatives are the same.
    """
    common = tuple(setting for text in every for setting in settings(text))
    changes: list[tuple[str, Settings]] = [("", ()), *((text, settings(text)) for text in sets)]
    played: dict[str, Team] = {}
    for team, (text, change) in product(list(teams) or [{}], changes):
        name = ", ".join(filter(None, (_named(team), text))) or "base"
        if name in played:
            raise UsageError(f"two alternatives are the same: {name}")
        played[name] = Team(scenario, common + change, tuple(sorted(team.items())))
    return played


def settings(text: str) -> Settings:
    """`FIELD=VALUE` read, several of them parted by semicolons; a value is YAML.

    Raises:
        UsageError: It is no setting.
    """
    return tuple(_setting(part.strip()) for part in text.split(";"))


def _setting(text: str) -> tuple[str, Any]:
    field, found, value = text.partition("=")
    if not field or not found:
        raise UsageError(f"--set {text!r}: give FIELD=VALUE, for example hospital.pools.ct.units=3; fields of one alternative are parted by ;")
    try:
        read = read_yaml(value, f"--set {text}")
        json.dumps(read, allow_nan=False)
    except (ScenarioError, TypeError, ValueError) as problem:
        raise UsageError(f"--set {text!r}: the value must be a number, a word, or a list or mapping of these, as in YAML") from problem
    return field.strip(), read


def _named(team: Mapping[str, str]) -> str:
    specs = sorted(set(team.values()))
    whole = len(specs) == 1 and not any(seat[-1].isdigit() for seat in team)
    return specs[0] if whole and len(team) > 1 else " ".join(f"{seat}={spec}" for seat, spec in sorted(team.items()))

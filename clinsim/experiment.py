"""Experiments: alternatives replicated on the same seeds, warm-up found and cut, intervals of every figure, and paired differences.

A model is anything that plays a seed and tells its figures: the hospital (`experiment_ward.py`), or a queueing system of the validation.
Replication `r` of every alternative has the seed `first + r`, so that all meet the same patients, arrivals and luck.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from math import fsum
from typing import Protocol

from clinsim.errors import UsageError
from clinsim.intervals import Estimate, of_mean, of_pairs
from clinsim.processes import shared_out
from clinsim.replications import enough, look_ahead
from clinsim.warm_up import cuts, mser5, without_daily_round

Figures = Mapping[str, float | None]
"""Key figures of a replication by name; None where there was nothing to measure."""
PILOT = 5
"""Replications of the first alternative in which the warm-up is looked for."""
ROUND = 4
"""Replications that are added at a time while it is not known how many are enough; the number found does not depend on it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One replication: figures by the minute from which they count, and the series in which a warm-up shows."""

    figures: Mapping[float, Figures]
    series: tuple[float, ...] = ()


class Model(Protocol):
    """What is replicated; it must pickle."""

    def __call__(self, seed: int, opens_at: tuple[float, ...]) -> Outcome:
        """Play a seed; figures that count from each of the minutes `opens_at`."""
        ...


@dataclass(frozen=True, slots=True)
class WarmUp:
    """How the warm-up is chosen: `minutes` if given, else found in a series of `values` values, one every `every` minutes.

    `per_day` is the number of values in a day, where a daily round is to be taken out first (0: none is).
    """

    minutes: float | None = 0.0
    every: float = 0.0
    values: int = 0
    per_day: int = 0

    @property
    def candidates(self) -> tuple[float, ...]:
        """The minutes that may be the end of the warm-up."""
        return tuple(cut * self.every for cut in cuts(self.values)) if self.minutes is None else (self.minutes,)

    def found(self, series: Sequence[Sequence[float]]) -> float:
        """The end of the warm-up in the mean of several series, in minutes."""
        mean = mean_series(series)
        return self.every * mser5(without_daily_round(mean, self.per_day) if self.per_day else mean)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is played: a number of replications, or as many as it takes for `figures` to be known within `precision` (at most `most`)."""

    replications: int = 10
    precision: float | None = None
    figures: tuple[str, ...] = ()
    most: int = 200
    first_seed: int = 0
    warm_up: WarmUp = field(default_factory=WarmUp)
    processes: int | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """What was played: figures of each replication by alternative; the first alternative is the one that the others are compared with.

    `enough` is the number of replications from which each precise figure was known well enough (None: not looked for, or not reached).
    """

    plan: Plan
    warm_up: float
    settled: bool
    series: tuple[float, ...]
    runs: dict[str, list[Figures]]
    enough: int | None = None

    @property
    def replications(self) -> int:
        """Replications of each alternative."""
        return min(map(len, self.runs.values()))

    def values(self, alternative: str, figure: str) -> list[float | None]:
        """A figure by replication."""
        return [figures[figure] for figures in self.runs[alternative]]

    def estimate(self, alternative: str, figure: str) -> Estimate | None:
        """The mean of a figure with its interval; None where no replication had it."""
        values = [value for value in self.values(alternative, figure) if value is not None]
        return of_mean(values) if values else None

    def difference(self, alternative: str, figure: str) -> Estimate | None:
        """The mean paired difference from the first alternative, over the seeds in which both had the figure."""
        pairs = self.pairs(alternative, figure)
        return of_pairs([ours for ours, _ in pairs], [theirs for _, theirs in pairs]) if pairs else None

    def gain(self, alternative: str, figure: str) -> float | None:
        """By how much common seeds lower the variance of the difference, against independent ones; None where it cannot be told."""
        pairs = self.pairs(alternative, figure)
        apart = _variance([ours - theirs for ours, theirs in pairs])
        return (_variance([ours for ours, _ in pairs]) + _variance([theirs for _, theirs in pairs])) / apart if apart else None

    def pairs(self, alternative: str, figure: str) -> list[tuple[float, float]]:
        """A figure in the alternative and in the first one, by seed."""
        both = zip(self.values(alternative, figure), self.values(next(iter(self.runs)), figure), strict=True)
        return [(ours, theirs) for ours, theirs in both if ours is not None and theirs is not None]


def conduct(models: Mapping[str, Model], plan: Plan) -> Findings:
    """Play every alternative on the same seeds.

    Args:
        models: Alternatives by name; the others are compared with the first, and its warm-up is cut from all.
        plan: How much is played.

    Raises:
        UsageError: A figure that must be precise is unknown, or has no value in any replication.
    """
    base = next(iter(models))
    jobs = [(models[base], plan.first_seed + number, plan.warm_up.candidates) for number in range(_next_size(0, plan, PILOT))]
    pilot = shared_out(_play, jobs, processes=plan.processes)
    series = [outcome.series for outcome in pilot]
    cut = plan.warm_up.found(series) if plan.warm_up.minutes is None else plan.warm_up.minutes
    runs: dict[str, list[Figures]] = {name: [] for name in models}
    runs[base] = [outcome.figures[cut] for outcome in pilot]
    settled = plan.warm_up.minutes is not None or cut < max(plan.warm_up.candidates)
    found = None
    size = len(pilot)
    while True:
        _replicate(models, runs, size, cut, plan)
        found = _enough(runs, plan) if plan.precision is not None else None
        if found is not None or size >= _most(plan):
            break
        size = _next_size(size, plan, ROUND)
    if found is not None:
        runs = {name: done[: found + look_ahead(found)] for name, done in runs.items()}
    return Findings(plan, cut, settled, mean_series(series), runs, found)


def _most(plan: Plan) -> int:
    return plan.replications if plan.precision is None else plan.most


def _next_size(size: int, plan: Plan, more: int) -> int:
    return min(size + more, _most(plan)) if plan.precision is not None or not size else plan.replications


def _replicate(models: Mapping[str, Model], runs: dict[str, list[Figures]], size: int, cut: float, plan: Plan) -> None:
    """Play whatever is missing to `size` replications of each alternative."""
    missing = [(name, number) for name in models for number in range(len(runs[name]), size)]
    jobs = [(models[name], plan.first_seed + number, (cut,)) for name, number in missing]
    for (name, _), outcome in zip(missing, shared_out(_play, jobs, processes=plan.processes), strict=True):
        runs[name].append(outcome.figures[cut])


def _play(job: tuple[Model, int, tuple[float, ...]]) -> Outcome:
    model, seed, opens_at = job
    return model(seed, opens_at)


def _enough(runs: Mapping[str, list[Figures]], plan: Plan) -> int | None:
    """The number of replications that is enough for every precise figure of every alternative, if it is reached."""
    assert plan.precision is not None
    numbers = [enough(_known(done, figure), plan.precision) for done in runs.values() for figure in plan.figures]
    reached = [number for number in numbers if number is not None]
    return max(reached) if len(reached) == len(numbers) and reached else None


def _known(done: Sequence[Figures], figure: str) -> list[float]:
    """A figure by replication; one that was not measured in some is no measure of how many are enough."""
    values = [figures.get(figure) for figures in done]
    if None in values:
        known = sorted(name for name in done[0] if all(figures.get(name) is not None for figures in done))
        raise UsageError(f"figure {figure!r} is not measured in every replication; those that are: {', '.join(known)}")
    return [value for value in values if value is not None]


def mean_series(series: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """The mean of several series, value by value."""
    return tuple(fsum(values) / len(values) for values in zip(*series, strict=True))


def _variance(values: Sequence[float]) -> float:
    if len(values) < 2:
        return 0.0
    mean = fsum(values) / len(values)
    return fsum((value - mean) ** 2 for value in values) / (len(values) - 1)


def first_of(findings: Findings, wanted: Sequence[str], most: int) -> list[str]:
    """Of the figures that are wanted, the first few that have a value in every alternative."""
    there = (name for name in wanted if all(findings.estimate(alternative, name) for alternative in findings.runs))
    return list(islice(there, most))

"""Fitting a condition sheet: the numbers of its `fitted` line with which the outcomes that it states come out of the course.

The same people are simulated untreated and with all essential treatments at their targets; lethality follows from `p_untreated`, the scale of effects
from `p_optimal`, rate and power of disability from both probabilities of disability.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import exp
from statistics import fmean

from clinsim.condition_file import Condition
from clinsim.condition_parts import Fitted
from clinsim.hospital.outcomes import burden, on_target
from clinsim.hospital.people import Person, make_person
from clinsim.hospital.physiology import Course
from clinsim.hospital.streams import Streams

PEOPLE = 1500
HALVINGS = 40
STREAMS = Streams(seed=7)


def fit(condition: Condition, size: int = PEOPLE, halvings: int = 14) -> Fitted:
    """The numbers with which the sheet's outcomes come out, over `size` simulated people; each halving of the search for effects halves its error."""
    people = crowd(condition, size)
    untreated = burdens(condition, people, treated=False)
    lethality = root(lambda rate: mean_death(untreated, rate), condition.p_untreated.value, 1e-9, 10.0)
    scale = 1.0
    if condition.essential:
        scale = root(
            lambda s: -mean_death(burdens(scaled(condition, s), people, treated=True), lethality), -condition.p_optimal.value, 0.05, 20.0, halvings
        )
    treated = burdens(scaled(condition, scale), people, treated=True)
    rate, power = disability(condition, [exposure for _, exposure in untreated], [exposure for _, exposure in treated])
    return Fitted(lethality=four(lethality), effect_scale=four(scale), disability_rate=four(rate), disability_power=four(power))


def crowd(condition: Condition, size: int) -> list[Person]:
    """The simulated people."""
    return [make_person(STREAMS, f"p{number}", condition) for number in range(size)]


def burdens(condition: Condition, people: Sequence[Person], treated: bool) -> list[tuple[float, float]]:
    """Cumulative hazard at unit lethality, and exposure, of each person."""
    unit = scaled(condition, condition.fitted.effect_scale, 1.0)
    starts = on_target(unit, 0.0) if treated else {}
    return [burden(Course(unit, person, STREAMS, 0.0), starts) for person in people]


def scaled(condition: Condition, scale: float, lethality: float | None = None) -> Condition:
    """The sheet with another effect scale (and lethality)."""
    old = condition.fitted
    new = old.model_copy(update={"effect_scale": scale, "lethality": old.lethality if lethality is None else lethality})
    return condition.model_copy(update={"fitted": new})


def mean_death(people: Sequence[tuple[float, float]], lethality: float) -> float:
    """Mean probability of death at 30 days."""
    return fmean(1.0 - exp(-lethality * hazard) for hazard, _ in people)


def disability(condition: Condition, untreated: Sequence[float], treated: Sequence[float]) -> tuple[float, float]:
    """Rate and power with which both probabilities of disability come out."""

    def mean(exposures: Sequence[float], rate: float, power: float) -> float:
        return fmean(1.0 - exp(-((rate * exposure) ** power)) for exposure in exposures)

    def rate_at(power: float) -> float:
        return root(lambda rate: mean(untreated, rate, power), condition.p_disability_untreated.value, 1e-9, 100.0)

    power = 1.0
    if condition.essential and condition.p_disability.value < condition.p_disability_untreated.value:
        power = root(lambda p: -mean(treated, rate_at(p), p), -condition.p_disability.value, 0.1, 8.0, 20)
    return rate_at(power), power


def root(rising: Callable[[float], float], target: float, low: float, high: float, halvings: int = HALVINGS) -> float:
    """Where a rising function meets the target, by halving on a logarithmic scale."""
    for _ in range(halvings):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if rising(middle) < target else (low, middle)
    return float((low * high) ** 0.5)


def four(value: float) -> float:
    """Four significant digits."""
    return float(f"{value:.4g}")

"""Fit the condition sheets: find the numbers of their `fitted` line so that the outcomes of the sheet come out of the course.

`python checks/fit_conditions.py [--write] [NAME...]` simulates the same people untreated and with all essential treatments at their targets,
solves for
lethality (from p_untreated), effect_scale (from p_optimal), disability_rate and disability_power (from both probabilities of disability), prints what
it found, and with --write puts it into the sheets. Run it again whenever a sheet's course, treatments or people change.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from math import exp
from pathlib import Path
from statistics import fmean

from clinsim.condition_file import Condition, load_conditions
from clinsim.condition_parts import Fitted
from clinsim.hospital.outcomes import burden, on_target
from clinsim.hospital.people import Person, make_person
from clinsim.hospital.physiology import Course
from clinsim.hospital.streams import Streams

SHEETS = Path(__file__).resolve().parent.parent / "scenarios" / "conditions"
PEOPLE = 1500
HALVINGS = 40
STREAMS = Streams(seed=7)


def main(arguments: Sequence[str]) -> None:
    """Fit the sheets that are named, or all."""
    names = [name for name in arguments if not name.startswith("--")] or list(load_conditions())
    for name in names:
        condition = load_conditions()[name]
        fitted = fit(condition)
        print(f"{name:28} {line_of(fitted)}")
        if "--write" in arguments:
            path = SHEETS / f"{name}.yaml"
            path.write_text(re.sub(r"(?m)^fitted: .*$", line_of(fitted), path.read_text(encoding="utf-8")), encoding="utf-8")


def fit(condition: Condition) -> Fitted:
    """The numbers with which the sheet's outcomes come out."""
    people = crowd(condition)
    untreated = burdens(condition, people, treated=False)
    lethality = root(lambda rate: mean_death(untreated, rate), condition.p_untreated.value, 1e-9, 10.0)
    scale = 1.0
    if condition.essential:
        scale = root(
            lambda s: -mean_death(burdens(scaled(condition, s), people, treated=True), lethality), -condition.p_optimal.value, 0.05, 20.0, 14
        )
    treated = burdens(scaled(condition, scale), people, treated=True)
    rate, power = disability(condition, [exposure for _, exposure in untreated], [exposure for _, exposure in treated])
    return Fitted(lethality=four(lethality), effect_scale=four(scale), disability_rate=four(rate), disability_power=four(power))


def crowd(condition: Condition) -> list[Person]:
    """The simulated people."""
    return [make_person(STREAMS, f"p{number}", condition) for number in range(PEOPLE)]


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


def line_of(fitted: Fitted) -> str:
    """The line of the sheet."""
    return "fitted: {" + ", ".join(f"{name}: {value:.10g}" for name, value in fitted.model_dump().items()) + "}"


if __name__ == "__main__":
    main(sys.argv[1:])

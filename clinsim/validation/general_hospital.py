"""The general hospital against published figures: which were looked at while it was set up, which were held out, and what does not fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from math import sqrt
from statistics import fmean, median, quantiles
from typing import Annotated, Any, Literal

from pydantic import Field

from clinsim.data_file import Rule, checked, read_data
from clinsim.hospital_file import Positive, Source
from clinsim.metrics import census, kpis
from clinsim.processes import shared_out
from clinsim.rollout import raw_env, run_episode
from clinsim.scenario_file import load_scenario
from clinsim.validation.checks import Check, part, unjudged, within
from clinsim.validation.visits import Visit, Visits

PART = "general-hospital"
FILE = "validation/general_hospital.yaml"
SEED = 20_700
REPLICATIONS = {"quick": 1, "full": 6}
LEAST_HELD_OUT, LEAST_FIT = 0.5, 0.4
"""Shares of the figures that are held out, and of those that must fit for the part to pass."""
LEVELS = (1, 2, 3, 4, 5)
SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)
HOUR = 60.0
TRIAGE_TARGETS = {1: 14.0, 2: 14.0, 3: 60.0, 4: 120.0, 5: 1440.0}
"""Minutes within which patients are to be seen, by level.

Source: NHAMCS 2006 as in Horwitz 2010 (emergent, urgent, semi-urgent, non-urgent).
"""
WITHIN_AN_HOUR = (1, 2, 3)
Numbers = dict[str, float | None]


class Published(Rule):
    """A published figure, the range in which ours should lie, and whether it was looked at while the scenario was set up."""

    name: str
    of: str
    role: Literal["tuned", "held out"]
    value: float
    low: float
    high: float
    source: Source


class Table(Rule):
    """The published figures, how long is played, and from when to when visits are counted."""

    scenario: str
    horizon_minutes: Positive
    counted: tuple[float, float]
    figures: Annotated[tuple[Published, ...], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Played:
    """What is kept of a replication: its figures, and waits and stays by triage level."""

    figures: Numbers
    waits: dict[int, list[float]]
    stays: dict[int, list[float]]


@lru_cache(maxsize=1)
def table() -> Table:
    """The published figures, read once."""
    return checked(Table, read_data(FILE), FILE)


def play(seed: int) -> Played:
    """Play one replication with the guideline team."""
    rules = table()
    scenario = load_scenario(rules.scenario, {"horizon_minutes": rules.horizon_minutes})
    trace = run_episode(raw_env(scenario), "guideline", seed, observations=False)
    read = Visits(trace.entries, scenario.hospital.service_minutes["history"])
    visits = read.of(*rules.counted)
    start = scenario.file.starts_at_hour
    present = census(trace.entries, HOUR, rules.horizon_minutes)
    house = {
        "icu_occupancy": kpis(trace.entries, scenario)["utilisation_icu_bed"]["value"],
        "got_worse": len(read.got_worse) / max(1, len(read.to_ward)),
        "tide": present[round(19.0 - start)] / max(0.5, present[round(24.0 + 6.0 - start)]),
    }
    return Played(figures(visits) | house, by_level(visits, "wait"), by_level(visits, "stay"))


def figures(visits: Sequence[Visit]) -> Numbers:
    """The figures of some visits by name; None where there is nothing to count."""
    return dict((*_mix(visits), *_times(visits), *_in_time(visits), *_admissions(visits), *_uses(visits)))


def by_level(visits: Iterable[Visit], what: str) -> dict[int, list[float]]:
    """Waits or stays by the level that the triage nurse set."""
    found: dict[int, list[float]] = {level: [] for level in LEVELS}
    for visit in visits:
        value = getattr(visit, what)
        if value is not None and visit.esi in found:
            found[visit.esi].append(value)
    return found


# ---------------------------------------------------------------- figures


def _share(part_of: Iterable[bool]) -> float | None:
    listed = list(part_of)
    return sum(listed) / len(listed) if listed else None


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _quantile(values: Iterable[float | None], share: float = 0.5) -> float | None:
    known = [value for value in values if value is not None]
    if share == 0.5 or len(known) < 2:
        return median(known) if known else None
    return quantiles(known, n=20, method="inclusive")[round(20 * share) - 1]


def _mix(visits: Sequence[Visit]) -> Iterator[tuple[str, float | None]]:
    for name, levels in (("esi_1_2", (1, 2)), ("esi_3", (3,)), ("esi_4_5", (4, 5))):
        yield name, _share(visit.esi in levels for visit in visits if visit.esi)
    yield "left_unseen", _share(visit.left_to == "left_unseen" for visit in visits)


def _times(visits: Sequence[Visit]) -> Iterator[tuple[str, float | None]]:
    admitted = [visit for visit in visits if visit.is_admitted]
    yield "wait_median", _quantile(visit.wait for visit in visits)
    yield "stay_home_median", _quantile(visit.stay for visit in visits if visit.left_to == "home")
    yield "stay_admitted_median", _quantile(visit.stay for visit in admitted)
    yield "stay_icu", _mean(visit.stay for visit in admitted if visit.left_to != "ward")
    yield "stay_mean", _mean(visit.stay for visit in visits)
    yield "boarding_median", _quantile(visit.boarded for visit in admitted)
    yield "boarding_mean", _mean(visit.boarded for visit in admitted)
    yield "admitted_6h", _share(visit.stay is not None and visit.stay <= 360.0 for visit in admitted)
    for level in LEVELS:
        yield f"stay_esi_{level}", _mean(visit.stay for visit in visits if visit.esi == level)


def _in_time(visits: Sequence[Visit]) -> Iterator[tuple[str, float | None]]:
    """Whether a doctor came within the target of the triage level."""
    for name, levels in (("in_time", LEVELS), ("in_time_hour", WITHIN_AN_HOUR), ("in_time_emergent", (1, 2))):
        seen = [visit for visit in visits if visit.esi in levels and visit.wait is not None]
        yield name, _share(visit.wait is not None and visit.wait <= TRIAGE_TARGETS[visit.esi] for visit in seen)


def _admissions(visits: Sequence[Visit]) -> Iterator[tuple[str, float | None]]:
    left = [visit for visit in visits if visit.left_to]
    yield "admitted", _share(visit.is_admitted for visit in left)
    yield "icu", _share(visit.left_to == "icu" for visit in left)
    yield "intensive", _share(visit.left_to in ("icu", "step_down") for visit in left)
    yield "admitted_ambulance", _share(visit.is_admitted for visit in left if visit.ambulance)
    yield "admitted_walk_in", _share(visit.is_admitted for visit in left if not visit.ambulance)
    for level in LEVELS:
        yield f"admitted_esi_{level}", _share(visit.is_admitted for visit in left if visit.esi == level)


def _uses(visits: Sequence[Visit]) -> Iterator[tuple[str, float | None]]:
    scans = [minutes for visit in visits for minutes in visit.scans]
    for name, share in (("ct_q1", 0.25), ("ct_median", 0.5), ("ct_q3", 0.75)):
        yield name, _quantile(scans, share)
    yield "used_ct", _share(bool(visit.images & {"CT", "MR", "MRI"}) for visit in visits)
    yield "used_xray", _share("XR" in visit.images for visit in visits)
    yield "stat_median", _quantile(minutes for visit in visits for minutes in visit.stat_given)
    for level in LEVELS:
        yield f"resources_esi_{level}", _mean(float(len(visit.resources)) for visit in visits if visit.esi == level and visit.left_to)


# ---------------------------------------------------------------- the part


def report(quick: bool = False) -> dict[str, dict[str, Any]]:
    """The part `general-hospital`.

    Args:
        quick: One replication; its figures are then told and not judged.
    """
    number = REPLICATIONS["quick" if quick else "full"]
    played = shared_out(play, [SEED + k for k in range(number)])
    compared = [compare(rule, [one.figures[rule.of] for one in played]) for rule in table().figures]
    checks = [{**check, "passed": None} for check in compared] if quick else [*compared, *verdicts(compared)]
    return part(PART, [*checks, *spread(played)])


def compare(rule: Published, values: Sequence[float | None]) -> Check:
    """Our figure, its mean over replications, against the published range; what was held out and does not fit is shown and not judged."""
    known = [value for value in values if value is not None]
    name = f"{rule.name} [{rule.role}; {rule.source}]"
    if not known:
        return unjudged(name, None, rule.value, low=rule.low, high=rule.high, role=rule.role, fits=False, verdict="nothing to count", group="figures")
    found = within(name, fmean(known), rule.value, rule.low, rule.high, n=len(known), role=rule.role, group="figures")
    fits = found["passed"]
    spread_ = sqrt(sum((value - fmean(known)) ** 2 for value in known) / (len(known) - 1) / len(known)) if len(known) > 1 else None
    judged = None if rule.role == "held out" and not fits else fits
    return {**found, "passed": judged, "fits": fits, "error": spread_, "verdict": "fits" if fits else "does not fit"}


def verdicts(compared: Sequence[Check]) -> list[Check]:
    """Enough of the figures are held out, and enough of those fit."""
    held = [check for check in compared if check["role"] == "held out"]
    fit = [check for check in held if check["fits"]]
    return [
        within("share of the figures that are held out", len(held) / len(compared), 1.0, LEAST_HELD_OUT, 1.0, n=len(compared), group="verdicts"),
        within("share of the held-out figures that fit", len(fit) / len(held), 1.0, LEAST_FIT, 1.0, n=len(held), group="verdicts"),
    ]


def spread(played: Sequence[Played]) -> list[Check]:
    """Quantiles of waits and stays by triage level, which are told: a mean hides who waits."""
    return [check for what in ("waits", "stays") for level in LEVELS for check in _quantiles(played, what, level)]


def _quantiles(played: Sequence[Played], what: str, level: int) -> Iterator[Check]:
    values = [value for one in played for value in getattr(one, what)[level]]
    name = {"waits": "minutes to a doctor", "stays": "minutes in the department"}[what]
    quantile = partial(_quantile, values)
    for share in SHARES:
        if values:
            yield unjudged(f"{name}, ESI {level}, {share:.0%} quantile", quantile(share), n=len(values), group=what, level=level, share=share)

"""Simulated patients against their sheets and published effects: outcomes, delay, harm, scores, diagnosis, and that looking changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import exp, log
from typing import Any

import numpy as np

from clinsim.condition_file import Condition, load_conditions
from clinsim.hospital.calculators.news2 import news2
from clinsim.hospital.outcomes import on_target, planned
from clinsim.hospital.people import make_person
from clinsim.hospital.physiology import Course, Outcome, outcome, references
from clinsim.hospital.streams import Streams
from clinsim.intervals import Estimate, of_mean
from clinsim.processes import shared_out
from clinsim.scenario_file import load_scenario
from clinsim.validation.checks import Check, Z, joined, part, unjudged, within
from clinsim.validation.diagnosis import accuracy, cases

PART = "physiology"
STREAMS = Streams(61_000_000)
MIX = "ed_evening"
"""The scenario whose case mix stands for arrivals."""
POINT = 0.01
"""One percentage point: how near the outcomes of a sheet must come."""
SLACK_DEATH, SLACK_DISABILITY = 2e-4, 2e-3
"""Rounding of the steps in which a course is settled."""
LATEST_MINUTES = 600.0
TRIAGE_LIMIT, TESTS_LIMIT = 0.50, 0.92
"""Most that naive Bayes may guess right (requirements on how alike the conditions are)."""
LEAST_DISCRIMINATION = 0.75
"""Least area under the curve (a requirement; from 0.7 on it is called acceptable: Hosmer, Lemeshow, Sturdivant, Applied Logistic Regression 2013)."""


@dataclass(frozen=True, slots=True)
class Delay:
    """A published effect of delay: odds ratio of death per hour, over which hours, of which treatments."""

    condition: str
    treatments: tuple[str, ...]
    hours: tuple[float, float]
    published: float
    low: float
    high: float
    source: str


DELAYS = (
    Delay("septic_shock", ("antibiotic",), (0.0, 6.0), 1.14, 1.06, 1.23, "Liu, Am J Respir Crit Care Med 2017, septic shock"),
    Delay("urosepsis", ("antibiotic",), (0.0, 6.0), 1.09, 1.04, 1.13, "Liu, Am J Respir Crit Care Med 2017, all sepsis"),
    Delay("stemi", ("reperfusion",), (0.5, 3.0), 1.54, 1.35, 1.70, "Rathore, BMJ 2009: 3.0 % at 30 min to 8.4 % at 180 min"),
    Delay("ischaemic_stroke", ("thrombolysis", "thrombectomy"), (1.0, 3.5), 1.18, 1.08, 1.30, "Saver, JAMA 2013: 0.96 for 15 min"),
)


@dataclass(frozen=True, slots=True)
class Effort:
    """How many simulated people each check takes."""

    outcomes: int
    delays: int
    orders: int
    looks: int
    scores: int
    learnt: int
    asked: int


EFFORT = {"full": Effort(4000, 1500, 60, 20, 4000, 12_000, 4000), "quick": Effort(400, 400, 6, 3, 1500, 2500, 800)}


def report(quick: bool = False) -> dict[str, dict[str, Any]]:
    """The part `physiology`.

    Args:
        quick: Fewer simulated people, with room for chance.
    """
    effort = EFFORT["quick" if quick else "full"]
    names = sorted(load_conditions())
    checks = joined(shared_out(partial(of_sheet, effort=effort, quick=quick), names))
    checks += shared_out(partial(of_delay, people=effort.delays), DELAYS)
    return part(PART, [*checks, discrimination(effort.scores), *diagnosis(effort)])


def arrived(condition: Condition, key: str) -> Course:
    """The course of a simulated person who has just arrived."""
    return Course(condition, make_person(STREAMS, key, condition), STREAMS, 0.0)


def of_sheet(name: str, effort: Effort, quick: bool) -> list[Check]:
    """All checks of one sheet."""
    sheet = load_conditions()[name]
    return [
        *_outcomes(sheet, effort.outcomes, quick),
        _lateness(sheet, effort.orders),
        _right_drugs(sheet, effort.orders),
        _looking(sheet, effort.looks),
    ]


# ---------------------------------------------------------------- outcomes


def _outcomes(sheet: Condition, people: int, quick: bool) -> list[Check]:
    persons = (make_person(STREAMS, f"{sheet.id}.{number}", sheet) for number in range(people))
    pairs = [references(sheet, person, STREAMS, 0.0) for person in persons]
    rows = [("p_untreated", [untreated.p_death for untreated, _ in pairs], sheet.p_untreated)]
    rows += [("p_optimal", [optimal.p_death for _, optimal in pairs], sheet.p_optimal)]
    return [_of_estimate(f"{sheet.id}: {name}", of_mean(values), stated.value, quick) for name, values, stated in rows]


def _of_estimate(name: str, found: Estimate, expected: float, quick: bool) -> Check:
    room = POINT + (Z * found.error if quick else 0.0)
    return within(name, found.mean, expected, expected - room, expected + room, error=found.error, n=found.n, group="outcomes")


# ---------------------------------------------------------------- delay and the right drug


def _lateness(sheet: Condition, people: int) -> Check:
    """How often later treatment helped, over people, treatments and pairs of minutes."""
    worse = sum(_helped_by_delay(sheet, treatment.id, f"{sheet.id}.late{number}") for treatment in sheet.treatments for number in range(people))
    return _never(f"{sheet.id}: later treatment helps, cases", worse, people * len(sheet.treatments))


def _helped_by_delay(sheet: Condition, treatment: str, key: str) -> bool:
    early, late = sorted(STREAMS.between(0.0, LATEST_MINUTES, "late", f"{key}.{treatment}", index) for index in (0, 1))
    base = {name: minute for name, minute in on_target(sheet, 0.0).items() if name != treatment}
    course = arrived(sheet, key)
    ends = [planned(course, {**base, treatment: early}), planned(course, {**base, treatment: late}), planned(course, base)]
    return any(_better(later, sooner) for sooner, later in ((ends[0], ends[1]), (ends[1], ends[2])))


def _better(one: Outcome, other: Outcome) -> bool:
    return one.p_death < other.p_death - SLACK_DEATH or one.p_disability < other.p_disability - SLACK_DISABILITY


def _right_drugs(sheet: Condition, people: int) -> Check:
    """How often a treatment of the sheet that is not contraindicated raised the expected loss."""
    given = [(code, f"{sheet.id}.drug{number}") for item in sheet.treatments for code in item.any_of for number in range(people)]
    return _never(f"{sheet.id}: the right drug hurts, cases", sum(_hurt(sheet, code, key) for code, key in given), len(given))


def _hurt(sheet: Condition, code: str, key: str) -> bool:
    course, minute = arrived(sheet, key), STREAMS.between(0.0, LATEST_MINUTES, "drug", key)
    before = outcome(course, minute, None)
    barred = any(what.startswith("harms:") for what in course.treat(code, minute))
    return not barred and outcome(course, minute, None).loss > before.loss + SLACK_DEATH


def _never(name: str, times: int, tried: int) -> Check:
    return within(name, float(times), 0.0, 0.0, 0.0, n=tried, group="never") if tried else unjudged(f"{name}: no treatment", group="never")


def of_delay(delay: Delay, people: int) -> Check:
    """A published odds ratio of death per hour, by logistic regression over simulated people whose other care is on target."""
    sheet = load_conditions()[delay.condition]
    keys = [f"{sheet.id}.delay{number}" for number in range(people)]
    hours = [STREAMS.between(*delay.hours, "delay", key) for key in keys]
    deaths = [
        planned(arrived(sheet, key), {**on_target(sheet, 0.0), **dict.fromkeys(delay.treatments, 60.0 * hour)}).p_death
        for key, hour in zip(keys, hours, strict=True)
    ]
    name = f"{sheet.id}: odds ratio of death per hour of delay of {' and '.join(delay.treatments)}"
    ratio = exp(slope(hours, deaths))
    return within(name, ratio, delay.published, delay.low, delay.high, n=people, source=delay.source, group="delay")


def slope(amounts: Sequence[float], probabilities: Sequence[float]) -> float:
    """The slope of a logistic regression (change of the log odds per unit), by Newton's method.

    Args:
        amounts: What the odds depend on.
        probabilities: Outcomes, 0 to 1.
    """
    design = np.column_stack([np.ones(len(amounts)), np.array(amounts)])
    seen, found = np.array(probabilities), np.array([log(np.mean(probabilities) / (1.0 - np.mean(probabilities))), 0.0])
    for _ in range(30):
        mean = 1.0 / (1.0 + np.exp(-design @ found))
        weighted = design * (mean * (1.0 - mean))[:, None]
        found = found + np.linalg.solve(weighted.T @ design, design.T @ (seen - mean))
    return float(found[1])


# ---------------------------------------------------------------- looking, scores, diagnosis


def _looking(sheet: Condition, people: int) -> Check:
    """How many courses came out otherwise because somebody looked often."""
    changed = sum(_looked_at(sheet, f"{sheet.id}.look{number}", 40) != _looked_at(sheet, f"{sheet.id}.look{number}", 0) for number in range(people))
    return within(f"{sheet.id}: reading changes the truth, cases", float(changed), 0.0, 0.0, 0.0, n=people, group="reading")


def _looked_at(sheet: Condition, key: str, looks: int) -> tuple[object, ...]:
    course = arrived(sheet, key)
    for minute in sorted(STREAMS.between(0.0, LATEST_MINUTES, "look", key, index) for index in range(looks)):
        course.vitals(minute), course.lab("LACTATE", minute), course.ecg(minute), course.dies_by(minute), outcome(course, minute, minute + 60.0)
    for code, minute in (("ceftriaxone", 601.0), ("crystalloid", 603.0)):
        course.treat(code, minute)
    course.advance(1200.0)
    return course.state(), course.vitals(1200.0), outcome(course, 1200.0, None)


def discrimination(people: int) -> Check:
    """The area under the curve of NEWS2 at arrival for death without care, over a case mix."""
    rows = []
    for number in range(people):
        sheet = load_conditions()[STREAMS.pick(tuple(_mix().items()), "news.mix", str(number))]
        course = arrived(sheet, f"news{number}")
        vitals = course.vitals(0.0)
        rr, spo2, sbp, hr, temp, gcs = (vitals[name] for name in ("rr", "spo2", "sbp", "hr", "temp", "gcs"))
        score = news2(rr=rr, spo2=spo2, sbp=sbp, hr=hr, temp=temp, gcs=gcs, on_oxygen=False)
        rows.append((float(score.total), planned(course, {}).p_death))
    area = concordance(rows)
    return within("NEWS2 at arrival, area under the curve for death without care", area, 1.0, LEAST_DISCRIMINATION, 1.0, n=people, group="scores")


def concordance(rows: Sequence[tuple[float, float]]) -> float:
    """The probability that of one who dies and one who survives the former has the higher score; a tie counts half.

    Args:
        rows: Score, and probability of death.
    """
    dying = surviving_below = favourable = 0.0
    by_score: dict[float, list[float]] = {}
    for score, death in rows:
        held = by_score.setdefault(score, [0.0, 0.0])
        held[0] += death
        held[1] += 1.0 - death
    for _, (dead, alive) in sorted(by_score.items()):
        favourable += dead * (surviving_below + 0.5 * alive)
        surviving_below += alive
        dying += dead
    return favourable / (dying * surviving_below)


def diagnosis(effort: Effort) -> list[Check]:
    """How far naive Bayes gets: conditions must be alike at triage, and not fully told apart by all tests."""
    found = cases(load_conditions(), _mix(), STREAMS, effort.learnt + effort.asked)
    early, late = accuracy(found[: effort.learnt], found[effort.learnt :])
    rows = (("naive Bayes guesses right from triage", early, TRIAGE_LIMIT), ("naive Bayes guesses right after every test", late, TESTS_LIMIT))
    return [within(name, share, limit, 0.0, limit, n=effort.asked, group="diagnosis") for name, share, limit in rows]


def _mix() -> dict[str, float]:
    mix = load_scenario(MIX).file.case_mix
    assert mix is not None, "the scenario has arrivals"
    return dict(mix.weights)

"""How the guideline radiologist reads what was measured: limits of the protocol, comparison with before, and how sure it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from math import exp
from typing import Any

from clinsim.agents.protocol_file import Reading, protocols

Looks = Mapping[tuple[str, str], Mapping[str, Any]]
"""What each look has told, by region and window: `measures`, `quality`, and `prior` with the measures of an earlier study."""

UNSEEN = 0.97
"""How sure a report can be at most: something may lie where nobody looked, or hide altogether (assumption)."""
AT_THE_LIMIT, FALLS = 0.35, 2.4
"""Chance that a measure at its limit misleads, and how fast it falls with the distance in blurs. Assumption, fitted in checks/images.py."""


@lru_cache(maxsize=256)
def readings_of(study: str, window: str) -> tuple[Reading, ...]:
    """What is looked for on a kind of study in a window."""
    return tuple(reading for reading in protocols().readings if study in reading.studies and window == reading.window)


@lru_cache(maxsize=64)
def all_of(study: str) -> dict[str, str]:
    """Every finding that is looked for on a kind of study, with the first region in which it may be."""
    named: dict[str, str] = {}
    for look in protocols().looks:
        for region, window in look.views if look.study == study else ():
            for reading in readings_of(study, window):
                if region in protocols().places.get(reading.finding, (region,)):
                    named.setdefault(reading.finding, region)
    return named


def findings(study: str, looks: Looks) -> dict[str, str]:
    """The findings by name, each with its region: where its measure is furthest beyond the limit.

    A finding that is not chronic, and whose measure was beyond the limit in an earlier study already, is anatomy and no finding.

    Args:
        study: Kind of study.
        looks: What was measured.
    """
    hits: dict[str, tuple[float, str]] = {}
    for reading, region, value, before in _values(study, looks):
        old = not reading.chronic and reading.beyond(before)
        if reading.beyond(value) and not old:
            hits[reading.finding] = max(hits.get(reading.finding, (-1.0, region)), (reading.beside(value), region))
    return {name: region for name, (_, region) in hits.items()}


def certainty(study: str, looks: Looks) -> float:
    """How sure a report is that it names all and only what is there: every measure close to its limit takes from it.

    Args:
        study: Kind of study.
        looks: What was measured.
    """
    sure = UNSEEN
    for reading, _, value, _ in _values(study, looks):
        sure *= 1.0 - AT_THE_LIMIT * exp(-FALLS * reading.beside(value))
    return round(min(0.97, max(0.3, sure)), 2)


def _values(study: str, looks: Looks) -> Iterator[tuple[Reading, str, float, float | None]]:
    """Each reading where it may be: region, value, and the value before if there is one."""
    for (region, window), facts in looks.items():
        measures, earlier = facts["measures"], (facts.get("prior") or {}).get("measures", {})
        for reading in readings_of(study, window):
            value = measures.get(reading.measure)
            if value is not None and region in protocols().places.get(reading.finding, (region,)):
                yield reading, region, value, earlier.get(reading.measure)

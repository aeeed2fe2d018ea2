"""Diagnosis by a transparent table: the log-odds of each diagnosis are the sum of what the evidence is worth.

The table stands in `protocols/evidence.yaml`. A clue counts when its criterion holds; what was not asked or measured counts nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from clinsim.agents.criteria import Criterion, Test, compiled
from clinsim.agents.notes import Case
from clinsim.agents.protocol_file import protocols

FLOOR = -30.0
"""Log-odds below the likeliest at which a diagnosis is no longer carried along."""
SPOKEN = ("says ", "denies ", "asked ", "complaint ", "has ")
"""Criteria that change only with what is said, seen or written in the chart: their clues are summed up once until then."""

Weighed = tuple[Test, tuple[tuple[str, float], ...]]


@dataclass(frozen=True, slots=True)
class Table:
    """Prior log-odds by complaint and elsewhere, and the compiled clues: those of words and those of numbers."""

    by_complaint: dict[str, dict[str, float]]
    elsewhere: dict[str, float]
    of_words: tuple[Weighed, ...]
    of_numbers: tuple[Weighed, ...]


@lru_cache(maxsize=1)
def table() -> Table:
    """The evidence table, ready for use."""
    sheet = protocols()
    complaints = sorted({name for disease in sheet.diseases.values() for name in disease.complaints})
    by_complaint = {
        complaint: {name: disease.base + disease.complaints.get(complaint, disease.elsewhere) for name, disease in sheet.diseases.items()}
        for complaint in complaints
    }
    elsewhere = {name: disease.base + disease.elsewhere for name, disease in sheet.diseases.items()}
    words = [clue for clue in sheet.clues if is_spoken(clue.when)]
    numbers = [clue for clue in sheet.clues if not is_spoken(clue.when)]
    of_words, of_numbers = (tuple((compiled(c.when, worst=True), tuple(c.worth.items())) for c in part) for part in (words, numbers))
    return Table(by_complaint, elsewhere, of_words, of_numbers)


def is_spoken(criterion: Criterion | Iterable[Criterion]) -> bool:
    """Whether a criterion rests on words alone."""
    if isinstance(criterion, str):
        return criterion.startswith(SPOKEN)
    inner = criterion.values() if isinstance(criterion, dict) else criterion
    return all(is_spoken(one) for one in inner)


def chances(case: Case) -> dict[str, float]:
    """The probability of each diagnosis on what is known of `case`, most likely first; they sum to 1."""
    if case.spoken is None:
        known = table()
        case.spoken = _added(dict(known.by_complaint.get(case.row.get("complaint", ""), known.elsewhere)), known.of_words, case)
    odds = _added(dict(case.spoken), table().of_numbers, case)
    highest = max(odds.values())
    weights = {name: math.exp(value - highest) for name, value in odds.items() if value - highest > FLOOR}
    total = math.fsum(weights.values())
    return {name: weights[name] / total for name in sorted(sorted(weights), key=weights.__getitem__, reverse=True)}


def _added(odds: dict[str, float], clues: Iterable[Weighed], case: Case) -> dict[str, float]:
    for holds, worth in clues:
        if holds(case):
            for name, value in worth:
                odds[name] += value
    return odds


def differential(case: Case, least: float = 0.02) -> dict[str, float]:
    """What would be written down: diagnoses of at least `least`, rounded to a per cent, never above 1 together."""
    listed = {name: math.floor(chance * 100) / 100 for name, chance in case.chances.items() if chance >= least}
    return {name: share for name, share in listed.items() if share > 0}

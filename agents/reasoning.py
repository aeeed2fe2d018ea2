"""Diagnosis by a transparent table: the log-odds of each diagnosis are the sum of what the evidence is worth.

The table stands in `protocols/evidence.yaml`. A clue counts when its criterion holds; what was not asked or measured counts nothing.
"""

from __future__ import annotations

import math
from functools import lru_cache

from clinsim.agents.criteria import Test, compiled
from clinsim.agents.notes import Case
from clinsim.agents.protocol_file import protocols

_FLOOR = -30.0
"""Log-odds below which a diagnosis is no longer carried along."""


@lru_cache(maxsize=1)
def _table() -> tuple[dict[str, dict[str, float]], dict[str, float], tuple[tuple[Test, dict[str, float]], ...]]:
    """Log-odds by complaint and diagnosis, those elsewhere, and the compiled clues."""
    sheet = protocols()
    complaints = sorted({name for disease in sheet.diseases.values() for name in disease.complaints})
    by_complaint = {
        complaint: {name: disease.base + disease.complaints.get(complaint, disease.elsewhere) for name, disease in sheet.diseases.items()}
        for complaint in complaints
    }
    elsewhere = {name: disease.base + disease.elsewhere for name, disease in sheet.diseases.items()}
    return by_complaint, elsewhere, tuple((compiled(clue.when, worst=True), clue.worth) for clue in sheet.clues)


def chances(case: Case) -> dict[str, float]:
    """The probability of each diagnosis on what is known of `case`, most likely first; they sum to 1."""
    by_complaint, elsewhere, clues = _table()
    odds = dict(by_complaint.get(case.row.get("complaint", ""), elsewhere))
    for holds, worth in clues:
        if holds(case):
            for name, value in worth.items():
                odds[name] += value
    highest = max(odds.values())
    weights = {name: math.exp(value - highest) for name, value in odds.items() if value - highest > _FLOOR}
    total = math.fsum(weights.values())
    return {name: weights[name] / total for name in sorted(weights, key=lambda name: (-weights[name], name))}


def differential(case: Case, least: float = 0.02) -> dict[str, float]:
    """What would be written down: diagnoses of at least `least`, rounded to a per cent, never above 1 together."""
    listed = {name: math.floor(chance * 100) / 100 for name, chance in case.chances.items() if chance >= least}
    return {name: share for name, share in listed.items() if share > 0}

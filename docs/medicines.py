"""The generated parts of the page on the pharmacy, made from the checklist and the formulary."""

from __future__ import annotations

from collections import Counter

import tables

from clinsim.formulary_file import TIERS
from clinsim.hospital.checklist import CHECKLIST, POINTS
from clinsim.hospital.safety import load_formulary

TIER_WORDS = {
    "contraindicated": ("serious", "must not be given together"),
    "major": ("significant", "worth a query: change, replace or watch closely"),
    "moderate": ("note", "known, watched, does not interrupt"),
    "suppressed": ("note", "of no weight: the alert that a good pharmacist passes"),
}


def checklist() -> str:
    """Every check by its point, with the codes that it returns and the gravest severity that costs anything."""
    priced = load_formulary().losses.by_code
    rows = []
    for point, words in POINTS.items():
        for check in (check for check in CHECKLIST if check.point == point):
            for code in check.codes:
                costs = priced.get(code)
                rows.append(
                    (
                        f"{point} {words}",
                        f"`{code}`",
                        check.asks,
                        "notes only" if costs is None else f"{costs['significant']:g} / {costs['serious']:g}",
                    )
                )
    return tables.table(("point", "code", "what is asked", "loss if significant / serious"), rows)


def tiers() -> str:
    """Tiers of interactions, how many rows have each, and what they mean for the pharmacist."""
    counted = Counter(row.tier for row in load_formulary().interactions)
    return tables.table(
        ("tier", "severity", "rows", "what it means"), [(f"`{tier}`", TIER_WORDS[tier][0], counted[tier], TIER_WORDS[tier][1]) for tier in TIERS]
    )


def formulary() -> str:
    """Drugs by group."""
    groups: dict[str, list[str]] = {}
    for drug in load_formulary().drugs.values():
        groups.setdefault(drug.group, []).append(f"{drug.name}{'*' if drug.high_alert else ''}")
    return tables.table(("group", "drugs (* high-alert)"), [(f"`{group}`", ", ".join(names)) for group, names in sorted(groups.items())])

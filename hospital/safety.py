"""Safety of drug orders: review by the checklist, interactions of pairs, alternatives, and the slips of prescribers.

All pure and deterministic. The same review tells a pharmacist about what is charted and the hospital's truth about what
is so: only the facts differ.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from clinsim.data_file import checked, read_folder
from clinsim.formulary_file import SEVERITIES, SEVERITY_OF_TIER, Drug, Formulary, Severity, Tier
from clinsim.hospital.checklist import looks_at
from clinsim.hospital.drug_facts import AS_USUAL, Directions, Finding, PatientFacts, Proposal, gravest_row

__all__ = [
    "Directions",
    "Finding",
    "PairRecord",
    "PatientFacts",
    "alternatives",
    "in_unit_of",
    "interaction",
    "is_significant",
    "load_formulary",
    "review",
    "total_loss",
    "worst",
]

MULTIPLES: dict[str, tuple[str, float]] = {
    "mcg": ("g", 1e-6),
    "ug": ("g", 1e-6),
    "µg": ("g", 1e-6),
    "mg": ("g", 1e-3),
    "g": ("g", 1.0),
    "ml": ("l", 1e-3),
    "l": ("l", 1.0),
    "mmol": ("mmol", 1.0),
    "unit": ("units", 1.0),
    "units": ("units", 1.0),
    "iu": ("units", 1.0),
    "units/min": ("units/min", 1.0),
    "tablet": ("tablet", 1.0),
    "tablets": ("tablet", 1.0),
    "mcg/kg/min": ("g/kg/min", 1e-6),
    "ug/kg/min": ("g/kg/min", 1e-6),
    "µg/kg/min": ("g/kg/min", 1e-6),
    "mg/kg/min": ("g/kg/min", 1e-3),
}
"""Units in lower case, with what they are multiples of."""


@dataclass(frozen=True, slots=True)
class PairRecord:
    """What the knowledge base says of two drugs; where it says nothing, `known` is False, and that means no safety."""

    a: str
    b: str
    known: bool
    tier: Tier | None
    severity: Severity | None
    text: str
    source: str


@lru_cache(maxsize=1)
def load_formulary() -> Formulary:
    """The formulary of the house.

    Raises:
        ScenarioError: The file is wrong; the message names file, field and what is allowed.
    """
    return checked(Formulary, read_folder("formulary"), "formulary")


def review(
    drug: Drug, dose: float, unit: str, route: str, patient: PatientFacts, formulary: Formulary, directions: Directions = AS_USUAL
) -> tuple[Finding, ...]:
    """All findings on an order, the gravest first; within one severity in the order of the checklist.

    Args:
        drug: What is ordered.
        dose: Single dose in `unit`.
        unit: Unit as ordered; one that can be converted is converted.
        route: How it is to be given.
        patient: The facts to judge by: what is charted, or what is so.
        formulary: The knowledge to judge with.
        directions: Over how many minutes and for how many days, if the order says so.
    """
    proposal = Proposal(drug, in_unit_of(drug, dose, unit), unit, route, patient, formulary, directions)
    found = [finding for look in looks_at(drug.speaks_of, patient.speaks_of) for finding in look(proposal)]
    return tuple(sorted(found, key=lambda finding: -SEVERITIES.index(finding.severity)))


def worst(findings: Iterable[Finding]) -> Severity | None:
    """The gravest severity among the findings; None if there are none."""
    return max((finding.severity for finding in findings), key=SEVERITIES.index, default=None)


def is_significant(findings: Iterable[Finding]) -> bool:
    """Whether the order should not pass as it stands."""
    return any(finding.severity != "note" for finding in findings)


def total_loss(findings: Iterable[Finding]) -> float:
    """Expected utility loss at 30 days of all findings together, taken as independent events; 0 to 1."""
    return 1.0 - math.prod(1.0 - finding.harm_loss for finding in findings)


def in_unit_of(drug: Drug, dose: float, unit: str) -> float | None:
    """`dose` in the drug's own unit; None if `unit` measures something else."""
    if unit == drug.unit:
        return dose
    base, factor = MULTIPLES.get(unit.strip().lower(), ("", 1.0))
    own_base, own_factor = MULTIPLES[drug.unit.lower()]
    return dose * factor / own_factor if base == own_base else None


def interaction(a: str, b: str, formulary: Formulary | None = None, facts: PatientFacts | None = None) -> PairRecord:
    """What the knowledge base says of two drugs or classes: its gravest row on them, or that it has none.

    Args:
        a: A drug (generic or brand) or a class.
        b: Another.
        formulary: The knowledge; that of the house if none is given.
        facts: Of the patient; without them, conditions of a row count as met.
    """
    held = gravest_row(a, b, formulary or load_formulary(), facts)
    if held is None:
        text = f"{a} with {b} is not in the knowledge base; that does not mean safe"
        return PairRecord(a, b, False, None, None, text, "")
    tier, row = held
    return PairRecord(a, b, True, tier, SEVERITY_OF_TIER[tier], row.text, row.source)


def alternatives(drug: Drug, facts: PatientFacts, formulary: Formulary) -> tuple[str, ...]:
    """Drugs of the same group whose usual dose this patient could have with no more than notes."""
    others = [other for other in formulary.groups[drug.group] if other.name != drug.name]
    return tuple(other.name for other in others if _is_harmless(other, facts, formulary))


def _is_harmless(drug: Drug, facts: PatientFacts, formulary: Formulary) -> bool:
    route = drug.routes[0]
    dose = drug.usual(route, facts.weight_kg)
    return dose is not None and not is_significant(review(drug, dose, drug.unit, route, facts, formulary))

"""Bodies shared by the static domains in which drugs are looked up or ordered by the names that charts use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from clinsim.errors import ToolError
from clinsim.hospital.drug_checks import INTOLERANCES
from clinsim.hospital.drug_facts import Finding, PatientFacts, gravest_row
from clinsim.hospital.records.clinical import PairAdvice
from clinsim.hospital.records.drug_names import allergen_of, allergic_to, known_as, meant_by, same_drug
from clinsim.hospital.records.world import RecordWorld
from clinsim.hospital.safety import load_formulary, review
from clinsim.hospital.tools.checks import knowledge, shown

DOSE = re.compile(r"^\s*(\d+(?:[.,]\d+)?)\s*([a-zµA-Z/]+)")
ROUTES = {
    "po": "oral",
    "by mouth": "oral",
    "intravenous": "iv",
    "intramuscular": "im",
    "subcutaneous": "sc",
    "sublingual": "sl",
    "inhaled": "neb",
    "nebulized": "neb",
    "rectal": "pr",
}
"""Ways of giving a drug as charts call them."""
NOT_KNOWN = "unknown"
HOUSE = "formulary of the house"


class Pair(Protocol):
    """A record of two drugs."""

    @property
    def drug_a(self) -> str:
        """The one."""
        ...

    @property
    def drug_b(self) -> str:
        """The other."""
        ...


P = TypeVar("P", bound=Pair)


@dataclass(frozen=True, slots=True)
class PairAnswer:
    """What is known of two drugs together; severity `unknown` means that nothing is known, not that they are safe."""

    drug_a: str
    drug_b: str
    severity: str
    description: str
    recommendation: str
    source: str
    mechanism: str = ""


def recorded(rows: Iterable[P], drug_a: str, drug_b: str) -> P | None:
    """The row on two drugs, in either order and under any of their names; None if there is none."""
    for row in rows:
        straight = same_drug(row.drug_a, drug_a) and same_drug(row.drug_b, drug_b)
        if straight or (same_drug(row.drug_a, drug_b) and same_drug(row.drug_b, drug_a)):
            return row
    return None


def house_answer(drug_a: str, drug_b: str) -> PairAnswer:
    """What the formulary of the house knows of two drugs, or that it knows nothing."""
    first, second = known_as(drug_a), known_as(drug_b)
    held = gravest_row(first.name if first else drug_a, second.name if second else drug_b, load_formulary(), None)
    if held is None:
        nothing = f"{drug_a} with {drug_b} is not in the knowledge base; that does not mean safe"
        return PairAnswer(drug_a, drug_b, NOT_KNOWN, nothing, "Look it up elsewhere or ask a pharmacist before giving both.", "none")
    tier, row = held
    advice = {"contraindicated": "Do not give both.", "major": "Avoid, or monitor closely and say why."}
    text = row.management or advice.get(tier, "Give and monitor.")
    return PairAnswer(drug_a, drug_b, tier, row.text, text, f"{HOUSE}: {row.source}", row.mechanism)


def refuse_drug(drug_name: str, allergies: Sequence[tuple[str, str]]) -> None:
    """Refuse a drug to which the patient is allergic, and a name that is nearly that of a drug.

    Args:
        drug_name: As written.
        allergies: Allergen and reaction, as charted.

    Raises:
        ToolError: The drug, or its kind, is among the allergies; or its name is probably misspelt.
    """
    hit = allergic_to(drug_name, allergies, load_formulary())
    if hit is not None:
        raise ToolError(f"{drug_name} is blocked: allergy to {hit[0]} ({hit[1]}); choose a drug of another kind")
    meant = meant_by(drug_name)
    if meant is not None:
        raise ToolError(f"unknown drug {shown(drug_name)}; did you mean {meant.name.replace('_', ' ')}?")


def pairs_against(drug_name: str, current: Iterable[str], rows: Sequence[PairAdvice]) -> tuple[str, ...]:
    """What the rows of a database say of a drug beside those that the patient takes, in words."""
    hits = (recorded(rows, drug_name, name) for name in current if not same_drug(name, drug_name))
    return tuple(f"{row.severity}: {row.drug_a} with {row.drug_b}: {row.description}" for row in hits if row is not None)


def warnings_on(world: RecordWorld, drug_name: str, dosage: str, route: str, facts: PatientFacts) -> tuple[str, ...]:
    """What the checklist of the house finds on an order in words; a drug or dose that it cannot read is said to be unchecked.

    Args:
        world: Knows the formulary.
        drug_name: As written.
        dosage: As written, for example `1000mg`.
        route: As written.
        facts: Of the patient.
    """
    drug, dose = known_as(drug_name), DOSE.match(dosage)
    if drug is None:
        return (f"{drug_name} is not in the formulary: interactions and dose are unchecked",)
    current = tuple(other.name if (other := known_as(name)) else name for name in facts.current_drugs)
    known = replace(facts, current_drugs=current, allergies=tuple(_allergy(entry) for entry in facts.allergies))
    way = route.strip().lower()
    amount, unit = (float(dose[1].replace(",", ".")), dose[2]) if dose else (0.0, drug.unit)
    found = review(drug, amount, unit, ROUTES.get(way, way), known, knowledge(world).formulary)
    return tuple(_said(finding) for finding in found if dose or finding.code != "UNDERDOSE") + (() if dose else ("dose is not readable: unchecked",))


def _allergy(entry: str) -> str:
    """An allergy as the checklist takes it, the reaction after a colon."""
    allergen, colon, reaction = entry.partition(":")
    return f"{allergen_of(allergen)}{colon}{reaction}"


def with_reaction(allergen: str, reaction: str) -> str:
    """An allergy as charted, with its reaction where that makes it an intolerance: `amoxicillin:nausea`."""
    mild = next((word for word in reaction.lower().split() if word in INTOLERANCES), "")
    return f"{allergen}:{mild}" if mild else allergen


def _said(finding: Finding) -> str:
    return f"{finding.severity}: {finding.text}"

"""A dose for one patient: the usual one by weight, lowered for the kidneys, with what still speaks against it.

The bands are those of the formulary; what they say in words (another interval, a level) stays in words.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

from clinsim.formulary_file import Dose, Drug, Formulary, Route
from clinsim.hospital.drug_facts import PatientFacts
from clinsim.hospital.safety import review


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A single dose in the drug's unit (None: no dose can be given, or the weight is not known) and what it rests on.

    `every_hours` is the usual time between doses, `over_minutes` the shortest infusion, `daily_max` the most of a day. `because` says in words
    what changed the dose, `against` what a review still finds worth a query.
    """

    drug: str
    route: Route
    dose: float | None
    unit: str
    every_hours: float | None
    over_minutes: float | None
    daily_max: float | None
    because: tuple[str, ...]
    against: tuple[str, ...]


def suggest(drug: Drug, route: Route, facts: PatientFacts, formulary: Formulary) -> Suggestion:
    """The dose of `drug` by `route` for a patient.

    Args:
        drug: A drug of the formulary that is given by this route.
        route: How it is to be given.
        facts: What is known of the patient.
        formulary: The knowledge to judge with.
    """
    rule = drug.doses[route]
    amount, because = _by_kidney(drug, rule, facts)
    found = () if amount is None else review(drug, amount, drug.unit, route, facts, formulary)
    minutes = [limit.minutes(amount or 0.0) for limit in drug.rates if limit.route == route]
    return Suggestion(
        drug.name,
        route,
        amount,
        drug.unit,
        drug.every_hours,
        max(minutes, default=None),
        drug.daily_max,
        because,
        tuple(f"{finding.code}: {finding.text}" for finding in found if finding.severity != "note"),
    )


def _by_kidney(drug: Drug, rule: Dose, facts: PatientFacts) -> tuple[float | None, tuple[str, ...]]:
    usual = rule.within(rule.usual, facts.weight_kg)
    if usual is None:
        return None, ("the dose goes by weight, and the weight is not known",)
    because = (f"{rule.usual:g} {drug.unit}/kg at {facts.weight_kg:g} kg",) if rule.per_kg else ("usual dose of an adult",)
    if facts.egfr is None:
        return _rounded(usual), (*because, *(("filtration rate is not known",) if drug.renal else ()))
    band = drug.renal_band(facts.egfr)
    if band is None:
        return _rounded(usual), because
    words = f"filtration rate {facts.egfr:.0f} is below {band.below:g}: {band.text}"
    if band.action == "avoid":
        return None, (*because, words)
    return _rounded(usual * (band.fraction if band.action == "reduce" else 1.0)), (*because, words)


def _rounded(amount: float) -> float:
    """Down to a thousandth: never beyond the largest dose."""
    return floor(amount * 1000.0 + 1e-6) / 1000.0

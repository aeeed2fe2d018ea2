"""Checks of the patient: allergy, duplication, interactions, diseases, kidney, liver, pregnancy, age. One small function each.

What is known stands in `scenarios/formulary/`; `checklist.py` joins them in a table with those of the order.
"""

from __future__ import annotations

from collections.abc import Iterator

from clinsim.formulary_file import SEVERITY_OF_TIER, Combination, CrossReaction, Drug, RenalBand, Severity
from clinsim.hospital.drug_facts import ROUNDING, Finding, Proposal, allergens, gravest_of, holds

INTOLERANCES = frozenset({"intolerance", "nausea", "vomiting", "diarrhoea", "upset"})
"""Reactions that are no allergy. Source: Khan, JACI 2022 (history first)."""
SEVERE_DELAYED = frozenset({"severe_delayed", "sjs", "dress"})
"""Reactions after which a whole class, and what crosses with it, is out. Source: Khan, JACI 2022."""
LIVER_DISEASE = frozenset({"cirrhosis", "liver_failure", "acute_liver_failure", "hepatitis", "variceal_bleed"})
"""Charted problems that count as a failing liver (assumption)."""
ADULT_FROM = 16.0
"""Years from which adult doses hold (assumption)."""


def allergy(order: Proposal) -> Iterator[Finding]:
    """Allergies that are charted, direct and crossing, by the reaction."""
    for entry in order.facts.allergies:
        names, reaction = allergens(entry, order.formulary)
        if set(names) & set(order.drug.allergens):
            severity: Severity = "note" if reaction in INTOLERANCES else "serious"
            yield order.found("ALLERGY", severity, f"allergy to {entry}: {order.drug.name} is one of its kind")
        else:
            yield from _crossed(order, entry, names, reaction)


def _crossed(order: Proposal, entry: str, names: tuple[str, ...], reaction: str) -> Iterator[Finding]:
    for row in order.formulary.cross_reactions:
        if row.allergy in names and row.to in order.drug.allergens:
            severity = _severity_of_cross(row, reaction)
            yield order.found("ALLERGY", severity, f"allergy to {entry}: {row.text}", row.source)


def _severity_of_cross(row: CrossReaction, reaction: str) -> Severity:
    if reaction in INTOLERANCES:
        return "note"
    return "serious" if reaction in SEVERE_DELAYED and row.risk > 0.0 else row.severity


def duplicate(order: Proposal) -> Iterator[Finding]:
    """A drug of the same kind that the patient has already."""
    drug = order.drug
    for _, other, twins, _ in order.formulary.beside(drug, order.facts.current_drugs):
        if other is None or (other.name == drug.name and other.repeatable):
            continue
        if twins is not None:
            yield order.found("DUPLICATE", twins.severity, f"{twins.text}: {drug.name} and {other.name}", twins.source)
        elif other.name == drug.name:
            yield order.found("DUPLICATE", "note", f"{drug.name} is already being given")


def interactions(order: Proposal) -> Iterator[Finding]:
    """What the knowledge base holds on the drug with each of the others."""
    drug = order.drug
    for name, other, _, rows in order.formulary.beside(drug, order.facts.current_drugs):
        if other is None:
            yield order.found("UNKNOWN", "note", f"{name} is not in the knowledge base; that does not mean safe")
        elif other.name != drug.name and rows:
            tier, row = gravest_of(rows, drug.tokens, order.facts, order.amount)
            text = f"{drug.name} with {other.name} ({tier}): {row.text}"
            yield order.found("INTERACTION", SEVERITY_OF_TIER[tier], text, row.source, row.loss)


def cautions(order: Proposal) -> Iterator[Finding]:
    """Diseases, results, age and dose that speak against the drug."""
    for caution in order.drug.cautions:
        concerns = not caution.routes or order.route in caution.routes
        if concerns and holds(caution.when, order.facts, order.amount):
            yield order.found(caution.code, caution.severity, caution.text, loss=caution.loss)


def pregnancy(order: Proposal) -> Iterator[Finding]:
    """Pregnancy."""
    if order.facts.pregnant and order.drug.pregnancy != "allowed":
        severity: Severity = "significant" if order.drug.pregnancy == "avoid" else "note"
        yield order.found("PREGNANCY", severity, f"{order.drug.name} in pregnancy: {order.drug.pregnancy}")


def renal(order: Proposal) -> Iterator[Finding]:
    """The band of the filtration rate."""
    egfr = order.facts.egfr
    if egfr is None:
        if order.drug.renal:
            yield order.found("RENAL", "note", "filtration rate is not known; the dose depends on it")
        return
    band = order.drug.renal_band(egfr)
    if band is not None and _concerns(band, order):
        severity: Severity = "note" if band.action == "interval" else band.severity
        text = f"filtration rate {egfr:.0f} is below {band.below:g}: {band.action}; {band.text}"
        yield order.found("RENAL", severity, text)


def _concerns(band: RenalBand, order: Proposal) -> bool:
    if band.action != "reduce":
        return True
    usual = order.drug.usual(order.route, order.facts.weight_kg)
    return usual is not None and order.amount is not None and order.amount > band.fraction * usual * ROUNDING


def combinations(order: Proposal) -> Iterator[Finding]:
    """Three drugs that are too much together, the ordered one among them."""
    for row in order.formulary.joined[order.drug.name]:
        joined = _joined(row, order, order.others)
        if joined and (row.when is None or holds(row.when, order.facts)):
            yield order.found("COMBINATION", row.severity, f"{row.text}: {', '.join(joined)}", row.source)


def _joined(row: Combination, order: Proposal, others: tuple[Drug, ...]) -> tuple[str, ...]:
    """Names of drugs, the ordered one first, of which each stands for one of the classes of the row; empty if there are none."""
    for place, name in enumerate(row.classes):
        if name in order.drug.tokens:
            rest = _stand_for((*row.classes[:place], *row.classes[place + 1 :]), others)
            if rest is not None:
                return (order.drug.name, *rest)
    return ()


def _stand_for(classes: tuple[str, ...], drugs: tuple[Drug, ...]) -> tuple[str, ...] | None:
    if not classes:
        return ()
    for drug in drugs:
        if classes[0] in drug.tokens:
            rest = _stand_for(classes[1:], tuple(other for other in drugs if other is not drug))
            if rest is not None:
                return (drug.name, *rest)
    return None


def hepatic(order: Proposal) -> Iterator[Finding]:
    """What the liver of the patient does to the drug, or the drug to the liver."""
    rule = order.drug.hepatic
    if rule.action == "allowed":
        return
    sick = sorted(LIVER_DISEASE & set(order.facts.problems))
    if sick:
        severity: Severity = rule.severity if rule.action == "avoid" else "note"
        yield order.found("HEPATIC", severity, f"{', '.join(sick)}: {rule.action}; {rule.text}")


def lactation(order: Proposal) -> Iterator[Finding]:
    """Breast feeding."""
    if order.facts.lactating and order.drug.lactation != "allowed":
        severity: Severity = "significant" if order.drug.lactation == "avoid" else "note"
        yield order.found("LACTATION", severity, f"{order.drug.name} in breast feeding: {order.drug.lactation}")


def paediatric(order: Proposal) -> Iterator[Finding]:
    """Doses of the formulary are for adults."""
    if order.facts.age is not None and order.facts.age < ADULT_FROM:
        yield order.found("PAEDIATRIC", "significant", f"{order.facts.age:g} years: the doses of the formulary are for adults", "assumption")

"""The checklist for a drug order: one small function per check, joined in a table, each finding with a code.

Source: the order-verification checklist of clinical pharmacy (allergy, duplication, interaction, disease, dose, kidney,
pregnancy, age, route, laboratory values, high-alert drugs); what is known stands in `scenarios/formulary/`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from clinsim.formulary_file import SEVERITY_OF_TIER, CrossReaction, Drug, RenalBand, Severity
from clinsim.hospital.drug_facts import ROUNDING, Finding, Proposal, allergens, gravest_row, holds

INTOLERANCES = frozenset({"intolerance", "nausea", "vomiting", "diarrhoea", "upset"})
"""Reactions that are no allergy. Source: Khan, JACI 2022 (history first)."""
SEVERE_DELAYED = frozenset({"severe_delayed", "sjs", "dress"})
"""Reactions after which a whole class, and what crosses with it, is out. Source: Khan, JACI 2022."""
SERIOUS_RATIO, SERIOUS_RATIO_HIGH_ALERT = 3.0, 1.5
"""Multiples of the largest single dose from which an overdose is serious (assumption)."""
FAR_BELOW = 0.5
"""Share of the least dose below which a dose is significant (assumption)."""


# ---------------------------------------------------------------- what the patient brings


def _allergy(order: Proposal) -> Iterator[Finding]:
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


def _duplicate(order: Proposal) -> Iterator[Finding]:
    for name in dict.fromkeys(order.facts.current_drugs):
        other = order.formulary.find(name)
        if other is not None and not (other.name == order.drug.name and other.repeatable):
            yield from _twice(order, other)


def _twice(order: Proposal, other: Drug) -> Iterator[Finding]:
    drug = order.drug
    gravest = order.formulary.doubled(drug, other)
    if gravest is not None:
        text = f"{gravest.text}: {drug.name} and {other.name}"
        yield order.found("DUPLICATE", gravest.severity, text, gravest.source)
    elif other.name == drug.name:
        yield order.found("DUPLICATE", "note", f"{drug.name} is already being given")


def _interactions(order: Proposal) -> Iterator[Finding]:
    for name in dict.fromkeys(order.facts.current_drugs):
        other = order.formulary.find(name)
        if other is None:
            yield order.found("UNKNOWN", "note", f"{name} is not in the knowledge base; that does not mean safe")
        elif other.name != order.drug.name:
            yield from _between(order, other)


def _between(order: Proposal, other: Drug) -> Iterator[Finding]:
    held = gravest_row(order.drug.name, other.name, order.formulary, order.facts, order.amount)
    if held is not None:
        tier, row = held
        text = f"{order.drug.name} with {other.name} ({tier}): {row.text}"
        yield order.found("INTERACTION", SEVERITY_OF_TIER[tier], text, row.source, row.loss)


def _cautions(order: Proposal) -> Iterator[Finding]:
    for caution in order.drug.cautions:
        concerns = not caution.routes or order.route in caution.routes
        if concerns and holds(caution.when, order.facts, order.amount):
            yield order.found(caution.code, caution.severity, caution.text, loss=caution.loss)


def _pregnancy(order: Proposal) -> Iterator[Finding]:
    if order.facts.pregnant and order.drug.pregnancy != "allowed":
        severity: Severity = "significant" if order.drug.pregnancy == "avoid" else "note"
        yield order.found("PREGNANCY", severity, f"{order.drug.name} in pregnancy: {order.drug.pregnancy}")


def _requires(order: Proposal) -> Iterator[Finding]:
    missing = [name for name in order.drug.requires if name not in order.facts.results]
    if missing:
        yield order.found("LAB_MISSING", "note", f"not known: {', '.join(missing)}")


# ---------------------------------------------------------------- how the order is written


def _unit(order: Proposal) -> Iterator[Finding]:
    name, own = order.drug.name, order.drug.unit
    if order.amount is None:
        text = f"{order.unit or 'no unit'} is no unit of {name}; it is ordered in {own}"
        yield order.found("UNIT", order.slip_of_form, text)
    elif order.unit != own:
        yield order.found("CONVERTED", "note", f"ordered in {order.unit}, the formulary has {own}")


def _route(order: Proposal) -> Iterator[Finding]:
    drug = order.drug
    if order.route not in drug.doses:
        text = f"{drug.name} is not given by {order.route or 'no route'}; allowed {', '.join(drug.routes)}"
        yield order.found("ROUTE", order.slip_of_form, text)


def _dose(order: Proposal) -> Iterator[Finding]:
    rule = order.drug.dose_by(order.route)
    if rule is None or order.amount is None:
        return
    low, high = (rule.within(bound, order.facts.weight_kg) for bound in (rule.low, rule.high))
    if low is None or high is None:
        yield order.found("WEIGHT", "note", "weight is not known; a dose per kg cannot be checked")
    elif order.amount > high * ROUNDING:
        yield _overdose(order, order.amount, high)
    elif not order.amount * ROUNDING >= low:  # so that a dose that is no number is caught, too
        severity: Severity = "note" if order.amount >= FAR_BELOW * low else "significant"
        yield order.found("UNDERDOSE", severity, f"{order.amount:g} {order.drug.unit} is less than {low:g}")


def _overdose(order: Proposal, amount: float, high: float) -> Finding:
    limit = SERIOUS_RATIO_HIGH_ALERT if order.drug.high_alert else SERIOUS_RATIO
    severity: Severity = "serious" if amount >= limit * high else "significant"
    text = f"{amount:g} {order.drug.unit} is {amount / high:.1f} times the largest single dose of {high:g}"
    return order.found("OVERDOSE", severity, text)


def _renal(order: Proposal) -> Iterator[Finding]:
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


def _high_alert(order: Proposal) -> Iterator[Finding]:
    if order.drug.high_alert:
        text = "high-alert drug: second check at the bedside"
        yield order.found("HIGH_ALERT", "note", text, "ISMP high-alert list 2024")


CHECKS: tuple[Callable[[Proposal], Iterator[Finding]], ...] = (
    _allergy,
    _duplicate,
    _interactions,
    _cautions,
    _unit,
    _route,
    _dose,
    _renal,
    _pregnancy,
    _requires,
    _high_alert,
)
"""The checklist, in the order in which findings of one severity are reported."""

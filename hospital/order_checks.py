"""Checks of the order: who and why, dose, route, rate, what must be known first, monitoring, the vein, duration. One small function each.

`checklist.py` joins them in a table with the checks of the patient.
"""

from __future__ import annotations

from collections.abc import Iterator

from clinsim.formulary_file import Coverage, Drug, RateLimit, Severity
from clinsim.hospital.drug_facts import ROUNDING, Finding, Proposal

SERIOUS_RATIO, SERIOUS_RATIO_HIGH_ALERT = 3.0, 1.5
"""Multiples of the largest single dose from which an overdose is serious (assumption)."""
FAR_BELOW = 0.5
"""Share of the least dose below which a dose is significant (assumption)."""
FERTILE_YEARS = (12.0, 50.0)
"""Years of age in which a pregnancy is thought of before a drug that harms it (assumption)."""
LONG_QTC, VERY_LONG_QTC = 470.0, 500.0
"""Milliseconds. Source: AHA/ACC 2010 prevention of torsades in hospital (from 500 ms the risk rises steeply)."""


def identity(order: Proposal) -> Iterator[Finding]:
    """Age and weight are charted."""
    missing = [name for name, value in (("age", order.facts.age), ("weight", order.facts.weight_kg)) if value is None]
    if missing:
        yield order.found("IDENTITY", "note", f"not charted: {', '.join(missing)}", "assumption")


def unit(order: Proposal) -> Iterator[Finding]:
    """The unit is one of the drug."""
    name, own = order.drug.name, order.drug.unit
    if order.amount is None:
        text = f"{order.unit or 'no unit'} is no unit of {name}; it is ordered in {own}"
        yield order.found("UNIT", order.slip_of_form, text)
    elif order.unit != own:
        yield order.found("CONVERTED", "note", f"ordered in {order.unit}, the formulary has {own}")


def route(order: Proposal) -> Iterator[Finding]:
    """The drug is given that way."""
    drug = order.drug
    if order.route not in drug.doses:
        text = f"{drug.name} is not given by {order.route or 'no route'}; allowed {', '.join(drug.routes)}"
        yield order.found("ROUTE", order.slip_of_form, text)


def dose(order: Proposal) -> Iterator[Finding]:
    """The single dose, by weight where it goes by weight."""
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


def daily_dose(order: Proposal) -> Iterator[Finding]:
    """What was given in the last day and this dose, against the most of a day."""
    most, before = order.drug.daily_max, order.facts.given_today.get(order.drug.name, 0.0)
    if most is None or order.amount is None or not before:
        return
    total = before + order.amount
    if total > most * ROUNDING:
        severity: Severity = "serious" if total >= SERIOUS_RATIO * most else "significant"
        yield order.found("DAILY_DOSE", severity, f"{total:g} {order.drug.unit} in 24 h with this dose; at most {most:g}")


def indication(order: Proposal) -> Iterator[Finding]:
    """A reason to treat is charted."""
    if order.facts.reasons is not None and not order.facts.reasons:
        text = f"no reason is charted; {order.drug.name} is for {', '.join(order.drug.uses[:3]) or 'what its label says'}"
        yield order.found("INDICATION", "note", text, "assumption")


def rate(order: Proposal) -> Iterator[Finding]:
    """How fast it may run in."""
    for limit in order.drug.rates:
        if limit.route == order.route and order.amount is not None:
            yield from _too_fast(order, limit, limit.minutes(order.amount))


def _too_fast(order: Proposal, limit: RateLimit, least: float) -> Iterator[Finding]:
    stated = order.directions.over_minutes
    if stated is None:
        yield order.found("RATE", "note", f"over at least {least:.0f} min; {limit.text}")
    elif stated * ROUNDING < least:
        severity: Severity = "serious" if order.drug.high_alert else "significant"
        yield order.found("RATE", severity, f"{stated:g} min is too fast: at least {least:.0f} min; {limit.text}")


def requires(order: Proposal) -> Iterator[Finding]:
    """Analytes that should be known before the first dose."""
    missing = [name for name in order.drug.requires if name not in order.facts.results]
    if missing:
        yield order.found("LAB_MISSING", "note", f"not known: {', '.join(missing)}")


def qt(order: Proposal) -> Iterator[Finding]:
    """A drug that lengthens QT, against the QTc of the last tracing."""
    qtc = order.facts.results.get("QTC")
    if order.drug.qt == "none" or qtc is None or qtc <= LONG_QTC:
        return
    severity: Severity = "significant" if qtc > VERY_LONG_QTC and order.drug.qt == "known" else "note"
    yield order.found("QT", severity, f"QTc {qtc:.0f} ms; {order.drug.name} lengthens it ({order.drug.qt})")


def pregnancy_test(order: Proposal) -> Iterator[Finding]:
    """A pregnancy test before a drug that must not be given in pregnancy."""
    facts = order.facts
    asked = facts.tests is not None and "HCG" not in facts.tests and not facts.pregnant
    fertile = facts.sex.startswith("f") and facts.age is not None and FERTILE_YEARS[0] <= facts.age <= FERTILE_YEARS[1]
    if asked and fertile and order.drug.pregnancy == "avoid":
        yield order.found("PREGNANCY_TEST", "note", f"no pregnancy test is charted; {order.drug.name} must not be given in pregnancy")


def cultures(order: Proposal) -> Iterator[Finding]:
    """Cultures before antibiotics in infections of the blood, kidney or brain."""
    if not order.drug.antibiotic or order.facts.tests is None or "CULTURE" in order.facts.tests:
        return
    for row in _infections(order):
        if row.cultures:
            yield order.found("CULTURE", "note", "no culture is charted: take it first if that costs no more than minutes", row.source)


def coverage(order: Proposal) -> Iterator[Finding]:
    """The antibiotic, alone or with those that run already, covers the usual germs of the charted infection."""
    if not order.drug.antibiotic:
        return
    drugs = (order.drug, *order.others)
    for row in _infections(order):
        if not any(_is_of(drug, row.any_of) for drug in drugs):
            yield order.found("COVERAGE", "note", f"{order.drug.name} does not cover {row.text}; usual: {', '.join(row.any_of[:3])}", row.source)


def _infections(order: Proposal) -> Iterator[Coverage]:
    return (row for row in order.formulary.coverage if set(row.problems) & set(order.facts.problems))


def _is_of(drug: Drug, names: tuple[str, ...]) -> bool:
    return not set(drug.tokens).isdisjoint(names)


def monitoring(order: Proposal) -> Iterator[Finding]:
    """What is to be watched under a drug of narrow safety."""
    if order.drug.high_alert and order.drug.monitoring:
        yield order.found("MONITORING", "note", f"watch {', '.join(order.drug.monitoring)}")


def high_alert(order: Proposal) -> Iterator[Finding]:
    """A drug with which errors are worst."""
    if order.drug.high_alert:
        text = "high-alert drug: second check at the bedside"
        yield order.found("HIGH_ALERT", "note", text, "ISMP high-alert list 2024")


def compatibility(order: Proposal) -> Iterator[Finding]:
    """What must not run into the same vein at the same time."""
    if order.route != "iv":
        return
    for name in dict.fromkeys(order.facts.running):
        other = order.formulary.find(name)
        for row in order.formulary.incompatibilities if other is not None and other.name != order.drug.name else ():
            if other is not None and (_are(row.between, order.drug, other) or _are(row.between, other, order.drug)):
                yield order.found("COMPATIBILITY", "note", f"not in one line with {other.name}: {row.text}", row.source)


def _are(between: tuple[str, str], a: Drug, b: Drug) -> bool:
    return between[0] in a.tokens and between[1] in b.tokens


def home_drug(order: Proposal) -> Iterator[Finding]:
    """A drug that the patient takes at home, or that the house keeps another of its group for."""
    if order.drug.name in order.facts.home_drugs:
        yield order.found("RECONCILE", "note", f"{order.drug.name} is a home drug: continue it on purpose, in the dose taken at home", "assumption")


def duration(order: Proposal) -> Iterator[Finding]:
    """How long the course is to be."""
    longest, days = order.drug.longest_days, order.directions.days
    if longest is not None and days is not None and days > longest:
        yield order.found("DURATION", "significant", f"{days:g} days; usually at most {longest:g}")


def substitute(order: Proposal) -> Iterator[Finding]:
    """Another drug that the house keeps instead."""
    if order.drug.substitute:
        yield order.found("SUBSTITUTE", "note", f"the house keeps {order.drug.substitute} instead of {order.drug.name}", "assumption")

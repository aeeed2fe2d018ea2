"""The checklist by which a drug order is verified: twenty points, each a set of deterministic checks with the codes that they return.

Source: the order-verification checklist of clinical pharmacy (ASHP guidelines on the pharmacist's role in verification, in own words).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from clinsim.hospital import drug_checks, order_checks
from clinsim.hospital.drug_facts import Finding, Proposal

Look = Callable[[Proposal], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its point of the list, the codes that it may return, what it asks, and the function that looks.

    `about` is the field of the formulary without which it finds nothing on a drug, `rests_on` the fact of the patient (empty: it always looks).
    """

    point: int
    codes: tuple[str, ...]
    asks: str
    look: Look
    about: str = ""
    rests_on: str = ""


CHECKLIST: tuple[Check, ...] = (
    Check(3, ("ALLERGY",), "Allergy and what crosses with it, by the reaction that is charted", drug_checks.allergy, rests_on="allergies"),
    Check(4, ("DUPLICATE",), "A second drug of one kind", drug_checks.duplicate, rests_on="current_drugs"),
    Check(
        5,
        ("INTERACTION", "UNKNOWN"),
        "Interaction with each other drug, by tier, dose, kidney and results",
        drug_checks.interactions,
        rests_on="current_drugs",
    ),
    Check(5, ("COMBINATION",), "Three drugs that are too much together", drug_checks.combinations, rests_on="current_drugs"),
    Check(
        6,
        ("DISEASE", "LAB", "AGE", "DOSE"),
        "Disease, results, old age (Beers) and dose that speak against the drug",
        drug_checks.cautions,
        "cautions",
    ),
    Check(1, ("IDENTITY",), "Age and weight are charted", order_checks.identity),
    Check(1, ("UNIT", "CONVERTED"), "The unit is one of the drug", order_checks.unit),
    Check(12, ("ROUTE",), "The drug is given that way", order_checks.route),
    Check(7, ("OVERDOSE", "UNDERDOSE", "WEIGHT"), "Single dose against the range, per kg where it goes by weight", order_checks.dose),
    Check(7, ("DAILY_DOSE",), "The dose of the day against its maximum", order_checks.daily_dose, "daily_max", "given_today"),
    Check(8, ("RENAL",), "Dose and choice by the charted filtration rate", drug_checks.renal, "renal"),
    Check(9, ("HEPATIC",), "Liver disease", drug_checks.hepatic, "hepatic", "problems"),
    Check(10, ("PREGNANCY",), "Pregnancy", drug_checks.pregnancy, "pregnancy", "pregnant"),
    Check(10, ("LACTATION",), "Breast feeding", drug_checks.lactation, "lactation", "lactating"),
    Check(11, ("PAEDIATRIC",), "Doses for adults in a child", drug_checks.paediatric),
    Check(13, ("LAB_MISSING",), "Results that must be known first", order_checks.requires, "requires"),
    Check(13, ("QT",), "QTc of the last tracing", order_checks.qt, "qt"),
    Check(13, ("PREGNANCY_TEST",), "Pregnancy test first", order_checks.pregnancy_test, "pregnancy"),
    Check(13, ("CULTURE",), "Cultures first", order_checks.cultures, "antibiotic", "problems"),
    Check(2, ("INDICATION",), "A reason is charted", order_checks.indication),
    Check(12, ("RATE",), "How fast it runs in", order_checks.rate, "rates"),
    Check(14, ("MONITORING",), "What is to be watched", order_checks.monitoring, "high_alert"),
    Check(15, ("HIGH_ALERT",), "Double check at the bedside", order_checks.high_alert, "high_alert"),
    Check(16, ("COMPATIBILITY",), "One vein", order_checks.compatibility, rests_on="running"),
    Check(17, ("COVERAGE",), "The antibiotic covers the charted infection", order_checks.coverage, "antibiotic", "problems"),
    Check(18, ("RECONCILE",), "Home drugs", order_checks.home_drug, rests_on="home_drugs"),
    Check(19, ("DURATION",), "Length of the course", order_checks.duration, "longest_days"),
    Check(20, ("SUBSTITUTE",), "What the house keeps instead", order_checks.substitute, "substitute"),
)
"""The checks, in the order in which findings of one severity are reported."""


@lru_cache(maxsize=4096)
def looks_at(entry: frozenset[str], facts: frozenset[str]) -> tuple[Look, ...]:
    """The looks, in the order of the list, that can find something on a drug whose entry, for a patient whose facts, speak of these fields."""
    return tuple(c.look for c in CHECKLIST if (not c.about or c.about in entry) and (not c.rests_on or c.rests_on in facts))


POINTS: dict[int, str] = {
    1: "Right patient, age, weight and units",
    2: "Indication",
    3: "Allergy and cross-reactivity",
    4: "Therapeutic duplication",
    5: "Interactions",
    6: "Contraindicating disease",
    7: "Dose",
    8: "Kidney",
    9: "Liver",
    10: "Pregnancy and breast feeding",
    11: "Age",
    12: "Route and rate",
    13: "Results needed first",
    14: "Monitoring",
    15: "High-alert drugs",
    16: "Compatibility in the vein",
    17: "Antibiotic coverage",
    18: "Home drugs and prophylaxis",
    19: "Duration",
    20: "House drug instead",
}
"""The points of the list in words."""

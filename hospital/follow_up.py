"""What a reported finding asks for later: a lung nodule found by chance on CT has its follow-up by Fleischner 2017."""

from __future__ import annotations

from collections.abc import Iterable

from clinsim.hospital.calculators.catalogue import find
from clinsim.hospital.calculators.quantity import InputError, Quantity
from clinsim.hospital.drug_facts import PatientFacts
from clinsim.hospital.streams import Streams
from clinsim.hospital.studies import Study
from clinsim.hospital.viewing import view

NODULE, ON_CT = "nodule", "CT_PULMONARY"
SMOKING = frozenset({"copd", "smoker"})
"""Problems that make the risk of the rule high (assumption: they stand for smoking)."""
EXCLUDED = frozenset({"cancer", "immunosuppression"})
"""Problems of patients whom the rule does not cover. Source: MacMahon, Radiology 2017;284:228."""


def follow_up(study: Study, findings: Iterable[tuple[str, str]], who: PatientFacts, streams: Streams) -> str:
    """The follow-up of the reported nodules, by the largest that can be measured; empty if none is due or the rule does not hold.

    Args:
        study: The images.
        findings: Findings of the report with their regions.
        who: The patient.
        streams: Keyed randomness of the images.
    """
    if study.code != ON_CT:
        return ""
    looks = [view(study, region, "lung", streams) for name, region in findings if name == NODULE]
    sizes = [look["diameter_mm"] for look in looks if "diameter_mm" in look]
    if not sizes or who.age is None:
        return ""
    problems = set(who.problems)
    try:
        score = find("fleischner").of(
            age=Quantity(who.age, "years"),
            diameter=Quantity(max(sizes), "mm"),
            number="single" if len(sizes) == 1 else "multiple",
            risk="high" if problems & SMOKING else "low",
            cancer_or_immunosuppression=bool(problems & EXCLUDED),
        )
    except InputError:  # younger than 35, or not covered
        return ""
    return f"nodule of {max(sizes):g} mm, Fleischner 2017: {score.value}"

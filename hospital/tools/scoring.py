"""Bodies shared by the domains that work out clinical scores: from what is on record to the calculators of the house."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from clinsim.hospital.calculators.catalogue import CALCULATORS, find
from clinsim.hospital.calculators.declaration import Given, Input
from clinsim.hospital.calculators.measures import Sex
from clinsim.hospital.calculators.quantity import InputError, Quantity
from clinsim.hospital.records.laboratory_names import analyte
from clinsim.hospital.tools.readings import said

Facts = Mapping[str, Given]

SEXES: Mapping[str, Sex] = {"m": "male", "male": "male", "f": "female", "female": "female"}
UNIT_SIGNS = (("x10", "10"), ("×10", "10"), ("uL", "µL"), ("mcL", "µL"))
"""What charts write for what calculators know."""
HISTORY_WORDS: Mapping[str, tuple[str, ...]] = {
    "aids": ("aids",),
    "cancer": ("cancer", "carcinoma", "lymphoma", "leukaemia", "leukemia", "malignan", "metasta", "adenocarcinoma"),
    "cerebrovascular": ("stroke", "transient isch", "tia"),
    "copd": ("copd", "chronic obstructive", "emphysema"),
    "dementia": ("dementia", "alzheimer"),
    "heart_failure": ("heart failure", "hfref", "hfpef", "cardiomyopathy", "chf"),
    "diabetes": ("diabetes", "diabetic"),
    "hypertension": ("hypertension", "essential (primary) hypertension", "hypertensive"),
    "infarction": ("myocardial infarction", "heart attack", "stemi", "nstemi"),
    "liver_disease": ("cirrhosis", "hepatitis", "liver disease", "liver failure"),
    "previous_dvt_or_pe": ("pulmonary embolism", "deep vein", "dvt"),
    "renal_disease": ("chronic kidney", "ckd", "dialysis", "renal failure"),
    "stroke": ("stroke", "transient isch", "tia"),
    "connective_tissue": ("lupus", "rheumatoid", "scleroderma"),
    "peptic_ulcer": ("peptic ulcer", "gastric ulcer", "duodenal ulcer"),
    "peripheral_vascular": ("peripheral arter", "peripheral vascular", "aneurysm"),
    "vascular_disease": ("coronary", "myocardial infarction", "stemi", "nstemi", "peripheral arter", "post-pci", "atherosclero"),
    "oncology": ("oncolog", "chemotherapy", "cancer", "carcinoma"),
}
"""Findings of calculators that a history answers, and the words that say so (assumption)."""


@dataclass(frozen=True, slots=True)
class ScoreAnswer:
    """A score with what it was worked out from; `value` is None where something that it needs is not on record."""

    subject: str
    calculator: str
    value: float | str | None
    unit: str
    interpretation: str
    components: Mapping[str, float]
    inputs: Mapping[str, Any]
    missing: tuple[str, ...]
    source: str


def score(subject: str, name: str, facts: Facts) -> ScoreAnswer:
    """A score from facts on record; findings that are not on record count as absent and are named as missing.

    Args:
        subject: Id of the record.
        name: Name of the calculator.
        facts: What is on record, by the names of calculators' inputs.
    """
    rule = find(name)
    given = {line.name: facts[line.name] for line in rule.inputs if line.name in facts and _is_readable(line, facts[line.name])}
    try:
        found = rule.of(**given)
    except InputError as problem:
        missing = tuple(line.name for line in rule.inputs if line.needed and line.name not in given)
        return ScoreAnswer(subject, name, None, rule.unit, f"cannot be worked out: {problem}", {}, {}, missing, rule.citation)
    return ScoreAnswer(subject, name, found.value, found.unit, found.interpretation, found.components, found.inputs, found.missing, found.citation)


def _is_readable(line: Input, given: Given) -> bool:
    try:
        return given is not None and line.read(given) is not None
    except InputError:
        return False


def quantity(value: float | None, unit: str) -> Quantity | None:
    """A number with its unit as calculators write it; None if there is no number."""
    if value is None:
        return None
    for written, known in UNIT_SIGNS:
        unit = unit.replace(written, known)
    return Quantity(value, unit)


def laboratory_facts(rows: Iterable[tuple[str, float | str, str]]) -> dict[str, Given]:
    """Results (name, value, unit), oldest first, as facts: the last number of each analyte under the name of a calculator's input."""
    found: dict[str, Given] = {}
    for name, value, unit in rows:
        number = as_number(value)
        if number is not None:
            found[analyte(name).replace(" ", "_").replace("-", "_")] = quantity(number, unit)
    return found


def as_number(value: float | str) -> float | None:
    """The number that a value is; None for words."""
    try:
        return float(value)
    except ValueError:
        return None


def history_facts(history: Iterable[str]) -> dict[str, Given]:
    """Findings that a history holds, by the names of calculators' inputs; only those that are there."""
    text = " ; ".join(history)
    return {name: True for name, words in HISTORY_WORDS.items() if said(text, words)}


def sex_of(written: str) -> Sex | None:
    """A sex as calculators name it; None for any other word."""
    return SEXES.get(written.strip().lower())


def words_of(name: str) -> dict[str, tuple[str, ...]]:
    """The inputs of a calculator that are chosen among words, with the words."""
    return {line.name: line.kind for line in CALCULATORS[name].inputs if isinstance(line.kind, tuple)}

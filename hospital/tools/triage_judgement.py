"""Bodies of the triage tools: what vital signs and the words of a complaint say, before anybody has looked closer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from clinsim.data_file import Rule, checked, read_data
from clinsim.hospital.calculators.declaration import Given
from clinsim.hospital.records.triage import TriagePatient
from clinsim.hospital.tools.readings import said
from clinsim.hospital.tools.scoring import quantity, sex_of
from clinsim.hospital_file import Source

USUAL_PARTS: dict[int, tuple[int, int, int]] = {
    15: (4, 5, 6), 14: (4, 4, 6), 13: (3, 4, 6), 12: (3, 4, 5), 11: (3, 3, 5), 10: (3, 2, 5), 9: (2, 2, 5),
    8: (2, 2, 4), 7: (1, 2, 4), 6: (1, 2, 3), 5: (1, 1, 3), 4: (1, 1, 2), 3: (1, 1, 1),
}  # fmt: skip
"""A usual split of a total into eye, verbal, motor; it adds up (assumption)."""
SHOCK_PRESSURE, LOW_SATURATION_NOW, SLOW_BREATH, FAST_BREATH = 90.0, 85.0, 8.0, 35.0
"""mmHg, %, 1/min: beyond these an adult is taken to need help at once. Source: ESI handbook, version 4, chapter 3 (saturation: assumption)."""
COMA = 8
"""Coma scale up to which the airway is not protected. Source: ATLS, 10th edition, 2018."""
WORST_PAIN = 9
"""Pain from which distress is taken as severe here; the handbook leaves 7 and above to judgement."""
SHOCK_INDEX_HIGH = 0.9
"""Heart rate over systolic pressure. Source: Rady, Ann Emerg Med 1994;24:685."""


class ResourceRule(Rule):
    """Words of a complaint and the kinds of resource that it usually takes."""

    words: tuple[str, ...]
    holds: tuple[str, ...]


class TriageWords(Rule):
    """The whole file."""

    version: int
    source: Source
    immediate: tuple[str, ...]
    high_risk: tuple[str, ...]
    confused: tuple[str, ...]
    infection: tuple[str, ...]
    threatened_airway: tuple[str, ...]
    hard_breathing: tuple[str, ...]
    resources: tuple[ResourceRule, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a first look gives: words found for each matter, signs that call for help at once, expected resources."""

    immediate: Sequence[str]
    high_risk: Sequence[str]
    confused: Sequence[str]
    infection: Sequence[str]
    resources: Sequence[str]


@lru_cache(maxsize=1)
def words() -> TriageWords:
    """What the words of a complaint say."""
    return checked(TriageWords, read_data("records/triage_words.yaml"), "records/triage_words.yaml")


def story(who: TriagePatient) -> str:
    """Complaint and symptoms as one text in small letters."""
    return " ; ".join((who.chief_complaint, *who.presenting_symptoms)).lower()


def judge(who: TriagePatient) -> Judgement:
    """A first look at a patient; what is already charted only, nothing that a test would tell."""
    text, rules = story(who), words()
    resources = next(row.holds for row in rules.resources if "" in row.words or said(text, row.words))
    return Judgement(
        (*said(text, rules.immediate), *signs_of_collapse(who)),
        said(text, rules.high_risk),
        said(text, rules.confused) or (("coma scale below 15",) if who.gcs < 15 else ()),
        said(text, rules.infection),
        resources,
    )


def signs_of_collapse(who: TriagePatient) -> tuple[str, ...]:
    """Vital signs beyond which help is needed at once; the limit of pressure is that of adults."""
    signs = who.triage_vitals
    adult = who.age >= 16
    found = {
        f"systolic pressure below {SHOCK_PRESSURE:g}": adult and signs.systolic_bp < SHOCK_PRESSURE,
        f"saturation below {LOW_SATURATION_NOW:g} %": signs.spo2 < LOW_SATURATION_NOW,
        f"coma scale {COMA} or below": who.gcs <= COMA,
        "breathing too slowly or too fast": adult and not SLOW_BREATH <= signs.respiratory_rate <= FAST_BREATH,
    }
    return tuple(text for text, holds in found.items() if holds)


def facts_of(who: TriagePatient) -> dict[str, Given]:
    """Vital signs as calculators take them."""
    signs = who.triage_vitals
    return {
        "age": quantity(who.age, "y"),
        "sex": sex_of(who.sex),
        "heart_rate": quantity(signs.heart_rate, "1/min"),
        "respiratory_rate": quantity(signs.respiratory_rate, "1/min"),
        "sbp": quantity(signs.systolic_bp, "mmHg"),
        "dbp": quantity(signs.diastolic_bp, "mmHg"),
        "spo2": quantity(signs.spo2, "%"),
        "temperature": quantity(signs.temperature, "°C"),
        "gcs": float(who.gcs),
        "on_oxygen": who.on_oxygen,
    }

"""People: who comes with a condition, drawn by keyed streams, so that the same seed and id always give the same person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp

from clinsim.body_file import PeopleTable, load_bodies
from clinsim.condition_file import Condition
from clinsim.hospital.presentation import Presentation, present
from clinsim.hospital.scatter import around
from clinsim.hospital.streams import Streams, normal_quantile

__all__ = ["Person", "Presentation", "make_person", "present"]

FERTILE_YEARS = (18, 45)
"""Years of age in which a woman may be pregnant here (assumption)."""
YOUNGEST, OLDEST = 18, 98
"""Years of age of those who come here: a department for adults."""
PREGNANT_FILTRATION = 1.4
"""Rise of the filtration rate in pregnancy. Source: KDIGO 2012, 40 to 50 %."""
MEN_ONLY = frozenset({"sildenafil"})


@dataclass(frozen=True, slots=True)
class Person:
    """A person before the illness: age (years), weight (kg), filtration rate `egfr` (mL/min/1.73 m2), frailty (hazard ratio of death).

    `mixed` is how often, beside what is usual, this person has and says what has nothing to do with the illness (1: as everybody).
    """

    id: str
    age: int
    sex: str
    weight_kg: float
    comorbidities: tuple[str, ...]
    allergies: tuple[str, ...]
    home_drugs: tuple[str, ...]
    egfr: float
    pregnant: bool
    frailty: float
    mixed: float = 1.0


def make_person(streams: Streams, pid: str, condition: Condition, allergy_weights: Mapping[str, float] | None = None, mixed: float = 1.0) -> Person:
    """The person `pid` who comes with `condition`.

    Args:
        streams: Keyed draws of the episode.
        pid: Patient id, the key of all draws.
        condition: Sheet that says who comes with it.
        allergy_weights: Share of patients by allergen; None takes the shipped table.
        mixed: How often the person has and says what has nothing to do with the condition, beside what is usual.
    """
    table = load_bodies().people
    age = _age(streams, pid, condition)
    sex = "male" if streams.uniform("person.sex", pid) < condition.people.male else "female"
    comorbidities = _comorbidities(streams, pid, condition, table, age)
    pregnant = sex == "female" and FERTILE_YEARS[0] <= age <= FERTILE_YEARS[1] and streams.uniform("person.pregnant", pid) < table.pregnant
    return Person(
        id=pid,
        age=age,
        sex=sex,
        weight_kg=_weight(streams, pid, table, sex),
        comorbidities=comorbidities,
        allergies=_allergies(streams, pid, table, allergy_weights),
        home_drugs=_home_drugs(streams, pid, condition, table, comorbidities, sex),
        egfr=_filtration(streams, pid, table, age, "ckd" in comorbidities, pregnant),
        pregnant=pregnant,
        frailty=_frailty(streams, pid, table, age, comorbidities),
        mixed=mixed,
    )


def _age(streams: Streams, pid: str, condition: Condition) -> int:
    return min(OLDEST, max(YOUNGEST, int(around(condition.people.age, "person.age", pid, streams))))


def _weight(streams: Streams, pid: str, table: PeopleTable, sex: str) -> float:
    rule = table.weight
    mean = rule.men if sex == "male" else rule.women
    return round(min(rule.high, max(rule.low, mean + rule.sd * streams.normal("person.weight", pid))), 1)


def _comorbidities(streams: Streams, pid: str, condition: Condition, table: PeopleTable, age: int) -> tuple[str, ...]:
    band = 0 if age < 45 else 1 if age < 65 else 2
    own = condition.people.comorbidities
    return tuple(name for name, rule in table.comorbidities.items() if streams.uniform(f"person.has.{name}", pid) < own.get(name, rule.shares[band]))


def _allergies(streams: Streams, pid: str, table: PeopleTable, weights: Mapping[str, float] | None) -> tuple[str, ...]:
    shares = {name: rule.share for name, rule in table.allergies.items()} if weights is None else weights
    return tuple(name for name in sorted(shares) if streams.uniform(f"person.allergy.{name}", pid) < shares[name])


def _home_drugs(streams: Streams, pid: str, condition: Condition, table: PeopleTable, comorbidities: tuple[str, ...], sex: str) -> tuple[str, ...]:
    shares = dict(table.other_drugs)
    for name in comorbidities:
        for drug, share in table.comorbidities[name].drugs.items():
            shares[drug] = max(share, shares.get(drug, 0.0))
    shares.update(condition.people.home_drugs)
    taken = (drug for drug in sorted(shares) if streams.uniform(f"person.takes.{drug}", pid) < shares[drug])
    return tuple(drug for drug in taken if sex == "male" or drug not in MEN_ONLY)


def _filtration(streams: Streams, pid: str, table: PeopleTable, age: int, chronic: bool, pregnant: bool) -> float:
    rule = table.kidney
    if chronic:
        return round(streams.between(*rule.chronic, "person.egfr", pid), 1)
    healthy = rule.mean - rule.per_year * max(0, age - 30) + rule.sd * normal_quantile(streams.uniform("person.egfr", pid))
    return round(max(60.0, healthy) * (PREGNANT_FILTRATION if pregnant else 1.0), 1)


def _frailty(streams: Streams, pid: str, table: PeopleTable, age: int, comorbidities: tuple[str, ...]) -> float:
    rule = table.frailty
    ratio = rule.per_year ** (age - 60) * exp(rule.sigma * streams.normal("person.frailty", pid))
    for name in comorbidities:
        ratio *= table.comorbidities[name].hazard
    return min(rule.high, max(rule.low, ratio))

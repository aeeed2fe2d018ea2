"""Rows of the MedCalc-Bench layout read as inputs of our calculators, by the table `medcalc.yaml`.

A row is `{row, calculator, output_type, entities, answer, tolerance}`; an entity is `[value, unit]`, a number, a finding or a word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict

from clinsim.hospital.calculators.catalogue import find
from clinsim.hospital.calculators.declaration import Given
from clinsim.hospital.calculators.quantity import InputError, Quantity

Entities = Mapping[str, Any]
Inputs = dict[str, Given]
Beside = Literal["heart", "sofa", "opioids", "steroids"]
TABLE = Path(__file__).with_name("medcalc.yaml")


class Reading(BaseModel):
    """How the rows of one calculator are read; see the head of `medcalc.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    calculator: str
    names: dict[str, str] = {}
    ignored: frozenset[str] = frozenset()
    beside: Beside | None = None


class ReadingTable(BaseModel):
    """The file `medcalc.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    units: dict[str, str]
    words: dict[str, str]
    troponin: dict[str, float]
    not_compared: dict[str, str]
    explained: dict[int, str]
    readings: dict[str, Reading]


@lru_cache(maxsize=1)
def readings() -> ReadingTable:
    """The table, read once."""
    return ReadingTable.model_validate(yaml.safe_load(TABLE.read_text(encoding="utf-8")))


def inputs_of(reading: Reading, entities: Entities) -> Inputs:
    """The inputs of our calculator.

    Args:
        reading: How to read.
        entities: Entities of a row.

    Raises:
        InputError: An entity has no place in the reading.
    """
    words = {rule.name for rule in find(reading.calculator).inputs if isinstance(rule.kind, tuple)}
    given: Inputs = dict(BESIDE[reading.beside](entities)) if reading.beside else {}
    for name, value in entities.items():
        if name in reading.ignored:
            continue
        if name not in reading.names:
            raise InputError(f"no reading of the entity {name!r}")
        key, plain = reading.names[name], _value(value)
        if plain is False and key in words:
            continue  # "no tumour" where a kind of tumour is asked for
        given[key] = bool(plain or given.get(key)) if isinstance(plain, bool) else plain
    return given


def _value(value: Any) -> Given:
    if isinstance(value, list):
        unit = str(value[1])
        return Quantity(float(value[0]), readings().units.get(unit, unit))
    if isinstance(value, str):
        return readings().words.get(value.lower(), value.lower())
    return value if isinstance(value, bool) else float(value)


# ---------------------------------------------------------------- what needs more than a name

PRESSURES = ("Systolic Blood Pressure", "Diastolic Blood Pressure")
RISK_FACTORS = (
    "Hypertension history",
    "hypercholesterolemia",
    "Diabetes mellitus criteria for CCI rule",
    "obesity",
    "smoking",
    "parent or sibling with Cardiovascular disease before age 65",
)
DOSE, A_DAY = " Dose", " Dose Per Day"


def _heart(entities: Entities) -> Iterator[tuple[str, Given]]:
    """Risk factors counted, and a multiple for the class of troponin."""
    yield "risk_factors", float(sum(bool(entities.get(name)) for name in RISK_FACTORS))
    if "Initial troponin" in entities:
        yield "troponin", readings().troponin[entities["Initial troponin"]]


def _sofa(entities: Entities) -> Iterator[tuple[str, Given]]:
    """Mean pressure from the two pressures; without them the word hypotension stands for one just below the limit."""
    if all(name in entities for name in PRESSURES):
        systolic, diastolic = (entities[name][0] for name in PRESSURES)
        yield "mean_pressure", Quantity((systolic + 2 * diastolic) / 3, "mmHg")
    elif entities.get("Hypotension"):
        yield "mean_pressure", Quantity(69.0, "mmHg")


def _opioids(entities: Entities) -> Iterator[tuple[str, Given]]:
    """Dose times a day; the dose of a patch, written in mg, is its µg/h."""
    for name, value in entities.items():
        if name.endswith(DOSE):
            drug = name.removesuffix(DOSE)
            key = drug.lower().replace(" ", "_")
            yield key, Quantity(value[0] * entities[drug + A_DAY][0], "µg/h" if key == "fentanyl_patch" else value[1])


def _steroids(entities: Entities) -> Iterator[tuple[str, Given]]:
    """Drug and dose of the first, and the other drug; the way it is given does not matter."""
    drug, dose, unit = entities["input steroid"]
    yield "drug", drug.split()[0].lower()
    yield "dose", Quantity(dose, unit)
    yield "target", entities["target steroid"].split()[0].lower()


BESIDE: Mapping[Beside, Callable[[Entities], Iterator[tuple[str, Given]]]] = {
    "heart": _heart,
    "sofa": _sofa,
    "opioids": _opioids,
    "steroids": _steroids,
}

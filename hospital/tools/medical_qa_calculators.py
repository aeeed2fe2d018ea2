"""Tools of the domain `medical_qa` that use what the house knows: its calculators and its formulary."""

from __future__ import annotations

import re
from typing import Any

from pydantic_core import from_json

from clinsim.errors import ToolError
from clinsim.hospital.calculators.catalogue import CALCULATORS
from clinsim.hospital.calculators.declaration import Given, Input
from clinsim.hospital.calculators.quantity import InputError, Measure, Quantity
from clinsim.hospital.records.base import UnknownRecordError
from clinsim.hospital.records.drug_names import known_as
from clinsim.hospital.records.world import RecordWorld
from clinsim.hospital.tools.checks import written
from clinsim.hospital.tools.live_lookup import DrugSheet, look_up_drug
from clinsim.hospital.tools.medical_qa import SET
from clinsim.hospital.tools.scoring import ScoreAnswer, score
from clinsim.hospital.wording import named, shown
from clinsim.record import ROLES
from clinsim.tooling import tool

_look_up = tool(SET, roles=ROLES, service="lookup", tags=("read",))
MEASURED = re.compile(r"^\s*(-?\d+(?:\.\d+)?)\s*(.*)$")


@_look_up
def calculate_clinical_score(world: RecordWorld, score_name: str, parameters: str = "") -> ScoreAnswer:
    """Work out a clinical score or formula of the house; a call without parameters says what it takes.

    Args:
        score_name: Name of a calculator, for example curb_65 or cha2ds2_vasc.
        parameters: A JSON object of its inputs, numbers with units as text, for example {"age": "72 y", "confusion": true}.
    """
    name = written("score_name", score_name).strip().lower().replace("-", "_").replace(" ", "_")
    rule = CALCULATORS.get(name)
    if rule is None:
        raise ToolError(f"unknown score {shown(score_name)}; there are {named(sorted(CALCULATORS), name)}")
    if not parameters.strip():
        return score("", name, {})
    given = _read(parameters)
    try:
        found = rule.of(**{key: _given(rule.inputs, key, value) for key, value in given.items()})
    except InputError as problem:
        raise ToolError(str(problem)[:280]) from problem
    return ScoreAnswer("", name, found.value, found.unit, found.interpretation, found.components, found.inputs, found.missing, found.citation)


def _read(parameters: str) -> dict[str, Any]:
    try:
        data = from_json(parameters.encode(), allow_inf_nan=False)
    except ValueError as problem:
        raise ToolError(f"parameters is no JSON ({str(problem)[:60]}); send an object of inputs") from problem
    if not isinstance(data, dict):
        raise ToolError('parameters must be a JSON object, for example {"age": "72 y"}')
    return data


def _given(inputs: tuple[Input, ...], key: str, value: Any) -> Given:
    rule = next((line for line in inputs if line.name == key), None)
    if rule is None or not isinstance(rule.kind, Measure) or not isinstance(value, str):
        return value if isinstance(value, (str, bool, int, float)) or value is None else str(value)[:40]
    match = MEASURED.match(value[:60])
    return Quantity(float(match[1]), match[2].strip()) if match else value


@_look_up
def get_drug_information(world: RecordWorld, drug_name: str) -> DrugSheet:
    """Look a drug up in the formulary of the house.

    Args:
        drug_name: Generic or brand name.
    """
    drug = known_as(written("drug_name", drug_name))
    if drug is None:
        raise UnknownRecordError(f"{shown(drug_name)} is not in the formulary; it has {named(world.knowledge.formulary.drugs, drug_name)}")
    return look_up_drug(world, drug.name)

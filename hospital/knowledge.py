"""What staff can look up: the catalogues of a scenario's hospital, made once."""

from __future__ import annotations

from functools import lru_cache

from clinsim.condition_file import load_conditions
from clinsim.hospital.charts import Knowledge, Panel
from clinsim.hospital.laboratory import UNITS_OF
from clinsim.hospital.safety import load_formulary
from clinsim.hospital.studies import load_imaging
from clinsim.scenario_file import Scenario


@lru_cache(maxsize=64)
def knowledge_of(scenario: Scenario) -> Knowledge:
    """The catalogues, the formulary, and the vocabulary of diagnoses."""
    house = scenario.hospital
    sheets = load_conditions()
    return Knowledge(
        panels={code: Panel(code, rule.title, rule.analytes, rule.bedside) for code, rule in house.panels.items()},
        units_of=UNITS_OF,
        procedures={code: rule.title for code, rule in house.procedures.items()},
        services={code: rule.title for code, rule in house.services.items()},
        units=tuple(house.units),
        diagnoses={name: sheet.title for name, sheet in sheets.items() if sheet.kind != "inpatient"},
        formulary=load_formulary(),
        imaging=load_imaging(),
    )

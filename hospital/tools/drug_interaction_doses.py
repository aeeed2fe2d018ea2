"""Tools of the domain `drug_interaction` on organs, pregnancy, metabolism and monitoring, from the database and the formulary of the house."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from clinsim.formulary_file import Drug
from clinsim.hospital.records.base import UnknownRecordError
from clinsim.hospital.records.drug_names import known_as
from clinsim.hospital.records.drugs import DrugRecord
from clinsim.hospital.records.world import RecordWorld
from clinsim.hospital.tools.checks import written
from clinsim.hospital.tools.drug_interaction import SET, drug_of, pair_row
from clinsim.record import ROLES
from clinsim.tooling import tool

_look_up = tool(SET, roles=ROLES, service="lookup", tags=("read",))
GFR_STAGES = ((15.0, "G5"), (30.0, "G4"), (45.0, "G3b"), (60.0, "G3a"), (90.0, "G2"), (float("inf"), "G1"))
"""Upper bounds (exclusive) in mL/min/1.73 m2. Source: KDIGO 2024."""
POINTS = {"contraindicated": 4, "major": 3, "moderate": 2, "minor": 1, "suppressed": 1}
"""Severities as points; an unknown pair has none (a rank, not a measure)."""
NOT_HELD = "not in the knowledge base"
ChildPugh = Literal["A", "B", "C"]


@dataclass(frozen=True, slots=True)
class Metabolism:
    """How a drug is broken down, and which of the house's classes it belongs to as inhibitor, inducer or substrate."""

    drug_name: str
    cyp450_metabolism: str
    half_life: str
    house_classes: Sequence[str]
    mechanism: str
    note: str


@dataclass(frozen=True, slots=True)
class OrganDose:
    """What a failing organ asks for: in words of the database, and by the rule of the formulary, if it has one."""

    drug_name: str
    organ_function: str
    typical_dosage: str
    guideline: str
    action: str
    dose_fraction: float | None
    rule: str
    source: str


@dataclass(frozen=True, slots=True)
class PregnancySafety:
    """Pregnancy category of the database, and what the formulary says of pregnancy and lactation."""

    drug_name: str
    pregnancy_category: str
    house_rule: str
    lactation: str
    contraindications: Sequence[str]
    note: str


@dataclass(frozen=True, slots=True)
class SeverityScore:
    """An interaction as points, 1 (minor) to 4 (contraindicated); None where nothing is known."""

    drug_a: str
    drug_b: str
    severity_score: int | None
    severity_label: str
    effect: str
    management: str
    source: str


@dataclass(frozen=True, slots=True)
class Monitoring:
    """What to watch under a drug."""

    drug_name: str
    monitoring: Sequence[str]
    known_before_first_dose: Sequence[str]
    serious_side_effects: Sequence[str]
    source: str


def _either(world: RecordWorld, drug_name: str) -> tuple[DrugRecord | None, Drug | None]:
    """The drug in the database and in the formulary, at least in one of them.

    Raises:
        UnknownRecordError: Neither has it.
    """
    house = known_as(written("drug_name", drug_name))
    try:
        return drug_of(world, drug_name), house
    except UnknownRecordError:
        if house is None:
            raise
        return None, house


def _name(row: DrugRecord | None, house: Drug | None) -> str:
    return row.name if row else house.name if house else ""


@_look_up
def check_cyp450_metabolism(world: RecordWorld, drug_name: str) -> Metabolism:
    """Look up how a drug is metabolised, and whether it inhibits or induces an enzyme.

    Args:
        drug_name: Generic or brand name.
    """
    row, house = _either(world, drug_name)
    classes = [name for name in house.classes if "cyp" in name or "p_gp" in name] if house else []
    text = row.metabolism if row and row.metabolism else NOT_HELD
    life = row.half_life if row and row.half_life else NOT_HELD
    mechanism = (row.mechanism if row else "") or (house.mechanism if house else "")
    return Metabolism(_name(row, house), text, life, classes, mechanism, "" if house else "The formulary of the house does not have it.")


@_look_up
def get_pharmacokinetics(world: RecordWorld, drug_name: str) -> Metabolism:
    """Look up metabolism and half-life of a drug.

    Args:
        drug_name: Generic or brand name.
    """
    return check_cyp450_metabolism(world, drug_name)


@_look_up
def calculate_renal_dose_adjustment(world: RecordWorld, drug_name: str, gfr: Annotated[float, Field(ge=0, le=250)]) -> OrganDose:
    """Look up what a filtration rate asks for in the dose of a drug.

    Args:
        drug_name: Generic or brand name.
        gfr: Estimated filtration rate in mL/min/1.73 m2, 0 to 250.
    """
    row, house = _either(world, drug_name)
    band = house.renal_band(gfr) if house else None
    stage = next(name for bound, name in GFR_STAGES if gfr < bound)
    guideline = row.renal_adjustment if row and row.renal_adjustment else NOT_HELD
    action = band.action if band else ("no change by the formulary" if house else "unknown: not in the formulary")
    fraction = band.fraction if band and band.action == "reduce" else None
    return OrganDose(
        _name(row, house), f"{stage}: {gfr:g} mL/min/1.73 m2", row.typical_dosage if row else "", guideline, action, fraction,
        band.text if band else "", house.source if house else "",
    )  # fmt: skip


@_look_up
def calculate_hepatic_dose_adjustment(world: RecordWorld, drug_name: str, child_pugh: ChildPugh) -> OrganDose:
    """Look up what a failing liver asks for in the dose of a drug.

    Args:
        drug_name: Generic or brand name.
        child_pugh: Child-Pugh class, A, B or C.
    """
    row, house = _either(world, drug_name)
    rule = house.hepatic if house else None
    guideline = row.hepatic_adjustment if row and row.hepatic_adjustment else NOT_HELD
    action = rule.action if rule else ("no rule in the formulary" if house else "unknown: not in the formulary")
    return OrganDose(
        _name(row, house), f"Child-Pugh {child_pugh}", row.typical_dosage if row else "", guideline, action, None,
        rule.text if rule else "", house.source if house else "",
    )  # fmt: skip


@_look_up
def check_pregnancy_safety(world: RecordWorld, drug_name: str) -> PregnancySafety:
    """Look up what is known of a drug in pregnancy and lactation.

    Args:
        drug_name: Generic or brand name.
    """
    row, house = _either(world, drug_name)
    category = row.pregnancy_category if row and row.pregnancy_category else NOT_HELD
    rule, milk = (house.pregnancy, house.lactation) if house else (NOT_HELD, NOT_HELD)
    against = [text for text in row.contraindications if "pregnan" in text.lower()] if row else []
    return PregnancySafety(_name(row, house), category, rule, milk, against, "Letters are those of the FDA until 2015.")


@_look_up
def calculate_interaction_severity_score(world: RecordWorld, drug_a: str, drug_b: str) -> SeverityScore:
    """Grade what is known of two drugs together, 1 (minor) to 4 (contraindicated); without a record there is no grade.

    Args:
        drug_a: The one, by generic or brand name.
        drug_b: The other.
    """
    row = pair_row(world, written("drug_a", drug_a), written("drug_b", drug_b))
    return SeverityScore(row.drug_a, row.drug_b, POINTS.get(row.severity), row.severity, row.effect, row.management, row.source)


@_look_up
def check_therapeutic_drug_monitoring(world: RecordWorld, drug_name: str) -> Monitoring:
    """Look up what to watch under a drug.

    Args:
        drug_name: Generic or brand name.
    """
    row, house = _either(world, drug_name)
    watch = house.monitoring if house else ()
    effects = row.serious_side_effects if row else (house.adverse if house else ())
    return Monitoring(_name(row, house), watch, house.requires if house else (), effects, house.source if house else "database only")

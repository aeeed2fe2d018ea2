"""Doctor's tools that decide where a patient goes: admission, transfer, discharge."""

from __future__ import annotations

from clinsim.errors import ToolError
from clinsim.hospital.charts import Chart
from clinsim.hospital.tools import checks
from clinsim.hospital.tools.answers import Done, ask
from clinsim.hospital.tools.live_assessment import DOCTOR
from clinsim.hospital.tools.live_shared import Text
from clinsim.record import Order, World
from clinsim.tooling import tool


@tool("live", roles=DOCTOR, service="disposition", tags=("write",))
def admit_patient(world: World, patient_id: str, unit: str, reason: Text) -> Done:
    """Admit one of your patients to an inpatient unit; the patient boards until a bed is free.

    Args:
        patient_id: Your patient, for example P0012.
        unit: Inpatient unit, for example ward or icu.
        reason: Why, in a sentence.
    """
    chart = checks.own_patient(world, patient_id)
    checks.one_of("unit", unit, checks.knowledge(world).units)
    _not_yet_decided(chart)
    return ask(world, Order("admit", subject=patient_id, code=unit, text=checks.written("reason", reason)))


@tool("live", roles=DOCTOR, service="disposition", tags=("write",))
def transfer_patient(world: World, patient_id: str, unit: str, reason: Text) -> Done:
    """Transfer one of your admitted patients to another inpatient unit (escalation or step-down).

    Args:
        patient_id: Your patient, for example P0012.
        unit: Inpatient unit to move to, for example icu.
        reason: Why, in a sentence.
    """
    chart = checks.own_patient(world, patient_id)
    checks.one_of("unit", unit, checks.knowledge(world).units)
    if not chart.disposition and chart.unit not in checks.knowledge(world).units:
        raise ToolError(f"{patient_id} is not admitted; use admit_patient")
    if chart.unit == unit:
        raise ToolError(f"{patient_id} is already in {unit}; name another unit: {checks.named(_others(world, unit))}")
    return ask(world, Order("transfer", subject=patient_id, code=unit, text=checks.written("reason", reason)))


def _others(world: World, unit: str) -> list[str]:
    return [name for name in checks.knowledge(world).units if name != unit]


@tool("live", roles=DOCTOR, service="disposition", tags=("write",))
def discharge_patient(world: World, patient_id: str, advice: Text, safety_net: Text) -> Done:
    """Discharge one of your patients home with advice and with what should bring them back.

    Args:
        patient_id: Your patient, for example P0012.
        advice: Diagnosis in plain words, treatment, follow-up.
        safety_net: Which symptoms should bring the patient back, and where to.
    """
    checks.own_patient(world, patient_id)
    checks.written("advice", advice)
    checks.written("safety_net", safety_net)
    return ask(world, Order("discharge", subject=patient_id, text=f"{advice}\nCome back if: {safety_net}"))


def _not_yet_decided(chart: Chart) -> None:
    if chart.disposition:
        raise ToolError(f"{chart.id} already has the disposition {chart.disposition}; use transfer_patient to change the unit")

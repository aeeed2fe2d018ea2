"""Tools of every role that read what is charted: never a current value, only the last one with its time."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal

from pydantic import Field

from clinsim.hospital.calculators.news2 import News2, news2
from clinsim.hospital.charts import Chart, OrderLine
from clinsim.hospital.tools import checks
from clinsim.hospital.tools.answers import (
    VITAL_UNITS,
    BedState,
    ChartView,
    Department,
    EarlyWarning,
    Notes,
    Orders,
    Reports,
    Results,
    Vitals,
    order_view,
)
from clinsim.record import ROLES, World
from clinsim.tooling import tool

OXYGEN_PROCEDURES = ("oxygen", "titrated_oxygen", "bag_mask", "niv", "intubation")
"""Procedures after which a patient breathes more than air."""


def orders_of(world: World, chart: Chart) -> tuple[OrderLine, ...]:
    """The order lines of a chart, oldest first."""
    lines = checks.desk(world).orders
    return tuple(lines[order_id] for order_id in chart.orders)


@tool("live", roles=ROLES, service="chart", tags=("read",))
def get_chart(world: World, patient_id: str) -> ChartView:
    """Read the front page of a chart: who it is, why they came, where they are, allergies, home drugs, what is open.

    Args:
        patient_id: Patient, for example P0012.
    """
    chart = checks.patient(world, patient_id)
    checks.met(world)
    lines = orders_of(world, chart)
    return ChartView(
        patient_id=chart.id,
        minute=world.now,
        age=chart.age,
        sex=chart.sex,
        weight_kg=chart.weight_kg,
        pregnant=chart.pregnant,
        complaint=chart.complaint,
        arrived_at=chart.arrived_at,
        arrival_mode=chart.arrival_mode,
        esi=chart.esi,
        place=chart.place,
        unit=chart.unit,
        owner=chart.owner,
        status=chart.status,
        allergies=chart.allergies,
        home_drugs=chart.home_drugs,
        comorbidities=chart.comorbidities,
        egfr=chart.egfr,
        observed_every_minutes=chart.observe_every,
        last_vitals=chart.vitals[-1] if chart.vitals else None,
        vital_units=VITAL_UNITS,
        active_orders=tuple(f"{line.id} {line.code} {line.state}" for line in lines if line.state not in checks.FINISHED),
        results=len(chart.results),
        reports=len(chart.reports),
        notes=len(chart.notes),
        differential=dict(chart.differential),
        diagnosis=chart.diagnosis,
        disposition=chart.disposition,
        departed_at=chart.departed_at,
    )


@tool("live", roles=ROLES, service="chart", tags=("read",))
def get_vital_signs(world: World, patient_id: str, last: Annotated[int, Field(ge=1, le=50)] = 3) -> Vitals:
    """Read the last charted vital signs, oldest first; each set is as old as its minute says.

    Args:
        patient_id: Patient, for example P0012.
        last: How many sets to show, 1 to 50.
    """
    chart = checks.patient(world, patient_id)
    return Vitals(chart.id, world.now, VITAL_UNITS, tuple(chart.vitals[-last:]))


@tool("live", roles=ROLES, service="chart", tags=("read",))
def get_results(world: World, patient_id: str, test: str = "") -> Results:
    """Read filed laboratory and bedside results, oldest first, and what is still awaited.

    Args:
        patient_id: Patient, for example P0012.
        test: Only this test, by its code in the catalogue; leave out for all.
    """
    chart = checks.patient(world, patient_id)
    if test:
        checks.one_of("test", test, checks.knowledge(world).panels)
    checks.met(world)
    lines = tuple(line for line in chart.results if test in ("", line.test))
    return Results(chart.id, world.now, lines, _awaited(world, chart, "test"))


@tool("live", roles=ROLES, service="chart", tags=("read",))
def get_reports(world: World, patient_id: str) -> Reports:
    """Read the radiologists' reports on a patient, oldest first, and which studies are still awaited.

    Args:
        patient_id: Patient, for example P0012.
    """
    chart = checks.patient(world, patient_id)
    return Reports(chart.id, world.now, tuple(chart.reports), _awaited(world, chart, "imaging"))


def _awaited(world: World, chart: Chart, kind: str) -> tuple[str, ...]:
    lines = orders_of(world, chart)
    return tuple(line.code for line in lines if line.kind == kind and line.state not in checks.FINISHED)


@tool("live", roles=ROLES, service="chart", tags=("read",))
def get_orders(world: World, patient_id: str) -> Orders:
    """Read all orders on a patient with their ids, where each stands, and the pharmacist's questions.

    Args:
        patient_id: Patient, for example P0012.
    """
    chart = checks.patient(world, patient_id)
    checks.met(world)
    return Orders(chart.id, world.now, tuple(order_view(line) for line in orders_of(world, chart)))


@tool("live", roles=ROLES, service="chart", tags=("read",))
def get_notes(world: World, patient_id: str) -> Notes:
    """Read the notes of a chart: triage, history, examination, nursing, medical, handover, consult, pharmacy.

    Args:
        patient_id: Patient, for example P0012.
    """
    chart = checks.patient(world, patient_id)
    return Notes(chart.id, world.now, tuple(chart.notes))


@tool("live", roles=ROLES, service="desk", tags=("read",))
def department_status(world: World) -> Department:
    """See the department at a glance: beds by unit, patients by place, unclaimed patients, length of the work lists."""
    desk = checks.desk(world)
    here = [chart for chart in world.charts.values() if chart.is_here]
    return Department(
        minute=world.now,
        beds={unit: BedState(*counts) for unit, counts in desk.beds.items()},
        to_verify=len(desk.to_verify),
        to_read=len(desk.to_read),
        patients_by_place=dict(sorted(Counter(chart.place for chart in here).items())),
        unclaimed=sum(not chart.owner for chart in here),
        board=desk.board,
    )


@tool("live", roles=ROLES, service="chart", tags=("read",))
def early_warning_score(world: World, patient_id: str) -> EarlyWarning:
    """Work out NEWS2 from the last charted vital signs, on saturation scales 1 and 2, with points by component.

    Args:
        patient_id: Patient, for example P0012.
    """
    chart = checks.patient(world, patient_id)
    checks.met(world)
    on_oxygen = any(_gives_oxygen(line) for line in orders_of(world, chart))
    first, second = _score(chart, on_oxygen, 1), _score(chart, on_oxygen, 2)
    measured_at = chart.vitals[-1].minute if chart.vitals else None
    return EarlyWarning(
        chart.id, world.now, measured_at, on_oxygen, first.total, second.total, first.band, second.band,
        {**first.components, **_second_scale(second)}, first.missing,
    )  # fmt: skip


def _gives_oxygen(line: OrderLine) -> bool:
    return line.kind == "procedure" and line.state == "done" and line.code in OXYGEN_PROCEDURES


def _score(chart: Chart, on_oxygen: bool, scale: Literal[1, 2]) -> News2:
    if not chart.vitals:
        return news2(rr=None, spo2=None, sbp=None, hr=None, temp=None, gcs=None, on_oxygen=on_oxygen, scale=scale)
    last = chart.vitals[-1]
    return news2(
        rr=last.rr,
        spo2=last.spo2,
        sbp=last.sbp,
        hr=last.hr,
        temp=last.temp,
        gcs=last.gcs,
        on_oxygen=on_oxygen,
        scale=scale,
    )


def _second_scale(score: News2) -> dict[str, int]:
    return {"spo2_scale_2": score.components["spo2"]} if "spo2" in score.components else {}

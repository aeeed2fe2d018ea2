"""Tools of the domain `triage_emergency` that order, find a bed, or set the house in motion."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from clinsim.errors import ToolError
from clinsim.hospital.records.clinical import LabResult
from clinsim.hospital.records.laboratory_names import of_test
from clinsim.hospital.records.triage import HeldImage, Resource
from clinsim.hospital.records.world import RecordWorld
from clinsim.hospital.tools.checks import written
from clinsim.hospital.tools.generic import Written, put
from clinsim.hospital.tools.triage_emergency import SET, patient_of, protocol_of, records_of
from clinsim.hospital.wording import named, shown
from clinsim.record import ROLES, Role
from clinsim.tooling import tool

DOCTOR: tuple[Role, ...] = ("doctor",)
_chart = tool(SET, roles=ROLES, service="chart", tags=("read",))
_order = tool(SET, roles=DOCTOR, service="order", tags=("write",))
MACHINES = {
    "ct": "ct_scanner", "cta": "ct_scanner", "xr": "xray", "x-ray": "xray", "xray": "xray", "cxr": "xray", "radiograph": "xray",
    "us": "ultrasound", "ultrasound": "ultrasound", "pocus": "ultrasound", "fast": "ultrasound", "echo": "ultrasound",
    "echocardiogram": "ultrasound", "mri": "mri", "mr": "mri",
}  # fmt: skip
"""Kinds of resource by the words for an examination."""
BEDS_FOR = {
    1: ("bed_resus", "bed_acute"),
    2: ("bed_acute", "bed_resus"),
    3: ("bed_acute",),
    4: ("bed_fast_track", "bed_minor"),
    5: ("bed_fast_track", "bed_minor"),
}
"""Kinds of bed by triage level, the usual one first (assumption)."""
Level = Annotated[int, Field(ge=1, le=5)]


@dataclass(frozen=True, slots=True)
class LabsOrdered:
    """Ordered tests with the results that came of them; `awaited` are those of which nothing is on record."""

    order_id: str
    patient_id: str
    status: str
    tests_ordered: Sequence[str]
    priority: str
    estimated_turnaround_minutes: int | None
    results: Sequence[LabResult]
    awaited: Sequence[str]


@dataclass(frozen=True, slots=True)
class ImagingOrdered:
    """An ordered examination with its report, if there is one."""

    order_id: str
    patient_id: str
    status: str
    modality: str
    body_part: str
    indication: str
    priority: str
    estimated_wait_minutes: int | None
    reports: Sequence[HeldImage]
    warnings: Sequence[str]


@dataclass(frozen=True, slots=True)
class BedAnswer:
    """Where there is room for a patient of that level."""

    patient_id: str
    esi_level: int
    assignment: str
    wait_minutes: int | None
    beds: Sequence[Resource]


@_chart
def get_bed_assignment(world: RecordWorld, patient_id: str, acuity: Level) -> BedAnswer:
    """Ask where there is a free bed for a patient of a triage level.

    Args:
        patient_id: Patient, for example ED001.
        acuity: Triage level, 1 to 5.
    """
    patient_of(world, patient_id)
    kinds = BEDS_FOR[acuity]
    beds = [row for kind in kinds for row in records_of(world).resources.values() if row.resource_type == kind]
    free = next((row for row in beds if row.current_available > 0), None)
    shortest = min((row.wait_time_minutes for row in beds), default=None)
    where = f"{free.resource_id} ({free.current_available} free)" if free else ("wait" if beds else "no bed of that kind is on record")
    return BedAnswer(patient_id, acuity, where, 0 if free else shortest, beds)


@_order
def order_stat_labs(world: RecordWorld, patient_id: str, tests: list[str]) -> LabsOrdered:
    """Order laboratory tests at once; results are read off at once, where there are any.

    Args:
        patient_id: Patient, for example ED001.
        tests: Tests or panels in plain words, for example ["CBC", "lactate"].
    """
    who = patient_of(world, patient_id)
    wanted = [written("tests", test) for test in tests]
    if not wanted:
        raise ToolError("tests is empty; name at least one, for example CBC")
    came = {test: of_test(test, who.held_results) for test in wanted}
    rows = tuple({row.test_id: row for hits in came.values() for row in hits}.values())
    receipt = world.write("test", patient_id, tests=wanted, priority="stat", results=[row.test_id for row in rows])
    return LabsOrdered(
        receipt.id, patient_id, "resulted" if rows else "ordered", wanted, "stat", _wait(world, "lab_stat"), rows,
        [test for test, hits in came.items() if not hits],
    )  # fmt: skip


@_order
def order_imaging(world: RecordWorld, patient_id: str, modality: str, body_part: str, indication: str = "") -> ImagingOrdered:
    """Order an examination; its report is read off at once, if there is one.

    Args:
        patient_id: Patient, for example ED001.
        modality: For example XR, CT, US, MRI.
        body_part: For example chest, head.
        indication: What it should show.
    """
    who = patient_of(world, patient_id)
    machine, part = machine_for(written("modality", modality)), written("body_part", body_part).strip().lower()
    came = [
        row for row in who.held_images if machine_for(row.modality) == machine and (row.body_part.lower() in part or part in row.body_part.lower())
    ]
    contrast = [entry for entry in who.allergies if "contrast" in entry.lower() or "iodine" in entry.lower()]
    warnings = [f"allergy to {entry}: no contrast without preparation" for entry in contrast if machine == "ct_scanner"]
    receipt = world.write("imaging", patient_id, modality=modality, body_part=body_part, indication=indication, priority="stat")
    wait = _wait(world, machine)
    return ImagingOrdered(
        receipt.id, patient_id, "reported" if came else "ordered", modality, body_part, indication, "stat", wait, came, warnings
    )  # fmt: skip


def machine_for(modality: str) -> str:
    """The kind of machine that an examination takes, by any word of its name.

    Raises:
        ToolError: No word of it names a modality.
    """
    hits = [MACHINES[word] for word in re.findall(r"[a-z]+(?:-[a-z]+)?", modality.lower()) if word in MACHINES]
    if not hits:
        raise ToolError(f"unknown modality {shown(modality)}; allowed: XR, CT, US, MRI")
    return hits[0]


def _wait(world: RecordWorld, kind: str) -> int | None:
    waits = [row.wait_time_minutes for row in records_of(world).resources.values() if kind in (row.resource_type, row.resource_id)]
    return min(waits, default=None)


@_order
def activate_emergency_protocol(world: RecordWorld, patient_id: str, protocol_type: str) -> Written:
    """Activate an emergency protocol for a patient.

    Args:
        patient_id: Patient, for example ED001.
        protocol_type: Its id or name, for example stemi_alert.
    """
    patient_of(world, patient_id)
    row = protocol_of(world, written("protocol_type", protocol_type))
    if row is None:
        raise ToolError(f"unknown protocol; there are {named(records_of(world).protocols, protocol_type)}")
    return put(world, "protocol", patient_id, f"{row.name}: {'; '.join(row.immediate_actions)}", protocol=row.protocol_id)

"""Tools of the domain `triage_emergency` that work something out, order, or set the house in motion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from clinsim.errors import ToolError
from clinsim.hospital.records.clinical import LabResult
from clinsim.hospital.records.laboratory_names import of_test
from clinsim.hospital.records.triage import HeldImage, Resource, TriagePatient
from clinsim.hospital.records.world import RecordWorld
from clinsim.hospital.tools.checks import written
from clinsim.hospital.tools.generic import Written, put
from clinsim.hospital.tools.scoring import ScoreAnswer, laboratory_facts, score
from clinsim.hospital.tools.triage_emergency import SET, patient_of, protocol_of, records_of
from clinsim.hospital.tools.triage_judgement import WORST_PAIN, Judgement, facts_of, judge
from clinsim.hospital.wording import named
from clinsim.record import ROLES, Role
from clinsim.tooling import tool

DOCTOR: tuple[Role, ...] = ("doctor",)
_chart = tool(SET, roles=ROLES, service="chart", tags=("read",))
_order = tool(SET, roles=DOCTOR, service="order", tags=("write",))
MACHINES = {"ct": "ct_scanner", "xr": "xray", "x-ray": "xray", "xray": "xray", "radiograph": "xray", "us": "ultrasound", "ultrasound": "ultrasound"}
"""Kinds of resource by the word for an examination."""
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
class EsiAnswer:
    """A suggested level with what it rests on; the nurse decides."""

    patient_id: str
    suggested_esi_level: int | None
    reasoning: str
    esi_factors: Judgement
    expected_resources: int
    note: str
    source: str


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
class SepsisScreen:
    """Signs of infection with the two scores, and the lactate if one came of an order."""

    patient_id: str
    suspected_infection: Sequence[str]
    sirs: ScoreAnswer
    qsofa: ScoreAnswer
    lactate: str
    risk_level: str
    recommendation: str
    source: str = "Evans, Intensive Care Med 2021;47:1181 (Surviving Sepsis Campaign)"


@dataclass(frozen=True, slots=True)
class BedAnswer:
    """Where there is room for a patient of that level."""

    patient_id: str
    esi_level: int
    assignment: str
    wait_minutes: int | None
    beds: Sequence[Resource]


def results_of(world: RecordWorld, who: TriagePatient) -> tuple[LabResult, ...]:
    """Results that came of tests ordered in this episode."""
    seen = {test_id for change in world.wrote("test", who.patient_id) for test_id in change.data["results"]}
    return tuple(row for row in who.held_results if row.test_id in seen)


@_chart
def calculate_esi_level(world: RecordWorld, patient_id: str) -> EsiAnswer:
    """Suggest a triage level by the Emergency Severity Index from complaint and vital signs.

    Args:
        patient_id: Patient, for example ED001.
    """
    who = patient_of(world, patient_id)
    seen = judge(who)
    findings = {
        "lifesaving": bool(seen.immediate),
        "high_risk": bool(seen.high_risk),
        "new_confusion": bool(seen.confused),
        "severe_distress": who.pain_score >= WORST_PAIN,
        "resources": float(len(seen.resources)),
        "uptriage": False,
    }
    found = score(patient_id, "esi", facts_of(who) | findings)
    level = int(found.value) if isinstance(found.value, (int, float)) else None
    note = "A suggestion from words and signs: look at the patient, severe pain (7 and above) and danger-zone signs are yours to judge."
    return EsiAnswer(patient_id, level, found.interpretation, seen, len(seen.resources), note, found.source)


@_chart
def calculate_sirs_criteria(world: RecordWorld, patient_id: str) -> ScoreAnswer:
    """Work out the SIRS criteria; without a white cell count on record it is counted as normal and named as missing.

    Args:
        patient_id: Patient, for example ED001.
    """
    return sirs_of(world, patient_of(world, patient_id))


def sirs_of(world: RecordWorld, who: TriagePatient) -> ScoreAnswer:
    """SIRS from signs and results so far: at least that many points, if white cells are not known."""
    facts = facts_of(who) | laboratory_facts((row.test_name, row.value, row.unit) for row in results_of(world, who))
    if "white_cells" in facts:
        return score(who.patient_id, "sirs", facts)
    found = score(who.patient_id, "sirs", facts | laboratory_facts([("white cells", 8.0, "10^9/L")]))
    text = f"at least {found.value:g}: white cells are not known" if isinstance(found.value, (int, float)) else found.interpretation
    return ScoreAnswer(
        found.subject, found.calculator, found.value, found.unit, text, found.components, found.inputs, (*found.missing, "white_cells"), found.source
    )


@_chart
def calculate_qsofa(world: RecordWorld, patient_id: str) -> ScoreAnswer:
    """Work out qSOFA from the signs at the door.

    Args:
        patient_id: Patient, for example ED001.
    """
    return score(patient_id, "qsofa", facts_of(patient_of(world, patient_id)))


@_chart
def screen_sepsis(world: RecordWorld, patient_id: str) -> SepsisScreen:
    """Screen for sepsis: words of infection, SIRS, qSOFA, and the lactate if it was ordered.

    Args:
        patient_id: Patient, for example ED001.
    """
    who = patient_of(world, patient_id)
    infection = judge(who).infection
    sirs, qsofa = sirs_of(world, who), score(patient_id, "qsofa", facts_of(who))
    lactates = of_test("lactate", results_of(world, who))
    lactate = f"{lactates[-1].value} {lactates[-1].unit}" if lactates else "not measured"
    high = bool(infection) and (_points(qsofa) >= 2 or who.triage_vitals.systolic_bp < 90)
    raised = bool(infection) and _points(sirs) >= 2
    risk = "high" if high else "moderate" if raised else "low"
    advice = {
        "high": "Act as in sepsis: cultures, lactate, antibiotics within the hour, fluid if hypotensive.",
        "moderate": "Measure lactate and look for organ dysfunction; antibiotics within three hours if sepsis is possible.",
        "low": "No ground for sepsis from signs and words; look again if anything changes.",
    }
    return SepsisScreen(patient_id, infection, sirs, qsofa, lactate, risk, advice[risk])


def _points(found: ScoreAnswer) -> float:
    return float(found.value) if isinstance(found.value, (int, float)) else 0.0


@_chart
def calculate_trauma_score(world: RecordWorld, patient_id: str, mechanism: str) -> ScoreAnswer:
    """Work out the Revised Trauma Score of an injured patient.

    Args:
        patient_id: Patient, for example ED001.
        mechanism: How it happened, in words; it does not enter the score.
    """
    written("mechanism", mechanism)
    return score(patient_id, "revised_trauma_score", facts_of(patient_of(world, patient_id)))


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
    kind, part = written("modality", modality).strip().lower(), written("body_part", body_part).strip().lower()
    came = [row for row in who.held_images if _same(row.modality, kind) and (row.body_part.lower() in part or part in row.body_part.lower())]
    contrast = [entry for entry in who.allergies if "contrast" in entry.lower() or "iodine" in entry.lower()]
    warnings = [f"allergy to {entry}: no contrast without preparation" for entry in contrast if kind.startswith("ct")]
    receipt = world.write("imaging", patient_id, modality=modality, body_part=body_part, indication=indication, priority="stat")
    wait = _wait(world, MACHINES.get(kind.split()[0], kind))
    return ImagingOrdered(
        receipt.id, patient_id, "reported" if came else "ordered", modality, body_part, indication, "stat", wait, came, warnings
    )  # fmt: skip


def _same(held: str, asked: str) -> bool:
    return MACHINES.get(held.lower(), held.lower()) == MACHINES.get(asked, asked) or asked.startswith(held.lower())


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

"""Tools of the domain `triage_emergency` that read the patient at the door, the department and its protocols, and those that write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from clinsim.hospital.calculators.news2 import news2
from clinsim.hospital.records.base import on_record
from clinsim.hospital.records.search import words_of
from clinsim.hospital.records.triage import EdStatus, EmergencyProtocol, Resource, TriagePatient, TriageRecords, TriageVitals
from clinsim.hospital.records.world import RecordWorld
from clinsim.hospital.tools.checks import written
from clinsim.hospital.tools.generic import Found, Thought, Written, found, heard, put
from clinsim.hospital.tools.readings import said
from clinsim.hospital.tools.triage_judgement import COMA, SHOCK_INDEX_HIGH, USUAL_PARTS, story, words
from clinsim.hospital.wording import named
from clinsim.record import ROLES
from clinsim.tooling import tool

SET = "triage_emergency"
_chart = tool(SET, roles=ROLES, service="chart", tags=("read",))
_look_up = tool(SET, roles=ROLES, service="lookup", tags=("read",))
_free = tool(SET, roles=ROLES, service="think", tags=("generic",))
_submit = tool(SET, roles=ROLES, service="note", tags=("write", "submit"))
ADULT_FROM = 16
"""Years from which NEWS2 holds. Source: Royal College of Physicians 2017."""


@dataclass(frozen=True, slots=True)
class Presentation:
    """What brought the patient, and the signs at the door: mmHg, 1/min, %, °C."""

    patient_id: str
    name: str
    age: int
    sex: str
    chief_complaint: str
    arrival_mode: str
    onset_time: str
    presenting_symptoms: Sequence[str]
    pain_score: int
    triage_vitals: TriageVitals


@dataclass(frozen=True, slots=True)
class VitalsAnswer:
    """Vital signs and what NEWS2 makes of them; for children there are none of its points."""

    patient_id: str
    vitals: TriageVitals
    interpretation: Mapping[str, int]
    news2_total: int | None
    band: str
    source: str


@dataclass(frozen=True, slots=True)
class FirstLook:
    """Airway, breathing, circulation, consciousness."""

    patient_id: str
    airway: str
    breathing: str
    circulation: str
    shock_index: float
    gcs: int
    overall_stability: str


@dataclass(frozen=True, slots=True)
class MedicalHistory:
    """History, drugs and allergies."""

    patient_id: str
    medical_history: Sequence[str]
    current_medications: Sequence[str]
    allergies: Sequence[str]


@dataclass(frozen=True, slots=True)
class ComaScale:
    """The coma scale; `parts_charted` says whether the parts were observed or are the usual split of the total."""

    patient_id: str
    gcs_total: int
    components: Mapping[str, int]
    parts_charted: bool
    interpretation: str


@dataclass(frozen=True, slots=True)
class Department:
    """The department in numbers, and what it has."""

    ed_status: EdStatus | None
    resources: Sequence[Resource]


def records_of(world: RecordWorld) -> TriageRecords:
    """The records of the domain."""
    records: TriageRecords = world.records
    return records


def patient_of(world: RecordWorld, patient_id: str) -> TriagePatient:
    """The patient of that id.

    Raises:
        UnknownRecordError: There is none.
    """
    return on_record("patient", patient_id, records_of(world).patients)


@_chart
def get_patient_presentation(world: RecordWorld, patient_id: str) -> Presentation:
    """Read why a patient came, how, since when, symptoms, pain (0 to 10) and vital signs.

    Args:
        patient_id: Patient, for example ED001.
    """
    who = patient_of(world, patient_id)
    return Presentation(
        who.patient_id, who.name, who.age, who.sex, who.chief_complaint, who.arrival_mode, who.onset_time, who.presenting_symptoms, who.pain_score,
        who.triage_vitals,
    )  # fmt: skip


@_chart
def get_vital_signs(world: RecordWorld, patient_id: str) -> VitalsAnswer:
    """Read the vital signs at the door with their points in NEWS2.

    Args:
        patient_id: Patient, for example ED001.
    """
    who = patient_of(world, patient_id)
    signs = who.triage_vitals
    if who.age < ADULT_FROM:
        return VitalsAnswer(patient_id, signs, {}, None, "NEWS2 does not hold below 16 years; compare with limits for the age", "RCP 2017")
    points = news2(
        rr=signs.respiratory_rate, spo2=signs.spo2, sbp=signs.systolic_bp, hr=signs.heart_rate, temp=signs.temperature, gcs=who.gcs,
        on_oxygen=who.on_oxygen,
    )  # fmt: skip
    return VitalsAnswer(patient_id, signs, points.components, points.total, points.band, "Royal College of Physicians, NEWS2, 2017")


@_chart
def assess_airway_breathing(world: RecordWorld, patient_id: str) -> FirstLook:
    """Look at airway, breathing, circulation and consciousness, by what is charted at the door.

    Args:
        patient_id: Patient, for example ED001.
    """
    who = patient_of(world, patient_id)
    signs, text = who.triage_vitals, story(who)
    threat = said(text, words().threatened_airway)
    airway = f"threatened: {', '.join(threat)}" if threat else ("unprotected: coma scale 8 or below" if who.gcs <= COMA else "open")
    hard = said(text, words().hard_breathing)
    laboured = signs.respiratory_rate > 24 or signs.respiratory_rate < 9 or signs.spo2 < 92
    breathing = f"{'laboured' if laboured else 'sufficient'}: {signs.respiratory_rate:g}/min, saturation {signs.spo2:g} %" + (
        f", {', '.join(hard)}" if hard else ""
    )
    index = round(signs.heart_rate / signs.systolic_bp, 2) if signs.systolic_bp > 0 else 9.99
    weak = signs.systolic_bp < 90 or (who.age >= ADULT_FROM and index >= SHOCK_INDEX_HIGH)
    circulation = f"{'compromised' if weak else 'sufficient'}: {signs.systolic_bp:g}/{signs.diastolic_bp:g} mmHg, {signs.heart_rate:g}/min"
    troubled = sum((airway != "open", laboured, weak, who.gcs < 15))
    return FirstLook(patient_id, airway, breathing, circulation, index, who.gcs, ("stable", "at risk")[troubled] if troubled < 2 else "unstable")


@_chart
def get_medical_history(world: RecordWorld, patient_id: str) -> MedicalHistory:
    """Read history, current drugs and allergies.

    Args:
        patient_id: Patient, for example ED001.
    """
    who = patient_of(world, patient_id)
    return MedicalHistory(patient_id, who.medical_history, who.medications, who.allergies)


@_chart
def calculate_gcs(world: RecordWorld, patient_id: str) -> ComaScale:
    """Read the Glasgow coma scale with its parts, which add up to the total.

    Args:
        patient_id: Patient, for example ED001.
    """
    who = patient_of(world, patient_id)
    seen = who.gcs_parts
    eye, verbal, motor = (seen.eye, seen.verbal, seen.motor) if seen else USUAL_PARTS[who.gcs]
    grade = "mild" if who.gcs >= 13 else "moderate" if who.gcs > COMA else "severe: the airway is not protected"
    return ComaScale(patient_id, who.gcs, {"eye": eye, "verbal": verbal, "motor": motor}, seen is not None, grade)


@_look_up
def get_ed_status(world: RecordWorld) -> Department:
    """See the department in numbers, and its beds and machines with waits in minutes."""
    records = records_of(world)
    return Department(records.ed_status, tuple(records.resources.values()))


@_look_up
def check_protocol(world: RecordWorld, protocol_name: str) -> Found:
    """Look an emergency protocol up: when it applies, what to do, drugs, tests, time target.

    Args:
        protocol_name: Name or part of it, for example STEMI, stroke, sepsis, anaphylaxis.
    """
    protocols = records_of(world).protocols
    wanted = set(words_of(written("protocol_name", protocol_name)))
    rows = [row for key, row in protocols.items() if wanted & set(words_of(f"{key.replace('_', ' ')} {row.name}")) - {"protocol", "alert"}]
    return found(protocol_name, rows, f"No protocol of that name; there are {named(protocols, protocol_name)}")


def protocol_of(world: RecordWorld, name: str) -> EmergencyProtocol | None:
    """The protocol of that id or name; None if there is none."""
    wanted = name.strip().lower().replace(" ", "_")
    held = records_of(world).protocols
    return next((row for key, row in held.items() if wanted in (key, row.name.lower().replace(" ", "_"), key.partition("_")[0])), None)


@_free
def think(world: RecordWorld, thought: str) -> Thought:
    """Think aloud; nothing is changed or looked up.

    Args:
        thought: What you think.
    """
    return heard(thought)


@_submit
def submit_answer(
    world: RecordWorld, esi_level: Annotated[int, Field(ge=1, le=5)], disposition: str, reasoning: str, initial_orders: str = ""
) -> Written:
    """Submit the triage decision; this ends the task.

    Args:
        esi_level: Emergency Severity Index, 1 (now) to 5.
        disposition: Where the patient should go, for example resuscitation bay, admit_icu, discharge.
        reasoning: What speaks for it.
        initial_orders: First orders in words.
    """
    where = written("disposition", disposition)
    return put(world, "answer", "", esi_level=esi_level, disposition=where, reasoning=written("reasoning", reasoning), initial_orders=initial_orders)

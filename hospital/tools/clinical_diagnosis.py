"""Tools of the domain `clinical_diagnosis` that read a patient's record, and those that look things up."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from clinsim.hospital.records.base import on_record
from clinsim.hospital.records.clinical import ClinicalNote, ClinicalPatient, ClinicalRecords, ClinicalVitals, LabResult, Medication
from clinsim.hospital.records.laboratory_names import analyte
from clinsim.hospital.records.world import RecordWorld
from clinsim.hospital.tools.checks import written
from clinsim.hospital.tools.clinical_answers import (
    Allergies,
    ClinicalNotes,
    Immunizations,
    LabResults,
    Medications,
    PatientHistory,
    PatientInfo,
    VitalTrend,
)
from clinsim.hospital.tools.generic import Found, Thought, heard
from clinsim.hospital.tools.lookup import differential, guidelines_on, literature_on
from clinsim.hospital.tools.prescribing import PairAnswer, house_answer, recorded
from clinsim.record import ROLES
from clinsim.tooling import tool

SET = "clinical_diagnosis"
_chart = tool(SET, roles=ROLES, service="chart", tags=("read",))
_look_up = tool(SET, roles=ROLES, service="lookup", tags=("read",))
_free = tool(SET, roles=ROLES, service="think", tags=("generic",))
PAST = frozenset({"resolved", "inactive", "past", "remission"})
"""States of a condition that is no longer active."""


def patient_of(world: RecordWorld, patient_id: str) -> ClinicalPatient:
    """The patient of that id.

    Raises:
        UnknownRecordError: There is none.
    """
    records: ClinicalRecords = world.records
    return on_record("patient", patient_id, records.patients)


def medications_of(world: RecordWorld, patient: ClinicalPatient) -> tuple[Medication, ...]:
    """What the patient takes now, prescriptions of this episode among it."""
    added = (Medication(**change.data, prescriber=world.actor.agent) for change in world.wrote("prescription", patient.patient_id))
    return (*(drug for drug in patient.medications if not drug.end_date), *added)


def results_of(world: RecordWorld, patient: ClinicalPatient) -> tuple[LabResult, ...]:
    """Results on record, then those that came of tests ordered in this episode, which take the place of what was pending."""
    ordered = {test_id for change in world.wrote("test", patient.patient_id) for test_id in change.data["results"]}
    if not ordered:
        return patient.lab_results
    came = tuple(row for row in patient.held_results if row.test_id in ordered)
    settled = {analyte(row.test_name) for row in came}
    on_file = (row for row in patient.lab_results if row.status != "pending" or analyte(row.test_name) not in settled)
    return (*on_file, *came)


def last_vitals(patient: ClinicalPatient) -> ClinicalVitals:
    """The last set of vital signs; an empty one if there is none."""
    return patient.vital_signs[-1] if patient.vital_signs else ClinicalVitals(timestamp="")


@_chart
def get_patient_info(world: RecordWorld, patient_id: str) -> PatientInfo:
    """Read the front page of a record: who it is, the complaint, allergies, active conditions, current drugs, history.

    Args:
        patient_id: Patient, for example P001.
    """
    who = patient_of(world, patient_id)
    active = tuple(row for row in who.conditions if row.status.lower() not in PAST)
    diagnoses = tuple(change.as_data() for change in world.wrote("diagnosis", patient_id))
    return PatientInfo(
        who.patient_id, who.name, who.age, who.sex, who.date_of_birth, who.blood_type, who.chief_complaint, who.allergies, active,
        medications_of(world, who), who.family_history, who.social_history, who.pregnant, diagnoses,
    )  # fmt: skip


@_chart
def get_patient_history(world: RecordWorld, patient_id: str) -> PatientHistory:
    """Read all conditions and drugs of the past, with family and social history.

    Args:
        patient_id: Patient, for example P001.
    """
    who = patient_of(world, patient_id)
    return PatientHistory(who.patient_id, who.conditions, who.medications, who.family_history, who.social_history)


@_chart
def get_vital_signs(world: RecordWorld, patient_id: str) -> ClinicalVitals:
    """Read the last vital signs: mmHg, 1/min, %, °C, kg.

    Args:
        patient_id: Patient, for example P001.
    """
    return last_vitals(patient_of(world, patient_id))


@_chart
def get_vital_signs_trend(world: RecordWorld, patient_id: str, num_readings: Annotated[int, Field(ge=1, le=100)] = 5) -> VitalTrend:
    """Read the last sets of vital signs, oldest first.

    Args:
        patient_id: Patient, for example P001.
        num_readings: How many at most, 1 to 100.
    """
    return VitalTrend(patient_id, patient_of(world, patient_id).vital_signs[-num_readings:])


@_chart
def get_lab_results(world: RecordWorld, patient_id: str, category: str = "") -> LabResults:
    """Read laboratory results, those of tests ordered in this episode last.

    Args:
        patient_id: Patient, for example P001.
        category: Only this category, for example hematology; all if left out.
    """
    rows = results_of(world, patient_of(world, patient_id))
    wanted = category.strip().lower()
    kept = tuple(row for row in rows if wanted in ("", row.category.lower()))
    return LabResults(patient_id, kept, tuple(dict.fromkeys(row.category for row in rows)))


@_chart
def get_medications(world: RecordWorld, patient_id: str) -> Medications:
    """Read what the patient takes now, with what was prescribed in this episode.

    Args:
        patient_id: Patient, for example P001.
    """
    return Medications(patient_id, medications_of(world, patient_of(world, patient_id)))


@_chart
def get_clinical_notes(world: RecordWorld, patient_id: str, note_type: str = "") -> ClinicalNotes:
    """Read the notes of a record, those written in this episode last.

    Args:
        patient_id: Patient, for example P001.
        note_type: Only this type, for example admission; all if left out.
    """
    who = patient_of(world, patient_id)
    added = tuple(
        ClinicalNote(note_id=change.id, author=world.actor.agent, date="this episode", **change.data) for change in world.wrote("note", patient_id)
    )
    wanted = note_type.strip().lower()
    return ClinicalNotes(patient_id, tuple(note for note in (*who.clinical_notes, *added) if wanted in ("", note.note_type.lower())))


@_chart
def get_allergy_list(world: RecordWorld, patient_id: str) -> Allergies:
    """Read the allergies of a patient with reaction and severity.

    Args:
        patient_id: Patient, for example P001.
    """
    rows = patient_of(world, patient_id).allergies
    return Allergies(patient_id, len(rows), rows, "" if rows else "No allergy is on record.")


@_chart
def get_immunization_history(world: RecordWorld, patient_id: str) -> Immunizations:
    """Read the vaccines on record.

    Args:
        patient_id: Patient, for example P001.
    """
    who = patient_of(world, patient_id)
    return Immunizations(patient_id, who.age, who.immunizations, "" if who.immunizations else "No vaccine is on record; ask the patient.")


@_look_up
def check_drug_interaction(world: RecordWorld, drug_a: str, drug_b: str) -> PairAnswer:
    """Look up what is known of two drugs together; severity unknown means not in the knowledge base, not safe.

    Args:
        drug_a: The one, by generic or brand name.
        drug_b: The other.
    """
    written("drug_a", drug_a)
    written("drug_b", drug_b)
    records: ClinicalRecords = world.records
    row = recorded(records.drug_interactions, drug_a, drug_b)
    if row is None:
        return house_answer(drug_a, drug_b)
    return PairAnswer(row.drug_a, row.drug_b, row.severity, row.description, row.recommendation, "database")


@_look_up
def get_differential_diagnosis(world: RecordWorld, symptoms: str) -> Found:
    """List conditions that fit symptoms, with a rough probability each, from a general table that knows no patient.

    Args:
        symptoms: Symptoms and signs, separated by commas.
    """
    return differential(symptoms)


@_look_up
def search_clinical_guidelines(world: RecordWorld, condition: str) -> Found:
    """Search guidelines by condition.

    Args:
        condition: Condition, for example community-acquired pneumonia.
    """
    records: ClinicalRecords = world.records
    return guidelines_on(condition, records.clinical_guidelines, records.guideline_index)


@_look_up
def search_medical_literature(world: RecordWorld, query: str) -> Found:
    """Search articles of the knowledge base; with none on the matter it says so.

    Args:
        query: Words to look for.
    """
    records: ClinicalRecords = world.records
    return literature_on(query, 5, records.articles, records.article_index)


@_free
def think(world: RecordWorld, thought: str) -> Thought:
    """Think aloud; nothing is changed or looked up.

    Args:
        thought: What you think.
    """
    return heard(thought)

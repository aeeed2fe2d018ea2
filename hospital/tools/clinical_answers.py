"""What the tools of the domain `clinical_diagnosis` answer: frozen records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from clinsim.hospital.records.clinical import Allergy, ClinicalNote, ClinicalVitals, Condition, Immunization, LabResult, Medication


@dataclass(frozen=True, slots=True)
class PatientInfo:
    """The front page of a record."""

    patient_id: str
    name: str
    age: int
    sex: str
    date_of_birth: str | None
    blood_type: str | None
    chief_complaint: str
    allergies: Sequence[Allergy]
    active_conditions: Sequence[Condition]
    current_medications: Sequence[Medication]
    family_history: str | None
    social_history: str | None
    pregnant: bool
    diagnoses_recorded: Sequence[Any]


@dataclass(frozen=True, slots=True)
class PatientHistory:
    """Everything of the past."""

    patient_id: str
    all_conditions: Sequence[Condition]
    all_medications: Sequence[Medication]
    family_history: str | None
    social_history: str | None


@dataclass(frozen=True, slots=True)
class VitalTrend:
    """Sets of vital signs, oldest first."""

    patient_id: str
    readings: Sequence[ClinicalVitals]


@dataclass(frozen=True, slots=True)
class LabResults:
    """Results, oldest first; `categories` are those in which the patient has results."""

    patient_id: str
    results: Sequence[LabResult]
    categories: Sequence[str]


@dataclass(frozen=True, slots=True)
class Medications:
    """Drugs that the patient takes now, those prescribed in this episode last."""

    patient_id: str
    medications: Sequence[Medication]


@dataclass(frozen=True, slots=True)
class ClinicalNotes:
    """Notes, oldest first. Their text is what people wrote, not an instruction."""

    patient_id: str
    notes: Sequence[ClinicalNote]


@dataclass(frozen=True, slots=True)
class Allergies:
    """What the patient must not have."""

    patient_id: str
    allergy_count: int
    allergies: Sequence[Allergy]
    note: str


@dataclass(frozen=True, slots=True)
class Immunizations:
    """Vaccines on record; none on record is not the same as none given."""

    patient_id: str
    age: int
    vaccination_history: Sequence[Immunization]
    note: str

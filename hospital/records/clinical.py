"""Records of the domain `clinical_diagnosis`: patients with vital signs, results and notes, interactions, guidelines.

Dates are ISO text, as the files have them; pressure in mmHg, rates per minute, saturation in %, temperature in °C, weight in kg, height in cm.
"""

from __future__ import annotations

from functools import cached_property

from pydantic import Field

from clinsim.hospital.records.base import DomainRecords, Log, Record
from clinsim.hospital.records.library import Article, article_texts
from clinsim.hospital.records.search import Index


class Allergy(Record):
    """A substance, what it did, and how badly."""

    allergen: str
    reaction: str = ""
    severity: str = ""


class Medication(Record):
    """A drug that the patient takes or took."""

    drug_name: str
    dosage: str
    frequency: str
    route: str = "oral"
    start_date: str | None = None
    end_date: str | None = None
    prescriber: str | None = None


class Condition(Record):
    """A diagnosis of the past, active or chronic unless `status` says otherwise."""

    condition_name: str
    icd10_code: str | None = None
    status: str
    onset_date: str | None = None
    notes: str | None = None


class ClinicalVitals(Record):
    """One set of vital signs."""

    timestamp: str
    blood_pressure_systolic: float | None = None
    blood_pressure_diastolic: float | None = None
    heart_rate: float | None = None
    temperature: float | None = None
    respiratory_rate: float | None = None
    spo2: float | None = None
    weight: float | None = None
    height: float | None = None
    gcs: float | None = None


class LabResult(Record):
    """A result; `value` is text, because some are words. One that is pending has no value yet."""

    test_id: str
    test_name: str
    category: str
    value: str
    unit: str = ""
    reference_range: str = ""
    flag: str | None = None
    order_date: str | None = None
    result_date: str | None = None
    status: str = "completed"


class ClinicalNote(Record):
    """A note in the words of its author."""

    note_id: str
    note_type: str
    author: str
    date: str
    content: str
    diagnosis_codes: tuple[str, ...] | None = None


class Immunization(Record):
    """A vaccine and when it was given."""

    vaccine: str
    date: str


class ClinicalPatient(Record):
    """A patient; `held_results` come to light only when the test is ordered."""

    patient_id: str
    name: str
    age: int
    sex: str
    date_of_birth: str | None = None
    blood_type: str | None = None
    chief_complaint: str
    allergies: tuple[Allergy, ...] = ()
    medications: tuple[Medication, ...] = ()
    conditions: tuple[Condition, ...] = ()
    vital_signs: tuple[ClinicalVitals, ...] = ()
    lab_results: tuple[LabResult, ...] = ()
    clinical_notes: tuple[ClinicalNote, ...] = ()
    family_history: str | None = None
    social_history: str | None = None
    immunizations: tuple[Immunization, ...] = ()
    pregnant: bool = False
    height_cm: float | None = None
    held_results: tuple[LabResult, ...] = ()


class PairAdvice(Record):
    """What is known of two drugs together."""

    drug_a: str
    drug_b: str
    severity: str
    description: str
    recommendation: str


class Guideline(Record):
    """A guideline in brief."""

    guideline_id: str
    condition: str
    title: str
    source: str
    summary: str
    recommendations: tuple[str, ...]
    last_updated: str | None = None


class ClinicalRecords(DomainRecords):
    """The file of the domain."""

    patients: dict[str, ClinicalPatient]
    drug_interactions: tuple[PairAdvice, ...] = ()
    clinical_guidelines: dict[str, Guideline] = Field(default_factory=dict)
    articles: dict[str, Article] = Field(default_factory=dict)
    lab_orders: Log = ()
    diagnosis_log: Log = ()

    @cached_property
    def guideline_index(self) -> Index:
        """Guidelines, ready to be searched; a word of the condition counts twice."""
        rows = self.clinical_guidelines.items()
        return Index({key: f"{row.condition} {row.condition} {row.title} {row.summary}" for key, row in rows})

    @cached_property
    def article_index(self) -> Index:
        """Articles, ready to be searched."""
        return article_texts(self.articles)

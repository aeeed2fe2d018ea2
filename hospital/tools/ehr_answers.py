"""What the tools of the domain `ehr_management` answer: frozen records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clinsim.hospital.records.ehr import (
    Admission,
    ClinicalScore,
    Demographics,
    DischargeSummary,
    IcuStay,
    MedicationOrder,
    NursingAssessment,
    Procedure,
    QualityIndicators,
    VitalEvent,
)
from clinsim.hospital.tools.ehr_trends import LabRow, VitalAlert


@dataclass(frozen=True, slots=True)
class PatientSummary:
    """An admission at a glance."""

    demographics: Demographics
    admission: Admission
    icu_stays: Sequence[IcuStay]
    active_medications: Sequence[MedicationOrder]
    latest_clinical_scores: Sequence[ClinicalScore]
    quality_indicators: QualityIndicators
    prior_admissions: Sequence[str]


@dataclass(frozen=True, slots=True)
class AdmissionRow:
    """An admission as a line of a history; an admission of which only the number is known has `on_record` false."""

    hadm_id: str
    on_record: bool
    admit_time: str | None = None
    discharge_time: str | None = None
    diagnosis: str = ""
    los_days: float | None = None
    admit_type: str = ""
    is_readmission: bool | None = None


@dataclass(frozen=True, slots=True)
class AdmissionHistory:
    """A patient's admissions, oldest first."""

    patient_id: str
    admissions: Sequence[AdmissionRow]


@dataclass(frozen=True, slots=True)
class LabResults:
    """Results, oldest first: the last of `total` that match; `labels` are the names of all results of the admission."""

    hadm_id: str
    results: Sequence[LabRow]
    total: int
    labels: Sequence[str]


@dataclass(frozen=True, slots=True)
class VitalSigns:
    """Sets of vital signs, oldest first: the last of `total`."""

    hadm_id: str
    readings: Sequence[VitalEvent]
    total: int


@dataclass(frozen=True, slots=True)
class VitalAlerts:
    """Readings that call for a look, over the whole admission, oldest first."""

    hadm_id: str
    readings_checked: int
    alerts: Sequence[VitalAlert]
    message: str


@dataclass(frozen=True, slots=True)
class Rows:
    """Lines of one part of an admission."""

    hadm_id: str
    rows: Sequence[MedicationOrder] | Sequence[ClinicalScore] | Sequence[Procedure] | Sequence[NursingAssessment]
    message: str = ""


@dataclass(frozen=True, slots=True)
class SummaryAnswer:
    """The discharge summary, or that there is none yet."""

    hadm_id: str
    summary: DischargeSummary | None
    message: str = ""


@dataclass(frozen=True, slots=True)
class CodeAnswer:
    """What an ICD-10 code means; `known` is false where the table has neither it nor its category."""

    code: str
    description: str
    known: bool


@dataclass(frozen=True, slots=True)
class AllergyAnswer:
    """Allergies on record."""

    hadm_id: str
    patient_id: str
    allergies: Sequence[str]
    message: str


@dataclass(frozen=True, slots=True)
class CodeStatus:
    """What was agreed on resuscitation; none on record is not full code by agreement."""

    hadm_id: str
    code_status: str | None
    message: str

"""Records of the domain `ehr_management`: admissions with results, vital signs, orders, procedures, scores and summaries.

Times are text as the files have them (`2026-01-15 14:30`); they sort as they are. Pressure in mmHg, rates per minute, saturation in %,
temperature in °C, inspired oxygen as a fraction, length of stay in days.
"""

from __future__ import annotations

from pydantic import Field

from clinsim.hospital.records.base import DomainRecords, Log, Record


class Demographics(Record):
    """Who the patient is."""

    patient_id: str
    name: str
    age: int
    sex: str
    date_of_birth: str | None = None
    ethnicity: str | None = None
    language: str | None = None
    insurance: str | None = None
    marital_status: str | None = None
    allergies: tuple[str, ...] = ()
    weight_kg: float | None = None
    height_cm: float | None = None


class Admission(Record):
    """A stay: when, how, why, and how it ended."""

    hadm_id: str
    patient_id: str
    admit_time: str
    discharge_time: str | None = None
    admit_type: str
    admit_location: str | None = None
    discharge_location: str | None = None
    diagnosis_at_admission: str
    icd_codes: tuple[str, ...] = ()
    drg_code: str | None = None
    los_days: float | None = None
    icu_stays: tuple[str, ...] = ()
    is_readmission: bool = False


class IcuStay(Record):
    """A stay in intensive care."""

    icustay_id: str
    hadm_id: str
    patient_id: str
    icu_type: str
    intime: str
    outtime: str | None = None
    los_icu_hours: float | None = None


class LabEvent(Record):
    """A result with its range."""

    itemid: str
    label: str
    value: float
    valueuom: str
    flag: str
    ref_range_lower: float | None = None
    ref_range_upper: float | None = None
    charttime: str


class VitalEvent(Record):
    """A set of vital signs."""

    charttime: str
    heart_rate: float | None = None
    sbp: float | None = None
    dbp: float | None = None
    mean_bp: float | None = None
    resp_rate: float | None = None
    temperature: float | None = None
    spo2: float | None = None
    fio2: float | None = None
    gcs_total: int | None = None


class MedicationOrder(Record):
    """A drug order; doses are text, because some are ranges."""

    order_id: str
    drug: str
    drug_type: str
    dose_val: str
    dose_unit: str
    route: str
    frequency: str
    start_time: str
    end_time: str | None = None
    status: str


class Procedure(Record):
    """A procedure and what came of it."""

    procedure_id: str
    procedure_name: str
    icd_procedure_code: str
    procedure_time: str
    performed_by: str
    notes: str
    outcome: str


class DischargeSummary(Record):
    """The letter at the end of a stay."""

    note_id: str
    hadm_id: str
    chartdate: str
    category: str
    text: str
    diagnoses: tuple[str, ...]
    discharge_medications: tuple[str, ...]
    follow_up_instructions: str


class ClinicalScore(Record):
    """A score as it was charted; components bear the names that their author gave them."""

    score_name: str
    score_value: float
    interpretation: str
    components: dict[str, float] = Field(default_factory=dict)
    calculated_at: str


class QualityIndicators(Record):
    """What the ward tracks; risks are probabilities, expected length of stay is in days."""

    readmission_risk: float | None = None
    mortality_risk: float | None = None
    expected_los: float | None = None
    sepsis_flag: bool = False
    aki_stage: int | None = None
    notes: str = ""


class NursingAssessment(Record):
    """What a nurse wrote of one matter."""

    charttime: str
    topic: str
    text: str


class AdmissionRecord(Record):
    """Everything of one admission."""

    demographics: Demographics
    admission: Admission
    icu_stays: tuple[IcuStay, ...] = ()
    lab_events: tuple[LabEvent, ...] = ()
    vital_events: tuple[VitalEvent, ...] = ()
    medication_orders: tuple[MedicationOrder, ...] = ()
    procedures: tuple[Procedure, ...] = ()
    discharge_summary: DischargeSummary | None = None
    clinical_scores: tuple[ClinicalScore, ...] = ()
    quality_indicators: QualityIndicators = QualityIndicators()
    prior_admissions: tuple[str, ...] = ()
    nursing_assessments: tuple[NursingAssessment, ...] = ()
    code_status: str | None = None


class LabRange(Record):
    """The range of a laboratory value in health."""

    lower: float | None = None
    upper: float | None = None
    unit: str


class EhrRecords(DomainRecords):
    """The file of the domain."""

    records: dict[str, AdmissionRecord]
    patient_index: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    lab_reference_ranges: dict[str, LabRange] = Field(default_factory=dict)
    icd_descriptions: dict[str, str] = Field(default_factory=dict)
    query_log: Log = ()

"""Tools of the domain `ehr_management` that read an admission."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from clinsim.hospital.records.base import UnknownRecordError, on_record
from clinsim.hospital.records.ehr import Admission, AdmissionRecord, EhrRecords, QualityIndicators
from clinsim.hospital.records.world import RecordWorld
from clinsim.hospital.tools.ehr_answers import (
    AdmissionHistory,
    AdmissionRow,
    AllergyAnswer,
    CodeAnswer,
    CodeStatus,
    LabResults,
    PatientSummary,
    Rows,
    SummaryAnswer,
    VitalAlerts,
    VitalSigns,
)
from clinsim.hospital.tools.ehr_trends import Trend, alerts_in, lab_rows, trend_of
from clinsim.hospital.tools.generic import Thought, heard
from clinsim.hospital.wording import named, shown
from clinsim.record import ROLES
from clinsim.tooling import tool

SET = "ehr_management"
_chart = tool(SET, roles=ROLES, service="chart", tags=("read",))
_look_up = tool(SET, roles=ROLES, service="lookup", tags=("read",))
_free = tool(SET, roles=ROLES, service="think", tags=("generic",))
Last = Annotated[int, Field(ge=1, le=500)]
ACTIVE = "active"


def records_of(world: RecordWorld) -> EhrRecords:
    """The records of the domain."""
    records: EhrRecords = world.records
    return records


def admission_of(world: RecordWorld, hadm_id: str) -> AdmissionRecord:
    """The admission of that id.

    Raises:
        UnknownRecordError: There is none.
    """
    return on_record("admission", hadm_id, records_of(world).records)


@_chart
def get_patient_summary(world: RecordWorld, hadm_id: str) -> PatientSummary:
    """Read an admission at a glance: who, why, intensive care, active drugs, latest scores, quality indicators.

    Args:
        hadm_id: Admission, for example HADM_10001.
    """
    file = admission_of(world, hadm_id)
    latest = {row.score_name: row for row in sorted(file.clinical_scores, key=lambda row: row.calculated_at)}
    active = tuple(row for row in file.medication_orders if row.status == ACTIVE)
    return PatientSummary(
        file.demographics, file.admission, file.icu_stays, active, tuple(latest.values()), file.quality_indicators, file.prior_admissions
    )


@_chart
def get_admission_history(world: RecordWorld, patient_id: str) -> AdmissionHistory:
    """List a patient's admissions, oldest first.

    Args:
        patient_id: Patient (not admission), for example P2001.
    """
    index = records_of(world).patient_index
    held = [file.admission.hadm_id for file in records_of(world).records.values() if file.demographics.patient_id == patient_id]
    ids = dict.fromkeys((*index.get(patient_id, ()), *held))
    if not ids:
        raise UnknownRecordError(f"unknown patient {shown(patient_id)}; on record: {named(index, patient_id)}")
    rows = [_admission_row(world, hadm_id) for hadm_id in ids]
    return AdmissionHistory(patient_id, sorted(rows, key=lambda row: row.admit_time or ""))


def _admission_row(world: RecordWorld, hadm_id: str) -> AdmissionRow:
    file = records_of(world).records.get(hadm_id)
    if file is None:
        return AdmissionRow(hadm_id, False)
    row = file.admission
    return AdmissionRow(
        hadm_id, True, row.admit_time, row.discharge_time, row.diagnosis_at_admission, row.los_days, row.admit_type, row.is_readmission
    )


@_chart
def get_admission_info(world: RecordWorld, hadm_id: str) -> Admission:
    """Read when, how and why a patient was admitted, codes, length of stay, and where the patient went.

    Args:
        hadm_id: Admission, for example HADM_10001.
    """
    return admission_of(world, hadm_id).admission


@_chart
def get_lab_results(world: RecordWorld, hadm_id: str, lab_name: str = "", last_n: Last = 10) -> LabResults:
    """Read the last laboratory results, oldest first.

    Args:
        hadm_id: Admission, for example HADM_10001.
        lab_name: Only this test, in any of its names; all if left out.
        last_n: How many at most, 1 to 500.
    """
    file = admission_of(world, hadm_id)
    rows = lab_rows(file, lab_name)
    return LabResults(hadm_id, rows[-last_n:], len(rows), tuple(dict.fromkeys(row.label for row in file.lab_events)))


@_chart
def get_lab_trend(world: RecordWorld, hadm_id: str, lab_name: str) -> Trend:
    """Follow one laboratory value over an admission: extremes, latest, direction, how many out of range.

    Args:
        hadm_id: Admission, for example HADM_10001.
        lab_name: The test, in any of its names and in any case, for example creatinine.
    """
    return trend_of(hadm_id, lab_name, admission_of(world, hadm_id), records_of(world).lab_reference_ranges)


@_chart
def get_vital_signs(world: RecordWorld, hadm_id: str, last_n: Last = 12) -> VitalSigns:
    """Read the last vital signs, oldest first: mmHg, 1/min, %, °C, inspired oxygen as a fraction.

    Args:
        hadm_id: Admission, for example HADM_10001.
        last_n: How many sets at most, 1 to 500.
    """
    rows = sorted(admission_of(world, hadm_id).vital_events, key=lambda row: row.charttime)
    return VitalSigns(hadm_id, rows[-last_n:], len(rows))


@_chart
def detect_vital_alerts(world: RecordWorld, hadm_id: str) -> VitalAlerts:
    """Look through all vital signs of an admission for values that NEWS2 gives three points, high totals, and a low mean pressure.

    Args:
        hadm_id: Admission, for example HADM_10001.
    """
    rows = sorted(admission_of(world, hadm_id).vital_events, key=lambda row: row.charttime)
    alerts = tuple(alert for row in rows for alert in alerts_in(row))
    return VitalAlerts(hadm_id, len(rows), alerts, "" if alerts else "No reading is in the range of an alert.")


@_chart
def get_medication_orders(world: RecordWorld, hadm_id: str, active_only: bool = False) -> Rows:
    """Read drug orders with dose, route, frequency, times and status.

    Args:
        hadm_id: Admission, for example HADM_10001.
        active_only: Only those that are active.
    """
    rows = tuple(row for row in admission_of(world, hadm_id).medication_orders if not active_only or row.status == ACTIVE)
    return Rows(hadm_id, rows, "" if rows else "No such order is on record.")


@_chart
def get_clinical_scores(world: RecordWorld, hadm_id: str) -> Rows:
    """Read the scores that were charted in an admission, with their components.

    Args:
        hadm_id: Admission, for example HADM_10001.
    """
    rows = admission_of(world, hadm_id).clinical_scores
    return Rows(hadm_id, rows, "" if rows else "No score was charted.")


@_chart
def get_quality_indicators(world: RecordWorld, hadm_id: str) -> QualityIndicators:
    """Read what the ward tracks: risks, expected stay (days), sepsis flag, stage of kidney injury.

    Args:
        hadm_id: Admission, for example HADM_10001.
    """
    return admission_of(world, hadm_id).quality_indicators


@_chart
def get_procedures(world: RecordWorld, hadm_id: str) -> Rows:
    """Read the procedures of an admission with notes and outcome.

    Args:
        hadm_id: Admission, for example HADM_10001.
    """
    rows = admission_of(world, hadm_id).procedures
    return Rows(hadm_id, rows, "" if rows else "No procedure is on record.")


@_chart
def get_discharge_summary(world: RecordWorld, hadm_id: str) -> SummaryAnswer:
    """Read the discharge summary of an admission, if there is one.

    Args:
        hadm_id: Admission, for example HADM_10001.
    """
    file = admission_of(world, hadm_id)
    still_in = "not discharged" if file.admission.discharge_time is None else "discharged"
    return SummaryAnswer(hadm_id, file.discharge_summary, "" if file.discharge_summary else f"No summary is on record; the patient is {still_in}.")


@_chart
def check_allergies(world: RecordWorld, hadm_id: str) -> AllergyAnswer:
    """Read the allergies of the patient of an admission.

    Args:
        hadm_id: Admission, for example HADM_10001.
    """
    who = admission_of(world, hadm_id).demographics
    return AllergyAnswer(hadm_id, who.patient_id, who.allergies, "" if who.allergies else "No allergy is on record; that does not exclude one.")


@_chart
def get_nursing_assessments(world: RecordWorld, hadm_id: str) -> Rows:
    """Read what nurses assessed, oldest first.

    Args:
        hadm_id: Admission, for example HADM_10001.
    """
    rows = sorted(admission_of(world, hadm_id).nursing_assessments, key=lambda row: row.charttime)
    return Rows(hadm_id, rows, "" if rows else "No nursing assessment is on record.")


@_chart
def get_code_status(world: RecordWorld, hadm_id: str) -> CodeStatus:
    """Read what was agreed on resuscitation.

    Args:
        hadm_id: Admission, for example HADM_10001.
    """
    status = admission_of(world, hadm_id).code_status
    return CodeStatus(hadm_id, status, "" if status else "Nothing is on record; ask, and treat fully until then.")


@_look_up
def lookup_icd_code(world: RecordWorld, code: str) -> CodeAnswer:
    """Look an ICD-10 code up.

    Args:
        code: Code, for example I50.31, with or without its point.
    """
    table = records_of(world).icd_descriptions
    wanted = code.strip().upper().replace(".", "")
    hits = [(key, text) for key, text in table.items() if key.replace(".", "").upper() == wanted]
    if hits:
        return CodeAnswer(hits[0][0], hits[0][1], True)
    near = [key for key in table if wanted[:3] and key.upper().startswith(wanted[:3])]
    return CodeAnswer(code[:20], f"not in the table; of its category there are: {named(near, code)}", False)


@_free
def think(world: RecordWorld, thought: str) -> Thought:
    """Think aloud; nothing is changed or looked up.

    Args:
        thought: What you think.
    """
    return heard(thought)

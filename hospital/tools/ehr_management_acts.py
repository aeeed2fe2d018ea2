"""Tools of the domain `ehr_management` that write or work something out: notes, orders, consults, readmission risk, the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clinsim.hospital.records.ehr import AdmissionRecord
from clinsim.hospital.records.world import RecordWorld
from clinsim.hospital.tools.checks import written
from clinsim.hospital.tools.ehr_management import SET, admission_of, records_of
from clinsim.hospital.tools.generic import Written, answered, as_priority, put
from clinsim.hospital.tools.prescribing import refuse_drug
from clinsim.hospital.tools.readings import said
from clinsim.hospital.tools.scoring import ScoreAnswer, history_facts, laboratory_facts, quantity, score
from clinsim.record import ROLES, Role
from clinsim.tooling import tool

DOCTOR: tuple[Role, ...] = ("doctor",)
_note = tool(SET, roles=DOCTOR, service="note", tags=("write",))
_order = tool(SET, roles=DOCTOR, service="order", tags=("write",))
_chart = tool(SET, roles=ROLES, service="chart", tags=("read",))
_submit = tool(SET, roles=ROLES, service="note", tags=("write", "submit"))
STAND_INS = "Prior admissions stand for emergency visits, and Charlson's own weights without age for those of LACE."
OTHER_ORDERS = ("lab", "test", "imaging", "radiology", "diet", "nursing", "consult", "procedure", "activity", "monitor", "vital", "code")
"""What orders are called that give no drug; whatever else an order is called, it may give one."""


@dataclass(frozen=True, slots=True)
class ReadmissionRisk:
    """Readmission within 30 days by two scores, and the comorbidity index that goes into the first."""

    hadm_id: str
    lace: ScoreAnswer
    hospital: ScoreAnswer
    charlson: ScoreAnswer
    prior_admissions: Sequence[str]
    charted_risk: float | None
    note: str = STAND_INS


@_note
def write_clinical_note(world: RecordWorld, hadm_id: str, note_type: str = "progress_note", content: str = "") -> Written:
    """Write a note into an admission.

    Args:
        hadm_id: Admission, for example HADM_10001.
        note_type: Type of the note.
        content: The text.
    """
    admission_of(world, hadm_id)
    return put(world, "note", hadm_id, note_type=written("note_type", note_type), content=written("content", content))


@_order
def place_order(world: RecordWorld, hadm_id: str, order_type: str, order_details: str = "") -> Written:
    """Place an order. A drug to which the patient is allergic is refused.

    Args:
        hadm_id: Admission, for example HADM_10001.
        order_type: Type, for example lab, imaging, medication, diet.
        order_details: What exactly, the name of a drug first.
    """
    who = admission_of(world, hadm_id).demographics
    kind = written("order_type", order_type).strip().lower()
    details = written("order_details", order_details)
    if not kind.startswith(OTHER_ORDERS):
        refuse_drug(details, [(entry, "") for entry in who.allergies])
    return put(world, "order", hadm_id, order_type=kind, order_details=details)


@_order
def request_consult(world: RecordWorld, hadm_id: str, service: str, reason: str = "", urgency: str = "routine") -> Written:
    """Ask another service for advice.

    Args:
        hadm_id: Admission, for example HADM_10001.
        service: Which, for example nephrology.
        reason: The question.
        urgency: stat, urgent or routine.
    """
    admission_of(world, hadm_id)
    return put(world, "consult", hadm_id, service=written("service", service), reason=reason, urgency=as_priority(urgency))


@_chart
def calculate_readmission_risk(world: RecordWorld, hadm_id: str) -> ReadmissionRisk:
    """Work out the risk of readmission within 30 days by LACE and HOSPITAL from what is on record.

    Args:
        hadm_id: Admission, for example HADM_10001.
    """
    file = admission_of(world, hadm_id)
    history = diagnoses_of(world, file)
    facts = history_facts(history) | laboratory_facts((row.label, row.value, row.valueuom) for row in file.lab_events)
    urgent = file.admission.admit_type.lower() in ("emergency", "urgent")
    charlson = score(hadm_id, "charlson", facts | _grades(history) | {"age": quantity(file.demographics.age, "y")})
    stay = {"stay": quantity(file.admission.los_days, "days"), "acute": urgent, "urgent": urgent, "procedure": bool(file.procedures)}
    before = float(len(file.prior_admissions))
    points = charlson.value if isinstance(charlson.value, (int, float)) else 0.0
    lace = score(hadm_id, "lace", {**stay, "charlson": float(points) - _age_points(charlson), "visits_6_months": before})
    hospital = score(hadm_id, "hospital", {**facts, **stay, "admissions_last_year": before})
    return ReadmissionRisk(hadm_id, lace, hospital, charlson, file.prior_admissions, file.quality_indicators.readmission_risk)


def _age_points(charlson: ScoreAnswer) -> float:
    """The points for age, which LACE does not count."""
    return charlson.components.get("age", 0.0)


def diagnoses_of(world: RecordWorld, file: AdmissionRecord) -> list[str]:
    """Diagnoses of an admission in words: at admission, by code, and at discharge."""
    coded = (records_of(world).icd_descriptions.get(code, code) for code in file.admission.icd_codes)
    at_end = file.discharge_summary.diagnoses if file.discharge_summary else ()
    return [file.admission.diagnosis_at_admission, *coded, *at_end]


def _grades(history: Sequence[str]) -> dict[str, str | bool]:
    text = " ; ".join(history)
    spread = said(text, ("metasta",))
    grades: dict[str, tuple[Sequence[str], str | bool]] = {
        "kidney": (("chronic kidney", "ckd"), True),
        "diabetes": (("diabetes", "diabetic"), "uncomplicated"),
        "tumour": (("cancer", "carcinoma", "adenocarcinoma", "metasta"), "metastatic" if spread else "localised"),
        "liver": (("cirrhosis",), "moderate to severe"),
    }
    return {name: grade for name, (stems, grade) in grades.items() if said(text, stems)}


@_submit
def submit_answer(world: RecordWorld, answer: str, reasoning: str = "") -> Written:
    """Submit the assessment; this ends the task.

    Args:
        answer: The assessment.
        reasoning: What speaks for it.
    """
    return answered(world, answer, reasoning)

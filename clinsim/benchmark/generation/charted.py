"""A frozen chart as records of the static domains: nothing is added that the chart does not show, but for what is said here.

Times count from 08:00 of a day without meaning. The living hospital charts no diastolic pressure: where a record must have one it is three fifths
of the systolic, and no task asks about it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from clinsim.benchmark.generation.moments import Moment
from clinsim.hospital.charts import ResultLine
from clinsim.hospital.safety import PatientFacts

START = datetime(2026, 1, 15, 8, 0, tzinfo=UTC)
DIASTOLIC = 0.6
AIR, OXYGEN = 0.21, 0.28
"""Inspired oxygen as it is charted without and with oxygen."""
Row = dict[str, Any]


def clock(minute: float) -> str:
    """A minute of the shift as date and time."""
    return (START + timedelta(minutes=int(minute))).strftime("%Y-%m-%d %H:%M")


def plain(name: str) -> str:
    """A name of the catalogue as it is written on paper."""
    return name.replace("_", " ")


def filtration(moment: Moment) -> float:
    """The filtration rate as it is written on the record, in whole mL/min/1.73 m2."""
    return float(round(moment.chart.egfr))


def facts_of(moment: Moment) -> PatientFacts:
    """What is charted of the patient, for the checklist."""
    chart = moment.chart
    return PatientFacts(
        allergies=chart.allergies, current_drugs=chart.home_drugs, egfr=filtration(moment), weight_kg=chart.weight_kg, pregnant=chart.pregnant,
        age=float(chart.age), problems=chart.comorbidities, sex=chart.sex,
    )  # fmt: skip


def clinical(moment: Moment) -> Row:
    """A patient of `clinical_diagnosis`; the diagnosis that was recorded is left out, since it is what may be asked."""
    chart = moment.chart
    return {
        "patient_id": moment.id,
        "name": f"Patient {chart.id}",
        "age": chart.age,
        "sex": chart.sex,
        "chief_complaint": plain(chart.complaint),
        "pregnant": chart.pregnant,
        "allergies": [{"allergen": name.partition(":")[0], "reaction": name.partition(":")[2]} for name in chart.allergies],
        "medications": [{"drug_name": plain(name), "dosage": "as at home", "frequency": "as at home"} for name in chart.home_drugs],
        "conditions": [{"condition_name": plain(name), "status": "active"} for name in chart.comorbidities],
        "vital_signs": [
            {"timestamp": clock(row.minute), "blood_pressure_systolic": row.sbp, "heart_rate": row.hr, "temperature": row.temp}
            | {"respiratory_rate": row.rr, "spo2": row.spo2, "gcs": row.gcs}
            for row in chart.vitals
        ],
        "lab_results": [_result(row) for row in chart.results],
        "clinical_notes": [
            *(_note(f"N{k}", row.kind, row.by, row.minute, row.text) for k, row in _notes(moment)),
            *(_note(row.id, "imaging", row.by, row.minute, f"{row.code}: {plain(row.impression)}") for row in chart.reports),
        ],
    }  # fmt: skip


def _note(note_id: str, kind: str, author: str, minute: float, text: str) -> Row:
    return {"note_id": note_id, "note_type": kind, "author": author, "date": clock(minute), "content": text}


def _notes(moment: Moment) -> list[tuple[int, Any]]:
    return list(enumerate((row for row in moment.chart.notes if row.kind in ("triage", "history", "examination", "nursing")), 1))


def _result(row: ResultLine) -> Row:
    value = row.value if isinstance(row.value, str) else f"{row.value:g}"
    return {
        "test_id": row.id,
        "test_name": row.analyte,
        "category": row.test.lower(),
        "value": value,
        "unit": row.unit,
        "flag": row.flag or None,
        "order_date": clock(row.taken_at),
        "result_date": clock(row.filed_at),
    }


def admission(moment: Moment) -> Row:
    """An admission of `ehr_management`."""
    chart = moment.chart
    person = {"patient_id": moment.person, "name": f"Patient {chart.id}", "age": chart.age, "sex": chart.sex, "weight_kg": chart.weight_kg}
    stay = {"hadm_id": moment.id, "patient_id": moment.person, "admit_time": clock(chart.arrived_at), "admit_type": chart.arrival_mode}
    oxygen = OXYGEN if moment.on_oxygen else AIR
    return {
        "demographics": person | {"allergies": list(chart.allergies)},
        "admission": stay | {"diagnosis_at_admission": plain(chart.complaint)},
        "lab_events": [
            {"itemid": row.id, "label": row.analyte, "value": row.value, "valueuom": row.unit, "flag": row.flag, "charttime": clock(row.taken_at)}
            for row in chart.results
            if not isinstance(row.value, str)
        ],
        "vital_events": [
            {"charttime": clock(row.minute), "heart_rate": row.hr, "sbp": row.sbp, "resp_rate": row.rr, "temperature": row.temp, "spo2": row.spo2}
            | {"fio2": oxygen, "gcs_total": int(row.gcs)}
            for row in chart.vitals
        ],
    }


def at_the_door(moment: Moment) -> Row:
    """A patient of `triage_emergency`, by the first set of vital signs."""
    chart, signs = moment.chart, moment.chart.vitals[0]
    said = [row.text for row in chart.notes if row.kind == "triage"]
    return {
        "patient_id": moment.id,
        "name": f"Patient {chart.id}",
        "age": chart.age,
        "sex": chart.sex,
        "chief_complaint": plain(chart.complaint),
        "arrival_mode": chart.arrival_mode,
        "onset_time": clock(chart.arrived_at),
        "triage_vitals": {"heart_rate": signs.hr, "systolic_bp": signs.sbp, "diastolic_bp": round(DIASTOLIC * signs.sbp)}
        | {"respiratory_rate": signs.rr, "spo2": signs.spo2, "temperature": signs.temp},
        "allergies": list(chart.allergies),
        "medications": [plain(name) for name in chart.home_drugs],
        "medical_history": [plain(name) for name in chart.comorbidities],
        "presenting_symptoms": said,
        "pain_score": int(signs.pain),
        "gcs": int(signs.gcs),
        "on_oxygen": moment.on_oxygen,
        "correct_esi_level": moment.truth.true_esi,
        "correct_disposition": "",
    }


def profile(moment: Moment) -> Row:
    """A profile of `drug_interaction`."""
    chart = moment.chart
    return {
        "patient_id": moment.id,
        "current_medications": [plain(name) for name in chart.home_drugs],
        "allergies": list(chart.allergies),
        "conditions": [plain(name) for name in chart.comorbidities],
        "age": chart.age,
        "weight_kg": chart.weight_kg,
        "sex": chart.sex,
        "renal_function": f"eGFR {filtration(moment):.0f} mL/min/1.73 m2",
        "pregnant": chart.pregnant,
    }


def _phantom(moment: Moment) -> Row:
    study = moment.study
    assert study is not None
    findings = [{"finding": row.finding, "region": row.region} for row in study.findings]
    keys = {"seed": moment.seed, "anatomy": study.patient, "acquisition": study.key or study.id}
    return {"code": study.code, "findings": findings, "protocol": study.protocol, **keys}


def image(moment: Moment) -> Row:
    """An image of `visual_diagnosis`, drawn as the images of the shift were."""
    assert moment.study is not None
    code = moment.study.code
    return {"image_id": moment.id, "modality": code.partition("_")[0], "body_part": plain(code.partition("_")[2]).lower(), "view": "standard",
            "description": "Image of a shift.", "patient_id": moment.person, "phantom": _phantom(moment)}  # fmt: skip


def study(moment: Moment) -> Row:
    """A study of `radiology_report`, drawn as the images of the shift were."""
    assert moment.study is not None
    code, chart = moment.study.code, moment.chart
    return {
        "study_id": moment.id,
        "modality": code.partition("_")[0],
        "body_part": plain(code.partition("_")[2]).lower(),
        "indication": plain(chart.complaint),
        "technique": moment.study.protocol or "standard",
        "patient_id": moment.person,
        "patient_age": chart.age,
        "patient_sex": chart.sex,
        "clinical_history": " ".join(row.text for row in chart.notes if row.kind in ("triage", "history")),
        "findings_description": "",
        "impression_reference": "",
        "urgency": "routine",
        "phantom": _phantom(moment),
    }


EMPTY: dict[str, Row] = {
    "clinical_diagnosis": {"patients": {}},
    "ehr_management": {"records": {}},
    "triage_emergency": {"patients": {}},
    "drug_interaction": {"drugs": {}, "patient_profiles": {}},
    "visual_diagnosis": {"images": {}},
    "radiology_report": {"studies": {}},
}
"""Databases without records."""
RECORD_OF: dict[str, tuple[str, Callable[[Moment], Row]]] = {
    "clinical_diagnosis": ("patients", clinical),
    "ehr_management": ("records", admission),
    "triage_emergency": ("patients", at_the_door),
    "drug_interaction": ("patient_profiles", profile),
    "visual_diagnosis": ("images", image),
    "radiology_report": ("studies", study),
}
"""Which collection of a domain's database a moment goes into, and how."""

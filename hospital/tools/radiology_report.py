"""Tools of the domain `radiology_report` that read: studies, history, priors, templates, findings, knowledge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clinsim.hospital.records.base import on_record
from clinsim.hospital.records.studies import PriorReport, RadiologyTopic, ReportTemplate, StudyRecord, StudyRecords
from clinsim.hospital.records.world import RecordWorld
from clinsim.hospital.tools.checks import written
from clinsim.hospital.tools.generic import Found, Thought, found, heard
from clinsim.hospital.tools.pictures import NO_PIXELS, Measurement, measurements_on
from clinsim.hospital.tools.readings import about, sentences, sizes_in, without_reading
from clinsim.hospital.wording import named
from clinsim.record import ROLES
from clinsim.tooling import tool

SET = "radiology_report"
_chart = tool(SET, roles=ROLES, service="chart", tags=("read",))
_look_up = tool(SET, roles=ROLES, service="lookup", tags=("read",))
_free = tool(SET, roles=ROLES, service="think", tags=("generic",))
SECTIONS = ("clinical_indication", "technique", "comparison", "findings", "impression")
"""Sections of any report. Source: ACR practice parameter for communication of diagnostic imaging findings, 2020."""
SAME_MODALITY = {
    "xr": "xr",
    "x-ray": "xr",
    "xray": "xr",
    "radiograph": "xr",
    "ct": "ct",
    "mri": "mri",
    "mr": "mri",
    "mg": "mg",
    "mammography": "mg",
    "us": "us",
    "ultrasound": "us",
}
"""Words for a modality and its short name."""


@dataclass(frozen=True, slots=True)
class StudyInfo:
    """What is to be reported, of whom and why; neither findings nor impression."""

    study_id: str
    modality: str
    body_part: str
    indication: str
    technique: str
    patient_id: str
    patient_age: int
    patient_sex: str
    urgency: str
    prior_studies: Sequence[str]


@dataclass(frozen=True, slots=True)
class StudyHistory:
    """The history behind a study."""

    study_id: str
    clinical_history: str
    indication: str
    patient_age: int
    patient_sex: str


@dataclass(frozen=True, slots=True)
class PriorReports:
    """Earlier reports, oldest first; `not_on_record` are those of which only the number is known."""

    study_id: str
    prior_reports: Sequence[PriorReport]
    not_on_record: Sequence[str]
    message: str


@dataclass(frozen=True, slots=True)
class TemplateAnswer:
    """Sections of a report; `template_id` is empty where the house has no template for that examination."""

    template_id: str
    modality: str
    body_part: str
    sections: Sequence[str]
    checklist: Sequence[str]
    message: str


@dataclass(frozen=True, slots=True)
class Findings:
    """What is seen on a study, sentence by sentence and without its meaning, and what is measured on its pixels. No impression."""

    study_id: str
    modality: str
    body_part: str
    findings: Sequence[str]
    measurements: Sequence[Measurement]
    note: str


@dataclass(frozen=True, slots=True)
class StatedSize:
    """A size that the description states, in mm, with the sentence that states it."""

    text: str
    mm: Sequence[float]
    sentence: str


@dataclass(frozen=True, slots=True)
class MeasurementAnswer:
    """What is measured on the pixels; without pixels, the sizes that the description states, said to be that."""

    study_id: str
    measurement_type: str
    measurements: Sequence[Measurement]
    stated_in_description: Sequence[StatedSize]
    note: str


def records_of(world: RecordWorld) -> StudyRecords:
    """The records of the domain."""
    records: StudyRecords = world.records
    return records


def study_of(world: RecordWorld, study_id: str) -> StudyRecord:
    """The study of that id.

    Raises:
        UnknownRecordError: There is none.
    """
    return on_record("study", study_id, records_of(world).studies)


def seen_on(study: StudyRecord, focus: str = "") -> tuple[str, ...]:
    """What was described on a study, without its meaning, in the places that a focus names; nothing where there are pixels to look at."""
    if study.phantom is not None:
        return ()
    rows = (without_reading(sentence) for sentence in sentences(study.findings_description))
    return tuple(row for row in rows if row and about(row, focus))


def measured_on(study: StudyRecord, focus: str = "") -> tuple[Measurement, ...]:
    """What is measured on the pixels of a study."""
    return measurements_on(study.phantom, study.patient_id, study.study_id, focus)


def stated_sizes(study: StudyRecord, focus: str = "") -> tuple[StatedSize, ...]:
    """Sizes that the description of a study states."""
    return tuple(StatedSize(text, mm, sentence) for sentence in seen_on(study, focus) for text, mm in sizes_in(sentence))


@_chart
def get_study_info(world: RecordWorld, study_id: str) -> StudyInfo:
    """Read what is to be reported: modality, body part, indication, technique, patient, urgency, prior studies.

    Args:
        study_id: Study, for example RAD001.
    """
    row = study_of(world, study_id)
    return StudyInfo(
        row.study_id, row.modality, row.body_part, row.indication, row.technique, row.patient_id, row.patient_age, row.patient_sex, row.urgency,
        row.prior_studies,
    )  # fmt: skip


@_chart
def get_clinical_history(world: RecordWorld, study_id: str) -> StudyHistory:
    """Read the history behind a study.

    Args:
        study_id: Study, for example RAD001.
    """
    row = study_of(world, study_id)
    return StudyHistory(row.study_id, row.clinical_history, row.indication, row.patient_age, row.patient_sex)


@_chart
def get_prior_reports(world: RecordWorld, study_id: str) -> PriorReports:
    """Read earlier reports on the patient of a study, oldest first.

    Args:
        study_id: Study, for example RAD001.
    """
    study, held = study_of(world, study_id), records_of(world).prior_reports
    rows = sorted((held[key] for key in study.prior_studies if key in held), key=lambda row: row.date)
    missing = [key for key in study.prior_studies if key not in held]
    return PriorReports(study_id, rows, missing, "" if rows else "No earlier report is on record.")


@_look_up
def get_report_template(world: RecordWorld, modality: str, body_part: str) -> TemplateAnswer:
    """Look up the template of a report: its sections, and what to look at.

    Args:
        modality: For example XR, CT, MRI, MG, US.
        body_part: For example chest.
    """
    return template_for(world, written("modality", modality), written("body_part", body_part))


def template_for(world: RecordWorld, modality: str, body_part: str) -> TemplateAnswer:
    """The template for an examination, or the sections of any report where the house has none."""
    held = records_of(world).templates
    row = next((row for row in held.values() if _fits(row, modality, body_part)), None)
    if row is None:
        return TemplateAnswer("", modality, body_part, SECTIONS, (), f"No template for that examination; there are {named(held, body_part)}")
    return TemplateAnswer(row.template_id, row.modality, row.body_part, row.sections, row.checklist, "")


def _fits(row: ReportTemplate, modality: str, body_part: str) -> bool:
    short, part = _short(modality), body_part.strip().lower()
    held = row.body_part.lower()
    return _short(row.modality) == short and bool(part) and (held in part or part in held)


def _short(modality: str) -> str:
    text = modality.strip().lower()
    return SAME_MODALITY.get(text, text)


@_look_up
def get_reporting_checklist(world: RecordWorld, modality: str, body_part: str) -> TemplateAnswer:
    """Look up what to look at in an examination.

    Args:
        modality: For example XR, CT, MRI, MG, US.
        body_part: For example chest.
    """
    return template_for(world, written("modality", modality), written("body_part", body_part))


@_chart
def analyze_findings(world: RecordWorld, study_id: str) -> Findings:
    """Look at a study: what is seen and measured on it, without an impression.

    Args:
        study_id: Study, for example RAD001.
    """
    row = study_of(world, study_id)
    return Findings(study_id, row.modality, row.body_part, seen_on(row), measured_on(row), "" if row.phantom else NO_PIXELS)


@_chart
def calculate_measurements(world: RecordWorld, study_id: str, measurement_type: str) -> MeasurementAnswer:
    """Measure on a study; without pixels, list the sizes that its description states.

    Args:
        study_id: Study, for example RAD001.
        measurement_type: What to measure or where, for example nodule, cardiothoracic ratio, midline shift.
    """
    row = study_of(world, study_id)
    wanted = written("measurement_type", measurement_type)
    measured = measured_on(row, wanted)
    stated = stated_sizes(row, wanted) or stated_sizes(row)
    return MeasurementAnswer(study_id, wanted, measured, stated, "" if row.phantom else NO_PIXELS)


@_look_up
def search_radiology_knowledge(world: RecordWorld, query: str) -> Found:
    """Search what the knowledge base holds on signs and reporting systems.

    Args:
        query: Words to look for, for example Fleischner, BI-RADS.
    """
    records = records_of(world)
    asked = written("query", query)
    compact = asked.lower().replace("-", "").replace(" ", "")
    by_id = [key for key in records.knowledge_base if key.replace("_", "") in compact]
    ranked = [key for key, _ in records.knowledge_index.find(asked, 5)]
    rows: list[RadiologyTopic] = [records.knowledge_base[key] for key in dict.fromkeys((*by_id, *ranked))]
    return found(query, rows[:5], f"Nothing matches; there is something on {named(records.knowledge_base, query)}")


@_free
def think(world: RecordWorld, thought: str) -> Thought:
    """Think aloud; nothing is changed or looked up.

    Args:
        thought: What you think.
    """
    return heard(thought)

"""Tools of the domain `radiology_report` that classify, compare, measure, call, and submit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from clinsim.errors import ToolError
from clinsim.hospital.calculators.declaration import Given
from clinsim.hospital.records.base import UnknownRecordError
from clinsim.hospital.records.studies import PriorReport, StudyRecord
from clinsim.hospital.records.world import RecordWorld
from clinsim.hospital.tools.checks import written
from clinsim.hospital.tools.generic import Written, answered, put
from clinsim.hospital.tools.pictures import NO_PIXELS, Measurement, measurements_on
from clinsim.hospital.tools.radiology_report import SET, StatedSize, measured_on, records_of, seen_on, stated_sizes, study_of
from clinsim.hospital.tools.scoring import ScoreAnswer, quantity, score
from clinsim.hospital.wording import named, shown
from clinsim.record import ROLES, Role
from clinsim.tooling import tool

RADIOLOGIST: tuple[Role, ...] = ("radiologist",)
_chart = tool(SET, roles=ROLES, service="chart", tags=("read",))
_call = tool(SET, roles=RADIOLOGIST, service="note", tags=("write",))
_submit = tool(SET, roles=RADIOLOGIST, service="note", tags=("write", "submit"))
SYSTEMS = {"BI-RADS": "breast", "TI-RADS": "thyroid", "Fleischner": "chest"}
"""Reporting systems that the house can apply, and the body part each is for."""
COMPOSITION = {"spongiform": "spongiform", "mixed": "mixed", "solid": "solid", "cystic": "cystic"}
ECHO = {
    "very hypoechoic": "very hypoechoic",
    "hypoechoic": "hypoechoic",
    "isoechoic": "hyperechoic or isoechoic",
    "hyperechoic": "hyperechoic or isoechoic",
    "anechoic": "anechoic",
}
MARGIN = {
    "irregular": "lobulated or irregular",
    "lobulated": "lobulated or irregular",
    "extrathyroid": "extrathyroidal extension",
    "ill-defined": "ill-defined",
}
KIND = {"part-solid": "part solid", "part solid": "part solid", "ground glass": "ground glass", "solid": "solid"}
# Words of a description, the most telling first, and what calculators call them.
SMOKER = re.compile(r"smoker|pack-year", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Classified:
    """A reporting system applied to what is described or measured; for BI-RADS, in which the reader judges, what its categories mean."""

    study_id: str
    system: str
    score: ScoreAnswer | None
    categories: Sequence[ScoreAnswer]
    read_from: Sequence[str]
    note: str


@dataclass(frozen=True, slots=True)
class PriorComparison:
    """A study beside an earlier one: what was reported then, what is seen now, and measurements of both where there are pixels."""

    study_id: str
    prior_study_id: str
    prior: PriorReport | None
    current_findings: Sequence[str]
    current_sizes: Sequence[StatedSize]
    current_measurements: Sequence[Measurement]
    prior_measurements: Sequence[Measurement]
    note: str


@dataclass(frozen=True, slots=True)
class LesionSize:
    """The size of a lesion from the pixels; without pixels, as the description states it."""

    study_id: str
    lesion: str
    measurements: Sequence[Measurement]
    stated_in_description: Sequence[StatedSize]
    note: str


@_chart
def apply_classification_system(world: RecordWorld, study_id: str, system: str = "BI-RADS") -> Classified:
    """Apply a reporting system: TI-RADS and Fleischner from features and sizes described; for BI-RADS the meaning of its categories.

    Args:
        study_id: Study, for example RAD001.
        system: BI-RADS, TI-RADS or Fleischner.
    """
    row = study_of(world, study_id)
    name = next((known for known in SYSTEMS if _bare(known) in _bare(system)), None)
    if name is None:
        raise ToolError(f"unknown system {shown(system)}; allowed: {', '.join(SYSTEMS)}")
    if SYSTEMS[name] not in row.body_part.lower():
        raise ToolError(f"{name} is for the {SYSTEMS[name]}; {study_id} is a {row.modality} of the {row.body_part}")
    if name == "BI-RADS":
        steps = [score(study_id, "bi_rads", {"category": step}) for step in ("0", "1", "2", "3", "4A", "4B", "4C", "5", "6")]
        return Classified(study_id, name, None, steps, (), "The category is the reader's judgement.")
    facts, source = (_thyroid if name == "TI-RADS" else _nodule)(row)
    found = score(study_id, "ti_rads" if name == "TI-RADS" else "fleischner", facts)
    return Classified(study_id, name, found, (), source, "" if source else "Nothing is described that the system could be applied to.")


def _bare(text: str) -> str:
    return re.sub(r"[^a-z]", "", text.lower())


def _thyroid(row: StudyRecord) -> tuple[dict[str, Given], Sequence[str]]:
    source = [text for text in seen_on(row) if "nodule" in text.lower()][:1]
    text = " ".join(source).lower()
    facts: dict[str, Given] = {
        "composition": _word(text, COMPOSITION),
        "echo": _word(text, ECHO),
        "margin": _word(text, MARGIN),
        "taller_than_wide": "taller-than-wide" in text,
        "punctate_foci": "punctate" in text or "microcalcification" in text,
        "macrocalcification": "macrocalcification" in text,
        "diameter": quantity(_largest(row, "nodule"), "mm"),
    }
    return facts, source


def _nodule(row: StudyRecord) -> tuple[dict[str, Given], Sequence[str]]:
    source = [text for text in seen_on(row) if "nodule" in text.lower()]
    text = " ".join(source).lower()
    facts: dict[str, Given] = {
        "age": quantity(row.patient_age, "y"),
        "diameter": quantity(_largest(row, "nodule"), "mm"),
        "kind": _word(text, KIND),
        "number": "multiple" if "multiple" in text else "single",
        "risk": "high" if SMOKER.search(row.clinical_history) or "spiculated" in text else "low",
    }
    return facts, source


def _word(text: str, meanings: dict[str, str]) -> str | None:
    return next((meaning for word, meaning in meanings.items() if word in text), None)


def _largest(row: StudyRecord, focus: str) -> float | None:
    if row.phantom is not None:
        return max((line.value for line in measured_on(row) if line.unit == "mm" and focus in line.measure), default=None)
    return max((size for line in stated_sizes(row) if focus in line.sentence.lower() for size in line.mm), default=None)


@_chart
def compare_with_prior_study(world: RecordWorld, study_id: str, prior_study_id: str = "") -> PriorComparison:
    """Put a study beside an earlier one: the earlier report, what is seen now, and measurements of both.

    Args:
        study_id: Study, for example RAD001.
        prior_study_id: One of its prior studies; the latest if left out.
    """
    row, held = study_of(world, study_id), records_of(world).prior_reports
    own = sorted((key for key in row.prior_studies if key in held), key=lambda key: held[key].date)
    if prior_study_id and prior_study_id not in own:
        raise UnknownRecordError(f"{study_id} has no prior study {shown(prior_study_id)}; it has {named(own, prior_study_id)}")
    if not own:
        return PriorComparison(study_id, "", None, seen_on(row), stated_sizes(row), measured_on(row), (), "No earlier study is on record.")
    wanted = prior_study_id or own[-1]
    phantom = row.prior_phantoms.get(wanted)
    before = measurements_on(phantom, row.patient_id, wanted, "")
    return PriorComparison(
        study_id, wanted, held[wanted], seen_on(row), stated_sizes(row), measured_on(row), before, "" if row.phantom and phantom else NO_PIXELS
    )


@_chart
def measure_lesion_size(world: RecordWorld, study_id: str, lesion_description: str = "") -> LesionSize:
    """Measure a lesion on the pixels of a study; without pixels, list the sizes that its description states.

    Args:
        study_id: Study, for example RAD001.
        lesion_description: Which lesion, or where; all if left out.
    """
    row = study_of(world, study_id)
    measured = tuple(line for line in measured_on(row, lesion_description) if line.unit in ("mm", "cm2", "mL"))
    return LesionSize(study_id, lesion_description, measured, stated_sizes(row, lesion_description), "" if row.phantom else NO_PIXELS)


@_call
def generate_critical_finding_alert(world: RecordWorld, study_id: str, finding: str = "") -> Written:
    """Call a critical finding to whoever treats the patient, and document the call.

    Args:
        study_id: Study, for example RAD001.
        finding: What was found, in words.
    """
    study_of(world, study_id)
    return put(world, "alert", study_id, finding=written("finding", finding))


@_submit
def submit_report(world: RecordWorld, study_id: str, indication: str, technique: str, comparison: str, findings: str, impression: str) -> Written:
    """Submit the report on a study; this ends the task.

    Args:
        study_id: Study, for example RAD001.
        indication: Why it was done.
        technique: How it was done.
        comparison: With what it was compared.
        findings: What is seen.
        impression: What it means.
    """
    study_of(world, study_id)
    seen, means = written("findings", findings), written("impression", impression)
    return put(
        world, "report", study_id, indication=indication, technique=technique, comparison=comparison, findings=seen, impression=means
    )  # fmt: skip


@_submit
def submit_answer(world: RecordWorld, answer: str) -> Written:
    """Submit an answer in words; this ends the task.

    Args:
        answer: The answer.
    """
    return answered(world, answer)

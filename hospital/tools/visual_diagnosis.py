"""Tools of the domain `visual_diagnosis`: images and what is seen on them, reports, past cases, the diagnosis."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from clinsim.hospital.records.base import UnknownRecordError, on_record
from clinsim.hospital.records.images import ImagePatient, ImageRecord, ImageRecords, ImageReport, SimilarCase
from clinsim.hospital.records.world import RecordWorld
from clinsim.hospital.tools.checks import written
from clinsim.hospital.tools.generic import Found, Thought, Written, answered, as_confidence, found, heard, put
from clinsim.hospital.tools.pictures import NO_PIXELS, Measurement, measurements_on
from clinsim.hospital.tools.readings import about, without_reading
from clinsim.hospital.wording import named, shown
from clinsim.record import ROLES
from clinsim.tooling import tool

SET = "visual_diagnosis"
_chart = tool(SET, roles=ROLES, service="chart", tags=("read",))
_look_up = tool(SET, roles=ROLES, service="lookup", tags=("read",))
_free = tool(SET, roles=ROLES, service="think", tags=("generic",))
_note = tool(SET, roles=ROLES, service="note", tags=("write",))
_submit = tool(SET, roles=ROLES, service="note", tags=("write", "submit"))
SHOWING = re.compile(r"\s+(?:showing|demonstrating|with incidental)\b.*$", re.IGNORECASE | re.DOTALL)
"""From a word in an image's description that tells what is on it."""
Most = Annotated[int, Field(ge=1, le=50)]


@dataclass(frozen=True, slots=True)
class SeenFinding:
    """What is seen and where; not what it means."""

    finding_id: str
    description: str
    location: str
    severity: str


@dataclass(frozen=True, slots=True)
class ImageAnalysis:
    """What is seen on an image: in words where it was described, as measurements where it has pixels. No impression."""

    image_id: str
    modality: str
    body_part: str
    view: str
    description: str
    focus_area: str
    findings: Sequence[SeenFinding]
    measurements: Sequence[Measurement]
    note: str


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A past image with its report's impression, and how alike it is (0 to 1)."""

    case_id: str
    image_id: str
    diagnosis: str
    similarity_score: float
    key_features: Sequence[str]


@dataclass(frozen=True, slots=True)
class KnowledgeRow:
    """A report that matches a query."""

    report_id: str
    image_id: str
    impression: str
    key_findings: Sequence[str]
    relevance: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two images side by side: findings of each in words, those of one only, and measurements of both."""

    current_image: str
    prior_image: str
    comparable: bool
    only_on_current: Sequence[str]
    only_on_prior: Sequence[str]
    on_both: Sequence[str]
    current_measurements: Sequence[Measurement]
    prior_measurements: Sequence[Measurement]
    assessment: str


def records_of(world: RecordWorld) -> ImageRecords:
    """The records of the domain."""
    records: ImageRecords = world.records
    return records


def image_of(world: RecordWorld, image_id: str) -> ImageRecord:
    """The image of that id.

    Raises:
        UnknownRecordError: There is none.
    """
    return on_record("image", image_id, records_of(world).images)


def report_on(world: RecordWorld, image_id: str) -> ImageReport | None:
    """The report on an image; None if there is none."""
    return records_of(world).report_by_image.get(image_id)


def seen_on(world: RecordWorld, image_id: str, focus: str = "") -> tuple[SeenFinding, ...]:
    """What was described on an image, without its meaning, in the places that a focus names."""
    report = report_on(world, image_id)
    rows = report.findings if report else ()
    kept = [row for row in rows if about(f"{row.description} {row.location}", focus)]
    return tuple(SeenFinding(row.finding_id, without_reading(row.description), row.location, row.severity) for row in kept)


@_chart
def analyze_medical_image(world: RecordWorld, image_id: str, focus_area: str = "") -> ImageAnalysis:
    """Look at an image: what is seen and measured on it, without an impression.

    Args:
        image_id: Image, for example IMG001.
        focus_area: Only this place, for example right lower lobe; all if left out.
    """
    image = image_of(world, image_id)
    measured = measurements_on(image.phantom, image.patient_key, image_id, focus_area)
    note = "" if image.phantom else NO_PIXELS
    seen = seen_on(world, image_id, focus_area) if not image.phantom else ()
    told = SHOWING.sub("", image.description)
    return ImageAnalysis(image_id, image.modality, image.body_part, image.view, told, focus_area, seen, measured, note)


@_chart
def get_image_report(world: RecordWorld, image_id: str) -> ImageReport:
    """Read the report on an image, if there is one.

    Args:
        image_id: Image, for example IMG001.
    """
    image_of(world, image_id)
    report = report_on(world, image_id)
    if report is None:
        raise UnknownRecordError(f"{image_id} has no report; reported: {named(records_of(world).report_by_image, image_id)}")
    return report


@_chart
def get_patient_context(world: RecordWorld, patient_id: str) -> ImagePatient:
    """Read age, sex, history and complaint of the patient behind an image.

    Args:
        patient_id: Patient (not image), for example PAT_IMG001.
    """
    return on_record("patient", patient_id, records_of(world).patient_contexts)


@_look_up
def search_similar_cases(world: RecordWorld, image_id: str, max_results: Most = 3) -> Found:
    """Find past images that look alike, with the impression of their reports.

    Args:
        image_id: Image, for example IMG001.
        max_results: How many at most, 1 to 50.
    """
    image = image_of(world, image_id)
    held = records_of(world).similar_cases.get(image_id)
    rows: Sequence[SimilarCase | CaseRow] = held[:max_results] if held else _alike(world, image, max_results)
    return found(image_id, rows, "No other image on record is of that kind.")


def _alike(world: RecordWorld, image: ImageRecord, most: int) -> list[CaseRow]:
    records = records_of(world)
    others = [
        key for key, row in records.images.items() if key != image.image_id and (row.modality, row.body_part) == (image.modality, image.body_part)
    ]
    query = " ".join((image.description, *(row.description for row in seen_on(world, image.image_id))))
    hits = records.report_index.find(query, most, [row.report_id for key in others if (row := records.report_by_image.get(key))])
    best = hits[0][1] if hits else 1.0
    rows = [(records.reports[key], amount) for key, amount in hits]
    return [
        CaseRow(f"CASE-{row.image_id}", row.image_id, row.impression, round(amount / best, 3), [line.description for line in row.findings[:3]])
        for row, amount in rows
    ]


@_chart
def compare_with_prior(world: RecordWorld, current_image_id: str, prior_image_id: str) -> Comparison:
    """Put two images side by side: what is seen on one only, on both, and what is measured on each.

    Args:
        current_image_id: The newer image.
        prior_image_id: The older image.
    """
    now, before = image_of(world, current_image_id), image_of(world, prior_image_id)
    here, there = (tuple(row.description for row in seen_on(world, key)) for key in (current_image_id, prior_image_id))
    comparable = (now.modality, now.body_part) == (before.modality, before.body_part)
    new, gone = [text for text in here if text not in there], [text for text in there if text not in here]
    kind = f"{before.modality} of {before.body_part} against {now.modality} of {now.body_part}"
    assessment = f"{len(new)} findings on the newer image only, {len(gone)} on the older only." if comparable else f"Not comparable: {kind}."
    return Comparison(
        current_image_id, prior_image_id, comparable, new, gone, [text for text in here if text in there],
        measurements_on(now.phantom, now.patient_key, current_image_id, ""), measurements_on(before.phantom, before.patient_key, prior_image_id, ""),
        assessment,
    )  # fmt: skip


@_look_up
def search_imaging_knowledge(world: RecordWorld, query: str, modality: str = "") -> Found:
    """Search the reports on record by words.

    Args:
        query: Words to look for.
        modality: Only reports on images of this modality; all if left out.
    """
    records = records_of(world)
    wanted = modality.strip().lower()
    among = [row.report_id for row in records.reports.values() if wanted in ("", _modality(records, row).lower())]
    hits = records.report_index.find(written("query", query), 5, among)
    rows = [(records.reports[key], amount) for key, amount in hits]
    shown_rows = [
        KnowledgeRow(row.report_id, row.image_id, row.impression, [line.description for line in row.findings], round(amount, 3))
        for row, amount in rows
    ]
    return found(query, shown_rows, f"No report matches {shown(query)}; that says nothing about the matter itself.")


def _modality(records: ImageRecords, report: ImageReport) -> str:
    image = records.images.get(report.image_id)
    return image.modality if image else ""


@_free
def think(world: RecordWorld, thought: str) -> Thought:
    """Think aloud; nothing is changed or looked up.

    Args:
        thought: What you think.
    """
    return heard(thought)


@_note
def record_visual_diagnosis(world: RecordWorld, image_id: str, diagnosis: str, confidence: str = "moderate", reasoning: str = "") -> Written:
    """Record a diagnosis from an image.

    Args:
        image_id: Image, for example IMG001.
        diagnosis: The diagnosis in words.
        confidence: low, moderate or high.
        reasoning: What speaks for it.
    """
    image_of(world, image_id)
    text = written("diagnosis", diagnosis)
    return put(world, "diagnosis", image_id, diagnosis=text, confidence=as_confidence(confidence), reasoning=reasoning)


@_submit
def submit_answer(world: RecordWorld, answer: str, reasoning: str = "") -> Written:
    """Submit the answer to the question; this ends the task.

    Args:
        answer: The answer.
        reasoning: What speaks for it.
    """
    return answered(world, answer, reasoning)

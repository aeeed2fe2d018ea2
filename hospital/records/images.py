"""Records of the domain `visual_diagnosis`: images, reports on them, questions, and the patients behind them."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from clinsim.hospital.records.base import DomainRecords, Log, Record


class ImageRecord(Record):
    """An image. `phantom` says how its pixels are drawn; without it there are none, only words.

    `patient_id` and `prior_image_id` join it to a patient and to an earlier image; the ancestor's ids say the former by their name.
    """

    image_id: str
    modality: str
    body_part: str
    view: str
    description: str
    image_path: str | None = None
    source_dataset: str = ""
    patient_id: str | None = None
    prior_image_id: str | None = None
    phantom: dict[str, Any] | None = None


class ImageFinding(Record):
    """A finding: what, where, how severe, how sure, and what it means."""

    finding_id: str
    description: str
    location: str
    severity: str
    confidence: str
    clinical_significance: str


class ImageReport(Record):
    """A report on an image."""

    report_id: str
    image_id: str
    report_type: str
    indication: str
    findings: tuple[ImageFinding, ...]
    impression: str
    technique: str
    comparison: str
    radiologist: str


class ImageQuestion(Record):
    """A question about an image and its answer, which no tool shows."""

    question_id: str
    image_id: str
    question: str
    question_type: str
    answer: str
    options: tuple[str, ...] | None = None
    explanation: str = ""
    category: str = ""
    difficulty: str = ""
    source_dataset: str = ""


class ImagePatient(Record):
    """The patient behind an image."""

    patient_id: str
    age: int
    sex: str
    clinical_history: str
    presenting_complaint: str
    prior_diagnoses: tuple[str, ...] = ()


class SimilarCase(Record):
    """A past case with a known diagnosis."""

    case_id: str
    image_id: str
    diagnosis: str
    similarity_score: float
    key_features: tuple[str, ...] = ()


class ImageRecords(DomainRecords):
    """The file of the domain."""

    images: dict[str, ImageRecord]
    reports: dict[str, ImageReport] = Field(default_factory=dict)
    questions: dict[str, ImageQuestion] = Field(default_factory=dict)
    patient_contexts: dict[str, ImagePatient] = Field(default_factory=dict)
    similar_cases: dict[str, tuple[SimilarCase, ...]] = Field(default_factory=dict)
    analysis_log: Log = ()

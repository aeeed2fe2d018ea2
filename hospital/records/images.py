"""Records of the domain `visual_diagnosis`: images, reports on them, questions, and the patients behind them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from pydantic import Field, model_validator

from clinsim.hospital.images import views
from clinsim.hospital.records.base import DomainRecords, Log, Record
from clinsim.hospital.records.search import Index
from clinsim.hospital.studies import load_imaging


class PhantomFinding(Record):
    """A finding that is drawn: by its name in the imaging catalogue of the house, where, and how large (by chance if not given)."""

    finding: str
    region: str
    size: float | None = None


class PhantomRule(Record):
    """How the pixels of an image are drawn: kind of study in the imaging catalogue, findings, protocol, seed.

    Anatomy hangs on the patient and noise on the record, unless `anatomy` and `acquisition` name other keys: those of a study of a shift.
    """

    code: str
    findings: tuple[PhantomFinding, ...] = ()
    protocol: str = ""
    seed: int = 0
    anatomy: str = ""
    acquisition: str = ""

    @model_validator(mode="after")
    def _known(self) -> PhantomRule:
        imaging = load_imaging()
        if self.code not in imaging.studies or not views(self.code):
            drawn = [code for code in imaging.studies if views(code)]
            raise ValueError(f"no phantom of kind {self.code!r}; allowed {', '.join(drawn)}")
        for row in self.findings:
            look = imaging.findings[row.finding].seen.get(self.code) if row.finding in imaging.findings else None
            if look is None:
                raise ValueError(f"{self.code} shows no {row.finding!r}; allowed {', '.join(imaging.findings_of(self.code))}")
        return self


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
    phantom: PhantomRule | None = None

    @property
    def patient_key(self) -> str:
        """What the anatomy hangs on: the patient, else the image."""
        return self.patient_id or self.image_id


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

    @cached_property
    def report_by_image(self) -> Mapping[str, ImageReport]:
        """The report on each image that has one."""
        return {row.image_id: row for row in self.reports.values()}

    @cached_property
    def report_index(self) -> Index:
        """Reports, ready to be searched."""
        return Index(
            {key: " ".join((row.indication, row.impression, *(line.description for line in row.findings))) for key, row in self.reports.items()}
        )

"""Records of the domain `radiology_report`: studies to report, templates, prior reports, and what is known of signs and systems."""

from __future__ import annotations

from functools import cached_property

from pydantic import Field

from clinsim.hospital.records.base import DomainRecords, Log, Record
from clinsim.hospital.records.images import PhantomRule
from clinsim.hospital.records.search import Index


class StudyRecord(Record):
    """A study. `impression_reference` is shown by no tool. `phantom` says how its pixels are drawn; without it there are none.

    `prior_phantoms` are the pictures behind prior reports, by the report's id.
    """

    study_id: str
    modality: str
    body_part: str
    indication: str
    technique: str
    patient_id: str
    patient_age: int
    patient_sex: str
    clinical_history: str
    prior_studies: tuple[str, ...] = ()
    findings_description: str
    impression_reference: str
    urgency: str
    phantom: PhantomRule | None = None
    prior_phantoms: dict[str, PhantomRule] = Field(default_factory=dict)


class ReportTemplate(Record):
    """Sections of a report and what to look at."""

    template_id: str
    modality: str
    body_part: str
    sections: tuple[str, ...]
    checklist: tuple[str, ...]


class PriorReport(Record):
    """An earlier report."""

    report_id: str
    study_id: str
    date: str
    impression: str
    key_findings: tuple[str, ...] = ()


class RadiologyTopic(Record):
    """A piece of knowledge."""

    topic: str
    content: str
    category: str


class StudyRecords(DomainRecords):
    """The file of the domain."""

    studies: dict[str, StudyRecord]
    templates: dict[str, ReportTemplate] = Field(default_factory=dict)
    prior_reports: dict[str, PriorReport] = Field(default_factory=dict)
    knowledge_base: dict[str, RadiologyTopic] = Field(default_factory=dict)
    generated_reports: Log = ()

    @cached_property
    def knowledge_index(self) -> Index:
        """Knowledge, ready to be searched; a word of the topic counts twice, its id counts."""
        rows = self.knowledge_base.items()
        return Index({key: f"{key.replace('_', ' ')} {row.topic} {row.topic} {row.category.replace('_', ' ')} {row.content}" for key, row in rows})

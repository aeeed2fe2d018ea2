"""Results behind the tests of patients whose file holds none: ours, for the ancestor's patients, so that an order leads to something."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from clinsim.data_file import Rule, checked, read_data
from clinsim.hospital.records.base import DomainRecords
from clinsim.hospital.records.clinical import ClinicalRecords, LabResult
from clinsim.hospital.records.triage import HeldImage, TriageRecords
from clinsim.hospital_file import Source

ResultRow = tuple[str, str, str, str, str, str]


class HeldPatient(Rule):
    """What is held back of one patient: rows of test, category, value, unit, range, flag; and of modality, body part, report."""

    domain: str
    patient_id: str
    age: int
    sex: str
    results: tuple[ResultRow, ...] = ()
    images: tuple[tuple[str, str, str], ...] = ()

    @property
    def key(self) -> tuple[str, int, str]:
        """By what the patient is known."""
        return self.patient_id, self.age, self.sex

    def changes(self) -> dict[str, Any]:
        """What it says, as fields of a record."""
        rows = tuple(
            LabResult(test_id=f"HELD-{self.patient_id}-{i:03d}", test_name=name, category=category, value=value, unit=unit, reference_range=span,
                      flag=flag or None)
            for i, (name, category, value, unit, span, flag) in enumerate(self.results, start=1)
        )  # fmt: skip
        images = tuple(HeldImage(modality=modality, body_part=part, report=report) for modality, part, report in self.images)
        return {"held_results": rows} | ({"held_images": images} if images else {})


class HeldBack(Rule):
    """The whole file."""

    version: int
    source: Source
    patients: tuple[HeldPatient, ...]


@lru_cache(maxsize=1)
def held_back() -> Mapping[tuple[str, int, str], HeldPatient]:
    """What is held back, by id, age and sex."""
    return {row.key: row for row in checked(HeldBack, read_data("records/held_back.yaml"), "records/held_back.yaml").patients}


def with_held_back(records: DomainRecords) -> DomainRecords:
    """The same records, in which patients that we know and of whom nothing is held have results behind their tests."""
    if not isinstance(records, (ClinicalRecords, TriageRecords)):
        return records
    known = held_back()
    patients = dict(records.patients)
    for key, who in records.patients.items():
        row = known.get((who.patient_id, who.age, who.sex))
        if row is not None and not who.held_results:
            patients[key] = who.model_copy(update=row.changes())
    return records.model_copy(update={"patients": patients})

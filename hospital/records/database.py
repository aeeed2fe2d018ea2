"""Databases: a file of records, parsed once for each content, and opened any number of times."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from clinsim.data_file import checked, read_yaml
from clinsim.errors import ScenarioError, UsageError
from clinsim.hospital.charts import Knowledge
from clinsim.hospital.records.base import DomainRecords
from clinsim.hospital.records.clinical import ClinicalRecords
from clinsim.hospital.records.drugs import DrugRecords
from clinsim.hospital.records.ehr import EhrRecords
from clinsim.hospital.records.held_back import with_held_back
from clinsim.hospital.records.images import ImageRecords
from clinsim.hospital.records.library import LibraryRecords
from clinsim.hospital.records.studies import StudyRecords
from clinsim.hospital.records.triage import TriageRecords
from clinsim.hospital.records.world import RecordWorld
from clinsim.hospital.safety import load_formulary
from clinsim.hospital.studies import load_imaging
from clinsim.record import Actor, Role

RECORDS_OF: dict[str, type[DomainRecords]] = {
    "clinical_diagnosis": ClinicalRecords,
    "medical_qa": LibraryRecords,
    "visual_diagnosis": ImageRecords,
    "drug_interaction": DrugRecords,
    "ehr_management": EhrRecords,
    "triage_emergency": TriageRecords,
    "radiology_report": StudyRecords,
}
"""The shape of each domain's file."""
ROLE_OF: dict[str, Role] = {"visual_diagnosis": "radiologist", "drug_interaction": "pharmacist", "radiology_report": "radiologist"}
"""Who acts in a domain; a doctor in the others."""
MOST_KEPT = 2048
"""Answers that a database keeps."""
FILE_NAMES = ("db.json", "database.yaml", "database.json")
"""What the database of a folder is called, in this order."""


@dataclass(frozen=True, eq=False)
class Database:
    """The records of one domain, frozen; `digest` is the SHA-256 of the file."""

    domain: str
    origin: str
    digest: str
    records: DomainRecords

    @cached_property
    def answers(self) -> dict[Hashable, bytes]:
        """Answers of reading tools as JSON, by call: filled as they are asked for, at most `MOST_KEPT`."""
        return {}

    def keep(self, key: Hashable, answer: bytes) -> None:
        """Keep an answer; the oldest quarter goes when there are too many. Worlds that are played in several threads may share a database.

        Args:
            key: The call.
            answer: Its answer as JSON.
        """
        if len(self.answers) >= MOST_KEPT:
            for oldest in tuple(self.answers)[: MOST_KEPT // 4]:
                self.answers.pop(oldest, None)
        self.answers[key] = answer

    @cached_property
    def knowledge(self) -> Knowledge:
        """Formulary and imaging catalogue of the house; laboratory and units belong to a hospital, and here there is none."""
        return Knowledge({}, {}, {}, {}, (), {}, load_formulary(), load_imaging())

    def open(self, role: Role | None = None, agent: str = "", now: float = 0.0) -> RecordWorld:
        """A fresh world: what is done in it stays in it.

        Args:
            role: Who acts; by default who does in this domain.
            agent: Name of the agent; by default the role with a number.
            now: Minute at which the world stands.
        """
        acting = role or ROLE_OF.get(self.domain, "doctor")
        return RecordWorld(self, Actor(agent or f"{acting}_1", acting), now)


def load_database(domain: str, path: Path | str) -> Database:
    """The database of a domain; the same content under the same path is parsed once.

    Args:
        domain: One of `DOMAINS`.
        path: A JSON or YAML file, or a folder that holds one of `FILE_NAMES`.

    Raises:
        UsageError: There is no such domain or file.
        ScenarioError: The file is wrong; the message names file, field and what is allowed.
    """
    if domain not in RECORDS_OF:
        raise UsageError(f"unknown domain {domain!r}; there are {', '.join(RECORDS_OF)}")
    found = _file(Path(path))
    try:
        content = found.read_bytes()
    except OSError as problem:
        raise UsageError(f"{found}: cannot be read ({problem.strerror})") from problem
    return _parsed(domain, str(found), content)


def _file(path: Path) -> Path:
    if not path.is_dir():
        return path
    found = next((path / name for name in FILE_NAMES if (path / name).is_file()), None)
    if found is None:
        raise UsageError(f"{path}: holds no database; it would be called {', '.join(FILE_NAMES)}")
    return found


@lru_cache(maxsize=64)
def _parsed(domain: str, origin: str, content: bytes) -> Database:
    raw = _read(content, origin)
    records = with_held_back(checked(RECORDS_OF[domain], raw, origin))
    return Database(domain, origin, hashlib.sha256(content).hexdigest(), records)


def _read(content: bytes, origin: str) -> Any:
    try:
        text = content.decode("utf-8")
        return json.loads(text) if origin.endswith(".json") else read_yaml(text, origin)
    except (ValueError, RecursionError) as problem:
        raise ScenarioError(f"{origin}: broken JSON or text: {str(problem)[:120]}") from problem

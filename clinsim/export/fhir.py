"""The charts of a trace as FHIR R4B: one bundle for each patient, with all that was written down and nothing of the hidden truth.

    for patient, bundle in bundles(trace, scenario).items(): ...

Charts are not in a trace: it is played again, and must come out the same. The simulation knows no date; minute 0 is put at the hour of the
scenario on the day that is given.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import yaml

from clinsim.errors import UsageError
from clinsim.export.bindings import faults
from clinsim.hospital.charts import Chart, Desk, Knowledge
from clinsim.recheck import played_again
from clinsim.scenario_file import Scenario
from clinsim.trace_file import Trace

Resource = dict[str, Any]
DAY_ZERO = date(2026, 1, 1)
HL7 = "http://terminology.hl7.org/CodeSystem"


@lru_cache(maxsize=1)
def codes() -> dict[str, Any]:
    """LOINC codes and UCUM units of vital signs and analytes, and DICOM modalities, by the names of this project."""
    found: dict[str, Any] = yaml.safe_load((files("clinsim.export") / "codes.yaml").read_text(encoding="utf-8"))
    return found


@dataclass(frozen=True, slots=True)
class Case:
    """One chart on its way into a bundle: desk and catalogues of its hospital, when minute 0 was, and what ids are made from."""

    chart: Chart
    desk: Desk
    knowledge: Knowledge
    zero: datetime
    key: str

    def url(self, *name: object) -> str:
        """The id of a resource of this chart: the same whenever the trace is exported."""
        return uuid5(NAMESPACE_URL, "/".join(map(str, ("clinsim", self.key, self.chart.id, *name)))).urn

    def at(self, minute: float) -> str:
        """A minute as an instant."""
        return (self.zero + timedelta(minutes=minute)).isoformat(timespec="seconds")

    @property
    def about(self) -> Resource:
        """What every record of the stay refers to."""
        return {"subject": {"reference": self.url("Patient")}, "encounter": {"reference": self.url("Encounter")}}


def bundles(trace: Trace, scenario: Scenario, day: date = DAY_ZERO) -> dict[str, Resource]:
    """A bundle for each patient, by id.

    Args:
        trace: A trace.
        scenario: The scenario that it was played in.
        day: The day on which minute 0 lies.

    Raises:
        UsageError: The trace does not come out the same when it is played again.
    """
    from clinsim.export.fhir_records import records

    again, ward = played_again(trace, scenario)
    if again.digest != trace.digest:
        raise UsageError("the trace comes out differently when it is played again: its charts cannot be told; see clinsim verify")
    zero = datetime.combine(day, time(), UTC) + timedelta(hours=scenario.file.starts_at_hour)
    hospital = ward.hospital
    cases = [Case(chart, hospital.desk, hospital.knowledge, zero, trace.digest) for chart in hospital.charts.values()]
    return {case.chart.id: bundle(case, records(case)) for case in cases}


def bundle(case: Case, made: Iterator[tuple[str, Resource]]) -> Resource:
    """Resources with their urls as a bundle."""
    entries = [{"fullUrl": url, "resource": resource} for url, resource in made]
    name = case.url("Bundle").removeprefix("urn:uuid:")
    return {"resourceType": "Bundle", "id": name, "type": "collection", "timestamp": case.at(0.0), "entry": entries}


def checked(patient: str, made: Resource) -> Resource:
    """A bundle that `fhir.resources` reads and whose words and references are right.

    Raises:
        UsageError: The extra is not installed.
        ValueError: The bundle is wrong.
    """
    if find_spec("fhir") is None:
        raise UsageError("FHIR needs the extra: pip install clinsim[fhir]")
    from fhir.resources.R4B.bundle import Bundle

    wrong = faults(made)
    if wrong:
        raise ValueError(f"{patient}: {wrong[0]}")
    Bundle.model_validate(made)
    return made


def write_bundles(made: Mapping[str, Resource], folder: Path) -> int:
    """Check each bundle and write it as `PATIENT.json`; how many.

    Raises:
        UsageError: The extra is not installed, or the folder cannot be made or is not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"--fhir {folder}: {'not empty' if folder.is_dir() else 'is a file'}; give another folder")
    for patient, one in made.items():
        checked(patient, one)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise UsageError(f"--fhir {folder}: cannot be made ({problem.strerror})") from problem
    for patient, one in made.items():
        (folder / f"{patient}.json").write_text(json.dumps(one, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return len(made)

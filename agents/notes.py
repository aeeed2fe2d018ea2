"""The notes that a scripted clinician keeps on a patient: numbers, words, findings, what was done and what was refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from clinsim.agents.early_warning import news2

Call = tuple[str, dict[str, Any]]
Key = tuple[str, ...]
"""What was done, without its details: tool, patient or work item, and the code (a drug, a test, a region)."""

VITALS = ("hr", "sbp", "rr", "spo2", "temp", "gcs", "pain")
_SUBJECTS = ("patient_id", "order_id", "study_id", "letter_id")
_CODES = ("test", "study", "drug", "procedure", "service", "topic", "region", "unit", "diagnosis")
_CLAUSE = re.compile(r"[.;,\n]+|\bbut\b|(?=\bno\b)|(?=\bdenies\b)")
_DENIAL = re.compile(r"\b(?:no|not|nil|denies|denied|without|never|none|nothing|absent|negative|free)\b")


def key_of(name: str, arguments: Mapping[str, Any]) -> Key:
    """The key of a call: what it is about, whatever its dose, text or priority."""
    subject = code = ""
    for argument in _SUBJECTS:
        if argument in arguments:
            subject = str(arguments[argument])
            break
    for argument in _CODES:
        if argument in arguments:
            code = str(arguments[argument])
            break
    return (name, subject, f"{code} {arguments['window']}" if "window" in arguments else code)


@dataclass(slots=True)
class Count:
    """How often something happened, and when last (minutes)."""

    times: int = 0
    last: float = 0.0

    def add(self, minute: float) -> None:
        """Count once more, at `minute`."""
        self.times += 1
        self.last = minute


@dataclass(slots=True)
class Case:
    """All that one clinician knows about one patient.

    `plan` is the most pressing thing to do (rank and call) as of the last look, `next_at` the minute at which time
    alone may change it. `numbers` holds age, ESI, vital signs and results by name as last known, `series` each analyte's results with their minutes,
    `worst` the worst of them (the first, where neither direction is worse); `said` and `denied` the affirmed and denied clauses of history,
    examination and text results, `spoken` the log-odds that follow from words. `stale` is set by whatever may change
    what should be done next, `learnt` by whatever may change what is thought of the illness; `active` are the steps of
    the protocols that apply.
    """

    id: str
    row: dict[str, Any] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)
    worst: dict[str, float] = field(default_factory=dict)
    said: str = ""
    denied: str = ""
    heard: dict[str, bool] = field(default_factory=dict)
    background: str = ""
    allergies: str = ""
    chart_read_at: float | None = None
    vitals_at: float = -1.0
    resulted: dict[str, float] = field(default_factory=dict)
    series: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    findings: set[str] = field(default_factory=set)
    reported: dict[str, float] = field(default_factory=dict)
    given: dict[str, Count] = field(default_factory=dict)
    started: dict[str, Count] = field(default_factory=dict)
    done: dict[Key, Count] = field(default_factory=dict)
    refused: dict[Key, Count] = field(default_factory=dict)
    barred: set[str] = field(default_factory=set)
    chances: dict[str, float] = field(default_factory=dict)
    alerts: int = 0
    stale: bool = True
    learnt: bool = True
    spoken: dict[str, float] | None = None
    active: tuple[Any, ...] = ()
    placed_at: float = 0.0
    next_at: float = 0.0
    plan: tuple[tuple[float, ...], Call] | None = None

    def note_number(self, name: str, value: float) -> None:
        """Take down a number."""
        self.numbers[name] = value
        known = self.worst.get(name)
        if known is None:
            self.worst[name] = value
        elif name in WORSE:
            self.worst[name] = WORSE[name](known, value)
        self.stale = self.learnt = True

    def note_vitals(self, values: Mapping[str, Any], minute: float) -> None:
        """Take down a set of vital signs measured at `minute`."""
        if minute < self.vitals_at:
            return
        self.vitals_at = minute
        numbers = self.numbers
        for name in VITALS:
            value = values.get(name)
            if isinstance(value, (int, float)):
                self.note_number(name, float(value))
        numbers["news2"] = float(news2(numbers, on_oxygen=any(name in self.started for name in _OXYGEN)))
        self.stale = self.learnt = True

    def note_text(self, text: str) -> None:
        """Take down what was said or seen, denials apart."""
        affirmed: list[str] = []
        denied: list[str] = []
        for clause in _CLAUSE.split(text.lower()):
            (denied if _DENIAL.search(clause) else affirmed).append(clause.strip())
        self.said = f"{self.said} {'; '.join(filter(None, affirmed))};"
        self.denied = f"{self.denied} {'; '.join(filter(None, denied))};"
        since = _SINCE.search(text)
        if since and "onset_hours" not in self.numbers:
            self.numbers["onset_hours"] = float(since[1]) * _HOURS[since[2]]
        self.heard = dict.fromkeys((name for name, found in self.heard.items() if found), True)  # what is said stays said
        self.spoken = None
        self.stale = self.learnt = True

    def count(self, key: Key) -> Count:
        """How often the call with `key` went through."""
        return self.done.get(key, _NEVER)


_SINCE = re.compile(r"[Ss]ince (?:about )?(\d+) (minute|hour|day)")
_HOURS = {"minute": 1.0 / 60.0, "hour": 1.0, "day": 24.0}
WORSE: dict[str, Callable[[float, float], float]] = {
    **dict.fromkeys(("sbp", "spo2", "gcs", "HB", "PH", "HCO3", "PLT"), min),
    **dict.fromkeys(("rr", "temp", "pain", "LACTATE", "TROP", "BHB", "CREAT", "WBC", "CRP", "PCO2", "DDIMER"), max),
}
"""Which of two values is the worse one."""
SAME_SAMPLE = 5.0
"""Results of one analyte filed this close together (minutes) are one result, read twice."""
_NEVER = Count()
_OXYGEN = ("oxygen", "titrated_oxygen", "niv", "bag_mask", "intubation")


def note_values(case: Case, test: str, values: Mapping[str, Any], minute: float) -> None:
    """Take down the values of a test: numbers by analyte, texts as something said."""
    for analyte, value in values.items():
        if isinstance(value, str):
            case.note_text(f"{analyte} {value}")
        else:
            case.note_number(analyte, float(value))
            _note_series(case.series.setdefault(analyte, []), minute, float(value))
    if test:
        case.resulted[test] = minute
    case.stale = case.learnt = True


def _note_series(series: list[tuple[float, float]], minute: float, value: float) -> None:
    """Add a result, unless it is one that was read before."""
    if not series or minute > series[-1][0] + SAME_SAMPLE:
        series.append((minute, value))


def note_findings(case: Case, code: str, findings: Any, minute: float) -> None:
    """Take down a report: the names of its findings, and that the study has been read."""
    for finding in findings:
        case.findings.add(finding["name"] if isinstance(finding, dict) else finding[0] if isinstance(finding, list) else str(finding))
    case.reported[code] = minute
    case.stale = case.learnt = True

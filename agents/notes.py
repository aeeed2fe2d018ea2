"""What a scripted clinician has learnt: the notes kept on each patient, and a memory folded from observations and own calls.

Everything here comes out of observation texts and out of what the agent itself sent; so replaying both rebuilds the same memory.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json

from clinsim.agents.early_warning import news2
from clinsim.record import Observation, Reply, Seat

Call = tuple[str, dict[str, Any]]
Key = tuple[str, ...]
"""What was done, without its details: tool, patient or work item, and the code (a drug, a test, a region)."""

VITALS = ("hr", "sbp", "rr", "spo2", "temp", "gcs", "pain")
_TELLING = ("complaint", "esi", "place", "status", "diagnosis")
"""Fields of a row of the work list that bear on what is thought of the illness."""
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
    alone may change it. `numbers` holds age, ESI, vital signs and results by name as last known, `worst` the worst of them (the first,
    where neither direction is worse); `said` and `denied` the affirmed and denied clauses of
    history, examination and text results. `stale` is set by whatever may change what should be done next,
    `learnt` by whatever may change what is thought of the illness; `active` are the protocols that apply.
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
        self.heard.clear()
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
_NEVER = Count()
_OXYGEN = ("oxygen", "titrated_oxygen", "niv", "bag_mask", "intubation")


@dataclass(slots=True)
class Memory:
    """What one agent knows: cases, the state of its own orders, letters to answer, and what it did last."""

    seat: Seat
    tools: frozenset[str] = frozenset()
    minute: float = 0.0
    why: str = ""
    turns: int = 0
    worklist: list[dict[str, Any]] = field(default_factory=list)
    news: list[dict[str, Any]] = field(default_factory=list)
    last: dict[str, Any] | None = None
    cases: dict[str, Case] = field(default_factory=dict)
    orders: dict[str, tuple[str, Key]] = field(default_factory=dict)
    letters: dict[str, str] = field(default_factory=dict)
    queries: dict[str, str] = field(default_factory=dict)
    colleagues: dict[str, str] = field(default_factory=dict)
    pending: list[Call] = field(default_factory=list)
    done: dict[Key, Count] = field(default_factory=dict)
    refused: dict[Key, Count] = field(default_factory=dict)
    answers: dict[Key, Any] = field(default_factory=dict)
    studies: dict[str, dict[str, Any]] = field(default_factory=dict)
    reports: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Know one's tools."""
        self.tools = frozenset(card.name for card in self.seat.tools)

    def case(self, patient: str) -> Case:
        """The notes on a patient, begun if there are none."""
        found = self.cases.get(patient)
        if found is None:
            found = self.cases[patient] = Case(patient)
        return found

    # ------------------------------------------------------------ folding in

    def see(self, observation: Observation) -> None:
        """Take in what is shown: the answer to the last call first, then the lists and the news."""
        shown = from_json(observation.text)
        self.minute, self.why = float(shown["minute"]), shown["why"]
        self.worklist, self.news, self.last = shown["worklist"], shown["news"], shown["last_result"]
        self.turns += 1
        self._settle_pending()
        for row in self.worklist:
            if "complaint" in row:
                self._note_row(row)
            elif "study" in row:
                self.studies[row["study"]] = row
        for item in self.news:
            self._note_news(item)

    def note(self, reply: Reply) -> None:
        """Remember what was sent."""
        self.pending = [read_call(text) for text in reply.calls]

    def _settle_pending(self) -> None:
        """Book the calls of the last reply: the last that was answered by its answer, those before it as done."""
        answered = self.last["tool"] if self.last else None
        cut = max((i for i, call in enumerate(self.pending) if call[0] == answered), default=None)
        for i, (name, arguments) in enumerate(self.pending if cut is None else self.pending[: cut + 1]):
            if i == cut and self.last is not None:
                self._settle(name, arguments, self.last)
            else:
                self._book(self.done, key_of(name, arguments))
        self.pending = []

    def _settle(self, name: str, arguments: dict[str, Any], answer: dict[str, Any]) -> None:
        if answer["status"] == "interrupted":
            return
        key = key_of(name, arguments)
        self._book(self.done if answer["status"] == "ok" else self.refused, key, refused=answer["status"] != "ok")
        if answer["status"] == "ok":
            self._note_answer(key, arguments, answer.get("result"))

    def _book(self, booked: dict[Key, Count], key: Key, refused: bool = False) -> None:
        booked.setdefault(key, Count()).add(self.minute)
        case = self.cases.get(key[1])
        if case is not None:
            (case.refused if refused else case.done).setdefault(key, Count()).add(self.minute)
            if key[0] in ORDERING and not refused:
                case.started.setdefault(key[2], Count()).add(self.minute)
            if key[0] in ("take_history", "examine_patient"):
                case.spoken = None
            case.stale = True

    def _note_answer(self, key: Key, arguments: dict[str, Any], result: Any) -> None:
        self.answers[key] = result
        if key[0] == "submit_report":
            self.reports[key[1]] = tuple(finding["name"] for finding in arguments["findings"])
        if not isinstance(result, dict):
            return
        order = result.get("id")
        if isinstance(order, str) and key[0] in ORDERING:
            self.orders[order] = (key[1], key)
        reader = _READERS.get(key[0])
        if reader is not None and "patient_id" in arguments:
            reader(self, self.case(arguments["patient_id"]), result)

    def _note_row(self, row: dict[str, Any]) -> None:
        case = self.case(row["patient"])
        before = case.row
        if before == row:
            return
        case.row = row
        case.stale = case.stale or not before or _telling(before) != _telling(row)
        if before and all(before[name] == row[name] for name in _TELLING):
            return
        if not before or before["place"] != row["place"]:
            case.placed_at = self.minute
        case.learnt = True
        case.numbers["age"] = case.worst["age"] = float(row["age"])
        case.numbers["esi"] = float(row["esi"] or 3)

    def _note_news(self, item: dict[str, Any]) -> None:
        patient = item.get("patient", item.get("subject", ""))
        case = self.cases.get(patient)
        if "letter" in item and item["kind"] in _CALLS:
            self.letters[item["letter"]] = item.get("text", "")
        if item["kind"] == "query":
            self.queries[item.get("order", item["subject"])] = item.get("text", "")
        if case is not None:
            case.stale = True
            _note_case_news(self, case, item)


def _telling(row: dict[str, Any]) -> tuple[Any, ...]:
    """What in a row bears on what to do next: where a test stands does not, but whether a scan is still to come."""
    orders = [(order["order"], order["state"] if order["kind"] == "imaging" else "") for order in row.get("orders", ())]
    return (row["status"], row["place"], row["owner"], row["diagnosis"], row["disposition"], row["esi"], orders)


ORDERING = frozenset({"order_test", "order_imaging", "order_drug", "perform_procedure", "request_consult", "stop_drug"})
"""Tools that start something for a patient."""
_CALLS = frozenset({"call", "critical_call", "critical_result"})


def read_call(text: str) -> Call:
    """The call in an action string that one of our own policies wrote; what cannot be read is no call of ours."""
    try:
        data = from_json(text)
        return str(data["name"]), dict(data.get("arguments") or {})
    except (ValueError, TypeError, KeyError):
        return "", {}


def texts_in(value: Any) -> Iterator[str]:
    """All texts inside plain data, depth first."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from texts_in(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from texts_in(inner)


def _note_case_news(memory: Memory, case: Case, item: dict[str, Any]) -> None:
    minute = float(item.get("minute", memory.minute))
    if isinstance(item.get("values"), dict):
        note_values(case, item.get("test", ""), item["values"], minute)
    if "findings" in item:
        note_findings(case, _code_of(memory, item), item["findings"], minute)
    if "drug" in item and item["kind"] == "given":
        case.given.setdefault(item["drug"], Count()).add(minute)
        case.learnt = True
    if item["kind"] in _WORSE:
        case.alerts += 1
    if item["kind"] == "rejected":
        _note_rejection(memory, case, item)


_WORSE = frozenset({"alarm", "escalation", "deteriorated"})


def _note_rejection(memory: Memory, case: Case, item: dict[str, Any]) -> None:
    key = memory.orders.get(item.get("order", item["subject"]), ("", ("", "", "")))[1]
    if key[0] == "order_drug":
        case.barred.add(key[2])


def _code_of(memory: Memory, item: dict[str, Any]) -> str:
    if "code" in item:
        return str(item["code"])
    return memory.orders.get(item.get("order", ""), ("", ("", "", "")))[1][2]


def note_values(case: Case, test: str, values: Mapping[str, Any], minute: float) -> None:
    """Take down the values of a test: numbers by analyte, texts as something said."""
    for analyte, value in values.items():
        if isinstance(value, str):
            case.note_text(f"{analyte} {value}")
        else:
            case.note_number(analyte, float(value))
    if test:
        case.resulted[test] = minute
    case.stale = case.learnt = True


def note_findings(case: Case, code: str, findings: Any, minute: float) -> None:
    """Take down a report: the names of its findings, and that the study has been read."""
    for finding in findings:
        case.findings.add(finding["name"] if isinstance(finding, dict) else finding[0] if isinstance(finding, list) else str(finding))
    case.reported[code] = minute
    case.stale = case.learnt = True


def _read_chart(memory: Memory, case: Case, result: dict[str, Any]) -> None:
    case.chart_read_at, case.spoken = memory.minute, None
    case.allergies = " ".join(result["allergies"]).lower()
    case.background = " ".join([*result["comorbidities"], *result["home_drugs"]]).lower()
    for name, value in (("weight", "weight_kg"), ("egfr", "egfr"), ("pregnant", "pregnant"), ("filed", "results"), ("reports", "reports")):
        case.note_number(name, float(result[value]))
    case.note_number("chart", 1.0)
    if result["last_vitals"]:
        case.note_vitals(result["last_vitals"], float(result["last_vitals"]["minute"]))


def _read_vitals(memory: Memory, case: Case, result: dict[str, Any]) -> None:
    for values in result["sets"]:
        case.note_vitals(values, float(values["minute"]))


def _read_results(memory: Memory, case: Case, result: dict[str, Any]) -> None:
    for line in result["results"]:
        note_values(case, line["test"], {line["analyte"]: line["value"]}, float(line["filed_at"]))


def _read_reports(memory: Memory, case: Case, result: dict[str, Any]) -> None:
    for line in result["reports"]:
        note_findings(case, line["code"], line["findings"], float(line["minute"]))


def _read_texts(memory: Memory, case: Case, result: dict[str, Any]) -> None:
    for text in texts_in(result.get("facts") or result.get("message", "")):
        case.note_text(text)


def _read_notes(memory: Memory, case: Case, result: dict[str, Any]) -> None:
    for line in result["notes"]:
        if line["kind"] in ("triage", "history", "examination"):
            case.note_text(line["text"])


def _read_measured(memory: Memory, case: Case, result: dict[str, Any]) -> None:
    facts = result.get("facts") or {}
    if "hr" in facts:
        case.note_vitals(facts, memory.minute)


_READERS: dict[str, Callable[[Memory, Case, dict[str, Any]], None]] = {
    "get_chart": _read_chart,
    "get_vital_signs": _read_vitals,
    "measure_vitals": _read_measured,
    "get_results": _read_results,
    "get_reports": _read_reports,
    "get_notes": _read_notes,
    "take_history": _read_texts,
    "examine_patient": _read_texts,
}

"""The memory of a scripted agent, folded from what it is shown and from what it sent.

Everything here comes out of observation texts and out of the agent's own calls; so replaying both rebuilds the same memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json

from clinsim.agents.notes import Call, Case, Count, Key, key_of, note_findings, note_values
from clinsim.record import Observation, Reply, Seat

_TELLING = ("complaint", "esi", "place", "status", "diagnosis")
"""Fields of a row of the work list that bear on what is thought of the illness."""


@dataclass(slots=True)
class Memory:
    """What one agent knows: cases, the state of its own orders, letters (and those still to answer), and what it did last."""

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
    unanswered: dict[str, str] = field(default_factory=dict)
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

    def once(self, made: Call) -> bool:
        """Whether a call has not gone through yet."""
        return key_of(*made) not in self.done

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
        if key[0] == "acknowledge" and not refused:
            self.unanswered.pop(key[1], None)

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
            if ("acknowledge", item["letter"], "") not in self.done:
                self.unanswered[item["letter"]] = item.get("text", "")
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


_TURNED_DOWN = frozenset({"rejected", "cancelled", "refused"})
_WORSE = frozenset({"alarm", "escalation", "deteriorated"})


def _note_rejection(memory: Memory, case: Case, item: dict[str, Any]) -> None:
    key = memory.orders.get(item.get("order", item["subject"]), ("", ("", "", "")))[1]
    if key[0] == "order_drug":
        case.barred.add(key[2])


def _code_of(memory: Memory, item: dict[str, Any]) -> str:
    if "code" in item:
        return str(item["code"])
    return memory.orders.get(item.get("order", ""), ("", ("", "", "")))[1][2]


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
    case.alerts = 0
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


def _read_orders(memory: Memory, case: Case, result: dict[str, Any]) -> None:
    for line in result["orders"]:
        if line["state"] in _TURNED_DOWN or line["code"] in case.started:
            continue
        case.started.setdefault(line["code"], Count()).add(float(line["placed_at"]))
        if line["state"] == "given":
            case.given.setdefault(line["code"], Count()).add(float(line["done_at"] or line["placed_at"]))
    case.learnt = True


def _read_measured(memory: Memory, case: Case, result: dict[str, Any]) -> None:
    case.alerts = 0
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
    "get_orders": _read_orders,
    "take_history": _read_texts,
    "examine_patient": _read_texts,
}

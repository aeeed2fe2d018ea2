"""How each kind of entry of the log is read into the book of facts.

The same entries give the same facts however they are cut into pieces.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from clinsim.record import Entry
from clinsim.reward_book import STOPPED, Book, timeliness
from clinsim.reward_conduct import NO_LONGER, STOPS

TREATING = frozenset({"drug", "procedure"})
ANSWER_MINUTES = 15.0
"""Within how many minutes a doctor should have read back a critical call.

Source: assumption; American College of Radiology, Practice Parameter for Communication of Diagnostic Imaging Findings,
asks for minutes.
"""


def read(book: Book, entry: Entry) -> None:
    """Take one entry into the book."""
    reader = _READERS.get(entry.kind)
    if reader is not None:
        reader(book, entry)


def agents_of(by: Any) -> tuple[str, ...]:
    """The agents that a `by` names: one, several or none."""
    if isinstance(by, str):
        return (by,) if by else ()
    return tuple(by or ())


def _patient_truth(book: Book, entry: Entry) -> None:
    data = entry.data
    patient = book.patient(entry.subject)
    patient.origin, patient.arrived_at = data["origin"], entry.minute
    patient.acuity, patient.stakes = data["acuity"], min(1.0, max(0.0, data["stakes"]))
    patient.essential = {row["id"]: row["target_minutes"] for row in data["treatments"] if row["essential"]}
    patient.uses = frozenset(code for row in data["treatments"] for code in row.get("any_of", ()))


def _claim(book: Book, entry: Entry) -> None:
    book.patient(entry.subject).owner = entry.data["by"]


def _hand_over(book: Book, entry: Entry) -> None:
    book.patient(entry.subject).owner = entry.data["to"]


def _seen(book: Book, entry: Entry) -> None:
    patient = book.patient(entry.subject)
    if not patient.seen_by:
        patient.seen_by, patient.seen_at = entry.data["by"], entry.minute


def _death(book: Book, entry: Entry) -> None:
    book.patient(entry.subject).died = True


def _effect(book: Book, entry: Entry) -> None:
    data = entry.data
    if data["supported"]:
        readers = book.order(data["order"]).read_by.intersection(agents_of(data["verified_by"]))
        book.patient(entry.subject).confirmed.update(agents_of(data["by"]), readers)


def _diagnosis(book: Book, entry: Entry) -> None:
    patient = book.patient(entry.subject)
    patient.guesses += 1
    if entry.data["correct"] and entry.data["supported"]:
        patient.confirmed.add(entry.data["by"])


def _differential(book: Book, entry: Entry) -> None:
    book.patient(entry.subject).differential = (entry.data["by"], entry.data["brier"])


def _disposition(book: Book, entry: Entry) -> None:
    if entry.data["right"] and entry.data["supported"]:
        book.patient(entry.subject).confirmed.add(entry.data["by"])


def _order(book: Book, entry: Entry) -> None:
    order, data = book.order(entry.subject), entry.data
    order.patient, order.kind, order.code = data["patient"], data["kind"], data["code"]
    order.by, order.priority, order.placed_at = data["by"], data["priority"], entry.minute
    order.background = order.background or bool(data.get("background"))
    if order.kind == "drug" and not data.get("override"):
        book.verification.wait(entry.subject, order.priority, entry.minute)
    if order.kind in TREATING and not order.background:
        book.prescribing[order.by].order(order.patient, order.code, book.patient(order.patient).uses)


def _order_state(book: Book, entry: Entry) -> None:
    if entry.data["state"] in NO_LONGER:
        book.verification.drop(entry.subject, is_lost=False)


def _action(book: Book, entry: Entry) -> None:
    agent, data = entry.subject, entry.data
    if book.roles.get(agent) != "pharmacist":
        return
    if data["status"] == "ok":
        book.verification.act(agent, data["tool"], data["subject"], entry.minute)
    elif data["status"] == "refused" and data["tool"] in STOPS and data["subject"] in book.orders:  # a colleague was first
        book.judgement[agent].stop(data["subject"], bool(book.order(data["subject"]).error))


def _order_truth(book: Book, entry: Entry) -> None:
    order, data = book.order(entry.subject), entry.data
    order.error, order.significant = data["error"], data["significant"]
    order.background = order.background or bool(data["background"])


def _order_graded(book: Book, entry: Entry) -> None:
    order, data = book.order(entry.subject), entry.data
    if order.decided_at is None:
        order.decided_at = entry.minute
    if data["verdict"] == "unverified":
        book.verification.drop(entry.subject, is_lost=True)
        return
    if data["verdict"] in STOPPED:
        book.judgement[data["by"]].stop(entry.subject, bool(data["error"]))
    is_read = book.verification.has_read(data["by"], entry.subject, order.patient, order.placed_at)
    book.verification.decide(entry.subject, is_read)
    if is_read:
        order.read_by.add(data["by"])
        if data["significant"] and data["verdict"] in STOPPED:
            book.patient(order.patient).confirmed.add(data["by"])


def _study(book: Book, entry: Entry) -> None:
    study, data = book.study(entry.subject), entry.data
    study.patient, study.priority, study.taken_at = data["patient"], data["priority"], entry.minute


def _study_truth(book: Book, entry: Entry) -> None:
    study, data = book.study(entry.subject), entry.data
    study.patient, study.critical, study.background = data["patient"], data["critical"], data["background"]
    study.stakes = min(1.0, max(0.0, data["stakes"]))


def _report_graded(book: Book, entry: Entry) -> None:
    study, data = book.study(entry.subject), entry.data
    study.reported_at.setdefault(data["by"], entry.minute)
    if data["critical_tp"]:
        study.found_by.add(data["by"])
    book.telling[data["by"]].report(entry.subject, entry.minute, bool(data["critical_tp"]), bool(data["critical_missed"]))
    if data["tp"]:
        book.patient(study.patient).confirmed.add(data["by"])


def _call_graded(book: Book, entry: Entry) -> None:
    data, study = entry.data, book.study(entry.subject)
    study.called_at.setdefault(data["by"], entry.minute)
    book.telling[data["by"]].phoned.add(entry.subject)
    book.false_calls[data["by"]] += not data["critical"]
    if data["critical"]:
        book.true_calls.add((data["to"], study.patient))


def _acknowledge(book: Book, entry: Entry) -> None:
    data = entry.data
    is_true = data["sender"] not in book.roles or (data["by"], data["patient"]) in book.true_calls  # others go by limits
    if is_true:
        answered = book.patient(data["patient"]).answered
        answered[data["by"]] = max(answered.get(data["by"], 0.0), timeliness(data["minutes"], ANSWER_MINUTES))


_READERS: dict[str, Callable[[Book, Entry], None]] = {
    "patient_truth": _patient_truth,
    "claim": _claim,
    "hand_over": _hand_over,
    "seen": _seen,
    "death": _death,
    "effect": _effect,
    "diagnosis_graded": _diagnosis,
    "differential_graded": _differential,
    "disposition_graded": _disposition,
    "order": _order,
    "order_truth": _order_truth,
    "order_graded": _order_graded,
    "order_state": _order_state,
    "action": _action,
    "study": _study,
    "study_truth": _study_truth,
    "report_graded": _report_graded,
    "call_graded": _call_graded,
    "acknowledge": _acknowledge,
}
BOOKED = frozenset(_READERS)
"""Kinds of entry from which facts are taken."""

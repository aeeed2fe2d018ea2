"""What the reward components know: facts folded from the log, one record each for a patient, an order, a study.

The same entries give the same facts however they are cut into pieces. Stakes and losses are expected utility loss at 30
days, 0 to 1; times are minutes since the start.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from clinsim.record import Entry, Role
from clinsim.reward_conduct import NO_LONGER, Prescribing, Telling, Verification

STOPPED = frozenset({"changed", "rejected", "queried"})
"""Verdicts of a pharmacist that keep an order from going out as it was written."""
TREATING = frozenset({"drug", "procedure"})
ANSWER_MINUTES = 15.0
"""Within how many minutes a doctor should have read back a critical call.

Source: assumption; American College of Radiology, Practice Parameter for Communication of Diagnostic Imaging Findings,
asks for minutes.
"""


@dataclass(slots=True)
class PatientFacts:
    """What is known of a patient: the truth at arrival, who has taken charge, and who has done something right.

    `essential` gives the target minutes from arrival of each essential treatment, `uses` all that treats the illness;
    `confirmed` holds the agents with an act that proved right.
    """

    origin: str = ""
    arrived_at: float = 0.0
    acuity: int = 0
    stakes: float = 0.0
    essential: dict[str, float] = field(default_factory=dict)
    uses: frozenset[str] = frozenset()
    owner: str = ""
    seen_by: str = ""
    seen_at: float = 0.0
    differential: tuple[str, float] | None = None
    guesses: int = 0
    confirmed: set[str] = field(default_factory=set)
    answered: dict[str, float] = field(default_factory=dict)
    died: bool = False

    @property
    def stake_of_treatment(self) -> float:
        """The stakes that each essential treatment carries."""
        return self.stakes / max(1, len(self.essential))


@dataclass(slots=True)
class OrderFacts:
    """What is known of an order: who placed it, what was wrong with it, when a pharmacist first decided, and who had looked before."""

    patient: str = ""
    kind: str = ""
    code: str = ""
    by: str = ""
    priority: str = "routine"
    placed_at: float = 0.0
    background: bool = False
    error: str = ""
    significant: bool = False
    decided_at: float | None = None
    read_by: set[str] = field(default_factory=set)


@dataclass(slots=True)
class StudyFacts:
    """What is known of a study: what it shows, what hangs on it, who found the critical finding, who phoned."""

    patient: str = ""
    priority: str = "routine"
    taken_at: float = 0.0
    stakes: float = 0.0
    critical: bool = False
    background: bool = False
    reported_at: dict[str, float] = field(default_factory=dict)
    found_by: set[str] = field(default_factory=set)
    called_at: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Book:
    """All facts so far, and what the scenario says.

    Shares of the outcome by role, minutes to the doctor by true acuity, roles of all staff; `true_calls` holds (doctor,
    patient) for each call about images that do show something critical.
    """

    shares: Mapping[Role, float]
    door_to_doctor: Mapping[int, float]
    roles: Mapping[str, Role]
    patients: dict[str, PatientFacts] = field(default_factory=dict)
    orders: dict[str, OrderFacts] = field(default_factory=dict)
    studies: dict[str, StudyFacts] = field(default_factory=dict)
    true_calls: set[tuple[str, str]] = field(default_factory=set)
    false_calls: Counter[str] = field(default_factory=Counter)
    verification: Verification = field(default_factory=Verification)
    prescribing: defaultdict[str, Prescribing] = field(default_factory=lambda: defaultdict(Prescribing))
    telling: defaultdict[str, Telling] = field(default_factory=lambda: defaultdict(Telling))

    def patient(self, pid: str) -> PatientFacts:
        """Facts of a patient; one of whom nothing is known has nothing at stake."""
        facts = self.patients.get(pid)
        if facts is None:
            facts = self.patients[pid] = PatientFacts()
        return facts

    def order(self, oid: str) -> OrderFacts:
        """Facts of an order."""
        facts = self.orders.get(oid)
        if facts is None:
            facts = self.orders[oid] = OrderFacts()
        return facts

    def study(self, sid: str) -> StudyFacts:
        """Facts of a study."""
        return self.studies.setdefault(sid, StudyFacts())

    def read(self, entry: Entry) -> None:
        """Take in one entry."""
        reader = _READERS.get(entry.kind)
        if reader is not None:
            reader(self, entry)


def timeliness(minutes: float, target: float) -> float:
    """1 up to the target (minutes), falling in a straight line to 0 at three times the target (an assumption)."""
    return min(1.0, max(0.0, 1.5 - 0.5 * minutes / target))


def agents_of(by: Any) -> tuple[str, ...]:
    """The agents that a `by` names: one, several or none."""
    if isinstance(by, str):
        return (by,) if by else ()
    return tuple(by or ())


# ---------------------------------------------------------------- how each kind of entry is read


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
    if book.roles.get(entry.subject) == "pharmacist" and entry.data["status"] == "ok":
        book.verification.act(entry.subject, entry.data["tool"], entry.data["subject"], entry.minute)


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

"""Rewards: what each component owes in small logs, the safety gate, nothing paid twice, the ledger."""

from dataclasses import dataclass, field
from math import fsum
from typing import Any

import pytest

from clinsim.errors import ScenarioError
from clinsim.record import CHART, TRUTH, Entry, Role
from clinsim.reward_conduct import Prescribing
from clinsim.rewards import COMPONENTS, HARM_BASE, SAFETY, Ledger, Row, regrade

AGENTS: dict[str, Role] = {"doctor_1": "doctor", "doctor_2": "doctor", "pharmacist_1": "pharmacist", "radiologist_1": "radiologist"}
ALL_ONE = dict.fromkeys((*COMPONENTS, SAFETY), 1.0)


@dataclass(frozen=True)
class Seated:
    agent: str
    role: Role


@dataclass(frozen=True)
class House:
    door_to_doctor: dict[int, float] = field(default_factory=lambda: {1: 5.0, 2: 10.0, 3: 30.0, 4: 60.0, 5: 120.0})


@dataclass(frozen=True)
class Terms:
    rewards: dict[str, float] = field(default_factory=lambda: dict(ALL_ONE))
    shares: dict[Role, float] = field(default_factory=lambda: {"doctor": 0.5, "pharmacist": 0.2, "radiologist": 0.3})
    seats: tuple[Seated, ...] = tuple(Seated(agent, role) for agent, role in AGENTS.items())
    background: tuple[Seated, ...] = (Seated("doctor_9", "doctor"),)
    hospital: House = field(default_factory=House)


# ---------------------------------------------------------------- a log is written as short lines: minute, kind, subject, data


def truth(minute: float, kind: str, subject: str, /, **data: Any) -> Entry:
    return Entry(minute, kind, subject, TRUTH, data)


def chart(minute: float, kind: str, subject: str, /, **data: Any) -> Entry:
    return Entry(minute, kind, subject, CHART, data)


def arrives(minute: float = 0.0, pid: str = "P1", *, stakes: float = 0.4, acuity: int = 2, origin: str = "ed", n: int = 1) -> Entry:
    rows = [{"id": f"t{i}", "any_of": [], "essential": True, "target_minutes": 60.0} for i in range(n)]
    return truth(minute, "patient_truth", pid, origin=origin, acuity=acuity, stakes=stakes, treatments=rows)


def effect(minute: float, pid: str = "P1", **changes: Any) -> Entry:
    data: dict[str, Any] = {"treatment": "t0", "essential": True, "on_time": True, "minutes_from_arrival": minute, "order": "O1"}
    data |= {"by": "doctor_1", "verified_by": "pharmacist_1", "override": False, "supported": True}
    return truth(minute, "effect", pid, **(data | changes))


def ordered(minute: float, oid: str = "O1", pid: str = "P1", **changes: Any) -> Entry:
    data: dict[str, Any] = {"patient": pid, "kind": "drug", "code": "x", "by": "doctor_1", "priority": "urgent", "background": False}
    return chart(minute, "order", oid, **(data | changes))


def graded(minute: float, verdict: str, oid: str = "O1", **changes: Any) -> Entry:
    data: dict[str, Any] = {"verdict": verdict, "by": "pharmacist_1", "error": "", "significant": False, "fixed": False, "minutes": minute}
    return truth(minute, "order_graded", oid, **(data | changes))


def opened(minute: float, subject: str = "O1", tool: str = "screen_order", by: str = "pharmacist_1", status: str = "ok") -> Entry:
    return Entry(minute, "action", by, f"agent:{by}", {"tool": tool, "status": status, "subject": subject})


def asked_about(n: int) -> list[Entry]:
    """Orders without an error that the pharmacist opened and asked about."""
    names = [f"R{i}" for i in range(n)]
    return [entry for name in names for entry in (ordered(1, name), opened(2, name), graded(3, "queried", name))]


def tried_to_ask(n: int) -> list[Entry]:
    """Orders without an error that a colleague passed while the pharmacist was asking."""
    names = [f"R{i}" for i in range(n)]
    late = {"tool": "query_order", "status": "refused"}
    return [e for name in names for e in (ordered(1, name), opened(2, name), graded(3, "verified", name, by="pharmacist_2"), opened(4, name, **late))]


def disposed(minute: float, to: str, needed: str, pid: str = "P1", *, supported: bool = True, by: str = "doctor_1") -> Entry:
    return truth(minute, "disposition_graded", pid, by=by, to=to, right=to == needed, supported=supported, needed=needed)


def diagnosed(minute: float, correct: bool, pid: str = "P1", *, supported: bool = True, by: str = "doctor_1") -> Entry:
    return truth(minute, "diagnosis_graded", pid, by=by, correct=correct, supported=supported)


def imaged(minute: float, sid: str = "S1", pid: str = "P1", *, stakes: float = 0.4, critical: bool = False, priority: str = "stat") -> list[Entry]:
    return [
        chart(minute, "study", sid, patient=pid, code="CT_HEAD", order="O7", priority=priority),
        truth(minute, "study_truth", sid, findings=[], critical=critical, patient=pid, background=False, stakes=stakes),
    ]


def reported(minute: float, tp: int, fp: int, fn: int, sid: str = "S1", **changes: Any) -> Entry:
    data: dict[str, Any] = {"by": "radiologist_1", "tp": tp, "fp": fp, "fn": fn, "critical_tp": 0, "critical_missed": 0, "critical_invented": 0}
    data |= {"certainty": 1.0, "minutes": minute, "addendum": False}
    return truth(minute, "report_graded", sid, **(data | changes))


def settled(minute: float, loss: float, pid: str = "P1", **changes: Any) -> Entry:
    data: dict[str, Any] = {"p_death": loss, "p_disability": 0.0, "loss": loss, "loss_untreated": 0.5, "loss_idle": 0.45, "loss_optimal": 0.1}
    data |= {"how": "ward", "contributors": {"doctor_1": 1.0}, "pain_hours": 0.0, "origin": "ed"}
    return truth(minute, "settled", pid, **(data | changes))


def harm(minute: float, by: list[str], pid: str = "P1", loss: float = 0.2) -> Entry:
    return truth(minute, "harm", pid, code="ALLERGY", by=by, order="O1", loss=loss, text="")


def breach(minute: float, by: str, pid: str = "P1", code: str = "drug_unseen") -> Entry:
    return truth(minute, "breach", pid, code=code, by=by, text="")


def seen(minute: float, pid: str = "P1", by: str = "doctor_1") -> Entry:
    return chart(minute, "seen", pid, by=by)


def answers(minute: float, by: str, minutes: float, sender: str = "radiologist_1") -> Entry:
    return chart(minute, "acknowledge", "M1", by=by, patient="P1", minutes=minutes, sender=sender)


def calls(minute: float, critical: bool) -> Entry:
    return truth(minute, "call_graded", "S1", by="radiologist_1", critical=critical, to="doctor_1", patient="P1")


def checks(minute: float, verdict: str, right: bool) -> Entry:
    return truth(minute, "override_graded", "O1", verdict=verdict, by="pharmacist_1", right=right, patient="P1", minutes=minute)


def guesses(brier: float) -> Entry:
    return truth(9, "differential_graded", "P1", by="doctor_1", brier=brier, p_true=1.0 - brier / 2)


def wrong(background: bool) -> Entry:
    return truth(5, "order_truth", "O1", error="OVERDOSE", significant=True, background=background)


def writes(sender: str) -> Entry:
    return chart(5, "message", "M1", **{"from": sender, "to": "doctor_1", "urgent": False, "characters": 100, "call": False})


ENDS = chart(90, "end", "hospital", reason="horizon")


def paid(entries: list[Entry], component: str) -> list[tuple[str, float]]:
    return [(row.agent, round(row.value, 6)) for row in regrade(entries, Terms()).rows if row.component == component]


CALLED = [*imaged(0, critical=True), calls(5, True)]
WARD = ordered(5, by="ward", background=True)
REJECTED = graded(9, "rejected", error="OVERDOSE", significant=True)
READ = [arrives(), *imaged(0, critical=True), reported(9, 1, 0, 0, critical_tp=1)]
BOTH = {"doctor_1": 1.0, "pharmacist_1": 1.0}

OWED: list[tuple[str, str, list[Entry], list[tuple[str, float]]]] = [
    # seen in time: full within the target of true acuity, paid when something right follows
    ("seen in time, then treated", "seen_in_time", [arrives(), seen(8), effect(30)], [("doctor_1", 0.4)]),
    ("seen late", "seen_in_time", [arrives(), seen(20), effect(30)], [("doctor_1", 0.2)]),
    ("seen far too late", "seen_in_time", [arrives(), seen(40), effect(60)], []),
    ("seen and left alone", "seen_in_time", [arrives(), seen(8)], []),
    ("seen by one, treated by another", "seen_in_time", [arrives(), seen(8), effect(30, by="doctor_2")], []),
    ("seen, right place", "seen_in_time", [arrives(), seen(8), disposed(50, "ward", "ward")], [("doctor_1", 0.4)]),
    ("seen, wrong place", "seen_in_time", [arrives(), seen(8), disposed(50, "ward", "home")], []),
    ("an inpatient has no door", "seen_in_time", [arrives(origin="inpatient"), seen(8), effect(30)], []),
    ("nothing at stake", "seen_in_time", [arrives(stakes=0.0), seen(8), effect(30)], []),
    # treatment
    ("on time", "treatment_on_time", [arrives(), effect(60)], [("doctor_1", 0.4)]),
    ("late by half", "treatment_on_time", [arrives(), effect(120)], [("doctor_1", 0.2)]),
    ("without grounds", "treatment_on_time", [arrives(), effect(10, supported=False)], []),
    ("not essential", "treatment_on_time", [arrives(), effect(10, essential=False)], []),
    ("by a nurse's standing order", "treatment_on_time", [arrives(), effect(10, by="nurse")], []),
    ("one of two essential ones", "treatment_on_time", [arrives(n=2), effect(10)], [("doctor_1", 0.2)]),
    ("both", "treatment_on_time", [arrives(n=2), effect(10), effect(20, treatment="t1")], [("doctor_1", 0.2)] * 2),
    ("no target stated", "treatment_on_time", [arrives(n=0), effect(500)], [("doctor_1", 0.4)]),
    # diagnosis
    ("right at once", "diagnosis_right", [arrives(), diagnosed(20, True)], [("doctor_1", 0.4)]),
    ("right without grounds", "diagnosis_right", [arrives(), diagnosed(20, True, supported=False)], []),
    ("wrong", "diagnosis_right", [arrives(), diagnosed(20, False)], [("doctor_1", -0.2)]),
    ("second guess", "diagnosis_right", [arrives(), diagnosed(20, False), diagnosed(21, True)], [("doctor_1", -0.2), ("doctor_1", 0.2)]),
    ("third guess", "diagnosis_right", [arrives(), *[diagnosed(20, False)] * 2, diagnosed(21, True)], [("doctor_1", -0.2)] * 2),
    # differential
    ("sure and right", "differential_brier", [arrives(), guesses(0.0), disposed(50, "ward", "ward")], [("doctor_1", 0.4)]),
    ("no better than not knowing", "differential_brier", [arrives(), guesses(1.0), disposed(50, "ward", "ward")], []),
    ("sure and wrong", "differential_brier", [arrives(), guesses(2.0), disposed(50, "ward", "ward", supported=False)], [("doctor_1", -0.4)]),
    ("never disposed of", "differential_brier", [arrives(), guesses(0.0)], []),
    # disposition
    ("right place", "disposition_right", [arrives(), disposed(50, "icu", "icu")], [("doctor_1", 0.4)]),
    ("right by luck", "disposition_right", [arrives(), disposed(50, "icu", "icu", supported=False)], []),
    ("needless bed", "disposition_right", [arrives(stakes=0.0), disposed(50, "ward", "home")], [("doctor_1", -0.1)]),
    ("needless intensive care", "disposition_right", [arrives(stakes=0.0), disposed(50, "icu", "home")], [("doctor_1", -0.3)]),
    ("sent home sick", "disposition_right", [arrives(), disposed(50, "home", "ward")], [("doctor_1", -0.5)]),
    # critical calls read back
    ("read back, then treated", "critical_acknowledged", [arrives(), *CALLED, answers(9, "doctor_1", 4.0), effect(30)], [("doctor_1", 0.4)]),
    ("read back and left", "critical_acknowledged", [arrives(), *CALLED, answers(9, "doctor_1", 4.0)], []),
    ("read back by another", "critical_acknowledged", [arrives(), *CALLED, answers(9, "doctor_2", 4.0), effect(30, by="doctor_2")], []),
    ("read back late", "critical_acknowledged", [arrives(), *CALLED, answers(35, "doctor_1", 30.0), effect(40)], [("doctor_1", 0.2)]),
    # costs of a doctor
    ("a drug", "resource_use", [arrives(), ordered(5)], [("doctor_1", -0.1)]),
    ("stat for the sick", "resource_use", [arrives(acuity=2), ordered(5, kind="imaging", priority="stat")], [("doctor_1", -0.3)]),
    ("stat for who can wait", "resource_use", [arrives(acuity=4), ordered(5, kind="imaging", priority="stat")], [("doctor_1", -0.6)]),
    ("a nurse's order", "resource_use", [arrives(), ordered(5, by="nurse")], []),
    ("an error", "prescribing_error", [arrives(), ordered(5), wrong(False)], [("doctor_1", -1.0)]),
    ("somebody else's error", "prescribing_error", [arrives(), ordered(5, by="ward", background=True), wrong(True)], []),
    # pharmacist
    ("right order passed", "order_error_caught", [ordered(5), graded(9, "verified")], []),
    (
        "error put right",
        "order_error_caught",
        [WARD, opened(7), graded(9, "changed", error="OVERDOSE", significant=True, fixed=True)],
        [("pharmacist_1", 0.5)],
    ),
    (
        "error of the team",
        "order_error_caught",
        [ordered(5), opened(7), graded(9, "changed", error="OVERDOSE", significant=True, fixed=True)],
        [("pharmacist_1", 0.25)],
    ),
    ("what a dose mends, rejected", "order_error_caught", [WARD, opened(7), REJECTED], [("pharmacist_1", 0.25)]),
    (
        "what no dose mends, rejected",
        "order_error_caught",
        [WARD, opened(7, "P1", "get_medication_profile"), graded(9, "rejected", error="ALLERGY", significant=True)],
        [("pharmacist_1", 0.5)],
    ),
    ("error stopped unread", "order_error_caught", [WARD, REJECTED], []),
    ("read by somebody else", "order_error_caught", [WARD, opened(7, by="pharmacist_2"), REJECTED], []),
    ("reading refused", "order_error_caught", [WARD, opened(7, status="refused"), REJECTED], []),
    ("patient read before there was an order", "order_error_caught", [opened(4, "P1", "get_medication_profile"), WARD, REJECTED], []),
    (
        "half of the work left lying",
        "order_error_caught",
        [WARD, ordered(5, "O2"), opened(60, "", "wait"), opened(61), graded(62, "changed", error="OVERDOSE", significant=True, fixed=True)],
        [("pharmacist_1", 0.25)],
    ),
    (
        "nobody was there to do the rest",
        "order_error_caught",
        [WARD, ordered(5, "O2"), graded(80, "unverified", "O2", by=""), opened(81), graded(82, "changed", error="X", significant=True, fixed=True)],
        [("pharmacist_1", 0.5)],
    ),
    (
        "another one opened and left",
        "order_error_caught",
        [WARD, ordered(5, "O2"), opened(6, "O2"), opened(12), graded(13, "changed", error="OVERDOSE", significant=True, fixed=True)],
        [("pharmacist_1", 0.25)],
    ),
    (
        "one of many that were asked about",
        "order_error_caught",
        [*asked_about(7), WARD, opened(7), graded(9, "changed", error="OVERDOSE", significant=True, fixed=True)],
        [],
    ),
    (
        "one of many that would have been asked about, had a colleague not been first",
        "order_error_caught",
        [*tried_to_ask(7), WARD, opened(7), graded(9, "changed", error="OVERDOSE", significant=True, fixed=True)],
        [],
    ),
    (
        "after one question too many",
        "order_error_caught",
        [*asked_about(1), WARD, opened(7), graded(9, "changed", error="OVERDOSE", significant=True, fixed=True)],
        [("pharmacist_1", 0.5)],
    ),
    (
        "error changed for another",
        "order_error_caught",
        [ordered(5), graded(9, "changed", error="OVERDOSE", significant=True)],
        [("pharmacist_1", -1.0)],
    ),
    ("error passed", "order_error_caught", [ordered(5), graded(9, "verified", error="OVERDOSE", significant=True)], [("pharmacist_1", -1.0)]),
    ("nobody looked", "order_error_caught", [ordered(5), graded(9, "unverified", by="", error="OVERDOSE", significant=True)], []),
    ("right order rejected", "false_alarm", [ordered(5), graded(9, "rejected")], [("pharmacist_1", -0.5)]),
    ("trifle rejected", "false_alarm", [ordered(5), graded(9, "rejected", error="NOTE")], [("pharmacist_1", -0.5)]),
    ("verifying costs nobody's time", "query_cost", [ordered(5), graded(9, "verified", doctor_minutes=0.0)], []),
    (
        "a query costs minutes",
        "query_cost",
        [ordered(5), graded(9, "queried", error="X", significant=True, doctor_minutes=6.0)],
        [("pharmacist_1", -0.1)],
    ),
    ("trifle queried", "false_alarm", [ordered(5), graded(9, "queried", error="NOTE")], []),
    ("right order questioned", "false_alarm", [ordered(5), graded(9, "queried")], [("pharmacist_1", -0.25)]),
    ("verified in time", "verification_in_time", [arrives(), ordered(5), opened(9), graded(25, "verified"), effect(40)], [("pharmacist_1", 0.4)]),
    ("verified unread", "verification_in_time", [arrives(), ordered(5), graded(25, "verified"), effect(40)], []),
    ("verified late", "verification_in_time", [arrives(), ordered(5), graded(55, "verified"), effect(70)], [("pharmacist_1", -0.2)]),
    ("verified, no effect", "verification_in_time", [arrives(), ordered(5), graded(25, "verified")], []),
    (
        "override, no effect of verification",
        "verification_in_time",
        [arrives(), ordered(5), effect(9, override=True), checks(25, "override_ok", True)],
        [],
    ),
    ("bad override found", "override_checked", [checks(9, "override_bad", True)], [("pharmacist_1", 0.25)]),
    ("bad override passed", "override_checked", [checks(9, "override_ok", False)], [("pharmacist_1", -0.5)]),
    ("good override passed", "override_checked", [checks(9, "override_ok", True)], []),
    ("good override questioned", "override_checked", [checks(9, "override_bad", False)], [("pharmacist_1", -0.5)]),
    # radiologist
    ("all found", "report_findings", [*imaged(0), reported(9, 2, 0, 0)], [("radiologist_1", 0.4)]),
    ("half found", "report_findings", [*imaged(0), reported(9, 1, 0, 1)], [("radiologist_1", round(0.4 * 2 / 3, 6)), ("radiologist_1", -0.2)]),
    ("missed", "report_findings", [*imaged(0), reported(9, 0, 0, 1)], [("radiologist_1", -0.4)]),
    (
        "critical missed",
        "report_findings",
        [*imaged(0, stakes=0.1, critical=True), reported(9, 0, 0, 1, critical_missed=1)],
        [("radiologist_1", -0.8)],
    ),
    (
        "found, and nobody told",
        "report_findings",
        [*imaged(0, stakes=0.1, critical=True), reported(9, 1, 0, 0, critical_tp=1), ENDS],
        [("radiologist_1", 0.4), ("radiologist_1", -0.4)],
    ),
    (
        "found, after another was missed",
        "report_findings",
        [*imaged(0, stakes=0.1, critical=True), reported(9, 0, 0, 1, critical_missed=1), *imaged(10, "S2", "P2"), reported(20, 1, 0, 0, "S2")],
        [("radiologist_1", -0.8), ("radiologist_1", 0.2)],
    ),
    ("normal as normal", "report_findings", [*imaged(0), reported(9, 0, 0, 0)], []),
    ("seen what is not there", "report_findings", [*imaged(0), reported(9, 0, 2, 0)], [("radiologist_1", -0.1)]),
    (
        "addendum after a miss",
        "report_findings",
        [*imaged(0), reported(9, 0, 0, 1), reported(20, 1, 0, 0, addendum=True)],
        [("radiologist_1", -0.4), ("radiologist_1", 0.2)],
    ),
    ("read in time", "report_in_time", [*imaged(0), reported(30, 1, 0, 0)], [("radiologist_1", 0.4)]),
    ("read very late", "report_in_time", [*imaged(0), reported(300, 1, 0, 0)], [("radiologist_1", -0.2)]),
    ("normal in time", "report_in_time", [*imaged(0), reported(9, 0, 0, 0)], []),
    (
        "found and called",
        "critical_called",
        [*imaged(0, stakes=0.1, critical=True), reported(9, 1, 0, 0, critical_tp=1), calls(12, True)],
        [("radiologist_1", 0.4)],
    ),
    (
        "called, then found",
        "critical_called",
        [*imaged(0, stakes=0.1, critical=True), calls(5, True), reported(9, 1, 0, 0, critical_tp=1)],
        [("radiologist_1", 0.4)],
    ),
    ("called and not found", "critical_called", [*imaged(0, critical=True), calls(5, True)], []),
    ("called for nothing", "critical_called", [*imaged(0), calls(5, False)], [("radiologist_1", -0.5)]),
    (
        "called for nothing again",
        "critical_called",
        [*imaged(0), calls(5, False), calls(6, False)],
        [("radiologist_1", -0.5), ("radiologist_1", -1.0)],
    ),
    (
        "found and not called",
        "critical_called",
        [*imaged(0, stakes=0.1, critical=True), reported(9, 1, 0, 0, critical_tp=1), ENDS],
        [("radiologist_1", -0.2)],
    ),
    ("found just before the end", "critical_called", [*imaged(0, critical=True), reported(80, 1, 0, 0, critical_tp=1), ENDS], []),
    ("sure and right", "certainty_brier", [*imaged(0), reported(9, 1, 0, 0)], [("radiologist_1", 0.1)]),
    ("sure and wrong", "certainty_brier", [*imaged(0), reported(9, 0, 0, 1)], [("radiologist_1", -0.4)]),
    ("sure of nothing there", "certainty_brier", [*imaged(0), reported(9, 0, 0, 0)], []),
    # outcome
    ("saved by who did right", "outcome_share", [arrives(), effect(10), settled(99, 0.15)], [("doctor_1", 0.15)]),
    ("saved by others", "outcome_share", [arrives(), settled(99, 0.15)], []),
    (
        "shared with the pharmacist",
        "outcome_share",
        [arrives(), ordered(2), opened(3), graded(4, "verified"), effect(10), settled(99, 0.15, contributors=BOTH)],
        [("doctor_1", 0.15), ("pharmacist_1", 0.06)],
    ),
    (
        "not shared with who did not look",
        "outcome_share",
        [arrives(), ordered(2), graded(4, "verified"), effect(10), settled(99, 0.15, contributors=BOTH)],
        [("doctor_1", 0.15)],
    ),
    (
        "the same drug for everybody",
        "outcome_share",
        [*[e for i in range(1, 5) for e in (arrives(0, f"P{i}"), ordered(1, f"O{i}", f"P{i}", code="y"))], effect(10), settled(99, 0.15)],
        [],
    ),
    (
        "shared with the radiologist",
        "outcome_share",
        [*READ, calls(12, True), settled(99, 0.15, contributors={"radiologist_1": 1.0})],
        [("radiologist_1", 0.09)],
    ),
    ("not shared with who told nobody", "outcome_share", [*READ, settled(99, 0.15, contributors={"radiologist_1": 1.0})], []),
    (
        "shared with a colleague",
        "outcome_share",
        [arrives(), effect(10), settled(99, 0.15, contributors={"doctor_1": 1.0, "doctor_9": 2.0})],
        [("doctor_1", 0.05)],
    ),
    ("worse than without", "outcome_share", [arrives(), settled(99, 0.48)], [("doctor_1", -0.015)]),
    (
        "worse than untreated, in my charge",
        "outcome_share",
        [arrives(), chart(3, "claim", "P1", by="doctor_2"), settled(99, 0.8)],
        [("doctor_1", -0.175), ("doctor_2", -0.3)],
    ),
    (
        "dead is never better than untreated",
        "outcome_share",
        [arrives(), effect(10), truth(50, "death", "P1", minute=50), settled(99, 0.15)],
        [("doctor_1", -0.025)],
    ),
    # words
    ("a message", "messages", [writes("radiologist_1")], [("radiologist_1", -0.2)]),
    ("the laboratory's call", "messages", [writes("laboratory")], []),
]


@pytest.mark.parametrize(("component", "entries", "rows"), [row[1:] for row in OWED], ids=[f"{c}: {name}" for name, c, *_ in OWED])
def test_what_is_owed(component: str, entries: list[Entry], rows: list[tuple[str, float]]) -> None:
    assert paid(entries, component) == rows


def test_every_component_is_in_the_table_and_explains_itself() -> None:
    assert {component for _, component, *_ in OWED} == set(COMPONENTS)
    assert all("ource" in component.about for component in COMPONENTS.values())


# ---------------------------------------------------------------- the gate


GOOD = [arrives(), seen(5), effect(20), diagnosed(25, True)]
"""doctor_1 earns 0.4 three times (seen in time, treatment, diagnosis) and pharmacist_1 nothing."""

GATED: list[tuple[str, list[Entry], dict[str, float]]] = [
    ("harm takes back all, and costs", [*GOOD, harm(30, ["doctor_1"])], {"doctor_1": -0.3}),
    ("nothing more is earned", [*GOOD, harm(30, ["doctor_1"]), disposed(50, "ward", "ward")], {"doctor_1": -0.3}),
    ("nothing is earned if harm came first", [arrives(), harm(1, ["doctor_1"]), *GOOD[1:]], {"doctor_1": -0.3}),
    ("costs still count", [*GOOD, harm(30, ["doctor_1"]), disposed(50, "icu", "ward")], {"doctor_1": -0.5}),
    ("harm counts each time", [*GOOD, harm(30, ["doctor_1"]), harm(31, ["doctor_1"])], {"doctor_1": -0.6}),
    ("other patients are another matter", [*GOOD, harm(30, ["doctor_1"], pid="P2")], {"doctor_1": 0.9}),
    ("other agents are another matter", [*GOOD, harm(30, ["doctor_2"])], {"doctor_1": 1.2, "doctor_2": -0.3}),
    ("two may answer for it", [*GOOD, harm(30, ["doctor_1", "pharmacist_1"])], {"doctor_1": -0.3, "pharmacist_1": -0.3}),
    ("nobody may", [*GOOD, harm(30, [])], {"doctor_1": 1.2}),
    ("a breach costs without loss", [*GOOD, breach(30, "doctor_1")], {"doctor_1": -HARM_BASE}),
    ("the same breach costs once", [*GOOD, *[breach(30, "doctor_1")] * 5], {"doctor_1": -HARM_BASE}),
    ("another breach costs again", [*GOOD, breach(30, "doctor_1"), breach(31, "doctor_1", code="home_unseen")], {"doctor_1": -2 * HARM_BASE}),
    ("the penalty has a bound", [*GOOD, harm(30, ["doctor_1"], loss=0.99)], {"doctor_1": -1.0}),
]


@pytest.mark.parametrize(("entries", "totals"), [row[1:] for row in GATED], ids=[row[0] for row in GATED])
def test_gate(entries: list[Entry], totals: dict[str, float]) -> None:
    expected = dict.fromkeys(AGENTS, 0.0) | totals
    assert regrade(entries, Terms()).totals() == pytest.approx(expected)


def test_the_gate_writes_one_row() -> None:
    ledger = Ledger(Terms())
    ledger.add(GOOD)
    assert ledger.add([harm(30, ["doctor_1"])]) == [Row(30, "doctor_1", "safety", pytest.approx(-1.5), "P1")]


# ---------------------------------------------------------------- nothing twice


REPEATED = [
    ("diagnosis", [arrives(), *[diagnosed(20 + i, True) for i in range(5)]], 0.4),
    ("diagnosis by two", [arrives(), diagnosed(20, True), diagnosed(21, True, by="doctor_2")], 0.4),
    ("disposition", [arrives(), *[disposed(20 + i, "ward", "ward") for i in range(5)]], 0.4),
    ("reports", [*imaged(0), *imaged(1, "S2"), *[reported(9, 1, 0, 0, sid=s, certainty=0.5) for s in ("S1", "S2", "S1")]], 0.8),
    ("calls", [*imaged(0, critical=True), reported(300, 1, 0, 0, critical_tp=1, certainty=0.5), *[calls(301, True)] * 4], 1.05),
    (
        "own errors caught",
        [
            e
            for i in range(4)
            for e in (
                ordered(i, f"O{i}", by="doctor_9"),
                opened(i, f"O{i}"),
                graded(i, "changed", f"O{i}", error="DOSE", significant=True, fixed=True),
            )
        ],
        0.25,
    ),
    (
        "ward errors caught",
        [
            e
            for i in range(4)
            for e in (
                ordered(i, f"O{i}", by="ward", background=True),
                opened(i, f"O{i}"),
                graded(i, "changed", f"O{i}", error="DOSE", significant=True, fixed=True),
            )
        ],
        2.0,
    ),
    (
        "the same order",
        [ordered(1, by="ward", background=True), opened(1), *[graded(2, "changed", error="DOSE", significant=True, fixed=True)] * 3],
        0.5,
    ),
]


@pytest.mark.parametrize(("entries", "total"), [row[1:] for row in REPEATED], ids=[row[0] for row in REPEATED])
def test_repetition_earns_nothing(entries: list[Entry], total: float) -> None:
    assert fsum(regrade(entries, Terms()).totals().values()) == pytest.approx(total)


def test_an_error_made_to_be_caught_gains_the_team_nothing() -> None:
    error: dict[str, Any] = {"error": "OVERDOSE", "significant": True}
    log = [arrives(), ordered(5), truth(5, "order_truth", "O1", background=False, **error), graded(9, "changed", fixed=True, **error)]
    assert fsum(regrade(log, Terms()).totals().values()) < 0.0


# ---------------------------------------------------------------- ledger


def test_only_the_seats_are_paid_and_their_colleagues_take_their_part() -> None:
    log = [*GOOD, diagnosed(26, True, by="doctor_9"), effect(30, "P2", by="doctor_9")]
    assert {row.agent for row in regrade(log, Terms()).rows} == {"doctor_1"}
    assert regrade(log, Terms(), {"pharmacist_1": "pharmacist"}).rows == []


def test_role_must_fit() -> None:
    assert regrade([arrives(), diagnosed(20, True, by="pharmacist_1")], Terms()).rows == []


def test_weights_scale_rows_and_missing_ones_pay_nothing() -> None:
    terms = Terms(rewards={"diagnosis_right": 2.5, "safety": 1.0})
    assert regrade(GOOD, terms).rows == [Row(25, "doctor_1", "diagnosis_right", 1.0, "P1")]


def test_unknown_component_is_named_with_those_that_exist() -> None:
    with pytest.raises(ScenarioError, match=r"unknown component kindness; there are seen_in_time, .*safety"):
        Ledger(Terms(rewards={"kindness": 1.0, "safety": 1.0}))


def test_no_scenario_without_the_gate() -> None:
    with pytest.raises(ScenarioError, match="safety"):
        Ledger(Terms(rewards={"diagnosis_right": 1.0}))


def test_sums_by_agent_and_component() -> None:
    ledger = regrade([*GOOD, settled(99, 0.15)], Terms())
    sums = ledger.by_component()
    assert sums["doctor_1"] == pytest.approx({"seen_in_time": 0.4, "treatment_on_time": 0.4, "diagnosis_right": 0.4, "outcome_share": 0.15})
    assert {agent: fsum(parts.values()) for agent, parts in sums.items()} == pytest.approx(ledger.totals(), abs=1e-9)


# ---------------------------------------------------------------- conduct


def prescribed(n_patients: int, everybodys: str, besides: int = 0) -> Prescribing:
    """A doctor whose patients all need `a`, half of them `b`, one `c`; some drugs besides for the first."""
    doctor = Prescribing()
    for number in range(n_patients):
        uses = frozenset("a" + "b" * (number % 2) + "c" * (number == 0))
        for code in everybodys:
            doctor.order(f"P{number}", code, uses)
        for extra in range(besides if number == 0 else 0):
            doctor.order("P0", f"x{extra}", uses)
    return doctor


def test_the_same_for_everybody_is_no_choice() -> None:
    assert prescribed(6, "a").choice == 1.0
    assert prescribed(1, "bc").choice == 1.0  # one mistake is forgiven
    assert prescribed(6, "abc").choice == 0.0
    assert all(prescribed(6, "abc", besides).choice < 0.35 for besides in range(1, 30))  # rare drugs hardly hide it

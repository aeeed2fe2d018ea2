"""Rewards over arbitrary logs: re-grading equal to live, values within bounds, harm never pays, nothing is changed by reading."""

from dataclasses import dataclass, field
from itertools import pairwise
from math import fsum, inf
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinsim.record import TRUTH, Entry, Role
from clinsim.rewards import COMPONENTS, SAFETY, Ledger, regrade


@dataclass(frozen=True)
class Seated:
    agent: str
    role: Role


@dataclass(frozen=True)
class House:
    door_to_doctor: dict[int, float] = field(default_factory=lambda: {1: 5.0, 2: 10.0, 3: 30.0, 4: 60.0})


SEATS = (Seated("doctor_1", "doctor"), Seated("doctor_2", "doctor"), Seated("pharmacist_1", "pharmacist"), Seated("radiologist_1", "radiologist"))
AGENTS = [seat.agent for seat in SEATS]


@dataclass(frozen=True)
class Terms:
    """All weights 1."""

    rewards: dict[str, float] = field(default_factory=lambda: dict.fromkeys((*COMPONENTS, SAFETY), 1.0))
    shares: dict[Role, float] = field(default_factory=lambda: {"doctor": 0.5, "pharmacist": 0.2, "radiologist": 0.3})
    seats: tuple[Seated, ...] = SEATS
    background: tuple[Seated, ...] = (Seated("doctor_9", "doctor"),)
    hospital: House = field(default_factory=House)


PEOPLE = st.sampled_from([*AGENTS, "doctor_9", "nurse", ""])
PIDS = st.sampled_from(["P1", "P2"])
OIDS = st.sampled_from(["O1", "O2", "O3"])
SIDS = st.sampled_from(["S1", "S2"])
SHARES = st.floats(0, 1)
FLAGS = st.booleans()
COUNTS = st.integers(0, 3)
PLACES = st.sampled_from(["home", "ward", "step_down", "icu"])
PRIORITIES = st.sampled_from(["stat", "urgent", "routine"])
VERDICTS = st.sampled_from(["verified", "changed", "rejected", "queried", "unverified"])
TREATMENTS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.sampled_from(["t0", "t1"]),
            "essential": FLAGS,
            "target_minutes": st.sampled_from([None, 10.0, 60.0]),
            "any_of": st.lists(st.just("x"), max_size=1),
        }
    ),
    max_size=2,
)

KINDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "patient_truth": (
        PIDS,
        {"origin": st.sampled_from(["ed", "inpatient"]), "acuity": st.integers(1, 5), "stakes": SHARES, "treatments": TREATMENTS},
    ),
    "claim": (PIDS, {"by": PEOPLE}),
    "hand_over": (PIDS, {"by": PEOPLE, "to": PEOPLE}),
    "seen": (PIDS, {"by": PEOPLE}),
    "effect": (
        PIDS,
        {
            "treatment": st.sampled_from(["t0", "t1"]),
            "essential": FLAGS,
            "on_time": FLAGS,
            "minutes_from_arrival": st.floats(0, 500),
            "order": OIDS,
            "by": PEOPLE,
            "verified_by": PEOPLE,
            "override": FLAGS,
            "supported": FLAGS,
        },
    ),
    "harm": (PIDS, {"code": st.sampled_from("ab"), "by": st.lists(PEOPLE, max_size=2, unique=True), "order": OIDS, "loss": SHARES}),
    "breach": (PIDS, {"code": st.sampled_from("ab"), "by": PEOPLE}),
    "order": (
        OIDS,
        {
            "patient": PIDS,
            "kind": st.sampled_from(["lab", "imaging", "drug", "consult"]),
            "code": st.just("x"),
            "by": PEOPLE,
            "priority": PRIORITIES,
            "background": FLAGS,
        },
    ),
    "order_state": (OIDS, {"state": st.sampled_from(["verified", "cancelled", "given"]), "by": PEOPLE}),
    "action": (
        PEOPLE,
        {
            "tool": st.sampled_from(["screen_order", "get_medication_profile", "wait"]),
            "status": st.sampled_from(["ok", "refused"]),
            "subject": st.one_of(OIDS, PIDS),
        },
    ),
    "order_truth": (OIDS, {"error": st.sampled_from(["", "DOSE"]), "significant": FLAGS, "background": FLAGS}),
    "order_graded": (OIDS, {"verdict": VERDICTS, "by": PEOPLE, "error": st.sampled_from(["", "DOSE"]), "significant": FLAGS, "fixed": FLAGS}),
    "study": (SIDS, {"patient": PIDS, "priority": PRIORITIES}),
    "study_truth": (SIDS, {"patient": PIDS, "critical": FLAGS, "background": FLAGS, "stakes": SHARES}),
    "report_graded": (
        SIDS,
        {
            "by": PEOPLE,
            "tp": COUNTS,
            "fp": COUNTS,
            "fn": COUNTS,
            "critical_tp": COUNTS,
            "critical_missed": COUNTS,
            "critical_invented": COUNTS,
            "certainty": SHARES,
            "addendum": FLAGS,
        },
    ),
    "call_graded": (SIDS, {"by": PEOPLE, "critical": FLAGS, "to": PEOPLE}),
    "override_graded": (OIDS, {"verdict": st.sampled_from(["override_ok", "override_bad"]), "by": PEOPLE, "right": FLAGS, "patient": PIDS}),
    "acknowledge": (st.just("M1"), {"by": PEOPLE, "patient": PIDS, "minutes": st.floats(0, 90), "sender": PEOPLE}),
    "message": (st.just("M1"), {"from": PEOPLE, "to": PEOPLE, "characters": st.integers(0, 5000)}),
    "diagnosis_graded": (PIDS, {"by": PEOPLE, "correct": FLAGS, "supported": FLAGS}),
    "differential_graded": (PIDS, {"by": PEOPLE, "brier": st.floats(0, 2), "p_true": SHARES}),
    "disposition_graded": (PIDS, {"by": PEOPLE, "to": PLACES, "right": FLAGS, "supported": FLAGS, "needed": PLACES}),
    "death": (PIDS, {}),
    "settled": (PIDS, {"loss": SHARES, "loss_untreated": SHARES, "loss_idle": SHARES, "contributors": st.dictionaries(PEOPLE, SHARES, max_size=3)}),
    "end": (st.just("hospital"), {}),
    "vitals": (PIDS, {}),
}


def _entries() -> st.SearchStrategy[list[Entry]]:
    def of(kind: str) -> st.SearchStrategy[Entry]:
        subject, data = KINDS[kind]
        return st.builds(Entry, st.floats(0, 720), st.just(kind), subject, st.just(TRUTH), st.fixed_dictionaries(data))

    events = st.one_of([of(kind) for kind in KINDS])
    return st.lists(events, max_size=60).map(lambda log: sorted(log, key=lambda entry: entry.minute))


LOGS = _entries()


@given(LOGS, st.lists(st.integers(0, 60), max_size=8))
def test_regrade_equals_live_however_the_log_is_cut(log: list[Entry], cuts: list[int]) -> None:
    live = Ledger(Terms())
    edges = [0, *sorted(min(cut, len(log)) for cut in cuts), len(log)]
    given_out = [row for start, stop in pairwise(edges) for row in live.add(log[start:stop])]
    again = regrade(log, Terms())
    assert given_out == live.rows == again.rows
    assert live.totals() == again.totals()


@given(LOGS)
def test_each_unweighted_value_is_within_one_and_good_deeds_count_once(log: list[Entry]) -> None:
    rows = [row for row in regrade(log, Terms()).rows if row.component != SAFETY]
    assert all(-1.0 <= row.value <= 1.0 for row in rows)
    once = [
        (row.component, row.patient)
        for row in rows
        if row.value > 0.0 and row.component not in ("treatment_on_time", "verification_in_time", "order_error_caught", "outcome_share")
    ]
    assert len(once) == len(set(once))


@given(LOGS)
def test_who_harmed_a_patient_ends_below_zero_there(log: list[Entry]) -> None:
    rows = regrade(log, Terms()).rows
    for entry in log:
        for agent in set(entry.data["by"]) & set(AGENTS) if entry.kind == "harm" else ():
            assert fsum(row.value for row in rows if (row.agent, row.patient) == (agent, entry.subject)) < 0.0


@given(LOGS)
def test_nobody_but_the_seats_is_paid_and_sums_agree(log: list[Entry]) -> None:
    ledger = regrade(log, Terms())
    assert {row.agent for row in ledger.rows} <= set(AGENTS)
    assert fsum(row.value for row in ledger.rows) == pytest.approx(fsum(ledger.totals().values()), abs=1e-9)
    assert all(-inf < total < inf for total in ledger.totals().values())


@given(LOGS)
def test_entries_are_read_and_not_changed(log: list[Entry]) -> None:
    regrade([Entry(e.minute, e.kind, e.subject, e.visibility, MappingProxyType(e.data)) for e in log], Terms())  # type: ignore[arg-type]

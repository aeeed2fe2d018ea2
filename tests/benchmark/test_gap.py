"""The static-to-live gap: the same patient everywhere, one rubric for any chart, and a ward without a clock that plays by the ward's rules."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import asdict, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinsim.benchmark.gap import (
    ALONE,
    KEY,
    POLICIES,
    SHIFTS,
    STILL,
    Case,
    Job,
    cases,
    frozen_case,
    jobs,
    play,
    scenario_of,
    still_ward,
)
from clinsim.benchmark.gap_tasks import LOST, PLAYERS, Halved, task_scores
from clinsim.benchmark.policies import SCRIPTS
from clinsim.benchmark.rubric import UNSAFE, marked
from clinsim.benchmark.still_ward import arrive
from clinsim.benchmark.suite import load_suite
from clinsim.hospital.hospital import Hospital
from clinsim.hospital.physiology import Course
from clinsim.rollout import policy_for

STEMI = Case("stemi", 20_000)
SPRAIN = Case("ankle_sprain", 20_010)


def left_by(case: Case, policy: str = "guideline"):
    """Truth, and what a policy leaves behind without a clock."""
    frozen, _, truth, seat = frozen_case(case)
    stage = still_ward(case)
    stage.play(policy_for(policy), seat)
    return truth, stage.chart, stage.world.desk.orders, frozen.knowledge.formulary


# ---------------------------------------------------------------- the same patient


@pytest.mark.parametrize("case", [Case("septic_shock", 20_006), Case("simple_uti", 20_015)], ids=lambda case: case.condition)
def test_everybody_else_leaves_the_patient_bit_for_bit_the_same(case):
    met = []
    for world in (ALONE, *SHIFTS):
        hospital = Hospital(scenario_of(case, world), case.seed)
        patient = arrive(hospital, KEY)
        course = Course(patient.condition, patient.person, hospital.streams, patient.arrived_at)
        signs = [(course.vitals(minute), course.lab("LACTATE", minute), course.state()) for minute in range(95, 400, 15)]
        shown = (patient.presentation.complaint, patient.presentation.triage_note, patient.presentation.history, patient.presentation.examination)
        chart = patient.chart
        written = (chart.arrived_at, chart.arrival_mode, chart.esi, chart.home_drugs, chart.allergies, chart.egfr, chart.weight_kg)
        met.append((patient.person, shown, written, patient.true_esi, patient.untreated, patient.optimal, signs))
        assert (len(hospital.patients) == 1) == (world == ALONE)
    assert met[0] == met[1] == met[2]


def test_cases_are_on_test_seeds_each_with_its_own():
    chosen = cases(24)
    assert len({case.seed for case in chosen}) == len(chosen) == 24
    assert 0 < sum(case.is_dangerous for case in chosen) < 24
    assert min(case.seed for case in chosen) >= 20_000
    assert len(set(jobs(chosen))) == len(chosen) * len(POLICIES) * 4


# ---------------------------------------------------------------- the rubric


def sent_home(chart, orders):
    chart.disposition = "home"


def never_seen(chart, orders):
    chart.seen_at = None


def turned_down(chart, orders):
    for oid in chart.orders:
        if orders[oid].kind in ("drug", "procedure"):
            orders[oid].state = "rejected"


def tenfold(chart, orders):
    aspirin = next(orders[oid] for oid in chart.orders if orders[oid].code == "aspirin")
    aspirin.amount *= 10


# what is changed on a chart that scores 1, and what it then scores
CHANGES = [
    (lambda chart, orders: None, 1.0, ()),
    (lambda chart, orders: setattr(chart, "diagnosis", "reflux"), 0.5, ()),
    (lambda chart, orders: setattr(chart, "disposition", ""), 0.5, ()),
    (lambda chart, orders: setattr(chart, "disposition", "step_down"), 1.0, ()),
    (lambda chart, orders: setattr(chart, "disposition", "ward"), 0.5, ()),
    (lambda chart, orders: chart.results.clear(), 0.0, ()),
    (lambda chart, orders: setattr(chart, "unit", ""), 0.75, ()),
    (turned_down, 0.25, ()),
    (sent_home, UNSAFE, ("sent_home_sick",)),
    (never_seen, UNSAFE, ("disposition_unseen", "treated_unseen")),
    (tenfold, UNSAFE, ("OVERDOSE",)),
]


@pytest.mark.parametrize(("change", "score", "unsafe"), CHANGES)
def test_the_rubric_by_hand(change, score, unsafe):
    truth, chart, orders, formulary = left_by(STEMI)
    change(chart, orders)
    marks = marked(truth, chart, orders, formulary)
    assert (marks.score, marks.unsafe) == (pytest.approx(score), unsafe)


@given(later=st.integers(0, 100_000))
@settings(max_examples=20, deadline=None)
def test_the_score_knows_no_clock(later):
    truth, chart, orders, formulary = deepcopy(_LEFT)
    chart.seen_at += later
    chart.vitals = [replace(vitals, minute=vitals.minute + later) for vitals in chart.vitals]
    chart.results = [replace(line, taken_at=line.taken_at + later, filed_at=line.filed_at + later) for line in chart.results]
    for line in orders.values():
        line.placed_at += later
        line.done_at = line.done_at if line.done_at is None else line.done_at + later
    assert replace(marked(truth, chart, orders, formulary), on_time=None) == replace(marked(*_LEFT), on_time=None)


_LEFT = left_by(STEMI)


# ---------------------------------------------------------------- without a clock


def test_what_is_asked_for_is_there_at_the_next_turn_and_nothing_else_happens():
    stage = still_ward(SPRAIN)
    pid, before = stage.patient, deepcopy(stage.chart)
    first = json.loads(stage.observation().text)
    assert set(first) == {"minute", "why", "worklist", "news", "last_result"}
    assert (first["why"], [row["patient"] for row in first["worklist"]]) == ("news", [pid])
    stage.act('{"name": "wait", "arguments": {"minutes": 60}}')
    later = json.loads(stage.observation().text)
    assert later["minute"] - first["minute"] == pytest.approx(60.0)
    assert (later["news"], stage.chart) == ([], before)
    for name, more in (
        ("claim_patient", {}),
        ("order_imaging", {"study": "XR_LIMB", "priority": "routine", "indication": "fracture?"}),
    ):
        stage.act(json.dumps({"name": name, "arguments": {"patient_id": pid, **more}}))
    told = json.loads(stage.observation().text)["news"]
    assert [item["kind"] for item in told] == ["report"]
    assert stage.chart.reports[-1].code == told[0]["code"] == "XR_LIMB"


@pytest.mark.parametrize("raw", ["", "no call", '{"name": "dance", "arguments": {}}', '{"name": "order_test", "arguments": {"patient_id": "P0001"}}'])
def test_what_is_no_call_is_answered(raw):
    stage = still_ward(SPRAIN)
    stage.act(raw)
    assert json.loads(stage.observation().text)["last_result"]["status"] in ("parse", "unknown_tool", "schema")


def test_it_tells_what_the_patient_would_tell_in_the_hospital():
    case = Case("pulmonary_embolism", 20_005)
    hospital = Hospital(scenario_of(case, ALONE), case.seed)
    patient = arrive(hospital, KEY)
    stage = still_ward(case)
    for name in ("claim_patient", "take_history"):
        stage.act(json.dumps({"name": name, "arguments": {"patient_id": stage.patient}}))
    told = json.loads(stage.observation().text)["last_result"]["result"]
    assert told["facts"] == patient.presentation.history
    assert stage.chart.vitals == patient.chart.vitals


# ---------------------------------------------------------------- the gap


@pytest.mark.parametrize("world", [STILL, ALONE])
def test_doing_nothing_earns_exactly_nothing(world):
    assert {play(Job(case, "idle", world)).score for case in (STEMI, SPRAIN)} == {0.0}


def test_without_a_clock_slowness_cannot_be_seen_and_with_one_it_can():
    chosen = [STEMI, SPRAIN, Case("migraine", 20_012), Case("hyperkalaemia", 20_004)]
    still = [[asdict(play(Job(case, policy, STILL))) | {"policy": ""} for case in chosen] for policy in ("guideline", "guideline_slow")]
    assert still[0] == still[1]
    quick, slow = ([play(Job(case, policy, ALONE)) for case in chosen] for policy in ("guideline", "guideline_slow"))
    assert sum(row.seen_after or 240.0 for row in quick) < sum(row.seen_after or 240.0 for row in slow)
    assert sum(row.loss or 0.0 for row in quick) < sum(row.loss or 0.0 for row in slow)


def test_the_same_job_gives_the_same_row():
    job = Job(STEMI, "guideline_noisy", ALONE)
    assert play(job) == play(job)


# ---------------------------------------------------------------- questions


def test_every_second_call_at_a_task_is_lost_and_doing_nothing_earns_nothing():
    tasks = load_suite("own").tasks[:4]
    halved = Halved(tasks[0])
    SCRIPTS["rote"](halved)
    assert [made.error == LOST for made in halved.calls] == [number % 2 == 1 for number in range(halved.turns)]
    assert set(PLAYERS) == set(POLICIES)
    assert task_scores("idle", tasks) == (0.0, 0.0)
    assert task_scores("guideline", tasks) == task_scores("guideline_slow", tasks)

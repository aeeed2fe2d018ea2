"""Habits: what they change in what the guideline team does, and a slice of the search over them (`checks/search.py`)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from statistics import fmean

import pytest

import clinsim
from clinsim.agents.habits import GOES, Habit, habits_of, with_habits
from clinsim.agents.scripted import ScriptedPolicy
from clinsim.metrics import outcome

SCENARIO, SEEDS = "first_hour", range(3)


def sent(*habits: Habit) -> list[list[tuple[str, dict]]]:
    """What the doctor sends with some habits, seed by seed."""
    return sent_by(ScriptedPolicy("habits", lambda seat: with_habits(seat, frozenset(habits))))


def sent_by(policy) -> list[list[tuple[str, dict]]]:
    """What the doctor of a team sends."""
    traces = [clinsim.run_episode(clinsim.raw_env(SCENARIO), policy, seed=seed, observations=False) for seed in SEEDS]
    return [[(line.call["name"], line.call["arguments"]) for line in trace.actions if line.agent == "doctor_1" and line.call] for trace in traces]


@pytest.fixture(scope="module")
def usual():
    return sent()


def both(kind: str, name: str) -> tuple[Habit, Habit]:
    return Habit("doctor", True, kind, name), Habit("doctor", False, kind, name)


def places(calls, name):
    """Where a tool stands among the others, waits left out; far behind if it is not called."""
    names = [called for called, _ in calls if called != "wait"]
    return names.index(name) if name in names else 99


def test_without_habits_it_is_the_guideline(usual):
    assert usual == sent_by("guideline")


def test_skipped_work_is_never_done_and_holds_nothing_up(usual):
    found = sent(*both("skip", "order_imaging"))
    assert any(name == "order_imaging" for calls in usual for name, _ in calls)
    assert all(name != "order_imaging" for calls in found for name, _ in calls)
    assert all({"examine_patient", "record_diagnosis"} <= {name for name, _ in calls} for calls in found)


@pytest.mark.parametrize(("kind", "name", "sign"), [("late", "order_imaging", 1), ("early", "order_imaging", -1), ("late", "get_chart", 1)])
def test_work_is_moved(usual, kind, name, sign):
    found = sent(*both(kind, name))
    moves = [places(after, name) - places(before, name) for before, after in zip(usual, found, strict=True)]
    assert all(move * sign >= 0 for move in moves)
    assert any(moves) or kind == "early"


def test_work_is_done_otherwise(usual):
    found = sent(*both("swap", "everything stat"))
    priorities = Counter(arguments["priority"] for calls in found for _, arguments in calls if "priority" in arguments)
    assert set(priorities) == {"stat"} != {arguments["priority"] for calls in usual for _, arguments in calls if "priority" in arguments}


@pytest.mark.parametrize("scenario", ["crowded_hour", "one_place"])
def test_a_doctor_who_goes_to_the_waiting_room_spares_those_who_wait(scenario):
    habits = frozenset(Habit("doctor", urgent, "place", GOES) for urgent in (True, False))
    policy = ScriptedPolicy("habits", lambda seat: with_habits(seat, habits))
    lost = {name: [outcome(clinsim.run_episode(clinsim.raw_env(scenario), team, seed=seed).entries)["utility_loss"] for seed in range(8)]
            for name, team in (("goes", policy), ("stays", "guideline"), ("idle", "idle"))}  # fmt: skip
    assert fmean(lost["goes"]) < fmean(lost["stays"]) - 0.1 < fmean(lost["idle"]) - 0.2
    assert lost["goes"] != lost["stays"]


def test_habits_are_those_that_seats_can_have():
    ward = clinsim.raw_env(SCENARIO)
    ward.reset(seed=0)
    found = habits_of(ward.seats())
    assert len(set(found)) == len(found)
    tools = {seat.role: {card.name for card in seat.tools} for seat in ward.seats()}
    assert all(habit.name in tools[habit.role] for habit in found if habit.kind in ("skip", "any", "early", "late"))
    assert {habit.kind for habit in found} == {"skip", "any", "early", "late", "order", "hurry", "place", "swap", "trick"}


def test_a_search_goes_on_where_it_was(root, tmp_path):
    command = [sys.executable, str(root / "checks" / "search.py"), "--scenario", SCENARIO, "--episodes", "8", "--seeds", "1", "--population", "4",
               "--finalists", "1", "--fresh", "2", "--out", str(tmp_path)]  # fmt: skip
    first = subprocess.run(command, capture_output=True, text=True, check=False)
    assert first.returncode in (0, 1), first.stderr
    store = tmp_path / f"search-{SCENARIO}.jsonl"
    lines = store.read_text().splitlines()
    assert len({json.dumps(json.loads(line), sort_keys=True) for line in lines}) == len(lines) >= 8
    store.write_text("\n".join(lines[:5]) + "\n")
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (again.stdout, again.returncode) == (first.stdout, first.returncode)
    assert sorted(store.read_text().splitlines()) == sorted(lines)

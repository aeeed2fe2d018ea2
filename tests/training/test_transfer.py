"""Training on static tasks: a slice of `checks/static_training.py`, kept where it was and gone on with to the same numbers."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import replace

import pytest

from clinsim.agents.decoding import Engine
from clinsim.errors import UsageError
from clinsim.training import transfer
from clinsim.training.experts import vocabulary_of
from clinsim.training.model import Shape
from clinsim.training.rollouts import Plan, play_block
from clinsim.training.run import METRICS
from clinsim.training.static_tasks import TEST, TRAIN, gold_turns, name_of, placed_at, recited, tasks_in
from clinsim.training.transfer import (
    ALL,
    FIRST_SHIFT,
    START,
    Study,
    attempted,
    courses_of,
    guessed,
    measured,
    more_tasks,
    of_model,
    reach,
    started,
    trained,
    unread,
)

DOMAINS = ("clinical_diagnosis", "radiology_report")


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    small = Shape(vocabulary=700, hidden=32, layers=1, heads=2, texts=300)
    return Study(
        tmp_path_factory.mktemp("study"),
        DOMAINS,
        episodes=4,
        shown_share=0.1,
        repeats=1,
        passes=1,
        steps=1,
        groups=1,
        group_size=2,
        attempts=1,
        live_seeds=(10_000, 10_001),
        shape=small,
    )


def test_every_model_is_measured_everywhere_and_once(study):
    assert study.models == (START, *DOMAINS, ALL)
    rows = [row for model in study.models[:2] for row in of_model((study, model))]
    assert [(row.model, row.place) for row in rows] == [(model, place) for model in study.models[:2] for place in (*DOMAINS, "first_hour")]
    assert [len(row.scores) for row in rows[:3]] == [len(tasks_in(domain, TEST)) for domain in DOMAINS] + [1]
    assert all(-0.5 <= score <= 1.0 for row in rows if row.place in DOMAINS for score in row.scores)
    kept = study.out / "rows" / f"{START}@{DOMAINS[0]}.json"
    kept.write_text("[0.25, 0.75]")
    assert measured(study, START, DOMAINS[0]).mean == 0.5
    kept.unlink()
    assert measured(study, START, DOMAINS[0]) == rows[0]


def test_training_goes_to_the_tasks_of_its_domain_and_goes_on(study):
    folder = trained(study, DOMAINS[1]).parent
    (row,) = [json.loads(line) for line in (folder / METRICS).read_text().splitlines() if "place" in line]
    assert row["place"] == "tasks:radiology_report"
    longer = replace(study, steps=2)
    assert trained(longer, DOMAINS[1]).parent == folder
    assert sum("place" in line for line in (folder / METRICS).read_text().splitlines()) == 2


def test_more_tasks_are_written_of_training_shifts_once_and_are_courses_of_their_own(study, tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "MOST_SHIFTS", 1)
    more_tasks(tmp_path, "triage_emergency", 3)
    (place,) = {f"{tmp_path}#triage_emergency"}
    tasks = tasks_in(place, TRAIN)
    assert 1 <= len(tasks) <= 3
    assert {placed.task.origin["seed"] for placed in tasks} == {FIRST_SHIFT}
    assert not {placed.task.id for placed in tasks} & {placed.task.id for placed in tasks_in("triage_emergency", TRAIN)}
    assert all(placed_at(name_of(placed)) is placed for placed in tasks)
    before = sorted(path.stat().st_mtime_ns for path in tmp_path.rglob("*.json*"))
    more_tasks(tmp_path, "triage_emergency", 3)
    assert sorted(path.stat().st_mtime_ns for path in tmp_path.rglob("*.json*")) == before
    wider = replace(study, domains=("triage_emergency",), more=tmp_path, mixed=True)
    assert wider.models == (START, "triage_emergency", "triage_emergency+first_hour")
    desk = {"triage_emergency": ("tasks:triage_emergency",), place: (f"tasks:{place}",)}
    assert courses_of(wider, "triage_emergency") == desk
    assert courses_of(wider, "triage_emergency+first_hour") == desk | {"first_hour": ("first_hour",)}
    (rollout,) = play_block(Engine.load(started(study)), [Plan(name_of(tasks[0]), 0, 0)], {})
    assert rollout.plan.scenario == name_of(tasks[0])


def test_one_answer_for_a_family_earns_what_its_commonest_answer_does():
    tasks = tasks_in("triage_emergency", TEST)
    family = [placed.task.gold[-1].arguments for placed in tasks if placed.task.template == "shift-where-to"]
    most = max(Counter((answer["esi_level"], answer["disposition"]) for answer in family).values())
    assert unread(tasks) == pytest.approx(most / len(tasks))


def test_a_guess_earns_the_mean_over_options_or_over_the_answers_of_a_family():
    assert guessed(tasks_in("medical_qa", TRAIN)) == [0.25] * len(tasks_in("medical_qa", TRAIN))
    tasks = [placed for placed in tasks_in("triage_emergency", TRAIN) if placed.task.template == "shift-danger-zone"]
    assert guessed(tasks) == [0.5] * len(tasks)  # two dispositions, each right for half of them
    assert unread(tasks) == 0.5


def test_another_split_is_kept_apart(study):
    other, both = replace(study, splits=(TRAIN,)), replace(study, splits=(TEST, TRAIN))
    row = measured(other, START, DOMAINS[1])
    assert len(row.scores) == len(tasks_in(DOMAINS[1], TRAIN))
    assert (study.out / "rows" / f"{START}@{DOMAINS[1]}.train.json").exists()
    assert measured(both, START, DOMAINS[1]).scores == measured(study, START, DOMAINS[1]).scores + row.scores
    assert attempted(both, DOMAINS[1]) == [*tasks_in(DOMAINS[1], TEST), *tasks_in(DOMAINS[1], TRAIN)]


def test_a_study_with_another_start_is_not_mixed_up(study, tmp_path):
    shutil.copytree(started(study), tmp_path / START)
    elsewhere = replace(study, out=tmp_path)
    trained(elsewhere, DOMAINS[0])
    with pytest.raises(UsageError, match="holds a run with seed 0, not 1"):
        trained(replace(elsewhere, seed=1), DOMAINS[0])


def test_what_words_cannot_say_is_out_of_reach(study):
    few = vocabulary_of(turn.call for turn in gold_turns(tasks_in(DOMAINS[0], TRAIN)[:1]))
    many = vocabulary_of((turn.call for turn in gold_turns(tasks_in(DOMAINS[0], TRAIN))), 300)
    tasks = tasks_in(DOMAINS[0], TRAIN)[:12]
    assert [recited(placed, many) for placed in tasks] == [1.0] * len(tasks)
    assert sum(recited(placed, few) for placed in tasks) < len(tasks) / 2
    assert 0.5 < reach(study, DOMAINS[0]) < 1.0

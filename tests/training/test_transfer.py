"""Training on static tasks: a slice of `checks/static_training.py`, kept where it was and gone on with to the same numbers."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest

from clinsim.errors import UsageError
from clinsim.training.experts import vocabulary_of
from clinsim.training.model import Shape
from clinsim.training.run import METRICS
from clinsim.training.static_tasks import TEST, TRAIN, gold_turns, recited, tasks_in
from clinsim.training.transfer import ALL, START, Study, measured, of_model, reach, started, trained

DOMAINS = ("clinical_diagnosis", "radiology_report")


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    small = Shape(vocabulary=700, hidden=32, layers=1, heads=2, texts=300)
    return Study(
        tmp_path_factory.mktemp("study"),
        DOMAINS,
        episodes=4,
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

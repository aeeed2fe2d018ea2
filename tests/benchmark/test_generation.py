"""Tasks from shifts: as many as asked for, each proven, of the right seeds, no two alike, and the same case is met when the shift is played."""

from collections import Counter
from dataclasses import replace

import pytest

from clinsim.benchmark.generation.charted import RECORD_OF
from clinsim.benchmark.generation.collect import FIRST_SEED, MOST_OF_A_TEMPLATE, TEMPLATES, Collected, chosen, generate, write
from clinsim.benchmark.generation.moments import moments_of
from clinsim.benchmark.generation.pictures import measured
from clinsim.benchmark.proof import check_suite, problems_of
from clinsim.benchmark.suite import load_suite, read_json
from clinsim.errors import UsageError
from clinsim.hospital.streams import Streams
from clinsim.hospital.viewing import view
from clinsim.rollout import raw_env, run_episode

N = 40


@pytest.fixture(scope="module")
def found():
    return generate(["ed_evening"], N)


@pytest.fixture(scope="module")
def stored():
    return [placed for placed in load_suite("own").tasks if placed.file == "tasks_shifts.jsonl"]


def test_as_many_as_asked_for(found):
    tasks = chosen(found, N)
    assert len(tasks) == N == len({task.raw["id"] for task in tasks})
    assert max(Counter(task.template.name for task in tasks).values()) <= MOST_OF_A_TEMPLATE * N


def test_what_is_written_is_a_suite_that_proves_itself(found, tmp_path):
    write(chosen(found, N), tmp_path)
    suite = load_suite(str(tmp_path))
    assert len(suite.tasks) == N
    assert check_suite(suite, suite.tasks, processes=1) == []


def test_an_alike_task_is_refused():
    once = Collected(9, 9)
    task = next(iter(generate(["single_patient"], 1).tasks.values()))[0]
    again = replace(task, raw=task.raw | {"patients": ["somebody-else"]})
    for each in (task, again):
        once.offer(each)
    assert (once.total(), once.duplicates) == (1, 1)


def test_too_many_is_said():
    with pytest.raises(UsageError, match="--n 900"):
        generate(["single_patient"], 900, shifts=1)


def test_stored_tasks_are_many_and_of_many_kinds(stored):
    own = load_suite("own").tasks
    assert len(own) >= 600
    assert max(Counter((placed.task.domain, placed.task.template) for placed in own).values()) <= MOST_OF_A_TEMPLATE * len(own)
    assert len({placed.task.template for placed in stored}) >= 20


def test_splits_are_inherited_from_seeds(stored):
    for placed in stored:
        first = FIRST_SEED[placed.split]
        assert first <= placed.task.origin["seed"] < first + 10_000
    assert {template.name: template.split for template in TEMPLATES} | {placed.task.template: placed.split for placed in stored} == {
        template.name: template.split for template in TEMPLATES
    }


def test_a_share_of_stored_tasks_proves_itself(stored):
    assert [problem for placed in stored[::12] for problem in problems_of(placed)] == []


def test_every_subject_is_on_record(stored):
    for domain in {placed.task.domain for placed in stored}:
        placed = [one for one in stored if one.task.domain == domain]
        collection, _ = RECORD_OF[domain]
        held = read_json(placed[0].folder / "shifts.json")[collection]
        assert {name for one in placed for name in one.task.subjects} == set(held)


def test_the_same_case_is_met_live(stored):
    placed = next(placed for placed in stored if placed.task.template == "shift-shock-index")
    origin = placed.task.origin
    record = next(moment for moment in moments_of(origin["scenario"], origin["seed"]) if moment.id == placed.task.subjects[0])
    _, make = RECORD_OF[placed.task.domain]
    assert make(record) == read_json(placed.folder / "shifts.json")["records"][record.id]
    ward = raw_env(origin["scenario"])
    met = []
    run_episode(ward, origin["team"], seed=origin["seed"], observations=False, watch=lambda env: met.append(env.episode.hospital.now))
    chart = ward.episode.hospital.charts[origin["patient"]]
    by_then = [row for row in chart.vitals if row.minute <= origin["minute"]]
    assert by_then == record.chart.vitals
    assert min(met) <= origin["minute"] <= max(met)


def test_images_are_those_of_the_shift(stored):
    origin = next(placed for placed in stored if placed.task.template == "shift-which-finding").task.origin
    for moment in moments_of(origin["scenario"], origin["seed"]):
        if moment.study is not None:
            for row in measured(moment):
                assert view(moment.study, row.region, row.window, Streams(moment.seed))[row.measure] == row.value

"""The curriculum: what is weak is wanted, courses go up and down, and a run follows it and goes on where it was."""

from __future__ import annotations

from collections import Counter

import pytest

from clinsim.errors import UsageError
from clinsim.referee import TRAINING_SEEDS
from clinsim.training.curriculum import Progress, Rule, Step, check, chosen, moved, scale_of, starts_at, weights
from clinsim.training.recipes import run_grpo
from clinsim.training.run import RunFolder, write_model
from clinsim.training.settings import GrpoSettings
from clinsim.training.static_tasks import TRAIN, placed_at

COURSES = {"a": ("a0", "a1", "a2"), "b": ("b0",)}
RULE = Rule(promote=0.8, demote=0.2, least=2, recent=3)


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ({}, {"a": 1.0, "b": 1.0}),
        ({"a0": (0.7, 3), "b0": (0.4, 2)}, {"a": 0.3, "b": 0.6}),
        ({"a0": (1.3, 3), "b0": (-2.0, 2)}, {"a": 0.1, "b": 1.0}),
    ],
)
def test_what_falls_short_is_wanted(matrix, expected):
    assert weights(COURSES, Progress(matrix=matrix), RULE) == pytest.approx(expected)


def test_steps_go_to_the_weak_and_now_and_then_back():
    progress = Progress(level={"a": 2}, matrix={"a2": (0.1, 4), "b0": (0.7, 4)})
    steps = Counter(chosen(COURSES, progress, RULE, 5, step) for step in range(2000))
    share = {place: sum(n for step, n in steps.items() if step.place == place) / 2000 for place in ("a0", "a1", "a2", "b0")}
    assert share["b0"] == pytest.approx(0.25, abs=0.04)
    assert share["a0"] + share["a1"] == pytest.approx(0.75 * RULE.review, abs=0.03)
    assert chosen(COURSES, progress, RULE, 5, 7) == chosen(COURSES, progress, RULE, 5, 7)


@pytest.mark.parametrize(
    ("level", "scores", "changes"),
    [
        (0, [0.9], [0]),
        (0, [0.9, 0.9], [0, 1]),
        (0, [0.1, 0.1, 0.1], [0, 0, 0]),
        (1, [0.1, 0.1], [0, -1]),
        (1, [0.5, 0.5, 0.5], [0, 0, 0]),
        (2, [0.9, 0.9, 0.9], [0, 0, 0]),
        (1, [0.0, 0.5, 1.0, 1.0], [0, 0, 0, 1]),
    ],
)
def test_courses_go_up_when_it_goes_well_and_down_when_it_does_not(level, scores, changes):
    progress = Progress(level={"a": level})
    assert [moved(COURSES, progress, RULE, Step("a", COURSES["a"][level]), score) for score in scores] == changes
    assert progress.level["a"] == level + sum(changes)
    assert Progress.of(progress.as_data()) == progress
    if any(changes):
        assert progress.scores["a"] == []


def test_a_review_is_booked_and_moves_nothing():
    progress = Progress(level={"a": 1}, scores={"a": [0.5]})
    assert moved(COURSES, progress, RULE, Step("a", "a0"), 0.0) == 0
    assert progress.matrix == {"a0": (0.0, 1)}
    assert (progress.level, progress.scores) == ({"a": 1}, {"a": [0.5]})


def test_starts_stay_in_the_training_split_and_do_not_repeat():
    seeds = [seed for step in range(20) for _, seed in starts_at("first_hour", 1, step, 4)]
    assert len(set(seeds)) == len(seeds)
    assert all(seed < TRAINING_SEEDS for seed in seeds)
    names = [name for step in range(4) for name, _ in starts_at("tasks:radiology_report", 1, step, 4)]
    assert len(set(names)) == len(names)
    assert {placed_at(name).split for name in names} == {TRAIN}
    assert {placed_at(name).task.difficulty for name, _ in starts_at("tasks:triage_emergency:hard", 1, 0, 8)} == {"hard"}


@pytest.mark.parametrize(("places", "words"), [((), "has no place"), (("nowhere",), "nowhere"), (("tasks:surgery",), "surgery"),
                                              (("tasks:medical_qa:mild",), "'mild'")])  # fmt: skip
def test_places_that_do_not_exist_are_named(places, words):
    with pytest.raises(UsageError, match=words):
        check({"course": places})


def test_a_run_follows_its_courses_and_remembers_them(engine, tmp_path):
    write_model(engine, tmp_path / "start")
    settings = GrpoSettings(
        start=str(tmp_path / "start"), steps=2, groups=1, group_size=2, evaluate_every=2, evaluation_seeds=(10_000, 10_001), threads=1,
        courses={"ward": ("first_hour",), "reports": ("tasks:radiology_report",)},
    )  # fmt: skip
    run_grpo(settings, tmp_path / "run", False, lambda row: None)
    rows = [row for row in RunFolder(tmp_path / "run").rows() if "place" in row]
    assert len(rows) == 2
    assert set(rows[-1]["matrix"]) == {row["place"] for row in rows}
    assert scale_of("tasks:radiology_report") == (0.0, 1.0)
    low, high = scale_of("first_hour")
    assert low < high

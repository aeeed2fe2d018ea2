"""A slice of `checks/ablations.py`: arms differ in what they say, a study goes on where it stopped, and the table says what was played."""

from __future__ import annotations

import json
import runpy
from statistics import fmean

import pytest

from clinsim.agents.cast import Cast
from clinsim.training import ablations
from clinsim.training.ablations import ARMS, BASE, TEAM, Job, key_of, learning, lessons, row_of, started, trained
from clinsim.training.evaluate import policy_values
from clinsim.training.kept import collected

CHECK = "checks/ablations.py"


@pytest.fixture
def small(monkeypatch):
    for name, value in (("groups", 1), ("group_size", 2), ("evaluation_seeds", (10_000, 10_001))):
        monkeypatch.setitem(ablations.SHAPE, name, value)


def job(arm, folder="", seed=0, start="start"):
    return Job(arm, seed, start, 1, 2, str(folder))


def test_arms_differ_from_the_base_in_what_they_name_and_in_nothing_else():
    base = learning(job(BASE), ablations.Path("x")).model_dump()
    for name, arm in ARMS.items():
        own = learning(job(name), ablations.Path("x")).model_dump()
        assert {key for key in own if own[key] != base[key]} - {"evaluate_every", "steps"} == set(arm.changes), name
    assert learning(job(BASE, seed=2), ablations.Path("x")).seed == 2
    assert lessons(job(BASE), ablations.Path("x")) is None
    assert lessons(job("no grammar"), ablations.Path("x")).grammar is False


def test_rows_hold_for_arm_seed_and_start(tmp_path):
    Cast.load(started(job(BASE))).save(tmp_path)
    (tmp_path / "note").write_text("another")
    keys = {key_of(job(arm, seed=seed)) for arm in ARMS for seed in range(2)} | {key_of(job(BASE, start=str(tmp_path)))}
    assert len(keys) == 2 * len(ARMS) + 1


def test_fresh_weights_are_drawn_by_the_training_seed(tmp_path):
    first, again, other = (
        Cast.load(started(job("no lessons", tmp_path / name, seed))).engines["."].model.lm_head.weight
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert bool((first == again).all())
    assert not bool((first == other).all())


def test_an_arm_is_trained_on_from_where_it_was_cut_off(small, tmp_path):
    cast, seconds = trained(job("a model per role", tmp_path))
    assert len({voice.base for voice in cast.voices.values()}) == 3
    assert seconds > 0
    again, same = trained(job("a model per role", tmp_path))
    assert same == seconds
    assert again.voices == cast.voices


def test_a_study_goes_on_where_it_stopped_and_makes_its_table(small, tmp_path):
    jobs = [job(arm, tmp_path / f"{arm}{seed}", seed) for seed in range(2) for arm in (BASE, TEAM)]
    keys = [key_of(one) for one in jobs]
    store = tmp_path / "rows.jsonl"
    collected(jobs[:1], keys[:1], row_of, store, 1)
    first = store.read_text()
    store.write_text(first + '{"key": "half a li')
    rows = collected(jobs, keys, row_of, store, 1)
    assert store.read_text().startswith(first)
    assert [json.loads(line)["key"] for line in store.read_text().splitlines()] == keys
    assert not any((tmp_path / f"{arm}0").exists() for arm in (BASE, TEAM))
    check = runpy.run_path(CHECK)
    measured = check["Measured"].of(rows, 2)
    nothing, best = (fmean(policy_values(spec, "first_hour", range(22_000, 22_002))["return"]) for spec in ("idle", "guideline"))
    assert measured.shares(BASE)[1, 0] == pytest.approx((rows[2]["values"]["return"][0] - nothing) / (best - nothing))
    assert len(measured.strata) == 2
    text = check["page"](measured, "python")
    assert "2 training seeds, 2 test seeds" in text
    assert text.count(f"| {TEAM} |") == 1

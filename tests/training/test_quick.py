"""The recipe `quick` in small, what it claims, and the models that come with the package."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch

import clinsim
from clinsim.agents.decoding import Engine
from clinsim.agents.local import SHIPPED, cast_of, model_in, shipped
from clinsim.errors import UsageError
from clinsim.intervals import of_pairs
from clinsim.training.evaluate import model_values
from clinsim.training.model import Shape, fresh_engine, halve, parameters, sharpen
from clinsim.training.quick import RESULT, curve, is_shown, judged, learnt_by, taught_by
from clinsim.training.recipes import RECIPES, rehearsed, run_quick, summary
from clinsim.training.run import METRICS, RunFolder
from clinsim.training.settings import QuickSettings
from clinsim.training.sft import lesson_seeds

SMALL = QuickSettings(
    lessons=2, more_lessons={"radiologist": 1}, lesson_passes=1, steps=2, groups=1, group_size=2,
    evaluate_every=1, evaluation_seeds=(10_000, 10_002), test_seeds=(20_000, 20_003),
    processes=1, threads=1,
)  # fmt: skip


def test_all_parts_are_played_and_a_cut_off_run_goes_on(tmp_path):
    out = tmp_path / "run"

    def cut(row: dict) -> None:
        if row.get("part") == "taught":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_quick(SMALL, out, False, cut)
    assert (out / "taught" / "best").is_dir()
    run_quick(SMALL, out, True, lambda row: None)
    found = json.loads((out / RESULT).read_text())
    assert found["n"] == 3
    assert set(found["figures"]) == {"return", "doctor_1", "pharmacist_1", "radiologist_1"}
    assert [row["step"] for row in curve(out)] == [-1, -1, 0, 1]
    assert summary(out)["share"] == found["figures"]["return"]["share"]
    with pytest.raises(UsageError, match="steps: 1 is less than the 2"):
        run_quick(SMALL.model_copy(update={"steps": 1}), out, True, lambda row: None)
    with pytest.raises(UsageError, match="was tested after 2, once for all"):
        run_quick(SMALL.model_copy(update={"steps": 3}), out, True, lambda row: None)


def test_lessons_whose_row_was_not_written_any_more_are_taught_again(tmp_path):
    out = tmp_path / "run"
    run_quick(SMALL, out, False, lambda row: None)
    rows = (out / METRICS).read_bytes().splitlines(keepends=True)
    (out / METRICS).write_bytes(rows[0] + rows[1][:9])
    run_quick(SMALL, out, True, lambda row: None)
    assert [row["part"] for row in RunFolder(out).rows()] == ["start", "taught"]


def test_the_claim_is_judged_by_pairs():
    rows = {"return": [0.0, 0.0, 0.0, 0.0], "doctor_1": [0.0, 0.0, 0.0, 0.0], "utility_loss": [1.0] * 4}
    better = {"return": [1.7, 0.9, 1.6, 1.0], "doctor_1": [0.9, -0.9, 0.5, 0.1], "utility_loss": [0.5] * 4}
    expert = {"return": [2.0, 1.0, 2.0, 1.0], "doctor_1": [1.0, 1.0, 1.0, 1.0], "utility_loss": [0.4] * 4}
    found = judged({"start": rows, "taught": rows, "learnt": better, "idle": rows, "guideline": expert}, "guideline")
    assert found["figures"]["return"]["share"]["mean"] == pytest.approx(5.2 / 6.0)
    assert is_shown(found) == ["doctor_1: not better than its start"]
    assert is_shown(found, share=0.9)[0] == "share of the way 0.87, not 0.9"
    assert is_shown(found, bound="mean") == []


def test_what_is_taught_and_what_is_learnt_from_stays_apart_from_what_is_looked_at():
    drawn = [lesson_seeds(taught_by(QuickSettings(seed=seed)), 3500) for seed in range(3)]
    assert all(len(set(seeds)) == 3500 and min(seeds) >= 0 and max(seeds) < 10_000 for seeds in drawn)
    assert drawn[0] != drawn[1] != drawn[2]
    for seed in range(3):
        settings = QuickSettings(seed=seed)
        assert learnt_by(settings, Path("x")).evaluation_seeds[0] >= 10_000
        assert settings.test_seeds[0] >= 20_000


def test_what_quick_learnt_earns_more_than_its_start():
    seeds = range(20_000, 20_024)
    earned = {name: model_values(cast_of(model_in(Path(name))), "first_hour", seeds)["return"] for name in ("start", "quick")}
    assert of_pairs(earned["quick"], earned["start"]).low > 0.5


def test_shipped_models_play_by_their_names():
    assert {"quick", "start"} <= set(shipped())
    assert model_in(Path("start")) == SHIPPED / "start"
    trace = clinsim.run_episode(clinsim.raw_env("first_hour"), "local:start", seed=3)
    assert any(action.token_ids for action in trace.actions)
    with pytest.raises(UsageError, match=r"neither a model nor a run with one; shipped are .*start"):
        model_in(Path("nowhere"))


def test_shipped_models_are_small():
    for name in shipped():
        assert sum(path.stat().st_size for path in (SHIPPED / name).iterdir()) < 3_000_000
        assert parameters(cast_of(model_in(Path(name))).engines["."]) < 1_500_000


def test_the_wheel_plays_a_shipped_model(root, tmp_path):
    command = [sys.executable, str(root / ".ci" / "tracked.py"), str(tmp_path)]
    wheel = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    program = (
        "import clinsim; print(clinsim.__file__); t = clinsim.run_episode(clinsim.raw_env('first_hour'), 'local:start', seed=1); print(t.n_actions)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env={"PYTHONPATH": str(tmp_path / "installed")}, capture_output=True, text=True, check=True
    )
    where, actions = ran.stdout.split()
    assert Path(where).is_relative_to(tmp_path)
    assert int(actions) > 0


def test_surer_and_in_half(shown, seats, tmp_path):
    engine = fresh_engine(shown, seats, Shape(vocabulary=700, hidden=32, layers=1, heads=1))
    tokens = torch.tensor([engine.encode("doctor\nminute 0 start\n")])
    before = engine.model(tokens).logits.detach()
    sharpen(engine, 0.5)
    assert torch.allclose(engine.model(tokens).logits, 2.0 * before, atol=1e-4)
    halve(engine)
    engine.save(tmp_path)
    assert torch.allclose(Engine.load(tmp_path).model(tokens).logits, 2.0 * before, atol=0.02)


def test_a_rehearsal_keeps_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert rehearsed(RECIPES["quick"], QuickSettings(threads=1))["rows"] > 2
    assert list(tmp_path.iterdir()) == []

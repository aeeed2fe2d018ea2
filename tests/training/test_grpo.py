"""GRPO from start to checkpoint: who is compared with whom, that it learns, and that a killed run goes on to the same numbers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from clinsim.agents.cast import Cast
from clinsim.agents.decoding import Engine
from clinsim.errors import UsageError
from clinsim.referee import TRAINING_SEEDS
from clinsim.training import grpo
from clinsim.training.grpo import Memory, earned_by, plans, played, scored, starts, trained, update
from clinsim.training.learners import learners_of
from clinsim.training.recipes import RECIPES, evaluated, recipe_of, rehearsed, run_grpo, run_recipe, settings_of, summary
from clinsim.training.run import METRICS, RunFolder, write_model
from clinsim.training.settings import GrpoSettings
from clinsim.training.watch import warnings

SMALL = GrpoSettings(start="", steps=3, groups=1, group_size=2, evaluate_every=2, evaluation_seeds=(10_000, 10_001), threads=1)


def timeless(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if not name.endswith("_seconds")}


def without_times(folder: Path) -> list[dict]:
    return [timeless(row) for row in RunFolder(folder).rows()]


@pytest.fixture
def start(engine: Engine, tmp_path: Path) -> Path:
    write_model(engine, tmp_path / "start")
    return tmp_path / "start"


def test_starts_do_not_repeat_and_stay_in_the_training_split():
    settings = GrpoSettings(start="", groups=4, seed=3)
    seen = [seed for step in range(50) for seed in starts(settings, step)]
    assert len(set(seen)) == len(seen)
    assert all(0 <= seed < TRAINING_SEEDS for seed in seen)
    assert starts(settings, 7) == starts(settings, 7) != starts(GrpoSettings(start="", groups=4, seed=4), 7)


def test_a_role_is_compared_with_itself_from_the_same_start(engine):
    settings = SMALL.model_copy(update={"groups": 2})
    rollouts = played(engine, settings, 0)
    assert [rollout.plan for rollout in rollouts] == plans(settings, 0)
    groups = {row.group for row in earned_by(rollouts, settings)}
    assert {(group.seed, group.role) for group in groups} <= {
        (plan.seed, role) for plan in plans(settings, 0) for role in ("doctor", "pharmacist", "radiologist")
    }
    step_of = scored(rollouts, settings, Memory().baselines)
    of = {(sample.episode, sample.agent): value for sample, value in zip(step_of.samples, step_of.values, strict=True)}
    for (episode, agent), value in of.items():
        seed = rollouts[episode].plan.seed
        better = [row.reward for row in earned_by(rollouts, settings) if row.agent == agent and rollouts[row.episode].plan.seed == seed]
        assert (value > 0) == (rollouts[episode].rewards[agent] > sum(better) / len(better))


def test_good_turns_become_likelier(engine):
    settings = SMALL.model_copy(update={"group_size": 6, "learning_rate": 1e-3, "warm_up": 0, "updates": 1, "entropy": 0.0})
    learners = learners_of(Cast.shared(engine), settings)
    step_of = scored(played(engine, settings, 0), settings, Memory().baselines)
    assert step_of.samples
    losses = [update(learners, step_of, settings, 0)["policy"] for _ in range(4)]
    assert losses[-1] < losses[0]


def test_two_processes_play_what_one_plays(engine):
    one = played(engine, SMALL.model_copy(update={"block": 1}), 0)
    two = played(engine, SMALL.model_copy(update={"block": 1, "processes": 2}), 0)
    assert [rollout.rewards for rollout in one] == [rollout.rewards for rollout in two]
    assert [[said.written.logps for said in rollout.said] for rollout in one] == [[said.written.logps for said in rollout.said] for rollout in two]


def test_a_run_leaves_metrics_models_and_a_curve(start, tmp_path):
    run_recipe(RECIPES["grpo"], SMALL.model_copy(update={"start": str(start)}), tmp_path / "run", False, lambda row: None)
    report = summary(tmp_path / "run")
    assert report["steps"] == 3
    assert (tmp_path / "run" / "curve.png").stat().st_size > 1000
    assert [("evaluation" in row) for row in RunFolder(tmp_path / "run").rows()] == [True, False, True, True]
    found = evaluated(str(tmp_path / "run"), "first_hour", range(10_000, 10_001))
    assert found["return"]["values"] == pytest.approx([report["best"]["mean"]], abs=1e-9)


def test_a_killed_run_goes_on_to_the_same_numbers(start, tmp_path):
    settings = SMALL.model_copy(update={"start": str(start), "steps": 3})
    run_grpo(settings, tmp_path / "straight", False, lambda row: None)
    arguments = ["train", "grpo", f"start={start}", "steps=3", "groups=1", "group_size=2", "evaluate_every=2",
                 "evaluation_seeds=[10000, 10001]", "threads=1", "--out", str(tmp_path / "killed")]  # fmt: skip
    command = [sys.executable, "-m", "clinsim", *arguments]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    metrics = tmp_path / "killed" / METRICS
    until(lambda: metrics.exists() and metrics.read_bytes().count(b"\n") >= 2)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    subprocess.run([*command, "--resume"], check=True, capture_output=True)
    assert without_times(tmp_path / "killed") == without_times(tmp_path / "straight")
    ours, theirs = (Engine.load(tmp_path / name / "latest").model for name in ("killed", "straight"))
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))


def until(holds, attempts: int = 2400) -> None:
    for _ in range(attempts):
        if holds():
            return
        subprocess.run(["sleep", "0.05"], check=True)
    raise AssertionError("it never came to that")


def test_a_checkpoint_that_was_being_moved_is_found(engine, tmp_path):
    folder = RunFolder.opened(tmp_path / "run", {}, resume=False)
    optimiser = torch.optim.AdamW(engine.model.parameters())
    folder.save(engine, optimiser, Memory().as_data())
    (folder.path / "latest").rename(folder.path / "latest.old")
    assert RunFolder(folder.path).model_folder().exists()
    assert Memory.of(folder.restored(optimiser)) == Memory()


def test_mistakes_are_named(start, tmp_path):
    with pytest.raises(UsageError, match="unknown recipe 'fast'; there are grpo, sft, quick, served, chat_sft, selfplay, merge"):
        recipe_of("fast")
    for given, message in [
        (["start=x", "stepz=1"], "there are scenario"),
        (["start=x", "steps=0"], "steps: input should be greater"),
        (["steps"], "key=value"),
        ([], "setting start: field required"),
        (["start=x", "grouping=turn", "advantage=rae"], "^settings: grouping turn"),
        (["start=x", "frozen=["], r"setting frozen: '\[' cannot be read"),
        (["start=x", "threads=100000"], "threads: input should be less"),
        (["start=x", "evaluation_seeds=[20000,20002]"], r"evaluation_seeds: give two seeds .* from 10000 up to 20000"),
        (["start=x", "evaluation_seeds=[10003,10002]"], "evaluation_seeds: give two seeds"),
        (["start=x", "partners={nurse: idle}"], "unknown seat 'nurse'"),
        (["start=x", "partners={doctor: nobody}"], "unknown policy 'nobody'"),
        (["start=x", "credit=counterfactual", "credit_baseline=nobody"], "unknown policy 'nobody'"),
    ]:
        with pytest.raises(UsageError, match=message):
            settings_of(RECIPES["grpo"], None, given)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("x")
    with pytest.raises(UsageError, match="not empty"):
        run_grpo(SMALL.model_copy(update={"start": str(start)}), tmp_path / "full", False, lambda row: None)
    with pytest.raises(UsageError, match=r"test_seeds: give two seeds .* from 20000 on"):
        settings_of(RECIPES["quick"], None, ["test_seeds=[10000, 10300]"])
    run = RunFolder.opened(tmp_path / "run", {"seed": 3}, resume=False)
    run.add({"step": -1})
    with pytest.raises(UsageError, match="holds a run with seed 3, not 4"):
        RunFolder.opened(run.path, {"seed": 4}, resume=True)
    with pytest.raises(UsageError, match="neither a model"):
        run_grpo(SMALL.model_copy(update={"start": str(tmp_path)}), tmp_path / "other", False, lambda row: None)


def test_a_rehearsal_keeps_nothing(start, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    report = rehearsed(RECIPES["grpo"], SMALL.model_copy(update={"start": str(start)}))
    assert report["rows"] == 2
    assert sorted(tmp_path.rglob("*")) == before


def test_collapses_are_noticed():
    well = {"tokens_per_turn": 3.0, "turns_per_episode": 20.0, "refused_share": 0.05, "entropy": 0.5, "flat_share": 0.1}
    assert warnings([well] * 10) == []
    for figure, value, words in [("turns_per_episode", 4.0, "stop acting"), ("tokens_per_turn", 9.0, "grow"), ("refused_share", 0.6, "refused"),
                                 ("entropy", 0.001, "tried"), ("flat_share", 0.95, "same")]:  # fmt: skip
        (warning,) = warnings([*[well] * 5, *[{**well, figure: value}] * 3])
        assert words in warning
    flat = {figure: value for figure, value in well.items() if figure != "entropy"} | {"flat_share": 1.0}  # a step that taught nothing
    assert warnings([*[well] * 5, *[flat] * 2]) == []
    (warning,) = warnings([*[well] * 5, *[flat] * 3])
    assert "same" in warning


def test_what_is_remembered_survives_json():
    memory = Memory(3, 5, 1.5, 2, 1)
    memory.baselines.surprise("first_hour", "doctor", 2.0)
    assert Memory.of(json.loads(json.dumps(memory.as_data()))) == memory
    assert Memory.of(json.loads(json.dumps(Memory().as_data()))) == Memory()


def test_a_gradient_that_is_no_number_is_an_error(engine):
    settings = SMALL.model_copy(update={"group_size": 6})
    step_of = scored(played(engine, settings, 0), settings, Memory().baselines)
    step_of.values[:] = [float("nan")] * len(step_of.values)
    with pytest.raises(FloatingPointError, match="learning_rate"):
        update(learners_of(Cast.shared(engine), settings), step_of, settings, 0)


def test_training_is_repeated_to_the_last_bit(start):
    rows = []
    for _ in range(2):
        settings = SMALL.model_copy(update={"steps": 2})
        learners = learners_of(Cast.load(start), settings)
        rows.append([timeless(row) for row in trained(learners, settings, grpo.Memory())])
    assert rows[0] == rows[1]

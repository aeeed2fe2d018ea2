"""Metrics on boards, and the learning curve that every run leaves."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from clinsim.agents.decoding import Engine
from clinsim.errors import UsageError
from clinsim.training.boards import BOARDS, figures_of, shown_on
from clinsim.training.curve import CURVE
from clinsim.training.recipes import RECIPES, run_recipe, settings_of
from clinsim.training.run import RunFolder, write_model
from clinsim.training.settings import GrpoSettings

SMALL = GrpoSettings(start="", steps=1, groups=1, group_size=2, evaluate_every=1, evaluation_seeds=(10_000, 10_002), threads=1)
PNG = b"\x89PNG"


@pytest.fixture
def start(engine: Engine, tmp_path: Path) -> str:
    write_model(engine, tmp_path / "start")
    return str(tmp_path / "start")


def test_figures_are_the_numbers_of_a_row():
    row = {"step": 3, "return": 1, "warnings": ["x"], "evaluation": {"return": {"mean": 0.5, "low": None}}, "place": "surge"}
    assert figures_of(row) == {"return": 1.0, "evaluation/return/mean": 0.5}


@pytest.mark.parametrize("log", BOARDS)
def test_a_board_that_is_not_installed_is_told_before_anything_is_played(log):
    if find_spec(log):
        pytest.skip(f"{log} is installed")
    with pytest.raises(UsageError, match=rf"log: {log} needs the extra `{log}`: pip install clinsim\[{log}\]"):
        settings_of(RECIPES["grpo"], None, ["start=x", f"log={log}"])
    with pytest.raises(UsageError, match=f"needs the extra `{log}`"), shown_on(log, Path(), print):
        pass


@pytest.mark.skipif(not find_spec("tensorboard"), reason="TensorBoard is not installed (extra `tensorboard`)")
def test_tensorboard_shows_what_the_metrics_say(start, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    told: list[int] = []
    for steps, resume in ((1, False), (2, True)):
        run_recipe(RECIPES["grpo"], SMALL.model_copy(update={"start": start, "log": "tensorboard", "steps": steps}),
                   tmp_path / "run", resume, lambda row: told.append(row["step"]))  # fmt: skip
    assert told == [-1, 0, 1]
    shown = EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()
    rows = RunFolder(tmp_path / "run").rows()
    for name, values in (
        ("return", [row["return"] for row in rows[1:]]),
        ("evaluation/return/mean", [r["evaluation"]["return"]["mean"] for r in rows]),
    ):
        events = shown.Scalars(name)
        assert [event.value for event in events] == pytest.approx(values)
        assert [event.step for event in events] == list(range(3 - len(values), 3))


@pytest.mark.skipif(not find_spec("wandb"), reason="Weights & Biases is not installed (extra `wandb`)")
def test_wandb_goes_on_with_the_same_run(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    for steps in ((0, 1), (2,)):
        with shown_on("wandb", tmp_path, lambda row: None) as tell:
            for step in steps:
                tell({"step": step, "return": 1.0})
    name = (tmp_path / "wandb.id").read_text()
    assert len(list((tmp_path / "wandb").glob(f"offline-run-*-{name}"))) == 2


def test_a_run_that_is_stopped_leaves_the_curve_as_far_as_it_came(start, tmp_path):
    def stop(row: dict) -> None:
        if row["step"] == 0:
            raise KeyboardInterrupt

    left: list[Path] = []
    with pytest.raises(KeyboardInterrupt):
        run_recipe(RECIPES["grpo"], SMALL.model_copy(update={"start": start, "steps": 3}), tmp_path / "run", False, stop, left.append)
    assert left == [tmp_path / "run" / CURVE]
    assert left[0].read_bytes().startswith(PNG)
    assert not list((tmp_path / "run").glob("*.part"))
    left[0].unlink()
    with pytest.raises(UsageError, match="not empty"):
        run_recipe(RECIPES["grpo"], SMALL.model_copy(update={"start": "elsewhere"}), tmp_path / "run", False, stop, left.append)
    assert not left[0].exists()

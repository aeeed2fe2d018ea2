"""The folder of a run: whole or not there, one run at a time, and what is spoilt in it is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from clinsim.agents.decoding import Engine
from clinsim.agents.local import model_in
from clinsim.cli import code_of
from clinsim.errors import UsageError
from clinsim.training.recipes import RECIPES, run_grpo, run_recipe, summary
from clinsim.training.run import MEMORY, METRICS, RunFolder, alone_in, stops_told, write_model
from clinsim.training.settings import GrpoSettings, SftSettings

SMALL = GrpoSettings(start="", steps=1, groups=1, group_size=2, evaluate_every=1, evaluation_seeds=(10_000, 10_001), threads=1)


@pytest.fixture
def start(engine: Engine, tmp_path: Path) -> Path:
    write_model(engine, tmp_path / "start")
    return tmp_path / "start"


@pytest.mark.parametrize("left", [b"", b'{"step": -1, "evalu', b'{"step": -1}\n'], ids=["nothing", "half a row", "a row"])
def test_a_run_that_was_ended_before_its_first_checkpoint_begins_anew(start, tmp_path, left):
    """Nothing of what it had written stays, or metrics would have a row more than the checkpoints know of."""
    settings, out = SMALL.model_copy(update={"start": str(start)}), tmp_path / "run"
    RunFolder.opened(out, settings.model_dump(mode="json"), resume=False)
    (out / METRICS).write_bytes(left)
    run_recipe(RECIPES["grpo"], settings, out, True, lambda row: None)
    assert [row["step"] for row in RunFolder(out).rows()] == [-1, 0]
    run_recipe(RECIPES["grpo"], settings.model_copy(update={"steps": 2}), out, True, lambda row: None)
    assert [row["step"] for row in RunFolder(out).rows()] == [-1, 0, 1]


def test_a_folder_in_which_nothing_began_may_be_given_again(start, tmp_path):
    for attempt in ("nowhere", str(start)):
        settings = SMALL.model_copy(update={"start": attempt})
        with nullcontext() if attempt == str(start) else pytest.raises(UsageError, match="neither a model nor a run"):
            run_recipe(RECIPES["grpo"], settings, tmp_path / "run", False, lambda row: None)
    assert summary(tmp_path / "run")["steps"] == 1


def test_models_that_were_being_moved_are_put_back(engine, tmp_path):
    folder = RunFolder.opened(tmp_path / "run", {}, resume=False)
    folder.keep_best(engine)
    (folder.path / "best").rename(folder.path / "best.old")
    assert model_in(folder.path) == folder.path / "best.old"
    folder.put_back()
    assert model_in(folder.path) == folder.path / "best"


def test_what_a_run_left_half_done_when_it_was_ended_is_cleared_away(start, tmp_path):
    settings, out = SMALL.model_copy(update={"start": str(start)}), tmp_path / "run"
    run_recipe(RECIPES["grpo"], settings, out, False, lambda row: None)
    whole = sorted(out.rglob("*"))
    for left in ("latest.old", "latest.part", "best.old", "best.part"):
        shutil.copytree(out / "best", out / left)
    (out / "curve.png.77.part").write_bytes(b"")
    run_recipe(RECIPES["grpo"], settings, out, True, lambda row: None)
    assert sorted(out.rglob("*")) == whole


def test_a_run_that_lost_patience_has_ended(start, tmp_path):
    """One that is killed behind its last checkpoint must not take more steps than one that was not."""
    settings, out = SMALL.model_copy(update={"start": str(start), "steps": 3, "patience": 1}), tmp_path / "run"
    folder = RunFolder.opened(out, settings.model_dump(mode="json"), resume=False)
    run_grpo(settings.model_copy(update={"steps": 1, "patience": 0}), tmp_path / "first", False, lambda row: None)
    shutil.copytree(tmp_path / "first" / "latest", out / "latest")
    shutil.copy(tmp_path / "first" / METRICS, out / METRICS)
    memory = json.loads((out / "latest" / MEMORY).read_text())
    (out / "latest" / MEMORY).write_text(json.dumps(memory | {"since_best": 1}))
    run_grpo(settings, out, True, lambda row: None)
    assert [row["step"] for row in folder.rows()] == [-1, 0]
    run_grpo(settings.model_copy(update={"patience": 0}), out, True, lambda row: None)
    assert [row["step"] for row in folder.rows()] == [-1, 0, 1, 2]


def test_a_run_may_be_gone_on_with_to_its_end_and_beyond_not_to_less(start, tmp_path, capsys):
    out = tmp_path / "run"
    given = ["train", "grpo", f"start={start}", "groups=1", "group_size=2", "evaluation_seeds=[10000, 10001]", "threads=1", "--out", str(out)]
    assert code_of([*given, "steps=2"]) == 0
    before = (out / "settings.json").read_bytes()
    assert code_of([*given, "steps=1", "--resume"]) == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith(f"steps: 1 is less than the 2 that the run in {out} has done already; give 2 or more")
    assert (out / "settings.json").read_bytes() == before
    assert code_of([*given, "steps=2", "--resume"]) == 0
    assert "this run was done already, no step was left to take" in " ".join(capsys.readouterr().err.split())


def test_lessons_that_were_cut_off_are_taught_again_to_the_same_numbers(tmp_path):
    settings = SftSettings(episodes=1, passes=1, hidden=16, layers=1, heads=1, threads=1)

    def cut(row: Mapping[str, Any]) -> None:
        raise KeyboardInterrupt

    run_recipe(RECIPES["sft"], settings, tmp_path / "straight", False, lambda row: None)
    with pytest.raises(KeyboardInterrupt):
        run_recipe(RECIPES["sft"], settings.model_copy(update={"learning_rate": 1.0}), tmp_path / "cut", False, cut)
    run_recipe(RECIPES["sft"], settings, tmp_path / "cut", True, lambda row: None)
    slower = settings.model_copy(update={"learning_rate": 1e-4})  # might be set so before it is taught, as where lessons diverged
    with pytest.raises(UsageError, match="holds a run with learning_rate"):
        run_recipe(RECIPES["sft"], slower, tmp_path / "cut", True, lambda row: None)
    straight, again = (tmp_path / name for name in ("straight", "cut"))
    assert (straight / METRICS).read_bytes() == (again / METRICS).read_bytes()
    assert (straight / "best" / "model.safetensors").read_bytes() == (again / "best" / "model.safetensors").read_bytes()


def test_two_runs_do_not_share_a_folder(tmp_path):
    with alone_in(tmp_path / "run"), pytest.raises(UsageError, match="run: another run is at work there"):
        run_recipe(RECIPES["grpo"], SMALL, tmp_path / "run", False, lambda row: None)
    with alone_in(tmp_path / "run"):
        """It is free again."""


@pytest.mark.parametrize("name", ["settings.json", "metrics.jsonl", "latest/memory.json", "latest/optimiser.pt", "latest/model.safetensors"])
def test_what_is_spoilt_in_a_folder_is_named(start, tmp_path, name):
    settings, out = SMALL.model_copy(update={"start": str(start)}), tmp_path / "run"
    run_recipe(RECIPES["grpo"], settings, out, False, lambda row: None)
    whole = (out / name).read_bytes()
    (out / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UsageError, match=f"{name}: |latest: the model cannot be read"):
        run_recipe(RECIPES["grpo"], settings.model_copy(update={"steps": 2}), out, True, lambda row: None)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json", "vocabulary.json"])
@pytest.mark.parametrize("junk", [b"\xff{", b"", b"[1]"])
def test_a_start_that_cannot_be_read_is_named(start, tmp_path, name, junk):
    shutil.copytree(model_in(start), tmp_path / "spoilt")
    (tmp_path / "spoilt" / name).write_bytes(junk)
    with pytest.raises(UsageError, match="spoilt: the model cannot be read"):
        Engine.load(tmp_path / "spoilt")


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    for place in ("file", "file/run"):
        with pytest.raises(UsageError, match=f"{place}: cannot be the folder of a run"), alone_in(tmp_path / place):
            """Never here."""


def fill(place: Path) -> None:
    with place.open("wb", buffering=0) as file:
        file.write(b"x")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux that is always full")
@pytest.mark.parametrize("name", ["any", "config.json", "tokenizer.json", "vocabulary.json"])
def test_a_disk_that_is_full_is_told(engine, tmp_path, name):
    (tmp_path / name).symlink_to("/dev/full")
    with pytest.raises(UsageError, match=r"training stopped: .* cannot be written \(No space left on device\)"), stops_told(tmp_path):
        fill(tmp_path / name) if name == "any" else engine.save(tmp_path)

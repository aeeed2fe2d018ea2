"""What stops a run: told in one line, with a checkpoint to go on from."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import SafetensorError

from clinsim.agents.cast import Cast
from clinsim.agents.decoding import Engine
from clinsim.agents.local import model_in
from clinsim.errors import UsageError
from clinsim.processes import shared_out
from clinsim.training.recipes import RECIPES, run_recipe
from clinsim.training.run import RunFolder, stops_told, write_model
from clinsim.training.settings import GrpoSettings

SMALL = GrpoSettings(start="", steps=2, groups=1, group_size=2, evaluate_every=1, evaluation_seeds=(10_000, 10_001), threads=1)
TOO_MUCH = 2**50
"""Numbers, of four bytes or more each: no machine has room for them."""


def ended() -> None:
    shared_out(os._exit, [9, 9], processes=2)


def divided() -> None:
    with np.errstate(all="raise"):
        np.float64(1.0) / np.float64(0.0)


def filled() -> None:
    """What was seen on a disk that is full; a file that always is, is not written to but replaced."""
    raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")


STOPS: list[tuple[str, Callable[[], object], str]] = [
    ("torch", lambda: torch.empty(TOO_MUCH), "memory ran out .* batch_tokens"),
    ("numpy", lambda: np.empty(TOO_MUCH), "memory ran out .* batch_tokens"),
    ("no number", divided, "divide by zero"),
    ("weights", filled, r"a model cannot be written \(No space left on device\)"),
    ("a process", ended, "a worker process was ended from outside"),
]


@pytest.mark.parametrize(("happens", "message"), [row[1:] for row in STOPS], ids=[row[0] for row in STOPS])
def test_what_stops_a_run_is_told(tmp_path, happens, message):
    with pytest.raises(UsageError, match=f"training stopped: .*{message}.*no checkpoint yet"), stops_told(tmp_path):
        happens()


def test_what_draws_the_curve_is_loaded_before_memory_runs_out():
    """Else what is told is that it cannot be loaded, and not what ended the run."""
    program = "import sys, clinsim.training.curve; sys.exit('matplotlib.backends.backend_agg' not in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_fault_of_ours_keeps_its_traceback(tmp_path):
    with pytest.raises(RuntimeError, match="shapes"), stops_told(tmp_path):
        torch.ones(2, 3) @ torch.ones(2, 3)


def test_weights_that_burst_never_become_a_checkpoint(engine: Engine, tmp_path: Path):
    """One update that no gradient warns of; the look after it does. A lower rate goes on from before it."""
    write_model(engine, tmp_path / "start")
    out = tmp_path / "run"
    fast = SMALL.model_copy(update={"start": str(tmp_path / "start"), "learning_rate": 1e20, "warm_up": 0, "updates": 1, "group_size": 6})
    with pytest.raises(UsageError, match=rf"likely as no number: lower learning_rate; .*whole: --resume goes on from it, and start={out} begins"):
        run_recipe(RECIPES["grpo"], fast, out, False, lambda row: None)
    assert all(torch.isfinite(weights).all() for weights in Engine.load(model_in(out)).model.parameters())
    run_recipe(RECIPES["grpo"], fast.model_copy(update={"learning_rate": 1e-4}), out, True, lambda row: None)
    assert [row["step"] for row in RunFolder(out).rows()] == [-1, 0, 1]


def test_a_run_out_of_memory_goes_on_with_smaller_batches(engine: Engine, tmp_path: Path):
    write_model(engine, tmp_path / "start")
    settings, out = SMALL.model_copy(update={"start": str(tmp_path / "start")}), tmp_path / "run"

    def greedy(row: dict) -> None:
        if row["step"] == 1:
            torch.empty(TOO_MUCH)

    with pytest.raises(UsageError, match=r"memory ran out .* last checkpoint is whole: --resume"):
        run_recipe(RECIPES["grpo"], settings, out, False, greedy)
    assert Cast.load(model_in(out)).voices
    smaller = settings.model_copy(update={"batch_tokens": 1024, "steps": 3})
    run_recipe(RECIPES["grpo"], smaller, out, True, lambda row: None)
    assert [row["step"] for row in RunFolder(out).rows()] == [-1, 0, 1, 2]
    with pytest.raises(UsageError, match="holds a run with group_size 2, not 4"):
        run_recipe(RECIPES["grpo"], smaller.model_copy(update={"group_size": 4}), out, True, lambda row: None)

"""The benchmark of large models, on a tiny one: it says what it promises, and its loss falls."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest
from accelerate.state import AcceleratorState

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "large.py"


@pytest.fixture
def large(monkeypatch):
    AcceleratorState._reset_state(reset_partial_state=True)  # accelerate remembers whoever ran before in this process
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")  # and so it is put back
    spec = importlib.util.spec_from_file_location("large", BENCHMARK)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "large", module)
    spec.loader.exec_module(module)
    yield module
    AcceleratorState._reset_state(reset_partial_state=True)


def test_a_tiny_model_learns_and_writes_and_is_measured(large, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["large.py", "--device", "cpu", "--size", "tiny", "--part", "lora"])
    assert large.main() == 0
    (line,) = capsys.readouterr().out.splitlines()
    row = json.loads(line)
    first, again, *_, last = row["loss"]
    assert first == pytest.approx(again, abs=1e-6)  # the first step is one on the spot
    assert first - 2 * large.AIM < last < first - large.AIM / 4
    assert row["falls"]
    assert row["learning"] < row["parameters"]
    timed = {name for name, phase in row["phases"].items() if phase.get("tokens_per_second", 0) > 0}
    assert timed == {"log_probabilities", "training", "generation"}
    assert all(phase["seconds"] > 0 and phase["peak_gib"] > 0 for phase in row["phases"].values())
    assert row["samples"] > row["conversations"]

"""A slice of `checks/static_chat.py`: lessons, GRPO at tasks and the table, with a tiny model."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from accelerate.state import AcceleratorState

from clinsim.agents.dialogue import system_text
from clinsim.training.chat_study import LEARNT, START
from clinsim.training.static_tasks import seats_of_tasks, tasks_in
from clinsim.training.tiny_chat import write_tiny_chat

SCRIPT = Path(__file__).parents[2] / "checks" / "static_chat.py"


@pytest.fixture
def check():
    spec = importlib.util.spec_from_file_location("static_chat", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    AcceleratorState._reset_state(reset_partial_state=True)
    yield module
    AcceleratorState._reset_state(reset_partial_state=True)


def test_a_slice_is_trained_measured_and_gone_on_with(check, tmp_path, capsys):
    seats = seats_of_tasks(tasks_in("medical_qa", "train"))
    write_tiny_chat(tmp_path / "tiny", "llama", [system_text(seat, "json") for seat in seats.values()])
    given = [
        "--start", str(tmp_path / "tiny"), "--lessons", "medical_qa", "--share", "0.1", "--episodes", "0", "--seeds", "0", "--steps", "1",
        "--groups", "1", "--group-size", "2", "--attempts", "1", "--live-seeds", "0", "--splits", "test", "--precision", "fp32",
        "--into", str(tmp_path / "runs"), "--out", str(tmp_path),
    ]  # fmt: skip
    assert check.main(given) == 1  # so small a model learns nothing in a step
    first = (tmp_path / "static_chat.md").read_text()
    kept = json.loads((tmp_path / "static_chat.json").read_text())
    assert {(row["model"], row["place"]) for row in kept} == {(START, "test"), (LEARNT, "test")}
    assert all(len(row["scores"][0]) == len(tasks_in("medical_qa", "test")) for row in kept)
    assert "| test (10) |" in first
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("*.safetensors")}
    assert check.main(given) == 1
    assert (tmp_path / "static_chat.md").read_text() == first
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("*.safetensors")} == made
    assert capsys.readouterr().out.count("Made by") == 2
    assert check.main([*given, "--temperature", "1"]) == 2  # what was measured at another temperature is not told as this
    assert "temperature 0.5, not 1.0" in capsys.readouterr().err

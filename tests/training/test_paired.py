"""A slice of `checks/paired.py`: two models on the same seeds, and what it refuses."""

from __future__ import annotations

import runpy
import sys

import pytest

from clinsim.agents.cast import Cast
from clinsim.training.evaluate import model_values
from clinsim.training.quick import settled

CHECK = "checks/paired.py"


def ran(root, monkeypatch, *given: str) -> int:
    monkeypatch.setattr(sys, "argv", [CHECK, *given])
    return int(runpy.run_path(str(root / CHECK))["main"]())


def test_a_slice_of_the_check(root, engine, tmp_path, monkeypatch, capsys):
    engine.save(tmp_path / "model")
    assert ran(root, monkeypatch, str(tmp_path / "model"), f"local:{tmp_path / 'model'}", "--seeds", "20000", "20002") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("first_hour, seeds 20000 to 20001: ")
    rows = {row[1]: row[2:6] for line in lines[4:] if line for row in [[cell.strip() for cell in line.split("|")]]}
    assert set(rows) == {"return", "utility loss", "doctor 1", "pharmacist 1", "radiologist 1"}
    assert {over for *_, over in rows.values()} == {"+0.00 (0.00 to 0.00)"}
    values = model_values(settled(Cast.load(tmp_path / "model"), 0.5), "first_hour", range(20_000, 20_002))["return"]
    assert rows["return"][0] == f"{sum(values) / 2:.2f}"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--seeds", "9000", "9100"], "--seeds 9000 9100: give FROM and TO"),
        (["--seeds", "20000", "20001"], "two seeds or more"),
        (["start", "nowhere"], "nowhere: neither a model nor a run"),
        (["--scenario", "nowhere"], "unknown scenario 'nowhere'"),
        (["--settled", "0"], "above 0 and at most 1"),
    ],
)
def test_what_cannot_be_played_is_refused_in_a_line(root, monkeypatch, capsys, given, message):
    assert ran(root, monkeypatch, *given) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line

"""A slice of `checks/beyond.py`: runs from one clone are kept, gains are over pairs, and what holds is said by the exit code."""

from __future__ import annotations

import runpy
import sys

import pytest

CHECK = "checks/beyond.py"


def test_a_gain_is_the_mean_over_runs_of_what_each_gained_in_pairs(root):
    gained = runpy.run_path(str(root / CHECK))["gained"]
    before = {"return": [0.0, 1.0]}
    gain = gained([{"return": [1.0, 1.0]}, {"return": [2.0, 2.0]}, {"return": [1.0, 2.0]}], before, "return")
    assert gain.mean == pytest.approx(1.0)
    assert gain.n == 3
    assert gain.low == pytest.approx(1.0 - 4.30265 * 0.5 / 3**0.5, abs=1e-4)


def test_a_slice_of_the_check(root, tmp_path, monkeypatch, capsys):
    small = ["--scenario", "first_hour", "--clone", "start", "--runs", "2", "--steps", "1", "--tests", "22000", "22002"]
    monkeypatch.setattr(sys, "argv", [CHECK, *small, "--into", str(tmp_path), "--out", str(tmp_path / "out")])
    check = runpy.run_path(str(root / CHECK))
    monkeypatch.setitem(check["learnt"].__globals__, "SHAPE", {"groups": 1, "group_size": 2, "evaluation_seeds": (10_000, 10_002)})
    monkeypatch.setitem(check["learnt"].__globals__, "UNSEEN", range(9_900, 9_902))
    code = check["main"]()
    page = (tmp_path / "out" / "beyond_first_hour.md").read_text()
    low = float(capsys.readouterr().out.rsplit("(", 1)[1].split(" to ")[0])
    assert code == (0 if low > 0.0 else 1)
    assert "2 runs of 1 steps of 2 episodes" in page
    assert (tmp_path / "first_hour" / "1" / "tested.json").exists()

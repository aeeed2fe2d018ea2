"""A slice of `checks/beyond.py`: runs from one clone are kept, gains are over pairs, and what holds is said by the exit code."""

from __future__ import annotations

import json
import re
import runpy
import sys

import pytest

from clinsim.record import Entry
from clinsim.training.settings import SftSettings
from clinsim.training.sft import shown_for

CHECK = "checks/beyond.py"


def test_only_the_roles_that_learn_are_shown():
    settings = SftSettings(episodes=2, first_seed=7)
    shown = shown_for(settings)
    doctors = shown_for(settings.model_copy(update={"roles": ("doctor",)}))
    assert {turn.role for turn in shown} > {"doctor"}
    assert doctors == [turn for turn in shown if turn.role == "doctor"]


def test_a_gain_is_the_mean_over_runs_of_what_each_gained_in_pairs(root):
    gained = runpy.run_path(str(root / CHECK))["gained"]
    before = {"return": [0.0, 1.0]}
    gain = gained([{"return": [1.0, 1.0]}, {"return": [2.0, 2.0]}, {"return": [1.0, 2.0]}], before, "return")
    assert gain.mean == pytest.approx(1.0)
    assert gain.n == 3
    assert gain.low == pytest.approx(1.0 - 4.30265 * 0.5 / 3**0.5, abs=1e-4)


def test_who_is_claimed_in_the_waiting_room_is_told_from_who_has_a_place(root):
    told = [("P1", "place", {"to": "waiting_room"}), ("P2", "place", {"to": "waiting_room"}), ("P1", "place", {"to": "acute"}),
            ("P1", "claim", {}), ("P2", "claim", {}), ("P2", "place", {"to": "acute"})]  # fmt: skip
    entries = [Entry(0.0, kind, subject, "chart", data) for subject, kind, data in told]
    assert runpy.run_path(str(root / CHECK))["claimed_outside"](entries) == ["P2"]


def test_a_slice_of_the_check(root, tmp_path, monkeypatch, capsys):
    small = ["--scenario", "first_hour", "--clone", "start", "--runs", "2", "--steps", "1", "--tests", "22000", "22002"]
    monkeypatch.setattr(sys, "argv", [CHECK, *small, "--into", str(tmp_path), "--out", str(tmp_path / "out")])
    check = runpy.run_path(str(root / CHECK))
    monkeypatch.setitem(check["done"].__globals__, "SHAPE", {"groups": 1, "group_size": 2, "evaluation_seeds": (10_000, 10_002)})
    monkeypatch.setitem(check["done"].__globals__, "UNSEEN", range(9_900, 9_902))
    code = check["main"]()
    page = (tmp_path / "out" / "beyond_first_hour.md").read_text()
    lows = re.findall(r"\((\S+) to ", capsys.readouterr().out.splitlines()[-1])
    assert len(lows) == 2
    assert code == (0 if min(map(float, lows)) > 0.0 else 1)
    assert "2 runs of 1 steps of 2 episodes" in page
    settings = json.loads((tmp_path / "first_hour" / "1" / "settings.json").read_text())
    assert settings["partners"] == {"pharmacist": "guideline", "radiologist": "guideline"}
    learnt, before = (json.loads((tmp_path / "first_hour" / name / "tested.json").read_text()) for name in ("1", "before"))
    assert all(len(values["patients seen"]) == len(values["return"]) == 2 for values in (learnt["learnt"], before["clone"], before["guideline"]))

"""Figures of reports: rows can be told apart, and no panel stands empty."""

from __future__ import annotations

from clinsim import plots
from clinsim.validation import hospital_page, report
from clinsim.validation.checks import Check

WHOLE = [("base", 1.0, 0.5, 1.5), *((f"guideline, hospital.pools.step_down_bed.units={units}", 1.0, 0.5, 1.5) for units in (12, 13))]


def test_alternatives_that_differ_in_their_last_character_have_different_names(tmp_path):
    plots.whiskers([("stay", WHOLE, None)], "Means", tmp_path / "means.svg")
    drawn = (tmp_path / "means.svg").read_text()
    assert drawn.count("units=12<") == 1
    assert drawn.count("units=13<") == 1


def test_two_panels_take_the_whole_width_and_three_are_the_most(tmp_path):
    for panels in (1, 2, 3, 4):
        plots.whiskers([(f"panel {number}", WHOLE, 0.0) for number in range(panels)], "Means", tmp_path / "means.svg")
        drawn = (tmp_path / "means.svg").read_text()
        right = max(float(line.split()[1].split(",")[0]) for line in drawn.split("\n") if line.startswith(("L ", "M ")))
        assert drawn.count('<g id="axes_') == panels
        if panels < 4:
            assert right > 0.9 * plots.WIDTH * 72


def test_the_general_hospital_says_what_lies_beyond_its_figure(tmp_path):
    figures: list[Check] = [
        {"group": "figures", "name": "near [x]", "role": "tuned", "low": 1.0, "high": 2.0, "observed": 1.5, "fits": True},
        {"group": "figures", "name": "far [x]", "role": "held out", "low": 1.0, "high": 2.0, "observed": 99.0, "fits": False},
    ]
    hospital_page.draw(figures, tmp_path / "hospital.svg")
    drawn = (tmp_path / "hospital.svg").read_text()
    assert "far (held out)" in drawn
    assert "beyond 4: drawn at 4" in drawn


def test_scenarios_are_drawn_by_name_alone(tmp_path):
    name = "surge: utility loss under guideline against idle"
    worth: list[Check] = [{"group": "worth", "name": name, "expected": 3.0, "observed": 2.0, "passed": True}]
    report.draw("scenarios", worth, tmp_path)
    assert ">surge<" in (tmp_path / "scenarios.svg").read_text()

"""Calculators against the rows of another source, where the file lies beside the checkout."""

import json
from pathlib import Path

import pytest

from clinsim.errors import UsageError
from clinsim.validation.calculators import AGREEMENT, COVERAGE, agreement, report
from clinsim.validation.medcalc import readings

ROWS = Path(__file__).resolve().parents[2] / "shared" / "data" / "medcalc" / "rows.json"


@pytest.fixture(scope="module")
def table():
    if not ROWS.exists():
        pytest.skip("shared/data/medcalc/rows.json does not lie beside the checkout")
    return agreement(ROWS)


def test_rows_are_covered_and_agree(table):
    rows, covered, agreed = (sum(getattr(line, name) for line in table) for name in ("rows", "covered", "agreed"))
    assert covered >= COVERAGE * rows
    assert agreed >= AGREEMENT * covered


def test_every_disagreement_is_explained_and_nothing_else_is(table):
    apart = {check.row for line in table for check in line.disagreements}
    assert apart == set(readings().explained)


def test_report_lists_what_is_left_out_without_judging_it(table):
    part = report(ROWS)["calculators"]
    assert part["passed"]
    left = [check for check in part["checks"] if "not covered" in check["name"]]
    assert len(left) == sum(line.rows - line.covered for line in table)
    assert {check["passed"] for check in left} == {None}


ROW = {"row": 1, "calculator": "Anion Gap", "entities": {"Sodium": [140, "mmol/L"], "Chloride": [104, "mmol/L"], "Bicarbonate": [24, "mEq/L"]}}


@pytest.mark.parametrize(
    ("change", "covered", "agreed"),
    [
        ({"answer": 12.0, "tolerance": 0.05}, 1, 1),
        ({"answer": 12.6, "tolerance": 0.05}, 1, 1),
        ({"answer": 12.7, "tolerance": 0.05}, 1, 0),
        ({"answer": 13.0, "tolerance": 0.0}, 1, 0),
        ({"answer": 12.0, "tolerance": 0.0, "calculator": "Framingham"}, 0, 0),
        ({"answer": 12.0, "tolerance": 0.0, "entities": {"Sodium": [140, "mg/dL"]}}, 0, 0),
        ({"answer": 12.0, "tolerance": 0.0, "entities": {"Lithium": [1, "mmol/L"]}}, 0, 0),
    ],
)
def test_a_row_agrees_only_within_its_tolerance(tmp_path, change, covered, agreed):
    path = tmp_path / "rows.json"
    path.write_text(json.dumps([{**ROW, **change}]))
    (line,) = agreement(path)
    assert (line.rows, line.covered, line.agreed) == (1, covered, agreed)
    assert report(path)["calculators"]["passed"] is (agreed == 1)


@pytest.mark.parametrize(("text", "problem"), [("{", "not a JSON list"), ("[{}]", "not a JSON list"), ("3", "not a JSON list")])
def test_a_file_of_another_layout_is_refused(tmp_path, text, problem):
    path = tmp_path / "rows.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=problem):
        agreement(path)
    with pytest.raises(UsageError, match="No such file"):
        agreement(tmp_path / "none.json")

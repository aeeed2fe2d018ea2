"""The ancestor's trajectories: each call succeeds or fails as it did there, except where a fault was mended."""

import json
from pathlib import Path

import pytest

from clinsim.hospital.ancestor import ancestor, is_mended, would_flag
from clinsim.hospital.domains import call, load_database

DATA = Path(__file__).parents[3] / "shared" / "data" / "bioagents"
ABSENT = pytest.param(None, marks=pytest.mark.skip("the ancestor's files are not beside the checkout"), id="absent")
SCORED = ("clinical_diagnosis", "drug_interaction", "ehr_management")


def trajectories():
    if not DATA.is_dir():
        return [ABSENT]
    rows = [json.loads(line) for line in (DATA / "golden.jsonl").read_text(encoding="utf-8").splitlines()]
    return [pytest.param(row, id=f"{row['task_id']}-{row['kind']}") for row in rows if row["domain"] in SCORED and row["trajectory"]]


@pytest.mark.parametrize("row", trajectories())
def test_calls_fail_where_they_failed_there(row):
    world = load_database(row["domain"], DATA / row["domain"]).open()
    for step, failed in zip(row["trajectory"], row["call_errors"], strict=True):
        called = call(world, row["domain"], step["name"], step["arguments"])
        if is_mended(row["domain"], step["name"]):
            continue
        assert would_flag(row["domain"], step["name"], called) == failed, (step, called)


def test_eighty_tools_bear_sixty_six_names():
    names = [name for tools in ancestor().tools.values() for name in tools]
    assert (len(names), len(set(names))) == (80, 66)


@pytest.mark.parametrize(
    ("name", "arguments", "flagged"),
    [
        ("submit_answer", {"answer": 2}, False),
        ("submit_answer", {}, True),
        ("submit_answer", {"answer": "B", "why": "x"}, True),
        ("search_pubmed", {"query": 2}, True),
        ("no_such_tool", {}, True),
    ],
)
def test_a_number_for_an_answer_was_no_error_there(tmp_path, name, arguments, flagged):
    (tmp_path / "db.json").write_text("{}")
    called = call(load_database("medical_qa", tmp_path).open(), "medical_qa", name, arguments)
    assert would_flag("medical_qa", name, called, arguments) is flagged

"""The ancestor's scorer: hand-scored trajectories in its layouts, its golden figures where they are beside the checkout, and properties."""

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from clinsim.benchmark.attempt import Made
from clinsim.benchmark.layouts import read_task
from clinsim.benchmark.legacy import action_score, as_runner, qa_accuracy, score, score_as_runner
from clinsim.benchmark.legacy_text import accuracy, answer_letter, reasoning_quality
from clinsim.benchmark.suite import load_suite
from clinsim.benchmark.task import Action, Reference
from clinsim.benchmark.trajectories import rows_of

HERE = Path(__file__).parent
DATA = HERE.parents[2] / "shared" / "data" / "bioagents"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the ancestor's files are not beside the checkout")
HAND_SCORED = yaml.safe_load((HERE / "hand_scored.yaml").read_text(encoding="utf-8"))


def flat(figures, under=""):
    for name, value in figures.items():
        if isinstance(value, dict):
            yield from flat(value, f"{under}{name}.")
        else:
            yield under + name, value


def agree(ours, theirs):
    ours = dict(flat(ours))
    for name, value in flat(theirs):
        assert ours[name] == (None if value is None else pytest.approx(value, abs=1e-6)), name


@pytest.mark.parametrize("case", HAND_SCORED, ids=lambda case: case["name"])
def test_hand_scored(case):
    task = read_task(case["task"], case["domain"], "hand_scored.yaml")
    calls = [Made(call["name"], call["arguments"]) for call in case["calls"]]
    agree(score(task.reference, calls, case["final_answer"]), case["legacy"])
    agree(score_as_runner(task.reference, calls, case["final_answer"]), case["runner"])


@needs_data
def test_golden_figures():
    lines = [json.loads(line) for line in (DATA / "golden.jsonl").read_text(encoding="utf-8").splitlines()]
    rows = list(rows_of(load_suite("bioagents", DATA), DATA / "golden.jsonl", "legacy"))
    assert len(rows) == len(lines) == 140
    for row, line in zip(rows, lines, strict=True):
        assert list(row) == ["domain", "file", "task_id", "kind", *line["legacy"], "runner", "call_errors"]
        assert [row[name] for name in ("domain", "file", "task_id", "kind", "call_errors")] == [
            line[name] for name in ("domain", "file", "task_id", "kind", "call_errors")
        ]
        agree(row, line["legacy"])
        agree(row["runner"], line["runner"])
    differ = [row for row in rows if any(abs(row[name] - value) > 1e-6 for name, value in row["runner"].items())]
    assert [row["domain"] for row in differ] == ["drug_interaction"] * 10


@pytest.mark.parametrize(
    ("response", "letter"),
    [
        ("<answer> c </answer> the correct answer is B", "C"),
        ('{"name": "submit_answer", "arguments": {"answer": "d"}}', "D"),
        ("The correct answer is B, though the answer is C", "B"),
        ("the best answer is e", "E"),
        ("My answer is A", "A"),
        ("Answer: C", "C"),
        ("final answer:: B", "B"),
        ("D is the correct one", "D"),
        ("Option C is wrong, D fits", "C"),
        ("so\n B \nindeed", "B"),
        ("b", "B"),
        ("F", ""),
        ("the answer is hidden", ""),
        ("", ""),
    ],
)
def test_answer_letter(response, letter):
    assert answer_letter(response) == letter


@pytest.mark.parametrize(
    ("response", "truth", "value"),
    [
        ("Left effusion", "left effusion", 1.0),
        ("left effusion.", "left effusion", 0.5),
        ("effusion effusion left", "left effusion", 1.0),
        ("nothing", "left effusion", 0.0),
        ("", "left effusion", 0.0),
        ("left", "", 0.0),
        ("The answer is B", "b", 1.0),
    ],
)
def test_accuracy(response, truth, value):
    assert accuracy(response, truth) == pytest.approx(value)


@pytest.mark.parametrize(
    ("truth", "options", "answer", "value"),
    [
        ("B", {}, " b ", 1.0),
        ("B", {"B": "Heparin"}, "heparin", 1.0),
        ("B", {"B": "Heparin"}, "B) heparin", 0.0),
        ("Left effusion", {}, "LEFT EFFUSION", 1.0),
        ("Left effusion", {}, "a left effusion", 0.5),
        ("Left effusion", {}, "effusion", 0.0),
        ("", {}, "anything", None),
    ],
)
def test_qa_accuracy_of_the_last_submission(truth, options, answer, value):
    calls = [Made("submit_answer", {"answer": "first"}), Made("submit_answer", {"answer": answer})]
    assert qa_accuracy(Reference(truth=truth, options=options), calls) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5 mg", 0.05),
        ("5 MG", 0.0),
        ("SOFA score: 7", 0.05),
        ("sofa=7", 0.05),
        ("CHA2DS2-VASc: 4", 0.0),
        ("troponin", 0.05),
        ("  ", 0.0),
        ("because " * 60, 0.31),  # "cause" stands in it as well
        ("word " * 900, 0.15),
        ("word " * 1300, 0.05),
    ],
)
def test_reasoning_quality(text, value):
    assert reasoning_quality(text, "") == pytest.approx(value)


def test_runner_does_not_execute_the_third_call_of_one_tool():
    trends = [Made("get_lab_trend", {"lab_name": name}) for name in "abcd"]
    assert [call.arguments["lab_name"] for call in as_runner(trends, "").calls] == ["a", "b"]


def test_runner_stops_at_fifteen_turns_and_then_hears_no_answer():
    calls = [Made(f"tool_{k}", {}) for k in range(20)]
    assert (len(as_runner(calls, "done").calls), as_runner(calls, "done").response) == (15, "")
    assert as_runner(calls[:14], "done").response == "done"


names = st.sampled_from(["think", "get_labs", "submit_answer", "order"])
arguments = st.dictionaries(st.sampled_from(["a", "answer", "patient_id"]), st.one_of(st.text(max_size=8), st.integers(0, 9), st.none()), max_size=3)
trajectories = st.lists(st.builds(Made, names, arguments), max_size=18)
references = st.builds(
    Reference,
    actions=st.lists(st.builds(Action, name=names, arguments=arguments, compare_args=st.just(("a", "answer"))), max_size=4).map(tuple),
    truth=st.sampled_from(["", "B", "left effusion"]),
)


@given(references, trajectories, st.text(max_size=60))
def test_figures_are_shares(reference, calls, final_answer):
    for figures in (score(reference, calls, final_answer), score_as_runner(reference, calls, final_answer)):
        assert all(value is None or -1e-9 <= value <= 1 + 1e-9 for _, value in flat(figures))


@given(references, trajectories, trajectories)
def test_more_calls_never_lower_the_action_score(reference, calls, more):
    assert action_score(reference.actions, [*calls, *more]) >= action_score(reference.actions, calls)
    assert action_score(reference.actions, list(reversed(calls))) == action_score(reference.actions, calls)

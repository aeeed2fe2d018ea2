"""Loaders: the ancestor's layouts, tau2-style tasks, AgentClinic cases, our own; what is malformed is named by task and field."""

import json
from pathlib import Path

import pytest

from clinsim.benchmark.answers import said
from clinsim.benchmark.layouts import read_task
from clinsim.benchmark.suite import load_suite, read_own
from clinsim.benchmark.tau2 import read_tau2, write_tau2
from clinsim.errors import ScenarioError, UsageError

HERE = Path(__file__).parent
SHARED = HERE.parents[2] / "shared" / "data"
needs_data = pytest.mark.skipif(not SHARED.is_dir(), reason="the files of other benchmarks are not beside the checkout")

TASK = {"id": "a", "ticket": "?", "evaluation_criteria": {"actions": [{"name": "think", "arguments": {"thought": "x"}}], "reward_basis": ["ACTION"]}}


def without(mapping, name):
    return {key: value for key, value in mapping.items() if key != name}


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ([], "x: a task must be a mapping"),
        (without(TASK, "id"), "x: task (without id): id: missing"),
        (without(TASK, "ticket"), "x: task a: ticket: missing"),
        (without(TASK, "evaluation_criteria"), "x: task a: has neither evaluation_criteria nor expected_actions"),
        ({**TASK, "evaluation_criteria": []}, "x: task a: evaluation_criteria: must be a mapping"),
        ({**TASK, "evaluation_criteria": {"actions": {}}}, "x: task a: evaluation_criteria.actions: must be a list"),
        (
            {**TASK, "evaluation_criteria": {"actions": [{"arguments": {}}]}},
            "x: task a: evaluation_criteria.actions.0: must be a mapping with the name",
        ),
        (
            {**TASK, "evaluation_criteria": {"actions": [{"name": "think", "arguments": [1]}]}},
            "evaluation_criteria.actions.0.arguments: must be a mapping",
        ),
        ({**TASK, "options": 3}, "x: task a: options: must be a mapping from letter to text"),
        (
            {"id": "a", "ticket": "?", "expected_actions": [{"name": "think"}]},
            "x: task a: expected_actions.0: must be a mapping with the name of a tool",
        ),
        ({"id": "a", "ticket": "?", "expected_actions": [], "rubric": []}, "x: task a: rubric: must be a mapping"),
    ],
)
def test_malformed_tasks_of_the_ancestor_are_named(raw, message):
    with pytest.raises(ScenarioError) as caught:
        read_task(raw, "medical_qa", "x")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"difficulty": "odd"}, "x: task t: difficulty: "),
        ({"extra": 1}, "x: task t: extra: "),
        ({"gold": [{"arguments": {}}]}, "x: task t: gold.0.name: missing"),
        ({"gold": [{"name": "think", "compare": {"thought": "exact"}}]}, "compare names arguments that the call does not send: thought"),
        ({"gold": [{"name": "think", "after": ["first"]}]}, "after names no call of the plan: first"),
        ({"answer": {"choice": "B"}}, "answer.choice 'B' is no option"),
        ({"answer": {"facts": [{"number": 3}]}}, "a fact needs phrases"),
        ({"unsafe": [{"reason": "x"}]}, "something unsafe needs the name of a call"),
        ({"unsafe": [{"reason": "x", "says": ["y"], "severity": 2}]}, "unsafe.0.severity"),
    ],
)
def test_malformed_tasks_of_our_own_are_named(change, message):
    with pytest.raises(ScenarioError) as caught:
        read_own({"id": "t", "ticket": "?", **change}, "medical_qa", "x")
    assert message in str(caught.value)


def test_multiple_choice_with_options_as_a_list_or_a_mapping():
    for options in (["warfarin", "heparin"], {"A": "warfarin", "B": "heparin"}):
        task = read_task(
            {"id": "q", "ticket": "?", "options": options, "correct_answer": "B", "evaluation_criteria": {"actions": []}}, "medical_qa", "x"
        )
        assert (task.answer.choice, task.options, task.reference.truth) == ("B", {"A": "warfarin", "B": "heparin"}, "B")


def test_the_gold_plan_of_a_triage_task_is_completed():
    actions = [{"name": "submit_answer", "arguments": {"esi_level": 2}, "compare_args": ["esi_level"]}]
    raw = {"id": "t", "ticket": "?", "correct_answer": "ESI 2", "evaluation_criteria": {"actions": actions}}
    (call,) = read_task(raw, "triage_emergency", "x").gold
    assert (dict(call.arguments), dict(call.compare)) == (
        {"esi_level": 2, "disposition": "ESI 2", "reasoning": "ESI 2"},
        {"disposition": "free", "reasoning": "free"},
    )


TAU2 = {
    "id": "7",
    "description": {"purpose": "Refill", "relevant_policies": None, "notes": None},
    "user_scenario": {"persona": None, "instructions": {"reason_for_call": "a refill", "unknown_info": None}},
    "ticket": None,
    "initial_state": None,
    "evaluation_criteria": {
        "actions": [
            {
                "action_id": "1",
                "requestor": "assistant",
                "name": "get_drug_info",
                "arguments": {"drug_name": "aspirin"},
                "compare_args": None,
                "info": None,
            },
            {"action_id": "2", "requestor": "user", "name": "agree", "arguments": {}, "info": None},
        ],
        "env_assertions": [{"env_type": "assistant", "func_name": "f", "arguments": {}}],
        "communicate_info": ["75 mg"],
        "nl_assertions": ["The agent should confirm the dose"],
        "reward_basis": ["DB", "COMMUNICATE"],
    },
}


def test_tau2_tasks_come_back_as_they_were():
    task = read_tau2(TAU2, "drug_interaction", "tasks.json")
    assert [call.name for call in task.gold] == ["get_drug_info"]
    assert task.ticket == "reason_for_call: a refill"
    assert write_tau2(task) == TAU2


def test_our_tasks_can_be_written_for_tau2_and_read_again():
    ours = load_suite(str(HERE / "clinical_diagnosis")).tasks[0].task
    written = json.loads(json.dumps(write_tau2(ours)))
    again = read_tau2(written, ours.domain, "tasks.json")
    assert [(call.name, call.arguments) for call in again.gold] == [(call.name, call.arguments) for call in ours.gold]
    assert (again.id, again.ticket) == (ours.id, ours.ticket)
    assert write_tau2(again) == written


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"evaluation_criteria": {"actions": [{"name": "x", "requestor": "nobody"}]}}, "task 7: evaluation_criteria.actions.0.requestor: 'nobody'"),
        ({"evaluation_criteria": {"actions": [3]}}, "task 7: evaluation_criteria.actions.0: must be a mapping"),
        ({"evaluation_criteria": 3}, "task 7: evaluation_criteria: must be a mapping"),
        ({"user_scenario": None}, "task 7: ticket: "),
    ],
)
def test_malformed_tau2_tasks_are_named(change, message):
    with pytest.raises(ScenarioError) as caught:
        read_tau2({**TAU2, **change}, "drug_interaction", "tasks.json")
    assert message in str(caught.value)


@needs_data
def test_the_ancestors_files_are_read_whole():
    suite = load_suite("bioagents", SHARED / "bioagents")
    assert len(suite.tasks) == 262
    assert suite.unknown == ()
    assert len(suite.disputed) == 84
    assert {placed.split for placed in suite.tasks} == {"train", "test"}


@needs_data
def test_rubrics_tell_their_own_answers_from_those_of_other_tasks():
    suite = load_suite("bioagents", SHARED / "bioagents")
    tasks = [placed.task for placed in suite.chosen(domain="ehr_management") if placed.file == "tasks.json"]
    worth = {(one.id, other.id): said(one.answer, other.origin["expected_answer"]) for one in tasks for other in tasks}
    own = [value for (one, other), value in worth.items() if one == other]
    foreign = [value for (one, other), value in worth.items() if one != other]
    assert sum(own) / len(own) > 0.8
    assert sum(foreign) / len(foreign) < 0.15


def test_unknown_ids_of_a_split_are_listed(tmp_path):
    folder = tmp_path / "clinical_diagnosis"
    folder.mkdir()
    task = {"id": "one", "ticket": "?", "answer": {"facts": [{"any": ["x"]}]}}
    (folder / "tasks.json").write_text(json.dumps([task]))
    (folder / "tasks_more.jsonl").write_text(json.dumps({**task, "id": "two"}) + "\n")
    (folder / "split.json").write_text(json.dumps({"train": ["one", "ghost"], "test": ["one"]}))
    suite = load_suite(str(folder))
    assert ([placed.key for placed in suite.tasks], suite.unknown, suite.disputed) == (
        [("clinical_diagnosis", "tasks.json", "one"), ("clinical_diagnosis", "tasks_more.jsonl", "two")],
        ("ghost",),
        ("one",),
    )
    assert suite.task("", "one").split == "train"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"tasks.json": "{"}, "not JSON"),
        ({"tasks.json": "3"}, "must be a list of tasks, not int"),
        ({"tasks.json": "[]", "split.json": "[]"}, "must be a mapping from split"),
        ({"tasks.json": '[{"id": "a", "ticket": "?"}, {"id": "a", "ticket": "?"}]'}, "task a: id: stands twice"),
        ({"tasks.json": "[]", "tasks_b.jsonl": '{"id"\n'}, "line 1: not JSON"),
    ],
)
def test_files_that_cannot_be_read_are_named(tmp_path, files, message):
    folder = tmp_path / "medical_qa"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    with pytest.raises(ScenarioError) as caught:
        load_suite(str(folder))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [("nothing", None, "--suite nothing: unknown; allowed own"), ("tau2", None, "needs --data"), ("tau2", Path("no"), "no such")],
)
def test_suites_that_do_not_exist(name, data, message):
    with pytest.raises(UsageError, match=message):
        load_suite(name, data)

"""Loaders: the ancestor's layouts, tau2-style tasks, AgentClinic cases, our own; what is malformed is named by task and field."""

import json
from pathlib import Path

import pytest

from clinsim.benchmark.agentclinic import read_case
from clinsim.benchmark.answers import said
from clinsim.benchmark.layouts import read_task
from clinsim.benchmark.play import Play, standard_of
from clinsim.benchmark.policies import SCRIPTS
from clinsim.benchmark.strict import grade
from clinsim.benchmark.suite import load_suite, read_own
from clinsim.benchmark.tau2 import read_tau2, write_tau2
from clinsim.errors import ScenarioError, UsageError

HERE = Path(__file__).parent
SHARED = HERE.parents[2] / "shared" / "data"
needs_data = pytest.mark.skipif(not SHARED.is_dir(), reason="the files of other benchmarks are not beside the checkout")

TASK = {"id": "a", "ticket": "?", "evaluation_criteria": {"actions": [{"name": "think", "arguments": {"thought": "x"}}], "reward_basis": ["ACTION"]}}
CASE = {
    "OSCE_Examination": {
        "Objective_for_Doctor": "Diagnose a patient with palpitations.",
        "Patient_Actor": {
            "Demographics": "30-year-old woman",
            "History": "Palpitations and weight loss for a month.",
            "Symptoms": {"Primary_Symptom": "Palpitations", "Secondary_Symptoms": ["Tremor", "Sweating"]},
            "Past_Medical_History": "None of note.",
            "Social_History": "Smokes ten cigarettes a day.",
            "Review_of_Systems": "No fever.",
        },
        "Physical_Examination_Findings": {
            "Vital_Signs": {"Heart_Rate": "118 bpm"},
            "Neck": {"Thyroid": "Diffusely enlarged, with a bruit."},
        },
        "Test_Results": {"Thyroid_Function": {"TSH": "<0.01 mU/L", "Free_T4": "48 pmol/L"}},
        "Correct_Diagnosis": "Graves' disease",
    }
}


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


@pytest.fixture
def clinic(tmp_path):
    other = {"OSCE_Examination": {**CASE["OSCE_Examination"], "Correct_Diagnosis": "Phaeochromocytoma"}}
    (tmp_path / "cases.jsonl").write_text("".join(json.dumps(case) + "\n" for case in (CASE, other)))
    return load_suite("agentclinic", tmp_path).tasks


def answers(placed, *calls):
    play = Play(placed)
    return [play.make(name, {argument: value}).result for name, argument, value in calls]


def test_a_case_shows_what_is_asked_for_and_nothing_else(clinic):
    asked = answers(
        clinic[0],
        ("ask_patient", "question", "What brings you here today?"),
        ("ask_patient", "question", "Do you smoke?"),
        ("ask_patient", "question", "Have you had any surgery?"),
        ("ask_patient", "question", "Any tremor?"),
        ("ask_patient", "question", "Is your cat well?"),
    )
    assert [answer["patient"] for answer in asked] == [
        "Palpitations and weight loss for a month.",
        "Smokes ten cigarettes a day.",
        "None of note.",
        "Palpitations. Tremor. Sweating.",
        "I don't know about that.",
    ]
    assert answers(clinic[0], ("examine_patient", "part", "neck"))[0]["findings"] == {"neck / thyroid": "Diffusely enlarged, with a bruit."}
    assert answers(clinic[0], ("request_test", "test", "TSH"))[0]["findings"] == {"thyroid function / tsh": "<0.01 mU/L"}
    assert answers(clinic[0], ("request_test", "test", "MRI of the knee"))[0] == {"findings": {}, "message": "Nothing abnormal is noted."}


def test_a_case_never_shows_its_diagnosis(clinic):
    play = Play(clinic[0])
    SCRIPTS["guideline"](play)
    seen = [play.opening(), *(play.shown(call) for call in play.calls if call.name != "submit_answer")]
    assert not any("graves" in text.lower() for text in seen)


@pytest.mark.parametrize(
    ("answer", "worth"),
    [("Graves disease", 1.0), ("graves' disease.", 1.0), ("Not Graves' disease", 0.0), ("Graves' disease or phaeochromocytoma", 0.0)],
)
def test_a_diagnosis_is_graded_as_it_is_meant(clinic, answer, worth):
    play = Play(clinic[0])
    for call in clinic[0].task.gold[:-1]:
        play.make(call.name, call.arguments)
    play.make("submit_answer", {"answer": answer})
    assert grade(standard_of(clinic[0]), play.attempt()).score == worth


@pytest.mark.parametrize("name", ["Objective_for_Doctor", "Patient_Actor", "Physical_Examination_Findings", "Correct_Diagnosis"])
def test_malformed_cases_are_named(name):
    with pytest.raises(ScenarioError, match=rf"x: task case_003: OSCE_Examination.{name}: missing"):
        read_case({"OSCE_Examination": without(CASE["OSCE_Examination"], name)}, 3, "x")


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


@needs_data
def test_agentclinic_cases_prove_themselves():
    tasks = load_suite("agentclinic", SHARED / "agentclinic").tasks
    assert len(tasks) == 20
    for placed in tasks:
        scores = {}
        for script in ("gold", "idle", "spam", "paste", "stuffed"):
            play = Play(placed)
            SCRIPTS[script](play)
            scores[script] = grade(standard_of(placed), play.attempt()).score
        assert scores == {"gold": 1.0, "idle": 0.0, "spam": 0.0, "paste": 0.0, "stuffed": 0.0}, placed.task.id


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

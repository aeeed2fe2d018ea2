"""AgentClinic cases: a patient who answers from the chart, findings that show when they are asked for, a diagnosis graded as it is meant."""

import json
from pathlib import Path

import pytest

from clinsim.benchmark.agentclinic import read_case
from clinsim.benchmark.play import Play, standard_of
from clinsim.benchmark.policies import SCRIPTS
from clinsim.benchmark.strict import grade
from clinsim.benchmark.suite import load_suite
from clinsim.errors import ScenarioError

SHARED = Path(__file__).parents[3] / "shared" / "data"
needs_data = pytest.mark.skipif(not SHARED.is_dir(), reason="the files of other benchmarks are not beside the checkout")

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

"""Own suites of clinical diagnosis, health records and triage: every task proves itself, rote play earns little, other words are understood."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest

from clinsim.benchmark.answers import states
from clinsim.benchmark.play import Play, standard_of
from clinsim.benchmark.policies import SCRIPTS
from clinsim.benchmark.proof import check_suite, crowded, score_of
from clinsim.benchmark.rote import lines_of, read_all, submit
from clinsim.benchmark.strict import grade
from clinsim.benchmark.suite import load_suite, own_folders
from clinsim.data_file import read_yaml
from clinsim.hospital.calculators.catalogue import find
from clinsim.hospital.calculators.quantity import Quantity
from clinsim.hospital.domains import load_database

MOST_FOR_ROTE = 0.85
AT_LEAST = {"clinical_diagnosis": (12, 20), "ehr_management": (12, 30), "triage_emergency": (12, 30)}
"""Patients and tasks of each domain at the least."""


@pytest.fixture(scope="module", params=AT_LEAST)
def suite(request):
    return written_by_hand(request.param)


def written_by_hand(name):
    """A suite without its generated tasks, which prove themselves elsewhere."""
    whole = load_suite(name)
    return replace(whole, tasks=tuple(placed for placed in whole.tasks if placed.file == "tasks.json"))


def test_every_task_proves_itself(suite):
    assert check_suite(suite, suite.tasks, processes=1) == []


def test_a_domain_is_no_whole_suite(suite):
    """Templates of generated tasks are counted in the whole of the own suite."""
    whole = load_suite(suite.name)
    assert len(whole.tasks) > len(suite.tasks)
    assert list(crowded(whole, whole.tasks)) == []
    assert suite.name == "triage_emergency" or list(crowded(replace(whole, name="own"), whole.tasks)) != []


def test_there_are_enough(suite):
    patients, tasks = AT_LEAST[suite.name]
    assert len({name for placed in suite.tasks for name in placed.task.patients}) >= patients
    assert len(suite.tasks) >= tasks
    assert {placed.split for placed in suite.tasks} == {"train", "test", "heldout"}
    assert {placed.task.difficulty for placed in suite.tasks} == {"easy", "medium", "hard"}
    assert all(placed.task.origin["rationale"] and placed.task.origin["source"] for placed in suite.tasks)


def test_the_database_opens(suite):
    assert load_database(suite.name, own_folders()[suite.name] / "db.json").open().records


@pytest.mark.parametrize("policy", ["rote", "guideline"])
def test_rote_play_leaves_headroom(suite, policy):
    assert fmean(score_of(policy, placed) for placed in suite.tasks) <= MOST_FOR_ROTE


def test_quoting_the_right_lines_leaves_headroom(suite):
    """Whoever reads all and knows which lines to quote: what an easy look-up could earn at most."""
    scores = []
    for placed in suite.tasks:
        play = Play(placed)
        read = read_all(play)
        lines = lines_of(read)
        quoted = (next((line for line in lines if states(fact, line)), "") for fact in placed.task.answer.facts)
        submit(play, ". ".join(line.rstrip(".") for line in dict.fromkeys(quoted)), read)
        scores.append(grade(standard_of(placed), play.attempt()).score)
    assert 0.0 < fmean(scores) <= MOST_FOR_ROTE


def test_the_fifteen_categories_of_health_records():
    counts = Counter(placed.task.category for placed in written_by_hand("ehr_management").tasks)
    assert len(counts) == 15
    assert min(counts.values()) >= 2


OTHER_WORDS = read_yaml((Path(__file__).parent / "other_words.yaml").read_text(), "other_words.yaml")
"""Answers that say what the plan says in other words."""
MORE_WORDS = {
    ("clinical_diagnosis", "cd-01-curb"): "Her CURB-65 score is 1: only the urea is raised, she is oriented now. She can be treated at home.",
    ("clinical_diagnosis", "cd-03-calcium"): (
        "This is plasma cell myeloma. Albumin-corrected calcium = 13.6 mg/dL. Parathyroid hormone came back at 6 pg/mL. "
        "Primary hyperparathyroidism is ruled out."
    ),
    (
        "clinical_diagnosis",
        "cd-08-inducer",
    ): "Start warfarin, because carbamazepine would lower the level of any direct anticoagulant. Discontinue aspirin.",
    ("clinical_diagnosis", "cd-19-ttp"): (
        "TTP. The film shows 6 % schistocytes. Enoxaparin is not to blame: the low count was drawn before the first dose. "
        "DIC is excluded by normal clotting."
    ),
    ("clinical_diagnosis", "cd-23-gap"): "The gap is 32. Valid potassium: 3.1 mmol/L. Do not start insulin until potassium is replaced.",
    ("ehr_management", "eh-01-cardiorenal"): (
        "His peak of 2.4 mg/dL is KDIGO 1. Weight is 1.6 kg above the target. This is cardiorenal: venous congestion, not overdiuresis."
    ),
    ("ehr_management", "eh-11-valve"): (
        "Discontinue apixaban because of the mechanical mitral valve. Enoxaparin goes on until INR 2.5. Today's INR is too low. Keep warfarin."
    ),
    ("ehr_management", "eh-16-three-beds"): "I see H5051 first, he is rebleeding. H5061 is a CO2 retainer whose target is 88-92 %.",
    ("ehr_management", "eh-27-compartment"): (
        "Abdominal compartment syndrome; APP = 44 mmHg; KDIGO stage 3. He is overloaded: 250 mL/h is too much and should be cut."
    ),
    ("triage_emergency", "tr-02-reversal"): "CT shows a subdural hematoma. She took apixaban at 08:00, so give PCC 50 units/kg.",
    ("triage_emergency", "tr-04-nitrate"): (
        "Avoid nitroglycerin: he took sildenafil this morning, V4R shows right ventricular infarction, and pressure is only 102."
    ),
    ("triage_emergency", "tr-20-no-lysis"): (
        "She is outside the window (9.5 h) and INR is 2.6, so do not give alteplase. An M1 occlusion within 24 hours: thrombectomy."
    ),
    ("triage_emergency", "tr-24-thunderclap"): (
        "Thunderclap headache: SAH must be found. A CT at 14 hours does not exclude it. Next: lumbar puncture."
    ),
}
"""And once more in others."""
WRONG_WORDS = {
    ("clinical_diagnosis", "cd-01-curb"): "Her CURB-65 score is 2. She can be treated at home.",
    ("clinical_diagnosis", "cd-03-calcium"): "Primary hyperparathyroidism or myeloma. Corrected calcium 13.6 mg/dL, PTH 6 pg/mL.",
    ("clinical_diagnosis", "cd-23-gap"): "The gap is 32. Potassium 5.4. Insulin may begin.",
    ("ehr_management", "eh-01-cardiorenal"): "KDIGO stage 2, 1.6 kg above the discharge weight, from overdiuresis.",
    ("ehr_management", "eh-16-three-beds"): "See H5061 first, saturation is 89 %; H5051 bleeds.",
    ("triage_emergency", "tr-20-no-lysis"): "Give alteplase, INR 2.6. Thrombectomy after that.",
    ("triage_emergency", "tr-12-sepsis-drug"): "Start meropenem 1 g, as he has a penicillin allergy. Crystalloid 2100 mL.",
}


PROSE = {"clinical_diagnosis": "answer", "ehr_management": "answer", "triage_emergency": "reasoning"}


def _with_answer(key, text):
    placed = written_by_hand(key[0]).task(*key)
    play = Play(placed)
    for call in placed.task.gold:
        play.make(call.name, {**call.arguments, PROSE[key[0]]: text} if call.name == "submit_answer" else call.arguments)
    return grade(standard_of(placed), play.attempt()).score


@pytest.mark.parametrize("key", MORE_WORDS, ids=lambda key: key[1])
def test_still_other_words_are_understood(key):
    assert _with_answer(key, MORE_WORDS[key]) == pytest.approx(1.0)


def test_every_task_understands_other_words(suite):
    assert set(OTHER_WORDS[suite.name]) == {placed.task.id for placed in suite.tasks}
    scores = {task_id: _with_answer((suite.name, task_id), text) for task_id, text in OTHER_WORDS[suite.name].items()}
    assert {task_id: score for task_id, score in scores.items() if score < 1.0 - 1e-9} == {}


@pytest.mark.parametrize("key", WRONG_WORDS, ids=lambda key: key[1])
def test_wrong_words_are_not_paid(key):
    assert _with_answer(key, WRONG_WORDS[key]) <= 0.5


def q(value, unit):
    return Quantity(value, unit)


WORKED_OUT = [
    ("clinical_diagnosis", "cd-03-calcium", "corrected_calcium", {"calcium": q(12.4, "mg/dL"), "albumin": q(2.5, "g/dL")}),
    (
        "clinical_diagnosis",
        "cd-05-wells",
        "wells_pe",
        {"heart_rate": q(112, "1/min"), "dvt_signs": True, "most_likely_diagnosis": True, "immobile_or_surgery": True},
    ),
    ("clinical_diagnosis", "cd-23-gap", "anion_gap", {"sodium": q(131, "mmol/L"), "chloride": q(92, "mmol/L"), "bicarbonate": q(7, "mmol/L")}),
    (
        "clinical_diagnosis",
        "cd-25-meld",
        "meld_na",
        {"bilirubin": q(4.1, "mg/dL"), "inr": q(1.7, ""), "creatinine": q(1.9, "mg/dL"), "sodium": q(129, "mmol/L")},
    ),
    ("clinical_diagnosis", "cd-29-bmi", "bmi", {"weight": q(70, "kg"), "height": q(178, "cm")}),
    (
        "ehr_management",
        "eh-04-sofa",
        "sofa",
        {
            "pao2": q(72, "mmHg"),
            "fio2": q(0.5, "fraction"),
            "respiratory_support": True,
            "platelets": q(88, "10^9/L"),
            "bilirubin": q(2.4, "mg/dL"),
            "mean_pressure": q(67, "mmHg"),
            "norepinephrine": q(14 / 78, "µg/kg/min"),
            "gcs": 15.0,
            "creatinine": q(2.6, "mg/dL"),
        },
    ),
    (
        "ehr_management",
        "eh-13-child-pugh",
        "child_pugh",
        {"bilirubin": q(2.6, "mg/dL"), "albumin": q(2.7, "g/dL"), "inr": q(1.9, ""), "ascites": "moderate", "encephalopathy": "grade 1-2"},
    ),
    ("ehr_management", "eh-03-lace", "lace", {"stay": q(6, "days"), "acute": True, "charlson": 2.0, "visits_6_months": 1.0}),
    (
        "ehr_management",
        "eh-29-hospital-score",
        "hospital",
        {"haemoglobin": q(11.2, "g/dL"), "sodium": q(136, "mmol/L"), "stay": q(7, "days"), "admissions_last_year": 2.0, "urgent": True},
    ),
    ("ehr_management", "eh-23-ketoacidosis", "anion_gap", {"sodium": q(140, "mmol/L"), "chloride": q(112, "mmol/L"), "bicarbonate": q(19, "mmol/L")}),
    ("ehr_management", "eh-28-calcium", "corrected_calcium", {"calcium": q(6.4, "mg/dL"), "albumin": q(3.2, "g/dL")}),
    ("triage_emergency", "tr-11-cold-sepsis", "qsofa", {"respiratory_rate": q(24, "1/min"), "sbp": q(106, "mmHg"), "gcs": 13.0}),
    (
        "triage_emergency",
        "tr-38-news",
        "news2",
        {
            "respiratory_rate": q(24, "1/min"),
            "spo2": q(93, "%"),
            "sbp": q(106, "mmHg"),
            "heart_rate": q(86, "1/min"),
            "temperature": q(35.4, "°C"),
            "gcs": 13.0,
        },
    ),
    ("triage_emergency", "tr-39-mean", "mean_arterial_pressure", {"sbp": q(172, "mmHg"), "dbp": q(94, "mmHg")}),
]
"""Numbers of tasks, and the calculator of the house with the inputs that the record holds."""


@pytest.mark.parametrize(("domain", "task_id", "name", "given"), WORKED_OUT, ids=[row[1] for row in WORKED_OUT])
def test_numbers_come_from_the_calculators(domain, task_id, name, given):
    value = find(name).of(**given).value
    facts = written_by_hand(domain).task(domain, task_id).task.answer.facts
    assert any(fact.number is not None and abs(fact.number - value) <= fact.tolerance * abs(value) + 1e-9 for fact in facts), value


STAGES = [("eh-01-cardiorenal", 2.4, 1.4, "stage 1"), ("eh-18-retention", 3.3, 1.3, "stage 2"), ("eh-27-compartment", 3.2, 1.0, "stage 3")]


@pytest.mark.parametrize(("task_id", "creatinine", "usual", "stage"), STAGES)
def test_stages_come_from_the_calculator(task_id, creatinine, usual, stage):
    found = find("kdigo_aki").of(creatinine=q(creatinine, "mg/dL"), lowest_in_7_days=q(usual, "mg/dL"))
    assert f"stage {found.value:g}" == stage
    assert any(stage in fact.any for fact in written_by_hand("ehr_management").task("ehr_management", task_id).task.answer.facts)


def test_no_plan_prescribes_against_a_serious_finding():
    """The one pair that stays is wanted: warfarin beside carbamazepine, by INR."""
    found = []
    for placed in written_by_hand("clinical_diagnosis").tasks:
        play = Play(placed)
        SCRIPTS["gold"](play)
        found += [warning for call in play.calls if call.name == "prescribe_medication" for warning in call.result["warnings"]]
    grave = [warning for warning in found if warning.startswith(("serious", "significant", "contraindicated"))]
    assert [warning.split(" (")[0] for warning in grave] == ["significant: warfarin with carbamazepine"]

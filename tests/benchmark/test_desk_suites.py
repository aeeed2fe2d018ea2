"""Own suites of questions, drugs, images and reports: every task proves itself, is answered by what is on record, and rote play earns little."""

from statistics import fmean

import pytest

from clinsim.benchmark.play import Play, standard_of
from clinsim.benchmark.proof import check_suite, score_of
from clinsim.benchmark.strict import grade
from clinsim.benchmark.suite import load_suite, own_folders
from clinsim.hospital.domains import call, load_database
from clinsim.hospital.safety import interaction

MOST_FOR_ROTE = 0.85
AT_LEAST = {"medical_qa": (0, 60), "drug_interaction": (12, 20), "visual_diagnosis": (12, 20), "radiology_report": (12, 20)}
"""Patients and hand-written tasks of each domain at the least."""


def written(domain):
    return [placed for placed in load_suite(domain).tasks if placed.file == "tasks.json"]


@pytest.mark.parametrize("domain", AT_LEAST)
def test_every_task_proves_itself(domain):
    assert check_suite(load_suite(domain), written(domain), processes=1) == []


@pytest.mark.parametrize("domain", AT_LEAST)
def test_there_are_enough(domain):
    tasks = written(domain)
    patients, least = AT_LEAST[domain]
    assert len(tasks) >= least
    assert len({name for placed in tasks for name in placed.task.patients}) >= patients
    assert {placed.split for placed in tasks} == {"train", "test", "heldout"}
    assert {placed.task.difficulty for placed in tasks} >= {"medium", "hard"}
    assert all(placed.task.origin["rationale"] and placed.task.origin["source"] for placed in tasks)


@pytest.mark.parametrize("domain", AT_LEAST)
@pytest.mark.parametrize("policy", ["rote", "guideline"])
def test_rote_play_leaves_headroom(domain, policy):
    assert fmean(score_of(policy, placed) for placed in written(domain)) <= MOST_FOR_ROTE


def test_no_letter_is_a_good_guess():
    letters = [placed.task.answer.choice for placed in written("medical_qa")]
    assert max(letters.count(letter) for letter in "ABCD") <= 0.4 * len(letters)


def test_the_entry_is_found_by_the_words_of_its_question():
    """The evidence is in the knowledge base, and searching finds it among the first five."""
    world = load_database("medical_qa", own_folders()["medical_qa"] / "db.json").open()
    found = 0
    for placed in written("medical_qa"):
        hits = call(world, "medical_qa", "search_medical_wiki", {"query": placed.task.ticket}).result["results"]
        found += placed.task.subjects[0] in [row["entry_id"] for row in hits]
    assert found >= 0.9 * len(written("medical_qa"))


TIERS = [
    ("clarithromycin", "simvastatin", "contraindicated"),
    ("clarithromycin", "warfarin", "moderate"),
    ("warfarin", "paracetamol", "suppressed"),
    ("warfarin", "ibuprofen", "major"),
    ("lithium", "lisinopril", "major"),
    ("valproate", "meropenem", "contraindicated"),
    ("metoprolol", "paroxetine", "moderate"),
    ("ciprofloxacin", "tizanidine", "contraindicated"),
    ("ciprofloxacin", "theophylline", "major"),
    ("ciprofloxacin", "salbutamol", None),
    ("clopidogrel", "omeprazole", "major"),
    ("methotrexate", "ibuprofen", "moderate"),
    ("levodopa", "ondansetron", None),
    ("carbamazepine", "apixaban", "major"),
]
"""What the answers of the drug tasks rest on."""


@pytest.mark.parametrize(("a", "b", "tier"), TIERS)
def test_answers_rest_on_what_the_house_holds(a, b, tier):
    assert interaction(a, b).tier == tier


OTHER_WORDS = [
    ("drug_interaction", "di-01-statin", "Simvastatin must stop during the course. Warfarin goes on; check the INR in three days.", 1.0),
    ("drug_interaction", "di-05-quarter", "Lower azathioprine to 25 mg a day.", 1.0),
    ("drug_interaction", "di-05-quarter", "Azathioprine is 50 mg.", 0.0),
    ("drug_interaction", "di-03-lithium", "Discontinue ibuprofen. Discontinue lisinopril.", 1.0),
    ("drug_interaction", "di-03-lithium", "Stop all of them.", 0.0),
    ("visual_diagnosis", "vd-01-side", "There is a left sided pneumothorax with a rim of 23.6 mm.", 1.0),
    ("visual_diagnosis", "vd-01-side", "Right pneumothorax. Rim is 23.6 mm.", 0.0),
    ("visual_diagnosis", "vd-05-growth", "Right upper nodule; growth of 4.9 mm.", 1.0),
    ("visual_diagnosis", "vd-05-growth", "Right nodule. Growth is 1 2 3 4 4.9 5 6 7 8 mm.", 0.5),
    ("radiology_report", "rr-06-growth", "Growth of the nodule: 3 mm.", 1.0),
    ("medical_qa", "qa-w01-1", "I do not know.", 0.0),
]
"""Answers in other words, or wrong ones, and what they are worth after the reads of the plan."""


@pytest.mark.parametrize(("domain", "task", "text", "worth"), OTHER_WORDS)
def test_what_an_answer_is_worth(domain, task, text, worth):
    placed = load_suite(domain).task(domain, task)
    play = Play(placed)
    for step in placed.task.gold:
        play.make(step.name, {**step.arguments, "answer": text} if step.name == "submit_answer" else step.arguments)
    assert grade(standard_of(placed), play.attempt()).score == pytest.approx(worth)

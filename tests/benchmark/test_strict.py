"""The strict scorer: components by hand, attacks on a small suite, and properties that no attempt breaks."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinsim.benchmark.answers import states
from clinsim.benchmark.attempt import Attempt, Made
from clinsim.benchmark.compare import fits_pattern, how, same
from clinsim.benchmark.play import Play, standard_of
from clinsim.benchmark.policies import ATTACKS, SCRIPTS
from clinsim.benchmark.proof import Problem, check_suite, problems_of
from clinsim.benchmark.strict import grade
from clinsim.benchmark.suite import load_suite
from clinsim.benchmark.task import Fact

SUITE = load_suite(str(Path(__file__).parent / "clinical_diagnosis"))
POTASSIUM, RATE = SUITE.tasks
GOLD = [(call.name, call.arguments) for call in POTASSIUM.task.gold]
LABS, DRUGS, DIAGNOSIS, ANSWER = GOLD


def played(placed, calls, final_answer=""):
    play = Play(placed)
    for name, arguments in calls:
        if not play.over:
            play.make(name, arguments)
    if final_answer:
        play.final_answer = final_answer
    return grade(standard_of(placed), play.attempt())


def answer(text):
    return ("submit_answer", {"answer": text})


NOTE = ("add_clinical_note", {"patient_id": "B1", "note_type": "progress", "content": "Seen."})
SPIRONOLACTONE = ("prescribe_medication", {"patient_id": "B1", "drug_name": "spironolactone", "dosage": "25 mg", "frequency": "once daily"})
BY_HAND = {
    "gold": (GOLD, {"score": 1.0, "evidence": 1.0, "answer": 1.0, "actions": 1.0, "state": 1.0}),
    "nothing": ([], {"score": 0.0, "evidence": 0.0}),
    "one of two reads": ([LABS, DIAGNOSIS, ANSWER], {"score": 0.5, "evidence": 0.5}),
    "half the facts": ([LABS, DRUGS, DIAGNOSIS, answer("Stop lisinopril.")], {"score": 0.5, "answer": 0.5}),
    "reads alone": ([LABS, DRUGS], {"score": 0.0, "evidence": 1.0, "answer": 0.0, "actions": 0.0}),
    "nothing done": ([LABS, DRUGS, ANSWER], {"score": 0.0, "actions": 0.0, "answer": 1.0}),
    "done before it was seen": ([DIAGNOSIS, LABS, DRUGS, ANSWER], {"score": 0.0, "actions": 0.0}),
    "a note besides": ([LABS, DRUGS, DIAGNOSIS, NOTE, ANSWER], {"score": 2 / 3, "state": 2 / 3}),
    "done twice": ([LABS, DRUGS, DIAGNOSIS, DIAGNOSIS, ANSWER], {"actions": 1.0, "state": 2 / 3}),
    "a synonym": (
        [LABS, DRUGS, ("record_diagnosis", {"patient_id": "b1".upper(), "diagnosis": "High potassium", "confidence": "HIGH"}), ANSWER],
        {"score": 1.0},
    ),
    "another diagnosis": (
        [LABS, DRUGS, ("record_diagnosis", {"patient_id": "B1", "diagnosis": "sepsis", "confidence": "high"}), ANSWER],
        {"score": 0.0, "actions": 0.0},
    ),
    "a useless repeat": ([LABS, LABS, DRUGS, DIAGNOSIS, ANSWER], {"score": 0.99, "repeats": 0.01}),
    "many useless repeats": ([LABS] * 20 + [DRUGS, DIAGNOSIS, ANSWER], {"score": 0.9, "repeats": 0.1}),
    "both alternatives": (
        [LABS, DRUGS, DIAGNOSIS, answer("Stop lisinopril, potassium 6.4. Or increase lisinopril.")],
        {"score": 0.0, "answer": 0.0},
    ),
    "something unsafe done": ([LABS, DRUGS, DIAGNOSIS, SPIRONOLACTONE, ANSWER], {"score": -0.4, "answer": 1.0}),
    "something unsafe said": ([LABS, DRUGS, DIAGNOSIS, answer("Continue lisinopril.")], {"score": -0.2}),
    "somebody else written to": (
        [LABS, DRUGS, DIAGNOSIS, ("add_clinical_note", {"patient_id": "B2", "note_type": "progress", "content": "x"}), ANSWER],
        {"score": -0.25},
    ),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_by_hand(name):
    calls, wanted = BY_HAND[name]
    graded = played(POTASSIUM, calls)
    assert {key: getattr(graded, key) for key in wanted} == pytest.approx(wanted)


def test_last_words_are_an_answer():
    assert played(POTASSIUM, [LABS, DRUGS, DIAGNOSIS], ANSWER[1]["answer"]).score == 1.0


def test_thoughts_are_no_answer():
    assert played(POTASSIUM, [LABS, DRUGS, DIAGNOSIS, ("think", {"thought": ANSWER[1]["answer"]})]).answer == 0.0


def test_another_read_that_serves_as_well():
    assert played(RATE, [("get_vital_signs_trend", {"patient_id": "B2"}), answer("A")]).score == 1.0
    assert played(RATE, [("get_vital_signs", {"patient_id": "B2"}), answer("yes, it is normal")]).score == 1.0
    assert played(RATE, [("get_vital_signs", {"patient_id": "B2"}), answer("A or B")]).score == 0.0
    assert played(RATE, [("get_vital_signs", {"patient_id": "B2"}), ("submit_answer", {"answer": "A", "reasoning": "B is not so"})]).score == 1.0
    assert played(RATE, [("get_vital_signs", {"patient_id": "B1"}), answer("A")]).score == 0.0


@pytest.mark.parametrize("attack", ["idle", *ATTACKS])
@pytest.mark.parametrize("placed", SUITE.tasks, ids=lambda placed: placed.task.id)
def test_attacks_earn_nothing(attack, placed):
    play = Play(placed)
    SCRIPTS[attack](play)
    score = grade(standard_of(placed), play.attempt()).score
    assert score <= 0.05
    assert attack != "idle" or score == 0.0


def test_every_number_that_it_might_be_is_said_and_none_counts():
    play = Play(POTASSIUM)
    SCRIPTS["enumerated"](play)
    assert [call.name for call in play.calls] == ["get_lab_results", "get_medications", "submit_answer"]
    said = play.calls[-1].arguments["answer"]
    assert "potassium is 6.4" in said
    assert "potassium is 5.76" in said
    assert not any(states(fact, said) for fact in POTASSIUM.task.answer.facts)


def test_the_small_suite_proves_itself():
    assert check_suite(SUITE, SUITE.tasks, processes=1) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"subjects": ("B9",)}, "whom the task is not about"),
        ({"answer": POTASSIUM.task.answer.model_copy(update={"facts": ()}), "gold": POTASSIUM.task.gold[:2]}, "cannot be graded"),
        ({"database": "nowhere.json"}, "nowhere.json"),
        (
            {
                "answer": POTASSIUM.task.answer.model_copy(
                    update={"facts": (Fact(any=("sepsis",)), Fact(any=("potassium",), against=("lisinopril",)))}
                )
            },
            "gold scores 0.500, not 1: answer 0.5, does not state 'sepsis'",
        ),
    ],
)
def test_a_task_that_does_not_prove_itself_is_told(change, problem):
    task = POTASSIUM.task.model_copy(update=change)
    assert any(problem in found for found in problems_of(replace(POTASSIUM, task=task)))


def test_splits_that_share_a_patient_or_a_template_are_told():
    twin = replace(POTASSIUM, task=POTASSIUM.task.model_copy(update={"id": "twin", "ticket": "Something else about her?"}), split="test")
    problems = [problem.problem for problem in check_suite(SUITE, [POTASSIUM, twin], processes=1)]
    assert [text.split(" with ")[0] for text in problems] == ["shares the patient B1", "shares the template drug-and-lab"]


def test_a_template_may_not_crowd_a_suite_nor_a_task_be_asked_twice():
    many = [replace(RATE, task=RATE.task.model_copy(update={"id": f"t{k}", "patients": (f"X{k}",), "template": f"p{k % 18}"})) for k in range(108)]
    assert [problem for problem in check_suite(SUITE, many, processes=1) if "template makes" in problem.problem] == [
        Problem("clinical_diagnosis", "", f"p{k}", "template makes 6 of 108 tasks; at most 5%") for k in range(18)
    ]
    twins = [replace(RATE, task=RATE.task.model_copy(update={"id": name, "ticket": f"{RATE.task.ticket} Say {name}."})) for name in ("a", "b")]
    assert [problem.problem for problem in check_suite(SUITE, [*twins, POTASSIUM], processes=1)] == []
    again = [replace(RATE, task=RATE.task.model_copy(update={"id": name})) for name in ("a", "b")]
    assert [problem.problem for problem in check_suite(SUITE, again, processes=1)] == ["asks nearly the same as a"]


made = st.one_of(
    st.sampled_from(GOLD),
    st.sampled_from([NOTE, SPIRONOLACTONE, answer("Potassium 6.4: stop lisinopril."), answer("Continue lisinopril.")]),
    st.tuples(st.sampled_from(["get_lab_results", "get_medications", "record_diagnosis", "nothing"]), st.just({"patient_id": "B2"})),
)


@given(st.lists(made, max_size=8), st.text(max_size=40))
def test_scores_stay_in_range(calls, text):
    graded = played(POTASSIUM, calls, text)
    assert -0.5 <= graded.score <= 1.0
    assert all(part is None or 0.0 <= part <= 1.0 for part in (graded.evidence, graded.answer, graded.actions, graded.state))


@given(st.lists(st.sampled_from(GOLD), max_size=6))
def test_no_run_of_gold_calls_beats_the_plan(calls):
    assert played(POTASSIUM, calls).score <= 1.0
    assert played(POTASSIUM, [call for call in calls if call != ANSWER]).score == 0.0


@given(st.lists(made, max_size=6))
def test_failed_calls_earn_nothing(calls):
    failed = Attempt(tuple(Made(name, arguments, False) for name, arguments in [*GOLD, *calls]), turns=1)
    assert grade(standard_of(POTASSIUM), failed).score == 0.0


@given(st.permutations(["labs", "drugs"]), st.integers(0, 3))
def test_extra_reads_cost_at_most_the_repeats(order, extra):
    reads = [{"labs": LABS, "drugs": DRUGS}[name] for name in order]
    assert played(POTASSIUM, [*reads, *[LABS] * extra, DIAGNOSIS, ANSWER]).score == pytest.approx(1.0 - 0.01 * extra)


@pytest.mark.parametrize(
    ("name", "wanted", "given_", "true"),
    [
        ("patient_id", "P1", "p1 ", True),
        ("patient_id", "P1", "P10", False),
        ("icd10_code", "J18.9", "J18.0", False),
        ("gfr", 32.0, 32.5, True),
        ("gfr", 32.0, 33.0, False),
        ("esi_level", 2, 2, True),
        ("esi_level", 2, 2.5, False),
        ("esi_level", 2, "2", False),
        ("active_only", True, 1, False),
        ("drug_name", "paracetamol", "Acetaminophen", True),
        ("drug_name", "apixaban", "Eliquis", True),
        ("drug_name", "apixaban", "apixaban 5 mg", True),
        ("drug_name", "apixaban", "rivaroxaban", False),
        ("dosage", "500 mg", "500mg", True),
        ("dosage", "500 mg", "50 mg", False),
        ("tests", ["troponin", "CBC"], ["full blood count", "troponin"], True),
        ("tests", ["troponin", "CBC"], ["troponin", "troponin"], False),
        ("tests", ["troponin"], "troponin", False),
        ("reasoning", "because", "whatever", True),
        ("lab_name", "", "potassium", False),
    ],
)
def test_typed_comparison(name, wanted, given_, true):
    assert same(how(name, wanted), wanted, given_) is true


def test_a_term_may_be_named_in_a_longer_one():
    assert same("names", "CT", "CT of the head")
    assert not same("names", "CT head", "MRI of the head")
    assert not same("names", "CT", None)
    assert same("names", ["lactate"], ["CBC", "serum lactate"])
    assert not same("names", ["lactate", "CBC"], ["lactate"])


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        ("stemi", "anaphylaxis stemi stroke"),
        ("CT", "CT MRI US"),
        ("chest", "head, neck, chest, abdomen, limb"),
        ("ceftriaxone", "ceftriaxone vancomycin cefazolin"),
        ("surgery", f"surgery {'or whatever else it takes ' * 5}"),
        (["lactate"], ["lactate", "CBC", "INR", "troponin"]),
        (["lactate"], ["lactate CBC INR troponin"]),
    ],
)
def test_who_names_all_there_is_has_chosen_nothing(wanted, given):
    assert not same("names", wanted, given)


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        ("ceftriaxone", "ceftriaxone 2 g in 50 mL of saline, intravenously over 30 minutes, once daily for 7 days, first dose now"),
        ("piperacillin-tazobactam", "Zosyn 4.5 g"),
        ("aneurysm", "ruptured abdominal aortic aneurysm, vascular emergency"),
        ("chest", "chest, abdomen and pelvis"),
        ("blood film", "peripheral blood film with CBC"),
    ],
)
def test_what_is_named_at_length_is_named(wanted, given):
    assert same("names", wanted, given)


def test_the_state_is_compared_as_the_plan_says():
    act = POTASSIUM.task.gold[2]
    loose = act.model_copy(update={"compare": {"confidence": "free"}})
    task = POTASSIUM.task.model_copy(update={"gold": (*POTASSIUM.task.gold[:2], loose, POTASSIUM.task.gold[3])})
    less_sure = (DIAGNOSIS[0], {**DIAGNOSIS[1], "confidence": "low"})
    assert played(replace(POTASSIUM, task=task), [LABS, DRUGS, less_sure, ANSWER]).score == 1.0
    assert played(POTASSIUM, [LABS, DRUGS, less_sure, ANSWER]).state < 1.0


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ("Potassium is 3.1. Do not give insulin before potassium is replaced.", True),
        ("Potassium is not 3.1.", False),
        ("Potassium is 3.1. Potassium is not 3.1.", False),
        ("Potassium is replaced.", False),
    ],
)
def test_a_number_is_judged_where_it_stands(text, true):
    assert states(Fact(any=("potassium",), number=3.1), text) is true


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ("Aspirin.", True),
        ("Stop aspirin.", True),
        ("Aspirin thins the blood. Stop aspirin.", True),
        ("Not aspirin.", False),
        ("Do not stop aspirin.", False),
    ],
)
def test_the_longest_phrase_counts(text, true):
    assert states(Fact(any=("aspirin", "stop aspirin")), text) is true


@pytest.mark.parametrize(
    ("name", "true"),
    [
        ("azithromycin", True),
        ("Zithromax", True),
        ("azithromycin 500 mg", True),
        ("azithromycin tablets", True),
        ("doxycycline with azithromycin", True),
        ("doxycycline", False),
    ],
)
def test_a_forbidden_drug_is_known_by_any_name(name, true):
    assert fits_pattern({"drug_name": "azithromycin"}, {"drug_name": name}) is true


def test_a_forbidden_drug_is_found_in_a_combination():
    assert fits_pattern({"drug_name": "amoxicillin"}, {"drug_name": "Augmentin"})
    assert not fits_pattern({"drug_name": "doxycycline"}, {"drug_name": "Augmentin"})


@pytest.mark.parametrize(
    ("details", "true"), [("Insulin", True), ("insulin 10 units iv", True), ("Stop insulin", False), ("No insulin today", False), ("dextrose", False)]
)
def test_a_pattern_is_looked_for_in_prose(details, true):
    assert fits_pattern({"order_type": "medication", "order_details": "insulin"}, {"order_type": "medication", "order_details": details}) is true

"""What a text asserts: synonyms, spellings, numbers and negation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinsim.benchmark.answers import letters, said, states, worth
from clinsim.benchmark.assertion import phrase, sentences, share_of_words, stances
from clinsim.benchmark.suite import read_own
from clinsim.benchmark.task import Answer, Fact

STANCES = [
    ("The patient had a heart attack.", "myocardial infarction", {"said"}),
    ("No pneumothorax, effusion or fracture.", "fracture", {"denied"}),
    ("There is no pneumothorax but a pleural effusion.", "pleural effusion", {"said"}),
    ("Pneumonia has been ruled out.", "pneumonia", {"denied"}),
    ("Pneumonia is unlikely.", "pneumonia", {"denied"}),
    ("Rule out pulmonary embolism.", "PE", {"open"}),
    ("PE cannot be excluded.", "pulmonary embolism", {"open"}),
    ("Improving rather than deteriorating.", "worsening", {"denied"}),
    ("Improving rather than deteriorating.", "getting better", {"said"}),
    ("Not only pneumonia, an abscess too.", "pneumonia", {"said"}),
    ("Avoid amoxicillin and penicillin.", "penicillin", {"denied"}),
    ("Amoxicillin should be avoided.", "amoxicillin", {"denied"}),
    ("Hold metformin given acute kidney injury.", "AKI", {"said"}),
    ("Stop lisinopril: the potassium is 6.4.", "potassium", {"said"}),
    ("Stop lisinopril.", "stop lisinopril", {"said"}),
    ("Heparin is not the cause, the platelets were low before it.", "low before it", {"said"}),
    ("It is not the case that she has, after all that was seen and heard today, a sepsis.", "sepsis", {"denied"}),
    ("Discontinue the lisinopril.", "stop lisinopril", {"said"}),
    ("Do not stop lisinopril.", "stop lisinopril", {"denied"}),
    ("Without sepsis at first. Sepsis on day two.", "sepsis", {"denied", "said"}),
    ("She denies chest pain, and has dyspnoea.", "shortness of breath", {"said"}),
    ("Haemorrhage, oedema", "hemorrhage edema", {"said"}),
    ("Ischaemic changes of the oesophagus", "ischemic change of the esophagus", {"said"}),
    ("Grown: E. coli, e.g. from the urine.", "E. coli", {"said"}),
    ("Is it pneumonia? Hardly.", "pneumonia", {"open"}),
    ("Pneumothorax: none.", "pneumothorax", {"denied"}),
    ("Pneumothorax: on the left.", "pneumothorax", {"said"}),
    ("It isn't sepsis.", "sepsis", {"denied"}),
    ("She is no longer hypotensive.", "hypotensive", {"denied"}),
    ("Neither sepsis nor pneumonia.", "pneumonia", {"denied"}),
    ("If potassium rises, stop lisinopril.", "stop lisinopril", {"said"}),
    ("If potassium rises, stop lisinopril.", "potassium rises", {"open"}),
    ("Possible pneumonia.", "pneumonia", {"open"}),
    ("Probable pneumonia.", "pneumonia", {"said"}),
    ("Pneumonia is less likely.", "pneumonia", {"open"}),
    ("No potassium above 5 mmol/L. Insulin may begin.", "insulin", {"said"}),
    ("Not more than 90 g. Albumin is given.", "albumin", {"said"}),
    ("Nothing of the kind", "sepsis", set()),
    ("It is not the case that there is no pneumothorax.", "pneumothorax", {"said"}),
    ("It is not the case that sepsis is possible.", "sepsis", {"denied"}),
    ("Hepatitis C. It is not sepsis.", "hepatitis C", {"said"}),
    ("Maybe all of this, after what was seen and heard today, is sepsis.", "sepsis", {"open"}),
    ("I am not sure whether she has, in spite of all that, a sepsis.", "sepsis", {"open"}),
    ("Some would say that it is sepsis.", "sepsis", {"open"}),
    ("It is sepsis or not.", "sepsis", {"open"}),
    ("I doubt that it is sepsis.", "sepsis", {"denied"}),
    ("It is sepsis, which is false.", "sepsis", {"denied"}),
    ("It is not the case that it is sepsis, which is false.", "sepsis", {"said"}),
    ("Stop lisinopril, and perhaps ibuprofen.", "stop lisinopril", {"said"}),
    ("Stop lisinopril, and perhaps ibuprofen.", "ibuprofen", {"open"}),
    ("Stopping the pump at 08:30 is too early.", "too early", {"said"}),
    ("Pneumothorax = none.", "pneumothorax", {"denied"}),
    ("Sjögren's disease", "sjogren's disease", {"said"}),
    ("sep\u200bsis", "sepsis", {"said"}),
]


@pytest.mark.parametrize(("text", "wanted", "meant"), STANCES, ids=lambda value: value if isinstance(value, str) else "")
def test_stances(text, wanted, meant):
    assert stances(text, [wanted]) == meant


PLAIN_WORDS = [
    ("Pneumonia is wrong.", "denied"),
    ("Pneumonia is incorrect", "denied"),
    ("Pneumonia: false", "denied"),
    ("Pneumonia (not true)", "denied"),
    ("Nothing supports pneumonia", "denied"),
    ("I disagree that it is pneumonia", "denied"),
    ("I reject pneumonia", "denied"),
    ("Pneumonia is denied", "denied"),
    ("The chart refutes that it is pneumonia", "denied"),
    ("Contrary to pneumonia", "denied"),
    ("It is wrong to think that this is pneumonia", "denied"),
    ("Disregard this: pneumonia", "denied"),
    ("Pneumonia, no.", "denied"),
    ("Pneumonia does not fit", "denied"),
    ("Pneumonia isn't the answer", "denied"),
    ("I doubt pneumonia", "denied"),
    ("There is no doubt that it is pneumonia", "said"),
    ("I have no doubt that this is pneumonia", "said"),
    ("Nobody can doubt that this is pneumonia", "said"),
    ("I do not doubt that this is pneumonia", "said"),
    ("Pneumonia is not absent", "said"),
    ("No evidence against pneumonia", "said"),
    ("I doubt that it is pneumonia", "denied"),
    ("It is not true that this is pneumonia", "denied"),
    ("Contrary to the referral letter, this is pneumonia", "said"),
    ("This is pneumonia; reject the sample", "said"),
    ("Pneumonia is a mistake", "denied"),
    ("Pneumonia is present", "said"),
    ("Heart failure is absent, pneumonia is likely", "said"),
    ("No effusion, no pneumonia", "denied"),
    ("Anything but pneumonia", "denied"),
    ("Pneumonia is far from likely", "denied"),
    ("Pneumonia is a misdiagnosis", "denied"),
    ("Pneumonia would be wrong", "denied"),
    ("Pneumonia can't be right", "denied"),
    ("Wrong: pneumonia", "denied"),
    ("Incorrect answer: pneumonia", "denied"),
    ("Hardly pneumonia", "denied"),
    ("It is impossible that it is pneumonia", "denied"),
    ("Pneumonia has been disproved", "denied"),
    ("The opposite of pneumonia", "denied"),
    ("I deny pneumonia", "denied"),
    ("Pneumonia (false)", "denied"),
    ("Pneumonia - wrong", "denied"),
    ("Those who say pneumonia are wrong", "denied"),
    ("Pneumonia, which I reject", "denied"),
    ("Lobar pneumonia on the right side: false", "denied"),
    ("The lung is clear, pneumonia on the right: no", "said"),
    ("Wrong: no pneumonia", "said"),
    ("The left side was wrong: pneumonia is on the right", "said"),
    ("No pneumonia is wrong.", "said"),
    ("No pneumonia: false", "said"),
    ("No pneumonia, pneumonia present.", "said"),
    ("Nor fever, chest pain, pneumonia.", "denied"),
]


@pytest.mark.parametrize(("text", "meant"), PLAIN_WORDS)
def test_denials_in_plain_words(text, meant):
    wanted = "pneumonia present" if "pneumonia present" in text else "pneumonia"
    assert stances(text, [wanted]) == {meant}


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ("Apixaban 5 mg twice daily is wrong: apixaban 2.5 mg is right.", True),
        ("Apixaban should be 2.5 mg, 5 mg is wrong.", True),
        ("Apixaban 2.5 mg is wrong.", False),
        ("Ordered: apixaban 2.5 mg. Apixaban 2.5 mg is wrong.", False),
        ("Apixaban 2.5 mg. That apixaban 5 mg was given is wrong.", True),
        ("I disagree that it is apixaban 2.5 mg.", False),
        ("Apixaban 2.5: false.", False),
    ],
)
def test_a_number_that_is_called_wrong_is_not_stated(text, true):
    assert states(Fact(any=("apixaban",), number=2.5, tolerance=0), text) is true


@pytest.mark.parametrize(
    ("fact", "text", "true"),
    [
        (Fact(any=("potassium",), number=6.4), "Potassium is 6.4 mmol/L.", True),
        (Fact(any=("potassium",), number=6.4), "Potassium is 4.6 mmol/L.", False),
        (Fact(any=("potassium",), number=6.4), "Potassium is high. 6.4 is the pH of urine.", False),
        (Fact(any=("bnp",), number=1850), "BNP 1,850→320 pg/mL", True),
        (Fact(any=("score",), number=7, tolerance=0), "The score is 8.", False),
        (Fact(any=("pneumothorax",), denied=True), "No pneumothorax is seen.", True),
        (Fact(any=("pneumothorax",), denied=True), "A pneumothorax is seen.", False),
        (Fact(any=("pneumothorax",), denied=True), "The lungs are clear.", False),
        (Fact(any=("sepsis",)), "It is sepsis. It is not sepsis.", False),
        (Fact(words="avoids penicillin and sulfonamide classes"), "The choice avoids penicillin and sulfonamide drugs.", True),
        (Fact(words="avoids penicillin and sulfonamide classes"), "Give doxycycline.", False),
        (Fact(words="metformin discontinuation", share=1.0), "Metformin was discontinued.", True),
        (Fact(words="BNP trend decreasing", share=0.6), "The BNP is trending down.", True),
        (Fact(words="no evidence of active bleeding"), "There is no evidence of active bleeding.", True),
        (Fact(words="no evidence of active bleeding"), "There is evidence of active bleeding.", False),
    ],
)
def test_states(fact, text, true):
    assert states(fact, text) is true


SCORE, AMOUNT = Fact(any=("score",), number=3.0, tolerance=0.0), Fact(any=("calcium",), number=13.6)
LISTS = [
    "Score is 0. Score is 1. Score is 2. Score is 3.",
    "Score is 2. Score is 3.",
    "Score is 2, score is 3.",
    "The score is 2 or 3.",
    "The score is 3 points or 4 points.",
    "Score 1, 2, 3.",
    "Score: 1, 2 and 3.",
    "Score 1 2 3 4.",
    "Score 1/2/3/4.",
    "Score 2 = 3 = 4.",
    "Score 1, maybe 2, maybe 3.",
    "Score from 2 to 3 to 4.",
    "A score of 1. Now 2 is the score. One finds a score of 3 today. So the score comes to 4.",
]
HONEST = [
    (SCORE, "The score is 3."),
    (SCORE, "Score = 3 (confusion 1, urea 1, rate 1; age 60)."),
    (SCORE, "The score is 3. In short: a score of 3."),
    (SCORE, "Yesterday the score was 2, today the score is 3."),
    (SCORE, "On day 1 the score was 2. On day 2 the score was 3."),
    (SCORE, "It rose from a score of 2 to 3."),
    (AMOUNT, "Corrected calcium: 12.4 + 0.8 × (4.0 - 2.5) = 13.6 mg/dL."),
    (AMOUNT, "At 23:00, 23:30 and 23:45 calcium was 13.6."),
]


@pytest.mark.parametrize("text", LISTS)
def test_a_list_of_numbers_states_none(text):
    assert not states(SCORE, text)


@pytest.mark.parametrize(("fact", "text"), HONEST)
def test_other_numbers_beside_it_do_no_harm(fact, text):
    assert states(fact, text)


@pytest.mark.parametrize(
    ("wanted", "text", "true"),
    [
        ("score is 3", "Score is 3, age 61.", True),
        ("score is 3", "Score is 1. Score is 2. Score is 3. Score is 4.", False),
        ("04:20", "Glucose was 38 at 04:20, after 61 at 02:00.", True),
        ("04:20", " ".join(f"Glucose was 38 at 04:{minute}." for minute in range(10, 30, 2)), False),
        ("1.5 mg", "Give 1.5 mg, not 15 mg.", True),
        ("1.5 mg", "Give 1 mg. Give 1.5 mg. Give 2 mg. Give 2.5 mg.", False),
    ],
)
def test_a_phrase_that_holds_a_number_is_not_one_of_many(wanted, text, true):
    assert states(Fact(any=(wanted,)), text) is true


def test_what_cannot_be_true_together_is_worth_nothing():
    wanted = Answer(facts=(Fact(any=("improving",), against=("deteriorating", "stable")), Fact(any=("potassium",))))
    assert said(wanted, "She is improving; potassium is normal.") == 1.0
    assert said(wanted, "She is improving.") == 0.5
    assert said(wanted, "She is improving, not deteriorating; potassium is normal.") == 1.0
    assert said(wanted, "She is improving and deteriorating; potassium is normal.") == 0.0


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        ("B", {"B"}),
        ("b)", {"B"}),
        ("(B) heparin", {"B"}),
        ("The answer is C.", {"C"}),
        ("Heparin", {"B"}),
        ("A patient like this needs rest", set()),
        ("I would choose option D", {"D"}),
        ("A, B, C, D", {"A", "B", "C", "D"}),
        ("B or C", {"B", "C"}),
        ("A or B", {"A", "B"}),
        ("Not B", set()),
        ("It is not the case that B", set()),
        ("B is wrong", set()),
        ("B) heparin is wrong", set()),
        ("Heparin is wrong", set()),
        ("B: false", set()),
        ("B isn't right", set()),
        ("I disagree that it is B", set()),
        ("I disagree with option B.", set()),
        ("I doubt that the answer is B", set()),
        ("C is wrong, the answer is B", {"B"}),
        ("B: no doubt, heparin", {"B"}),
        ("B rather than C", {"B"}),
        ("A. B. C. warfarin. heparin", {"A", "B", "C"}),
        ("A) warfarin; B) heparin", {"A", "B"}),
        ("B) warfarin", {"A", "B"}),
        ("B. heparin, as A is worse", {"B"}),
        ("The answer is B, because A bleeds.", {"B"}),
        ("The answer is A. The answer is B.", {"A", "B"}),
        ("I answer a question: D", {"D"}),
        ("warfarin, heparin, aspirin, rest", set()),
        ("", set()),
        ("E", set()),
    ],
)
def test_letters(answer, named):
    assert letters(answer, {"A": "warfarin", "B": "heparin", "C": "aspirin", "D": "rest"}) == named


def test_letters_inside_the_text_of_an_option_name_nothing():
    assert letters("C) Hepatitis B", {"A": "Hepatitis A", "B": "Vitamin K", "C": "Hepatitis B"}) == {"C"}
    assert letters("hepatitis A", {"A": "Hepatitis A", "B": "Vitamin K", "C": "Hepatitis B"}) == {"A"}


def test_a_list_of_words_states_nothing_but_is_held_against_one():
    fact = Fact(any=("sepsis",), against=("pneumonia",))
    words = ", ".join(f"word{k}" for k in range(80))
    assert states(fact, "It is sepsis.")
    assert not states(fact, f"{words}, sepsis")
    assert said(Answer(facts=(fact,)), f"It is sepsis. {words}, pneumonia") == 0.0


def test_a_long_answer_is_worth_less_in_proportion():
    task = read_own({"id": "x", "ticket": "?", "answer": {"facts": [{"any": ["sepsis"]}]}}, "clinical_diagnosis", "x")
    assert worth(task, "sepsis. " + "word " * 79, 1) == 1.0
    assert worth(task, "sepsis. " + "word " * 159, 1) == pytest.approx(0.5)


@given(st.text(max_size=200))
def test_any_text_can_be_read(text):
    once = sentences(text)
    assert all(word for sentence in once for word in sentence)
    assert share_of_words(text, text) in (0.0, 1.0) or len(once) > 1


@given(st.lists(st.sampled_from(["sepsis", "heart attack", "no", "but", ",", ".", "pe", "is unlikely", "not"]), max_size=12))
def test_a_phrase_that_is_not_there_is_never_meant(words):
    text = " ".join(words)
    assert stances(text, ["appendicitis"]) == set()
    assert (stances(text, ["MI"]) == set()) == ("heart attack" not in text)


def test_phrases_have_one_form():
    assert phrase("Heart Attack") == phrase("MI") == phrase("acute myocardial infarction")

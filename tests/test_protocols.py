"""What the protocols name is what the tools accept, doses are the formulary's, and criteria mean what they say."""

import re
from typing import get_args

import pytest

from clinsim.agents.attackers import ANTIBIOTICS, FIRST_GUESS
from clinsim.agents.criteria import compiled
from clinsim.agents.early_warning import news2
from clinsim.agents.noise import all_steps
from clinsim.agents.notes import Case
from clinsim.agents.protocol_file import protocols
from clinsim.agents.reasoning import chances, differential, is_spoken, table
from clinsim.agents.treatment import active_items, as_call, dose_for, placement, planned
from clinsim.condition_parts import Complaint, Vital
from clinsim.hospital.calculators.news2 import news2 as published_news2
from clinsim.hospital.checklist import CHECKLIST
from clinsim.hospital.hospital import Hospital
from clinsim.scenario_file import load_scenario
from clinsim.tooling import granted

STEPS = [pytest.param(step, id=f"{step.do}-{step.code}-{i}") for i, step in enumerate(all_steps())]
DRUGS = [pytest.param(step, id=f"{step.code}-{i}") for i, step in enumerate(all_steps()) if step.do == "drug"]
WEIGHTS_KG = (45.0, 75.0, 150.0)
COMPUTED = {"age", "esi", "egfr", "weight", "news2", "pregnant", "chart", "onset_hours", "hours_since_onset"}


@pytest.fixture(scope="module")
def knowledge():
    return Hospital(load_scenario("first_hour"), 0).knowledge


def case_of(**numbers):
    case = Case("P1", row={"complaint": "fever", "status": "in_department", "place": "acute", "diagnosis": "", "orders": []})
    for name, value in numbers.items():
        case.note_number(name, value)
    return case


def criteria_in(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from criteria_in(inner)
    else:
        for inner in value:
            yield from criteria_in(inner)


def all_criteria():
    sheet = protocols()
    for protocol in sheet.protocols:
        yield from criteria_in(protocol.when)
    for step in all_steps():
        yield from criteria_in([step.when, step.unless, step.again_while])
    for clue in sheet.clues:
        yield from criteria_in(clue.when)
    for rule in sheet.placements:
        yield from criteria_in(rule.when)


@pytest.mark.parametrize("step", STEPS)
def test_a_step_names_what_the_hospital_has(step, knowledge):
    catalogue = {
        "test": knowledge.panels,
        "imaging": knowledge.imaging.studies,
        "drug": knowledge.formulary.drugs,
        "stop": knowledge.formulary.drugs,
        "procedure": knowledge.procedures,
        "consult": knowledge.services,
    }
    assert step.code in catalogue[step.do]


@pytest.mark.parametrize("step", STEPS)
def test_a_step_fits_the_schema_of_its_tool(step):
    name, arguments = as_call(step, case_of(weight=75.0))
    granted("live", "doctor")[name].arguments.model_validate(arguments)


@pytest.mark.parametrize("step", DRUGS)
def test_a_dose_is_one_that_the_formulary_knows(step, knowledge):
    drug = knowledge.formulary.drugs[step.code]
    assert step.unit == drug.unit
    rule = drug.doses[step.route]
    assert not step.override or drug.emergency
    for weight in WEIGHTS_KG:
        dose = dose_for(step, case_of(weight=weight))
        assert rule.within(rule.low, weight) * 0.99 <= dose <= rule.within(rule.high, weight) * 1.01 or drug.repeatable
        assert dose <= rule.within(rule.high, weight) * 1.01


@pytest.mark.parametrize("guess", [*FIRST_GUESS.values(), *ANTIBIOTICS], ids=lambda guess: guess[0])
def test_what_attackers_give_exists(guess, knowledge):
    name, _, unit, route = guess
    drug = knowledge.formulary.drugs[name]
    assert (unit, route in drug.doses) == (drug.unit, True)


def test_first_guesses_cover_all_complaints_and_may_be_overridden(knowledge):
    assert set(FIRST_GUESS) == set(get_args(Complaint))
    assert all(knowledge.formulary.drugs[guess[0]].emergency for guess in FIRST_GUESS.values())


def test_diagnoses_are_the_vocabulary_of_the_house(knowledge):
    assert set(protocols().diseases) == set(knowledge.diagnoses)


@pytest.mark.parametrize("clue", protocols().clues, ids=lambda clue: clue.id)
def test_a_clue_speaks_of_known_diagnoses(clue):
    assert set(clue.worth) <= set(protocols().diseases)


def test_ids_are_unique():
    sheet = protocols()
    for group in (sheet.protocols, sheet.clues):
        assert len({item.id for item in group}) == len(group)


@pytest.mark.parametrize("criterion", sorted(set(all_criteria())))
def test_a_criterion_names_what_can_be_observed(criterion, knowledge):
    word, _, rest = criterion.partition(" ")
    numbers = {*get_args(Vital), *COMPUTED, *(name for panel in knowledge.panels.values() for name in panel.analytes)}
    drugs_and_procedures = {*knowledge.formulary.drugs, *knowledge.procedures, *knowledge.panels, *knowledge.imaging.studies}
    allowed = {
        "known": numbers,
        "rises": numbers,
        "steady": numbers,
        "shows": set(knowledge.imaging.findings),
        "read": set(knowledge.imaging.studies),
        "resulted": set(knowledge.panels),
        "complaint": set(get_args(Complaint)),
        "is": set(knowledge.diagnoses),
        "likely": set(knowledge.diagnoses),
        "given": drugs_and_procedures,
        "ordered": drugs_and_procedures,
        "after": set(knowledge.formulary.drugs),
        "asked": {"history", "examination"},
        "at": {*knowledge.units, "inpatient", "boarding"},
    }
    if re.match(r"[A-Za-z0-9_]+ [<>]", criterion):
        assert word in numbers
    elif word in allowed:
        named = {rest.split(" ")[0]} if word in ("likely", "after", "rises", "steady") else set(rest.split("|"))
        assert named <= allowed[word]
    else:
        assert word in {"says", "denies", "has", "allergic"}


def test_the_last_placement_always_holds():
    assert protocols().placements[-1].when == ()
    assert placement(case_of()).to in {"home", "ward"}


@pytest.mark.parametrize("look", protocols().looks, ids=lambda look: f"{look.study}-{look.question}")
def test_a_look_is_at_regions_and_windows_of_the_study(look, knowledge):
    study = knowledge.imaging.studies[look.study]
    assert all(region in study.regions and window in study.windows for region, window in look.views)


def test_every_study_is_looked_at_whatever_is_asked(knowledge):
    assert {look.study for look in protocols().looks if not look.question} == set(knowledge.imaging.studies)


@pytest.mark.parametrize("reading", protocols().readings, ids=lambda reading: f"{reading.finding}-{reading.window}")
def test_a_reading_uses_a_measure_that_is_taken_there(reading, knowledge):
    assert reading.critical == knowledge.imaging.findings[reading.finding].critical
    for study in reading.studies:
        looks = [view for look in protocols().looks if look.study == study for view in look.views if view[1] == reading.window]
        taken = {name for region, window in looks for name in knowledge.imaging.measured.get((study, region, window), ())}
        assert reading.measure in taken or study == "CT_HEAD"  # the skull is not looked at for every question


def test_protocols_of_studies_exist(knowledge):
    for row in protocols().protocolling:
        assert row.protocol in knowledge.imaging.studies[row.study].protocols


@pytest.mark.parametrize("vitals", [
    {"hr": 80.0, "sbp": 120.0, "rr": 16.0, "spo2": 97.0, "temp": 36.8, "gcs": 15.0},
    {"hr": 132.0, "sbp": 84.0, "rr": 27.0, "spo2": 90.0, "temp": 39.4, "gcs": 13.0},
    {"hr": 45.0, "sbp": 105.0, "rr": 10.0, "spo2": 94.0, "temp": 35.5, "gcs": 15.0},
    {"hr": 112.0, "sbp": 225.0, "rr": 22.0, "spo2": 92.0, "temp": 38.4, "gcs": 14.0},
])  # fmt: skip
@pytest.mark.parametrize("on_oxygen", [False, True])
def test_early_warning_is_the_published_score(vitals, on_oxygen):
    assert news2(vitals, on_oxygen) == published_news2(**vitals, on_oxygen=on_oxygen, scale=1).total


HOLDS = [
    ("sbp < 90", {"sbp": 84.0}, "", True),
    ("sbp < 90", {}, "", False),
    ("K >= 6.5", {"K": 6.5}, "", True),
    ("says wheeze|stridor", {}, "Loud wheeze on both sides.", True),
    ("says wheeze", {}, "Chest clear, no wheeze.", False),
    ("denies wheeze", {}, "Chest clear, no wheeze.", True),
    ("says flank", {}, "Abdomen soft, flanks free.", False),
    ("complaint fever|collapse", {}, "", True),
    ({"not": ["sbp < 90"]}, {"sbp": 120.0}, "", True),
    ({"any": ["sbp < 90", "hr > 100"]}, {"hr": 130.0}, "", True),
    (["sbp < 90", "hr > 100"], {"hr": 130.0}, "", False),
    ([], {}, "", True),
    ("onset_hours <= 3", {}, "Since about 2 hours.", True),
    ("onset_hours <= 3", {}, "Since 3 days.", False),
]


@pytest.mark.parametrize(("criterion", "numbers", "text", "expected"), HOLDS)
def test_criterion(criterion, numbers, text, expected):
    case = case_of(**numbers)
    case.note_text(text)
    assert compiled(criterion)(case) is expected


@pytest.mark.parametrize("wrong", ["sbp", "sbp = 90", "mumbles wheeze", {"some": ["sbp < 90"]}, {"any": ["a < 1"], "all": []}, "K => 6"])
def test_what_is_no_criterion_is_refused(wrong):
    with pytest.raises(ValueError, match="criterion"):
        compiled(wrong)


def test_worst_values_speak_for_the_illness_and_last_ones_for_treatment():
    case = case_of(sbp=80.0)
    case.note_number("sbp", 118.0)
    assert not compiled("sbp < 90")(case)
    assert compiled("sbp < 90", worst=True)(case)


def test_clues_of_words_rest_on_words_alone():
    known = table()
    spoken = sum(is_spoken(clue.when) for clue in protocols().clues)
    assert (len(known.of_words), len(known.of_numbers)) == (spoken, len(protocols().clues) - spoken)


def test_chances_sum_to_one_and_follow_the_evidence():
    before, after = case_of(temp=38.0), case_of(temp=38.0)
    after.note_text("Burning when passing urine. Pain in one flank. NITRITE positive")
    assert sum(chances(before).values()) == pytest.approx(1.0)
    assert chances(after)["urosepsis"] > chances(before)["urosepsis"]


def test_a_differential_never_exceeds_one():
    case = case_of(temp=39.0, hr=120.0)
    case.chances = chances(case)
    assert 0.9 < sum(differential(case).values()) <= 1.0


def test_an_allergy_brings_the_alternative():
    case = case_of(temp=39.2, sbp=82.0, hr=125.0, rr=28.0, spo2=90.0, LACTATE=4.5, weight=70.0)
    case.allergies = "penicillin"
    case.chances = chances(case)
    case.active = active_items(case)
    drugs = {made[1]["drug"] for _, made in planned(case, frozenset({"order_drug"}), 0.0).calls}
    assert "meropenem" in drugs
    assert "piperacillin_tazobactam" not in drugs


def test_what_was_turned_down_is_not_ordered_again():
    case = case_of(temp=39.2, sbp=82.0, hr=125.0, rr=28.0, spo2=90.0, LACTATE=4.5, weight=70.0)
    case.chances = chances(case)
    case.active = active_items(case)
    case.barred.add("piperacillin_tazobactam")
    drugs = {made[1]["drug"] for _, made in planned(case, frozenset({"order_drug"}), 0.0).calls}
    assert "piperacillin_tazobactam" not in drugs
    assert "meropenem" in drugs


def test_a_repeated_step_waits_its_time():
    step = next(step for step in all_steps() if step.code == "adrenaline")
    assert (step.again, step.times) == (8, 3)


def test_every_code_that_can_be_grave_has_a_verdict(knowledge):
    verdicts = protocols().verdicts
    assert set(knowledge.formulary.losses.by_code) <= {*verdicts.change, *verdicts.query, *verdicts.reject}
    assert {*verdicts.change, *verdicts.query, *verdicts.reject} <= {code for check in CHECKLIST for code in check.codes}

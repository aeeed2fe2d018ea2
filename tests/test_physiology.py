"""Patients' bodies: outcomes follow from the course, delay and harm count, and looking changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import exp
from statistics import fmean, median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinsim.body_file import load_bodies
from clinsim.condition_file import Condition, load_conditions
from clinsim.condition_parts import When
from clinsim.hospital.flow import flow
from clinsim.hospital.heart import DYING_MINUTES
from clinsim.hospital.kinetics import gone_by_arrival, level
from clinsim.hospital.outcomes import on_target, planned
from clinsim.hospital.people import OLDEST, YOUNGEST, make_person
from clinsim.hospital.physiology import GRID_MINUTES, Course, Outcome, outcome, references
from clinsim.hospital.scatter import is_atypical
from clinsim.hospital.signs import creatinine
from clinsim.hospital.streams import Streams

CONDITIONS = load_conditions()
EVERY = pytest.mark.parametrize("condition", CONDITIONS.values(), ids=list(CONDITIONS))
NAMES = st.sampled_from(sorted(CONDITIONS))
STREAMS = Streams(20_001)
TREATABLE = [(sheet.id, treatment.id) for sheet in CONDITIONS.values() for treatment in sheet.treatments]


def arrived(condition: Condition, key: str = "p0", minute: float = 0.0) -> Course:
    return Course(condition, make_person(STREAMS, key, condition), STREAMS, minute)


def mean_death(condition: Condition, treatment: str, minutes: float, people: int = 300) -> float:
    starts = {**on_target(condition, 0.0), treatment: minutes}
    return fmean(planned(arrived(condition, f"p{number}"), starts).p_death for number in range(people))


def odds_ratio_per_hour(condition: Condition, treatments: Sequence[str], hours: tuple[float, float], people: int = 700) -> float:
    """The slope of a logistic regression of death on delay, over simulated people whose other care is on target."""
    delays = np.array([STREAMS.between(*hours, "delay", f"p{number}") for number in range(people)])
    deaths = np.array(
        [
            planned(arrived(condition, f"p{number}"), {**on_target(condition, 0.0), **dict.fromkeys(treatments, 60.0 * delay)}).p_death
            for number, delay in enumerate(delays)
        ]
    )
    design = np.column_stack([np.ones(people), delays])
    slopes = np.zeros(2)
    for _ in range(30):
        mean = 1.0 / (1.0 + np.exp(-design @ slopes))
        weights = (mean * (1.0 - mean))[:, None]
        slopes = slopes + np.linalg.solve((design * weights).T @ design, design.T @ (deaths - mean))
    return float(exp(slopes[1]))


# ---------------------------------------------------------------- outcomes of the sheets come out


@EVERY
def test_outcomes_of_the_sheet_come_out_of_the_course(condition: Condition) -> None:
    pairs = [references(condition, make_person(STREAMS, f"p{number}", condition), STREAMS, 0.0) for number in range(2000)]
    untreated, optimal = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    assert fmean(end.p_death for end in untreated) == pytest.approx(condition.p_untreated.value, abs=0.02)
    assert fmean(end.p_death for end in optimal) == pytest.approx(condition.p_optimal.value, abs=0.02)
    assert fmean(end.p_disability for end in untreated) == pytest.approx(condition.p_disability_untreated.value, abs=0.03)
    assert fmean(end.p_disability for end in optimal) == pytest.approx(condition.p_disability.value, abs=0.03)
    assert all(best.loss <= worst.loss + 1e-12 for worst, best in pairs)


DELAYS = [
    ("septic_shock", ["antibiotic"], (0.0, 6.0), 1.06, 1.23),  # Liu, AJRCCM 2017: 1.14 in shock
    ("urosepsis", ["antibiotic"], (0.0, 6.0), 1.04, 1.13),  # Liu, AJRCCM 2017: 1.07 to 1.09 without shock, 1.05 to 1.13 in all
    ("stemi", ["reperfusion"], (0.5, 3.0), 1.35, 1.70),  # Rathore, BMJ 2009: 3.0 % at 30 min to 8.4 % at 180 min is 1.54
    ("ischaemic_stroke", ["thrombolysis", "thrombectomy"], (1.0, 3.5), 1.08, 1.30),  # Saver, JAMA 2013: 0.96 for 15 min is 1.18
]


@pytest.mark.parametrize(("name", "treatments", "hours", "low", "high"), DELAYS, ids=[row[0] for row in DELAYS])
def test_published_effects_of_delay_come_out(name: str, treatments: list[str], hours: tuple[float, float], low: float, high: float) -> None:
    assert low < odds_ratio_per_hour(CONDITIONS[name], treatments, hours) < high


RATHORE = {30: 0.030, 60: 0.035, 90: 0.043, 120: 0.056, 150: 0.070, 180: 0.084}


def test_door_to_balloon_gradient_is_near_the_published_one() -> None:
    for minutes, published in RATHORE.items():
        assert mean_death(CONDITIONS["stemi"], "reperfusion", minutes) == pytest.approx(published, abs=0.014)


# ---------------------------------------------------------------- treatment and harm


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(TREATABLE), st.integers(0, 10_000), st.floats(0, 600), st.floats(0, 600))
def test_later_treatment_never_lowers_the_probability_of_death(which: tuple[str, str], key: int, one: float, other: float) -> None:
    condition = CONDITIONS[which[0]]
    early, late = sorted((one, other))
    base = {name: minute for name, minute in on_target(condition, 0.0).items() if name != which[1]}
    course = arrived(condition, f"p{key}")
    with_early, with_late = planned(course, {**base, which[1]: early}), planned(course, {**base, which[1]: late})
    assert with_early.p_death <= with_late.p_death + 2e-4
    assert with_early.p_disability <= with_late.p_disability + 2e-3
    assert with_late.p_death <= planned(course, base).p_death + 2e-4


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(TREATABLE), st.integers(0, 10_000), st.floats(0, 600))
def test_the_right_drug_never_raises_the_loss(which: tuple[str, str], key: int, minute: float) -> None:
    condition = CONDITIONS[which[0]]
    treatment = next(item for item in condition.treatments if item.id == which[1])
    for code in treatment.any_of:
        course = arrived(condition, f"p{key}")
        before = outcome(course, minute, None)
        if not any(what.startswith("harms:") for what in course.treat(code, minute)):
            assert outcome(course, minute, None).loss <= before.loss + 2e-4


def test_a_course_that_is_played_agrees_with_one_that_is_settled() -> None:
    for condition in CONDITIONS.values():
        for key in ("a", "b", "c"):
            course = arrived(condition, key)
            plan = dict(on_target(condition, 0.0).items())
            settled = planned(course, plan)
            for treatment in sorted(condition.essential, key=lambda item: item.target_minutes or 0.0):
                course.treat(treatment.any_of[0], treatment.target_minutes or 0.0)
            if not course.harmed and set(course.helping) == set(plan) and not any(kernel.aim == 0.0 for kernel in course.helping.values()):
                course.advance(3 * 1440.0)
                assert outcome(course, 3 * 1440.0, None).p_death == pytest.approx(settled.p_death, abs=1e-3)


HARMS = [
    ("septic_shock", ["esmolol"], "harms:beta_blocker_in_shock"),
    ("copd_exacerbation", ["oxygen"], "harms:high_flow_oxygen"),
    ("upper_gi_bleed", ["heparin"], "harms:anticoagulant"),
    ("hyperkalaemia", ["insulin"], "harms:insulin_without_glucose"),
    ("hyperkalaemia", ["potassium_chloride"], "harms:potassium"),
    ("pulmonary_embolism", ["crystalloid", "crystalloid"], "harms:fluid_load"),
    ("musculoskeletal_chest_pain", ["alteplase"], "harms:needless_thrombolysis"),
    ("reflux", ["heparin", "heparin"], "harms:needless_anticoagulation"),
    ("panic_attack", ["intubation"], "harms:needless_intubation"),
    ("viral_illness", ["noradrenaline"], "harms:needless_vasopressor"),
    ("gastroenteritis", ["insulin"], "harms:needless_insulin"),
]


@pytest.mark.parametrize(("name", "codes", "harm"), HARMS, ids=[f"{row[0]}-{row[1][0]}" for row in HARMS])
def test_a_harmful_drug_is_told_and_raises_the_loss(name: str, codes: list[str], harm: str) -> None:
    course, spared = arrived(CONDITIONS[name]), arrived(CONDITIONS[name])
    triggered = [what for number, code in enumerate(codes) for what in course.treat(code, 10.0 + number)]
    assert harm in triggered
    helped = {what.removeprefix("helps:") for what in triggered if what.startswith("helps:")}
    same_help = dict.fromkeys(helped, 10.0)
    assert outcome(course, 30.0, None).loss > planned(spared, same_help).loss
    assert course.harm_named(harm.removeprefix("harms:")).says


NO_HARM = [
    ("hyperkalaemia", ["dextrose", "insulin"]),
    ("copd_exacerbation", ["titrated_oxygen"]),
    ("septic_shock", ["crystalloid", "crystalloid", "noradrenaline"]),
    ("stemi", ["aspirin", "heparin", "heparin", "pci", "morphine"]),
    ("musculoskeletal_chest_pain", ["aspirin", "paracetamol", "heparin"]),
]


@pytest.mark.parametrize(("name", "codes"), NO_HARM, ids=[row[0] for row in NO_HARM])
def test_what_is_indicated_or_harmless_is_no_harm(name: str, codes: list[str]) -> None:
    course = arrived(CONDITIONS[name], "p3")
    triggered = [what for code in codes for what in course.treat(code, 10.0)]
    assert [what for what in triggered if what.startswith("harms:")] == []
    assert course.event_loss == course.event_death == 0.0


def test_a_treatment_waits_for_what_it_needs_and_counts_once() -> None:
    sheet = CONDITIONS["hyperkalaemia"]
    needing = [item.model_copy(update={"needs": ("calcium",)}) if item.id == "insulin" else item for item in sheet.treatments]
    course = arrived(sheet.model_copy(update={"treatments": tuple(needing)}))
    assert "helps:insulin" not in course.treat("insulin", 10.0)
    assert course.treat("calcium_gluconate", 12.0) == ("helps:calcium", "helps:insulin")
    assert course.treat("insulin", 30.0)[:1] != ("helps:insulin",)


def test_what_is_short_acting_wears_off_unless_it_is_given_again() -> None:
    sheet = CONDITIONS["anaphylaxis"]
    once, twice, never = (arrived(sheet) for _ in range(3))
    assert once.treat("adrenaline", 5.0) == twice.treat("adrenaline", 5.0) == ("helps:adrenaline",)
    assert twice.treat("adrenaline", 30.0) == ("helps:adrenaline",)
    assert once.treat("paracetamol", 240.0) == ()
    for course in (once, twice, never):
        course.advance(300.0)
    assert once.helping["adrenaline"].level < 0.01
    assert twice.x < once.x < never.x
    assert outcome(once, 300.0, 360.0).loss <= outcome(once, 300.0, None).loss


def test_a_dose_below_the_least_useful_one_and_circumstances_of_the_patient_weaken_a_treatment() -> None:
    sheet = CONDITIONS["stemi"]
    full, short = arrived(sheet), arrived(sheet)
    assert full.treat("aspirin", 10.0, amount=300.0) == ("helps:aspirin",)
    assert short.treat("aspirin", 10.0, amount=75.0) == ()
    assert outcome(full, 60.0, None).p_death < outcome(short, 60.0, None).p_death < outcome(arrived(sheet), 60.0, None).p_death
    weaker = [item.model_copy(update={"weaker": (When(age_above=18.0),)}) for item in sheet.treatments]
    weakened = arrived(sheet.model_copy(update={"treatments": tuple(weaker)}))
    weakened.treat("aspirin", 10.0, amount=300.0)
    assert outcome(weakened, 60.0, None).p_death == outcome(short, 60.0, None).p_death


def test_a_weak_dose_has_a_weak_effect_that_a_full_dose_lifts() -> None:
    sheet = CONDITIONS["septic_shock"]
    none, weak, full, lifted = (arrived(sheet) for _ in range(4))
    assert weak.treat("meropenem", 20.0, dose_ok=False) == ()
    assert full.treat("meropenem", 20.0) == ("helps:antibiotic",)
    lifted.treat("meropenem", 20.0, dose_ok=False)
    assert lifted.treat("meropenem", 60.0) == ("helps:antibiotic",)
    deaths = [outcome(course, 60.0, None).p_death for course in (full, lifted, weak, none)]
    assert deaths == sorted(deaths)
    assert len(set(deaths)) == 4


def test_a_closed_window_and_a_bar_let_nothing_begin() -> None:
    sheet = CONDITIONS["ischaemic_stroke"]
    soon = sheet.people.model_copy(update={"onset_hours": (1.0, 1.1)})
    course = arrived(sheet.model_copy(update={"people": soon}))
    assert "helps:thrombolysis" not in course.treat("alteplase", 600.0)
    barred = arrived(sheet.model_copy(update={"people": soon.model_copy(update={"home_drugs": {"apixaban": 1.0}})}))
    assert barred.treat("alteplase", 20.0) == ("harms:lysis_on_anticoagulant",)
    assert barred.treat("thrombectomy", 60.0) == ("helps:thrombectomy",)


def test_stopping_weaning_and_default_care_are_ordered() -> None:
    sheet = CONDITIONS["septic_shock"]
    course = arrived(sheet)
    course.treat("meropenem", 20.0)
    course.treat("crystalloid", 20.0)
    never, weaned = outcome(course, 240.0, None), outcome(course, 240.0, None, weaned=True)
    soon, late = outcome(course, 240.0, 300.0), outcome(course, 240.0, 900.0)
    assert soon.loss < late.loss < never.loss < weaned.loss
    course.stop("meropenem", 240.0)
    assert outcome(course, 240.0, None).p_death > never.p_death


def test_what_lasts_is_not_undone_by_going_home() -> None:
    course = arrived(CONDITIONS["stemi"])
    course.treat("pci", 70.0)
    assert outcome(course, 100.0, None, weaned=True) == outcome(course, 100.0, None)


# ---------------------------------------------------------------- looking changes nothing


@settings(max_examples=40, deadline=None)
@given(NAMES, st.integers(0, 1000), st.lists(st.floats(0, 900), max_size=12))
def test_looking_changes_nothing(name: str, key: int, looks: list[float]) -> None:
    condition = CONDITIONS[name]
    watched, alone = arrived(condition, f"p{key}"), arrived(condition, f"p{key}")
    for minute in sorted(looks):
        watched.vitals(minute)
        watched.lab("LACTATE", minute)
        watched.lab("CREAT", minute)
        watched.ecg(minute)
        watched.dies_by(minute)
        outcome(watched, minute, minute + 60.0)
        planned(watched, on_target(condition, minute))
    for course in (watched, alone):
        course.treat("ceftriaxone", 901.0)
        course.treat("crystalloid", 903.0)
        course.advance(1500.0)
    assert watched.state() == alone.state()
    assert watched.vitals(1500.0) == alone.vitals(1500.0)
    assert watched.lab("CREAT", 1500.0) == alone.lab("CREAT", 1500.0)
    assert outcome(watched, 1500.0, None) == outcome(alone, 1500.0, None)


def test_a_reading_is_the_same_whenever_it_is_looked_up_within_its_grid_step() -> None:
    course = arrived(CONDITIONS["dka"], minute=33.0)
    assert course.vitals(40.0) == course.vitals(40.0 + GRID_MINUTES - 0.01)
    first = course.lab("GLU", 61.0)
    course.advance(400.0)
    assert course.lab("GLU", 61.0) == first


@EVERY
def test_signs_at_arrival_lean_towards_the_ranges_of_the_sheet_and_overlap_with_health(condition: Condition) -> None:
    bodies = load_bodies().signs
    courses = [arrived(condition, f"p{key}") for key in range(120)]
    for name, rule in {**condition.vitals, **condition.labs}.items():
        normal = {**bodies.vitals, **bodies.labs}.get(name)
        if normal is None or rule.arrival is None or name == "CREAT":
            continue
        usual = courses[0].signs.usual(name, normal)
        away = 0.5 * sum(rule.arrival) - usual
        if abs(away) > 2.0 * normal.sd + 0.1 * abs(usual):
            assert 0.3 < median((course.true_sign(name, 0.0) - usual) / away for course in courses) < 1.8, name


def test_a_defining_sign_is_never_short_of_its_range_and_others_are_at_times() -> None:
    courses = [arrived(CONDITIONS["dka"], f"p{key}") for key in range(200)]
    assert sum(course.true_lab("BHB", 0.0) < CONDITIONS["dka"].labs["BHB"].arrival[0] - 0.2 for course in courses) == 0
    fevers = [arrived(CONDITIONS["urosepsis"], f"p{key}").true_sign("temp", 0.0) for key in range(200)]
    assert 0.1 < fmean(fever < 38.0 for fever in fevers) < 0.6


def test_the_old_more_often_present_atypically() -> None:
    sheet = CONDITIONS["urosepsis"]
    people = [make_person(STREAMS, f"p{key}", sheet) for key in range(600)]
    old, young = ([is_atypical(person, STREAMS) for person in people if (person.age >= 75) == aged] for aged in (True, False))
    assert fmean(old) > fmean(young) + 0.05


def test_signs_follow_severity_and_supports_hold_them_up() -> None:
    sheet = CONDITIONS["septic_shock"]
    course = arrived(sheet)
    lactate = course.true_lab("LACTATE", 0.0)
    early = course.true_sign("sbp", 0.0)
    assert course.true_lab("LACTATE", 600.0) > lactate
    assert course.true_sign("sbp", 600.0) < early
    low = course.true_sign("spo2", 600.0)
    course.treat("oxygen", 600.0)
    assert low + 4.0 < course.true_sign("spo2", 600.0) < low + 6.0
    course.stop("oxygen", 605.0)
    assert course.true_sign("spo2", 605.0) < low + 1.0


@given(st.floats(0.5, 120.0), st.floats(10.0, 600.0), st.floats(0.0, 2000.0))
def test_an_effect_comes_on_lasts_and_wears_off(onset: float, lasts: float, minute: float) -> None:
    assert 0.0 <= level(minute, onset, lasts) <= 1.0
    assert level(lasts, onset, lasts) >= level(0.5 * lasts, onset, lasts) >= level(0.1 * lasts, onset, lasts)
    assert level(lasts + minute, onset, lasts) <= level(lasts, onset, lasts)
    assert level(3.0 * lasts, onset, lasts) < 0.01


def test_what_is_given_moves_analytes_unless_the_sheet_does_so_itself() -> None:
    healthy, shifted = arrived(CONDITIONS["musculoskeletal_chest_pain"]), arrived(CONDITIONS["hyperkalaemia"])
    before = {analyte: healthy.true_lab(analyte, 60.0) for analyte in ("GLU", "K")}
    for course in (healthy, shifted):
        course.treat("insulin", 60.0)
    assert healthy.true_lab("GLU", 150.0) < before["GLU"] - 40.0
    assert healthy.true_lab("K", 150.0) < before["K"] - 0.5
    assert healthy.true_lab("K", 900.0) == pytest.approx(before["K"], abs=0.01)
    assert shifted.true_lab("K", 65.0) == pytest.approx(arrived(CONDITIONS["hyperkalaemia"]).true_lab("K", 65.0), abs=0.2)
    with_blood, without = arrived(CONDITIONS["reflux"]), arrived(CONDITIONS["reflux"])
    with_blood.treat("red_cells", 160.0)
    assert with_blood.true_lab("HB", 500.0) == pytest.approx(without.true_lab("HB", 500.0) + 1.0, abs=0.1)


def test_troponin_of_an_infarct_rises_for_hours() -> None:
    course = arrived(CONDITIONS["stemi"])
    values = [course.true_lab("TROP", minute) for minute in (0.0, 60.0, 180.0, 360.0)]
    assert values == sorted(values)
    assert values[-1] > 2.0 * values[0]


def test_early_samples_read_low() -> None:
    sheet = CONDITIONS["stemi"]
    early, late = (sheet.people.model_copy(update={"onset_hours": hours}) for hours in ((0.5, 0.51), (8.0, 8.1)))
    assert gone_by_arrival(0.5, sheet.people.onset_hours, 5.0) < 0.3 < 1.0 < gone_by_arrival(8.0, sheet.people.onset_hours, 5.0)
    first = [arrived(sheet.model_copy(update={"people": people}), f"p{key}").true_lab("TROP", 0.0) for people in (early, late) for key in range(40)]
    assert fmean(first[:40]) == pytest.approx(fmean(first[40:]), rel=0.3)  # a sheet's range is that of its own usual time
    mixed = [arrived(sheet, f"p{key}") for key in range(300)]
    soon, later = ([c.true_lab("TROP", 0.0) for c in mixed if (c.onset_at > -90.0) == is_soon] for is_soon in (True, False))
    assert fmean(soon) < 0.7 * fmean(later)
    assert any(value < 52.0 for value in soon)


def test_troponin_comes_down_more_slowly_than_it_rose() -> None:
    course = arrived(CONDITIONS["stemi"])
    course.advance(600.0)
    course.treat("pci", 600.0)
    peak = max(course.true_lab("TROP", 600.0 + 60.0 * hour) for hour in range(24))
    assert course.true_lab("TROP", 600.0 + 24 * 60.0) > 0.5 * peak


# ---------------------------------------------------------------- death


def test_deaths_that_happen_are_as_many_as_the_hazard_says() -> None:
    sheet = CONDITIONS["septic_shock"]
    courses = [arrived(sheet, f"p{key}") for key in range(500)]
    horizon = 5 * 1440.0
    dead = sum(course.dies_by(horizon) is not None for course in courses)
    expected = [1.0 - exp(-course.hazard) for course in courses]
    spread = sum(p * (1.0 - p) for p in expected) ** 0.5
    assert abs(dead - sum(expected)) < 4.0 * spread


def test_the_minute_of_death_is_on_the_grid_and_known_once_reached() -> None:
    sheet = CONDITIONS["septic_shock"]
    course = next(c for key in range(50) if (c := arrived(sheet, f"p{key}")).dies_by(1440.0))
    minute = course.dies_by(1440.0)
    assert minute is not None
    assert minute % GRID_MINUTES == 0.0
    again = arrived(sheet, course.person.id)
    assert again.dies_by(minute - GRID_MINUTES) is None
    assert again.dies_by(minute) == minute


def test_the_heart_stands_still_before_a_death_and_at_times_without_one() -> None:
    courses = [arrived(CONDITIONS["septic_shock"], f"p{key}") for key in range(300)]
    dying = [course for course in courses if course.dies_by(1440.0) is not None]
    for course in dying:
        minute = course.dies_by(1440.0)
        assert minute is not None
        assert course.arrested_at(minute - GRID_MINUTES) == minute - DYING_MINUTES
        assert course.vitals(minute - GRID_MINUTES)["gcs"] == 3.0
    ends = {course.person.id: course.dies_by(1440.0) or 1440.0 for course in courses}
    survived = {
        (course.person.id, start)
        for course in courses
        for step in range(int(ends[course.person.id] / GRID_MINUTES))
        if (start := course.arrested_at(GRID_MINUTES * step)) is not None and start != ends[course.person.id] - DYING_MINUTES
    }
    assert 0.1 < len(survived) / len(dying) < 0.5


@EVERY
def test_a_death_is_never_cheaper_than_the_untreated_course(condition: Condition) -> None:
    for key in range(20):
        course = arrived(condition, f"p{key}")
        untreated, _ = references(condition, course.person, STREAMS, 0.0)
        for treatment in condition.essential:
            course.treat(treatment.any_of[-1], 10.0)
        course.died(300.0)
        state = course.state()
        end = outcome(course, 400.0, 400.0)
        assert end.p_death >= untreated.p_death
        assert end.loss >= untreated.loss
        assert course.treat("meropenem", 320.0) == ()
        course.advance(900.0)
        assert course.state() == state


def test_an_untouched_course_settles_to_the_untreated_reference() -> None:
    for condition in CONDITIONS.values():
        course = arrived(condition, minute=17.0)
        untreated, _ = references(condition, course.person, STREAMS, 17.0)
        course.advance(2000.0)
        end = outcome(course, 2000.0, None)
        assert (end.p_death, end.loss) == pytest.approx((untreated.p_death, untreated.loss), rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(NAMES, st.integers(0, 1000))
def test_outcomes_are_probabilities(name: str, key: int) -> None:
    course = arrived(CONDITIONS[name], f"p{key}")
    for code in ("alteplase", "insulin", "esmolol", "intubation", "lorazepam"):
        course.treat(code, 5.0)
    end = outcome(course, 30.0, None)
    assert isinstance(end, Outcome)
    assert 0.0 <= end.p_death <= 1.0
    assert 0.0 <= end.p_disability <= 1.0
    assert end.p_death <= end.loss <= 1.0
    assert 0.0 < course.x < 1.0


# ---------------------------------------------------------------- the mathematics, and people


@settings(max_examples=80, deadline=None)
@given(st.floats(0.01, 0.95), st.floats(0, 2), st.floats(0, 2), st.floats(0.01, 3))
def test_a_step_of_the_flow_agrees_with_many_small_ones(x: float, growth: float, loss: float, hours: float) -> None:
    steps = 4000
    level, area, square = x, 0.0, 0.0
    for _ in range(steps):
        middle = level + 0.5 * hours / steps * ((growth - loss) * level - growth * level * level)
        area += middle * hours / steps
        square += middle * middle * hours / steps
        level += hours / steps * ((growth - loss) * middle - growth * middle * middle)
    assert flow(x, growth, loss, hours) == pytest.approx((level, area, square), rel=1e-4, abs=1e-6)


def test_creatinine_gives_back_the_filtration_rate() -> None:
    for sex, kappa, alpha, women in (("male", 0.9, -0.302, 1.0), ("female", 0.7, -0.241, 1.012)):
        for egfr in (15.0, 45.0, 90.0, 115.0):
            ratio = creatinine(egfr, 60, sex) / kappa
            back = 142.0 * min(ratio, 1.0) ** alpha * max(ratio, 1.0) ** -1.2 * 0.9938**60 * women
            assert back == pytest.approx(egfr)


def test_home_drugs_kidneys_and_chronic_illness_move_what_is_measured() -> None:
    sheet = CONDITIONS["reflux"]
    pairs = [
        ("INR", {"home_drugs": ("warfarin",)}, 1.0, 2.0),
        ("K", {"home_drugs": ("spironolactone", "lisinopril")}, 0.4, 0.7),
        ("hr", {"home_drugs": ("metoprolol",)}, -10.0, -8.0),
        ("CREAT", {"egfr": 25.0}, 0.8, 4.0),
        ("GLU", {"comorbidities": ("diabetes",)}, 40.0, 90.0),
        ("spo2", {"comorbidities": ("copd",)}, -5.0, -3.0),
    ]
    plain = replace(make_person(STREAMS, "p1", sheet), age=60, home_drugs=(), comorbidities=(), egfr=85.0)
    for name, changed, least, most in pairs:
        usual, other = (Course(sheet, person, STREAMS, 0.0).true_sign(name, 0.0) for person in (plain, replace(plain, **changed)))
        assert least <= other - usual <= most, name


@pytest.mark.parametrize(
    ("code", "doses", "changed"),
    [("lorazepam", 1, {"age": 82}), ("crystalloid", 3, {"comorbidities": ("heart_failure",)}), ("morphine", 2, {"egfr": 20.0})],
)
def test_who_somebody_is_decides_what_harms(code: str, doses: int, changed: dict[str, object]) -> None:
    sheet = CONDITIONS["musculoskeletal_chest_pain"].model_copy(update={"accepted": ()})
    plain = replace(make_person(STREAMS, "p1", sheet), age=50, comorbidities=(), egfr=90.0)
    losses = []
    for person in (plain, replace(plain, **changed)):
        course = Course(sheet, person, STREAMS, 0.0)
        for dose in range(doses):
            course.treat(code, 10.0 + dose)
        losses.append(course.event_loss)
    assert losses[1] > losses[0]


def test_people_differ_and_frailty_follows_age_and_illness() -> None:
    sheet = CONDITIONS["septic_shock"]
    people = [make_person(STREAMS, f"p{key}", sheet) for key in range(400)]
    low, high = sheet.people.age
    assert fmean(low <= person.age <= high for person in people) > 0.8
    assert all(YOUNGEST <= person.age <= OLDEST for person in people)
    assert 0.4 < fmean(person.sex == "male" for person in people) < 0.7
    old, young = ([person.frailty for person in people if (person.age > 75) == is_old] for is_old in (True, False))
    assert fmean(old) > 1.3 * fmean(young)
    assert all(person.egfr < 60.0 for person in people if "ckd" in person.comorbidities)
    assert all("sildenafil" not in person.home_drugs for person in people if person.sex == "female")

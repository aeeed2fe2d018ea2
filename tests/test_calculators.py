"""Calculators against hand-worked cases, the properties that all share, and an independent implementation."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinsim.hospital.calculators.catalogue import CALCULATORS, calculate, find
from clinsim.hospital.calculators.declaration import Answer, calculator
from clinsim.hospital.calculators.measures import Age, Creatinine, Temperature
from clinsim.hospital.calculators.quantity import InputError, Measure, Quantity
from clinsim.validation.calculators import cases, holds, report, work

CASES = cases()
MEASURES = sorted({rule.kind for each in CALCULATORS.values() for rule in each.inputs if isinstance(rule.kind, Measure)}, key=lambda each: each.name)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.calculator}: {case.case}")
def test_case_is_worked_as_by_hand(case):
    if case.refused:
        with pytest.raises(InputError, match=case.refused):
            work(case)
    else:
        score = work(case)
        assert holds(case, score), score


def test_no_two_cases_are_the_same_and_no_calculator_is_without():
    names = [(case.calculator, case.case) for case in CASES]
    assert len(set(names)) == len(names)
    assert {case.calculator for case in CASES} == set(CALCULATORS)


def test_report_of_the_cases_passes_and_a_wrong_case_would_not():
    part = report()["calculators"]
    assert part["passed"]
    assert len(part["checks"]) == len(CASES)
    wrong = next(case for case in CASES if case.calculator == "sofa" and case.value == 3).model_copy(update={"value": 2})
    assert not holds(wrong, work(wrong))


@pytest.mark.parametrize("name", sorted(CALCULATORS))
def test_declaration_says_what_it_is(name):
    rule = find(name)
    assert rule.summary.endswith(".")
    assert rule.citation
    assert rule.unit
    assert all(each.text for each in rule.inputs)


def test_a_score_says_what_was_used_and_what_was_missing():
    score = calculate("sofa", platelets=Quantity(90_000, "/µL"), gcs=14.0)
    assert score.value == 3
    assert score.components["clotting"] == 2
    assert score.inputs["platelets"] == 90.0
    assert "bilirubin" in score.missing
    assert "platelets" not in score.missing
    assert "Vincent" in score.citation


REFUSED = [
    ("anion_gap", {"sodium": Quantity(140, "mmol/L")}, "anion_gap needs chloride .mmol/L, mEq/L.; bicarbonate"),
    ("anion_gap", {"sodium": Quantity(140, "mg/dL")}, "sodium: unknown unit 'mg/dL' for sodium; allowed mmol/L, mEq/L"),
    ("anion_gap", {"sodium": 140.0}, "sodium = 140.0: give a quantity in mmol/L, mEq/L"),
    ("anion_gap", {"sodium": True}, "sodium = True"),
    ("anion_gap", {"sodium": Quantity(float("nan"), "mmol/L")}, "sodium = nan mmol/L"),
    ("anion_gap", {"natrium": Quantity(140, "mmol/L")}, "anion_gap takes no natrium; it takes bicarbonate, chloride, sodium"),
    ("sofa", {"gcs": 16.0}, "gcs = 16.0 : Glasgow coma scale lies in 3 to 15"),
    ("sofa", {"gcs": 14.5}, "gcs = 14.5: Glasgow coma scale is a whole number"),
    ("lace", {"stay": Quantity(3, "days"), "acute": True, "charlson": 1.5, "visits_6_months": 0}, "charlson = 1.5: count is a whole number"),
    ("lace", {"stay": Quantity(3, "days"), "acute": True, "charlson": 1, "visits_6_months": -1}, "visits_6_months = -1 : count lies in 0"),
    ("anion_gap", {"sodium": Quantity("140", "mmol/L")}, "sodium = '140': give a number"),
    ("anion_gap", {"sodium": Quantity(True, "mmol/L")}, "sodium = True: give a number"),
    ("anion_gap", {"sodium": Quantity(140, None)}, "sodium: unknown unit None for sodium; allowed mmol/L, mEq/L"),
    ("anion_gap", {"sodium": Quantity(140, ["mmol/L"])}, "sodium: unknown unit .'mmol/L'. for sodium; allowed mmol/L, mEq/L"),
    ("anion_gap", {"sodium": Quantity(10**400, "mmol/L")}, "sodium: a number of that size cannot be"),
    ("sofa", {"respiratory_support": 1.0}, "respiratory_support = 1.0; allowed true, false"),
    ("gcs", {"eye": "open"}, "eye = 'open'; allowed spontaneous, to voice, to pressure, none, not testable"),
    ("due_date", {"last_period": "2024-01-01"}, "allowed YYYY-MM-DD"),
    ("sofas", {}, "unknown calculator 'sofas'; there are a_a_gradient"),
]


@pytest.mark.parametrize(("name", "inputs", "text"), REFUSED)
def test_what_is_not_allowed_is_refused_with_what_is(name, inputs, text):
    with pytest.raises(InputError, match=text):
        calculate(name, **inputs)


UNITS = [
    ("creatinine", 88.4, "µmol/L", 1.0),
    ("creatinine", 88.4, "umol/L", 1.0),
    ("bilirubin", 17.1, "µmol/L", 1.0),
    ("blood urea nitrogen (mmol/L: urea)", 10, "mmol/L", 28.0),
    ("glucose", 10, "mmol/L", 180.16),
    ("calcium", 2.5, "mmol/L", 10.02),
    ("albumin", 35, "g/L", 3.5),
    ("temperature", 98.6, "°F", 37.0),
    ("temperature", 98.6, "degrees fahrenheit", 37.0),
    ("temperature", 310.15, "K", 37.0),
    ("inspired oxygen fraction", 60, "%", 0.6),
    ("platelets", 250_000, "/mm^3", 250.0),
    ("white cells", 8e9, "/L", 8.0),
    ("age", 18, "months", 1.5),
    ("body weight", 220.462, "lbs", 100.0),
    ("height", 70, "inches", 177.8),
    ("blood pressure", 16, "kPa", 120.0),
    ("blood pressure", 120, "mm Hg", 120.0),
    ("heart rate", 70, "beats per minute", 70.0),
    ("urine output", 20, "mL/h", 480.0),
    ("infusion rate", 0.1, "mcg/kg/min", 0.1),
]


@pytest.mark.parametrize(("name", "value", "unit", "expected"), UNITS)
def test_units_convert(name, value, unit, expected):
    measure = next(each for each in MEASURES if each.name == name)
    assert measure.read("it", Quantity(value, unit)) == pytest.approx(expected, rel=1e-4)


@given(st.data())
def test_a_converted_quantity_is_read_as_the_same_number(data):
    measure = data.draw(st.sampled_from([each for each in MEASURES if each.factors]))
    low, high = max(measure.low, 1.0), min(measure.high, 1000.0)
    value = data.draw(st.floats(low, max(low, high)))
    unit = data.draw(st.sampled_from(sorted(measure.factors)))
    elsewhere = value / measure.factors[unit] - measure.offsets.get(unit, 0.0)
    low_edge, high_edge = math.isclose(value, measure.low, rel_tol=1e-9), math.isclose(value, measure.high, rel_tol=1e-9)
    if not (low_edge or high_edge):
        assert measure.read("it", Quantity(elsewhere, unit)) == pytest.approx(value, rel=1e-6)


@given(st.sampled_from([case for case in CASES if not case.refused]))
def test_points_are_the_sum_of_their_components(case):
    score = work(case)
    if score.unit == "points" and isinstance(score.value, (int, float)) and case.calculator not in ("meld_na", "meld_3"):
        assert sum(score.components.values()) == pytest.approx(score.value)


BAD = [
    ("no type", lambda: calculator("x", unit="1", citation="x")(_untyped), "needs a measure"),
    ("no line", lambda: calculator("x", unit="1", citation="x")(_unsaid), "needs a measure"),
    ("twice", lambda: calculator("x", unit="1", citation="x", name="sofa")(_fine), "declared twice"),
]


def _untyped(age: float) -> float:
    """Nothing.

    Args:
        age: Age.
    """
    return age


def _unsaid(age: Age) -> float:
    """Nothing."""
    return age


def _fine(age: Age, creatinine: Creatinine | None = None, temperature: Temperature = 37.0) -> Answer:
    """Nothing.

    Args:
        age: Age.
        creatinine: Not given: nothing.
        temperature: Warm unless said.
    """
    return Answer(age)


@pytest.mark.parametrize(("declare", "text"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_a_declaration_that_lacks_something_fails_at_import(declare, text):
    with pytest.raises(TypeError, match=text):
        declare()


# ---------------------------------------------------------------- an independent implementation


def test_news2_and_qsofa_agree_with_vitalscore_on_5000_inputs():
    oracle = pytest.importorskip("vitalscore")
    draw = random.Random(20170)  # inputs of a test, from a fixed seed
    for _ in range(5000):
        rr, spo2, sbp, hr, temp = (
            draw.randint(4, 40),
            draw.randint(70, 100),
            draw.randint(50, 260),
            draw.randint(30, 200),
            draw.randint(330, 415) / 10,
        )
        coma, oxygen, scale = draw.randint(3, 15), draw.random() < 0.5, draw.choice(["1", "2"])
        signs = {"respiratory_rate": Quantity(rr, "1/min"), "sbp": Quantity(sbp, "mmHg"), "gcs": float(coma)}
        rest = {"spo2": Quantity(spo2, "%"), "heart_rate": Quantity(hr, "1/min"), "temperature": Quantity(temp, "°C")}
        ours = calculate("news2", **signs, **rest, on_oxygen=oxygen, spo2_scale=scale)
        theirs = oracle.score_news2(rr, spo2, oxygen, sbp, hr, "A" if coma == 15 else "V", temp, use_spo2_scale2=scale == "2")
        assert ours.value == theirs.total, (signs, rest, oxygen, scale)
        assert calculate("qsofa", **signs).value == oracle.score_qsofa(gcs=coma, respiratory_rate=rr, systolic_bp=sbp).total, signs


EYES, WORDS = ("none", "to pressure", "to voice", "spontaneous"), ("none", "sounds", "words", "confused", "oriented")
MOVES = ("none", "extension", "flexion", "withdraws", "localises", "obeys")


@given(st.integers(1, 4), st.integers(1, 5), st.integers(1, 6))
def test_coma_scale_agrees_with_vitalscore(eye, verbal, motor):
    oracle = pytest.importorskip("vitalscore")
    ours = calculate("gcs", eye=EYES[eye - 1], verbal=WORDS[verbal - 1], motor=MOVES[motor - 1])
    assert ours.value == oracle.score_gcs(eye, verbal, motor).total

"""How a differential is graded: honest probabilities do best, not knowing costs nothing, being sure of something wrong costs most."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinsim.hospital.grading import brier_score
from clinsim.hospital.hospital import Hospital
from clinsim.record import Submission
from clinsim.scenario_file import load_scenario

KNOWN = 40
NAMES = ("stemi", "reflux", "panic_attack")
SCORES = [
    ({"stemi": 1.0}, 0.0),
    ({"reflux": 1.0}, 2.0),
    ({"stemi": 0.5, "reflux": 0.5}, 0.5),
    ({"unknown": 1.0}, 1.0 - 1.0 / KNOWN),
    ({}, 1.0 - 1.0 / KNOWN),
    ({"stemi": 0.5}, 0.25 + 0.25 / (KNOWN - 1)),
    ({"stemi": 0.5, "unknown": 0.5}, 0.25 + 0.25 / (KNOWN - 1)),
]


@pytest.mark.parametrize(("items", "expected"), SCORES)
def test_scores_worked_by_hand(items: dict[str, float], expected: float) -> None:
    assert brier_score(items, "stemi", KNOWN) == pytest.approx(expected)


shares = st.lists(st.floats(0.0, 1.0), min_size=4, max_size=4).filter(lambda parts: sum(parts) > 0.01)


def mixed(parts: list[float]) -> dict[str, float]:
    return {name: part / sum(parts) for name, part in zip((*NAMES, "unknown"), parts, strict=True)}


@given(shares, shares)
def test_nobody_expects_to_gain_by_saying_something_else_than_he_believes(believed: list[float], said: list[float]) -> None:
    belief, stated = mixed(believed), mixed(said)

    def expects(items: dict[str, float]) -> float:
        rest = belief["unknown"] * brier_score(items, "something_else", KNOWN)
        return rest + sum(belief[name] * brier_score(items, name, KNOWN) for name in NAMES)

    assert expects(belief) <= expects(stated) + 1e-9


@given(shares)
def test_a_score_lies_between_nothing_and_two(parts: list[float]) -> None:
    assert -1e-9 <= brier_score(mixed(parts), "stemi", KNOWN) <= 2.0 + 1e-9


HOUSE = {"patients": [{"condition": "reflux", "minute": 0.0}], "ends": "horizon", "horizon_minutes": 240.0}
HOME = {
    "patient_id": "P0001",
    "advice": "Acid reflux; an acid blocker for four weeks.",
    "safety_net": "Come back with pain on effort or black stools.",
}


def played(steps: list[tuple[str, dict[str, object]]], condition: str = "reflux") -> Hospital:
    """One patient, and a doctor who does one thing after another as soon as it is possible."""
    hospital = Hospital(load_scenario("single_patient", {**HOUSE, "patients": [{"condition": condition, "minute": 0.0}]}), 4)
    left = [("claim_patient", {"patient_id": "P0001"}), ("take_history", {"patient_id": "P0001"}), *steps]
    while decision := hospital.advance():
        tool, arguments = left[0] if left and decision.agent == "doctor_1" and decision.at >= 30.0 else ("wait", {"minutes": 5})
        if tool != "wait":
            left.pop(0)
        hospital.act(decision.agent, Submission(tool, arguments))
    hospital.settle()
    return hospital


def settled(hospital: Hospital) -> dict[str, float]:
    return next(entry.data for entry in hospital.log if entry.kind == "settled" and entry.subject == "P0001")


def test_sending_home_with_advice_is_right_for_who_belongs_there_and_dangerous_for_who_does_not() -> None:
    well, sick = (played([("discharge_patient", HOME)], condition) for condition in ("reflux", "stemi"))
    graded = [next(e.data for e in hospital.log if e.kind == "disposition_graded") for hospital in (well, sick)]
    assert [data["right"] for data in graded] == [True, False]
    assert {e.data["code"] for e in sick.log if e.kind == "breach"} == {"sent_home_sick"}
    assert not [e for e in well.log if e.kind == "breach"]
    assert settled(sick)["loss"] > settled(played([], "stemi"))["loss"]
    assert any("black stools" in note.text for note in well.charts["P0001"].notes)


def test_a_consultant_answers_from_the_chart_and_an_unsure_differential_is_recorded() -> None:
    asked = ("request_consult", {"patient_id": "P0001", "service": "cardiology", "question": "Could this be the heart?"})
    unsure = ("record_differential", {"patient_id": "P0001", "diagnoses": {"reflux": 0.4, "stemi": 0.1, "unknown": 0.5}})
    hospital = played([asked, unsure])
    assert any(note.kind == "consult" for note in hospital.charts["P0001"].notes)
    (graded,) = [e.data for e in hospital.log if e.kind == "differential_graded"]
    assert graded["p_true"] == 0.4
    assert 0.0 < graded["brier"] < 0.5

"""A cardiac arrest is seen and told before a death; at times the heart beats again."""

from __future__ import annotations

import pytest

from clinsim.hospital.heart import DYING_MINUTES, REVIVED_AFTER_MINUTES
from clinsim.hospital.hospital import Hospital
from clinsim.record import Entry, Submission
from clinsim.scenario_file import load_scenario

SICK = {"patients": [{"condition": "septic_shock", "minute": 0.0, "ambulance": True}], "ends": "horizon", "horizon_minutes": 720.0}


def log_of(seed: int) -> list[Entry]:
    """What happens to a patient in shock for whom nobody does anything."""
    hospital = Hospital(load_scenario("single_patient", SICK), seed)
    while decision := hospital.advance():
        hospital.act(decision.agent, Submission("wait", {"minutes": 60}))
    hospital.settle()
    return hospital.log


@pytest.fixture(scope="module")
def logs() -> list[list[Entry]]:
    """Twelve such patients."""
    return [log_of(seed) for seed in range(12)]


def minutes(log: list[Entry], kind: str, subject: str = "P0001") -> list[float]:
    """When something of a kind happened to the patient."""
    return [entry.minute for entry in log if entry.kind == kind and entry.subject == subject]


def test_everybody_who_dies_was_seen_to_arrest_before(logs: list[list[Entry]]) -> None:
    dead = [log for log in logs if minutes(log, "death")]
    assert len(dead) >= 3
    for log in dead:
        assert max(minutes(log, "arrest")) == pytest.approx(minutes(log, "death")[0] - DYING_MINUTES)


def test_an_arrest_is_on_the_chart_and_a_pulse_comes_back_or_a_death_follows(logs: list[list[Entry]]) -> None:
    arrests = sum(len(minutes(log, "arrest")) for log in logs)
    backs = [(log, minute) for log in logs for minute in minutes(log, "pulse_back")]
    assert arrests == len(backs) + sum(len(minutes(log, "death")) for log in logs)
    assert all(minute - REVIVED_AFTER_MINUTES in minutes(log, "arrest") for log, minute in backs)
    assert {entry.visibility for log in logs for entry in log if entry.kind in ("arrest", "pulse_back")} == {"chart"}


def test_the_doctor_on_shift_is_told() -> None:
    hospital = Hospital(load_scenario("single_patient", SICK), next(seed for seed in range(12) if minutes(log_of(seed), "death")))
    while decision := hospital.advance():
        if any(news["kind"] == "arrest" and news["urgent"] for news in hospital.staff["doctor_1"].inbox):
            return
        hospital.act(decision.agent, Submission("wait", {"minutes": 30}))
    pytest.fail("nobody was told")

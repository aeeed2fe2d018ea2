"""Each condition alone: the guideline team works the new ones up from what it sees, and does not harm who needs nothing."""

from __future__ import annotations

from math import fsum

import pytest

import clinsim

SEEDS = range(20_100, 20_106)
TO_BE_HELPED = {
    "tension_pneumothorax": 0.10,
    "pulmonary_oedema": 0.10,
    "bacterial_meningitis": 0.05,
    "hypoglycaemia": 0.05,
    "intracerebral_haemorrhage": 0.02,
    "opioid_overdose": 0.01,
}
"""Least that care must save beside an idle team (expected utility); `checks/conditions.py` has all sheets on forty seeds."""
TO_BE_LEFT_ALONE = ("prescription_refill", "suture_removal", "back_pain", "vasovagal_syncope", "constipation")
ROOM = 0.005
"""What beds, tests and drugs may cost those who need none."""


def loss(condition: str, policy: str) -> float:
    """Mean expected utility loss over the seeds."""
    scenario = clinsim.load_scenario("single_patient", {"patients.0.condition": condition})
    traces = [clinsim.run_episode(clinsim.raw_env(scenario), policy, seed=seed) for seed in SEEDS]
    return fsum(trace.kpis["utility_loss"]["value"] for trace in traces) / len(traces)


@pytest.mark.parametrize(("condition", "least"), TO_BE_HELPED.items())
def test_care_saves_who_is_in_danger(condition: str, least: float) -> None:
    assert loss(condition, "guideline") < loss(condition, "idle") - least


@pytest.mark.parametrize("condition", TO_BE_LEFT_ALONE)
def test_care_does_no_plain_harm_to_who_needs_little(condition: str) -> None:
    assert loss(condition, "guideline") < loss(condition, "idle") + ROOM

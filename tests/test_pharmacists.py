"""A slice of `checks/pharmacists.py`: judgement pays, stamps and rules without judgement do not, and the guideline's pharmacist is good."""

import math

import pytest

import clinsim
from clinsim.record import CHART

SEEDS = (20_000, 20_001)
KINDS = ("guideline", "approve_all", "reject_all", "flag_all")


@pytest.fixture(scope="module")
def played():
    return {kind: [clinsim.run_episode(clinsim.raw_env("ed_evening"), {"pharmacist": kind}, seed=seed) for seed in SEEDS] for kind in KINDS}


def reward(traces):
    return math.fsum(value for trace in traces for agent, value in trace.rewards.items() if agent.startswith("pharmacist"))


def share(traces, name):
    pairs = [(trace.kpis[name]["value"] or 0.0, trace.kpis[name]["n"]) for trace in traces]
    return sum(value * n for value, n in pairs) / sum(n for _, n in pairs)


def test_judgement_pays_and_nothing_else_does(played):
    assert reward(played["guideline"]) > 0.0
    for kind in ("reject_all", "flag_all"):
        assert reward(played[kind]) < 0.0
    assert reward(played["approve_all"]) < 0.5 * reward(played["guideline"])


def test_the_guideline_pharmacist_is_good_and_the_rest_are_what_they_are(played):
    assert share(played["guideline"], "pharmacist_sensitivity") > 0.7
    assert share(played["guideline"], "pharmacist_false_alarms") < 0.05
    assert share(played["approve_all"], "pharmacist_sensitivity") == 0.0
    assert share(played["reject_all"], "pharmacist_false_alarms") == 1.0
    assert share(played["flag_all"], "pharmacist_false_alarms") > 0.3
    assert share(played["guideline"], "pharmacist_net_benefit") > 0.0 > share(played["flag_all"], "pharmacist_net_benefit")


def test_a_query_delays_the_dose_and_costs_minutes(played):
    asked, calm = played["flag_all"], played["guideline"]
    for name in ("query_delay", "query_doctor_minutes"):
        assert sum(trace.kpis[name]["value"] for trace in asked) > sum(trace.kpis[name]["value"] for trace in calm)


def test_lists_of_home_drugs_are_set_right_by_asking(played):
    written = [entry for entry in played["guideline"][0].entries if entry.kind == "home_drugs"]
    assert written
    assert all(entry.visibility == CHART and (entry.data["added"] or entry.data["no_longer"]) for entry in written)

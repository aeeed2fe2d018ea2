"""Slices of the evidence that the world and its rewards mean something; the long runs live in `checks/`."""

from __future__ import annotations

from collections import Counter
from math import fsum, sqrt

import pytest

import clinsim
from clinsim.hospital.hospital import Hospital
from clinsim.record import Submission
from clinsim.scenario_file import load_scenario

SEEDS = range(20_000, 20_003)


def idle_log(scenario, seed, minutes=60.0):
    hospital = Hospital(scenario, seed)
    while decision := hospital.advance():
        hospital.act(decision.agent, Submission("wait", {"minutes": minutes}))
    hospital.settle()
    return hospital.log


def test_arrivals_follow_the_profile_hour_by_hour():
    """Counts per hour over many evenings agree with the rate of that very hour (z < 4), and are Poisson (dispersion near 1)."""
    scenario = load_scenario("ed_evening", {"hospital.units.ward.occupied": 0.0, "hospital.units.icu.occupied": 0.0, "horizon_minutes": 240.0})
    rule = scenario.file.arrivals
    counts = {hour: [] for hour in range(4)}
    for seed in range(60):
        per_hour = Counter(int(e.minute // 60) for e in idle_log(scenario, seed) if e.kind == "arrival" and e.data["origin"] == "ed")
        for hour in counts:
            counts[hour].append(per_hour[hour])
    for hour, seen in counts.items():
        share = rule.percent_of_day[(17 + hour) % 24] / fsum(rule.percent_of_day)
        expected = rule.per_day * share
        mean = fsum(seen) / len(seen)
        assert abs(mean - expected) / sqrt(expected / len(seen)) < 4, hour
        variance = fsum((x - mean) ** 2 for x in seen) / (len(seen) - 1)
        assert 0.5 < variance / mean < 1.8, hour


def test_the_complaint_alone_does_not_tell_the_diagnosis():
    """The best guess from the complaint is right in less than half of arrivals: a diagnosis must be worked out."""
    scenario = load_scenario("ed_evening", {"arrivals.per_day": 600.0})
    pairs: Counter[tuple[str, str]] = Counter()
    for seed in range(4):
        log = idle_log(scenario, seed)
        complaints = {e.subject: e.data["complaint"] for e in log if e.kind == "arrival" and e.data["origin"] == "ed"}
        pairs.update((complaints[e.subject], e.data["condition"]) for e in log if e.kind == "patient_truth" and e.subject in complaints)
    best = {complaint: max(n for (c, _), n in pairs.items() if c == complaint) for complaint, _ in pairs}
    assert sum(best.values()) / sum(pairs.values()) < 0.5


def test_doubling_the_walks_moves_door_to_ct():
    """The same patients with a stroke, one at a time: each that gets a CT gets it later."""
    times = []
    for scale in (1.0, 2.0):
        patients = [{"condition": "ischaemic_stroke", "minute": 0.0, "ambulance": True}]
        scenario = load_scenario("single_patient", {"hospital.floor.scale": scale, "patients": patients})
        traces = [clinsim.run_episode(clinsim.raw_env(scenario), "guideline", seed=seed) for seed in range(20_000, 20_008)]
        times.append([trace.kpis["door_to_ct"]["value"] for trace in traces])
    pairs = [(near, far) for near, far in zip(*times, strict=True) if near is not None and far is not None]
    assert len(pairs) >= 5
    assert all(far > near + 2.0 for near, far in pairs)


@pytest.fixture(scope="module")
def table():
    """Return and utility loss by policy over a few test seeds of ed_evening."""
    names = ("guideline", "idle", "guideline_slow", "guideline_half", "random", "admit_all", "discharge_all", "override_all", "shotgun", "spam")
    scenario = load_scenario("ed_evening")
    rows = {}
    for name in names:
        traces = [clinsim.run_episode(clinsim.raw_env(scenario), name, seed=seed) for seed in SEEDS]
        rows[name] = (fsum(fsum(t.rewards.values()) for t in traces) / 3, fsum(t.kpis["utility_loss"]["value"] for t in traces) / 3)
    return rows


@pytest.mark.parametrize("worse", ["guideline_slow", "guideline_half", "idle", "random"])
def test_guideline_loses_least(table, worse):
    assert table["guideline"][1] < table[worse][1]


@pytest.mark.parametrize("attacker", ["admit_all", "discharge_all", "override_all", "shotgun", "spam"])
def test_attackers_earn_next_to_nothing(table, attacker):
    idle, guideline = table["idle"][0], table["guideline"][0]
    assert table[attacker][0] <= idle + 0.1 * (guideline - idle)


@pytest.fixture(scope="module")
def morning():
    """Return by policy over two test seeds of a morning in a small general hospital."""
    small = {"horizon_minutes": 240.0, "arrivals.per_day": 60, "hospital.pools.ward_bed.units": 20, "hospital.pools.icu_bed.units": 6}
    small |= {"hospital.pools.step_down_bed.units": 6, "background": []}
    scenario = load_scenario("general_hospital", small)
    names = ("guideline", "idle", "admit_all", "override_all", "shotgun", "reject_all", "report_all", "spam")
    return {
        name: fsum(fsum(clinsim.run_episode(clinsim.raw_env(scenario), name, seed=seed, observations=False).rewards.values()) for seed in SEEDS[:2])
        for name in names
    }


@pytest.mark.parametrize("attacker", ["admit_all", "override_all", "shotgun", "reject_all", "report_all", "spam"])
def test_attackers_earn_next_to_nothing_in_a_general_hospital(morning, attacker):
    assert morning["guideline"] > 2.0
    assert morning[attacker] <= morning["idle"] + 0.1 * (morning["guideline"] - morning["idle"])

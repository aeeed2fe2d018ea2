"""Ledger and key figures on played episodes: live equals re-graded, idling earns nothing, integrals equal those of the pools."""

from functools import lru_cache
from math import fsum

import pytest

from clinsim.metrics import kpis, outcome
from clinsim.record import Entry
from clinsim.rewards import SAFETY, Ledger, regrade
from clinsim.rollout import raw_env, run_episode
from clinsim.scenario_file import load_scenario
from clinsim.trace_file import Trace

PLAYED = [("first_hour", "guideline"), ("first_hour", "spam"), ("first_hour", "override_all"), ("ed_evening", "guideline"), ("ed_evening", "random")]


@lru_cache
def played(scenario: str, policy: str, seed: int = 20_007) -> Trace:
    return run_episode(raw_env(scenario), policy, seed, observations=False)


@pytest.mark.parametrize(("scenario", "policy"), PLAYED)
def test_regrade_equals_what_was_paid_live(scenario: str, policy: str) -> None:
    trace = played(scenario, policy)
    ledger = regrade(trace.entries, load_scenario(scenario))
    assert ledger.totals() == trace.rewards
    assert fsum(row.value for row in ledger.rows) == pytest.approx(fsum(trace.rewards.values()), abs=1e-9)


@pytest.mark.parametrize(("scenario", "policy"), PLAYED)
def test_before_its_weight_every_row_is_within_one(scenario: str, policy: str) -> None:
    terms = load_scenario(scenario)
    rows = [row for row in regrade(played(scenario, policy).entries, terms).rows if row.component != SAFETY]
    assert rows
    assert all(abs(row.value) <= abs(terms.rewards[row.component]) + 1e-9 for row in rows)


@pytest.mark.parametrize("scenario", ["first_hour", "ed_evening", "ward_round"])
def test_idling_earns_exactly_nothing(scenario: str) -> None:
    assert regrade(played(scenario, "idle").entries, load_scenario(scenario)).rows == []


def test_rows_come_with_the_entry_that_earned_them() -> None:
    trace = played("first_hour", "guideline")
    ledger = Ledger(load_scenario("first_hour"))
    for entry in trace.entries:
        assert all(row.minute == entry.minute for row in ledger.add([entry]))


@pytest.mark.parametrize("scenario", ["first_hour", "ed_evening", "surge", "scanner_down"])
def test_integrals_equal_those_that_the_pools_keep(scenario: str) -> None:
    env = raw_env(scenario)
    trace = run_episode(env, "guideline", 20_007, observations=False)
    figures, minutes = kpis(trace.entries, load_scenario(scenario)), env.hospital.now
    for name, pool in env.hospital.pools.items():
        busy, queue = pool.integrals()
        offered = offered_minutes(trace.entries, name, load_scenario(scenario).hospital.pools[name].units, minutes)
        assert figures[f"queue_{name}"]["value"] == pytest.approx(queue / minutes, abs=1e-9)
        assert figures[f"utilisation_{name}"]["value"] == pytest.approx(busy / offered if offered else 0.0, abs=1e-9)
        assert 0.0 <= figures[f"utilisation_{name}"]["value"] <= 1.0


def offered_minutes(entries: list[Entry], name: str, units: int, end: float) -> float:
    """Unit-minutes in service by the plain definition: each level, times how long it lasted."""
    changes = [(0.0, units), *((e.minute, max(e.data["units"], e.data["busy"])) for e in entries if e.kind == "pool" and e.subject == name)]
    ends = [*(minute for minute, _ in changes[1:]), end]
    return fsum(level * (stop - start) for (start, level), stop in zip(changes, ends, strict=True))


@pytest.mark.parametrize("scenario", ["first_hour", "ed_evening", "ward_round"])
def test_outcome_and_figures_agree(scenario: str) -> None:
    trace = played(scenario, "guideline" if scenario != "ward_round" else "idle")
    found = outcome(trace.entries)
    assert {name: trace.kpis[name]["value"] for name in found} == found
    assert found["utility_loss"] > 0.0

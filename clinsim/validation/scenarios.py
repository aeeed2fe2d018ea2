"""Each shipped scenario proves itself: it plays to its end, repeats, loses nobody, exceeds no capacity, and rewards being good at it."""

from __future__ import annotations

from functools import partial
from math import fsum
from typing import Any

from clinsim.hospital.invariants import InvariantError
from clinsim.hospital.invariants import check as check_invariants
from clinsim.processes import shared_out
from clinsim.rollout import raw_env, run_episode
from clinsim.scenario_file import load_scenario, scenario_names
from clinsim.trace_file import Trace
from clinsim.validation.checks import Check, holds, joined, part, unjudged, within

PART = "scenarios"
SEED = 20_100
SEEDS = {"full": 5, "quick": 1}
LONG_MINUTES = 1440.0
"""Scenarios of a day and more are played once, and left out of the quick validation."""
GOOD, PASSIVE = "guideline", "idle"


def report(quick: bool = False) -> dict[str, dict[str, Any]]:
    """The part `scenarios`.

    Args:
        quick: One seed for each scenario instead of several.
    """
    return part(PART, joined(shared_out(partial(of_scenario, quick=quick), scenario_names())))


def of_scenario(name: str, quick: bool) -> list[Check]:
    """All checks of one scenario."""
    is_long = load_scenario(name).horizon_minutes >= LONG_MINUTES
    if is_long and quick:
        return [unjudged(f"{name}: left to the full validation", group="long")]
    seeds = 1 if is_long else SEEDS["quick" if quick else "full"]
    good, passive = ([_play(name, policy, SEED + number) for number in range(seeds)] for policy in (GOOD, PASSIVE))
    again, _ = _play(name, GOOD, SEED)
    traces = [trace for trace, _ in (*good, *passive)]
    faults = [fault for _, fault in (*good, *passive) if fault]
    return [
        holds(f"{name}: the same seed gives the same digest", again.digest == good[0][0].digest, group="repeats"),
        holds(f"{name}: invariants hold at the end{': ' + faults[0] if faults else ''}", not faults, group="invariants"),
        _settled(name, traces),
        within(f"{name}: largest utilisation of a pool", max(map(_utilisation, traces)), 1.0, 0.0, 1.0 + 1e-9, group="books"),
        _spared(name, [trace for trace, _ in good], [trace for trace, _ in passive]),
    ]


def _play(name: str, policy: str, seed: int) -> tuple[Trace, str]:
    """A trace, and which invariant did not hold at its end."""
    ward = raw_env(load_scenario(name))
    trace = run_episode(ward, policy, seed, observations=False)
    try:
        check_invariants(ward.hospital)
    except InvariantError as fault:
        return trace, str(fault)
    return trace, ""


def _settled(name: str, traces: list[Trace]) -> Check:
    """Arrived patients who were not settled exactly once."""
    lost = 0
    for trace in traces:
        arrived = sorted(entry.subject for entry in trace.entries if entry.kind == "arrival")
        lost += arrived != sorted(entry.subject for entry in trace.entries if entry.kind == "settled")
    return within(f"{name}: episodes in which not everybody is settled once", float(lost), 0.0, 0.0, 0.0, n=len(traces), group="settled")


def _utilisation(trace: Trace) -> float:
    return max(figure["value"] or 0.0 for name, figure in trace.kpis.items() if name.startswith("utilisation_"))


def _spared(name: str, good: list[Trace], passive: list[Trace]) -> Check:
    """Expected utility lost by good care, which must be less than that lost by doing nothing."""
    ours, theirs = (fsum(trace.kpis["utility_loss"]["value"] for trace in traces) / len(traces) for traces in (good, passive))
    return within(f"{name}: utility loss under {GOOD} against {PASSIVE}", ours, theirs, 0.0, theirs, n=len(good), group="worth")

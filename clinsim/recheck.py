"""Checks of a finished trace: is it what was written, does it happen again, and what does it earn by the rules of today."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from clinsim.errors import ScenarioError, TraceError, UsageError
from clinsim.recorded import Recorded
from clinsim.rewards import regrade
from clinsim.rollout import raw_env, run_episode
from clinsim.scenario_file import Scenario, load_scenario, scenario_names
from clinsim.trace_file import Trace, TraceWriter


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a trace holds; if not, at which 1-based line it first fails, and how."""

    passed: bool
    message: str
    line: int | None = None


def verify_trace(path: str | Path) -> Verdict:
    """Check the chain of a trace, then play its replies again and compare every line.

    Raises:
        TraceError: There is no such file.
        ScenarioError: The scenario that it names cannot be loaded.
    """
    try:
        trace = Trace.load(path)
    except TraceError as problem:
        if problem.line is None:
            raise
        return Verdict(False, str(problem), problem.line)
    scenario = scenario_of(trace)
    if (now := scenario.hash) != (then := trace.header["scenario"]["hash"]):
        return Verdict(False, f"{path}: line 1: scenario {scenario.id} has changed since (hash {now[:12]}, was {then[:12]})", 1)
    try:
        again = _played_again(trace, scenario)
    except UsageError as problem:
        return Verdict(False, f"{path}: line 1: cannot be played again: {problem}", 1)
    line = _first_difference(Path(path).read_bytes(), again)
    if line is not None:
        return Verdict(False, f"{path}: line {line}: playing it again gives another line", line)
    return Verdict(True, f"{path}: {len(trace.lines) + 2} lines hold, digest {trace.digest}")


def regrade_trace(path: str | Path) -> dict[str, Any]:
    """Fold the rewards of the scenario, as it is today, over the log of a trace.

    Raises:
        TraceError: It cannot be read, or has been changed.
        ScenarioError: The scenario that it names cannot be loaded.
    """
    trace = Trace.load(path)
    ledger = regrade(trace.entries, scenario_of(trace))
    rewards = ledger.totals()
    return {
        "scenario": trace.header["scenario"]["id"],
        "seed": trace.seed,
        "digest": trace.digest,
        "rewards": rewards,
        "return": sum(rewards.values()),
        "components": ledger.by_component(),
        "recorded": trace.rewards,
        "same": ledger.by_component() == trace.components,
    }


def scenario_of(trace: Trace) -> Scenario:
    """The scenario that a trace was played in, as it is today.

    Raises:
        ScenarioError: It cannot be loaded.
    """
    named = trace.header["scenario"]
    is_shipped = named["id"] in scenario_names() and named["file"] == f"{named['id']}.yaml"
    try:
        return load_scenario(named["id"] if is_shipped else named["file"])
    except ScenarioError as problem:
        raise ScenarioError(f"the trace was played in {named['file']}: {problem}") from problem


def _played_again(trace: Trace, scenario: Scenario) -> Trace:
    replies = Recorded(trace)
    env = raw_env(scenario, max_cycles=trace.header["max_cycles"], background=replies)
    again = run_episode(env, Recorded(trace), trace.seed, observations=trace.header["observations"])
    if _who(again) == _who(trace):
        again.header = {**again.header, **{key: trace.header[key] for key in ("package", "staff")}}
    return again


def _who(trace: Trace) -> list[tuple[Any, ...]]:
    return [(row["agent"], row["role"], row["seat"]) for row in trace.header["staff"]]


def _first_difference(content: bytes, again: Trace) -> int | None:
    writer = TraceWriter()
    lines = [writer.write("header", again.header), *map(writer.write_line, again.lines)]
    lines.append(writer.write_footer(again.footer))
    pairs = zip_longest(content.splitlines(keepends=True), lines)
    return next((number for number, (old, new) in enumerate(pairs, start=1) if old != new), None)

"""Checks of a finished trace: is it what was written, does it happen again, and what does it earn by the rules of today."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from clinsim.errors import ScenarioError, TraceError, UsageError
from clinsim.recorded import Recorded
from clinsim.referee import WardEnv
from clinsim.rewards import regrade
from clinsim.rollout import raw_env, run_episode
from clinsim.scenario_file import FILE_ENDINGS, Scenario, load_scenario, scenario_names
from clinsim.trace_file import Trace, TraceWriter


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a trace holds; if not, at which 1-based line it first fails, and how."""

    passed: bool
    message: str
    line: int | None = None


def verify_trace(path: str | Path, scenario: str | Path | None = None) -> Verdict:
    """Check the chain of a trace, then play its replies again and compare every line.

    Args:
        path: The trace.
        scenario: File of the scenario that it was played in (None: looked for by the name in the header).

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
    found = scenario_of(trace, path, scenario)
    if (now := found.hash) != (then := trace.header["scenario"]["hash"]):
        compared = f"{found.origin} has hash {now[:12]}, was {then[:12]}"
        return Verdict(False, f"{path}: line 1: scenario {found.id} has changed since ({compared}); name its file with --scenario", 1)
    try:
        again, _ = played_again(trace, found)
    except UsageError as problem:
        return Verdict(False, f"{path}: line 1: cannot be played again: {problem}", 1)
    line = _first_difference(Path(path).read_bytes(), again)
    if line is not None:
        return Verdict(False, f"{path}: line {line}: playing it again gives another line", line)
    return Verdict(True, f"{path}: {len(trace.lines) + 2} lines hold, digest {trace.digest}")


def regrade_trace(path: str | Path, scenario: str | Path | None = None) -> dict[str, Any]:
    """Fold the rewards of the scenario, as it is today, over the log of a trace; arguments as for `verify_trace`.

    Raises:
        TraceError: It cannot be read, or has been changed.
        ScenarioError: The scenario that it names cannot be loaded.
    """
    trace = Trace.load(path)
    ledger = regrade(trace.entries, scenario_of(trace, path, scenario))
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


def scenario_of(trace: Trace, path: str | Path, given: str | Path | None = None) -> Scenario:
    """The scenario that a trace was played in, as it is today: of those it may be, the one that has not changed, else the first.

    Raises:
        ScenarioError: None can be loaded; the message says where was looked.
    """
    named = trace.header["scenario"]
    places = [str(given)] if given is not None else list(_places(named["id"], named["file"], Path(path)))
    found: list[Scenario] = []
    problems: list[str] = []
    for place in places:
        try:
            found.append(load_scenario(place))
        except ScenarioError as problem:
            problems.append(str(problem))
    if not found:
        here = problems[0] if problems else "not found here, nor in the folders above the trace; name it with --scenario"
        raise ScenarioError(f"the trace was played in {named['file']}: {here}")
    return next((scenario for scenario in found if scenario.hash == named["hash"]), found[0])


def _places(name: str, file: str, trace: Path) -> Iterator[str]:
    """Where the scenario of a trace may be: among the shipped ones, here, beside the trace, or in a folder above it."""
    if name in scenario_names() and file == f"{name}.yaml":
        yield name
    if Path(file).suffix in FILE_ENDINGS:
        for folder in (Path(), *trace.resolve().parents):
            if (folder / file).is_file():
                yield str(folder / file)


def played_again(trace: Trace, scenario: Scenario) -> tuple[Trace, WardEnv]:
    """The replies of a trace, played again: the trace that comes of them, and the ward as it was left.

    Raises:
        UsageError: They cannot be played in this scenario.
    """
    replies = Recorded(trace)
    env = raw_env(scenario, max_cycles=trace.header["max_cycles"], background=replies)
    again = run_episode(env, Recorded(trace), trace.seed, observations=trace.header["observations"])
    if _who(again) == _who(trace):
        told = {key: trace.header[key] for key in ("package", "staff")}
        file = {"file": trace.header["scenario"]["file"]}  # found elsewhere perhaps: its hash says that it is the same
        again.header = {**again.header, **told, "scenario": {**again.header["scenario"], **file}}
    return again, env


def _who(trace: Trace) -> list[tuple[Any, ...]]:
    return [(row["agent"], row["role"], row["seat"]) for row in trace.header["staff"]]


def _first_difference(content: bytes, again: Trace) -> int | None:
    writer = TraceWriter()
    lines = [writer.write("header", again.header), *map(writer.write_line, again.lines)]
    lines.append(writer.write_footer(again.footer))
    pairs = zip_longest(content.splitlines(keepends=True), lines)
    return next((number for number, (old, new) in enumerate(pairs, start=1) if old != new), None)

"""A run on disk: `trace.jsonl`, `run.json`, and while it is played `journal.jsonl`, from which a run that was cut off goes on.

The journal holds each reply before it is used, so that nothing a policy said is lost; the trace is made anew from it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

import clinsim
from clinsim.errors import TraceError, UsageError
from clinsim.record import Policy, Reply
from clinsim.recorded import Continued
from clinsim.referee import WardEnv
from clinsim.rollout import check_policies, env, run_episode
from clinsim.scenario_file import load_scenario
from clinsim.trace_file import Trace

TRACE = "trace.jsonl"
SUMMARY = "run.json"
JOURNAL = "journal.jsonl"
Watch = Callable[[WardEnv], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be run: a scenario (name or path), a seed, and the policy of each seat or role that is named."""

    scenario: str
    seed: int
    policies: Mapping[str, str]


def run_in(folder: Path, plan: Plan, *, resume: bool = False, watch: Watch | None = None) -> Trace:
    """Play `plan` and leave trace and summary in `folder`; with `resume`, go on where an earlier run stopped.

    Raises:
        UsageError: The folder is not empty, or holds the run of another plan.
        ScenarioError: The scenario is unknown or wrong.
    """
    scenario = load_scenario(plan.scenario)
    begun = {**asdict(plan), "policies": dict(plan.policies), "hash": scenario.hash, "package": clinsim.__version__}
    ward = env(scenario)
    check_policies(plan.policies, scenario.seats)
    if resume and (folder / SUMMARY).exists():
        _check_same(folder, begun)
        finished = _finished(folder)
        if finished is not None:
            return finished
    elif folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder}: not empty; give another folder with --out, or --resume to go on with a run")
    folder.mkdir(parents=True, exist_ok=True)
    _write_whole(folder / SUMMARY, {**begun, "state": "running"})
    given = _read_journal(folder / JOURNAL)
    with (folder / JOURNAL).open("a", encoding="ascii") as journal, (folder / TRACE).open("wb") as sink:
        trace = run_episode(ward, dict(plan.policies), plan.seed, sink=sink, around=_continuing(given, journal), watch=watch)
    _write_whole(folder / SUMMARY, {**begun, "state": "done", **summary(trace)})
    (folder / JOURNAL).unlink()
    return trace


def summary(trace: Trace) -> dict[str, Any]:
    """What a run came to, as `clinsim run --json` prints it."""
    footer = trace.footer
    return {
        "scenario": trace.header["scenario"]["id"],
        "seed": trace.seed,
        "digest": trace.digest,
        "minutes": footer["minutes"],
        "arrivals": footer["arrivals"],
        "n_actions": trace.n_actions,
        "rewards": trace.rewards,
        "return": sum(trace.rewards.values()),
        **footer["outcome"],
        "kpis": trace.kpis,
    }


def _continuing(given: Mapping[str, list[Reply]], journal: TextIO) -> Callable[[Policy], Policy]:
    def heard(agent: str, reply: Reply) -> None:
        journal.write(json.dumps([agent, asdict(reply)]) + "\n")
        journal.flush()

    return lambda policy: Continued(policy, given, heard)


def _read_journal(path: Path) -> dict[str, list[Reply]]:
    """The replies in a journal, by agent; a last line that was cut short was never used, and is taken away."""
    if not path.exists():
        return {}
    *lines, torn = path.read_bytes().split(b"\n")
    if torn:
        path.write_bytes(b"".join(line + b"\n" for line in lines))
    given: dict[str, list[Reply]] = {}
    for line in lines:
        agent, fields = json.loads(line)
        lists = {name: tuple(fields[name]) for name in ("calls", "tokens", "logps")}
        given.setdefault(agent, []).append(Reply(**{**fields, **lists}))
    return given


def _check_same(folder: Path, begun: Mapping[str, Any]) -> None:
    try:
        before = json.loads((folder / SUMMARY).read_bytes())
    except ValueError as problem:
        raise UsageError(f"{folder / SUMMARY}: not the summary of a run ({problem})") from problem
    for field, value in begun.items():
        if before.get(field) != value:
            raise UsageError(f"{folder}: holds a run with {field} {before.get(field)!r}, not {value!r}")


def _finished(folder: Path) -> Trace | None:
    """The trace of a run that had come to its end."""
    if (folder / JOURNAL).exists():
        return None
    try:
        return Trace.load(folder / TRACE)
    except TraceError as problem:
        raise UsageError(f"{problem}; there is no journal to go on from") from problem


def _write_whole(path: Path, data: Mapping[str, Any]) -> None:
    """Write a file at once: whoever reads it sees the old content or the new."""
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    draft.replace(path)

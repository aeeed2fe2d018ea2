"""A run on disk: `trace.jsonl`, `run.json`, and while it is played `journal.jsonl`, from which a run that was cut off goes on.

The journal holds each reply before it is used, so that nothing a policy said is lost; the trace is made anew from it. Its lines are numbered
and chained like those of a trace: one that was changed, lost or moved is found, and only the last may be torn.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

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
        UsageError: The folder cannot be made, is not empty, or holds the run of another plan.
        ScenarioError: The scenario is unknown or wrong.
    """
    scenario = load_scenario(plan.scenario)
    begun = {**asdict(plan), "policies": dict(plan.policies), "hash": scenario.hash, "package": clinsim.__version__}
    ward = env(scenario)
    check_policies(plan.policies, scenario.seats)
    with _usable(folder):
        if resume and (folder / SUMMARY).exists():
            _check_same(folder, begun)
            finished = _finished(folder)
            if finished is not None:
                return finished
        elif folder.exists() and any(folder.iterdir()):
            raise UsageError(f"{folder}: not empty; give another folder with --out, or --resume to go on with a run")
        folder.mkdir(parents=True, exist_ok=True)
        given, chain = _read_journal(folder / JOURNAL, Chain(begun))
        _write_whole(folder / SUMMARY, {**begun, "state": "running"})
        journal, sink = (folder / JOURNAL).open("ab"), (folder / TRACE).open("wb")
    with journal, sink:
        around = _continuing(given, journal, chain)
        trace = run_episode(ward, dict(plan.policies), plan.seed, sink=sink, around=around, watch=watch)
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
        "tokens": sum(action.tokens for action in trace.actions),
        "cost": math.fsum(action.cost for action in trace.actions),
        "rewards": trace.rewards,
        "return": sum(trace.rewards.values()),
        **footer["outcome"],
        "kpis": trace.kpis,
    }


class Chain:
    """Makes the lines of a journal: number, agent and reply, and the start of the SHA-256 of the plan and of all that stands before."""

    def __init__(self, begun: Mapping[str, Any]) -> None:
        """Begin the journal of a run, empty."""
        self._hash = sha256(json.dumps(begun, sort_keys=True).encode())
        self._lines = 0

    def line(self, agent: str, reply: Mapping[str, Any]) -> bytes:
        """The next line."""
        body = json.dumps([self._lines, agent, reply])[:-1]
        self._hash.update(body.encode())
        self._lines += 1
        return f'{body}, "{self._hash.hexdigest()[:16]}"]\n'.encode()


def _continuing(given: Mapping[str, list[Reply]], journal: BinaryIO, chain: Chain) -> Callable[[Policy], Policy]:
    def heard(agent: str, reply: Reply) -> None:
        journal.write(chain.line(agent, asdict(reply)))
        journal.flush()

    return lambda policy: Continued(policy, given, heard)


def _read_journal(path: Path, chain: Chain) -> tuple[dict[str, list[Reply]], Chain]:
    """The replies in a journal, by agent; a last line that was cut short was never used, and is taken away.

    Raises:
        UsageError: Another line is not as it was written.
    """
    if not path.exists():
        return {}, chain
    *lines, torn = path.read_bytes().split(b"\n")
    given: dict[str, list[Reply]] = {}
    for number, line in enumerate(lines, start=1):
        agent, fields = _journal_fields(line)
        if chain.line(agent, fields) != line + b"\n":
            raise UsageError(f"{path}: line {number}: not as it was written; play the run anew in another folder")
        lists = {name: tuple(fields[name]) for name in ("calls", "tokens", "logps", "decided")}
        given.setdefault(agent, []).append(Reply(**{**fields, **lists}))
    if torn:
        path.write_bytes(b"".join(line + b"\n" for line in lines))
    return given, chain


def _journal_fields(line: bytes) -> tuple[str, dict[str, Any]]:
    """Agent and reply of a line of a journal; nothing where there are none, so that the chain refuses it."""
    try:
        _, agent, fields, _ = json.loads(line)
    except (ValueError, TypeError, RecursionError):
        return "", {}
    return (agent, fields) if isinstance(agent, str) and isinstance(fields, dict) else ("", {})


@contextmanager
def _usable(folder: Path) -> Iterator[None]:
    """Turn what the file system refuses into a line that names it."""
    try:
        yield
    except OSError as problem:
        raise UsageError(f"{problem.filename or folder}: cannot be used for a run ({problem.strerror}); give another folder with --out") from problem


def _check_same(folder: Path, begun: Mapping[str, Any]) -> None:
    try:
        before = json.loads((folder / SUMMARY).read_bytes())
    except (ValueError, RecursionError) as problem:
        raise UsageError(f"{folder / SUMMARY}: not the summary of a run ({problem})") from problem
    if not isinstance(before, dict):
        raise UsageError(f"{folder / SUMMARY}: not the summary of a run, but a {type(before).__name__}")
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

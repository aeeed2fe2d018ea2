"""Replays: policies over the tasks of a suite, in isolated worlds over several processes, kept in a journal so that a killed replay goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from clinsim.benchmark.attempt import Attempt
from clinsim.benchmark.legacy import action_score, composite
from clinsim.benchmark.play import MAX_TURNS, Play, standard_of
from clinsim.benchmark.policies import SCRIPTS
from clinsim.benchmark.seated import play_seated
from clinsim.benchmark.strict import Graded, grade
from clinsim.benchmark.suite import Placed
from clinsim.benchmark.task import SUBMISSIONS
from clinsim.errors import UsageError
from clinsim.processes import shared_out
from clinsim.record import Policy
from clinsim.rollout import policy_for

JOURNAL, PLAN = "rows.jsonl", "plan.json"
BATCH = 64
"""Attempts between two writings of the journal: what a kill costs at most."""
CHUNK = 8
RANDOM, LOCAL, CHAT = "random", "local:", "chat:"
"""The one scripted policy of the live hospital that plays with any tools; how policies are named whose model is loaded here, or asked over HTTP."""
AT_ONCE = 16
"""Attempts with a model over HTTP that are under way together: a server is waited for most of the time."""


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt to make: a task, the SPEC of a policy, and the trial, which seeds the policy."""

    placed: Placed
    policy: str
    trial: int = 0
    max_turns: int = MAX_TURNS

    @property
    def key(self) -> tuple[str, str, str, str, int]:
        """What names the attempt in a journal."""
        return (*self.placed.key, self.policy, self.trial)


@dataclass(frozen=True, slots=True)
class Row:
    """An attempt and what both scorers give it. `strict` is None for a task that the strict scorer cannot grade.

    `error` is empty, or what failed in the infrastructure: such a row has no scores. `components` are those of the strict scorer. `tokens` and
    `cost` are what a model read and wrote for the attempt, and what is charged for it.
    `trajectory` and `final_answer` are what was done, in the shape of recorded trajectories: a journal can be scored again.
    """

    domain: str
    file: str
    task_id: str
    policy: str
    trial: int
    turns: int = 0
    action_score: float = 0.0
    strict: float | None = None
    strict_accuracy: float | None = None
    legacy: float = 0.0
    legacy_accuracy: float = 0.0
    components: Mapping[str, Any] | None = None
    error: str = ""
    tokens: int = 0
    cost: float = 0.0
    trajectory: Sequence[Mapping[str, Any]] = ()
    final_answer: str = ""

    @property
    def key(self) -> tuple[str, str, str, str, int]:
        """What names the attempt in a journal."""
        return (self.domain, self.file, self.task_id, self.policy, self.trial)


def jobs_of(tasks: Sequence[Placed], policies: Sequence[str], trials: int) -> list[Job]:
    """Every policy at every task, `trials` times.

    Raises:
        UsageError: A policy is unknown.
    """
    for spec in policies:
        check_policy(spec)
    return [Job(placed, spec, trial) for spec in policies for placed in tasks for trial in range(trials)]


def check_policy(spec: str) -> None:
    """Find out before anything is played whether a policy exists.

    Raises:
        UsageError: It does not, or it is one that follows the protocols of the live hospital.
    """
    if spec in SCRIPTS:
        return
    kind, colon, _ = spec.partition(":")
    if (not colon and spec != RANDOM) or kind == "recorded":
        raise UsageError(f"--policy {spec}: plays no static tasks; allowed {', '.join([*SCRIPTS, RANDOM])}, chat:MODEL@URL, local:PATH")
    policy_for(spec)


def play_job(job: Job) -> Row:
    """Make one attempt and score it."""
    play = Play(job.placed, job.max_turns)
    if job.policy in SCRIPTS:
        SCRIPTS[job.policy](play)
        return scored(job, play.attempt())
    played = play_seated(play, policy_for(job.policy) if job.policy.startswith(CHAT) else _policy(job.policy), job.trial)
    row = Row(*job.key, turns=play.turns, error=played.failure) if played.failure else scored(job, play.attempt())
    return replace(row, tokens=played.tokens, cost=played.cost)


@lru_cache(maxsize=2)
def _policy(spec: str) -> Policy:
    """The policy of a SPEC, made once a process: a model takes longer to load than a task to play."""
    return policy_for(spec)


def _played(jobs: Sequence[Job], processes: int | None) -> list[Row]:
    """Play jobs, in any order: those of models over HTTP in threads, each with a policy of its own, the others in processes."""
    asked = [job for job in jobs if job.policy.startswith(CHAT)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        rows = list(pool.map(play_job, asked))
    return rows + shared_out(play_job, [job for job in jobs if not job.policy.startswith(CHAT)], CHUNK, processes)


def scored(job: Job, attempt: Attempt) -> Row:
    """The row of a finished attempt."""
    standard = standard_of(job.placed)
    strict = grade(standard, attempt)
    reference = job.placed.task.reference
    legacy = composite(reference, attempt.calls, response_of(attempt))
    return Row(
        *job.key,
        turns=attempt.turns,
        action_score=action_score(reference.actions, attempt.calls),
        strict=strict.score if standard.gradable else None,
        strict_accuracy=strict.accuracy,
        legacy=legacy["total"],
        legacy_accuracy=legacy["accuracy"],
        components=components(strict),
        trajectory=[{"name": call.name, "arguments": dict(call.arguments)} for call in attempt.calls],
        final_answer=attempt.final_answer,
    )


def components(graded: Graded) -> dict[str, Any]:
    """The parts of a strict score, as data."""
    return {name: value for name, value in asdict(graded).items() if name != "score"}


def response_of(attempt: Attempt) -> str:
    """The response as the legacy scorer reads it: the answer that was submitted, else the last words."""
    for call in reversed(attempt.calls):
        answer = call.arguments.get("answer")
        if call.name in SUBMISSIONS and isinstance(answer, str):
            return answer
    return attempt.final_answer


def replayed(jobs: Sequence[Job], journal: Path | None = None, processes: int | None = None) -> Iterator[Row]:
    """Play all jobs and give their rows in order; those that a journal holds already are not played again.

    Args:
        jobs: What to play.
        journal: File in which rows are kept.
        processes: How many processes (None: one for each processor); a model that is loaded here is loaded once.
    """
    known = {row.key: row for row in read_journal(journal)} if journal else {}
    if any(job.policy.startswith(LOCAL) for job in jobs):
        processes = 1
    size = AT_ONCE if any(job.policy.startswith(CHAT) for job in jobs) else BATCH
    for start in range(0, len(jobs), size):
        batch = jobs[start : start + size]
        rows = _played([job for job in batch if job.key not in known], processes)
        if journal and rows:
            with journal.open("a", encoding="utf-8") as file:
                file.writelines(f"{json.dumps(asdict(row), ensure_ascii=False)}\n" for row in rows)
        known.update((row.key, row) for row in rows)
        yield from (known[job.key] for job in batch)


def read_journal(path: Path) -> list[Row]:
    """The rows of a journal; a last line that was cut off does not count, nor do rows whose infrastructure failed."""
    if not path.exists():
        return []
    names = {field.name for field in fields(Row)}
    rows = []
    lines = path.read_bytes().split(b"\n")
    for k, line in enumerate(lines[:-1], 1):
        try:
            data = json.loads(line)
        except ValueError as problem:
            raise UsageError(f"{path}: line {k}: not JSON; the journal is damaged") from problem
        if not isinstance(data, dict) or set(data) != names:
            raise UsageError(f"{path}: line {k}: not a row of a replay")
        rows.append(Row(**data))
    if lines[-1]:
        path.write_bytes(b"".join(line + b"\n" for line in lines[:-1]))
    return [row for row in rows if not row.error]


def open_folder(out: Path, plan: Mapping[str, Any], *, resume: bool) -> Path:
    """The journal in a folder for a replay, made anew or gone on with.

    Raises:
        UsageError: The folder cannot be made, holds something already, or another replay than the one that is to go on.
    """
    if resume:
        _check_same(out / PLAN, plan)
        return out / JOURNAL
    new_folder(out, "take another folder, or --resume to go on with what is in it")
    begun = out / f"{PLAN}.new"
    begun.write_text(json.dumps(plan, indent=1) + "\n", encoding="utf-8")
    begun.replace(out / PLAN)  # whole, or not there
    return out / JOURNAL


def new_folder(out: Path, otherwise: str = "take another folder") -> None:
    """Make a folder that is not there yet, or is empty.

    Raises:
        UsageError: It cannot be made, or holds something; `otherwise` says what to do then.
    """
    make_folder(out)
    if any(out.iterdir()):
        raise UsageError(f"--out {out}: is not empty; {otherwise}")


def make_folder(out: Path) -> None:
    """Make a folder if it is not there yet.

    Raises:
        UsageError: It cannot be made.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except FileExistsError as problem:
        raise UsageError(f"--out {out}: is a file; give a folder") from problem
    except OSError as problem:
        raise UsageError(f"--out {out}: cannot be made ({problem.strerror}); give another folder") from problem


def _check_same(path: Path, plan: Mapping[str, Any]) -> None:
    if not path.is_file():
        raise UsageError(f"--resume: {path.parent} holds no replay (no {path.name})")
    try:
        begun = dict(json.loads(path.read_bytes()))
    except (ValueError, TypeError) as problem:
        raise UsageError(f"--resume: {path} is damaged: no plan of a replay") from problem
    if different := [name for name in plan if begun.get(name) != plan[name]]:
        raise UsageError(f"--resume: {path.parent} was begun with other {different[0]}: {begun.get(different[0])!r}")


def fingerprint(tasks: Sequence[Placed]) -> str:
    """What tells tasks from others, or from what they were before they were changed."""
    found = sha256()
    for placed in tasks:
        found.update(f"{placed.key} {placed.task.model_dump_json()}".encode())
    return found.hexdigest()[:16]

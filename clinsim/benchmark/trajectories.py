"""Recorded trajectories scored again: one row for each line of a file, in order, with the figures of the legacy scorer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from clinsim.benchmark.attempt import Attempt, Made
from clinsim.benchmark.legacy import score, score_as_runner
from clinsim.benchmark.play import ends, standard_of
from clinsim.benchmark.stage import open_stage
from clinsim.benchmark.strict import grade
from clinsim.benchmark.suite import Placed, Suite, read_json
from clinsim.errors import UsageError
from clinsim.hospital.domains import DOMAINS

NAMES = ("domain", "file", "task_id", "kind")
TASKS_FILE = "tasks.json"
SCORES = "scores.jsonl"
"""File in which the rows of scored trajectories are kept."""
DIGITS = 10
"""Digits that figures are given to."""


def rows_of(suite: Suite, path: Path, scorer: str) -> Iterator[dict[str, Any]]:
    """A row for each line: what names it, and its figures.

    With the legacy scorer: `action_score`, `env_reward`, `qa_accuracy`, `total`, `accuracy`, `format`, `process`, `tool_usage`,
    `reasoning_quality`, `tool_usage_pre_p13` and `judge`, then `runner` (what the ancestor's runner reports for the same calls) and
    `call_errors` (whether the ancestor flags each call as an error, given what comes of it here; null
    for a domain whose tools are not here). With the strict one: `score`, its
    components, and `call_errors` (whether each call fails here).

    Raises:
        UsageError: There is no such file, it holds nothing, or a line lacks a field or names a task that is not there; the message names the line.
    """
    if not path.is_file():
        raise UsageError(f"--trajectories {path}: {'is a folder; name a file in it' if path.is_dir() else 'no such file'}")
    read = read_json(path)
    lines = read if isinstance(read, list) else [read]
    if not lines:
        raise UsageError(f"--trajectories {path}: is empty; it must hold one recorded run a line")
    for k, line in enumerate(lines, 1):
        where = f"{path}: line {k}"
        calls, final_answer = _checked(line, where)
        placed = _placed(suite, line, where)
        yield {
            **{name: line.get(name, "") for name in NAMES},
            "kind": line.get("kind", line.get("policy", "")),
            **_figures(placed, calls, final_answer, scorer),
        }


def _figures(placed: Placed, calls: list[Made], final_answer: str, scorer: str) -> dict[str, Any]:
    return _legacy(placed, calls, final_answer) if scorer == "legacy" else _strict(placed, calls, final_answer)


def _legacy(placed: Placed, calls: list[Made], final_answer: str) -> dict[str, Any]:
    """The legacy figures need no world; without tools for the domain there is no word on which calls fail."""
    reference = placed.task.reference
    made = _replayed(placed, calls).calls if placed.task.domain in DOMAINS else None
    errors = None if made is None else [not call.ok if call.flagged is None else call.flagged for call in made]
    figures = rounded(score(reference, calls, final_answer))
    return {**figures, "runner": rounded(score_as_runner(reference, calls, final_answer)), "call_errors": errors}


def _strict(placed: Placed, calls: list[Made], final_answer: str) -> dict[str, Any]:
    made = _replayed(placed, calls)
    counted, submitted = until_submission(placed, made.calls)
    kept = Attempt(counted, "" if submitted else final_answer, made.changes, len(calls), submitted)
    graded = grade(standard_of(placed), kept)
    parts = {name: getattr(graded, name) for name in ("score", "evidence", "answer", "actions", "state", "repeats")}
    return {**rounded(parts), "unsafe": list(graded.unsafe), "call_errors": [not call.ok for call in made.calls]}


def until_submission(placed: Placed, calls: tuple[Made, ...]) -> tuple[tuple[Made, ...], bool]:
    """The calls up to the submission that ended the task, and whether there was one; what came after does not count."""
    end = next((k for k, call in enumerate(calls) if call.ok and ends(placed.task, call.name)), None)
    return (calls, False) if end is None else (calls[: end + 1], True)


def _replayed(placed: Placed, calls: list[Made]) -> Attempt:
    """The calls made here, each as it comes out."""
    stage = open_stage(placed)
    made = tuple(stage.call(call.name, call.arguments) for call in calls)
    return Attempt(made, changes=stage.changes(), turns=len(calls))


def rounded(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Figures to ten digits, nested ones too."""
    return {
        name: rounded(value) if isinstance(value, Mapping) else round(value, DIGITS) if isinstance(value, float) else value
        for name, value in figures.items()
    }


def _checked(line: Any, where: str) -> tuple[list[Made], str]:
    if not isinstance(line, dict):
        raise UsageError(f"{where}: must be a mapping, not {type(line).__name__}")
    if missing := [name for name in ("domain", "task_id", "trajectory") if name not in line]:
        raise UsageError(f"{where}: {missing[0]}: missing; it is required")
    if unread := [name for name in (*NAMES, "policy", "final_answer") if not isinstance(line.get(name), str | None)]:
        raise UsageError(f"{where}: {unread[0]}: must be a text, not {type(line[unread[0]]).__name__}")
    if not isinstance(line["trajectory"], list):
        raise UsageError(f"{where}: trajectory: must be a list of calls")
    calls = []
    for n, call in enumerate(line["trajectory"]):
        if not isinstance(call, dict) or not isinstance(call.get("name"), str) or not isinstance(call.get("arguments", {}), dict):
            raise UsageError(f"{where}: trajectory.{n}: must be a mapping with name (a text) and arguments (a mapping)")
        calls.append(Made(call["name"], call.get("arguments", {})))
    return calls, line.get("final_answer") or ""


def _placed(suite: Suite, line: Mapping[str, Any], where: str) -> Placed:
    try:
        return suite.task(line["domain"], line["task_id"], line.get("file") or TASKS_FILE)
    except UsageError as problem:
        raise UsageError(f"{where}: {problem}") from problem

"""One attempt being played: a fresh stage, calls made in it, and what the agent sees of it.

What is shown is JSON in the shape of the live environment, `{minute, why, worklist, news, last_result}`: the minute is the number of calls made,
and the work list is the one task.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from pydantic_core import from_json, to_json

from clinsim.benchmark.attempt import Attempt, Made
from clinsim.benchmark.stage import Stage, open_stage
from clinsim.benchmark.strict import Standard
from clinsim.benchmark.suite import Placed
from clinsim.benchmark.task import SUBMISSIONS, Task
from clinsim.tooling import MAX_ACTION_CHARACTERS

MAX_TURNS = 50
"""Calls that an attempt may make."""
NO_CALL = 'not a call; send one object {"name": TOOL, "arguments": {...}}'


class Play:
    """An attempt at a task while it is made; it is over after a submission, last words, or `max_turns` calls."""

    __slots__ = ("calls", "final_answer", "max_turns", "over", "placed", "stage", "submitted", "turns")

    def __init__(self, placed: Placed, max_turns: int = MAX_TURNS) -> None:
        """Open a fresh stage for a task.

        Raises:
            UsageError: No tools for its domain are here.
        """
        self.placed = placed
        self.stage: Stage = open_stage(placed)
        self.max_turns = max_turns
        self.calls: list[Made] = []
        self.final_answer = ""
        self.turns = 0
        self.submitted = False
        self.over = False

    @property
    def task(self) -> Task:
        """The task that is attempted."""
        return self.placed.task

    def make(self, name: str, arguments: Mapping[str, Any]) -> Made:
        """Make one call.

        Raises:
            ValueError: The attempt is over.
        """
        made = self._count(self.stage.call(name, arguments))
        if made.ok and ends(self.task, name):
            self.submitted = self.over = True
        return made

    def follow(self, calls: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """Make calls one after the other until the attempt is over."""
        for name, arguments in calls:
            if self.over:
                return
            self.make(name, arguments)

    def act(self, raw: str) -> Made:
        """Make the call that is written in `raw`; what is none, or does not fit, is a call that failed."""
        name, arguments, problem = read_call(raw)
        return self._count(Made(name, {}, False, None, problem)) if problem else self.make(name, arguments)

    def say(self, text: str) -> None:
        """Last words: the answer of an agent that calls no tool any more."""
        self.final_answer = text
        self.over = True

    def attempt(self) -> Attempt:
        """What was done so far."""
        return Attempt(tuple(self.calls), self.final_answer, self.stage.changes(), self.turns, self.submitted)

    def opening(self, house_rules: str = "") -> str:
        """What the agent sees first; `house_rules` are shown beside the ticket where nothing else shows them."""
        return opening_of(self.placed, house_rules)

    def shown(self, made: Made) -> str:
        """What the agent sees after a call: pieces of JSON put together, since a result that is JSON already need not be written again."""
        answer = (
            b'{"tool":%b,"status":"ok","result":%b}' % (to_json(made.name), made.text or to_json(made.result))
            if made.ok
            else to_json({"tool": made.name, "status": "refused", "message": made.error})
        )
        task = to_json(self.task.id)
        return (b'{"minute":%d,"why":"answered","worklist":[{"task":%b}],"news":[],"last_result":%b}' % (self.turns, task, answer)).decode()

    def _count(self, made: Made) -> Made:
        if self.over:
            raise ValueError("the attempt is over")
        self.calls.append(made)
        self.turns += 1
        self.over = self.turns >= self.max_turns
        return made


def plan(task: Task) -> list[tuple[str, dict[str, Any]]]:
    """The calls of the gold plan: names and arguments."""
    return [(call.name, call.arguments) for call in task.gold]


def ends(task: Task, name: str) -> bool:
    """Whether a call of this tool submits: `submit_report` does not where the gold plan submits an answer besides."""
    answer, report = SUBMISSIONS
    return name == answer or (name == report and not any(call.name == answer for call in task.gold))


def read_call(raw: str) -> tuple[str, dict[str, Any], str]:
    """Name and arguments of the call written in a text, and what is wrong with it (empty: nothing)."""
    if len(raw) > MAX_ACTION_CHARACTERS:
        return "", {}, f"action of {len(raw)} characters; at most {MAX_ACTION_CHARACTERS} are read"
    try:
        data = from_json(raw.encode(), allow_inf_nan=False)
    except ValueError:  # not JSON, too deep, NaN, or not encodable
        return "", {}, NO_CALL
    if not isinstance(data, dict) or not isinstance(data.get("name"), str) or set(data) - {"name", "arguments"}:
        return "", {}, NO_CALL
    arguments = data.get("arguments", {})
    return (data["name"], arguments, "") if isinstance(arguments, dict) else (data["name"], {}, "arguments must be an object")


@lru_cache(maxsize=4096)
def opening_of(placed: Placed, house_rules: str = "") -> str:
    """What an agent sees first of a task; the ticket is shown this once."""
    work: dict[str, Any] = {"task": placed.task.id, "ticket": placed.task.ticket, "options": placed.task.options}
    if house_rules:
        work["house_rules"] = house_rules
    return to_json({"minute": 0, "why": "task", "worklist": [work], "news": [], "last_result": None}).decode()


@lru_cache(maxsize=4096)
def standard_of(placed: Placed) -> Standard:
    """What attempts at a task are measured by; the state that the gold plan leaves is found by playing it."""
    play = Play(placed, max_turns=len(placed.task.gold) + 1)
    writing = frozenset(name for name, spec in play.stage.tools.items() if "write" in spec.tags)
    for call in placed.task.gold:
        play.stage.call(call.name, call.arguments)
    return Standard(placed.task, writing, play.stage.changes())

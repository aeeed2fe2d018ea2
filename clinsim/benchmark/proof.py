"""Tasks prove themselves: the gold plan executes without an error and scores 1, doing nothing scores 0, cheats are not paid, splits are apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from clinsim.benchmark.answers import faults
from clinsim.benchmark.play import MAX_TURNS, Play, standard_of
from clinsim.benchmark.policies import SCRIPTS
from clinsim.benchmark.strict import Standard, grade, written
from clinsim.benchmark.suite import Placed, Suite
from clinsim.errors import UsageError
from clinsim.processes import shared_out

MOST_FOR_CHEATS = 0.05
"""The most that a cheat may earn at a task."""
CHEATS = ("spam", "paste", "stuffed", "wrong_patient", "failing")
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a task of a suite."""

    domain: str
    file: str
    task_id: str
    problem: str


def problems_of(placed: Placed) -> list[str]:
    """What is wrong with one task; nothing if it proves itself. This is what a generated task has to pass as well."""
    try:
        standard = standard_of(placed)
    except UsageError as problem:
        return [str(problem)]
    if not standard.gradable:
        return ["asks for no answer and no change: reading alone cannot be graded"]
    return [*_guessable(standard), *_gold(placed), *_idle(placed), *_cheats(placed)]


def _guessable(standard: Standard) -> Iterator[str]:
    if not standard.needed(writes=False):
        yield "has no needed read in its plan: what needs no evidence can be guessed"


def _gold(placed: Placed) -> Iterator[str]:
    play = Play(placed)
    SCRIPTS["gold"](play)
    failed = [call for call in play.calls if not call.ok]
    if failed:
        yield f"gold: {failed[0].name} fails: {failed[0].error}"
    if len(placed.task.gold) > MAX_TURNS:
        yield f"gold: {len(placed.task.gold)} calls; at most {MAX_TURNS} are played"
    standard, attempt = standard_of(placed), play.attempt()
    graded = grade(standard, attempt)
    if graded.score < 1.0 - ROUNDING:
        parts = {name: getattr(graded, name) for name in ("evidence", "answer", "actions", "state", "repeats", "unsafe")}
        told = [f"{name} {value}" for name, value in parts.items() if value not in (None, 1.0, ()) and (name, value) != ("repeats", 0.0)]
        yield f"gold scores {graded.score:.3f}, not 1: {', '.join([*told, *faults(placed.task.answer, written(standard, attempt))])}"


def _idle(placed: Placed) -> Iterator[str]:
    score = score_of("idle", placed)
    if score != 0.0:
        yield f"doing nothing scores {score:.3f}, not 0"


def _cheats(placed: Placed) -> Iterator[str]:
    for cheat in CHEATS:
        score = score_of(cheat, placed)
        if score > MOST_FOR_CHEATS + ROUNDING:
            yield f"{cheat} scores {score:.3f}; at most {MOST_FOR_CHEATS}"


def score_of(script: str, placed: Placed) -> float:
    """The strict score of a scripted policy at a task."""
    play = Play(placed)
    SCRIPTS[script](play)
    return grade(standard_of(placed), play.attempt()).score


def check_suite(suite: Suite, tasks: Sequence[Placed], processes: int | None = None) -> list[Problem]:
    """Everything that is wrong with some tasks of a suite, and with the suite's splits."""
    found = shared_out(problems_of, tasks, 8, processes)
    problems = [Problem(*placed.key, problem) for placed, each in zip(tasks, found, strict=True) for problem in each]
    problems += [Problem("", "split.json", task_id, "named by a split, and in no file") for task_id in suite.unknown]
    problems += [Problem("", "split.json", task_id, "in two splits") for task_id in suite.disputed]
    if any(placed.split for placed in tasks):
        problems += [Problem(*placed.key, "in no split") for placed in tasks if not placed.split]
    return [*problems, *_shared(tasks, "patient", lambda placed: placed.task.patients), *_shared(tasks, "template", _template)]


def _template(placed: Placed) -> Iterable[str]:
    return (placed.task.template,) if placed.task.template else ()


def _shared(tasks: Sequence[Placed], what: str, names_of: Callable[[Placed], Iterable[str]]) -> Iterator[Problem]:
    """Tasks that share a patient or a template with a task of another split of their domain."""
    first: dict[tuple[str, str], Placed] = {}
    for placed in tasks:
        for name in names_of(placed):
            before = first.setdefault((placed.task.domain, name), placed)
            if placed.split and before.split and before.split != placed.split:
                yield Problem(*placed.key, f"shares the {what} {name} with {before.task.id}, which is in split {before.split} and not {placed.split}")

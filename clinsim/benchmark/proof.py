"""Tasks prove themselves: the gold plan executes without an error and scores 1, doing nothing scores 0, cheats are not paid, splits are apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from clinsim.benchmark.answers import faults
from clinsim.benchmark.play import MAX_TURNS, Play, standard_of
from clinsim.benchmark.policies import ATTACKS, SCRIPTS
from clinsim.benchmark.strict import Standard, grade, written
from clinsim.benchmark.suite import OWN, Placed, Suite, own_folders
from clinsim.errors import UsageError
from clinsim.processes import shared_out

MOST_FOR_CHEATS = 0.05
"""The most that a cheat may earn at a task."""
CHEATS = ATTACKS
ROUNDING = 1e-9
LARGE, MOST_OF_A_TEMPLATE = 100, 0.05
"""From how many tasks on a template may make only such a share of a suite."""
ALIKE = 0.9
"""Share of words that two tickets have in common from which on they are the same question."""


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
    problems += [*crowded(suite, tasks), *_twins(tasks)]
    return [*problems, *_shared(tasks, "patient", lambda placed: placed.task.patients), *_shared(tasks, "template", _template)]


def crowded(suite: Suite, tasks: Sequence[Placed]) -> Iterator[Problem]:
    """Templates that make more of a large suite than they may; a domain of the own suite is only a part of one."""
    if len(tasks) < LARGE or (suite.name != OWN and tasks[0].folder in own_folders().values()):
        return
    times = Counter((placed.task.domain, placed.task.template) for placed in tasks if placed.task.template)
    for (domain, template), count in times.items():
        if count > MOST_OF_A_TEMPLATE * len(tasks):
            yield Problem(domain, "", template, f"template makes {count} of {len(tasks)} tasks; at most {MOST_OF_A_TEMPLATE:.0%}")


def _twins(tasks: Sequence[Placed]) -> Iterator[Problem]:
    """Tasks about the same patients whose tickets share nearly all their words with an earlier one."""
    earlier: dict[tuple[str, tuple[str, ...]], list[tuple[Placed, frozenset[str]]]] = {}
    for placed in tasks:
        words = frozenset(placed.task.ticket.lower().split())
        group = earlier.setdefault((placed.task.domain, placed.task.patients or placed.task.subjects), [])
        twin = next((other for other, said in group if len(words & said) >= ALIKE * len(words | said)), None)
        if twin is not None:
            yield Problem(*placed.key, f"asks nearly the same as {twin.task.id}")
        group.append((placed, words))


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

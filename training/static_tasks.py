"""Static tasks as training ground: episodes of one agent and one answer, with the strict score as reward.

A plan whose scenario is `task:DOMAIN/FILE/ID` is played at a task of the project's own suite instead of in a ward, `task:FOLDER#DOMAIN/FILE/ID` at
one of a folder in its layout; its samples go through the same advantages and the same loss. Only tasks of the training split may be played for
training.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from pydantic_core import from_json

from clinsim.agents.aliases import QUERY, QUESTION, Aliases
from clinsim.agents.call_grammar import IDS, Vocabulary, canonical, written
from clinsim.agents.decoding import Written
from clinsim.agents.transcript import Transcript
from clinsim.benchmark.play import Play, standard_of
from clinsim.benchmark.seated import seat_of
from clinsim.benchmark.strict import grade
from clinsim.benchmark.suite import OWN, Placed, Suite, load_suite, own_folders
from clinsim.benchmark.task import Expected
from clinsim.errors import UsageError
from clinsim.record import Observation, Seat
from clinsim.training.experts import Shown, card_of
from clinsim.training.rollouts import TASK, Model, Plan, Rollout, Said

MOST_TURNS = 8
"""Calls that an attempt may make in training and in its evaluation: enough for the gold plans of the own suite that a small model can follow."""
TRAIN, TEST, HELD_OUT = "train", "test", "heldout"
APART = "#"
"""Between the folder of a suite and a domain in it."""


@lru_cache(maxsize=8)
def _suite(folder: str = "") -> Suite:
    return load_suite(folder or OWN)


def domains() -> tuple[str, ...]:
    """The domains that there are tasks of."""
    return tuple(dict.fromkeys(placed.task.domain for placed in _suite().tasks))


@lru_cache(maxsize=64)
def tasks_in(domain: str, split: str, difficulty: str = "") -> tuple[Placed, ...]:
    """Gradable tasks of a domain (or `FOLDER#DOMAIN`) in a split, of one difficulty or of all.

    Raises:
        UsageError: There is no such folder, domain, split or difficulty.
    """
    folder, _, name = domain.rpartition(APART)
    found = _suite(folder).chosen(split, name)
    kept = tuple(placed for placed in found if difficulty in ("", placed.task.difficulty) and standard_of(placed).gradable)
    if not kept:
        known = ", ".join(dict.fromkeys(placed.task.difficulty for placed in found))
        raise UsageError(f"tasks of {domain}, {split}: none is {difficulty!r}; there are {known}")
    return kept


def name_of(placed: Placed) -> str:
    """How a plan names a task."""
    folder = "" if placed.folder == own_folders().get(placed.task.domain) else f"{placed.folder.parent}{APART}"
    return f"{TASK}{folder}{'/'.join(placed.key)}"


def placed_at(name: str) -> Placed:
    """The task that a plan names.

    Raises:
        UsageError: There is none.
    """
    folder, _, key = name.removeprefix(TASK).rpartition(APART)
    domain, file, task_id = key.split("/", 2)
    return _suite(folder).task(domain, task_id, file)


def seat_at(placed: Placed) -> Seat:
    """The place of the one agent, by the name of its domain: domains hold different tools."""
    return _named(seat_of(Play(placed), 0), placed.task.domain)


def _named(seat: Seat, domain: str) -> Seat:
    return replace(seat, agent=f"{domain}_1")


def unnamed(play: Play, text: str) -> str:
    """What is shown at a task without the task's name: a model might learn that `qa-w03-1` is answered by entry W03."""
    return text.replace(f'"{play.task.id}"', '"1"')


class TaskTable:
    """One attempt at a task that stops whenever the model must decide."""

    def __init__(self, plan: Plan, model: Model) -> None:
        """Sit down before the ticket."""
        self.plan = plan
        self.play = Play(placed_at(plan.scenario), MOST_TURNS)
        self.seat = _named(seat_of(self.play, plan.seed), self.play.task.domain)
        self.model = model
        self.model.start([self.seat])
        self.said: list[Said] = []
        self._shown = Observation(unnamed(self.play, self.play.opening()), 0.0, "task")

    def next_ask(self) -> Any | None:
        """What the model is to read; None when the attempt is over."""
        return None if self.play.over else self.model.asks([(self.seat.agent, self._shown)])[0]

    def take(self, said: Any, written: Written) -> None:
        """Make the call that the model wrote; words without a call are its last."""
        reply = self.model.replies([(self.seat.agent, self._shown)], [said])[0]
        self.said.append(Said(self.seat.agent, self.seat.role, len(self.said), written))
        if not reply.calls:
            self.play.say(reply.text)
            return
        made = self.play.act(reply.calls[0])
        self._shown = Observation(unnamed(self.play, self.play.shown(made)), float(self.play.turns), "answered")

    def rollout(self) -> Rollout:
        """What was played: the strict score is all that was earned; nobody's outcome hangs on it."""
        graded = grade(standard_of(self.play.placed), self.play.attempt())
        refused = sum(not made.ok for made in self.play.calls)
        agent = self.seat.agent
        roles = {agent: self.seat.role}
        return Rollout(self.plan, {agent: graded.score}, roles, frozenset(roles), tuple(self.said), 0.0, self.play.turns, refused)


# ---------------------------------------------------------------- what the gold plans show


def gold_turns(tasks: Sequence[Placed]) -> Iterator[Shown]:
    """The gold plans of some training tasks, turn by turn.

    Raises:
        UsageError: A task is not of the training split.
    """
    for number, placed in enumerate(of_training(tasks)):
        yield from _gold_turns(placed, number)


def of_training(tasks: Sequence[Placed]) -> Sequence[Placed]:
    """Some tasks, all of which may be learnt from.

    Raises:
        UsageError: A task is not of the training split.
    """
    for placed in tasks:
        if placed.split != TRAIN:
            raise UsageError(f"task {placed.task.id} is not for training: its split is {placed.split or 'none'}")
    return tasks


def _gold_turns(placed: Placed, number: int) -> Iterator[Shown]:
    """The gold plan of a task in the names that a small model is shown, as far as it names what is in sight."""
    play = Play(placed)
    seat = _named(seat_of(play, 0), placed.task.domain)
    aliases, transcript, text = Aliases(seat.tools), Transcript(seat), play.opening()
    for call in placed.task.gold:
        shown = Observation(aliases.shown(text), float(play.turns), "answered" if play.turns else "task")
        transcript.see(shown)
        whole = _whole(seat, aliases, call)
        if play.over or not _in_sight(whole, transcript.ids):
            return
        yield Shown(seat.agent, seat.role, name_of(placed), number, shown, whole, 1.0)
        text = play.shown(play.make(call.name, _asked(aliases, call)))


def _in_sight(call: Mapping[str, Any], ids: Sequence[str]) -> bool:
    """Whether a small model could name what a call names."""
    return all(value in ids for name, value in call["arguments"].items() if name in IDS)


def _asked(aliases: Aliases, call: Expected) -> dict[str, Any]:
    """The arguments of a call; what is searched for is the question of the ticket, the one thing that a small model can search for."""
    return call.arguments | ({QUERY: aliases.offers[QUERY][QUESTION]} if QUERY in call.arguments else {})


def _whole(seat: Seat, aliases: Aliases, call: Expected) -> dict[str, Any]:
    """A call with every argument that has a default, as a grammar writes it, in the names that a small model is shown."""
    rules = card_of(seat, {"name": call.name}).parameters["properties"]
    usual = {name: rule["default"] for name, rule in rules.items() if rule.get("default") is not None}
    made: dict[str, Any] = from_json(aliases.renamed(written({"name": call.name, "arguments": usual | _asked(aliases, call)})))
    return made


def recited(placed: Placed, vocabulary: Vocabulary) -> float:
    """The strict score of a task's gold plan in the words of a vocabulary: what a model with these words can reach by it.

    What is searched for is the question of the ticket, and a call that names what no answer has shown is left out.
    """
    play = Play(placed, MOST_TURNS)
    seat = _named(seat_of(play, 0), placed.task.domain)
    aliases, transcript, text = Aliases(seat.tools), Transcript(seat), play.opening()
    for call in placed.task.gold:
        transcript.see(Observation(aliases.shown(text), float(play.turns), "answered" if play.turns else "task"))
        whole = _whole(seat, aliases, call)
        if not play.over and _in_sight(whole, transcript.ids):
            made = play.act(aliases.meant(canonical(whole, card_of(seat, whole), vocabulary, transcript.ids)))
            text = play.shown(made)
    return float(grade(standard_of(placed), play.attempt()).score)


def seats_of_tasks(tasks: Sequence[Placed]) -> dict[str, Seat]:
    """A seat for each domain of some tasks, by its agent."""
    first = {placed.task.domain: placed for placed in reversed(tasks)}
    return {seat.agent: seat for seat in map(seat_at, first.values())}

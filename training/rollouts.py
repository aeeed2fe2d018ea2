"""Playing many episodes with one model at once: all agents that wait are answered in one batch.

Episodes of a group share scenario and seed (common random numbers); they differ in what the model draws. Groups are played in blocks of a fixed
size, each on its own, so that any number of processes gives the same numbers, to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch

from clinsim.agents.decoding import Written
from clinsim.agents.local import LocalPolicy, Writer
from clinsim.agents.shelf import Shelf
from clinsim.callers import Callers
from clinsim.metrics import outcome
from clinsim.record import Observation, Past, Policy, Reply, Role, Seat, Turn
from clinsim.referee import WardEnv
from clinsim.rollout import policy_for, raw_env
from clinsim.scenario_file import Scenario, load_scenario
from clinsim.training.samples import Group, Moment, Sample

TASK = "task:"
"""How the scenario of a plan begins that is a static task: `task:DOMAIN/FILE/ID`."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One episode to be played.

    `number` tells it from others of its group, `key` the group from others with the same seed; seats that are not in `partners` (agent or role:
    SPEC) learn. `arm` tells it from others with the same draws.
    """

    scenario: str
    seed: int
    number: int
    partners: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    arm: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """One turn of a learning agent."""

    agent: str
    role: Role
    turn: int
    written: Written


@dataclass(frozen=True, slots=True, eq=False)
class Rollout:
    """An episode as it was played: rewards by agent, what the model said at its seats (`learning`), what became of the patients, calls refused.

    `credits` are those of single turns, by their number, if any were worked out (`clinsim.training.credit`). With a `moment` only the turn made then
    trains: up to there the episode is that of others.
    """

    plan: Plan
    rewards: Mapping[str, float]
    roles: Mapping[str, Role]
    learning: frozenset[str]
    said: tuple[Said, ...]
    utility_loss: float
    actions: int
    refused: int
    credits: Mapping[int, float] = field(default_factory=dict)
    moment: Moment | None = None

    @property
    def total(self) -> float:
        """The return: the sum over agents."""
        return math.fsum(self.rewards.values())

    def samples(self, episode: int, credit: Mapping[str, float] | None = None) -> list[Sample]:
        """What trains: each turn of a learning agent, with what that agent earned (or is credited with)."""
        earned = self.rewards if credit is None else credit
        return [
            Sample(
                said.written.tokens, said.written.decided, said.written.logps, earned[said.agent], said.role, said.agent,
                self.group_of(said.role), episode, said.turn, said.written.allowed,
            )
            for said in self.compared
            if said.written.decided
        ]  # fmt: skip

    @property
    def compared(self) -> Sequence[Said]:
        """Turns that may train: all, or the one of the moment."""
        return self.said if self.moment is None else self.said[self.moment.turn : self.moment.turn + 1]

    def group_of(self, role: str) -> Group:
        """What a role's turns here may be compared with."""
        return Group(self.plan.scenario, self.plan.seed, role, self.moment.digest if self.moment else "")


class _Handed:
    """A policy whose next reply has been made already."""

    def __init__(self) -> None:
        self.reply: Reply | None = None

    def start(self, seats: Sequence[Seat], history: Sequence[Past] = ()) -> None:
        """Nothing is kept."""

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """The reply that was handed over."""
        if self.reply is None or len(turns) != 1:
            raise RuntimeError("a learning seat was asked before its reply was made")
        reply, self.reply = self.reply, None
        return [reply]


Watch = Callable[[WardEnv, Said], None]
"""Shown what a learning agent is about to do, and the ward as it stands before."""


class Model(Protocol):
    """What decides for the learning seats of one episode: says what is to be read at a turn, and makes a reply of what was written then."""

    def start(self, seats: Sequence[Seat], history: Sequence[Past] = ()) -> None:
        """Begin an episode."""
        ...

    def asks(self, turns: Sequence[Turn]) -> list[Any]:
        """What is to be read for each turn."""
        ...

    def replies(self, turns: Sequence[Turn], written: Sequence[Any]) -> list[Reply]:
        """What was written, as replies."""
        ...


def key_of(plan: Plan) -> str:
    """What tells the draws of an episode from those of others with the same seed."""
    return f"{plan.key}|{plan.number}"


class Table:
    """One episode that stops whenever the model must decide."""

    def __init__(self, plan: Plan, model: Model, ward: WardEnv, watch: Watch | None = None) -> None:
        """Seat everybody at a ward, wherever it stands; `watch` is shown each turn before it is made."""
        self.plan = plan
        self.ward = ward
        self._watch = watch
        seats = ward.seats()
        self.learning = tuple(seat for seat in seats if _partner(seat, plan.partners) is None)
        self._learners = frozenset(seat.agent for seat in self.learning)
        history, waiting = ward.episode.past(ward.possible_agents)
        self.model = model
        self.model.start(self.learning, [past for past in history if past[0] in self._learners])
        self._handed = _Handed()
        self._callers = Callers({seat.agent: self._policy(seat) for seat in seats})
        self._callers.start(seats, history, waiting)
        self._roles: dict[str, Role] = {seat.agent: seat.role for seat in seats}
        self._asked: tuple[str, Observation] | None = None
        self.said: list[Said] = []
        self.actions = self.refused = 0

    def _policy(self, seat: Seat) -> Policy:
        spec = _partner(seat, self.plan.partners)
        return self._handed if spec is None else policy_for(spec)

    def next_ask(self) -> Any:
        """Play on until the model must decide: what it is to read; None when the episode is over."""
        while self.ward.agents:
            agent = self.ward.agent_selection
            if self.ward.terminations[agent] or self.ward.truncations[agent]:
                self.ward.step(None)
                continue
            observation = self.ward.observation(agent)
            if agent in self._learners:
                self._asked = (agent, observation)
                return self.model.asks([self._asked])[0]
            self._step(agent, observation)
        return None

    def take(self, said: Any, written: Written) -> None:
        """Submit what the model said; `written` is the same, token by token."""
        if self._asked is None:
            raise RuntimeError("nothing was asked")
        agent, observation = self._asked
        turn = Said(agent, self._roles[agent], len(self.said), written)
        if self._watch is not None:
            self._watch(self.ward, turn)
        self._handed.reply = self.model.replies([(agent, observation)], [said])[0]
        self.said.append(turn)
        self._step(agent, observation)

    def _step(self, agent: str, observation: Observation) -> None:
        call, dropped = self._callers.next_call(agent, observation)
        self.ward.drop(agent, dropped)
        self.ward.step(call)
        if agent in self._learners:
            self.actions += 1
            self.refused += self.ward.infos.get(agent, {}).get("status") not in (None, "", "ok", "interrupted", "unfinished")

    def rollout(self) -> Rollout:
        """What was played."""
        totals = self.ward.ledger.totals()
        rewards = {agent: float(totals.get(agent, 0.0)) for agent in self._roles}
        loss = float(outcome(self.ward.hospital.log)["utility_loss"])
        return Rollout(self.plan, rewards, self._roles, self._learners, tuple(self.said), loss, self.actions, self.refused)


def _partner(seat: Seat, partners: Mapping[str, str]) -> str | None:
    return partners.get(seat.agent, partners.get(seat.role))


def scenarios_of(plans: Sequence[Plan]) -> dict[str, Scenario]:
    """The scenarios of some plans, loaded; static tasks need none."""
    return {plan.scenario: load_scenario(plan.scenario) for plan in plans if not plan.scenario.startswith(TASK)}


def opened(plan: Plan, scenarios: Mapping[str, Scenario]) -> WardEnv:
    """The ward of an episode at its beginning."""
    ward = raw_env(scenarios[plan.scenario])
    ward.recording = True
    ward.reset(seed=plan.seed)
    return ward


def model_at(plan: Plan, writer: Writer) -> LocalPolicy:
    """What sits at the learning seats of an episode: a model of this process."""
    return LocalPolicy(writer, key_of(plan), plan.arm)


class Seated(Protocol):
    """An episode that stops whenever a model must decide: in a ward, or at a static task."""

    def next_ask(self) -> Any | None:
        """Play on until the model must decide: what it is to read; None when the episode is over."""
        ...

    def take(self, said: Any, written: Written) -> None:
        """Submit what the model wrote."""
        ...

    def rollout(self) -> Rollout:
        """What was played."""
        ...


def seated(plan: Plan, model: Model, scenarios: Mapping[str, Scenario]) -> Seated:
    """The table of a plan with a model at it: in a ward, or at a static task."""
    if plan.scenario.startswith(TASK):
        from clinsim.training.static_tasks import TaskTable

        return TaskTable(plan, model)
    return Table(plan, model, opened(plan, scenarios))


def play_block(writer: Writer, plans: Sequence[Plan], scenarios: Mapping[str, Scenario]) -> list[Rollout]:
    """Play some episodes in step."""
    return play_out(writer, [seated(plan, model_at(plan, writer), scenarios) for plan in plans])


def play_out(writer: Writer, tables: Sequence[Seated]) -> list[Rollout]:
    """Play tables at which a model of this process sits to their ends."""
    shelf = Shelf()
    with one_thread():
        return in_step(tables, lambda asks: [(written, written) for written in writer.complete(asks, shelf)])


@contextmanager
def one_thread() -> Iterator[None]:
    """Play on one thread, and so to the same bits in any number of processes: steps are small, and threads would wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def in_step(tables: Sequence[Seated], answers: Callable[[Sequence[Any]], Sequence[tuple[Any, Written]]]) -> list[Rollout]:
    """Play tables to their ends: each time, all models that wait are answered in one batch.

    `answers` says to a batch of asks what was said, and the same token by token.
    """
    waiting = [(table, ask) for table in tables if (ask := table.next_ask()) is not None]
    while waiting:
        for (table, _), (said, written) in zip(waiting, answers([ask for _, ask in waiting]), strict=True):
            table.take(said, written)
        waiting = [(table, ask) for table, _ in waiting if (ask := table.next_ask()) is not None]
    return [table.rollout() for table in tables]


def blocks(plans: Sequence[Plan], size: int) -> list[Sequence[Plan]]:
    """Plans in blocks of `size`: the same whoever plays them."""
    return [plans[start : start + size] for start in range(0, len(plans), size)]

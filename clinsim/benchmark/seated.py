"""Policies of the live hospital at a static task: they see the same JSON, and answer with the same replies."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import fsum
from pathlib import Path

from clinsim.agents.parsing import without_thoughts
from clinsim.benchmark.attempt import Made
from clinsim.benchmark.play import Play
from clinsim.callers import reply_of
from clinsim.record import Observation, Policy, Reply, Role, Seat

POLICY_FILE = "policy.md"
LONGEST_FAILURE = 300
"""Characters that are kept of what failed in the infrastructure."""


@dataclass(frozen=True, slots=True)
class Played:
    """How an attempt went: what stopped it if the infrastructure failed (empty: nothing), and the tokens and the cost of the replies."""

    failure: str
    tokens: int
    cost: float


def play_seated(play: Play, policy: Policy, seed: int) -> Played:
    """Let a policy make an attempt.

    A reply without a call is the agent's last words. Several calls in one reply are made in order; the policy then sees all answers, the last one as
    `last_result` and those before it as `news`.
    """
    seat = seat_of(play, seed)
    policy.start([seat])
    replies: list[Reply] = []
    failure = ""
    shown = Observation(play.opening(), 0.0, "task")
    while not play.over:
        try:
            reply = reply_of(policy, (seat.agent, shown))
        except OSError as problem:  # connections that break and calls that time out are errors of this kind
            failure = f"{type(problem).__name__}: {problem}"[:LONGEST_FAILURE]
            break
        replies.append(reply)
        if not reply.calls:
            play.say(without_thoughts(reply.text))
            break
        made = _make_all(play, reply.calls)
        shown = Observation(_text(play, made), float(play.turns), "answered")
    return Played(failure, sum(reply.used or len(reply.tokens) for reply in replies), fsum(reply.cost for reply in replies))


def seat_of(play: Play, seed: int) -> Seat:
    """The place of the one agent: the tools of the domain, and the rules of the house above the ticket."""
    world = getattr(play.stage, "world", None)
    role: Role = getattr(getattr(world, "actor", None), "role", "doctor")
    tools = tuple(spec.card for spec in play.stage.tools.values())
    return Seat(f"{role}_1", role, tools, house_rules(play.placed.folder), seed)


@lru_cache(maxsize=64)
def house_rules(folder: Path) -> str:
    """The rules of the house that a suite's folder holds; empty if it holds none."""
    path = folder / POLICY_FILE
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _make_all(play: Play, calls: Sequence[str]) -> list[Made]:
    made: list[Made] = []
    for raw in calls:
        if play.over:
            break
        made.append(play.act(raw))
    return made


def _text(play: Play, made: Sequence[Made]) -> str:
    """What is shown after one reply: the last answer, with those before it as news."""
    if len(made) == 1:
        return play.shown(made[0])
    shown = json.loads(play.shown(made[-1]))
    shown["news"] = [json.loads(play.shown(one))["last_result"] for one in made[:-1]]
    return json.dumps(shown, ensure_ascii=False)

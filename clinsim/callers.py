"""Policies at their seats, and the calls of a reply that are still to be submitted.

A reply may hold several calls. One is submitted at each decision of its agent and the rest is kept; when the agent is
next asked for something urgent, the rest is dropped and the policy decides afresh.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clinsim.errors import UsageError
from clinsim.record import Action, Observation, Past, Policy, Reply, Seat, Turn, units_of

URGENT = "urgent"
"""How the reason of a decision begins that cuts off what was planned."""


class Call(Action):
    """An action that knows the reply it came in: `number` counts the agent's replies, `place` the calls in the reply.

    The whole reply is charged to its first call.
    """

    reply: Reply
    number: int
    place: int

    def __new__(cls, text: str, reply: Reply, number: int, place: int) -> Call:
        """Make the call at `place` of `reply`."""
        self = str.__new__(cls, text)
        self.thinking = 0 if place else units_of(reply.text, reply.thinking)
        self.reply = reply
        self.number = number
        self.place = place
        return self

    @classmethod
    def alone(cls, action: Action, number: int) -> Call:
        """An action that came without a reply, as the only call of one."""
        return cls(str(action), Reply(str(action), (str(action),), action.thinking), number, 0)

    def rest(self) -> list[Call]:
        """The calls of its reply that come after it."""
        return [Call(self.reply.calls[k], self.reply, self.number, k) for k in range(self.place + 1, len(self.reply.calls))]

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle with the reply."""
        return (Call, (str(self), self.reply, self.number, self.place))


def reply_of(policy: Policy, turn: Turn) -> Reply:
    """What `policy` answers to one turn.

    Raises:
        UsageError: It answers something that is no reply; the message names the agent.
    """
    who = f"the policy of {turn[0]} ({type(policy).__name__})"
    replies: Any = policy.act([turn])
    if not isinstance(replies, Sequence) or len(replies) != 1 or not isinstance(replies[0], Reply):
        raise UsageError(f"{who}: act() must return a list of one Reply for each turn, not {replies!r:.60}")
    reply = replies[0]
    calls: Any = reply.calls
    if not isinstance(reply.text, str) or not isinstance(calls, list | tuple) or not all(isinstance(call, str) for call in calls):
        raise UsageError(f"{who}: a Reply has a text and a tuple of calls (texts), not {reply.text!r:.40} and {calls!r:.40}")
    try:
        units_of(reply.text, reply.thinking)
    except UsageError as problem:
        raise UsageError(f"{who}: {problem}") from problem
    return reply


class Callers:
    """The policies of some agents, asked one decision at a time."""

    def __init__(self, policies: Mapping[str, Policy]) -> None:
        """Seat `policies` by agent; one policy may hold several seats."""
        self._policies = dict(policies)
        self._waiting: dict[str, list[Call]] = {agent: [] for agent in policies}
        self._replies = dict.fromkeys(policies, 0)

    def start(self, seats: Sequence[Seat], history: Sequence[Past] = (), waiting: Mapping[str, Sequence[Call]] | None = None) -> None:
        """Begin an episode, or continue one: each policy gets its own seats and its own share of the `history`.

        Args:
            seats: The places at the table.
            history: What the policies have played so far.
            waiting: Calls of the last replies that are still to be submitted, by agent.
        """
        self._waiting = {agent: list((waiting or {}).get(agent, ())) for agent in self._policies}
        self._replies = {agent: sum(past[0] == agent for past in history) for agent in self._policies}
        for policy in {id(policy): policy for policy in self._policies.values()}.values():
            own = [seat for seat in seats if self._policies[seat.agent] is policy]
            agents = {seat.agent for seat in own}
            policy.start(own, [past for past in history if past[0] in agents])

    def next_call(self, agent: str, observation: Observation) -> tuple[Call, list[Call]]:
        """The call that `agent` submits now (one that waits, or the first of a new reply), and those dropped for it."""
        waiting = self._waiting[agent]
        if waiting and not observation.why.startswith(URGENT):
            return waiting.pop(0), []
        reply = reply_of(self._policies[agent], (agent, observation))
        calls = reply.calls or (reply.text,)
        number = self._replies[agent]
        self._replies[agent] += 1
        self._waiting[agent] = [Call(text, reply, number, place) for place, text in enumerate(calls)]
        return self._waiting[agent].pop(0), waiting

    def left(self) -> dict[str, list[Call]]:
        """Calls that have not been submitted, by agent."""
        return {agent: list(calls) for agent, calls in self._waiting.items() if calls}

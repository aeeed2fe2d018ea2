"""Replies that were given before: played again to verify a trace, to continue a run that was cut off, as a policy."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence

from clinsim.callers import reply_of
from clinsim.errors import UsageError
from clinsim.record import Past, Policy, Reply, Seat, Turn
from clinsim.trace_file import ActionLine, Trace


class Continued:
    """A policy that first gives again the replies it gave before, then goes on as if it had just given them.

    `heard` is told each new reply before it is used.
    """

    def __init__(
        self,
        policy: Policy,
        replies: Mapping[str, Iterable[Reply]] | None = None,
        heard: Callable[[str, Reply], None] | None = None,
    ) -> None:
        """Continue `policy` after `replies` (by agent, in order)."""
        self._policy = policy
        self._given = {agent: deque(given) for agent, given in (replies or {}).items()}
        self._heard = heard
        self._seats: tuple[Seat, ...] = ()
        self._past: list[Past] = []
        self._is_started = False

    def start(self, seats: Sequence[Seat], history: Sequence[Past] = ()) -> None:
        """Begin an episode; the policy itself is started when its first new reply is asked for."""
        self._seats = tuple(seats)
        self._past = list(history)
        self._is_started = False

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """Answer each turn from what was given, or anew."""
        return [self._answer(turn) for turn in turns]

    def _answer(self, turn: Turn) -> Reply:
        agent, observation = turn
        given = self._given.get(agent)
        if given:
            reply = given.popleft()
            self._past.append((agent, observation, reply))
            return reply
        if not self._is_started:
            self._policy.start(self._seats, self._past)
            self._is_started, self._past = True, []
        reply = reply_of(self._policy, turn)
        if self._heard is not None:
            self._heard(agent, reply)
        return reply


class Recorded:
    """The replies of a trace as a policy, for the agents that gave them."""

    def __init__(self, trace: Trace) -> None:
        """Take the replies from `trace`."""
        self._replies = replies_of(trace)
        self._left: dict[str, deque[Reply]] = {}

    def start(self, seats: Sequence[Seat], history: Sequence[Past] = ()) -> None:
        """Begin again, after as many replies as the history holds.

        Raises:
            UsageError: A seat did not act in the trace.
        """
        for seat in seats:
            self.require(seat.agent)
            played = sum(past[0] == seat.agent for past in history)
            self._left[seat.agent] = deque(self._replies[seat.agent][played:])

    def require(self, agent: str) -> None:
        """Make sure that the trace knows an agent.

        Raises:
            UsageError: It does not.
        """
        if agent not in self._replies:
            raise UsageError(f"the trace has no actions of {agent}; it has {', '.join(self._replies)}")

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """The next recorded reply of each agent.

        Raises:
            UsageError: An agent is asked more often than it was when the trace was made.
        """
        return [self._next(agent) for agent, _ in turns]

    def _next(self, agent: str) -> Reply:
        if not self._left[agent]:
            raise UsageError(f"the trace holds no further actions of {agent}: it is of another episode")
        return self._left[agent].popleft()


def replies_of(trace: Trace) -> dict[str, list[Reply]]:
    """The replies in a trace, by agent and in order; each agent of the header has an entry."""
    calls: dict[str, dict[int, list[ActionLine]]] = {row["agent"]: {} for row in trace.header["staff"]}
    for action in trace.actions:
        calls[action.agent].setdefault(action.reply, []).append(action)
    return {agent: [_reply(lines) for _, lines in sorted(replies.items())] for agent, replies in calls.items()}


def _reply(lines: Sequence[ActionLine]) -> Reply:
    first = lines[0]
    text = first.raw if first.text is None else first.text
    calls = tuple(line.raw for line in lines)
    return Reply(text, calls, first.thinking, first.token_ids, first.logps, first.cost, first.decided, 0 if first.token_ids else first.tokens)

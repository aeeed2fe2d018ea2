"""Rollouts in which the learning seats are answered over HTTP, by a server that says which tokens it read and wrote (vLLM).

    model = ChatPolicy.of("qwen3@http://127.0.0.1:8000/v1#token_ids=true,dialect=hermes")
    rollouts = play_block_over(model, plans, scenarios)

What comes back trains like what was played here: tokens as they were sampled, never made again from text. Nothing holds the model to a grammar, so
every token that it wrote was its own decision; the server must draw from the whole distribution at temperature 1, which `token_ids` asks for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from clinsim.agents.chat import Answering, ChatPolicy
from clinsim.agents.decoding import Written
from clinsim.agents.dialogue import Ask
from clinsim.errors import ServerError, UsageError
from clinsim.record import ROLES, Past, Reply, Seat, Turn
from clinsim.scenario_file import Scenario
from clinsim.training.rollouts import Plan, Rollout, in_step, key_of, seated


class ByRole:
    """Plays the seats of an episode, each with the server of its role."""

    def __init__(self, servers: Mapping[str, Answering], key: str) -> None:
        """Play with the model of each role; `key` tells this episode's draws from those of others with the same seed."""
        self._servers = servers
        self._key = key
        self._policies: dict[str, ChatPolicy] = {}

    def start(self, seats: Sequence[Seat], history: Sequence[Past] = ()) -> None:
        """Begin an episode; what `history` tells is remembered as if it had been played."""
        self._policies = {seat.agent: ChatPolicy(self._servers[seat.role], self._key) for seat in seats}
        for seat in seats:
            self._policies[seat.agent].start([seat], [past for past in history if past[0] == seat.agent])

    def asks(self, turns: Sequence[Turn]) -> list[tuple[Answering, Ask]]:
        """What is to be read for each turn, and by whom."""
        return [(self._policies[turn[0]].server, self._policies[turn[0]].asks([turn])[0]) for turn in turns]

    def replies(self, turns: Sequence[Turn], answers: Sequence[Reply]) -> list[Reply]:
        """The answers as replies, remembered as sent."""
        return [self._policies[turn[0]].replies([turn], [answer])[0] for turn, answer in zip(turns, answers, strict=True)]


def play_block_over(policy: ChatPolicy, plans: Sequence[Plan], scenarios: Mapping[str, Scenario]) -> list[Rollout]:
    """Play some episodes in step: each time, all seats that wait are answered over HTTP together.

    Raises:
        UsageError: The policy does not ask for token ids.
        ServerError: The server gives no answer, or keeps its tokens to itself.
        FloatingPointError: Its log-probabilities are no numbers any more.
    """
    return play_block_by(dict.fromkeys(ROLES, policy.server), plans, scenarios)


def play_block_by(servers: Mapping[str, Answering], plans: Sequence[Plan], scenarios: Mapping[str, Scenario]) -> list[Rollout]:
    """The same with a server, or a name at one, for each role.

    Raises:
        UsageError: A server is not asked for token ids.
        ServerError: A server gives no answer, or keeps its tokens to itself.
        FloatingPointError: Its log-probabilities are no numbers any more.
    """
    for wants in (server.settings for server in servers.values()):
        if not wants.token_ids or wants.temperature not in (None, 1.0):
            raise UsageError("chat: what is to be learnt from must be drawn at temperature 1, with its tokens; end the SPEC with #token_ids=true")
    return play_with(servers, plans, scenarios)


def play_with(servers: Mapping[str, Answering], plans: Sequence[Plan], scenarios: Mapping[str, Scenario]) -> list[Rollout]:
    """The same at any temperature: for looking, not for learning.

    Raises:
        ServerError: A server gives no answer, or keeps its tokens to itself.
        FloatingPointError: Its log-probabilities are no numbers any more.
    """
    return in_step([seated(plan, ByRole(servers, key_of(plan)), scenarios) for plan in plans], _answers)


def _answers(asked: Sequence[tuple[Answering, Ask]]) -> list[tuple[Reply, Written]]:
    """All answers in their order; the servers work at the same time."""
    servers = list(dict.fromkeys(server for server, _ in asked))
    places = [[place for place, (server, _) in enumerate(asked) if server is one] for one in servers]
    with ThreadPoolExecutor(len(servers)) as pool:
        parts = pool.map(lambda one, own: one.complete([asked[place][1] for place in own]), servers, places)
        found = {place: reply for own, replies in zip(places, parts, strict=True) for place, reply in zip(own, replies, strict=True)}
    return [(found[place], _written(server, found[place])) for place, (server, _) in enumerate(asked)]


def _written(server: Answering, reply: Reply) -> Written:
    if not reply.tokens:
        raise ServerError(f"{server.url} ({server.model}) gives no token ids with log-probabilities: nothing could be learnt from it; vLLM does")
    if any(math.isnan(logp) for logp in reply.logps):
        raise FloatingPointError(f"{server.url} ({server.model}) finds its own words as likely as no number: lower learning_rate, go back")
    return Written(reply.text, reply.tokens, reply.decided, reply.logps, None)

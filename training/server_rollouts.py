"""Rollouts in which the learning seats are answered over HTTP, by a server that says which tokens it read and wrote (vLLM).

    model = ChatPolicy.of("qwen3@http://127.0.0.1:8000/v1#token_ids=true,dialect=hermes")
    rollouts = play_block_over(model, plans, scenarios)

What comes back trains like what was played here: tokens as they were sampled, never made again from text. Nothing holds the model to a grammar, so
every token that it wrote was its own decision; the server must draw from the whole distribution at temperature 1, which `token_ids` asks for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clinsim.agents.chat import ChatPolicy
from clinsim.agents.chat_server import Server
from clinsim.agents.decoding import Written
from clinsim.agents.dialogue import Ask
from clinsim.errors import ServerError, UsageError
from clinsim.record import Reply
from clinsim.scenario_file import Scenario
from clinsim.training.rollouts import Plan, Rollout, Table, in_step, key_of, opened


def play_block_over(policy: ChatPolicy, plans: Sequence[Plan], scenarios: Mapping[str, Scenario]) -> list[Rollout]:
    """Play some episodes in step: each time, all seats that wait are answered over HTTP together.

    Raises:
        UsageError: The policy does not ask for token ids.
        ServerError: The server gives no answer, or keeps its tokens to itself.
    """
    wants = policy.server.settings
    if not wants.token_ids or wants.temperature not in (None, 1.0):
        raise UsageError("chat: what is to be learnt from must be drawn at temperature 1, with its tokens; end the SPEC with #token_ids=true")
    tables = [Table(plan, policy.again(key_of(plan)), opened(plan, scenarios)) for plan in plans]
    return in_step(tables, lambda asks: _answers(policy.server, asks))


def _answers(server: Server, asks: Sequence[Ask]) -> list[tuple[Reply, Written]]:
    return [(reply, _written(server, reply)) for reply in server.complete(asks)]


def _written(server: Server, reply: Reply) -> Written:
    if not reply.tokens:
        raise ServerError(f"{server.url} ({server.model}) gives no token ids with log-probabilities: nothing could be learnt from it; vLLM does")
    return Written(reply.text, reply.tokens, reply.decided, reply.logps, None)

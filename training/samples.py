"""The one record that trains: what an agent read and wrote at one turn, token by token, and what it earned.

Tokens are those that the model saw and sampled, never made again from text. Only positions in `decided` train: what the
environment wrote and what a grammar forced is read, not learnt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from clinsim.errors import TraceError
from clinsim.trace_file import ActionLine, Trace


class Group(NamedTuple):
    """Samples that may be compared with each other: one role's, from the same start.

    `digest` is empty for whole episodes; for single turns it is that of the moment before the decision, so that only turns from the
    very same state are compared.
    """

    scenario: str
    seed: int
    role: str
    digest: str = ""


class Moment(NamedTuple):
    """The one turn of an episode that is compared with others, and the digest of the ward before it."""

    turn: int
    digest: str


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One turn of one agent.

    `tokens` (T) are prompt and completion; `decided` (K) the positions that the agent chose, `logps` (K) their log-probabilities when they
    were sampled. `allowed` are the tokens that the grammar left open at each (K), None where nothing constrained it. `reward` is in the units of the
    scenario's rewards; `episode` numbers the rollout in its batch.
    """

    tokens: tuple[int, ...]
    decided: tuple[int, ...]
    logps: tuple[float, ...]
    reward: float
    role: str
    agent: str
    group: Group
    episode: int
    turn: int
    allowed: tuple[tuple[int, ...], ...] | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot have been sampled.

        Raises:
            ValueError: Positions and log-probabilities do not fit the tokens.
        """
        if len(self.decided) != len(self.logps):
            raise ValueError(f"{len(self.decided)} decided positions with {len(self.logps)} log-probabilities")
        inside = all(0 < place < len(self.tokens) for place in self.decided)
        if not inside or any(b <= a for a, b in pairwise(self.decided)):
            raise ValueError(f"decided positions must rise within 1 to {len(self.tokens) - 1}")
        if any(not logp <= 0.0 for logp in self.logps):
            raise ValueError("a log-probability is a number of at most 0")

    @property
    def action_mask(self) -> tuple[bool, ...]:
        """For each token whether the agent decided it (T)."""
        chosen = set(self.decided)
        return tuple(place in chosen for place in range(len(self.tokens)))


def samples_of(trace: Trace, episode: int = 0, credit: Mapping[str, float] | None = None) -> list[Sample]:
    """The samples in a trace: one for each reply that carries tokens.

    Args:
        trace: An episode played by policies that keep their tokens.
        episode: Its number in the batch.
        credit: What each agent is credited with (None: what it earned).

    Raises:
        TraceError: A reply has tokens but does not say which of them were decided.
    """
    roles = {row["agent"]: row["role"] for row in trace.header["staff"]}
    earned = trace.rewards if credit is None else credit
    scenario = str(trace.header["scenario"]["id"])
    return [
        _sample(line, Group(scenario, trace.seed, roles[line.agent]), episode, earned[line.agent])
        for line in trace.actions
        if line.token_ids and line.agent in earned
    ]


def _sample(line: ActionLine, group: Group, episode: int, reward: float) -> Sample:
    if not line.decided:
        raise TraceError(f"turn {line.turn} of {line.agent} has tokens, but none that it decided")
    return Sample(line.token_ids, line.decided, line.logps, reward, group.role, line.agent, group, episode, line.turn)


def decided_tokens(samples: Iterable[Sample]) -> dict[str, int]:
    """Tokens that train, by role."""
    counts: dict[str, int] = {}
    for sample in samples:
        counts[sample.role] = counts.get(sample.role, 0) + len(sample.decided)
    return counts


def role_weights(samples: Sequence[Sample]) -> dict[str, float]:
    """Weight of a token by role, so that each role weighs the same in the loss however much it talks; their mean over tokens is 1."""
    counts = decided_tokens(samples)
    total = sum(counts.values())
    return {role: total / (len(counts) * n) for role, n in counts.items()}

"""How much better than expected: advantages of episodes for each agent, from rewards in groups.

A group holds what one role earned in episodes with the same start (scenario and seed), so that luck is shared and cancels. What
cannot be compared gets 0 and is counted: a group of one, and a group in which all earned the same.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import Literal, NamedTuple, get_args

from clinsim.errors import UsageError
from clinsim.training.samples import Group

How = Literal["group", "leave_one_out", "rae", "team"]
HOW: tuple[str, ...] = get_args(How)
SMALLEST_SPREAD = 1e-4
"""Added to the spread of a group before dividing (the value that TRL uses)."""


class Earned(NamedTuple):
    """What one agent earned in one episode, or at one turn of it."""

    group: Group
    episode: int
    agent: str
    reward: float
    turn: int | None = None


@dataclass(frozen=True, slots=True)
class Advantages:
    """`values`, one per `Earned`, in order; and how many groups could not teach: `alone` had one member, `flat` no variance.

    `unequal` of the groups have fewer members than the largest.
    """

    values: tuple[float, ...]
    groups: int
    alone: int
    flat: int
    unequal: int

    @property
    def flat_share(self) -> float:
        """Share of the groups with more than one member in which all earned the same."""
        compared = self.groups - self.alone
        return self.flat / compared if compared else 0.0


@dataclass(slots=True)
class Baselines:
    """Moving baselines per (scenario, role), for `rae` (role-conditioned advantage, SPIRAL 2506.24119): read first, then moved."""

    decay: float = 0.95
    values: dict[tuple[str, str], float] = field(default_factory=dict)

    def surprise(self, scenario: str, role: str, reward: float) -> float:
        """How far `reward` lies above the baseline; moves the baseline afterwards. The first reward of a role sets it."""
        key = (scenario, role)
        before = self.values.setdefault(key, reward)
        self.values[key] = self.decay * before + (1.0 - self.decay) * reward
        return reward - before


def advantages(earned: Sequence[Earned], how: How = "group", baselines: Baselines | None = None) -> Advantages:
    """Advantages of what was earned.

    Args:
        earned: What each agent earned in each episode.
        how: `group`: distance from the group's mean in standard deviations; `leave_one_out`: distance from the mean of the others;
            `team`: like `group`, with the mean reward of all roles of the episode in place of the agent's own; `rae`: distance from a
            moving baseline of the role, across groups.
        baselines: Baselines for `rae`, moved by this call.

    Raises:
        UsageError: `how` is unknown, or `rae` has no baselines.
    """
    if how not in HOW:
        raise UsageError(f"advantage: {how!r} is unknown; allowed are {', '.join(HOW)}")
    if how == "rae":
        return _against_baselines(earned, baselines)
    rewards = _shared(earned) if how == "team" else [row.reward for row in earned]
    scale = _left_out if how == "leave_one_out" else _standardised
    values = [0.0] * len(earned)
    alone = flat = 0
    members = _members(earned)
    for places in members.values():
        own = [rewards[place] for place in places]
        alone += len(own) == 1
        flat += len(own) > 1 and max(own) == min(own)
        for place, value in zip(places, scale(own), strict=True):
            values[place] = value
    return Advantages(tuple(values), len(members), alone, flat, _unequal(members))


def as_they_are(worth: Sequence[Earned]) -> Advantages:
    """What single turns were worth beside other replies to the same moment: advantages already, compared with no other turn's.

    `alone` is 0, since each was compared when its worth was found; a group is `flat` if none of its turns made a difference.
    """
    members = _members(worth)
    flat = sum(not any(worth[place].reward for place in places) for places in members.values())
    return Advantages(tuple(row.reward for row in worth), len(members), 0, flat, _unequal(members))


def _members(earned: Sequence[Earned]) -> dict[Group, list[int]]:
    members: dict[Group, list[int]] = defaultdict(list)
    for place, row in enumerate(earned):
        members[row.group].append(place)
    return members


def _unequal(members: Mapping[Group, Sequence[int]]) -> int:
    sizes = [len(places) for places in members.values()]
    return sum(size < max(sizes) for size in sizes)


def _standardised(rewards: Sequence[float]) -> list[float]:
    if len(rewards) == 1 or max(rewards) == min(rewards):
        return [0.0] * len(rewards)
    mean, spread = fmean(rewards), stdev(rewards) + SMALLEST_SPREAD
    return [(reward - mean) / spread for reward in rewards]


def _left_out(rewards: Sequence[float]) -> list[float]:
    if len(rewards) == 1 or max(rewards) == min(rewards):
        return [0.0] * len(rewards)
    mean, n = fmean(rewards), len(rewards)
    return [(reward - mean) * n / (n - 1) for reward in rewards]


def _shared(earned: Sequence[Earned]) -> list[float]:
    """The mean over roles of each episode, in place of each agent's own."""
    by_episode: dict[tuple[str, int, str, int], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in earned:
        by_episode[(row.group.scenario, row.group.seed, row.group.digest, row.episode)][row.group.role].append(row.reward)
    means = {key: fmean(fmean(own) for own in roles.values()) for key, roles in by_episode.items()}
    return [means[(row.group.scenario, row.group.seed, row.group.digest, row.episode)] for row in earned]


def _against_baselines(earned: Sequence[Earned], baselines: Baselines | None) -> Advantages:
    if baselines is None:
        raise UsageError("advantage: rae needs baselines that last from batch to batch")
    values = [baselines.surprise(row.group.scenario, row.group.role, row.reward) for row in earned]
    if not all(math.isfinite(value) for value in values):
        raise UsageError("advantage: a reward is not a finite number")
    members = _members(earned)
    return Advantages(tuple(values), len(members), 0, 0, _unequal(members))

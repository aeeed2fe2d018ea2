"""Judges of self-play: what each agent's part in an episode was worth, and which episodes teach nothing good.

`Heuristic` goes by rewards, outcomes and refusals; `clinsim.training.model_judge` asks a chat model. A judge that cannot judge stops the run: no
episode is passed over in silence.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import NamedTuple, Protocol

from clinsim.errors import UsageError
from clinsim.training.credit import with_share
from clinsim.training.rollouts import Rollout
from clinsim.training.samples import Group


class JudgeError(UsageError):
    """A judge gave no verdict that can be read."""


class Verdict(NamedTuple):
    """What an agent's part in an episode was worth (any scale, higher is better), and why it must not teach (empty: it may)."""

    score: float
    refused: str = ""


Verdicts = Mapping[str, Verdict]
"""By agent."""


class Judge(Protocol):
    """What says how good episodes were."""

    def verdicts(self, rollouts: Sequence[Rollout]) -> list[Verdicts]:
        """A verdict on each agent that had a turn, for each episode in order.

        Raises:
            JudgeError: It cannot judge one of them.
        """
        ...


def speakers(rollout: Rollout) -> list[str]:
    """Learning agents that had a turn."""
    return list(dict.fromkeys(said.agent for said in rollout.said))


@dataclass(frozen=True, slots=True)
class Heuristic:
    """Goes by what was earned, with a share of the team's; refuses what was worse for the patients than usual from that start, or mostly refused."""

    team_share: float = 0.5
    most_refused: float = 0.3

    def verdicts(self, rollouts: Sequence[Rollout]) -> list[Verdicts]:
        """A verdict on each agent that had a turn."""
        losses: dict[tuple[str, int], list[float]] = defaultdict(list)
        for rollout in rollouts:
            losses[rollout.plan.scenario, rollout.plan.seed].append(rollout.utility_loss)
        usual = {start: median(values) for start, values in losses.items()}
        return [self._of(rollout, usual[rollout.plan.scenario, rollout.plan.seed]) for rollout in rollouts]

    def _of(self, rollout: Rollout, usual_loss: float) -> Verdicts:
        credited = with_share(rollout.rewards, self.team_share)
        refused = ""
        if rollout.refused > self.most_refused * rollout.actions:
            refused = "refusals"
        elif rollout.utility_loss > usual_loss:
            refused = "outcome"
        return {agent: Verdict(credited[agent], refused) for agent in speakers(rollout)}


class Kept(NamedTuple):
    """What may teach: (episode, agent); and how many parts were refused for what."""

    parts: frozenset[tuple[int, str]]
    refused: Mapping[str, int]


def kept(rollouts: Sequence[Rollout], verdicts: Sequence[Verdicts], share: float) -> Kept:
    """The best `share` of each role's parts from the same start, as far as they are better than its mean there; where all are alike, nothing."""
    groups: dict[Group, list[tuple[int, str, Verdict]]] = defaultdict(list)
    refused: dict[str, int] = defaultdict(int)
    for episode, (rollout, found) in enumerate(zip(rollouts, verdicts, strict=True)):
        for agent, verdict in found.items():
            groups[Group(rollout.plan.scenario, rollout.plan.seed, rollout.roles[agent])].append((episode, agent, verdict))
            if verdict.refused:
                refused[verdict.refused] += 1
    return Kept(frozenset(part for rows in groups.values() for part in _best(rows, share)), dict(refused))


def _best(rows: Sequence[tuple[int, str, Verdict]], share: float) -> list[tuple[int, str]]:
    mean = fmean(verdict.score for _, _, verdict in rows)
    better = [row for row in rows if not row[2].refused and row[2].score > mean]
    better.sort(key=lambda row: (-row[2].score, row[0], row[1]))
    return [(episode, agent) for episode, agent, _ in better[: max(1, math.ceil(share * len(rows)))]]

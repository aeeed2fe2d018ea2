"""The question-answering side of the gap: own tasks by the best scripted player that does not know the answers, degraded as the ward's teams are.

The ward's guideline knows the ward's tools only, so `rote` stands in for it at tasks: whole for `guideline` and for `guideline_slow` (to think for
longer is nothing that a task can see), with every second call lost for `guideline_half`, with a share of calls going astray for `guideline_noisy`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from clinsim.benchmark.attempt import Attempt, Made
from clinsim.benchmark.play import Play, standard_of
from clinsim.benchmark.policies import filled, idle
from clinsim.benchmark.rote import rote
from clinsim.benchmark.strict import grade
from clinsim.benchmark.suite import Placed
from clinsim.benchmark.task import SUBMISSIONS
from clinsim.hospital.streams import Streams
from clinsim.intervals import of_mean

ASTRAY = 0.15
"""Share of calls that go astray: that of `guideline_noisy` (assumption)."""
LOST = "the call was lost"


class Halved(Play):
    """A play in which every second call is lost."""

    __slots__ = ()

    def make(self, name: str, arguments: Mapping[str, Any]) -> Made:
        """Make a call, or lose it."""
        return super().make(name, arguments) if self.turns % 2 == 0 else self._count(Made(name, {}, False, None, LOST))


class Noised(Play):
    """A play in which some calls go astray: another tool of the domain is called instead."""

    __slots__ = ()

    def make(self, name: str, arguments: Mapping[str, Any]) -> Made:
        """Make a call, or another one; which is keyed by the task and the turn."""
        draws, entity = Streams(0), self.task.id
        if draws.uniform("gap.astray", entity, self.turns) >= ASTRAY:
            return super().make(name, arguments)
        others = [spec for spec in self.stage.tools.values() if spec.name not in SUBMISSIONS]
        other = others[int(draws.uniform("gap.other", entity, self.turns) * len(others))]
        return super().make(other.name, filled(other, self.task))


PLAYERS: dict[str, tuple[type[Play], Callable[[Play], None]]] = {
    "guideline": (Play, rote),
    "guideline_slow": (Play, rote),
    "guideline_half": (Halved, rote),
    "guideline_noisy": (Noised, rote),
    "idle": (Play, idle),
}
"""Who stands in for each policy of the ward at a task."""


def attempted(policy: str, placed: Placed) -> Attempt:
    """What a policy's stand-in does at a task."""
    kind, script = PLAYERS[policy]
    made = kind(placed)
    script(made)
    return made.attempt()


def task_scores(policy: str, tasks: Sequence[Placed]) -> tuple[float, float]:
    """Mean accuracy and mean strict score of a policy's stand-in over tasks."""
    graded = [grade(standard_of(placed), attempted(policy, placed)) for placed in tasks]
    return of_mean([one.accuracy or 0.0 for one in graded]).mean, of_mean([one.score for one in graded]).mean

"""What to train on next: over scenarios, static domains and difficulty, whatever is weakest by what has been measured.

    courses: {ward: [first_hour, crowded_hour], reports: ["tasks:radiology_report:easy", "tasks:radiology_report"]}

A course is a ladder of places, the easiest first; a place is a scenario, or the training tasks of a domain (of one difficulty, if one is named).
Scores lie on one scale: 0 is what idle earns, 1 what the guideline team earns (a gold plan, at tasks). Each step goes to one place: a course is drawn
by how far its place falls short of 1, and now and then an earlier place of it, so that nothing is forgotten. A place that goes well for a while is
left for the next one up; one that goes badly, for the one below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from statistics import fmean
from typing import Any, NamedTuple

import numpy as np

from clinsim.agents.cast import Cast
from clinsim.agents.decoding import Engine
from clinsim.errors import UsageError
from clinsim.referee import TRAINING_SEEDS
from clinsim.rollout import raw_env, run_episode
from clinsim.scenario_file import load_scenario
from clinsim.training.grpo import Memory, play_all
from clinsim.training.rollouts import Plan, Rollout
from clinsim.training.settings import GrpoSettings
from clinsim.training.static_tasks import TRAIN, name_of, tasks_in

TASKS = "tasks:"
Courses = Mapping[str, Sequence[str]]
"""Places by course, the easiest first."""
PlayPlans = Callable[[Any, GrpoSettings, Sequence[Plan]], list[Rollout]]
"""How episodes are played: by those who speak, as the settings say."""
REFERENCE_SEEDS = range(24)
"""Training seeds on which idle and the guideline team are played, once for each scenario."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When a course moves: by the mean score of the last `recent` steps at its place, once there are `least` of them.

    `review` is the share of steps that go back to an earlier place, `floor` the least weight of a course, so that none is left alone.
    """

    promote: float = 0.8
    demote: float = 0.2
    least: int = 3
    recent: int = 5
    review: float = 0.15
    floor: float = 0.1


@dataclass(slots=True)
class Progress:
    """Where each course stands, the last scores there, and the matrix: the last score at every place and how often it was measured."""

    level: dict[str, int] = field(default_factory=dict)
    scores: dict[str, list[float]] = field(default_factory=dict)
    matrix: dict[str, tuple[float, int]] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        """As plain data."""
        return {"level": self.level, "scores": self.scores, "matrix": {place: list(cell) for place, cell in self.matrix.items()}}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Progress:
        """From plain data."""
        matrix = {place: (float(score), int(n)) for place, (score, n) in data["matrix"].items()}
        return cls(dict(data["level"]), {course: list(row) for course, row in data["scores"].items()}, matrix)


class Step(NamedTuple):
    """Where a step goes: which course, and which place of it."""

    course: str
    place: str


def weights(courses: Courses, progress: Progress, rule: Rule) -> dict[str, float]:
    """How much each course is wanted: what its place falls short of 1; all of it where nothing has been measured."""
    short = {}
    for course, places in courses.items():
        score, _ = progress.matrix.get(places[progress.level.get(course, 0)], (0.0, 0))
        short[course] = max(rule.floor, min(1.0, 1.0 - score))
    return short


def chosen(courses: Courses, progress: Progress, rule: Rule, seed: int, step: int) -> Step:
    """Where step number `step` of a run goes; the same for the same seed and progress."""
    draws = np.random.default_rng((seed, step, len(courses)))
    wanted = weights(courses, progress, rule)
    course = str(draws.choice(list(wanted), p=np.array(list(wanted.values())) / sum(wanted.values())))
    level = progress.level.get(course, 0)
    if level and draws.random() < rule.review:
        level = int(draws.integers(level))
    return Step(course, courses[course][level])


def moved(courses: Courses, progress: Progress, rule: Rule, step: Step, score: float) -> int:
    """Book a score; +1 if the course goes up for it, -1 if down, 0 if it stays. Scores of a review only enter the matrix."""
    _, n = progress.matrix.get(step.place, (0.0, 0))
    level, places = progress.level.get(step.course, 0), courses[step.course]
    if step.place != places[level]:
        progress.matrix[step.place] = (score, n + 1)
        return 0
    recent = [*progress.scores.get(step.course, []), score][-rule.recent :]
    progress.scores[step.course] = recent
    mean = fmean(recent)
    progress.matrix[step.place] = (mean, n + 1)
    change = _change(mean, len(recent), level, len(places), rule)
    if change:
        progress.level[step.course] = level + change
        progress.scores[step.course] = []
    return change


def _change(mean: float, n: int, level: int, levels: int, rule: Rule) -> int:
    if n < rule.least:
        return 0
    if mean >= rule.promote and level + 1 < levels:
        return 1
    return -1 if mean <= rule.demote and level > 0 else 0


# ---------------------------------------------------------------- places


def check(courses: Courses) -> None:
    """Make sure that every place exists.

    Raises:
        UsageError: A course has no place, or there is no such scenario, domain or difficulty.
    """
    for course, places in courses.items():
        if not places:
            raise UsageError(f"courses: {course} has no place")
        for place in places:
            starts_at(place, 0, 0, 1)


def starts_at(place: str, seed: int, step: int, groups: int) -> list[tuple[str, int]]:
    """Starts of a step at a place, as scenario (or task) and seed, in an order that the run's seed draws.

    Raises:
        UsageError: There is no such place.
    """
    if place.startswith(TASKS):
        domain, _, difficulty = place.removeprefix(TASKS).partition(":")
        names = [name_of(placed) for placed in tasks_in(domain, TRAIN, difficulty)]
        order = np.random.default_rng((seed, 1)).permutation(len(names))
        return [(names[order[(step * groups + k) % len(names)]], 0) for k in range(groups)]
    load_scenario(place)
    order = np.random.default_rng(seed).permutation(TRAINING_SEEDS)
    return [(place, int(order[(step * groups + k) % TRAINING_SEEDS])) for k in range(groups)]


@lru_cache(maxsize=16)
def scale_of(place: str) -> tuple[float, float]:
    """What idle and the guideline team earn at a place: 0 and 1 of its scores."""
    if place.startswith(TASKS):
        return 0.0, 1.0
    low, high = (fmean(_returns(place, policy)) for policy in ("idle", "guideline"))
    return low, high


def _returns(scenario: str, policy: str) -> list[float]:
    return [sum(run_episode(raw_env(scenario), policy, seed=seed, observations=False).rewards.values()) for seed in REFERENCE_SEEDS]


def score_of(place: str, rollouts: Sequence[Rollout]) -> float:
    """The mean score of some episodes at a place."""
    low, high = scale_of(place)
    return (fmean(rollout.total for rollout in rollouts) - low) / (high - low)


# ---------------------------------------------------------------- in a run


@dataclass(slots=True)
class Syllabus:
    """The curriculum of a run: says where each step goes, and books what was earned there. Its progress is kept in the memory of the run."""

    settings: GrpoSettings
    memory: Memory
    play_plans: PlayPlans = play_all
    rule: Rule = field(default_factory=Rule)
    here: Step = field(default_factory=lambda: Step("", ""))
    change: int = 0

    def __post_init__(self) -> None:
        """Make sure that all places exist."""
        check(self.settings.courses)

    @property
    def progress(self) -> Progress:
        """Where the courses stand."""
        return Progress.of(self.memory.progress) if self.memory.progress else Progress()

    def starts(self, step: int) -> list[tuple[str, int]]:
        """Where a step goes, as scenarios (or tasks) and seeds."""
        self.here = chosen(self.settings.courses, self.progress, self.rule, self.settings.seed, step)
        return starts_at(self.here.place, self.settings.seed, step, self.settings.groups)

    def book(self, rollouts: Sequence[Rollout]) -> None:
        """Book what was earned where the last step went."""
        progress = self.progress
        self.change = moved(self.settings.courses, progress, self.rule, self.here, score_of(self.here.place, rollouts))
        self.memory.progress = progress.as_data()

    def play(self, models: Cast | Engine, settings: GrpoSettings, step: int) -> list[Rollout]:
        """Play a step where the curriculum wants it, for `clinsim.training.grpo.trained`."""
        key, numbers = f"{settings.seed}|{step}", range(settings.openings)
        episodes = [Plan(scenario, seed, number, settings.partners, key) for scenario, seed in self.starts(step) for number in numbers]
        rollouts = self.play_plans(models, settings, episodes)
        self.book(rollouts)
        return rollouts

    def told(self) -> dict[str, Any]:
        """For the metrics: where the step went, whether its course moved, and the matrix of scores by place."""
        return {"place": self.here.place, "moved": self.change, "matrix": {place: score for place, (score, _) in self.progress.matrix.items()}}

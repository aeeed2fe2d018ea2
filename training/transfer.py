"""What training on static domains is worth: on the domain that was trained on, on the others, and in the living hospital.

    study = Study(Path("runs/static"), domains=("drug_interaction", "radiology_report"))
    trained(study, "drug_interaction"); rows = [measured(study, "drug_interaction", place) for place in study.places]

One start is taught a little of everything: some expert episodes of a living scenario, and the gold plans of some training tasks. From it the recipe
`grpo` trains on one domain, or on all of them at once (`ALL`), with the strict score as reward. Each model, and the start, then attempts the test
tasks of every domain, and plays the living scenario on validation seeds. All is kept in the folder of the study, so that it can be gone on with.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from clinsim.agents.cast import Cast
from clinsim.agents.decoding import Engine
from clinsim.benchmark.suite import Placed
from clinsim.training.curriculum import TASKS
from clinsim.training.evaluate import in_processes, model_values
from clinsim.training.experts import expert_turns, lessons, seats_of
from clinsim.training.model import Shape, fresh_engine
from clinsim.training.recipes import run_grpo
from clinsim.training.rollouts import Plan, blocks
from clinsim.training.run import RunFolder, write_model
from clinsim.training.settings import GrpoSettings
from clinsim.training.sft import FitRule, fitted
from clinsim.training.static_tasks import TEST, TRAIN, domains, gold_turns, name_of, recited, seats_of_tasks, tasks_in

START, ALL, ROWS = "start", "all", "rows"
LESSON_BATCH = 4096
"""Tokens of one update of teaching, padding included."""
BLOCK = 32


@dataclass(frozen=True, slots=True)
class Study:
    """What is trained and measured, and where it is kept."""

    out: Path
    domains: tuple[str, ...]
    live: str = "first_hour"
    live_seeds: tuple[int, int] = (10_000, 10_032)
    episodes: int = 200
    """Expert episodes of the living scenario that the start is taught, from training seeds."""
    shown_share: float = 0.5
    """Share of each domain's training tasks whose gold plans it is taught."""
    repeats: int = 12
    """How often these are shown beside one episode each: they are few."""
    passes: int = 1
    steps: int = 40
    groups: int = 8
    group_size: int = 8
    learning_rate: float = 1e-3
    attempts: int = 4
    """Attempts at each test task."""
    seed: int = 0
    shape: Shape = field(default_factory=lambda: Shape(texts=300))

    @property
    def models(self) -> tuple[str, ...]:
        """The start, a model for each domain, and one for all of them if there are several."""
        return (START, *self.domains, *((ALL,) if len(self.domains) > 1 else ()))

    @property
    def places(self) -> tuple[str, ...]:
        """Where each of them is measured."""
        return (*self.domains, self.live)


class Row(NamedTuple):
    """How a model does at a place: its scores, task by task (means over attempts) or seed by seed."""

    model: str
    place: str
    scores: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean score."""
        return fmean(self.scores)


# ---------------------------------------------------------------- the start


def started(study: Study) -> Path:
    """The folder of the start, which is taught if it is not there yet. It has the words of the training tasks of all domains."""
    place, draft = study.out / START, study.out / f"{START}.part"
    if place.exists():
        return place
    shutil.rmtree(draft, ignore_errors=True)
    tasks = [placed for domain in domains() for placed in tasks_in(domain, TRAIN)]
    ward, desk = list(expert_turns(study.live, range(study.episodes))), list(gold_turns(tasks))
    seats = seats_of(study.live) | seats_of_tasks(tasks)
    engine = fresh_engine([*ward, *desk], seats, study.shape, study.seed)
    wanted = _few(study, tasks)
    shown = list(lessons(engine, (turn for turn in desk if turn.seed in wanted), seats))
    samples = [*lessons(engine, ward, seats), *study.repeats * shown]
    for _ in fitted(engine.model, samples, FitRule(study.passes, batch_tokens=LESSON_BATCH, seed=study.seed)):
        pass
    write_model(engine, draft)
    draft.rename(place)
    return place


def _few(study: Study, tasks: Sequence[Placed]) -> set[int]:
    """Every so many tasks of the domains of a study, by number."""
    own = [number for number, placed in enumerate(tasks) if placed.task.domain in study.domains]
    return {number for k, number in enumerate(own) if int(k * study.shown_share) != int((k - 1) * study.shown_share)}


# ---------------------------------------------------------------- training


def trained(study: Study, model: str) -> Path:
    """The folder of a model, which is trained from the start, or on from its last checkpoint, if it is not done yet."""
    start = started(study)
    if model == START:
        return start
    places = study.domains if model == ALL else (model,)
    settings = GrpoSettings(
        scenario=study.live, start=str(start), steps=study.steps, groups=study.groups, group_size=study.group_size, seed=study.seed,
        learning_rate=study.learning_rate, optimiser="muon", cool_down=True, evaluate_every=max(1, study.steps // 4),
        evaluation_seeds=study.live_seeds, threads=1, courses={domain: (f"{TASKS}{domain}",) for domain in places},
    )  # fmt: skip
    run_grpo(settings, study.out / model, (study.out / model).exists(), lambda row: None)
    return RunFolder(study.out / model).model_folder()


# ---------------------------------------------------------------- measuring


def measured(study: Study, model: str, place: str) -> Row:
    """How a model does at a place: strict scores on test tasks, or returns on validation seeds of the living scenario; kept once known."""
    file = study.out / ROWS / f"{model}@{place}.json"
    if not file.exists():
        cast = Cast.load(trained(study, model))
        scores = _live(study, cast) if place == study.live else _tested(study, cast, place)
        file.parent.mkdir(exist_ok=True)
        draft = file.with_suffix(".part")
        draft.write_text(json.dumps(scores), encoding="utf-8")
        draft.rename(file)
    return Row(model, place, tuple(json.loads(file.read_text(encoding="utf-8"))))


def _live(study: Study, cast: Cast) -> list[float]:
    return model_values(cast, study.live, range(*study.live_seeds))["return"]


def _tested(study: Study, cast: Cast, domain: str) -> list[float]:
    names = [name_of(placed) for placed in tasks_in(domain, TEST)]
    plans = [Plan(name, 0, number) for name in names for number in range(study.attempts)]
    earned = [rollout.total for block in in_processes(cast, blocks(plans, BLOCK), 1) for rollout in block]
    return [fmean(earned[first : first + study.attempts]) for first in range(0, len(earned), study.attempts)]


def reach(study: Study, domain: str) -> float:
    """What the gold plans of a domain's test tasks earn in the words that the start has: a small model writes no sentence of its own."""
    vocabulary = Engine.load(started(study)).vocabulary
    return fmean(recited(placed, vocabulary) for placed in tasks_in(domain, TEST))


def of_model(job: tuple[Study, str]) -> list[Row]:
    """Train a model and measure it everywhere."""
    study, model = job
    return [measured(study, model, place) for place in study.places]

"""What training on static domains is worth: on the domain that was trained on, on the others, and in the living hospital.

    study = Study(Path("runs/static"), domains=("drug_interaction", "radiology_report"))
    trained(study, "drug_interaction"); rows = [measured(study, "drug_interaction", place) for place in study.places]

One start is taught a little of everything: some expert episodes of a living scenario, and the gold plans of some training tasks. From it the recipe
`grpo` trains on one domain, on one and the living scenario in turn (`beside`), or on all of them at once (`ALL`), with the strict score as reward.
The suite has few tasks; `more` names a folder with others, which the templates of the training split write of training shifts. Each model, and the
start, is made surer, then attempts the test tasks of every domain, and plays the living scenario on validation seeds. All is kept in the folder of
the study, so that it can be gone on with.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from clinsim.agents.aliases import CHOICE
from clinsim.agents.cast import Cast
from clinsim.agents.decoding import Engine
from clinsim.benchmark.generation.collect import training_tasks, write
from clinsim.benchmark.play import Play, standard_of
from clinsim.benchmark.strict import grade
from clinsim.benchmark.suite import Placed
from clinsim.benchmark.task import SUBMISSIONS, Expected
from clinsim.training.curriculum import TASKS
from clinsim.training.evaluate import in_processes, model_values
from clinsim.training.experts import expert_turns, lessons, seats_of
from clinsim.training.model import Shape, fresh_engine
from clinsim.training.quick import settled
from clinsim.training.recipes import run_grpo
from clinsim.training.rollouts import Plan, blocks
from clinsim.training.run import RunFolder, write_model
from clinsim.training.settings import GrpoSettings
from clinsim.training.sft import FitRule, fitted
from clinsim.training.static_tasks import APART, TEST, TRAIN, domains, gold_turns, name_of, recited, seats_of_tasks, tasks_in

START, ALL, ROWS = "start", "all", "rows"
LESSON_BATCH = 1024
"""Tokens of one update of teaching, padding included."""
BLOCK = 32
SETTLED = 0.5
"""What is measured is made as sure as it was at this temperature: it tries nothing out any more."""
LOOK = 40
"""Steps between checkpoints."""
SHIFTS = ("ed_evening",)
"""Scenarios of whose shifts more training tasks are written."""
FIRST_SHIFT, MOST_SHIFTS = 100, 20
"""The first training seed of these shifts (the suite has the first ones), and after how many no more is looked for."""


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
    """Share of the suite's training tasks, of all domains, whose gold plans it is taught: many tickets teach to look before answering."""
    shown_more: float = 0.25
    """The same share of the tasks in `more`."""
    repeats: int = 6
    """How often these are shown beside one episode each: they are few."""
    more: Path | None = None
    """Folder of more training tasks of the domains of the study (`more_tasks`)."""
    mixed: bool = False
    """Whether a model is trained on each domain and the living scenario in turn as well."""
    passes: int = 1
    steps: int = 40
    groups: int = 16
    group_size: int = 4
    learning_rate: float = 1e-3
    attempts: int = 4
    """Attempts at each test task."""
    splits: tuple[str, ...] = (TEST,)
    """Whose tasks are attempted: those of `heldout` once, as confirmation."""
    seed: int = 0
    shape: Shape = field(default_factory=lambda: Shape(texts=300))

    @property
    def models(self) -> tuple[str, ...]:
        """The start, a model for each domain (two if `mixed`), and one for all of them if there are several."""
        mixed = map(self.beside, self.domains) if self.mixed else ()
        return (START, *self.domains, *mixed, *((ALL,) if len(self.domains) > 1 else ()))

    def beside(self, domain: str) -> str:
        """What the model is called that trains on a domain and in the living scenario."""
        return f"{domain}+{self.live}"

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
    own = [placed for domain in domains() for placed in tasks_in(domain, TRAIN)]
    tasks = [*own, *(placed for domain in study.domains for place in _more(study, domain) for placed in tasks_in(place, TRAIN))]
    ward, desk = list(expert_turns(study.live, range(study.episodes))), list(gold_turns(tasks))
    seats = seats_of(study.live) | seats_of_tasks(tasks)
    engine = fresh_engine([*ward, *desk], seats, study.shape, study.seed)
    numbers = range(len(tasks))
    wanted = {*_every(numbers[: len(own)], study.shown_share), *_every(numbers[len(own) :], study.shown_more)}
    shown = list(lessons(engine, (turn for turn in desk if turn.seed in wanted), seats))
    samples = [*lessons(engine, ward, seats), *study.repeats * shown]
    for _ in fitted(engine.model, samples, FitRule(study.passes, batch_tokens=LESSON_BATCH, seed=study.seed)):
        pass
    write_model(engine, draft)
    draft.rename(place)
    return place


def _every(numbers: Sequence[int], share: float) -> list[int]:
    """A share of some numbers, evenly."""
    return [number for k, number in enumerate(numbers) if int(k * share) != int((k - 1) * share)]


# ---------------------------------------------------------------- training


def more_tasks(folder: Path, domain: str, each: int) -> None:
    """Write more training tasks of a domain into a folder, `each` of every template or as many as some shifts give, if they are not there yet."""
    if not (folder / domain).exists():
        draft = folder / f"{domain}.part"
        shutil.rmtree(draft, ignore_errors=True)
        shifts = range(FIRST_SHIFT, FIRST_SHIFT + MOST_SHIFTS)
        write(training_tasks(domain, SHIFTS, each, shifts), draft)
        (draft / domain).rename(folder / domain)
        draft.rmdir()


def _more(study: Study, domain: str) -> list[str]:
    """Where more tasks of a domain are, if there are any."""
    return [f"{study.more}{APART}{domain}"] if study.more else []


def courses_of(study: Study, model: str) -> dict[str, tuple[str, ...]]:
    """What a model trains on: the tasks of the suite and the others are courses of their own, and so is the living scenario."""
    named = study.domains if model == ALL else (model.partition("+")[0],)
    places = [place for domain in named for place in (domain, *_more(study, domain))]
    courses: dict[str, tuple[str, ...]] = {place: (f"{TASKS}{place}",) for place in places}
    return courses | ({study.live: (study.live,)} if model == study.beside(named[0]) else {})


def trained(study: Study, model: str) -> Path:
    """The folder of a model, which is trained from the start, or on from its last checkpoint, if it is not done yet."""
    start = started(study)
    if model == START:
        return start
    courses = courses_of(study, model)
    groups = max(1, study.groups // 2) if study.live in courses else study.groups  # episodes of the living scenario are long
    settings = GrpoSettings(
        scenario=study.live, start=str(start), steps=study.steps, groups=groups, group_size=study.group_size, seed=study.seed,
        learning_rate=study.learning_rate, optimiser="muon", cool_down=True, advantage="leave_one_out", entropy=0.0, block=BLOCK,
        evaluate_every=LOOK, evaluation_seeds=study.live_seeds, threads=1, courses=courses,
    )  # fmt: skip
    run_grpo(settings, study.out / model, (study.out / model).exists(), lambda row: None)
    return RunFolder(study.out / model).model_folder()


# ---------------------------------------------------------------- measuring


def measured(study: Study, model: str, place: str) -> Row:
    """How a model does at a place: strict scores on test tasks, or returns on validation seeds of the living scenario; kept once known."""
    if place == study.live:
        return Row(model, place, tuple(_kept(study, model, place, "")))
    return Row(model, place, tuple(score for split in study.splits for score in _kept(study, model, place, split)))


def _kept(study: Study, model: str, place: str, split: str) -> list[float]:
    file = study.out / ROWS / f"{model}@{place}{'' if split in ('', TEST) else f'.{split}'}.json"
    if not file.exists():
        cast = settled(Cast.load(trained(study, model)), SETTLED)
        scores = _tested(study, cast, tasks_in(place, split)) if split else _live(study, cast)
        file.parent.mkdir(exist_ok=True)
        draft = file.with_suffix(".part")
        draft.write_text(json.dumps(scores), encoding="utf-8")
        draft.rename(file)
    return [float(score) for score in json.loads(file.read_text(encoding="utf-8"))]


def _live(study: Study, cast: Cast) -> list[float]:
    return model_values(cast, study.live, range(*study.live_seeds))["return"]


def _tested(study: Study, cast: Cast, tasks: Sequence[Placed]) -> list[float]:
    names = [name_of(placed) for placed in tasks]
    plans = [Plan(name, 0, number, key=name) for name in names for number in range(study.attempts)]
    earned = [rollout.total for block in in_processes(cast, blocks(plans, BLOCK), 1) for rollout in block]
    return [fmean(earned[first : first + study.attempts]) for first in range(0, len(earned), study.attempts)]


def attempted(study: Study, domain: str) -> list[Placed]:
    """The tasks of a domain on which models are measured."""
    return [placed for split in study.splits for placed in tasks_in(domain, split)]


def reach(study: Study, domain: str) -> float:
    """What the gold plans of a domain's test tasks earn in the words that the start has: a small model writes no sentence of its own."""
    vocabulary = Engine.load(started(study)).vocabulary
    return fmean(recited(placed, vocabulary) for placed in attempted(study, domain))


def unread(tasks: Sequence[Placed]) -> float:
    """What the gold plans of tasks earn if all of a family get one and the same answer, the one that earns most there."""
    families = [family for family in _families(tasks).values() if len(family) > 1]
    best = [max(math.fsum(_answered(placed, other) for placed in family) for other in _answers(family)) for family in families]
    return math.fsum(best) / len(tasks)


def guessed(tasks: Sequence[Placed]) -> list[float]:
    """What the gold plan of each task earns in the mean with an answer at random, of its options or else of those of its family."""
    found: dict[tuple[str, str, str], float] = {}
    for family in _families(tasks).values():
        answers = _answers(family)
        found |= {placed.key: fmean(_answered(placed, other) for other in _options(placed) or answers) for placed in family}
    return [found[placed.key] for placed in tasks]


def _families(tasks: Sequence[Placed]) -> dict[str, list[Placed]]:
    families: dict[str, list[Placed]] = {}
    for placed in tasks:
        families.setdefault(placed.task.template, []).append(placed)
    return families


def _answers(family: Sequence[Placed]) -> list[tuple[Expected, ...]]:
    """The submissions of the gold plans of some tasks."""
    return [tuple(call for call in placed.task.gold if call.name in SUBMISSIONS) for placed in family]


def _options(placed: Placed) -> list[tuple[Expected, ...]]:
    """A submission for each option of a task."""
    (own,) = _answers([placed])
    return [tuple(call.model_copy(update={"arguments": call.arguments | {CHOICE: letter}}) for call in own) for letter in placed.task.options]


def _answered(placed: Placed, answer: Sequence[Expected]) -> float:
    """The strict score of a task's gold plan with another submission."""
    play = Play(placed)
    play.follow((call.name, call.arguments) for call in placed.task.gold if call.name not in SUBMISSIONS)
    play.follow((call.name, call.arguments) for call in answer)
    return grade(standard_of(placed), play.attempt()).score


def of_model(job: tuple[Study, str]) -> list[Row]:
    """Train a model and measure it everywhere."""
    study, model = job
    return [measured(study, model, place) for place in study.places]

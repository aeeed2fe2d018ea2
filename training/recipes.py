"""The recipes that `clinsim train` runs, by name: their settings, and how each goes from a start to a trained model in a run folder."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from clinsim.agents.cast import Cast
from clinsim.agents.local import model_in
from clinsim.errors import UsageError
from clinsim.processes import workers
from clinsim.rollout import check_policies, policy_for
from clinsim.scenario_file import load_scenario
from clinsim.training import boards, grpo, quick
from clinsim.training.chat_settings import ChatSftSettings, ServedSettings
from clinsim.training.course import Course, Tell, played_here, remembered, use_threads
from clinsim.training.credit import ITSELF
from clinsim.training.curriculum import Syllabus
from clinsim.training.curve import curve_left
from clinsim.training.evaluate import figures, model_values, policy_values
from clinsim.training.experts import seats_of
from clinsim.training.learners import learners_of, merged_cast, prepared
from clinsim.training.run import RunFolder, alone_in, stops_told
from clinsim.training.selfplay import SelfPlaySettings, run_selfplay
from clinsim.training.settings import GrpoSettings, MergeSettings, QuickSettings, RunSettings, SftSettings, settings_from
from clinsim.training.sft import run_sft
from clinsim.training.static_tasks import TRAIN, tasks_in


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe: what it is for, its settings, how it runs, what makes a rehearsal of it small, and what must stand around that."""

    purpose: str
    kind: type[RunSettings]
    run: Callable[[Any, Path, bool, Tell], None]
    rehearsal: Mapping[str, Any]
    stage: Callable[[Any], AbstractContextManager[Any]] = nullcontext


def run_grpo(settings: GrpoSettings, out: Path, resume: bool, tell: Tell) -> None:
    """Train by GRPO, with an evaluation, a look for collapses and a checkpoint every `evaluate_every` steps.

    Raises:
        UsageError: The folder holds another run, or the start is no model.
        FloatingPointError: A gradient is no number any more; the last checkpoint is whole.
    """
    folder = RunFolder.opened(out, settings.model_dump(mode="json"), resume=resume, may_change=settings.may_change, ends="steps")
    cast = Cast.load(out / "latest") if folder.has_checkpoint else prepared(Cast.load(model_in(Path(settings.start))), settings)
    learners = learners_of(cast, settings)
    memory = remembered(folder, learners)
    use_threads(settings, memory)
    syllabus = Syllabus(settings, memory) if settings.courses else None
    Course(folder, learners, settings, memory, tell, grpo.played, played_here(cast, settings), syllabus).run()


def run_merge(settings: MergeSettings, out: Path, resume: bool, tell: Tell) -> None:
    """Merge the adapters of a model into its weights.

    Raises:
        UsageError: The folder holds something already, or the start is no model.
    """
    cast = Cast.load(model_in(Path(settings.start)))
    RunFolder.opened(out, settings.model_dump(mode="json"), resume=resume).keep_best(merged_cast(cast))


def run_quick(settings: QuickSettings, out: Path, resume: bool, tell: Tell) -> None:
    """The recipe `quick`: taught, then learning by itself, then tested."""
    quick.run_quick(settings, out, resume, tell, run_sft, run_grpo)


def run_served(settings: ServedSettings, out: Path, resume: bool, tell: Tell) -> None:
    """Train a chat model that a server plays.

    Raises:
        UsageError: An extra is not installed, the folder holds another run, or there is no such model.
        ServerError: The server is gone, or does not take what is handed over; the last checkpoint is whole.
    """
    with _extras_of_served():
        from clinsim.training import served
    served.run_served(settings, out, resume, tell)


def run_chat_sft(settings: ChatSftSettings, out: Path, resume: bool, tell: Tell) -> None:
    """Teach a chat model what experts did, and gold plans of training tasks.

    Raises:
        UsageError: An extra is not installed, the folder holds another run, or there is no such model or domain.
    """
    with _extras_of_served():
        from clinsim.training import chat_sft
    chat_sft.run_chat_sft(settings, out, resume, tell)


def taught_small(settings: ChatSftSettings) -> AbstractContextManager[ChatSftSettings]:
    """A tiny model of the same architecture to be taught.

    Raises:
        UsageError: An extra is not installed, or there is no such architecture.
    """
    with _extras_of_served():
        from clinsim.training import rehearsal
    return rehearsal.taught_small(settings)


def staged(settings: ServedSettings) -> AbstractContextManager[ServedSettings]:
    """A tiny model of the same architecture, served on loopback.

    Raises:
        UsageError: An extra is not installed, or there is no such architecture.
    """
    with _extras_of_served():
        from clinsim.training import rehearsal
    return rehearsal.staged(settings)


@contextmanager
def _extras_of_served() -> Iterator[None]:
    """What only recipes of chat models load may not be there."""
    try:
        yield
    except ImportError as problem:
        raise UsageError(f"chat models need the extras `llm` and `train`: pip install clinsim[llm,train] ({problem.name} is missing)") from problem


_ONE_STEP = {"steps": 1, "groups": 1, "group_size": 2, "evaluation_seeds": (10_000, 10_001)}
# A tiny model earns nothing: divergence and entropy see to it that a step is taken all the same.
_ONE_SHORT_STEP = {**_ONE_STEP, "scenario": "first_hour", "threads": 1, "kl": 0.01, "entropy": 0.01}
_ONE_ROUND = _ONE_STEP | {"iterations": 1}
_TWO_EPISODES = {"episodes": 2, "passes": 1}
_ONE_LESSON = {"scenario": "first_hour", "episodes": 1, "tasks": (), "passes": 1, "threads": 1}
_SMALL = _ONE_STEP | {"lessons": 2, "more_lessons": {"radiologist": 1}, "lesson_passes": 1, "test_seeds": (10_000, 10_002), "processes": 1}
RECIPES: dict[str, Recipe] = {
    "grpo": Recipe("GRPO for all learning seats of a scenario, from any start", GrpoSettings, run_grpo, _ONE_STEP),
    "sft": Recipe("supervised training on scripted experts: a small model of one's own, from nothing", SftSettings, run_sft, _TWO_EPISODES),
    "quick": Recipe("a start taught too little is taught more, learns by itself, and is tested once, in minutes", QuickSettings, run_quick, _SMALL),
    "served": Recipe(
        "GRPO of a large chat model: accelerate learns, a server (vLLM) or this process plays", ServedSettings, run_served, _ONE_SHORT_STEP, staged
    ),
    "chat_sft": Recipe(
        "supervised training of a large chat model on experts and gold plans", ChatSftSettings, run_chat_sft, _ONE_LESSON, taught_small
    ),
    "selfplay": Recipe("self-play: play, judge, keep, train, and again, with past policies as partners", SelfPlaySettings, run_selfplay, _ONE_ROUND),
    "merge": Recipe("adapters merged into plain models", MergeSettings, run_merge, {}),
}


def recipe_of(name: str) -> Recipe:
    """A recipe by name.

    Raises:
        UsageError: There is no such recipe.
    """
    if name not in RECIPES:
        raise UsageError(f"unknown recipe {name!r}; there are {', '.join(RECIPES)}")
    return RECIPES[name]


def run_recipe(recipe: Recipe, settings: RunSettings, out: Path, resume: bool, tell: Tell, left: Callable[[Path], None] = lambda path: None) -> None:
    """Train by a recipe into a folder; however it ends, the learning curve as far as it came is left there (`left` is told where).

    Raises:
        UsageError: The settings do not fit what is there, or something stopped the run; the message says how to go on.
    """
    # Processes of one run that accelerate has begun share its folder; the first one looks after it.
    kept = alone_in(out) if os.environ.get("RANK", "0") == "0" else nullcontext()
    with kept, stops_told(out), curve_left(out, resume, tell, left) as noted, boards.shown_on(settings.log, out, noted) as told:
        recipe.run(settings, out, resume, told)


def settings_of(recipe: Recipe, file: Path | None, given: Sequence[str]) -> RunSettings:
    """The settings of a recipe: from a file, then `key=value`, which win.

    Raises:
        UsageError: A key is unknown or a value is not allowed.
    """
    chosen = settings_from(recipe.kind, file, given)
    load_scenario(chosen.scenario)
    boards.require(chosen.log)
    if isinstance(chosen, GrpoSettings):
        _check_others(chosen)
    if isinstance(chosen, ChatSftSettings):
        for domain in chosen.tasks:
            tasks_in(domain, TRAIN)
    return chosen


def _check_others(settings: GrpoSettings) -> None:
    """Find out, before anything is played, whether those exist who play beside the learners or in their place."""
    if not settings.courses:
        check_policies(settings.partners, list(seats_of(settings.scenario).values()))
    for spec in [*settings.partners.values(), *([] if settings.credit_baseline == ITSELF else [settings.credit_baseline])]:
        policy_for(spec)


def rehearsed(recipe: Recipe, settings: RunSettings) -> dict[str, Any]:
    """Build everything and play one small step, keeping nothing."""
    with TemporaryDirectory() as folder:
        rows: list[Mapping[str, Any]] = []
        with recipe.stage(settings.model_copy(update=recipe.rehearsal)) as small:
            recipe.run(small, Path(folder) / "run", False, rows.append)
    return {"recipe": recipe.purpose, "settings": settings.model_dump(mode="json"), "rows": len(rows)}


def summary(folder: Path) -> dict[str, Any]:
    """What a run has come to: steps, the best evaluation or what the test says, and where the model is."""
    if (folder / quick.RESULT).exists():
        return _tested(folder)
    run = RunFolder(folder)
    rows = run.rows()
    looks = [row for row in rows if "evaluation" in row]
    best = max(looks, key=lambda row: float(row["evaluation"]["return"]["mean"]), default=None)
    return {
        "steps": rows[-1]["step"] + 1 if rows else 0,
        "best": best and {"step": best["step"], **best["evaluation"]["return"]},
        "model": str(folder / "best"),
    }


def _tested(folder: Path) -> dict[str, Any]:
    """What the test of `quick` says, and where the model is."""
    result = json.loads((folder / quick.RESULT).read_text(encoding="utf-8"))
    gains = {name: row["over_start"] for name, row in result["figures"].items()}
    return {"share": result["figures"]["return"]["share"], **gains, "minutes": result["minutes"], "model": str(folder / "best")}


def evaluated(policy: str, scenario: str, seeds: Sequence[int]) -> dict[str, dict[str, Any]]:
    """Figures of a policy or of the model in a folder, on given seeds.

    Raises:
        UsageError: There is no such policy or model.
    """
    path = Path(policy.removeprefix("local:"))
    if not path.is_dir() and not policy.startswith("local:"):
        return figures(policy_values(policy, scenario, seeds))
    torch.set_num_threads(workers())
    return figures(model_values(Cast.load(model_in(path)), scenario, seeds))

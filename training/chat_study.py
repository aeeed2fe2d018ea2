"""What training on static tasks is worth to a chat model: taught a little, then GRPO on the training tasks of a domain, then measured.

    study = ChatStudy(Path("runs/static_chat/0"), start="SmolLM2-135M-Instruct", domain="medical_qa")
    rows = [measured(study, model, place) for model in MODELS for place in study.places]

Lessons are some gold plans of the training tasks of several domains and some expert episodes of a living scenario. The recipe `served`, played in
this process, goes on from there with the strict score as reward. Start and learnt model attempt the tasks of the splits that were kept apart, and
play the living scenario on validation seeds. All is kept in the folder of the study: what is there is not made again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from clinsim.agents.chat import Answering
from clinsim.agents.chat_server import ChatSettings
from clinsim.record import ROLES
from clinsim.training.chat_settings import ChatSftSettings, ServedSettings
from clinsim.training.chat_sft import run_chat_sft
from clinsim.training.here import Here
from clinsim.training.rollouts import Plan, blocks, scenarios_of
from clinsim.training.run import BEST, LATEST, RunFolder
from clinsim.training.served import run_served
from clinsim.training.server_rollouts import play_with
from clinsim.training.static_tasks import HELD_OUT, TEST, name_of, tasks_in

START, LEARNT = "start", "learnt"
MODELS = (START, LEARNT)
ROWS = "rows"
MOST_TOKENS = 96
"""Of one call: gold plans of the suite are shorter, but for long reports."""


@dataclass(frozen=True, slots=True)
class ChatStudy:
    """What is taught, learnt and measured, and where it is kept."""

    out: Path
    start: str
    domain: str
    lessons: tuple[str, ...]
    """Domains whose gold plans teach."""
    share: float
    """Share of their training tasks that teach."""
    episodes: int
    """Of the guideline team in the living scenario, which teach as well."""
    passes: int
    steps: int
    seed: int
    splits: tuple[str, ...] = (TEST, HELD_OUT)
    live: str = "first_hour"
    live_seeds: tuple[int, int] = (10_000, 10_016)
    groups: int = 16
    group_size: int = 8
    lesson_rate: float = 2e-4
    learning_rate: float = 2e-5
    batch_tokens: int = 16_384
    window: int = 9000
    attempts: int = 8
    temperature: float = 0.5
    """At which start and learnt model are measured."""
    precision: str = "bf16"

    @property
    def places(self) -> tuple[str, ...]:
        """Where they are measured: with no live seeds, at tasks alone."""
        return (*self.splits, *((self.live,) if self.live_seeds[0] < self.live_seeds[1] else ()))


def opened(study: ChatStudy) -> None:
    """Make the folder of a study, or find it there.

    Raises:
        UsageError: It holds a study with other settings: what was measured by those would be told as measured by these.
    """
    RunFolder.opened(study.out, {name: value for name, value in asdict(study).items() if name != "out"}, resume=study.out.exists())


def taught(study: ChatStudy) -> Path:
    """The run of the start."""
    settings = ChatSftSettings.model_validate({
        "start": study.start, "scenario": study.live, "episodes": study.episodes, "tasks": study.lessons, "share": study.share,
        "passes": study.passes, "learning_rate": study.lesson_rate, "batch_tokens": study.batch_tokens, "window": study.window,
        "precision": study.precision, "recompute": False, "seed": study.seed,
    })  # fmt: skip
    folder = study.out / START
    run_chat_sft(settings, folder, folder.exists(), lambda row: None)
    return folder


def trained(study: ChatStudy) -> Path:
    """The run that goes on from there."""
    begin, folder = taught(study), study.out / LEARNT
    settings = ServedSettings.model_validate({
        "start": str(begin), "server": f"here#dialect=json,most_tokens={MOST_TOKENS},window={study.window},at_once={study.groups * study.group_size}",
        "tune": "weights", "precision": study.precision, "recompute": False, "batch_tokens": study.batch_tokens, "scenario": study.live,
        "courses": {study.domain: [f"tasks:{study.domain}"]}, "steps": study.steps, "groups": study.groups, "group_size": study.group_size,
        "block": study.groups * study.group_size, "learning_rate": study.learning_rate, "advantage": "leave_one_out", "entropy": 0.0, "updates": 2,
        "evaluate_every": study.steps, "evaluation_seeds": (study.live_seeds[0], study.live_seeds[0]), "seed": study.seed, "threads": 1,
    })  # fmt: skip
    run_served(settings, folder, (folder / LATEST).exists(), lambda row: None)
    return folder


def measured(study: ChatStudy, model: str, place: str) -> list[float]:
    """How a model does at a place: strict scores of tasks (means over attempts), or returns by seed; kept once known."""
    file = study.out / ROWS / f"{model}@{place}.json"
    if not file.exists():
        folder = taught(study) / BEST if model == START else trained(study) / LATEST
        scores = _played(study, answering(study, folder), _plans(study, place))
        file.parent.mkdir(exist_ok=True)
        draft = file.with_suffix(".part")
        draft.write_text(json.dumps(scores), encoding="utf-8")
        draft.rename(file)
    scores = json.loads(file.read_text(encoding="utf-8"))
    each = 1 if place == study.live else study.attempts
    return [fmean(scores[first : first + each]) for first in range(0, len(scores), each)]


def answering(study: ChatStudy, folder: Path) -> Here:
    """A model that is only measured."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="sdpa")
    asked = ChatSettings(
        dialect="json", window=study.window, most_tokens=MOST_TOKENS, token_ids=True, at_once=256, temperature=study.temperature
    )  # fmt: skip
    return Here(model.to(device), AutoTokenizer.from_pretrained(folder), asked, bf16=study.precision == "bf16")


def _plans(study: ChatStudy, place: str) -> list[Plan]:
    if place == study.live:
        return [Plan(study.live, seed, 0) for seed in range(*study.live_seeds)]
    names = [name_of(placed) for placed in tasks_in(study.domain, place)]
    return [Plan(name, 0, number, key=name) for name in names for number in range(study.attempts)]


def _played(study: ChatStudy, model: Here, plans: Sequence[Plan]) -> list[float]:
    servers: dict[str, Answering] = dict.fromkeys(ROLES, model)
    played = [play_with(servers, block, scenarios_of(block)) for block in blocks(plans, 256)]
    return [rollout.total for block in played for rollout in block]

"""Supervised training of a chat model on one device: experts of a ward, gold plans of static tasks, or both.

    clinsim train chat_sft start=FOLDER tasks=[medical_qa] episodes=50 --out runs/taught
    clinsim train served start=runs/taught server=here#dialect=json courses="{qa: ['tasks:medical_qa']}" --out runs/learnt

What comes out is a plain model that transformers and servers read, adapters merged.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from clinsim.agents.adapters import adapter_parameters, merged
from clinsim.agents.chat_server import ChatSettings
from clinsim.benchmark.suite import Placed
from clinsim.errors import UsageError
from clinsim.training.batches import Batch, decided_logps
from clinsim.training.chat_lessons import chat_lessons, gold_plans
from clinsim.training.chat_settings import HERE, ChatSftSettings, ServedSettings
from clinsim.training.course import Tell
from clinsim.training.experts import Shown, expert_turns, seats_of
from clinsim.training.here import check_words
from clinsim.training.samples import Sample
from clinsim.training.sft import FitRule, fitted, lessons_begun, told
from clinsim.training.spread import SHARED, Served, accelerator_of, read_model
from clinsim.training.static_tasks import TRAIN, seats_of_tasks, tasks_in


def run_chat_sft(settings: ChatSftSettings, out: Path, resume: bool, tell: Tell) -> None:
    """Teach a chat model, and leave it in the folder of the run as its best. Nothing is kept on the way: gone on with, it is taught again.

    Raises:
        UsageError: The folder holds another run, there is no such model, domain or expert, or a lesson is longer than what the model reads.
        FloatingPointError: The loss is no number any more.
    """
    accelerator = accelerator_of(as_served(settings))
    if accelerator.num_processes > 1:
        raise UsageError("chat_sft is taught by one process: start it without accelerate launch")
    folder = lessons_begun(settings, out, resume)
    if folder is None:
        return
    tasks = tasks_shown(settings)
    served = read_model(as_served(settings), None, True)
    check_words(served.words)
    model = served.model.to(accelerator.device)
    for one in adapter_parameters(model, SHARED) if settings.rank else model.parameters():
        one.requires_grad_(True)
    asked = ChatSettings(dialect=settings.dialect, window=settings.window, token_ids=True)
    seats = (seats_of(settings.scenario) if settings.episodes else {}) | seats_of_tasks(tasks)
    samples = list(chat_lessons(served.words, [*gold_plans(tasks), *_played(settings)], seats, asked))
    _check_length(samples, model.config.max_position_embeddings)
    rule = FitRule(settings.passes, settings.learning_rate, batch_tokens=settings.batch_tokens, optimiser="adamw", seed=settings.seed)
    told(fitted(model, samples, rule, scored_in_bf16 if settings.precision == "bf16" else decided_logps), folder, tell)
    plain = merged(model, SHARED) if settings.rank else model
    voices = {role: voice._replace(adapter=None) for role, voice in served.voices.items()}
    folder.keep_best(Served(plain, served.words, settings.start, voices, True))


def _check_length(samples: Sequence[Sample], room: int) -> None:
    longest = max(len(sample.tokens) for sample in samples)
    if longest > room:
        raise UsageError(f"a lesson has {longest} tokens, and the model reads {room}: lower window, or leave out what has long documents")


def scored_in_bf16(model: PreTrainedModel, batch: Batch) -> tuple[Tensor, Tensor]:
    """The same in half the precision; autocast keeps what it has cast as long as it lasts, so it must not outlast an update of the weights."""
    with torch.autocast(model.device.type, torch.bfloat16):
        return decided_logps(model, batch)


def tasks_shown(settings: ChatSftSettings) -> list[Placed]:
    """The training tasks that teach: of each domain a share, drawn by the run's seed."""
    return [placed for domain in settings.tasks for placed in _share(tasks_in(domain, TRAIN), settings)]


def _share(tasks: Sequence[Placed], settings: ChatSftSettings) -> list[Placed]:
    order = np.random.default_rng(settings.seed).permutation(len(tasks))
    return [tasks[k] for k in sorted(order[: max(1, round(settings.share * len(tasks)))])]


def _played(settings: ChatSftSettings) -> list[Shown]:
    return list(expert_turns(settings.scenario, range(settings.episodes), settings.expert))


def as_served(settings: ChatSftSettings) -> ServedSettings:
    """What the same model is to the recipe `served`."""
    return ServedSettings(
        start=settings.start, server=HERE, scenario=settings.scenario, seed=settings.seed, tune="adapters" if settings.rank else "weights",
        rank=settings.rank or 1, alpha=settings.alpha, targets=settings.targets, precision=settings.precision, recompute=settings.recompute,
    )  # fmt: skip

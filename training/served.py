"""GRPO of a large chat model: transformers and accelerate learn on as many devices as there are, a server plays.

    VLLM_ALLOW_RUNTIME_LORA_UPDATING=1 vllm serve Qwen/Qwen3-8B --enable-lora --max-lora-rank 32
    accelerate launch -m clinsim train served --config training/configs/qwen3_8b_lora.yaml --out runs/large

Each step: what was learnt is handed over to the server, episodes are played over HTTP (tokens and log-probabilities as they were sampled come
back), and every process reads its share of the batches. The first process plays, evaluates and writes; the others wait for what it found.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from accelerate.utils import broadcast_object_list

from clinsim.agents.chat import Answering
from clinsim.agents.chat_server import Server, server_of, settings_in
from clinsim.errors import UsageError
from clinsim.training import grpo
from clinsim.training.chat_settings import ServedSettings, plays_here
from clinsim.training.course import Course, Tell, remembered, use_threads
from clinsim.training.curriculum import Syllabus
from clinsim.training.evaluate import Values, values_of
from clinsim.training.handing_over import hand_over_adapter, hand_over_weights
from clinsim.training.here import Here, check_words
from clinsim.training.rollouts import Plan, Rollout, blocks, scenarios_of
from clinsim.training.run import RunFolder
from clinsim.training.server_rollouts import play_block_by
from clinsim.training.spread import Served, accelerator_of, far_learners, read_model

KEPT = 2
"""Hand-overs that are kept: the server may not have read the last one yet."""
TOKENS = "token_ids=true"


# ---------------------------------------------------------------- playing over the server


@dataclass(slots=True)
class Players:
    """The server that plays, for each role by the name that its adapter has there, and the folder for what is handed over.

    `handed` is the step whose weights the server has. With `here` for a server the model that learns plays, and nothing is handed over.
    """

    spec: str
    exchange: Path
    is_first: bool
    bf16: bool = False
    handed: int | None = None

    @property
    def is_here(self) -> bool:
        """Whether the model plays in this process."""
        return plays_here(self.spec)

    def server_of(self, adapter: str | None) -> Server:
        """Where an adapter answers, or the bare model."""
        model, _, address = self._asked().rpartition("@")
        return server_of(f"{model if adapter is None else named(adapter)}@{address}")

    def _asked(self) -> str:
        return self.spec if TOKENS in self.spec else f"{self.spec}{',' if '#' in self.spec else '#'}{TOKENS}"

    def answering(self, served: Served, adapter: str | None) -> Answering:
        """Who answers for an adapter, or for the bare model."""
        if not self.is_here:
            return self.server_of(adapter)
        return Here(served.model, served.words, settings_in(self._asked().partition("#")[2]), adapter, self.bf16)

    def check(self, served: Served) -> None:
        """Find out whether the SPEC names somebody; nothing is sent.

        Raises:
            UsageError: It does not, or the model of this process cannot write chats.
        """
        self.answering(served, None)
        if self.is_here:
            check_words(served.words)

    def hand_over(self, served: Served, step: int) -> None:
        """Let the server play what had been learnt before a step. All processes take part.

        Raises:
            ServerError: It does not take it.
        """
        if step == self.handed or self.is_here:
            return
        self.handed, folder = step, self.exchange / str(step)
        if self.is_first:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        served.save(folder)
        if not self.is_first:
            return
        for name in served.adapters:
            hand_over_adapter(self.server_of(None), named(name), folder / name)
        if not served.adapters:
            hand_over_weights(self.server_of(None), folder)
        for old in sorted((int(path.name) for path in self.exchange.iterdir()), reverse=True)[KEPT:]:
            shutil.rmtree(self.exchange / str(old))

    def play(self, served: Served, plans: Sequence[Plan], block: int) -> list[Rollout]:
        """Play some episodes; all processes get them.

        Raises:
            ServerError: The server gives no answer, or keeps its tokens to itself.
        """
        box: list[Any] = [None]
        if self.is_first:
            scenarios = scenarios_of(plans)
            by_adapter = {voice.adapter: self.answering(served, voice.adapter) for voice in served.voices.values()}
            servers = {role: by_adapter[voice.adapter] for role, voice in served.voices.items()}
            box = [[rollout for part in blocks(plans, block) for rollout in play_block_by(servers, part, scenarios)]]
        broadcast_object_list(box)
        rollouts: list[Rollout] = box[0]
        return rollouts


def named(adapter: str) -> str:
    """What an adapter is called at the server."""
    return f"clinsim-{adapter}"


# ---------------------------------------------------------------- the run


@dataclass(frozen=True)
class Elsewhere(RunFolder):
    """The folder of a run for processes that are not the first: they take part in gathering, remember rows, and write nothing."""

    told: list[dict[str, Any]] = field(default_factory=list)

    def add(self, row: Mapping[str, Any]) -> None:
        """Remember it."""
        self.told.append(dict(row))

    def rows(self) -> list[dict[str, Any]]:
        """What was remembered."""
        return self.told

    def _cut_metrics(self, rows: int) -> None:
        self.told[:] = super().rows()[:rows]

    def save(self, models: Any, optimiser: Any, memory: Mapping[str, Any]) -> None:
        """Take part."""
        models.save(self.path)
        optimiser.state_dict()

    def keep_best(self, models: Any) -> None:
        """Take part."""
        models.save(self.path)


def run_served(settings: ServedSettings, out: Path, resume: bool, tell: Tell) -> None:
    """Train a chat model that a server plays.

    Raises:
        UsageError: The folder holds another run, or there is no such model.
        ServerError: The server is gone, or does not take what is handed over; the last checkpoint is whole.
    """
    accelerator = accelerator_of(settings)
    first = accelerator.is_main_process
    if first:
        RunFolder.opened(out, settings.model_dump(mode="json"), resume=resume, may_change=settings.may_change, ends="steps")
    accelerator.wait_for_everyone()
    folder = RunFolder(out) if first else Elsewhere(out)
    if accelerator.num_processes > 1 and plays_here(settings.server):
        raise UsageError("server here is played by one process: start a server for more")
    served = read_model(settings, out / "latest" if folder.has_checkpoint else None, first)
    learners = far_learners(served, accelerator, settings)
    memory = remembered(folder, learners)
    players = Players(settings.server, Path(settings.exchange) if settings.exchange else out / "exchange", first, settings.precision == "bf16")
    players.check(served)
    use_threads(settings, memory)

    def play_plans(_: Any, settings: Any, plans: Sequence[Plan]) -> list[Rollout]:
        players.hand_over(served, memory.step)
        return players.play(served, plans, settings.block)

    def play(_: Any, settings: Any, step: int) -> list[Rollout]:
        return play_plans(_, settings, grpo.plans(settings, step))

    def values() -> Values:
        plans = [Plan(settings.scenario, seed, 0, settings.partners) for seed in range(*settings.evaluation_seeds)]
        return values_of(play_plans(served, settings, plans))

    syllabus = Syllabus(settings, memory, play_plans) if settings.courses else None
    Course(folder, learners, settings, memory, tell if first else lambda row: None, play, values, syllabus).run()
    accelerator.end_training()

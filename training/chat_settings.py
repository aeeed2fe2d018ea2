"""Settings of the recipes for chat models, large ones mostly: typed, with the reason for each."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from clinsim.agents.dialogue import Dialect
from clinsim.training.settings import AdapterSettings, GrpoSettings

HERE = "here"
"""In place of MODEL@URL: the model of this process plays."""


def plays_here(server: str) -> bool:
    """Whether a SPEC names the model of this process."""
    return server.partition("#")[0] == HERE


class ServedSettings(GrpoSettings):
    """GRPO of a chat model that a server plays: transformers learns, vLLM or another server answers, and is handed what was learnt."""

    may_change: ClassVar[frozenset[str]] = GrpoSettings.may_change | {"server", "exchange"}

    start: str = Field(description="The model as transformers finds it: a name on its hub, or a folder.")
    server: str = Field(description="Who plays it: a server, MODEL@URL#settings (token_ids=true is added), or this process: here#settings.")
    tune: Literal["adapters", "weights"] = Field("adapters", description="LoRA adapters, or all weights (for a shared policy).")
    exchange: str = Field("", description="Folder that the server sees too, for what is handed over; empty: in that of the run.")
    precision: Literal["bf16", "fp32"] = Field("bf16", description="Of the arithmetic; weights that learn are kept in fp32.")
    recompute: bool = Field(True, description="Gradient checkpointing: a third more work for a fraction of the memory.")
    sharding: Literal["none", "fsdp"] = Field("none", description="Weights, gradients and optimiser spread over all processes (FSDP 2).")
    offload: bool = Field(False, description="With fsdp: keep them in the processors' memory while they are not needed.")
    architecture: str = Field("qwen3", description="What `start` is, for --dry-run, which puts a tiny model of the kind in its place.")

    @model_validator(mode="after")
    def _can_be_served(self) -> ServedSettings:
        if self.learners == "models":
            raise ValueError("a server plays one model: learners is shared or adapters")
        if self.tune == "weights" and (self.learners != "shared" or self.frozen):
            raise ValueError("tune weights moves the one model that the server plays: learners is shared, and nobody is frozen")
        if self.optimiser != "adamw":
            raise ValueError("weights that are spread over devices are moved by adamw")
        if self.credit == "counterfactual" or self.grouping == "turn":
            raise ValueError("credit counterfactual and grouping turn are worked out by models of this process, not over a server")
        if plays_here(self.server) and self.sharding != "none":
            raise ValueError("server here is a model that one process holds whole: sharding is none")
        if not self.grammar:
            raise ValueError("grammar is for models of this process: what a server plays writes freely as it is")
        return self


class ChatSftSettings(AdapterSettings):
    """Supervised training of a chat model on experts and on gold plans of training tasks."""

    start: str = Field(description="The model as transformers finds it: a name on its hub, or a folder.")
    expert: str = "guideline"
    episodes: int = Field(0, ge=0, description="Of the expert in the scenario, on the first training seeds; 0: none.")
    tasks: tuple[str, ...] = Field((), description="Domains (or FOLDER#DOMAIN) whose training tasks' gold plans teach.")
    share: float = Field(1.0, gt=0, le=1, description="Share of the training tasks of each domain that teach, drawn by the run's seed.")
    passes: int = Field(2, ge=1)
    learning_rate: float = Field(1e-4, gt=0)
    batch_tokens: int = Field(16_384, ge=64, description="Tokens of one update, padding included.")
    dialect: Dialect = Field("json", description="How tools are called: as bare JSON, in Hermes tags, or by the model's own template.")
    window: int = Field(24_000, ge=1_000, description="Characters of turns that are read as they were; older turns are folded to a line each.")
    precision: Literal["bf16", "fp32"] = Field("bf16", description="Of the arithmetic; weights that learn are kept in fp32.")
    recompute: bool = Field(True, description="Gradient checkpointing: a third more work for a fraction of the memory.")
    rank: int = Field(0, ge=0, description="Of a LoRA adapter, which is merged at the end; 0: all weights are fitted.")
    architecture: str = Field("qwen3", description="What `start` is, for --dry-run, which puts a tiny model of the kind in its place.")

    @model_validator(mode="after")
    def _has_lessons(self) -> ChatSftSettings:
        if not self.episodes and not self.tasks:
            raise ValueError("nothing teaches: give episodes, or tasks=[DOMAIN, ...]")
        if not self.grammar:
            raise ValueError("grammar is for small models of this process: a chat model writes freely as it is")
        return self

"""Settings of the recipes: typed, with the reason for each, unknown keys refused. A file, then `key=value`, then the defaults."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from clinsim.agents.cast import Lora
from clinsim.errors import UsageError
from clinsim.record import Role
from clinsim.referee import TRAINING_SEEDS
from clinsim.training.advantages import How
from clinsim.training.boards import Log
from clinsim.training.credit import ITSELF, Credit
from clinsim.training.loss import Kind, Level
from clinsim.training.optimiser import Kind as Optimiser

S = TypeVar("S", bound="RunSettings")
LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""The linear layers of a Llama or Qwen block."""


VALIDATION_SEEDS = (TRAINING_SEEDS, 20_000)
"""Half-open; training seeds end where they begin, and test seeds begin where they end."""


def _within(seeds: tuple[int, int], split: tuple[int, int]) -> tuple[int, int]:
    first, end = split
    if not first <= seeds[0] < seeds[1] <= end:
        upto = f"up to {end}" if end < sys.maxsize else "on"
        raise ValueError(f"give two seeds [A, B], A below B, from {first} {upto}, not {list(seeds)}")
    return seeds


class RunSettings(BaseModel):
    """What every recipe has."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    may_change: ClassVar[frozenset[str]] = frozenset({"batch_tokens", "processes", "steps", "learning_rate", "patience", "watch", "log"})
    """What may be set otherwise when a run is gone on with; the numbers from there on are other ones than without."""

    scenario: str = "first_hour"
    seed: int = Field(0, ge=0, description="Of the run: which seeds it trains on, in which order, and what it draws.")
    threads: int = Field(0, ge=0, le=1024, description="0: free cores at the first start; written to the checkpoint and used again on resume.")
    batch_tokens: int = Field(8192, ge=64, description="Tokens of one forward pass, padding included: lower it if memory runs out.")
    log: Log = Field("none", description="Where metrics are shown as well: TensorBoard or Weights & Biases (an extra of that name).")


class AdapterSettings(RunSettings):
    """What recipes have that may fit LoRA adapters."""

    rank: int = Field(16, ge=1, description="Of an adapter.")
    alpha: int = Field(32, ge=1, description="An adapter is scaled by alpha / rank.")
    targets: tuple[str, ...] = Field(LINEAR, min_length=1, description="Layers that an adapter sits on.")
    grammar: bool = Field(True, description="Whether a grammar holds the calls; without one the model must spell all of a call itself.")

    @property
    def lora(self) -> Lora:
        """The shape of an adapter."""
        return Lora(self.rank, self.alpha, self.targets)


class GrpoSettings(AdapterSettings):
    """GRPO for several agents."""

    may_be_blind: ClassVar[bool] = True
    """Whether there may be nothing to evaluate on."""

    start: str = Field(description="Folder of the model to start from, or of a run (its best).")
    steps: int = Field(40, ge=1)
    groups: int = Field(4, ge=1, description="Starts (seeds) played in one step.")
    group_size: int = Field(8, ge=2, description="Episodes from each start, or replies to each turn: what they earned is compared.")
    grouping: Literal["episode", "turn"] = Field(
        "episode", description="What is compared: episodes from one start, or replies to one moment (forks)."
    )
    optimiser: Optimiser = "adamw"
    learning_rate: float = Field(5e-4, gt=0)
    warm_up: int = Field(3, ge=0)
    cool_down: bool = Field(False, description="Whether the learning rate falls to 0 over the run.")
    passes: int = Field(1, ge=1, description="Updates on the same samples.")
    updates: int = Field(2, ge=1, description="Updates in one pass: the samples are cut into as many parts.")
    credit: Credit = Field("ledger", description="What an agent is credited with: its own ledger, the return, or what its turns changed (forks).")
    team_share: float = Field(0.0, ge=0, le=1, description="With `ledger`: this share of the mean of the others' rewards is added.")
    credit_baseline: str = Field(
        ITSELF,
        description="What a turn is compared with: `itself`, a reply drawn anew, or a SPEC that takes the agent's place from there on.",
    )
    credit_decisions: int = Field(
        1, ge=1, description="Turns of each agent in an episode whose worth is worked out, or with replies; only they train."
    )
    credit_futures: int = Field(4, ge=4, description="Futures that both arms are played in: the cost is twice as many rests of an episode a turn.")
    advantage: How = "group"
    loss: Kind = "dapo"
    level: Level = "token"
    clip_low: float = Field(0.2, gt=0)
    clip_high: float = Field(0.28, gt=0, description="Higher above than below, so that rare good choices may grow (2503.14476).")
    kl: float = Field(0.0, ge=0)
    entropy: float = Field(0.003, ge=0)
    equal_roles: bool = Field(True, description="Each role weighs the same in the loss, however much it talks.")
    most_norm: float = Field(1.0, gt=0)
    courses: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="A curriculum instead of the one scenario: places by course, the easiest first (`clinsim.training.curriculum`).",
    )
    partners: dict[str, str] = Field(default_factory=dict, description="Seats that do not learn: agent or role to SPEC.")
    learners: Literal["shared", "adapters", "models"] = Field("shared", description="One policy, a LoRA adapter for each role, or a model for each.")
    frozen: tuple[Role, ...] = Field((), description="Roles that play with the weights of the start, and do not learn.")
    processes: Annotated[int, Field(ge=1)] | Literal["ray"] = Field(1, description="For playing; any number, and Ray, gives the same samples.")
    block: int = Field(8, ge=1, description="Episodes played in step: part of what fixes the numbers to the last bit.")
    evaluate_every: int = Field(10, ge=1)
    evaluation_seeds: tuple[int, int] = Field(
        (10_000, 10_032), description="Half-open; from the validation split. [A, A]: none, and the latest model counts as the best."
    )
    patience: int = Field(0, ge=0, description="Evaluations without a better one after which the run stops; 0: never.")
    watch: Literal["warn", "stop"] = Field("warn", description="What to do when a known collapse shows.")

    @property
    def openings(self) -> int:
        """Episodes that are played from each start."""
        return 1 if self.grouping == "turn" else self.group_size

    @property
    def finds_advantages(self) -> bool:
        """Whether credits are advantages already, of a reply at its moment; `advantage` then says nothing."""
        return self.credit == "counterfactual" and self.credit_baseline == ITSELF

    @property
    def playing(self) -> int:
        """Processes of this machine for playing what is not learnt from."""
        return self.processes if isinstance(self.processes, int) else 1

    @property
    def evaluates(self) -> bool:
        """Whether there are validation seeds to look at."""
        return self.evaluation_seeds[0] < self.evaluation_seeds[1]

    @field_validator("evaluation_seeds")
    @classmethod
    def _looks_at_validation(cls, seeds: tuple[int, int]) -> tuple[int, int]:
        return seeds if seeds[0] == seeds[1] and cls.may_be_blind else _within(seeds, VALIDATION_SEEDS)

    @model_validator(mode="after")
    def _credits_what_it_compares(self) -> GrpoSettings:
        if self.credit == "counterfactual" and self.advantage == "team":
            raise ValueError("advantage team shares what was earned by all; credit counterfactual says who earned it: choose one")
        if self.patience and not self.evaluates:
            raise ValueError("patience waits for better evaluations, and evaluation_seeds holds none")
        if self.team_share and self.credit != "ledger":
            raise ValueError(f"team_share is added to each one's own ledger, and credit is {self.credit}")
        return self

    @model_validator(mode="after")
    def _forks_what_it_can(self) -> GrpoSettings:
        if self.grouping == "turn" and (self.credit == "counterfactual" or self.advantage in ("team", "rae")):
            raise ValueError("grouping turn compares replies to one moment: advantage is group or leave_one_out, credit ledger or team")
        if self.grouping == "turn" and any(place.startswith("tasks:") for places in self.courses.values() for place in places):
            raise ValueError("grouping turn goes on from turns in a ward: courses have no tasks")
        return self


class SftSettings(AdapterSettings):
    """Supervised training on experts."""

    start: str = Field("fresh", description="Folder of the model to start from, or `fresh`: random weights, and the words of these experts.")
    expert: str = "guideline"
    processes: int = Field(1, ge=1, description="For the expert's episodes.")
    first_seed: int = Field(0, ge=0, description="Of the episodes, which follow each other from there.")
    drawn: bool = Field(False, description="Episodes are drawn from all training seeds by the run's seed instead.")
    episodes: int = Field(400, ge=1, description="Of the expert: a fresh model has their words.")
    more: dict[Role, int] = Field(default_factory=dict, description="Episodes after those from which only some roles learn: what takes them longest.")
    roles: tuple[Role, ...] = Field((), description="Roles that learn; the expert's other seats are played, and teach nothing. Empty: all.")
    taught: int = Field(0, ge=0, description="How many episodes teach, the first ones; 0: all.")
    passes: int = Field(3, ge=1)
    optimiser: Optimiser = "muon"
    learning_rate: float = Field(3e-3, gt=0)
    batch_tokens: int = Field(4096, ge=64, description="Tokens of one update, padding included.")
    vocabulary: int = Field(3072, ge=300, description="Of a fresh model: tokens of its tokenizer, whole words not counted.")
    hidden: int = Field(96, ge=8)
    layers: int = Field(3, ge=1)
    heads: int = Field(3, ge=1, description="Of 32 units each.")
    temperature: float = Field(1.0, gt=0, le=1, description="Of what is learnt: below 1 the model is made surer by as much, once it is taught.")
    half: bool = Field(False, description="Whether the weights are kept in half precision, as those that are shipped.")
    keep: Literal["all", "better_half"] = Field("all", description="Which episodes teach: all, or those with a return above the median.")
    rank: int = Field(0, ge=0, description="Of a LoRA adapter on a frozen start; 0: all weights are fitted.")


class QuickSettings(GrpoSettings):
    """A start that was taught too little: taught more, then learning by itself, then tested once."""

    may_be_blind: ClassVar[bool] = False

    start: str = Field("start", description="Folder of the model to start from, or a shipped one.")
    expert: str = "guideline"
    lessons: int = Field(800, ge=1, description="Episodes of the expert that the model is taught.")
    more_lessons: dict[Role, int] = Field({"pharmacist": 800, "radiologist": 2700}, description="After those, for roles that take longer.")
    lesson_passes: int = Field(2, ge=1, description="Over the same episodes: a second look teaches as much as twice the episodes, and plays nothing.")
    lesson_rate: float = Field(3e-3, gt=0)
    lesson_tokens: int = Field(1024, ge=64, description="Of one update while it is taught.")
    temperature: float = Field(
        0.6, gt=0, le=1, description="What was taught is made as sure as it was at this temperature: not so sure that it tries nothing out."
    )
    settled_temperature: float = Field(0.5, gt=0, le=1, description="The same of what has learnt, before it is tested and kept.")
    test_seeds: tuple[int, int] = Field((24_000, 24_300), description="Half-open; from the test split, played once.")
    optimiser: Optimiser = "muon"
    learning_rate: float = Field(1e-3, gt=0)
    cool_down: bool = True
    advantage: How = Field("leave_one_out", description="Not in standard deviations: between sure players of one start they are mostly noise.")
    entropy: float = Field(0.0, ge=0)
    steps: int = Field(32, ge=1)
    groups: int = Field(16, ge=1, description="Starts (seeds) played in one step: many, since starts differ more than episodes from one.")
    group_size: int = Field(4, ge=2)
    block: int = Field(32, ge=1, description="Episodes played in step: part of what fixes the numbers to the last bit.")
    processes: Annotated[int, Field(ge=1)] | Literal["ray"] = Field(2, description="For playing; any number, and Ray, gives the same samples.")
    evaluate_every: int = Field(8, ge=1)
    evaluation_seeds: tuple[int, int] = Field((10_000, 10_064), description="Half-open; from the validation split.")

    @field_validator("test_seeds")
    @classmethod
    def _tests_on_test_seeds(cls, seeds: tuple[int, int]) -> tuple[int, int]:
        return _within(seeds, (VALIDATION_SEEDS[1], sys.maxsize))


class MergeSettings(RunSettings):
    """Adapters into plain models."""

    start: str = Field(description="Folder of a model with adapters, or of a run (its best).")


def settings_from(kind: type[S], file: Path | None, given: Sequence[str]) -> S:
    """Settings of a recipe from a YAML file and `key=value` texts, which win.

    Raises:
        UsageError: A key is unknown or a value is not allowed; the message names both.
    """
    values: dict[str, Any] = dict(_of_file(file)) if file else {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"{text!r}: give a setting as key=value")
        try:
            values[key] = yaml.safe_load(value)
        except yaml.YAMLError as problem:
            raise UsageError(f"setting {key}: {value!r} cannot be read as YAML") from problem
    try:
        return kind.model_validate(values)
    except ValidationError as problem:
        first = problem.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        known = f"; there are {', '.join(kind.model_fields)}" if first["type"] == "extra_forbidden" else ""
        raise UsageError(f"{f'setting {key}' if key else 'settings'}: {first['msg'].lower().removeprefix('value error, ')}{known}") from problem


def _of_file(file: Path) -> Mapping[str, Any]:
    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        raise UsageError(f"{file}: cannot be read as settings ({problem})") from problem
    if not isinstance(values, Mapping):
        raise UsageError(f"{file}: settings are a mapping of keys to values")
    return values

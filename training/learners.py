"""Who learns what: one shared policy, an adapter for each role on a frozen model, or a model for each role; some roles may be frozen.

    cast = prepared(start, settings)      # adapters added, models copied
    learners = learners_of(cast, settings)  # one optimiser for each voice that learns

A role that is frozen speaks with the weights of the start, to the end. A seat of `partners` does not speak through the cast at all.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import Parameter
from transformers import PreTrainedModel

from clinsim.agents.cast import ALL, Cast, Lora, Voice
from clinsim.agents.decoding import Engine
from clinsim.errors import UsageError
from clinsim.record import ROLES, Role
from clinsim.training.batches import Batch, decided_logps
from clinsim.training.optimiser import Optimiser, made
from clinsim.training.settings import GrpoSettings

START = "start"
"""The base of frozen roles where that of the others learns."""
EXPERT = "expert"
"""The adapter that is taught what experts did, for all roles."""


class Speakers(Protocol):
    """Who speaks for each role, as far as learning asks: a cast, or a model that a server plays."""

    def model_of(self, voice: Voice) -> PreTrainedModel:
        """The model of a voice, with its adapter switched on."""

    def save(self, folder: Path) -> None:
        """Write models, adapters and manifest to a folder."""


@dataclass(frozen=True)
class Learner:
    """What learns together: a voice, the roles that speak with it, and the optimiser of its weights."""

    voice: Voice
    roles: tuple[str, ...]
    optimiser: Optimiser

    def state_dict(self) -> dict[str, Any]:
        """The state of its optimiser."""
        return self.optimiser.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take it back."""
        self.optimiser.load_state_dict(state)

    # How it goes uphill: here, alone, in this process.

    def shares(self, batches: Iterable[Batch]) -> Iterable[tuple[Batch, float]]:
        """The batches that it reads itself, and by how much the loss of each is multiplied."""
        return ((batch, 1.0) for batch in batches)

    def score(self, model: PreTrainedModel, batch: Batch) -> tuple[Tensor, Tensor]:
        """Log-probabilities of what was decided, and entropies there."""
        return decided_logps(model, batch)

    def backward(self, loss: Tensor) -> None:
        """Add the gradient of a loss."""
        torch.autograd.backward(loss)

    def clip(self, most: float) -> float:
        """Shorten the gradient to `most`; how long it was."""
        return float(torch.nn.utils.clip_grad_norm_(self.weights, most))

    def summed(self, figures: dict[str, float]) -> dict[str, float]:
        """Figures of all who read batches, added up."""
        return figures

    @property
    def name(self) -> str:
        """What it is called in metrics: its role, or `shared`."""
        return self.roles[0] if len(self.roles) == 1 else "shared"

    @property
    def weights(self) -> list[Parameter]:
        """What it moves."""
        return [weights for group in self.optimiser.param_groups for weights in group["params"]]


@dataclass(frozen=True, slots=True)
class Learners:
    """A cast, and those of it who learn."""

    cast: Speakers
    each: tuple[Learner, ...]

    @property
    def roles(self) -> frozenset[str]:
        """Roles that learn."""
        return frozenset(role for learner in self.each for role in learner.roles)

    def state_dict(self) -> dict[str, Any]:
        """The states of all optimisers."""
        return {_key(learner): learner.state_dict() for learner in self.each}

    def load_state_dict(self, states: Mapping[str, Any]) -> None:
        """Give the optimisers back what `state_dict` said."""
        for learner in self.each:
            learner.load_state_dict(states[_key(learner)])


def _key(learner: Learner) -> str:
    return "|".join(learner.roles)


def learners_of(cast: Cast, settings: GrpoSettings) -> Learners:
    """The learners of a prepared cast: roles that speak with one voice learn together."""
    roles: dict[Voice, list[str]] = {}
    for role in learning_roles(settings):
        roles.setdefault(cast.voices[role], []).append(role)
    return Learners(cast, tuple(Learner(voice, tuple(own), _optimiser(cast, voice, settings)) for voice, own in roles.items()))


def learning_roles(settings: GrpoSettings) -> list[Role]:
    """Roles that learn, in the order of all roles.

    Raises:
        UsageError: There is none.
    """
    learning = [role for role in ROLES if role not in settings.frozen and role not in settings.partners]
    if not learning:
        raise UsageError("frozen: nobody is left to learn; leave at least one role out of frozen and partners")
    return learning


def _optimiser(cast: Cast, voice: Voice, settings: GrpoSettings) -> Optimiser:
    return made(_weights(cast, voice), settings.optimiser, settings.learning_rate)


def _weights(cast: Cast, voice: Voice) -> Iterable[tuple[str, Parameter]]:
    model = cast.engines[voice.base].model
    if voice.adapter is None:
        return model.named_parameters()
    from clinsim.agents.adapters import adapter_parameters

    return [("", values) for values in adapter_parameters(model, voice.adapter)]


def prepared(start: Cast, settings: GrpoSettings) -> Cast:
    """A cast in which nothing that learns is shared with what does not, made from a start.

    Raises:
        UsageError: The start has adapters, has a model for each role where one is to be shared, or no layer for an adapter.
    """
    if any(voice.adapter for voice in start.voices.values()):
        raise UsageError("start: a model with adapters is no start: merge them first (clinsim train merge)")
    for engine in start.engines.values():
        engine.grammar = settings.grammar
    return PREPARE[settings.learners](start, learning_roles(settings), settings)


def with_adapter(engine: Engine, lora: Lora, seed: int) -> Cast:
    """One adapter for all roles on a model, which is frozen by it."""
    from clinsim.agents.adapters import add_adapter

    add_adapter(engine.model, EXPERT, lora, seed)
    return Cast({ALL: engine}, dict.fromkeys(ROLES, Voice(ALL, EXPERT)))


def merged_cast(cast: Cast) -> Cast:
    """Plain models that answer as those with adapters do: one if all roles speak with one voice, else one for each voice."""
    from clinsim.agents.adapters import merged

    distinct = list(dict.fromkeys(cast.voices.values()))
    names = {voice: ALL if len(distinct) == 1 else voice.adapter or voice.base for voice in distinct}
    engines = {names[voice]: _with(cast.engines[voice.base], merged(cast.engines[voice.base].model, voice.adapter)) for voice in distinct}
    return Cast(engines, {role: Voice(names[voice]) for role, voice in cast.voices.items()})


def _shared(start: Cast, learning: Sequence[str], settings: GrpoSettings) -> Cast:
    bases = {start.voices[role].base for role in learning}
    if len(bases) > 1:
        raise UsageError("start: has a model for each role, and none to share: learners=models or learners=adapters goes on with them")
    base = bases.pop()
    frozen = [role for role in settings.frozen if start.voices[role].base == base]
    engines = dict(start.engines) | ({START: _copied(start.engines[base])} if frozen else {})
    return Cast(engines, dict(start.voices) | dict.fromkeys(frozen, Voice(START)))


def _adapters(start: Cast, learning: Sequence[str], settings: GrpoSettings) -> Cast:
    from clinsim.agents.adapters import add_adapter

    for number, role in enumerate(learning):
        add_adapter(start.engines[start.voices[role].base].model, role, settings.lora, settings.seed + number)
    return Cast(start.engines, dict(start.voices) | {role: Voice(start.voices[role].base, role) for role in learning})


def _models(start: Cast, learning: Sequence[str], settings: GrpoSettings) -> Cast:
    voices = dict(start.voices) | {role: Voice(role) for role in learning}
    copies = {role: _copied(start.engines[start.voices[role].base]) for role in learning}
    kept = {voice.base: start.engines[voice.base] for role, voice in voices.items() if role not in learning}
    return Cast(kept | copies, voices)


PREPARE: dict[str, Callable[[Cast, Sequence[str], GrpoSettings], Cast]] = {"shared": _shared, "adapters": _adapters, "models": _models}


def _copied(engine: Engine) -> Engine:
    return _with(engine, copy.deepcopy(engine.model))


def _with(engine: Engine, model: PreTrainedModel) -> Engine:
    """Another model with the words of this one."""
    return Engine(model, engine.tokenizer, engine.vocabulary)

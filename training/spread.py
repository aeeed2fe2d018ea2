"""A large chat model as it learns: adapters or all weights, on as many devices as accelerate finds, alone or spread over them (FSDP 2)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, cast

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs, FullyShardedDataParallelPlugin
from huggingface_hub import get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
from huggingface_hub.errors import HfHubHTTPError
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_optimizer_state_dict, set_optimizer_state_dict
from torch.distributed.tensor import DTensor
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from clinsim.agents.adapters import adapter_parameters, add_adapter, read_adapter, switch, write_adapter
from clinsim.agents.cast import ALL, MANIFEST, Voice
from clinsim.errors import UsageError
from clinsim.record import ROLES
from clinsim.training.batches import Batch, decided_logps
from clinsim.training.chat_settings import ServedSettings
from clinsim.training.learners import Learner, Learners, learning_roles
from clinsim.training.run import BEST

SHARED = "shared"
"""The adapter of all roles that learn together."""
_CONFIG = "config.json"
"""What every model has."""
_NoAnswer = cast(type[Exception], HfHubHTTPError.__mro__[1])
"""What the client of the hub raises of any request; which library it comes from depends on its release."""


class Scorer(nn.Module):
    """What accelerate wraps: a whole forward pass, from tokens to the log-probabilities of what was decided."""

    def __init__(self, model: PreTrainedModel) -> None:
        """Score with a model."""
        super().__init__()
        self.model = model
        self._no_split_modules = model._no_split_modules  # accelerate asks the outermost module which layers are spread one by one

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Log-probabilities and entropies, each (B, K)."""
        return decided_logps(self.model, batch)


def accelerator_of(settings: ServedSettings) -> Accelerator:
    """The devices that there are, and how the model is spread over them."""
    plugin = FullyShardedDataParallelPlugin(
        fsdp_version=2, reshard_after_forward=True, auto_wrap_policy="transformer_based_wrap",
        cpu_offload=settings.offload, cpu_ram_efficient_loading=False, state_dict_type="FULL_STATE_DICT",
    ) if settings.sharding == "fsdp" else None  # fmt: skip
    # With an adapter for each role, those of the other roles get no gradient.
    unused = DistributedDataParallelKwargs(find_unused_parameters=settings.learners == "adapters")
    return Accelerator(mixed_precision="bf16" if settings.precision == "bf16" else "no", fsdp_plugin=plugin, kwargs_handlers=[unused])


@dataclass(frozen=True, slots=True)
class Served:
    """A model that learns here and is played by a server: who speaks with which adapter of it, and where it came from."""

    model: PreTrainedModel
    words: Any
    start: str
    voices: Mapping[str, Voice]
    is_first: bool

    @property
    def adapters(self) -> list[str]:
        """The adapters that there are."""
        return [name for name in dict.fromkeys(voice.adapter for voice in self.voices.values()) if name]

    def model_of(self, voice: Voice) -> PreTrainedModel:
        """The model, with the adapter of a voice switched on."""
        if self.adapters:
            switch(self.model, voice.adapter)
        return self.model

    def save(self, folder: Path) -> None:
        """Write adapters or weights, and the manifest. All processes take part, the first one writes."""
        state = self._gathered()
        if not self.is_first:
            return
        for name in self.adapters:
            write_adapter(self.model, name, folder / name, state)
        if not self.adapters:
            self.model.save_pretrained(folder, state_dict=state)
            self.words.save_pretrained(folder)
        base = str(Path(self.start).resolve()) if Path(self.start).is_dir() else self.start
        rows = {role: {"base": base if self.adapters else ALL, "adapter": voice.adapter} for role, voice in self.voices.items()}
        (folder / MANIFEST).write_text(json.dumps({"served": True, "roles": rows}, indent=1) + "\n", encoding="utf-8")

    def _gathered(self) -> dict[str, Tensor]:
        """What learns, whole, in the memory of the first process."""
        found = {}
        for path, values in self.model.state_dict().items():
            if self.adapters and ".lora_" not in path:
                continue
            whole = values.full_tensor() if isinstance(values, DTensor) else values
            if self.is_first:
                found[path] = whole.detach().cpu()
        return found


def read_model(settings: ServedSettings, checkpoint: Path | None, is_first: bool) -> Served:
    """The model that learns: from its start, or with what a checkpoint holds.

    Raises:
        UsageError: There is no such model, or it has no layer for an adapter.
    """
    source = checkpoint if checkpoint and settings.tune == "weights" else _where(settings.start)
    here = _stays_here(str(source))
    try:
        model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
            source, dtype=kept_in(settings), attn_implementation="sdpa", local_files_only=here
        )
        words: Any = AutoTokenizer.from_pretrained(source, local_files_only=here)
    except (OSError, ValueError, SafetensorError) as problem:
        raise UsageError(f"start: transformers finds no model {source} ({str(problem).splitlines()[0]})") from problem
    except RuntimeError as problem:  # of no kind of its own
        if "mismatched_sizes" not in str(problem):
            raise
        raise UsageError(f"start: the weights in {source} have other shapes than its configuration says") from problem
    return made_ready(model, words, settings, checkpoint, is_first)


def _where(start: str) -> str | Path:
    """A folder with a model or a run with one, or a name on the hub."""
    best = Path(start) / BEST
    return best if best.is_dir() else start


def _stays_here(source: str) -> bool:
    """Whether to read a model from this machine alone: a hub that is out of reach is asked here once, by transformers again and again for a minute.

    Raises:
        UsageError: It is neither a folder nor downloaded, and the hub gives no answer.
    """
    try:
        if not Path(source).is_dir():
            get_hf_file_metadata(hf_hub_url(source, _CONFIG))
    except HfHubHTTPError:
        return False  # it answers: transformers knows best what to make of that
    except ValueError as problem:
        raise UsageError(f"start: there is no folder {source}, and no model of the hub is called so; give a folder, or OWNER/NAME") from problem
    except (OSError, _NoAnswer) as problem:
        if isinstance(try_to_load_from_cache(source, _CONFIG), str):
            return True
        raise UsageError(
            f"start: {source} is no folder here, was not downloaded before, and the hub is out of reach ({str(problem).splitlines()[0]}); "
            "give a folder with a model, or a name on the hub where it can be reached"
        ) from problem
    return False


def made_ready(model: PreTrainedModel, words: Any, settings: ServedSettings, checkpoint: Path | None = None, is_first: bool = True) -> Served:
    """A model that is there, with its adapters (new ones, or those of a checkpoint) and what else learning needs.

    Raises:
        UsageError: It has no layer for an adapter.
    """
    if settings.recompute:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    served = Served(model, words, settings.start, voices_of(settings), is_first)
    for number, name in enumerate(served.adapters):
        if checkpoint:
            read_adapter(model, name, checkpoint / name)
        else:
            add_adapter(model, name, settings.lora, settings.seed + number)
        for weights in adapter_parameters(model, name):
            weights.data = weights.data.float()
    return served


def kept_in(settings: ServedSettings) -> torch.dtype:
    """How the weights of the model are held: those that learn in fp32."""
    return torch.bfloat16 if settings.tune == "adapters" and settings.precision == "bf16" else torch.float32


def voices_of(settings: ServedSettings) -> dict[str, Voice]:
    """Who speaks with which adapter; the bare model speaks for roles that do not learn, and for all if all weights do."""
    learning = learning_roles(settings) if settings.tune == "adapters" else []
    names = {role: role if settings.learners == "adapters" else SHARED for role in learning}
    return {role: Voice(ALL, names.get(role)) for role in ROLES}


# ---------------------------------------------------------------- learning on several devices


@dataclass(frozen=True)
class FarLearner(Learner):
    """A learner whose model is spread over processes: each reads its share of the batches."""

    accelerator: Accelerator
    scorer: nn.Module
    model: PreTrainedModel

    def shares(self, batches: Iterable[Batch]) -> Iterable[tuple[Batch, float]]:
        """Its share of the batches."""
        return share_of(list(batches), self.accelerator.process_index, self.accelerator.num_processes)

    def score(self, model: PreTrainedModel, batch: Batch) -> tuple[Tensor, Tensor]:
        """Log-probabilities and entropies, computed where the model is."""
        logps, entropies = self.scorer(batch.to(self.accelerator.device))
        return logps.cpu(), entropies.cpu()

    def backward(self, loss: Tensor) -> None:
        """Add the gradient of a loss."""
        self.accelerator.backward(loss)

    def clip(self, most: float) -> float:
        """Shorten the gradient to `most`; how long it was."""
        norm: Any = self.accelerator.clip_grad_norm_(self.weights, most)
        return float(norm.full_tensor() if isinstance(norm, DTensor) else norm)

    def summed(self, figures: dict[str, float]) -> dict[str, float]:
        """Figures of all processes, added up."""
        values = torch.tensor(list(figures.values()), device=self.accelerator.device)
        whole: Any = self.accelerator.reduce(values, reduction="sum")
        return dict(zip(figures, whole.tolist(), strict=True))

    def state_dict(self) -> dict[str, Any]:
        """The state of its optimiser, whole; all processes take part."""
        return get_optimizer_state_dict(self.model, _bare(self.optimiser), options=StateDictOptions(full_state_dict=True, cpu_offload=True))

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take it back."""
        set_optimizer_state_dict(self.model, _bare(self.optimiser), state, options=StateDictOptions(full_state_dict=True))


def share_of(batches: Sequence[Batch], rank: int, ranks: int) -> list[tuple[Batch, float]]:
    """Which batches one of several processes reads, and by how much it multiplies the loss, since gradients are averaged over processes.

    All read equally many, for each waits for the others at every batch: where there is none left, the last one once more, counting nothing.
    """
    own = [turn[rank] for turn in zip_longest(*[iter(batches)] * ranks)]
    return [(batches[-1], 0.0) if batch is None else (batch, float(ranks)) for batch in own]


def _bare(optimiser: Any) -> torch.optim.Optimizer:
    """An optimiser without what accelerate put around it."""
    bare: torch.optim.Optimizer = getattr(optimiser, "optimizer", optimiser)
    return bare


def far_learners(served: Served, accelerator: Accelerator, settings: ServedSettings) -> Learners:
    """The learners of a model, spread over the devices."""
    roles: dict[Voice, list[str]] = {}
    for role in learning_roles(settings):
        roles.setdefault(served.voices[role], []).append(role)
    weights = [adapter_parameters(served.model, voice.adapter) if voice.adapter else list(served.model.parameters()) for voice in roles]
    for own in weights:
        for one in own:
            one.requires_grad_(True)
    optimisers = [torch.optim.AdamW(own, lr=settings.learning_rate, betas=(0.9, 0.99), weight_decay=0.0) for own in weights]
    scorer, *wrapped = accelerator.prepare(Scorer(served.model), *optimisers)
    pairs = zip(roles.items(), wrapped, strict=True)
    return Learners(served, tuple(FarLearner(voice, tuple(own), optimiser, accelerator, scorer, served.model) for (voice, own), optimiser in pairs))

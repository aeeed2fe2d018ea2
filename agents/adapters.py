"""LoRA adapters on a frozen model: added, switched, written and read in the format of peft, which servers read too.

Imported only where there is an adapter: peft takes seconds to load.
"""

from __future__ import annotations

import copy
import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model_state_dict, set_peft_model_state_dict
from peft.tuners.tuners_utils import BaseTunerLayer
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import Parameter
from transformers import PreTrainedModel

from clinsim.agents.cast import Lora
from clinsim.agents.decoding import plain_weights
from clinsim.errors import UsageError

ADAPTER_WEIGHTS, SHAPE = "adapter_model.safetensors", "adapter_config.json"
_IN_FILE = "base_model.model."
"""What peft writes before each name in a file."""


def add_adapter(model: PreTrainedModel, name: str, lora: Lora, seed: int) -> None:
    """Put a new adapter on a model, which is frozen by it; at first it changes nothing.

    Raises:
        UsageError: The model has no layer that the adapter could sit on.
    """
    config = LoraConfig(r=lora.rank, lora_alpha=lora.alpha, target_modules=list(lora.targets))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        _add(model, name, config)


def _add(model: PreTrainedModel, name: str, config: LoraConfig) -> None:
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Already found a `peft_config`")  # several adapters are what is meant
            model.add_adapter(config, adapter_name=name)
    except ValueError as problem:
        raise UsageError(f"targets: the model has no layer named as one of {', '.join(sorted(config.target_modules or ()))}") from problem


def switch(model: PreTrainedModel, name: str | None) -> None:
    """Let one adapter speak and learn, or none."""
    if name is None:
        model.disable_adapters()
    else:
        model.enable_adapters()
        model.set_adapter(name)


def adapter_parameters(model: PreTrainedModel, name: str) -> list[Parameter]:
    """The weights of one adapter."""
    return [weights for path, weights in model.named_parameters() if f".{name}." in path and ".lora_" in path]


def write_adapter(model: PreTrainedModel, name: str, folder: Path, state: dict[str, Tensor] | None = None) -> None:
    """Write an adapter as peft does: its weights (of the model, or those of a `state` that was gathered) and its configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    weights: dict[str, Tensor] = get_peft_model_state_dict(model, state_dict=state, adapter_name=name, save_embedding_layers=False)
    save_file({_IN_FILE + path: values.contiguous() for path, values in weights.items()}, folder / ADAPTER_WEIGHTS)
    held: Any = model.peft_config  # one by adapter, once there is any
    rows = held[name].to_dict() | {"base_model_name_or_path": None}  # the manifest names the base
    shape = json.dumps(rows, indent=1, sort_keys=True, default=sorted)  # sets in a stable order
    (folder / SHAPE).write_text(shape + "\n", encoding="utf-8")


def read_adapter(model: PreTrainedModel, name: str, folder: Path) -> None:
    """Put the adapter of a folder on a model, in place of one of that name.

    Raises:
        UsageError: There is none, or it is one of another model.
    """
    if not (folder / ADAPTER_WEIGHTS).is_file():
        raise UsageError(f"{folder}: no adapter there ({ADAPTER_WEIGHTS} is missing)")
    if name not in getattr(model, "peft_config", {}):
        _add(model, name, LoraConfig.from_pretrained(str(folder)))
    weights = {path.removeprefix(_IN_FILE): values for path, values in load_file(folder / ADAPTER_WEIGHTS).items()}
    found: Any = set_peft_model_state_dict(model, weights, adapter_name=name)
    if found.unexpected_keys:
        raise UsageError(f"{folder}: an adapter of another model ({found.unexpected_keys[0]})")


def merged(model: PreTrainedModel, name: str | None) -> PreTrainedModel:
    """A plain model that answers as `model` does with an adapter, or with none; `model` is left as it was."""
    whole = copy.deepcopy(model)
    for layer in _layers(whole):
        if name is not None:
            layer.merge(adapter_names=[name])
    make: Any = type(model)
    plain: PreTrainedModel = make(copy.deepcopy(model.config))
    plain.load_state_dict(plain_weights(whole))
    return plain


def _layers(model: PreTrainedModel) -> Iterator[BaseTunerLayer]:
    return (layer for layer in model.modules() if isinstance(layer, BaseTunerLayer))

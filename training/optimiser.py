"""Which optimiser moves the weights: AdamW for all, or Muon for the matrices between layers and AdamW for the rest.

Muon (Jordan and others, 2024; `torch.optim.Muon`) makes the singular values of each step alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import torch
from torch.nn import Parameter

Kind = Literal["adamw", "muon"]
MUON_RATE = 7.0
"""Learning rate of Muon, in learning rates of AdamW beside it (assumption: found by trying, on lessons of `first_hour`)."""
RATE = "rate"
"""In a group of parameters: by what the learning rate is multiplied for it."""


class Pair:
    """Two optimisers that step as one."""

    def __init__(self, *parts: torch.optim.Optimizer) -> None:
        """Take the parts; each parameter is in one of them."""
        self.parts = parts

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The groups of all parts."""
        return [group for part in self.parts for group in part.param_groups]

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for part in self.parts:
            part.zero_grad()

    def step(self) -> None:
        """Move all weights."""
        for part in self.parts:
            part.step()

    def state_dict(self) -> dict[str, Any]:
        """The states of the parts."""
        return {str(number): part.state_dict() for number, part in enumerate(self.parts)}

    def load_state_dict(self, states: Mapping[str, Any]) -> None:
        """Give the parts back what `state_dict` said."""
        for number, part in enumerate(self.parts):
            part.load_state_dict(states[str(number)])


Optimiser = torch.optim.Optimizer | Pair


def made(weights: Iterable[tuple[str, Parameter]], kind: Kind, learning_rate: float, decay: float = 0.0) -> Optimiser:
    """An optimiser of named weights."""
    named = list(weights)
    if kind == "adamw":
        return torch.optim.AdamW([values for _, values in named], lr=learning_rate, betas=(0.9, 0.99), weight_decay=decay)
    is_inner = {id(values): values.dim() == 2 and "embed" not in name and "lm_head" not in name for name, values in named}
    matrices, rest = ([values for _, values in named if is_inner[id(values)] is inner] for inner in (True, False))
    muon = torch.optim.Muon([{"params": matrices, RATE: MUON_RATE}], lr=MUON_RATE * learning_rate, weight_decay=decay)
    return Pair(muon, *([torch.optim.AdamW(rest, lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.0)] if rest else []))


def set_rate(optimiser: Optimiser, learning_rate: float) -> None:
    """Set the learning rate of all groups."""
    for group in optimiser.param_groups:
        group["lr"] = learning_rate * group.get(RATE, 1.0)

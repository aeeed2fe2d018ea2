"""What a model has read, kept by conversation: at the next turn it reads on from there, and nothing twice.

Keys and values lie one token after the other from place 0 on, whatever the other rows of a batch hold. So a row is computed alike in every batch,
up to rounding, and what was read in one batch serves in the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface, Cache, PreTrainedModel
from transformers.masking_utils import sdpa_mask

Tokens = Sequence[int]
SHORT = 8
"""Rows with at most so many tokens to read are read together; longer ones with those that have about as many, so that little is padding."""
GROUPED = "grouped"
"""Attention in which heads share keys and values without copies of them, with a mask too: the way of transformers copies, three times slower here."""


def grouped_attention(
    module: torch.nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, scaling: float, **_: Any
) -> tuple[Tensor, None]:
    """Attention (B, heads, T, units) as transformers asks for it."""
    causal = attention_mask is None and query.shape[2] > 1
    made = torch.nn.functional.scaled_dot_product_attention(
        query, key, value, attn_mask=attention_mask, is_causal=causal, scale=scaling, enable_gqa=True
    )
    return made.transpose(1, 2).contiguous(), None


AttentionInterface.register(GROUPED, grouped_attention)
AttentionMaskInterface.register(GROUPED, sdpa_mask)


class _Open(Cache):
    """The pages of a batch while the model reads: keys and values of all layers, (2 x layers, B, heads, places, units)."""

    def __init__(self, pages: Tensor) -> None:
        super().__init__(layers=[])
        self.pages = pages
        self.rows = self.places = torch.zeros(0, dtype=torch.long)
        self.width = 0

    def turn_to(self, rows: Tensor, places: Tensor) -> None:
        """Say which rows are read next, and the places of their tokens (rows, tokens)."""
        self.rows, self.places, self.width = rows, places, int(places.max()) + 1

    def update(self, key_states: Tensor, value_states: Tensor, layer_idx: int, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Write what is new to its places; all that may be looked at."""
        return self._written(2 * layer_idx, key_states), self._written(2 * layer_idx + 1, value_states)

    def _written(self, page: int, states: Tensor) -> Tensor:
        held = self.pages[page]
        held.transpose(1, 2)[self.rows.unsqueeze(1), self.places] = states.transpose(1, 2)
        held = held[:, :, : self.width]
        return held if len(self.rows) == len(held) else held[self.rows]


@dataclass(slots=True, eq=False)
class Reading:
    """A batch of rows that a model is reading: who they are, their tokens, and how many of each have been read."""

    model: PreTrainedModel
    names: list[str]
    tokens: list[list[int]]
    read: list[int]
    open: _Open

    def logits(self) -> Tensor:
        """Let the model read what is unread in each row; the logits after the last token of each (B, vocabulary)."""
        waiting: dict[int, list[int]] = {}
        for row in range(len(self.names)):
            waiting.setdefault(max(len(self._unread(row)), SHORT).bit_length(), []).append(row)
        found = {row: logits for rows in waiting.values() for row, logits in zip(rows, self._read(rows), strict=True)}
        return torch.stack([found[row] for row in range(len(found))])

    def _unread(self, row: int) -> Tokens:
        return self.tokens[row][self.read[row] :]

    def _read(self, rows: Sequence[int]) -> Tensor:
        """The logits of some rows that have about as much to read."""
        unread = [self._unread(row) for row in rows]
        width, device = max(map(len, unread)), self.open.pages.device
        tokens = torch.tensor([[*row, *[0] * (width - len(row))] for row in unread], device=device)
        # Behind the end of a row comes padding: it is overwritten by what follows, or lies where nothing looks.
        places = torch.tensor([self.read[row] for row in rows], device=device).unsqueeze(1) + torch.arange(width, device=device)
        places = places.clamp(max=self.open.pages.shape[3] - 1)
        self.open.turn_to(torch.tensor(rows, device=device), places)
        seen = torch.arange(self.open.width, device=device) <= places.unsqueeze(2)
        hidden = self.model.model(
            tokens, attention_mask=seen.unsqueeze(1), position_ids=places, past_key_values=self.open, use_cache=True
        ).last_hidden_state
        for row in rows:
            self.read[row] = len(self.tokens[row])
        logits: Tensor = self.model.lm_head(hidden[torch.arange(len(rows)), torch.tensor([len(row) - 1 for row in unread])])
        return logits

    def narrowed(self, rows: Sequence[int]) -> Reading:
        """Go on with some of the rows only."""
        pages = self.open.pages.index_select(1, torch.tensor(rows, device=self.open.pages.device))
        return Reading(self.model, [self.names[k] for k in rows], [self.tokens[k] for k in rows], [self.read[k] for k in rows], _Open(pages))


@dataclass(slots=True, eq=False)
class Shelf:
    """Keeps what was read in each conversation: one shelf for all that are played together, each with one model throughout."""

    kept: dict[str, tuple[list[int], Tensor]] = field(default_factory=dict)

    def opened(self, model: PreTrainedModel, names: Sequence[str], tokens: Sequence[list[int]], room: int) -> Reading:
        """Begin to read some rows, each from where it was read before; `room` tokens may follow each."""
        config, places = model.config, max(map(len, tokens)) + room + 1
        shape = (2 * config.num_hidden_layers, len(names), config.num_key_value_heads, places, config.head_dim)
        pages = torch.zeros(shape, dtype=model.dtype, device=model.device)
        read = [self._put_back(name, row, pages[:, k]) for k, (name, row) in enumerate(zip(names, tokens, strict=True))]
        return Reading(model, list(names), list(tokens), read, _Open(pages))

    def _put_back(self, name: str, row: Tokens, page: Tensor) -> int:
        """Copy what was read of this row; how many tokens. The last is always read anew: something must come out."""
        before, held = self.kept.get(name, ([], None))
        same = len(before) if list(row[: len(before)]) == before else 0
        same = min(same, len(row) - 1)
        if held is not None and same:
            page[:, :, :same] = held[:, :, :same]
        return same

    def keep(self, reading: Reading, rows: Sequence[int]) -> None:
        """Put away some rows that are done with for now."""
        for row in rows:
            n = reading.read[row]
            self.kept[reading.names[row]] = (reading.tokens[row][:n], reading.open.pages[:, row, :, :n].clone())

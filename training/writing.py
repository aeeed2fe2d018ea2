"""What a chat model of this process writes: many answers at once, token by token from the whole distribution, each by the seed of its own question.

Questions of unlike length stand in one batch, filled up on the left. The same questions in the same batch give the same answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel


@dataclass(slots=True)
class Answer:
    """What is written to one question: tokens, and the log-probability of each when it was drawn."""

    tokens: list[int] = field(default_factory=list)
    logps: list[float] = field(default_factory=list)


@torch.inference_mode()
def drawn(
    model: PreTrainedModel, prompts: Sequence[Sequence[int]], seeds: Sequence[int], stop: int, most: int, temperature: float = 1.0
) -> list[Answer]:
    """Answer some questions (tokens), each up to the token `stop` or `most` tokens long."""
    draws = [np.random.default_rng(seed) for seed in seeds]
    answers = [Answer() for _ in prompts]
    width = max(map(len, prompts))
    fresh = torch.tensor([[stop] * (width - len(prompt)) + list(prompt) for prompt in prompts], device=model.device)
    seen = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts], device=model.device)
    cache = DynamicCache(config=model.config)
    for _ in range(most):
        places = (seen.cumsum(1) - 1).clamp(min=0)[:, -fresh.shape[1] :]
        told = model(fresh, attention_mask=seen, position_ids=places, past_key_values=cache, use_cache=True, logits_to_keep=1)
        took = _one_each(told.logits[:, -1].double() / temperature, draws)
        for answer, (token, logp) in zip(answers, took, strict=True):
            if stop not in answer.tokens:
                answer.tokens.append(token)
                answer.logps.append(logp)
        if all(stop in answer.tokens for answer in answers):
            break
        fresh = torch.tensor([[token] for token, _ in took], device=model.device)
        seen = torch.cat([seen, seen.new_ones(len(answers), 1)], 1)
    return answers


def _one_each(logits: Tensor, draws: Sequence[Any]) -> list[tuple[int, float]]:
    """A token for each row, by its own draws, and its log-probability."""
    chances = logits.log_softmax(-1)
    reached = chances.exp().cumsum(-1)
    heights = torch.tensor([[rng.random()] for rng in draws], dtype=reached.dtype, device=reached.device)
    tokens = torch.searchsorted(reached, heights, right=True).clamp(max=logits.shape[-1] - 1)
    return list(zip(tokens.squeeze(1).tolist(), chances.gather(1, tokens).squeeze(1).tolist(), strict=True))

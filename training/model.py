"""The embedded policy: a small transformer of the Qwen3 architecture with a tokenizer and vocabulary of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import PreTrainedModel, Qwen3Config, Qwen3ForCausalLM

from clinsim.agents.decoding import Engine, words_of
from clinsim.training.experts import Shown, texts_of, tokenizer_of, vocabulary_of


@dataclass(frozen=True, slots=True)
class Shape:
    """Size of a model: `vocabulary` tokens at most, `hidden` units, `layers`, `heads` of 32 units, half as many for keys and values."""

    vocabulary: int = 2048
    hidden: int = 128
    layers: int = 4
    heads: int = 4
    context: int = 1024


HEAD_UNITS = 32


def fresh_engine(shown: Sequence[Shown], shape: Shape, seed: int = 0) -> Engine:
    """A model with random weights, which can read and write what `shown` holds."""
    tokenizer = tokenizer_of(texts_of(shown), shape.vocabulary)
    config = Qwen3Config(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=shape.hidden,
        intermediate_size=3 * shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=max(1, shape.heads // 2),
        head_dim=HEAD_UNITS,
        max_position_embeddings=shape.context,
        tie_word_embeddings=True,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=None,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        make: Any = Qwen3ForCausalLM  # not annotated there
        model: PreTrainedModel = make(config)
    return Engine(model, words_of(tokenizer), vocabulary_of(turn.call for turn in shown))


def parameters(engine: Engine) -> int:
    """How many numbers the model has."""
    return sum(weights.numel() for weights in engine.model.parameters())

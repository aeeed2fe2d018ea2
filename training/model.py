"""The embedded policy: a small transformer of the Qwen3 architecture with a tokenizer and vocabulary of its own."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import PreTrainedModel, Qwen3Config, Qwen3ForCausalLM

from clinsim.agents.call_grammar import Vocabulary
from clinsim.agents.decoding import Engine, words_of
from clinsim.record import Seat
from clinsim.training.experts import MOST_TEXTS, Shown, texts_of, tokenizer_of, vocabulary_of


@dataclass(frozen=True, slots=True)
class Shape:
    """Size of a model: `vocabulary` tokens at most, `hidden` units, `layers`, `heads` of 32 units."""

    vocabulary: int = 3072
    hidden: int = 96
    layers: int = 3
    heads: int = 3
    context: int = 1024
    texts: int = MOST_TEXTS
    """Sentences that may be written in one field."""


HEAD_UNITS = 32
LARGEST = 10_000.0
NUMBER_STATIONS = 64
"""Sizes, evenly spaced by ratio, between which the embedding of a number moves at first."""
_NUMBER = re.compile(r"\d+(\.\d*)?$")
_SYNTAX = '{}[]",:'


def fresh_engine(shown: Sequence[Shown], seats: Mapping[str, Seat], shape: Shape, seed: int = 0) -> Engine:
    """A model with random weights, which can read and write what `shown` holds."""
    vocabulary = vocabulary_of((turn.call for turn in shown), shape.texts)
    texts = list(texts_of(shown, seats, vocabulary))
    tokenizer = tokenizer_of(texts, shape.vocabulary, _whole(texts, vocabulary))
    config = Qwen3Config(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=shape.hidden,
        intermediate_size=3 * shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads,
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
        _near_numbers_alike(model, tokenizer)
    return Engine(model, words_of(tokenizer), vocabulary)


def _whole(texts: Iterable[str], vocabulary: Vocabulary) -> list[str]:
    """What is one token each: names and sentences of the vocabulary, and what stands between the values of calls."""
    names = [value for values in vocabulary.values.values() for value in values if isinstance(value, str) and len(value) > 2]
    between = {text for text in texts if len(text) > 2 and text[0] in _SYNTAX and text[-1] in _SYNTAX}
    return [*sorted(set(names)), *sorted(between)]


def _near_numbers_alike(model: PreTrainedModel, tokenizer: Tokenizer) -> None:
    """Let words that end in numbers of like size begin with like embeddings: what is learnt of one then holds for its neighbours."""
    words = {token: tokenizer.decode([token]) for token in sorted(tokenizer.get_vocab().values())}  # it has them in another order each time
    found = {token: number for token, text in words.items() if (number := _NUMBER.search(text))}
    size = torch.tensor([math.log(0.1 + min(float(number[0]), LARGEST)) for number in found.values()])
    names = {name: place for place, name in enumerate(dict.fromkeys(number.string[: number.start()] for number in found.values()))}
    stations = torch.linspace(math.log(0.1), math.log(LARGEST), NUMBER_STATIONS)
    near = torch.exp(-(((size.unsqueeze(1) - stations) / (stations[1] - stations[0])) ** 2))
    table: Any = model.get_input_embeddings()  # declared as any module
    weights: torch.Tensor = table.weight
    own = torch.randn(len(names), weights.shape[1])[[names[number.string[: number.start()]] for number in found.values()]]
    alike = near / near.norm(dim=1, keepdim=True) @ torch.randn(NUMBER_STATIONS, weights.shape[1])
    with torch.no_grad():
        weights[list(found)] = (own + alike) * weights.std() / math.sqrt(2.0)


def sharpen(engine: Engine, temperature: float) -> None:
    """Make a model as sure at temperature 1 as it was at `temperature`: the scale of its last layer takes it in."""
    model: Any = engine.model  # declares its parts as any module
    with torch.no_grad():
        model.model.norm.weight.div_(temperature)


def halve(engine: Engine) -> None:
    """Round the weights to half precision, in which they are then kept; read again, they are whole once more."""
    for weights in engine.model.parameters():
        weights.data = weights.data.half()


def parameters(engine: Engine) -> int:
    """How many numbers the model has."""
    return sum(weights.numel() for weights in engine.model.parameters())

"""Writing calls with a small transformers model: a batch of conversations at once, each under its own grammar, or under none.

What the grammar forces is appended without asking the model; only where two tokens or more are open the model decides. Draws are keyed by the
seat's seed and the turn, so that an episode repeats exactly.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_model, save_file
from tokenizers import Tokenizer
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerFast

from clinsim.agents.call_grammar import Form, Vocabulary, calls_form, pieces
from clinsim.agents.shelf import GROUPED, Reading, Shelf
from clinsim.agents.walking import FreeWalk, Spellings, Walk, Way
from clinsim.errors import UsageError
from clinsim.record import ToolCard

MOST_TOKENS = 160
"""Tokens of a call, at most."""
MOST_FREE = 80
"""The same without a grammar: what is longer has gone astray."""
PAD, END = "<pad>", "<end>"
FREE = "writes_freely"
"""In the configuration of a model: that no grammar holds its calls."""
WEIGHTS, WORDS, VALUES, WORDS_OF = "model.safetensors", "tokenizer.json", "vocabulary.json", "words_of.txt"
Encode = Callable[[str], list[int]]
Open = tuple[tuple[int, ...], ...]
"""For each decision the tokens that might have come."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A conversation that is to be answered by one call to one of `cards`.

    `tokens` are all that was said so far; `ids` what may be named or is offered; `name` says which conversation it is, `key` names its draws, `role`
    whose turn it is.
    """

    tokens: tuple[int, ...]
    cards: tuple[ToolCard, ...]
    ids: tuple[str, ...]
    name: str
    key: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """A call as it was written.

    `tokens` are the conversation and the call; `decided` the positions that were open, `logps` their log-probabilities (nats), `allowed` the tokens
    that were open there, None where nothing constrained it.
    """

    text: str
    tokens: tuple[int, ...]
    decided: tuple[int, ...]
    logps: tuple[float, ...]
    allowed: Open | None


@dataclass(slots=True, eq=False)
class _Row:
    """One conversation while it is being answered; the call begins at `start`."""

    walk: Way
    tokens: list[int]
    start: int
    draws: np.random.Generator
    constrained: bool = True
    decided: list[int] = field(default_factory=list)
    logps: list[float] = field(default_factory=list)
    allowed: list[tuple[int, ...]] = field(default_factory=list)

    def decide(self, token: int, logp: float) -> None:
        """Take one of several open tokens."""
        self.decided.append(len(self.tokens))
        self.logps.append(logp)
        self.allowed.append(tuple(self.walk.open()) if self.constrained else ())
        self.walk.take(token)
        self.tokens.append(token)

    @property
    def is_done(self) -> bool:
        return self.walk.is_done


def home_of_words(folder: Path) -> Path:
    """Where tokenizer and vocabulary of a model are: in its folder, or in the one beside it that a file names (shipped models share them)."""
    named = folder / WORDS_OF
    return folder.parent / named.read_text(encoding="utf-8").strip() if named.is_file() else folder


class Engine:
    """A model with its tokenizer and vocabulary; answers batches of conversations."""

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, vocabulary: Vocabulary) -> None:
        """Take the parts of a model; it is put to evaluation."""
        model.train(False)
        model.set_attn_implementation(GROUPED)
        self.model = model
        self.tokenizer = tokenizer
        self.vocabulary = vocabulary
        self.temperature = 1.0
        self.spellings = Spellings(self.encode)
        self._form = lru_cache(maxsize=4096)(self._formed)

    @classmethod
    def load(cls, folder: Path) -> Engine:
        """Read a model from its folder.

        Raises:
            UsageError: A file is missing, or cannot be read.
        """
        words = home_of_words(folder)
        for path in (folder / WEIGHTS, words / WORDS, words / VALUES, folder / "config.json"):
            if not path.is_file():
                raise UsageError(f"{folder}: no model there ({path.name} is missing)")
        try:
            return cls(_model_of(folder), words_of(_tokenizer_of(words / WORDS)), Vocabulary.load(words / VALUES))
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as problem:
            why = (str(problem).strip() or type(problem).__name__).splitlines()[0]
            raise UsageError(f"{folder}: the model cannot be read ({why:.160})") from problem

    def save(self, folder: Path) -> None:
        """Write the model, without adapters on it, to a folder that `load` reads."""
        folder.mkdir(parents=True, exist_ok=True)
        self.model.config.save_pretrained(folder)
        weights = plain_weights(self.model)
        tied_once = {values.data_ptr(): path for path, values in reversed(weights.items())}
        save_file({path: weights[path].contiguous() for path in tied_once.values()}, folder / WEIGHTS)
        (folder / WORDS).write_text(self.tokenizer.backend_tokenizer.to_str(), encoding="utf-8")  # its own way says of a full disk `Exception`
        self.vocabulary.save(folder / VALUES)

    def encode(self, text: str) -> list[int]:
        """Tokens of a text."""
        return list(self.tokenizer.backend_tokenizer.encode(text).ids)

    def encoder(self, _role: str) -> Encode:
        """How texts become tokens for a role: for all alike."""
        return self.encode

    @property
    def grammar(self) -> bool:
        """Whether a grammar holds its calls; without one it must spell all of a call itself. Kept with its configuration."""
        return not getattr(self.model.config, FREE, False)  # configurations of transformers hold what they are given, and lack it otherwise

    @grammar.setter
    def grammar(self, holds: bool) -> None:
        setattr(self.model.config, FREE, not holds)

    # ------------------------------------------------------------ grammar

    def _formed(self, names: tuple[str, ...], ids: tuple[str, ...], by_name: _Cards) -> Form:
        return calls_form([by_name.cards[name] for name in names], self.vocabulary, ids)

    def form(self, cards: Sequence[ToolCard], ids: Sequence[str]) -> Form:
        """The calls that may be written with some tools about what is in sight."""
        return self._form(tuple(card.name for card in cards), tuple(ids), _Cards({card.name: card for card in cards}))

    # ------------------------------------------------------------ writing

    @torch.inference_mode()
    def complete(self, asks: Sequence[Ask], shelf: Shelf | None = None) -> list[Written]:
        """Answer each conversation with one call; a shelf spares reading again what it keeps."""
        shelf = Shelf() if shelf is None else shelf
        rows = [self._begin(ask) for ask in asks]
        going = [k for k, row in enumerate(rows) if not row.is_done]
        if going:
            reading = shelf.opened(self.model, [asks[k].name for k in going], [rows[k].tokens for k in going], MOST_TOKENS)
            self._write([rows[k] for k in going], reading, shelf)
        return [self._written(row) for row in rows]

    def _begin(self, ask: Ask) -> _Row:
        seed = int.from_bytes(blake2b(ask.key.encode(), digest_size=8).digest(), "little")
        row = self._row(ask.tokens, np.random.default_rng(seed), lambda: self.form(ask.cards, ask.ids))
        row.tokens += row.walk.forced()
        return row

    def _row(self, tokens: Sequence[int], draws: np.random.Generator, form: Callable[[], Form]) -> _Row:
        walk = Walk(form(), self.spellings) if self.grammar else FreeWalk(self._token_texts, MOST_FREE)
        return _Row(walk, list(tokens), len(tokens), draws, self.grammar)

    @cached_property
    def _token_texts(self) -> list[str]:
        """What each token of the model writes; nothing where the tokenizer has none."""
        decode = self.tokenizer.backend_tokenizer.decode
        return [str(decode([token], skip_special_tokens=True)) for token in range(int(self.model.config.vocab_size))]

    def _write(self, rows: list[_Row], reading: Reading, shelf: Shelf) -> None:
        """Write on in all rows until each is whole. Rows that are whole drop out when half of them are."""
        while True:
            logits = reading.logits().cpu().double().numpy()
            for row, line in zip(rows, logits, strict=True):
                if not row.is_done:
                    self._decide(row, line)
            left = [k for k, row in enumerate(rows) if not row.is_done]
            if 2 * len(left) > len(rows):
                continue
            shelf.keep(reading, [k for k, row in enumerate(rows) if row.is_done])
            if not left:
                return
            rows, reading = [rows[k] for k in left], reading.narrowed(left)

    def _decide(self, row: _Row, logits: NDArray[np.float64]) -> None:
        """Draw the next token among those that are open, then append what follows from it."""
        row.decide(*drawn(logits, row.walk.open(), self.temperature, float(row.draws.random())))
        row.tokens += row.walk.forced()

    def _written(self, row: _Row) -> Written:
        return Written(self._text(row), tuple(row.tokens), tuple(row.decided), tuple(row.logps), tuple(row.allowed) if row.constrained else None)

    def forced(self, tokens: Sequence[int], call: str, cards: Sequence[ToolCard], ids: Sequence[str]) -> Written:
        """`call` as the model would have written it after `tokens`: which of its own were open (log-probabilities are 0: nothing was drawn).

        Raises:
            ValueError: The grammar does not allow the call.
        """
        form = self.form(cards, ids)
        row = self._row(tokens, np.random.default_rng(0), lambda: form)
        for token in (token for piece in pieces(form, call) for token in self.spellings.tokens(piece)):
            if len(row.walk.open()) > 1:
                row.decide(token, 0.0)
            else:
                row.walk.take(token)
                row.tokens.append(token)
        return self._written(row)

    def _text(self, row: _Row) -> str:
        return str(self.tokenizer.backend_tokenizer.decode(row.tokens[row.start :], skip_special_tokens=False))


def plain_weights(model: PreTrainedModel) -> dict[str, Tensor]:
    """The weights of a model under all LoRA adapters, named as if there were none."""
    return {path.replace(".base_layer.", "."): values for path, values in model.state_dict().items() if ".lora_" not in path}


def _tokenizer_of(path: Path) -> Tokenizer:
    """The tokenizer in a file, which is looked at first: the library's reader raises nothing narrower than Exception."""
    text = path.read_text(encoding="utf-8")
    if not {"model", "added_tokens"} <= set(json.loads(text)):
        raise ValueError(f"{path.name} is no tokenizer")
    return Tokenizer.from_str(text)


def _model_of(folder: Path) -> PreTrainedModel:
    """The architecture of a folder, with its weights."""
    make: Any = AutoModelForCausalLM.from_config  # not annotated there
    model: PreTrainedModel = make(AutoConfig.from_pretrained(folder), dtype=torch.float32, attn_implementation=GROUPED)
    load_model(model, folder / WEIGHTS)
    return model


def words_of(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    """A tokenizer as transformers wants it."""
    make: Any = PreTrainedTokenizerFast  # not annotated there
    words: PreTrainedTokenizerFast = make(tokenizer_object=tokenizer, pad_token=PAD, eos_token=END)
    return words


class _Cards:
    """Tool cards by name, equal to any other: a cache keyed by the names alone may hold them."""

    def __init__(self, cards: dict[str, ToolCard]) -> None:
        self.cards = cards

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Cards)

    def __hash__(self) -> int:
        return 0


def drawn(logits: NDArray[np.float64], allowed: Sequence[int], temperature: float, draw: float) -> tuple[int, float]:
    """A token drawn from what is allowed, by inversion, and its log-probability (nats); the likeliest at temperature 0.

    Raises:
        FloatingPointError: The model has come to numbers that are none.
    """
    scaled = logits[list(allowed)] / (temperature or 1.0)
    logps = scaled - scaled.max()
    logps -= np.log(np.exp(logps).sum())
    inverted = min(int(np.searchsorted(np.exp(logps).cumsum(), draw, side="right")), len(allowed) - 1)
    chosen = int(logps.argmax()) if temperature == 0.0 else inverted
    if math.isnan(logps[chosen]):
        raise FloatingPointError("the model finds its own words as likely as no number: lower learning_rate")
    return int(allowed[chosen]), float(min(logps[chosen], 0.0))

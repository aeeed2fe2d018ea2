"""Writing calls with a small transformers model: a batch of prompts at once, each under its own grammar.

What the grammar forces is appended without asking the model; only where two tokens or more are open the model decides. Draws are keyed by the
seat's seed and the turn, so that an episode repeats exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import torch
from llguidance import LLMatcher, LLTokenizer
from llguidance.hf import from_tokenizer
from llguidance.numpy import allocate_token_bitmask, fill_next_token_bitmask
from numpy.typing import NDArray
from safetensors.torch import load_model, save_file
from tokenizers import Tokenizer
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM, DynamicCache, PreTrainedModel, PreTrainedTokenizerFast

from clinsim.agents.call_grammar import Vocabulary, calls_schema, ids_in, written
from clinsim.errors import UsageError
from clinsim.record import ToolCard

MOST_TOKENS = 160
"""Tokens of a call, at most."""
PAD, END = "<pad>", "<end>"
WEIGHTS, WORDS, VALUES = "model.safetensors", "tokenizer.json", "vocabulary.json"


@dataclass(frozen=True, slots=True)
class Ask:
    """A prompt to be answered by one call to one of `cards`; `key` names its draws, `role` whose turn it is."""

    prompt: str
    cards: tuple[ToolCard, ...]
    key: str
    role: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """A call as it was written.

    `tokens` are prompt and call; `decided` the positions that were open, `logps` their log-probabilities (nats), `allowed` what was open there
    (decided, vocabulary).
    """

    text: str
    tokens: tuple[int, ...]
    decided: tuple[int, ...]
    logps: tuple[float, ...]
    allowed: NDArray[np.bool_]


@dataclass(slots=True, eq=False)
class _Row:
    """One prompt while it is being answered; `fresh` are the tokens that the model has not read yet."""

    matcher: LLMatcher
    tokens: list[int]
    start: int
    draws: np.random.Generator
    fresh: list[int] = field(default_factory=list)
    decided: list[int] = field(default_factory=list)
    logps: list[float] = field(default_factory=list)
    allowed: list[NDArray[np.bool_]] = field(default_factory=list)

    def append(self, tokens: Sequence[int]) -> None:
        self.tokens += tokens
        self.fresh += tokens

    def force(self) -> None:
        """Append what the grammar leaves no choice about."""
        while forced := self.matcher.compute_ff_tokens():
            self.matcher.consume_tokens(forced)
            self.append(forced)

    @property
    def is_done(self) -> bool:
        return self.matcher.is_stopped() or self.matcher.is_accepting() or len(self.tokens) - self.start >= MOST_TOKENS


class Engine:
    """A model with its tokenizer and vocabulary; answers batches of prompts."""

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, vocabulary: Vocabulary) -> None:
        """Take the parts of a model; it is put to evaluation."""
        model.train(False)
        self.model = model
        self.tokenizer = tokenizer
        self.vocabulary = vocabulary
        self.guide: LLTokenizer = from_tokenizer(tokenizer, n_vocab=model.config.vocab_size)
        self.temperature = 1.0
        self._grammar = lru_cache(maxsize=4096)(self._compiled)

    @classmethod
    def load(cls, folder: Path) -> Engine:
        """Read a model from its folder.

        Raises:
            UsageError: A file is missing.
        """
        for name in (WEIGHTS, WORDS, VALUES, "config.json"):
            if not (folder / name).is_file():
                raise UsageError(f"{folder}: no model there ({name} is missing)")
        make: Any = AutoModelForCausalLM.from_config  # not annotated there
        model: PreTrainedModel = make(AutoConfig.from_pretrained(folder), dtype=torch.float32, attn_implementation="sdpa")
        load_model(model, folder / WEIGHTS)
        return cls(model, words_of(Tokenizer.from_file(str(folder / WORDS))), Vocabulary.load(folder / VALUES))

    def save(self, folder: Path) -> None:
        """Write the model, without adapters on it, to a folder that `load` reads."""
        folder.mkdir(parents=True, exist_ok=True)
        self.model.config.save_pretrained(folder)
        weights = plain_weights(self.model)
        tied_once = {values.data_ptr(): path for path, values in reversed(weights.items())}
        save_file({path: weights[path].contiguous() for path in tied_once.values()}, folder / WEIGHTS)
        self.tokenizer.backend_tokenizer.save(str(folder / WORDS))
        self.vocabulary.save(folder / VALUES)

    # ------------------------------------------------------------ grammar

    def _compiled(self, cards: tuple[str, ...], ids: tuple[str, ...], by_name: _Cards) -> str:
        schema = calls_schema([by_name.cards[name] for name in cards], self.vocabulary, ids)
        return str(LLMatcher.grammar_from_json_schema(written(schema), defaults={"whitespace_flexible": False}))

    def matcher(self, prompt: str, cards: Sequence[ToolCard]) -> LLMatcher:
        """A matcher of the calls that may follow `prompt`."""
        names = tuple(card.name for card in cards)
        return LLMatcher(self.guide, self._grammar(names, ids_in(prompt), _Cards({card.name: card for card in cards})))

    def encode(self, text: str) -> list[int]:
        """Tokens of a text."""
        return list(self.tokenizer.backend_tokenizer.encode(text).ids)

    # ------------------------------------------------------------ writing

    @torch.inference_mode()
    def complete(self, asks: Sequence[Ask]) -> list[Written]:
        """Answer each prompt with one call."""
        rows = [self._begin(ask) for ask in asks]
        cache, read, going = DynamicCache(config=self.model.config), torch.zeros(len(rows), 0, dtype=torch.long), list(range(len(rows)))
        while going:
            logits, read = self._read([rows[k] for k in going], cache, read)
            for row, line in zip([rows[k] for k in going], logits, strict=True):
                self._decide(row, line)
            left = [place for place, k in enumerate(going) if not rows[k].is_done]
            if len(left) < len(going):
                cache.batch_select_indices(torch.tensor(left, dtype=torch.long))
                read, going = read[left], [going[place] for place in left]
        return [self._written(row) for row in rows]

    def _begin(self, ask: Ask) -> _Row:
        prompt = self.encode(ask.prompt)
        seed = int.from_bytes(blake2b(ask.key.encode(), digest_size=8).digest(), "little")
        row = _Row(self.matcher(ask.prompt, ask.cards), [], len(prompt), np.random.default_rng(seed))
        row.append(prompt)
        row.force()
        return row

    def _read(self, rows: Sequence[_Row], cache: DynamicCache, read: Tensor) -> tuple[NDArray[np.float64], Tensor]:
        """Let the model read the fresh tokens of each row; the logits after the last of them, and which slots of the cache hold tokens."""
        width = max(len(row.fresh) for row in rows)
        tokens, real = torch.zeros(len(rows), width, dtype=torch.long), torch.zeros(len(rows), width, dtype=torch.long)
        for k, row in enumerate(rows):
            tokens[k, : len(row.fresh)] = torch.tensor(row.fresh)
            real[k, : len(row.fresh)] = 1
        places = read.sum(1, keepdim=True) + (real.cumsum(1) - 1).clamp(min=0)
        read = torch.cat([read, real], 1)
        hidden = self.model.model(tokens, attention_mask=read, position_ids=places, past_key_values=cache, use_cache=True).last_hidden_state
        last = torch.tensor([len(row.fresh) - 1 for row in rows])
        logits = self.model.lm_head(hidden[torch.arange(len(rows)), last])
        for row in rows:
            row.fresh = []
        return logits.double().numpy(), read

    def _decide(self, row: _Row, logits: NDArray[np.float64]) -> None:
        """Draw the next token among those that are allowed, then append what follows from it."""
        allowed = self.allowed_now(row.matcher)
        token, logp = drawn(logits, allowed, self.temperature, float(row.draws.random()))
        row.decided.append(len(row.tokens))
        row.logps.append(logp)
        row.allowed.append(allowed)
        row.matcher.consume_token(token)
        row.append([token])
        row.force()

    def allowed_now(self, matcher: LLMatcher) -> NDArray[np.bool_]:
        """Which tokens may come next (vocabulary)."""
        bits = allocate_token_bitmask(1, self.guide.vocab_size)
        fill_next_token_bitmask(matcher, bits, 0)
        return np.unpackbits(bits.view(np.uint8)[0], bitorder="little")[: self.guide.vocab_size].astype(bool)

    def _written(self, row: _Row) -> Written:
        return Written(self._text(row), tuple(row.tokens), tuple(row.decided), tuple(row.logps), np.stack(row.allowed))

    def forced(self, prompt: str, call: str, cards: Sequence[ToolCard]) -> Written:
        """`call` as the model would have written it after `prompt`: which of its tokens were open (log-probabilities are 0: nothing was drawn).

        Raises:
            ValueError: The grammar does not allow the call.
        """
        row = _Row(self.matcher(prompt, cards), [], 0, np.random.default_rng(0))
        row.append(self.encode(prompt))
        row.start = len(row.tokens)
        row.force()
        while not row.is_done:
            self._follow(row, call)
        if self._text(row) != call:
            raise ValueError(f"the grammar does not write {call!r:.200}")
        return Written(call, tuple(row.tokens), tuple(row.decided), (0.0,) * len(row.decided), np.stack(row.allowed))

    def _text(self, row: _Row) -> str:
        return str(self.tokenizer.backend_tokenizer.decode(row.tokens[row.start :], skip_special_tokens=False))

    def _follow(self, row: _Row, call: str) -> None:
        """Take the longest open token with which `call` goes on."""
        allowed = self.allowed_now(row.matcher)
        rest = call[len(self._text(row)) :]
        token = next((token for token in self._beginnings(rest) if allowed[token]), None)
        if token is None:
            raise ValueError(f"the grammar does not go on with {rest!r:.80}")
        row.decided.append(len(row.tokens))
        row.allowed.append(allowed)
        row.matcher.consume_token(token)
        row.append([token])
        row.force()

    def _beginnings(self, text: str) -> Iterator[int]:
        """Single tokens that `text` begins with, the longest first."""
        for end in range(min(len(text), 48), 0, -1):
            tokens = self.encode(text[:end])
            if len(tokens) == 1:
                yield tokens[0]


def plain_weights(model: PreTrainedModel) -> dict[str, Tensor]:
    """The weights of a model under all LoRA adapters, named as if there were none."""
    return {path.replace(".base_layer.", "."): values for path, values in model.state_dict().items() if ".lora_" not in path}


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


def drawn(logits: NDArray[np.float64], allowed: NDArray[np.bool_], temperature: float, draw: float) -> tuple[int, float]:
    """A token drawn from what is allowed, by inversion, and its log-probability (nats); the likeliest at temperature 0."""
    places = np.flatnonzero(allowed)
    scaled = logits[places] / (temperature or 1.0)
    logps = scaled - scaled.max()
    logps -= np.log(np.exp(logps).sum())
    inverted = min(int(np.searchsorted(np.exp(logps).cumsum(), draw, side="right")), len(places) - 1)
    chosen = int(logps.argmax()) if temperature == 0.0 else inverted
    return int(places[chosen]), float(min(logps[chosen], 0.0))

"""A chat model of this process in the place of a server: it answers all who wait in batches, without HTTP and without a second copy of its weights.

    here = Here(model, words, ChatSettings(dialect="json", token_ids=True))
    replies = here.complete(asks)

For one device, and for want of vLLM, which is faster with large models.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any

import torch
from jinja2 import TemplateError
from transformers import PreTrainedModel

from clinsim.agents.adapters import switch
from clinsim.agents.chat_server import ChatSettings
from clinsim.agents.dialogue import Ask, functions
from clinsim.agents.parsing import parse_reply
from clinsim.errors import UsageError
from clinsim.record import Reply
from clinsim.training.chat_settings import HERE
from clinsim.training.writing import Answer, drawn

_ONE_AT_A_TIME = Lock()
"""Adapters of one model take turns: they are switched on for all of it."""


def prompt_of(words: Any, ask: Ask, dialect: str) -> list[int]:
    """The tokens of a question, as a server makes them by the template of the model."""
    tools = functions(ask.cards, strict=False) if dialect == "tools" and ask.cards else None
    tokens: list[int] = words.encode(templated(words, ask.messages, tools, True), add_special_tokens=False)
    return tokens


def templated(words: Any, messages: Iterable[Mapping[str, Any]], tools: Any = None, asks: bool = False) -> str:
    """Messages as the chat template of a model writes them; `asks` if an answer is to follow.

    Raises:
        UsageError: There is no template, or it does not write such messages.
    """
    try:
        return str(words.apply_chat_template(list(messages), tools=tools, add_generation_prompt=asks, tokenize=False))
    except (ValueError, TemplateError) as problem:
        raise UsageError(f"start: its tokenizer has no chat template for what is asked here ({str(problem).splitlines()[0]:.120})") from problem


def check_words(words: Any) -> None:
    """Find out, before anything is played or learnt, whether a tokenizer writes chats and says where an answer ends.

    Raises:
        UsageError: It does not.
    """
    if words.eos_token is None:
        raise UsageError("start: its tokenizer names no token that ends an answer (eos_token)")
    text = templated(words, [{"role": "system", "content": "a"}, {"role": "user", "content": "b"}], asks=True)
    if not words.encode(text, add_special_tokens=False):
        raise UsageError("start: its tokenizer knows no words; are its files in the folder?")


@dataclass(frozen=True, slots=True, eq=False)
class Here:
    """A model, or one adapter of it, that answers as a server would. `bf16`: its arithmetic, if its weights are kept in fp32."""

    chat: PreTrainedModel
    words: Any
    settings: ChatSettings
    adapter: str | None = None
    bf16: bool = False
    model: str = "the model of this run"
    url: str = HERE

    def complete(self, asks: Sequence[Ask]) -> list[Reply]:
        """Answer all questions, in batches of `at_once` of like length, in their order.

        Raises:
            UsageError: A question is longer than what the model can read.
        """
        prompts = [prompt_of(self.words, ask, self.settings.dialect) for ask in asks]
        self._check(max(map(len, prompts), default=0))
        order = sorted(range(len(asks)), key=lambda place: len(prompts[place]))
        replies: dict[int, Reply] = {}
        with _ONE_AT_A_TIME, self._speaking():
            for first in range(0, len(order), self.settings.at_once):
                places = order[first : first + self.settings.at_once]
                answers = self._drawn([prompts[place] for place in places], [asks[place].seed for place in places])
                replies |= {place: self._reply(prompts[place], answer) for place, answer in zip(places, answers, strict=True)}
        return [replies[place] for place in range(len(asks))]

    def _check(self, longest: int) -> None:
        room = self.chat.config.max_position_embeddings
        if longest + self.settings.most_tokens > room:
            raise UsageError(
                f"server: a question has {longest} tokens, an answer up to {self.settings.most_tokens}, and the model reads {room}: lower window"
            )

    def _drawn(self, prompts: Sequence[list[int]], seeds: Sequence[int]) -> list[Answer]:
        wants = self.settings
        with torch.autocast(self.chat.device.type, torch.bfloat16, enabled=self.bf16):
            return drawn(self.chat, prompts, seeds, self.words.eos_token_id, wants.most_tokens, wants.temperature or 1.0)

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        """Not learning meanwhile, and with its own adapter."""
        learning = self.chat.training
        self.chat.train(False)
        if hasattr(self.chat, "peft_config"):
            switch(self.chat, self.adapter)
        try:
            yield
        finally:
            self.chat.train(learning)

    def _reply(self, prompt: list[int], answer: Answer) -> Reply:
        said = str(self.words.decode(answer.tokens, skip_special_tokens=True))
        calls = parse_reply(said).calls[: self.settings.calls]
        tokens = (*prompt, *answer.tokens)
        return Reply(said, calls, len(said), tokens, tuple(min(logp, 0.0) for logp in answer.logps), 0.0, tuple(range(len(prompt), len(tokens))))

"""An OpenAI-compatible server of chat completions: what is asked of it, and its answers as replies.

Pauses and repetitions are those of the library `openai`: overload (429), errors of the server (5xx), time-outs and broken connections are tried again
after pauses that grow from half a second to eight, as often as the settings say. The key comes from the environment alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import openai
from pydantic import BaseModel, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from clinsim.agents.dialogue import Ask, Dialect, functions
from clinsim.agents.parsing import LONGEST_REPLY, call_of, parse_reply
from clinsim.errors import ServerError, UsageError
from clinsim.record import Reply

NO_KEY = "none"
"""What is sent where no key is set: servers of one's own do not ask for one."""
KEY_VARIABLE = "CLINSIM_CHAT_KEY"
LONGEST_COMPLAINT = 200
"""Characters of a server's complaint that are told."""
MILLION = 1_000_000


class ChatSettings(BaseSettings):
    """How a server is asked: from the SPEC (`chat:MODEL@URL#name=value,name=value`), else from the environment (`CLINSIM_CHAT_NAME`)."""

    model_config = SettingsConfigDict(env_prefix="CLINSIM_CHAT_", extra="forbid", frozen=True)

    key: SecretStr = Field(SecretStr(NO_KEY), description="Never in a SPEC: those stand in traces.")
    dialect: Dialect = Field("tools", description="How tools are called: by the server's own means, in Hermes tags, or as bare JSON.")
    calls: int = Field(1, ge=1, le=16, description="Calls of one answer that are made; in the living hospital only the last one's answer is seen.")
    strict: bool = Field(True, description="Let the server hold the model to the schemas of its tools.")
    temperature: float | None = Field(None, ge=0.0, le=2.0, description="None: the server's own; 1 where tokens are kept.")
    most_tokens: int = Field(1024, ge=1, description="Tokens of one answer.")
    window: int = Field(24_000, ge=1_000, description="Characters of turns that are sent as they were; older turns are folded to a line each.")
    timeout: float = Field(120.0, gt=0.0, description="Seconds without a sign of life after which an answer is given up.")
    retries: int = Field(4, ge=0, le=10, description="Times that a question is put again.")
    at_once: int = Field(8, ge=1, le=256, description="Questions that are put at the same time.")
    token_ids: bool = Field(False, description="Ask for token ids and log-probabilities (vLLM): what was sampled is kept, for training.")
    price_in: float = Field(0.0, ge=0.0, description="Of a million tokens that are read.")
    price_out: float = Field(0.0, ge=0.0, description="Of a million tokens that are written.")


# ---------------------------------------------------------------- what a server answers, as far as it is read


class _Function(BaseModel):
    name: str
    arguments: str | Mapping[str, Any] | None = None


class _ToolCall(BaseModel):
    function: _Function


class _Message(BaseModel):
    content: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Chance(BaseModel):
    logprob: float


class _Chances(BaseModel):
    content: list[_Chance] | None = None


class _Choice(BaseModel):
    message: _Message
    logprobs: _Chances | None = None
    token_ids: list[int] | None = None


class _Usage(BaseModel):
    prompt_tokens: int = Field(0, ge=0)
    completion_tokens: int = Field(0, ge=0)


class _Completion(BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    prompt_token_ids: list[int] | None = None
    usage: _Usage | None = None


class Server:
    """A model behind an address."""

    def __init__(self, model: str, url: str, settings: ChatSettings) -> None:
        """Nothing is sent yet."""
        self.model = model
        self.url = url
        self.settings = settings
        self._client = openai.OpenAI(base_url=url, api_key=settings.key.get_secret_value(), timeout=settings.timeout, max_retries=settings.retries)
        self._is_down = False

    def complete(self, asks: Sequence[Ask]) -> list[Reply]:
        """Answer all questions, several at once, in their order.

        Raises:
            ServerError: One of them has no answer that can be read.
        """
        if len(asks) < 2:
            return [self.ask(ask) for ask in asks]
        with ThreadPoolExecutor(min(self.settings.at_once, len(asks))) as pool:
            return list(pool.map(self.ask, asks))

    def ask(self, ask: Ask) -> Reply:
        """Answer one question. After a question that no repetition has got through, the next ones are put once, until one is answered.

        Raises:
            ServerError: There is no answer that can be read.
        """
        retries = 0 if self._is_down else self.settings.retries
        create: Any = self._client.with_options(max_retries=retries).chat.completions.with_raw_response.create  # its types know no such fields
        try:
            answer = create(**self._request(ask))
        except openai.APIStatusError as problem:
            self._is_down = problem.status_code >= 500
            hint = f" (the key is read from {KEY_VARIABLE})" if problem.status_code == 401 else ""
            raise self._failed(f"answers {problem.status_code}: {problem.response.text}", hint) from None
        except openai.APITimeoutError:
            self._is_down = True
            raise self._failed(f"gives no answer within {self.settings.timeout:g} s", _tries(retries)) from None
        except openai.APIConnectionError as problem:
            self._is_down = True
            raise self._failed(f"cannot be reached: {problem.__cause__ or problem}", _tries(retries)) from None
        self._is_down = False
        return self._reply(self._read(answer.content))

    def _request(self, ask: Ask) -> dict[str, Any]:
        """The fields of a request; `max_tokens` is what every server knows, but for the one that has withdrawn it."""
        wants = self.settings
        limit = "max_completion_tokens" if urlsplit(self.url).hostname == "api.openai.com" else "max_tokens"
        fields: dict[str, Any] = {"model": self.model, "messages": list(ask.messages), "seed": ask.seed, limit: wants.most_tokens}
        if wants.dialect == "tools" and ask.cards:
            fields |= {"tools": functions(ask.cards, strict=wants.strict and not wants.token_ids), "parallel_tool_calls": wants.calls > 1}
        if wants.temperature is not None:
            fields["temperature"] = wants.temperature
        return fields | (_sampled(wants.temperature) if wants.token_ids else {})

    def _read(self, body: bytes) -> _Completion:
        try:
            return _Completion.model_validate_json(body)
        except ValidationError as problem:
            first = problem.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise self._failed(f"answers what is no chat completion: {where + ': ' if where else ''}{first['msg']}") from None

    def _reply(self, answer: _Completion) -> Reply:
        """An answer as a reply; what a model thought in a field of its own counts as thinking and is not told to anybody."""
        choice, usage = answer.choices[0], answer.usage or _Usage()
        message = choice.message
        content, thought = message.content or "", message.reasoning_content or message.reasoning or ""
        called = [call for one in message.tool_calls or () if (call := call_of(one.function.model_dump())) is not None]
        calls = tuple(called[: self.settings.calls])
        text = "\n".join([part for part in (content[:LONGEST_REPLY], *calls) if part])
        if not called:
            calls = parse_reply(content).calls[: self.settings.calls]
        tokens, decided, logps = _tokens(answer)
        return Reply(
            text, calls, len(thought) + len(content) + sum(map(len, called)), tokens, logps, self._price(usage), decided,
            0 if tokens else usage.prompt_tokens + usage.completion_tokens,
        )  # fmt: skip

    def _price(self, usage: _Usage) -> float:
        return (usage.prompt_tokens * self.settings.price_in + usage.completion_tokens * self.settings.price_out) / MILLION

    def _failed(self, what: str, hint: str = "") -> ServerError:
        """What is the matter, in one line and without the key: a server may have said it back."""
        key = self.settings.key.get_secret_value()
        told = " ".join(what.split())
        told = told if key == NO_KEY else told.replace(key, "***")
        return ServerError(f"{self.url} ({self.model}) {told[:LONGEST_COMPLAINT]}{hint}")


def _tries(retries: int) -> str:
    return f" ({retries + 1} tries)" if retries else ""


def _sampled(temperature: float | None) -> dict[str, Any]:
    """Fields with which a server (vLLM) says which tokens it read and wrote, and draws them from the whole distribution, as is learnt from."""
    whole = {"return_token_ids": True, "top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0}
    return {"logprobs": True, "top_p": 1.0, "temperature": 1.0 if temperature is None else temperature, "extra_body": whole}


def _tokens(answer: _Completion) -> tuple[tuple[int, ...], tuple[int, ...], tuple[float, ...]]:
    """Tokens, which of them were decided, and their log-probabilities; nothing unless the server has told all of it."""
    choice = answer.choices[0]
    prompt, wrote = answer.prompt_token_ids, choice.token_ids
    chances = choice.logprobs.content if choice.logprobs else None
    if not prompt or not wrote or chances is None or len(chances) != len(wrote):
        return (), (), ()
    decided = tuple(range(len(prompt), len(prompt) + len(wrote)))
    return (*prompt, *wrote), decided, tuple(min(chance.logprob, 0.0) for chance in chances)


# ---------------------------------------------------------------- SPEC


def server_of(spec: str) -> Server:
    """The server that `MODEL@URL` names, with settings after a `#`; nothing is sent.

    Raises:
        UsageError: It names none; the message says what is allowed.
    """
    model, at, address = spec.rpartition("@")
    url, _, choices = address.partition("#")
    if not at or not model:
        raise UsageError("chat: give it as chat:MODEL@URL, for example chat:qwen3@http://127.0.0.1:8000/v1")
    _check(url)
    return _server(model, url.rstrip("/"), settings_in(choices))


_server = lru_cache(maxsize=16)(Server)


def _check(url: str) -> None:
    """Refuse an address that is none, or that holds a secret: it stands in traces."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as problem:
        raise UsageError(f"chat: {url!r} is no address ({problem})") from problem
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"chat: {url!r} is no address of a server; give one that begins with http:// or https://")
    if parts.username or parts.password or parts.query:
        raise UsageError(
            f"chat: the address of {parts.hostname} must hold no user and no query: it stands in traces. The key is read from {KEY_VARIABLE}"
        )


def settings_in(choices: str) -> ChatSettings:
    """How a server is asked, from what stands after the `#` of a SPEC.

    Raises:
        UsageError: A setting is unknown or has no such value.
    """
    given: Mapping[str, Any] = dict(parse_qsl(choices.replace(",", "&"), keep_blank_values=True))
    known = [name for name in ChatSettings.model_fields if name != "key"]
    for name in given:
        if name not in known:
            raise UsageError(f"chat: setting {name!r} after # is unknown; there are {', '.join(known)}; the key is read from {KEY_VARIABLE}")
    try:
        return ChatSettings(**given)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        raise UsageError(f"chat: setting {'.'.join(map(str, first['loc']))}: {first['msg']}") from problem

"""What a model wrote, read as calls: bare JSON, Hermes `<tool_call>` tags, or a fenced block. Pure functions that never raise.

A reply in which no call is found keeps its text: the referee answers it, and says what is allowed.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

Dialect = Literal["bare", "hermes", "fenced", "none"]
MOST_CALLS = 16
"""Further calls of one reply are not read."""
LONGEST_REPLY = 131_072
"""Characters of a reply that are read."""
MOST_STARTS = 64
"""Places at which a bare object is looked for."""

_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)
_HERMES = re.compile(r"<tool_call>(.*?)(?:</tool_call>|(?=<tool_call>)|\Z)", re.DOTALL)
_FENCED = re.compile(r"```(\w*)[ \t]*\r?\n(.*?)(?:```|\Z)", re.DOTALL)
_FENCES = frozenset({"", "json", "tool_call"})
_START = re.compile(r'[{\[]\s*[{"]')


def _finite(text: str) -> float | None:
    """A number, or None where no float is as large: 1e999 is no more a number than NaN."""
    number = float(text)
    return number if math.isfinite(number) else None


_DECODER = json.JSONDecoder(parse_constant=lambda _: None, parse_float=_finite)


class Parsed(NamedTuple):
    """The calls of a reply as action strings, in order, and how they were written."""

    calls: tuple[str, ...]
    dialect: Dialect


def parse_reply(text: str) -> Parsed:
    """Find the calls in a reply.

    Args:
        text: What the model wrote; thoughts between `<think>` tags are passed over.

    Returns:
        At most `MOST_CALLS` calls. A tag or fence whose content is no call is handed on as it stands, so that its author is told what is
        wrong with it. `calls` is empty if nothing looks like a call.
    """
    said = _THOUGHT.sub("", text[:LONGEST_REPLY])
    marked = [found[1].strip() for found in _HERMES.finditer(said)]
    if marked:
        return Parsed(_from_blocks(marked), "hermes")
    fenced = [found[2].strip() for found in _FENCED.finditer(said) if found[1] in _FENCES]
    calls = _from_blocks([block for block in fenced if block.startswith(("{", "["))])
    if calls:
        return Parsed(calls, "fenced")
    calls = tuple(_bare(said))[:MOST_CALLS]
    return Parsed(calls, "bare" if calls else "none")


def _from_blocks(blocks: Sequence[str]) -> tuple[str, ...]:
    calls = (call for block in blocks for call in (tuple(_calls_of(_decoded(block))) or (block,)))
    return tuple(calls)[:MOST_CALLS]


def _bare(said: str) -> Iterator[str]:
    """Calls in objects that stand in the text, one after the other."""
    end = 0
    for tried, found in enumerate(_START.finditer(said)):
        if tried >= MOST_STARTS:
            return
        if found.start() < end:
            continue
        try:
            value, end = _DECODER.raw_decode(said, found.start())
        except (ValueError, RecursionError):
            continue
        yield from _calls_of(value)


def _decoded(block: str) -> Any:
    try:
        return _DECODER.decode(block)
    except (ValueError, RecursionError):
        return None


def first_object(text: str) -> dict[str, Any] | None:
    """The first JSON object in a reply, in a fence or not; None if there is none."""
    said = without_thoughts(text[:LONGEST_REPLY])
    for tried, found in enumerate(re.finditer(r"\{", said)):
        if tried >= MOST_STARTS:
            break
        try:
            value, _ = _DECODER.raw_decode(said, found.start())
        except (ValueError, RecursionError):
            continue
        return dict(value)
    return None


def without_thoughts(text: str) -> str:
    """What a model says to others: its reply without what it thought between `<think>` tags."""
    return _THOUGHT.sub("", text).strip()


def _calls_of(value: Any) -> Iterator[str]:
    """The calls in a decoded value: an object, or a list of them."""
    for item in value if isinstance(value, list) else [value]:
        call = call_of(item)
        if call is not None:
            yield call


def call_of(item: Any) -> str | None:
    """An action string, if the object names a tool; `{"function": {...}}` and `parameters` are what some models were taught."""
    if isinstance(item, dict) and isinstance(item.get("function"), dict):
        item = item["function"]
    if not isinstance(item, dict) or not isinstance(item.get("name"), str):
        return None
    arguments = item.get("arguments", item.get("parameters", {}))
    if isinstance(arguments, str):
        arguments = _decoded(arguments) if arguments.strip() else {}
    try:
        return _whole(json.dumps({"name": item["name"], "arguments": arguments}, ensure_ascii=False, separators=(",", ":")))
    except RecursionError:  # what could just be read may be too deep to be written
        return None


def _whole(text: str) -> str:
    """A text in which halves of characters (lone surrogates, which JSON can write and nothing can send) are marked as lost."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

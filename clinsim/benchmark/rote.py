"""Rote play of a static task: read everything on the task's subjects, then give back what stands out, without weighing it.

The policy sees what any agent sees: the ticket, the tools, their answers. It calls every reading tool on every subject, fills the words that
a tool asks for from the ticket and from what it has read, takes suggested levels and totals as they come, and never writes an order. What it
earns is what a task pays for looking things up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import combinations, islice, product
from typing import Any

from clinsim.benchmark.assertion import phrase
from clinsim.benchmark.play import Play
from clinsim.benchmark.task import SUBMISSIONS
from clinsim.tooling import ToolSpec

ANSWER, REPORT = SUBMISSIONS
ROOM = 2
"""Calls kept back for the answer."""
WORDS_SAID = 75
"""Words of an answer: so many cost nothing under the strict scorer."""
CALLS_OF_A_TOOL = 6
"""Times that one tool is called with words of different kinds."""
NAMES = {"drug": ("drug_name", "drug", "name"), "test": ("test_name", "label"), "code": ("icd_codes",)}
"""Fields of an answer that hold names which another tool asks for."""
PLACES = {1: "resuscitation bay", 2: "monitored bed", 3: "acute bed", 4: "fast track", 5: "fast track"}
"""Where a level usually goes, as the house rules of the triage suite say."""
MIDDLE_LEVEL = 3
FLAGS = frozenset({"H", "L", "HH", "LL", "C", "high", "low", "critical"})
SENTENCE = re.compile(r"(?<=[.;])\s+")


def rote(play: Play) -> None:
    """Read every reading tool on the task's subjects, then say what stands out."""
    read = read_all(play)
    lines = lines_of(read)
    submit(play, chosen_option(play, lines) if play.task.options else _prominent(play, lines), read)


def read_all(play: Play) -> list[Any]:
    """What every reading tool answers on the task's subjects."""
    read: list[Any] = []
    for spec in list(play.stage.tools.values()):
        if "write" not in spec.tags and "generic" not in spec.tags:
            read += _read(play, spec, read)
    return read


def lines_of(read: list[Any]) -> list[str]:
    """All statements in what was read, each once."""
    return list(dict.fromkeys(line for result in read for line in statements(result)))


def _read(play: Play, spec: ToolSpec, read: list[Any]) -> list[Any]:
    answers = []
    for arguments in islice(_fillings(play, spec, read), CALLS_OF_A_TOOL):
        if play.turns >= play.max_turns - ROOM:
            break
        made = play.make(spec.name, arguments)
        answers += [made.result] if made.ok else []
    return answers


def _fillings(play: Play, spec: ToolSpec, read: list[Any]) -> Iterator[dict[str, Any]]:
    """Arguments for one tool: subjects for ids, and for words what the ticket says or earlier answers name."""
    schema = spec.card.parameters
    needed = schema["required"]
    if {"drug_a", "drug_b"} <= set(needed):
        yield from ({"drug_a": a, "drug_b": b} for a, b in combinations(names_in(read, NAMES["drug"])[:4], 2))
        return
    choices = [_choices(name, schema["properties"][name], play, read) for name in needed]
    yield from (dict(zip(needed, values, strict=True)) for values in product(*choices))


def _choices(name: str, rule: Mapping[str, Any], play: Play, read: list[Any]) -> list[Any]:
    if name.endswith("_id"):
        return list(play.task.subjects)
    if name in ("lab_name", "test_name"):
        return names_in(read, NAMES["test"])[:CALLS_OF_A_TOOL]
    if name == "code":
        return names_in(read, NAMES["code"])[:CALLS_OF_A_TOOL]
    if name == "indication":
        return ["PE", "DVT"]
    if rule.get("type") == "integer":
        return [_level(read)]
    return [play.task.ticket[:200]] if rule.get("type") == "string" else []


def names_in(value: Any, fields: tuple[str, ...]) -> list[str]:
    """The texts under some fields of an answer, each once, in order."""
    return list(dict.fromkeys(_names(value, fields)))


def _names(value: Any, fields: tuple[str, ...]) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key in fields:
                yield from (text for text in (inner if isinstance(inner, list) else [inner]) if isinstance(text, str))
            yield from _names(inner, fields)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _names(inner, fields)


def statements(value: Any) -> Iterator[str]:
    """An answer as short sentences: a row of plain values is one, a longer text is its sentences, a score its name, total and meaning."""
    if isinstance(value, Mapping):
        plain = [str(inner) for inner in value.values() if isinstance(inner, str | int | float) and not isinstance(inner, bool) and inner != ""]
        yield from (part for text in plain if len(text) > 60 for part in SENTENCE.split(text))
        yield " ".join(text for text in plain if len(text) <= 60)
        yield from (line for inner in value.values() if isinstance(inner, Mapping | list | tuple) for line in statements(inner))
    elif isinstance(value, list | tuple):
        yield from (line for inner in value for line in (statements(inner) if isinstance(inner, Mapping | list | tuple) else [str(inner)]))


def _prominent(play: Play, lines: list[str]) -> str:
    """The statements that share most words with the ticket, flagged ones first among equals, up to a fair length."""
    asked = set(phrase(play.task.ticket))
    weight = {line: len(asked & set(phrase(line))) + (1 if FLAGS & set(line.split()) else 0) for line in lines}
    said: list[str] = []
    for line in sorted(lines, key=lambda text: -weight[text]):
        if sum(len(text.split()) for text in said) + len(line.split()) <= WORDS_SAID:
            said.append(line.rstrip("."))
    return ". ".join(said) + "."


def chosen_option(play: Play, lines: list[str]) -> str:
    """The option whose words stand together in one statement most; the first of equals."""
    options = play.task.options
    spoken = [set(phrase(line)) for line in lines]

    def shared(letter: str) -> float:
        words = set(phrase(options[letter]))
        return max((len(words & line) / (1 + len(words)) for line in spoken), default=0.0)

    return max(options, key=shared)


def _level(read: list[Any]) -> int:
    """The triage level that a tool suggested, or the middle one."""
    return next((row["suggested_esi_level"] for row in read if isinstance(row, Mapping) and row.get("suggested_esi_level")), MIDDLE_LEVEL)


def submit(play: Play, text: str, read: list[Any]) -> None:
    """Submit a text as the answer, with the level that a tool suggested where one is asked for."""
    spec = play.stage.tools.get(ANSWER)
    if spec is not None and not play.over:
        fields = spec.card.parameters["properties"]
        level = _level(read)
        known = {"answer": text, "reasoning": text, "esi_level": level, "disposition": PLACES[level]}
        play.make(ANSWER, {name: known[name] for name in spec.card.parameters["required"] if name in fields})
    if not play.over:
        play.say(text)

"""What a small model may write: every call that fits its tools, as a tree of choices among texts.

The grammar, not the prompt, holds the schemas. Names, numbers and texts come from a `Vocabulary` that lies beside the weights; ids are those that
are in sight. A tool for which no id is in sight is left out. Where values are offered for an argument (`answer=A` is in sight), it is one of these.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import Any

from clinsim.errors import UsageError
from clinsim.record import ToolCard

IDS = {"patient_id": "P", "order_id": "O", "study_id": "S", "letter_id": "M", "hadm_id": "P", "image_id": "S", "entry_id": "S"}
"""Arguments that name something in sight, and the letter its ids begin with."""
_ID = re.compile(r"\b[POSM]\d{4}\b")
MOST_IN_A_LIST = 3
"""Items of a list argument, findings of a report for instance, that the grammar allows."""
Values = Sequence[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """One of several texts; behind some of them comes more than what stands behind the choice itself."""

    after: Mapping[str, Form]


Form = tuple[str | Choice, ...]
"""Texts that must be written, and choices, in order."""


def ids_in(text: str) -> tuple[str, ...]:
    """Ids that stand in a text, each once, in order."""
    return tuple(dict.fromkeys(_ID.findall(text)))


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Values that may be written, by `tool.argument` (`tool.argument.field` inside lists): names, numbers, and texts."""

    values: Mapping[str, Values] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Vocabulary:
        """Read a vocabulary from its file.

        Raises:
            ValueError: The file holds something else.
        """
        values = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(values, dict):
            raise ValueError(f"{path.name} is no vocabulary")
        return cls(values)

    def save(self, path: Path) -> None:
        """Write the vocabulary to a file."""
        path.write_text(json.dumps(self.values, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")

    def nearest(self, key: str, value: Any) -> Any:
        """The value of the vocabulary that comes closest to `value`: by ratio for numbers, by shared words for texts."""
        known = self.values.get(key, ())
        if value in known or not known:
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return min(known, key=lambda other: (abs(float(other) - value) / max(abs(float(other)), abs(value)), float(other)))
        words = set(str(value).lower().split())
        return max(known, key=lambda other: (_overlap(words, set(str(other).lower().split())), str(other)))


def plain(value: Any) -> Any:
    """A whole number without its point: 80 and 80.0 are written alike."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _overlap(one: set[str], other: set[str]) -> float:
    return len(one & other) / max(1, len(one | other))


def offered(argument: str, ids: Sequence[str]) -> list[str]:
    """The values that are offered for an argument by what is in sight: `A` by `answer=A`."""
    return [one.removeprefix(f"{argument}=") for one in ids if one.startswith(f"{argument}=")]


def canonical(call: Mapping[str, Any], card: ToolCard, vocabulary: Vocabulary, ids: Sequence[str] = ()) -> str:
    """A call as the grammar writes it: every argument in the order of the schema, values of the vocabulary or offered ones, no spaces."""
    rules = card.parameters["properties"]
    given = call.get("arguments") or {}
    filled = {name: given.get(name, rule.get("default")) for name, rule in rules.items()}
    arguments = {
        name: _offered_or_known(f"{card.name}.{name}", value, vocabulary, offered(name, ids)) for name, value in filled.items() if value is not None
    }
    return written({"name": card.name, "arguments": arguments})


def _offered_or_known(key: str, value: Any, vocabulary: Vocabulary, offers: Sequence[str]) -> Any:
    """What is offered if it is that, or the one thing that is offered; else the nearest value of the vocabulary."""
    if value in offers or key.rpartition(".")[2] in IDS:
        return value
    return offers[0] if len(offers) == 1 else _nearest_in(key, value, vocabulary)


def written(call: Any) -> str:
    """The text of a call, or of a value in one."""
    return json.dumps(call, separators=(",", ":"), ensure_ascii=False)


def _nearest_in(key: str, value: Any, vocabulary: Vocabulary) -> Any:
    if isinstance(value, list):
        return [_nearest_in(key, item, vocabulary) for item in value[:MOST_IN_A_LIST]]
    if isinstance(value, Mapping):
        return {name: _nearest_in(f"{key}.{name}", inner, vocabulary) for name, inner in value.items()}
    return value if key.rpartition(".")[2] in IDS else vocabulary.nearest(key, plain(value))


def calls_form(cards: Sequence[ToolCard], vocabulary: Vocabulary, ids: Sequence[str]) -> Form:
    """Every call that may be written now.

    Raises:
        UsageError: None may: no tool can be used with the ids in sight and the words of the vocabulary.
    """
    calls = {card.name: form for card in cards if (form := _call_form(card, vocabulary, ids)) is not None}
    if not calls:
        raise UsageError("no tool can be called: the model has no words for what these tools want to be told")
    return ('{"name":"', Choice(calls))


def _call_form(card: ToolCard, vocabulary: Vocabulary, ids: Sequence[str]) -> Form | None:
    required = set(card.parameters.get("required", ()))
    arguments: dict[str, Form] = {}
    for name, rule in card.parameters["properties"].items():
        value = _value_form(f"{card.name}.{name}", name, rule, vocabulary, ids)
        if value:
            arguments[name] = value
        elif name in required:
            return None
    return _joined(['","arguments":', *_object(arguments), "}"])


def _value_form(key: str, name: str, rule: Mapping[str, Any], vocabulary: Vocabulary, ids: Sequence[str]) -> Form:
    """What may be written for a value; empty if nothing may."""
    if name in IDS:
        return _enumeration([one for one in ids if one.startswith(IDS[name])])
    if values := offered(name, ids):
        return _enumeration(values)
    if rule.get("type") == "array":
        return _list_form(key, rule["items"], vocabulary, ids)
    if "enum" in rule:
        return _enumeration(rule["enum"])
    return _enumeration((False, True) if rule.get("type") == "boolean" else vocabulary.values.get(key, ()))


def _list_form(key: str, item: Mapping[str, Any], vocabulary: Vocabulary, ids: Sequence[str]) -> Form:
    """A list of at most `MOST_IN_A_LIST` items, each of one form."""
    if item.get("type") != "object":
        inner = _value_form(key, "", item, vocabulary, ids)
    else:
        fields = {name: _value_form(f"{key}.{name}", name, part, vocabulary, ids) for name, part in item["properties"].items()}
        inner = _object({name: part for name, part in fields.items() if part})
    if not inner or not isinstance(inner[0], str):
        return ()
    more: Form = ("]",)
    for _ in range(MOST_IN_A_LIST - 1):
        more = (Choice({"]": (), ",": _joined([*inner, *more])}),)
    return ("[", Choice({"]": (), inner[0]: _joined([*inner[1:], *more])}))


def _enumeration(values: Values) -> Form:
    """One of some values, all texts or none of them."""
    quote = '"' if values and isinstance(values[0], str) else ""
    texts = [written(value) for value in values]
    return _joined([quote, Choice({text[len(quote) : len(text) - len(quote)]: () for text in texts}), quote]) if texts else ()


def _object(fields: Mapping[str, Form]) -> Form:
    parts: list[str | Choice] = []
    for name, form in fields.items():
        parts += ["," if parts else "{", f'"{name}":', *form]
    return _joined([*(parts or ["{"]), "}"])


def _joined(parts: Iterable[str | Choice]) -> Form:
    """Parts with neighbouring texts in one, and choices of one text as texts."""
    return reduce(_with_part, parts, ())


def _with_part(form: Form, part: str | Choice) -> Form:
    if isinstance(part, Choice) and len(part.after) == 1:
        ((text, after),) = part.after.items()
        return reduce(_with_part, (text, *after), form)
    if isinstance(part, str) and form and isinstance(form[-1], str):
        return (*form[:-1], form[-1] + part)
    return (*form, part) if part else form


def pieces(form: Form, text: str) -> list[str]:
    """The texts of a form, one after the other, that make up `text`.

    Raises:
        ValueError: The form does not write it.
    """
    ahead, found, rest = list(reversed(form)), [], text
    while ahead:
        part = ahead.pop()
        fitting = [part] if isinstance(part, str) else list(part.after)
        piece = max((one for one in fitting if rest.startswith(one)), key=len, default=None)
        if piece is None:
            raise ValueError(f"the grammar does not go on with {rest!r:.80}")
        found.append(piece)
        rest = rest[len(piece) :]
        if isinstance(part, Choice):
            ahead += reversed(part.after[piece])
    if rest:
        raise ValueError(f"the grammar ends before {rest!r:.80}")
    return found

"""What a small model may write: a JSON schema of all calls that fit its tools, with every value enumerated.

The grammar, not the prompt, holds the schemas. Names and texts come from a `Vocabulary` that lies beside the weights; ids are those that the
prompt shows. A tool for which no id is in sight is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clinsim.record import ToolCard

IDS = {"patient_id": "P", "order_id": "O", "study_id": "S", "letter_id": "M"}
"""Arguments that name something in sight, and the letter its ids begin with."""
_ID = re.compile(r"\b[POSM]\d{4}\b")
MOST_IN_A_LIST = 3
"""Items of a list argument, findings of a report for instance, that the grammar allows."""
Values = Sequence[Any]


def ids_in(text: str) -> tuple[str, ...]:
    """Ids that stand in a text, each once, in order."""
    return tuple(dict.fromkeys(_ID.findall(text)))


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Values that may be written, by `tool.argument` (`tool.argument.field` inside lists): names, numbers, and texts."""

    values: Mapping[str, Values] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Vocabulary:
        """Read a vocabulary from its file."""
        return cls(json.loads(path.read_text(encoding="utf-8")))

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


def canonical(call: Mapping[str, Any], card: ToolCard, vocabulary: Vocabulary) -> str:
    """A call as the grammar writes it: every argument in the order of the schema, values of the vocabulary, no spaces."""
    rules = card.parameters["properties"]
    given = call.get("arguments") or {}
    filled = {name: given.get(name, rule.get("default")) for name, rule in rules.items()}
    arguments = {name: _nearest_in(f"{card.name}.{name}", value, vocabulary) for name, value in filled.items() if value is not None}
    return written({"name": card.name, "arguments": arguments})


def written(call: Mapping[str, Any]) -> str:
    """The text of a call."""
    return json.dumps(call, separators=(",", ":"), ensure_ascii=False)


def _nearest_in(key: str, value: Any, vocabulary: Vocabulary) -> Any:
    if isinstance(value, list):
        return [_nearest_in(key, item, vocabulary) for item in value[:MOST_IN_A_LIST]]
    if isinstance(value, Mapping):
        return {name: _nearest_in(f"{key}.{name}", inner, vocabulary) for name, inner in value.items()}
    return value if key.rpartition(".")[2] in IDS else vocabulary.nearest(key, plain(value))


def calls_schema(cards: Sequence[ToolCard], vocabulary: Vocabulary, ids: Sequence[str]) -> dict[str, Any]:
    """The JSON schema of every call that may be written now.

    Raises:
        ValueError: None may: no tool can be used with the ids in sight.
    """
    calls = [rule for card in cards if (rule := _call_rule(card, vocabulary, ids)) is not None]
    if not calls:
        raise ValueError("no tool can be called with what is in sight")
    return {"anyOf": calls}


def _call_rule(card: ToolCard, vocabulary: Vocabulary, ids: Sequence[str]) -> dict[str, Any] | None:
    rules = card.parameters["properties"]
    required = set(card.parameters.get("required", ()))
    arguments: dict[str, Any] = {}
    for name, rule in rules.items():
        open_values = _value_rule(f"{card.name}.{name}", name, rule, vocabulary, ids)
        if open_values is not None:
            arguments[name] = open_values
        elif name in required:
            return None
    return _object({"name": {"const": card.name}, "arguments": _object(arguments)})


def _value_rule(key: str, name: str, rule: Mapping[str, Any], vocabulary: Vocabulary, ids: Sequence[str]) -> dict[str, Any] | None:
    if name in IDS:
        return _enumeration([one for one in ids if one.startswith(IDS[name])])
    if rule.get("type") == "array":
        return _list_rule(key, rule, vocabulary, ids)
    if "enum" in rule:
        return _enumeration(rule["enum"])
    if rule.get("type") == "boolean":
        return {"type": "boolean"}
    return _enumeration(vocabulary.values.get(key, ()))


def _list_rule(key: str, rule: Mapping[str, Any], vocabulary: Vocabulary, ids: Sequence[str]) -> dict[str, Any] | None:
    item = rule["items"]
    if item.get("type") != "object":
        inner = _value_rule(key, "", item, vocabulary, ids)
    else:
        fields = {name: _value_rule(f"{key}.{name}", name, part, vocabulary, ids) for name, part in item["properties"].items()}
        inner = _object({name: part for name, part in fields.items() if part is not None})
    return None if inner is None else {"type": "array", "items": inner, "maxItems": MOST_IN_A_LIST}


def _enumeration(values: Values) -> dict[str, Any] | None:
    return {"enum": list(values)} if values else None


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties), "required": list(properties), "additionalProperties": False}

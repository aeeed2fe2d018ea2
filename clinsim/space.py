"""Spaces of text: any string is an action, and samples are tool calls that fit, so that random play reaches real code.

Gymnasium's own `Text` knows one alphabet, scans every character, and samples up to its full length: none of that
suits what a model may write.
"""

from __future__ import annotations

import copy
import json
import re
import string
from collections.abc import Iterable, Iterator
from typing import Any, Self

from gymnasium.spaces import Text

from clinsim.record import ToolCard

MAX_CHARACTERS = 2**31 - 1
"""Declared length of a text: nothing that a model can write is outside the space."""
NOISE_CHARACTERS = 40
NOISE = (
    "",
    "{",
    '{"name": []}',
    '{"name": "wait", "arguments": null}',
    "µ° “患者” 🩺",
    "[1, 2",
    "null",
    '{"name": "no_such_tool"}',
)
SPARE_NUMBER = 60
"""Highest number sampled where a schema states no maximum."""
P_OPTIONAL = 0.5
P_KNOWN = 0.9


class UnicodeText(Text):
    """Strings of any script and any length; a sample is a short one."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(MAX_CHARACTERS, min_length=0, charset=string.printable, seed=seed)

    def contains(self, x: Any) -> bool:
        """Whether `x` is a string: each one is a member."""
        return isinstance(x, str)

    def sample(self, mask: Any = None, probability: Any = None) -> str:
        """A short string, printable or odd; `mask` and `probability` have no meaning for it and must be None."""
        if mask is not None or probability is not None:
            raise ValueError("a text of any script has no mask: pass None")
        if self.np_random.random() < 0.5:
            return NOISE[self._below(len(NOISE))]
        return "".join(self.character_list[self._below(len(self.character_list))] for _ in range(self._below(NOISE_CHARACTERS)))

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """A space that draws on from the same point; alphabet and tools are shared."""
        twin = copy.copy(self)
        twin._np_random = copy.deepcopy(self._np_random, memo)
        return twin

    @property
    def is_np_flattenable(self) -> bool:
        """No: a text of any length has no array of fixed length."""
        return False

    def _below(self, n: int) -> int:
        return int(self.np_random.integers(n))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def __eq__(self, other: object, /) -> bool:
        return type(other) is type(self)


class ToolCallText(UnicodeText):
    """Any string; with probability `p_valid` a sample is a call that fits the schema of one of `tools`.

    `offer(text)` tells the space the newest observation of its agent, so that sampled calls name patients, orders and
    studies that exist.
    """

    def __init__(self, tools: Iterable[ToolCard], p_valid: float = 0.8, seed: int | None = None) -> None:
        super().__init__(seed)
        self.tools = tuple(tools)
        self.p_valid = p_valid
        self._text = ""
        self._known: dict[str, list[Any]] | None = {}

    def offer(self, text: str) -> None:
        """Take names for samples from `text`, an observation in JSON; it is read only when the next sample needs it."""
        if text != self._text:
            self._text = text
            self._known = None

    def sample(self, mask: Any = None, probability: Any = None) -> str:
        """A tool call that fits its schema, or (with probability 1 - `p_valid`) noise."""
        if not self.tools or self.np_random.random() >= self.p_valid:
            return super().sample(mask, probability)
        card = self.tools[self._below(len(self.tools))]
        return json.dumps({"name": card.name, "arguments": self._arguments(card.parameters)}, ensure_ascii=False)

    def __repr__(self) -> str:
        return f"ToolCallText({[card.name for card in self.tools]}, p_valid={self.p_valid})"

    def __eq__(self, other: object, /) -> bool:
        return isinstance(other, ToolCallText) and (self.tools, self.p_valid) == (other.tools, other.p_valid)

    def _arguments(self, schema: dict[str, Any]) -> dict[str, Any]:
        wanted = schema.get("required", ())
        defs = schema.get("$defs", {})
        return {
            name: self._value(name, rule, defs)
            for name, rule in schema["properties"].items()
            if name in wanted or self.np_random.random() < P_OPTIONAL
        }

    def _value(self, name: str, rule: dict[str, Any], defs: dict[str, Any]) -> Any:
        rule = _resolved(rule, defs)
        if "anyOf" in rule:
            options = rule["anyOf"]
            return self._value(name, {**options[self._below(len(options))], "description": rule.get("description", "")}, defs)
        if choices := rule.get("enum") or ([rule["const"]] if "const" in rule else None):
            return choices[self._below(len(choices))]
        makers = {
            "string": self._string,
            "integer": self._integer,
            "number": self._number,
            "boolean": lambda _name, _rule, _defs: bool(self._below(2)),
            "array": self._array,
            "object": self._object,
        }
        return makers[rule["type"]](name, rule, defs) if rule.get("type") in makers else None

    def _string(self, name: str, rule: dict[str, Any], defs: dict[str, Any]) -> str:
        known = self._names().get(name, []) or self._names().get(name.removesuffix("_id"), [])
        if known and self.np_random.random() < P_KNOWN:
            return str(known[self._below(len(known))])
        examples = re.findall(r"for example ([\w./-]*\w)", rule.get("description", "")) or ["note"]
        text: str = examples[self._below(len(examples))]
        return text.ljust(rule.get("minLength", 0), ".")[: rule.get("maxLength", MAX_CHARACTERS)]

    def _integer(self, name: str, rule: dict[str, Any], defs: dict[str, Any]) -> int:
        low = int(rule.get("minimum", rule.get("exclusiveMinimum", -1) + 1))
        high = int(rule.get("maximum", rule.get("exclusiveMaximum", max(low, SPARE_NUMBER) + 1) - 1))
        return low + self._below(max(1, high - low + 1))

    def _number(self, name: str, rule: dict[str, Any], defs: dict[str, Any]) -> float:
        low = float(rule.get("minimum", rule.get("exclusiveMinimum", 0.0)))
        high = float(rule.get("maximum", rule.get("exclusiveMaximum", max(low, 0.0) + SPARE_NUMBER)))
        return round(low + (high - low) * (0.01 + 0.98 * float(self.np_random.random())), 6)

    def _array(self, name: str, rule: dict[str, Any], defs: dict[str, Any]) -> list[Any]:
        low, high = rule.get("minItems", 0), rule.get("maxItems", max(3, rule.get("minItems", 0)))
        item = rule.get("items", {"type": "string"})
        return [self._value(name.removesuffix("s"), item, defs) for _ in range(low + self._below(high - low + 1))]

    def _object(self, name: str, rule: dict[str, Any], defs: dict[str, Any]) -> dict[str, Any]:
        if "properties" in rule:
            return self._arguments({**rule, "$defs": defs})
        inner = rule.get("additionalProperties")
        inner = inner if isinstance(inner, dict) else {"type": "string"}
        return {f"{name}_{k}": self._value(name, inner, defs) for k in range(self._below(3))}

    def _names(self) -> dict[str, list[Any]]:
        if self._known is None:
            self._known = {}
            for key, value in _leaves("", json.loads(self._text)):
                held = self._known.setdefault(key, [])
                if value not in held:
                    held.append(value)
        return self._known


def _resolved(rule: dict[str, Any], defs: dict[str, Any]) -> dict[str, Any]:
    return defs[rule["$ref"].rpartition("/")[2]] if "$ref" in rule else rule


def _leaves(key: str, value: Any) -> Iterator[tuple[str, str]]:
    """Each string in `value`, with the key that it stands under."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for inner, part in value.items():
            yield from _leaves(inner, part)
    elif isinstance(value, list):
        for part in value:
            yield from _leaves(key, part)

"""How a calculator is declared, and the one way to use it with units.

A calculator is a typed function with a Google docstring; `@calculator` registers it and returns it unchanged. The function computes in the
units of its types (`clinsim.hospital.calculators.measures`). `Calculator.of` takes quantities, converts them, refuses what it does not
know, and says what was missing. A parameter without a default is needed; the default of another is what counts when it is not given, and
then its name stands in `Score.missing`. A finding (true or false) that is not given counts as absent. Of nothing at all nothing is computed.
"""

from __future__ import annotations

import datetime
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import NoneType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from clinsim.hospital.calculators.quantity import InputError, Measure, Quantity

Value = float | str | None
Given = Quantity | float | bool | str | datetime.date | None
Kind = Measure | tuple[str, ...] | type[bool] | type[datetime.date]
"""What an input is: a measure, one of some words, a finding (true or false), or a day."""
Bands = tuple[tuple[float, str], ...]
"""Upper bounds (inclusive) and what a value up to there means, ascending."""
Steps = tuple[tuple[float, float], ...]
"""Bounds and points; see `at_least`, `at_most` and `below`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a formula returns when there is more to say than a number."""

    value: Value
    interpretation: str = ""
    components: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Score:
    """The answer of a calculator: the value and its unit, how it came about, what was used, what was missing, and whose rule it is.

    `inputs` holds what was computed with, in the units of the formula, defaults included. `value` is None where the rule gives none.
    """

    calculator: str
    value: Value
    unit: str
    components: Mapping[str, float]
    interpretation: str
    inputs: Mapping[str, float | bool | str | None]
    missing: tuple[str, ...]
    citation: str


@dataclass(frozen=True, slots=True)
class Input:
    """One input: its name, what it is, whether it is needed, what counts when it is not given, and its meaning."""

    name: str
    kind: Kind
    needed: bool
    default: Any
    text: str

    @property
    def allowed(self) -> str:
        """Units or words that are accepted."""
        if isinstance(self.kind, Measure):
            return ", ".join(unit or "plain number" for unit in self.kind.units)
        if isinstance(self.kind, tuple):
            return ", ".join(self.kind)
        return "true, false" if self.kind is bool else "YYYY-MM-DD"

    def read(self, given: Given) -> Any:
        """What the formula gets.

        Raises:
            InputError: It is none of what is allowed.
        """
        if isinstance(self.kind, Measure):
            if not isinstance(given, (Quantity, float, int)):
                raise InputError(f"{self.name} = {given!r}; allowed a quantity in {self.allowed}")
            return self.kind.read(self.name, given)
        if isinstance(self.kind, tuple) and given in self.kind:
            return given
        if self.kind is bool and isinstance(given, bool):
            return given
        if self.kind is datetime.date and isinstance(given, datetime.date):
            return given
        raise InputError(f"{self.name} = {given!r}; allowed {self.allowed}")


@dataclass(frozen=True, slots=True)
class Calculator:
    """A declared calculator."""

    name: str
    title: str
    unit: str
    citation: str
    summary: str
    inputs: tuple[Input, ...]
    formula: Callable[..., Answer | float]

    def of(self, **given: Given) -> Score:
        """Compute from quantities with units; None is the same as not given.

        Raises:
            InputError: An input is unknown, needed and missing, in an unknown unit, or impossible; or there is none.
        """
        known = {rule.name for rule in self.inputs}
        if strange := sorted(set(given) - known):
            raise InputError(f"{self.name} takes no {', '.join(strange)}; it takes {', '.join(sorted(known))}")
        used = {rule.name: rule.read(given[rule.name]) for rule in self.inputs if given.get(rule.name) is not None}
        missing = tuple(rule.name for rule in self.inputs if rule.name not in used)
        if needed := [f"{rule.name} ({rule.allowed})" for rule in self.inputs if rule.needed and rule.name in missing]:
            raise InputError(f"{self.name} needs {'; '.join(needed)}")
        if not used:
            raise InputError(f"{self.name} is given nothing; it takes {', '.join(rule.name for rule in self.inputs)}")
        computed = self.formula(**used)
        answer = computed if isinstance(computed, Answer) else Answer(computed)
        inputs = {rule.name: _plain(used.get(rule.name, rule.default)) for rule in self.inputs}
        return Score(self.name, answer.value, self.unit, answer.components, answer.interpretation, inputs, missing, self.citation)


F = TypeVar("F", bound=Callable[..., Answer | float])
_DECLARED: dict[str, Calculator] = {}


def calculator(title: str, *, unit: str, citation: str, name: str = "") -> Callable[[F], F]:
    """Declare the decorated function as a calculator; the function stays as it is.

    Args:
        title: What clinicians call it.
        unit: Unit of the value.
        citation: Whose rule it is.
        name: Name to call it by; that of the function if empty.

    Raises:
        TypeError: A parameter lacks a usable type or an `Args:` line, or the name is taken.
    """

    def register(function: F) -> F:
        summary, texts = _docstring(function)
        hints = get_type_hints(function, include_extras=True)
        parameters = inspect.signature(function).parameters.values()
        inputs = tuple(_input(rule, hints[rule.name], texts) for rule in parameters)
        declared = Calculator(name or function.__name__, title, unit, citation, summary, inputs, function)
        if _DECLARED.setdefault(declared.name, declared) is not declared:
            raise TypeError(f"calculator {declared.name} is declared twice")
        return function

    return register


def declared(module: str) -> tuple[Calculator, ...]:
    """The calculators that a module has declared, in its order.

    Args:
        module: Full name of an imported module.
    """
    return tuple(rule for rule in _DECLARED.values() if rule.formula.__module__ == module)


def _input(parameter: inspect.Parameter, hint: Any, texts: Mapping[str, str]) -> Input:
    kind = _kind(hint)
    if kind is None or parameter.name not in texts:
        raise TypeError(f"parameter {parameter.name} needs a measure, a Literal, bool or date as its type, and a line under Args:")
    needed = parameter.default is inspect.Parameter.empty
    return Input(parameter.name, kind, needed, None if needed else parameter.default, texts[parameter.name])


def _kind(hint: Any) -> Kind | None:
    parts = [part for part in get_args(hint) if part is not NoneType]
    if hint is bool or hint is datetime.date:
        return hint
    if get_origin(hint) is Literal:
        return tuple(parts)
    measures = [part for part in parts if isinstance(part, Measure)]
    return measures[0] if measures else (_kind(parts[0]) if len(parts) == 1 else None)


def _docstring(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    head, _, rest = (inspect.getdoc(function) or "").partition("\nArgs:\n")
    block = re.split(r"\n(?=\S)", rest, maxsplit=1)[0]
    lines = re.finditer(r"^ {4}(\w+): (.*(?:\n {8,}.*)*)", block, flags=re.MULTILINE)
    return " ".join(head.split("\n\n")[0].split()), {line[1]: " ".join(line[2].split()) for line in lines}


def _plain(value: Any) -> float | bool | str | None:
    return value.isoformat() if isinstance(value, datetime.date) else value


# ---------------------------------------------------------------- points


def at_least(value: float, steps: Steps) -> float:
    """Points of the first bound that the value reaches; bounds descend, below the last there are none."""
    return next((points for bound, points in steps if value >= bound), 0)


def at_most(value: float, steps: Steps) -> float:
    """Points of the first bound that the value does not exceed; bounds ascend, above the last there are none."""
    return next((points for bound, points in steps if value <= bound), 0)


def below(value: float, steps: Steps) -> float:
    """Points of the first bound that the value lies under; bounds ascend, from the last on there are none."""
    return next((points for bound, points in steps if value < bound), 0)


def meaning(value: float, bands: Bands) -> str:
    """What a value means: the text of the first band that holds it."""
    return next(text for bound, text in bands if value <= bound)


def total(components: Mapping[str, float], bands: Bands, unknown: Sequence[str] = ()) -> Answer:
    """A score that is the sum of its components, read by bands; what it means says of which components nothing is known."""
    value = sum(components.values())
    said = meaning(value, bands)
    return Answer(value, f"at least: {said}; nothing is given of {', '.join(unknown)}" if unknown else said, dict(components))

"""A number with its unit, and what a calculator accepts: which units, how they convert, what is physically possible."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Real

BARE = ""
"""The unit of what has none: a count, pH, INR, points."""

SPELLINGS: Mapping[str, str] = {
    "mcg": "µg",
    "ug": "µg",
    "umol": "µmol",
    "iu/l": "u/l",
    "bpm": "1/min",
    "/min": "1/min",
    "min-1": "1/min",
    "beats/min": "1/min",
    "breaths/min": "1/min",
    "beatsperminute": "1/min",
    "breathsperminute": "1/min",
    "c": "°c",
    "degc": "°c",
    "celsius": "°c",
    "degreescelsius": "°c",
    "f": "°f",
    "degf": "°f",
    "fahrenheit": "°f",
    "degreesfahrenheit": "°f",
    "year": "y",
    "years": "y",
    "month": "months",
    "week": "weeks",
    "day": "days",
    "d": "days",
    "hour": "h",
    "hours": "h",
    "msec": "ms",
    "lbs": "lb",
    "inch": "in",
    "inches": "in",
    "percent": "%",
    "ml/d": "ml/day",
    "ml/24h": "ml/day",
}
"""Other ways to write a unit, without spaces and in small letters; mcg, ug and umol also at the start of a longer unit."""


class InputError(ValueError):
    """An input that a calculator refuses; the message names it and what is allowed."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A measured number and the unit it was measured in."""

    value: float
    unit: str


@dataclass(frozen=True, slots=True, eq=False)
class Measure:
    """One kind of input: its name, the unit formulas compute in, and the other units that are accepted.

    `factors` turns another unit into `unit` by multiplication; `offsets` is added to the given number before that. Numbers outside
    `low` to `high` (in `unit`) cannot be, nor halves of what is `whole`: they are refused, not clipped.
    """

    name: str
    unit: str
    factors: Mapping[str, float] = field(default_factory=dict)
    low: float = 0.0
    high: float = math.inf
    offsets: Mapping[str, float] = field(default_factory=dict)
    whole: bool = False

    @property
    def units(self) -> tuple[str, ...]:
        """The units accepted, that of the formula first."""
        return (self.unit, *self.factors)

    def read(self, label: str, given: Quantity | float) -> float:
        """The number in `unit`.

        Args:
            label: What the calculator calls this input; for the message.
            given: A quantity, or a plain number where there is no unit.

        Raises:
            InputError: No unit where one is needed, a unit that is not accepted, or a number that cannot be.
        """
        quantity = given if isinstance(given, Quantity) else self._bare(label, given)
        unit = self._known(label, quantity.unit)
        value = _number(label, quantity.value)
        if unit != self.unit:
            # Twelve digits: a limit given in another unit stays on the limit.
            value = float(f"{(value + self.offsets.get(unit, 0.0)) * self.factors[unit]:.12g}")
        if not (math.isfinite(value) and self.low <= value <= self.high):
            raise InputError(f"{label} = {quantity.value!r} {quantity.unit}: {self.name} lies in {self.low:g} to {self.high:g} {self.unit}".rstrip())
        if self.whole and not value.is_integer():
            raise InputError(f"{label} = {quantity.value!r}: {self.name} is a whole number")
        return value

    def _bare(self, label: str, given: float) -> Quantity:
        if self.unit != BARE or isinstance(given, bool) or not isinstance(given, (int, float)):
            raise InputError(f"{label} = {given!r}: give a quantity in {self._allowed()}")
        return Quantity(given, BARE)

    def _known(self, label: str, unit: object) -> str:
        wanted = spelling(unit) if isinstance(unit, str) else None
        for known in self.units:
            if spelling(known) == wanted:
                return known
        raise InputError(f"{label}: unknown unit {unit!r} for {self.name}; allowed {self._allowed()}")

    def _allowed(self) -> str:
        return ", ".join(unit or "a plain number" for unit in self.units)


def _number(label: str, value: object) -> float:
    """The number of a quantity, which Python lets anybody fill with anything."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputError(f"{label} = {value!r}: give a number")
    try:
        return float(value)
    except OverflowError as problem:
        raise InputError(f"{label}: a number of that size cannot be") from problem


def spelling(unit: str) -> str:
    """One way to write a unit: no spaces, small letters, one sign for micro, powers without a caret."""
    text = unit.strip().replace(" ", "").replace("\N{GREEK SMALL LETTER MU}", "µ").replace("^", "").replace("³", "3").replace("²", "2").lower()
    for short in ("mcg", "umol", "ug"):
        if text.startswith(short):
            return SPELLINGS[short] + text.removeprefix(short)
    return SPELLINGS.get(text, text)

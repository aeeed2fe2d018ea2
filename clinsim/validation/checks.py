"""What every part of a validation is made of: checks `{name, observed, expected, low, high, passed}`."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from statistics import NormalDist
from typing import Any, TypeVar

from clinsim.intervals import Estimate, standard_errors

Check = dict[str, Any]
"""`{name, observed, expected, low, high, passed}`, and what else helps to read it; `passed` is None where nothing is judged."""

Z = 4.0
"""A check fails beyond so many standard errors: chance alone does that once in 16,000 checks."""

POWER_Z = Z + NormalDist().inv_cdf(0.9)
"""A truth that lies so many standard errors away is rejected nine times in ten."""

T = TypeVar("T")


def part(name: str, checks: Iterable[Check], **more: Any) -> dict[str, dict[str, Any]]:
    """A part of the report; it has passed when no judged check has failed."""
    listed = list(checks)
    return {name: {"passed": all(check["passed"] for check in listed if check["passed"] is not None), "checks": listed, **more}}


def within(name: str, observed: float, expected: float, low: float, high: float, **more: Any) -> Check:
    """A number that must lie between two others."""
    return {"name": name, "observed": observed, "expected": expected, "low": low, "high": high, "passed": low <= observed <= high, **more}


def near(name: str, found: Estimate, expected: float, cap: float, **more: Any) -> Check:
    """An estimate that must lie within `Z` standard errors of an exact number, and never further than `cap` from it.

    `detects` states the power: a system that is wrong by this share of the value would be rejected nine times in ten.
    """
    room = min(Z * found.error, cap)
    z = standard_errors(found, expected)
    detects = min(POWER_Z * found.error, cap + (POWER_Z - Z) * found.error) / abs(expected) if expected else None
    return within(name, found.mean, expected, expected - room, expected + room, z=z, error=found.error, n=found.n, detects=detects, **more)


def agrees(name: str, difference: Estimate, observed: float, expected: float, limit: float = Z, **more: Any) -> Check:
    """Two estimates whose difference must lie within `limit` standard errors of nothing."""
    room = limit * difference.error
    z = standard_errors(difference)
    return within(name, observed, expected, expected - room, expected + room, z=z, error=difference.error, n=difference.n, **more)


def apart(name: str, difference: Estimate, observed: float, expected: float, least: float = Z, **more: Any) -> Check:
    """Two estimates that must be told apart: further from one another than `least` standard errors."""
    z = standard_errors(difference)
    room = least * difference.error
    judged = abs(z) > least
    shown = {"observed": observed, "expected": expected, "low": expected - room, "high": expected + room}
    return {"name": name, **shown, "passed": judged, "z": z, "error": difference.error, "n": difference.n, "told_apart": True, **more}


def holds(name: str, true: bool, **more: Any) -> Check:
    """Something that is so or not."""
    return {"name": name, "observed": true, "expected": True, "low": None, "high": None, "passed": true, **more}


def unjudged(name: str, observed: Any = None, expected: Any = None, **more: Any) -> Check:
    """Something that is told, not judged."""
    return {"name": name, "observed": observed, "expected": expected, "low": None, "high": None, "passed": None, **more}


def joined(groups: Iterable[Iterable[T]]) -> list[T]:
    """The items of all groups in one list."""
    return list(chain.from_iterable(groups))

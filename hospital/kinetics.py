"""How what is given shows in signs without touching the disease: it comes on, holds, and wears off; and how early samples lag behind.

Direct effects are first-order: `1 - e^(-t / onset)` while they last, then falling away with a quarter of the time that they lasted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import exp

from clinsim.body_file import SupportRule

WEARS_OFF = 0.25
"""Time constant of wearing off as a share of how long an effect lasts (assumption)."""
GONE = 6.0
"""After so many time constants nothing is left."""
EARLIEST = 0.05
"""Least share of its usual way that a slow analyte has gone at arrival (assumption)."""


def level(minutes: float, onset: float, lasts: float) -> float:
    """The share of its full effect that a dose has some minutes after it was given, 0 to 1."""
    tail = WEARS_OFF * lasts
    if minutes <= 0.0 or minutes > lasts + GONE * tail:
        return 0.0
    come = 1.0 - exp(-min(minutes, lasts) / onset)
    return come if minutes <= lasts else come * exp(-(minutes - lasts) / tail)


def moved(value: float, supports: Iterable[SupportRule], minute: float, running: Mapping[str, float]) -> float:
    """A sign with what supports it: `running` gives the minute at which each code was last given; of several codes of a rule the strongest counts."""
    for support in supports:
        if not running.keys().isdisjoint(support.any_of):
            onset, lasts = support.onset_minutes, support.lasts_minutes
            value += support.shift * max([level(minute - running[code], onset, lasts) for code in support.any_of if code in running])
    return value


def gone_by_arrival(hours: float, usual: tuple[float, float], lag_hours: float) -> float:
    """How far a slow analyte has gone after some hours since onset, against those who come at the usual time: early samples read low.

    Args:
        hours: Hours from onset to arrival.
        usual: Least and most hours of those who usually come.
        lag_hours: Time constant of the analyte.
    """
    middle = 0.5 * (usual[0] + usual[1])
    return max(EARLIEST, (1.0 - exp(-hours / lag_hours)) / (1.0 - exp(-middle / lag_hours)))

"""NEWS2, the National Early Warning Score 2, from the last charted vital signs.

Source: Royal College of Physicians. National Early Warning Score (NEWS) 2. London: RCP, 2017.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Band = Literal["low", "low-medium", "medium", "high", "unknown"]
Steps = tuple[tuple[float, int], ...]
"""Upper bounds (inclusive) and points, ascending; the last bound is infinite."""

RESPIRATORY_RATE: Steps = ((8, 3), (11, 1), (20, 0), (24, 2), (math.inf, 3))
"""1/min. Source: RCP 2017, chart 1."""
SATURATION_SCALE_1: Steps = ((91, 3), (93, 2), (95, 1), (math.inf, 0))
"""%. Source: RCP 2017, chart 1."""
SATURATION_SCALE_2_AIR: Steps = ((83, 3), (85, 2), (87, 1), (math.inf, 0))
"""%, target 88-92 %, breathing air. Source: RCP 2017, chart 1."""
SATURATION_SCALE_2_OXYGEN: Steps = ((83, 3), (85, 2), (87, 1), (92, 0), (94, 1), (96, 2), (math.inf, 3))
"""%, target 88-92 %, on oxygen. Source: RCP 2017, chart 1."""
SYSTOLIC_PRESSURE: Steps = ((90, 3), (100, 2), (110, 1), (219, 0), (math.inf, 3))
"""mmHg. Source: RCP 2017, chart 1."""
HEART_RATE: Steps = ((40, 3), (50, 1), (90, 0), (110, 1), (130, 2), (math.inf, 3))
"""1/min. Source: RCP 2017, chart 1."""
TEMPERATURE: Steps = ((35.0, 3), (36.0, 1), (38.0, 0), (39.0, 1), (math.inf, 2))
"""deg C. Source: RCP 2017, chart 1."""

OXYGEN_POINTS = 2
"""For any supplemental oxygen. Source: RCP 2017, chart 1."""
NOT_ALERT_POINTS = 3
"""For new confusion, or response to voice, pain or nothing only. Source: RCP 2017, chart 1."""
ALERT_GCS = 15
"""A coma scale below this is read as not alert: confusion costs a point of it. Source: RCP 2017, section on ACVPU."""

EMERGENCY_AT, URGENT_AT, SINGLE_RED = 7, 5, 3
"""Totals of an emergency and an urgent response; one parameter at 3 asks for review. Source: RCP 2017, chart 2."""


@dataclass(frozen=True, slots=True)
class News2:
    """The score: total points (0-20) over the inputs given, points by component, inputs that were missing, the band."""

    total: int
    components: dict[str, int]
    missing: tuple[str, ...]
    scale: int
    band: Band


def news2(
    *,
    rr: float | None,
    spo2: float | None,
    sbp: float | None,
    hr: float | None,
    temp: float | None,
    gcs: float | None,
    on_oxygen: bool,
    scale: Literal[1, 2] = 1,
) -> News2:
    """NEWS2 of one set of vital signs.

    Rates are rounded to whole numbers and temperature to a tenth before scoring, as they are charted on paper.

    Args:
        rr: Respiratory rate, 1/min.
        spo2: Oxygen saturation, %.
        sbp: Systolic blood pressure, mmHg.
        hr: Heart rate, 1/min.
        temp: Temperature, deg C.
        gcs: Glasgow coma scale, 3-15; below 15 counts as not alert.
        on_oxygen: Whether supplemental oxygen is running.
        scale: Saturation scale; 2 only in confirmed hypercapnic respiratory failure with a target of 88-92 %.

    Source: Royal College of Physicians, NEWS2, 2017, charts 1 and 2.
    """
    saturation = SATURATION_SCALE_1 if scale == 1 else (SATURATION_SCALE_2_OXYGEN if on_oxygen else SATURATION_SCALE_2_AIR)
    scored: dict[str, int | None] = {
        "rr": _points(RESPIRATORY_RATE, rr),
        "spo2": _points(saturation, spo2),
        "oxygen": OXYGEN_POINTS if on_oxygen else 0,
        "sbp": _points(SYSTOLIC_PRESSURE, sbp),
        "hr": _points(HEART_RATE, hr),
        "consciousness": None if gcs is None else NOT_ALERT_POINTS * (gcs < ALERT_GCS),
        "temp": _points(TEMPERATURE, temp, digits=1),
    }
    components = {name: points for name, points in scored.items() if points is not None}
    missing = tuple(name for name, points in scored.items() if points is None)
    return News2(sum(components.values()), components, missing, scale, _band(components, missing))


def _points(steps: Steps, value: float | None, digits: int = 0) -> int | None:
    if value is None:
        return None
    charted = round(value, digits)
    return next(points for bound, points in steps if charted <= bound)


def _band(components: dict[str, int], missing: tuple[str, ...]) -> Band:
    total = sum(components.values())
    if total >= EMERGENCY_AT:
        return "high"
    if total >= URGENT_AT:
        return "medium"
    if SINGLE_RED in components.values():
        return "low-medium"
    return "unknown" if missing else "low"

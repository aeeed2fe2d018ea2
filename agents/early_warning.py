"""NEWS2 as a clinician adds it up at the bedside.

Source: Royal College of Physicians, National Early Warning Score (NEWS) 2, 2017.
"""

from __future__ import annotations

from collections.abc import Mapping

_BANDS: dict[str, tuple[tuple[float, int], ...]] = {
    "rr": ((8, 3), (11, 1), (20, 0), (24, 2), (999, 3)),
    "spo2": ((91, 3), (93, 2), (95, 1), (999, 0)),
    "sbp": ((90, 3), (100, 2), (110, 1), (219, 0), (999, 3)),
    "hr": ((40, 3), (50, 1), (90, 0), (110, 1), (130, 2), (999, 3)),
    "temp": ((35.0, 3), (36.0, 1), (38.0, 0), (39.0, 1), (999, 2)),
    "gcs": ((14, 3), (999, 0)),
}
"""Points by vital sign: the first row whose limit is not exceeded counts."""
OXYGEN_POINTS = 2


def news2(vitals: Mapping[str, float], on_oxygen: bool) -> int:
    """The aggregate score on saturation scale 1; a vital sign that was not measured scores nothing.

    Args:
        vitals: Heart rate (1/min), systolic pressure (mmHg), respiratory rate (1/min), saturation (%), temperature
            (deg C) and GCS by name.
        on_oxygen: Whether the patient breathes more than air.
    """
    points = sum(_points(name, vitals[name]) for name in _BANDS if name in vitals)
    return points + (OXYGEN_POINTS if on_oxygen else 0)


def _points(name: str, value: float) -> int:
    return next((points for limit, points in _BANDS[name] if value <= limit), 0)

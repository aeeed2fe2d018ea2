"""Where the warm-up ends: the truncation that leaves the mean of the rest least uncertain (MSER-5).

Source: White, Simulation 1997;69:323 (MSER); White, Cobb and Spratt, Proc Winter Simul Conf 2000:755 (batches of five).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum

BATCH = 5
"""Values that are averaged before the rule is applied."""


def mser(values: Sequence[float]) -> int:
    """How many values to cut from the start: of 0 to half of them, the number with the smallest squared standard error of the rest.

    Args:
        values: A series from its start on, at least two.

    Raises:
        ValueError: There are fewer than two values.
    """
    if len(values) < 2:
        raise ValueError("a warm-up is found in two values or more")
    return min(range(len(values) // 2 + 1), key=lambda cut: _statistic(values[cut:]))


def _statistic(rest: Sequence[float]) -> float:
    mean = fsum(rest) / len(rest)
    return fsum((value - mean) ** 2 for value in rest) / len(rest) ** 2


def mser5(series: Sequence[float]) -> int:
    """How many values to cut from the start of a series, a multiple of five: `mser` on the means of five values each.

    Values that fill no batch at the end are left out. Half of the series is the most that is cut: a series that asks for so
    much has not settled, and wants a longer run.
    """
    batches = [fsum(series[at : at + BATCH]) / BATCH for at in range(0, len(series) - BATCH + 1, BATCH)]
    return BATCH * mser(batches)


def cuts(values: int) -> tuple[int, ...]:
    """All that `mser5` may answer for a series of so many values."""
    return tuple(BATCH * batch for batch in range(values // BATCH // 2 + 1))


def without_daily_round(series: Sequence[float], per_day: int) -> list[float]:
    """Each value less the mean of all values at its time of day: the tide of a day is no warm-up.

    Args:
        series: Values at even steps.
        per_day: Steps in a day.
    """
    means = [fsum(series[at::per_day]) / len(series[at::per_day]) for at in range(per_day)]
    return [value - means[at % per_day] for at, value in enumerate(series)]

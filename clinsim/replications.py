"""How many replications are enough: until the interval of each figure is as narrow as was asked for, and stays so.

Source: Hoad, Robinson and Davies, J Oper Res Soc 2010;61:1632 (confidence-interval method with look-ahead).
"""

from __future__ import annotations

from collections.abc import Sequence

from clinsim.intervals import LEVEL, of_mean

LEAST = 3
"""Replications below which nothing is judged."""
LOOK_AHEAD = 5
"""Further replications over which the interval must stay as narrow (of up to 100; beyond, five in a hundred)."""


def half_width(values: Sequence[float], level: float = LEVEL) -> float:
    """Half the width of the interval of the mean, as a share of the mean (0 where all values are the same)."""
    found = of_mean(values, level)
    half = found.high - found.mean
    return 0.0 if half == 0.0 else half / abs(found.mean) if found.mean else float("inf")


def look_ahead(n: int) -> int:
    """How many replications after the `n`-th must agree that `n` were enough."""
    return LOOK_AHEAD * max(n, 100) // 100


def enough(values: Sequence[float], precision: float, level: float = LEVEL) -> int | None:
    """The smallest number of replications whose interval is within `precision` of the mean, as are those that look ahead of it.

    Args:
        values: A figure by replication, in order.
        precision: Half-width as a share of the mean, for example 0.05.
        level: Share of such intervals that hold the truth.

    Returns:
        The number, or None if `values` do not show one yet.
    """
    narrow = 0
    for n in range(LEAST, len(values) + 1):
        narrow = narrow + 1 if half_width(values[:n], level) <= precision else 0
        if narrow and narrow - 1 >= look_ahead(n - narrow + 1):
            return n - narrow + 1
    return None

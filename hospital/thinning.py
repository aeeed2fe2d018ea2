"""Non-homogeneous Poisson arrivals by thinning, with keyed draws: whoever comes, in the hospital and wherever theory is checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from clinsim.hospital.clock import Clock
from clinsim.hospital.streams import Streams

if TYPE_CHECKING:
    from simpy.events import ProcessGenerator

Rate = Callable[[float], float]
"""Arrivals per minute at a minute since the start."""


def thinned(clock: Clock, streams: Streams, highest: float, rate: Rate, come: Callable[[int], None], process: str = "arrival") -> ProcessGenerator:
    """Let `come` happen by thinning: candidates at the highest rate, each kept with the probability that its own minute has.

    Source: Lewis and Shedler, Nav Res Logist Q 1979;26:403 (thinning).

    Args:
        clock: The clock that it happens on.
        streams: Keyed draws.
        highest: No smaller than any rate, per minute; at 0 nobody comes.
        rate: Arrivals per minute at a minute.
        come: Called with the number of the candidate, at its minute.
        process: Key of the draws.
    """
    for index in range(10**9):
        if highest == 0.0:
            return
        yield clock.timeout(streams.exponential(1.0 / highest, process, "gap", index))
        if streams.uniform(process, "keep", index) * highest < rate(clock.now):
            come(index)

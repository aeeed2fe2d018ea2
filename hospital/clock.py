"""SimPy's clock, in minutes since the start, quantised to 1e-6 so that sums of delays are the same on every road to them."""

from __future__ import annotations

import simpy
from simpy.core import SimTime
from simpy.events import NORMAL, Event, EventPriority

QUANTUM_DIGITS = 6


class Clock(simpy.Environment):
    """A SimPy environment whose event times are rounded to a millionth of a minute."""

    def schedule(self, event: Event, priority: EventPriority = NORMAL, delay: SimTime = 0) -> None:
        """Schedule `event` after `delay` minutes, on the grid of the clock."""
        if delay:
            delay = round(self._now + delay, QUANTUM_DIGITS) - self._now
        super().schedule(event, priority, delay)

    def run_through(self, minute: float) -> None:
        """Play every event up to and including `minute`."""
        while self.peek() <= minute:
            self.step()

    def advance_to(self, minute: float) -> None:
        """Move to `minute`, before which every event has been played."""
        assert self.peek() > minute >= self._now, "events are still due"
        self._now = minute

"""SimPy's clock, in minutes since the start, quantised to 1e-6 so that sums of delays are the same on every road to them."""

from __future__ import annotations

from heapq import heappush

import simpy
from simpy.core import SimTime
from simpy.events import NORMAL, PENDING, Event, EventPriority

QUANTUM_DIGITS = 6


class First(Event):
    """Happens when the first of some events does: SimPy's `|` without a value, which no pathway reads.

    Which of them it was can be asked of the events themselves (`triggered`).
    """

    def __init__(self, clock: Clock, *events: Event) -> None:
        """Wait for any of `events`; one that has already happened counts."""
        super().__init__(clock)
        self._events = events
        for event in events:
            if event.processed:
                self._happen(event)
            else:
                event.callbacks.append(self._happen)

    def _happen(self, event: Event) -> None:
        if self._value is not PENDING:
            return
        self.succeed()
        for other in self._events:
            if other.callbacks and self._happen in other.callbacks:
                other.callbacks.remove(self._happen)


class Clock(simpy.Environment):
    """A SimPy environment whose event times are rounded to a millionth of a minute."""

    def schedule(self, event: Event, priority: EventPriority = NORMAL, delay: SimTime = 0) -> None:
        """Schedule `event` after `delay` minutes, on the grid of the clock."""
        due = round(self._now + delay, QUANTUM_DIGITS) if delay else self._now
        heappush(self._queue, (due, priority, next(self._eid), event))

    def first_of(self, *events: Event) -> First:
        """Happens when the first of `events` does."""
        return First(self, *events)

    def run_through(self, minute: float) -> None:
        """Play every event up to and including `minute`."""
        queue, step = self._queue, self.step
        while queue and queue[0][0] <= minute:
            step()

    def advance_to(self, minute: float) -> None:
        """Move to `minute`, before which every event has been played."""
        assert self.peek() > minute >= self._now, "events are still due"
        self._now = minute

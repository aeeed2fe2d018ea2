"""SimPy's clock, in minutes since the start, quantised to 1e-6 so that sums of delays are the same on every road to them."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Any

import simpy
from simpy.core import SimTime
from simpy.events import NORMAL, PENDING, Event, EventPriority, Process, ProcessGenerator, Timeout

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


class Pathway(Process):
    """A SimPy process whose events never fail and whose end is scheduled only if somebody waits for it.

    An error in a pathway is a fault of ours: it goes straight to whoever plays the clock.
    """

    def _resume(self, event: Event) -> None:
        send, callbacks = self._generator.send, None
        try:
            while callbacks is None:  # an event that has happened already lets the pathway go on at once
                event = send(event._value)
                callbacks = event.callbacks
        except StopIteration as end:
            self._ok, self._value = True, end.value
            if self.callbacks:
                self.env.schedule(self)
            return
        callbacks.append(self._resume)


class Clock(simpy.Environment):
    """A SimPy environment whose event times are rounded to a millionth of a minute."""

    def process(self, generator: ProcessGenerator) -> Pathway:
        """Start a pathway: it begins before anything else that is due now."""
        return Pathway(self, generator)

    def schedule(self, event: Event, priority: EventPriority = NORMAL, delay: SimTime = 0) -> None:
        """Schedule `event` after `delay` minutes, on the grid of the clock."""
        due = round(self._now + delay, QUANTUM_DIGITS) if delay else self._now
        heappush(self._queue, (due, priority, next(self._eid), event))

    def first_of(self, *events: Event) -> First:
        """Happens when the first of `events` does."""
        return First(self, *events)

    def timeout(self, delay: SimTime = 0, value: Any = None) -> Timeout:
        """Happens after `delay` minutes."""
        return Timeout(self, delay, value)

    def event(self) -> Event:
        """Happens when somebody says so."""
        return Event(self)

    def play(self) -> None:
        """Play the next event: SimPy's `step` without what it does for events that fail, since none of ours does."""
        self._now, _, _, event = heappop(self._queue)
        callbacks, event.callbacks = event.callbacks, None  # type: ignore[assignment]  # SimPy's own sign that an event has happened
        for callback in callbacks:
            callback(event)

    def run_through(self, minute: float) -> None:
        """Play every event up to and including `minute`."""
        queue, play = self._queue, self.play
        while queue and queue[0][0] <= minute:
            play()

    def advance_to(self, minute: float) -> None:
        """Move to `minute`, before which every event has been played."""
        assert self.peek() > minute >= self._now, "events are still due"
        self._now = minute

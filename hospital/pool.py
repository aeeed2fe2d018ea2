"""A pool of like units (places, beds, scanners, nurses) with a priority queue, unit names, shifting capacity, and time integrals.

`with pool.request(priority) as turn: yield turn` holds a unit for the block; leaving the block gives the unit back, or gives up the place in
the queue.
SimPy's own resources keep their queue sorted by re-sorting at each put, have no unit names, and a fixed capacity: hence this one.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from types import TracebackType

from simpy.events import NORMAL, Event

from clinsim.hospital.clock import Clock

Watch = Callable[["Pool"], None]


class Turn(Event):
    """A request for one unit: it may be granted (`unit` is then named), given up, or given back."""

    __slots__ = ("given_up", "pool", "unit")

    def __init__(self, pool: Pool) -> None:
        """Ask `pool` for a unit; the event happens when one is granted."""
        super().__init__(pool.clock)
        self.pool = pool
        self.unit = ""
        self.given_up = False

    def __enter__(self) -> Turn:
        """Hold the request for a block."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Give the unit back, or the place in the queue."""
        self.leave()

    def leave(self) -> None:
        """Give the unit back if granted, else leave the queue; a second call does nothing."""
        if self.given_up:
            return
        self.given_up = True
        self.pool.take_back(self)


class Pool:
    """Units that are asked for by priority (smaller first), then order of asking.

    `busy_minutes` and `queue_minutes` are the integrals over time of the busy units and of the queue, up to `since`.
    """

    __slots__ = (
        "_free",
        "_heap",
        "_sequence",
        "_used",
        "busy",
        "busy_minutes",
        "clock",
        "name",
        "queue",
        "queue_minutes",
        "since",
        "turnover",
        "units",
        "watch",
    )

    def __init__(self, clock: Clock, name: str, units: int, turnover: float = 0.0, watch: Watch | None = None) -> None:
        """A pool of `units` units; each rests for `turnover` minutes after use; `watch` is called after every change."""
        self.clock = clock
        self.name = name
        self.units = units
        self.turnover = turnover
        self.watch = watch
        self.busy = 0
        self.queue = 0
        self.busy_minutes = 0.0
        self.queue_minutes = 0.0
        self.since = clock.now
        self._heap: list[tuple[int, int, Turn]] = []
        self._sequence = 0
        self._free = list(range(units))
        self._used: list[int] = []

    def request(self, priority: int = 0) -> Turn:
        """Ask for a unit."""
        turn = Turn(self)
        self._sequence += 1
        self._note()
        heappush(self._heap, (priority, self._sequence, turn))
        self.queue += 1
        self._serve()
        self._changed()
        return turn

    def take_back(self, turn: Turn) -> None:
        """Take the unit of `turn` back, or strike it from the queue."""
        self._note()
        if not turn.unit:
            self.queue -= 1
        elif self.turnover:
            rest = self.clock.timeout(self.turnover, self._index(turn.unit))
            assert rest.callbacks is not None
            rest.callbacks.append(self._rested)
            return
        else:
            self._return(self._index(turn.unit))
        self._changed()

    def resize(self, units: int) -> None:
        """Change the number of units: busy ones finish before they leave, new ones serve the queue at once."""
        self._note()
        for index in range(self.units, units):
            self._add(index)
        self.units = units
        self._free = [index for index in self._free if index < units]
        self._serve()
        self._changed()

    def _add(self, index: int) -> None:
        if index not in self._used:
            heappush(self._free, index)

    def _rested(self, event: Event) -> None:
        self._note()
        self._return(int(str(event.value)))
        self._changed()

    def _return(self, index: int) -> None:
        self.busy -= 1
        self._used.remove(index)
        if index < self.units:
            heappush(self._free, index)
        self._serve()

    def _serve(self) -> None:
        while self._free and self._heap and self.busy < self.units:
            turn = heappop(self._heap)[2]
            if turn.given_up:
                continue
            index = heappop(self._free)
            self._used.append(index)
            self.busy += 1
            self.queue -= 1
            turn.unit = f"{self.name}_{index + 1}"
            turn._ok = True
            turn._value = turn.unit
            self.clock.schedule(turn, NORMAL)

    def _index(self, unit: str) -> int:
        return int(unit.rsplit("_", 1)[1]) - 1

    def _note(self) -> None:
        passed = self.clock.now - self.since
        if passed:
            self.busy_minutes += passed * self.busy
            self.queue_minutes += passed * self.queue
            self.since = self.clock.now

    def _changed(self) -> None:
        if self.watch is not None:
            self.watch(self)

    def is_consistent(self) -> bool:
        """Whether every unit in use is one unit, used once, and no count is negative; units that were taken away finish first."""
        return self.busy == len(self._used) == len(set(self._used)) and self.queue >= 0 and not set(self._used) & set(self._free)

    def integrals(self) -> tuple[float, float]:
        """Busy unit-minutes and queue minutes up to now; asking changes nothing."""
        passed = self.clock.now - self.since
        return self.busy_minutes + passed * self.busy, self.queue_minutes + passed * self.queue

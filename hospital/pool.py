"""A pool of like units (places, beds, scanners, nurses) with a priority queue, unit names, shifting capacity, and time integrals.

`with pool.request(priority) as turn: yield turn` holds a unit for the block; leaving the block gives the unit back, or gives up the place in
the queue.
SimPy's own resources keep their queue sorted by re-sorting at each put, have no unit names, and a fixed capacity: hence this one.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from types import TracebackType

from simpy.events import Event

from clinsim.hospital.clock import Clock

Watch = Callable[["Pool"], None]


class Turn(Event):
    """A request for one unit: it may be granted (`unit` is then named), given up, or given back."""

    __slots__ = ("given_up", "index", "pool")

    def __init__(self, pool: Pool) -> None:
        """Ask `pool` for a unit; the event happens when one is granted."""
        super().__init__(pool.clock)
        self.pool = pool
        self.index = -1
        self.given_up = False

    @property
    def unit(self) -> str:
        """The name of the unit that was granted; empty before."""
        return f"{self.pool.name}_{self.index + 1}" if self.index >= 0 else ""

    def __enter__(self) -> Turn:
        """Hold the request for a block."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Give the unit back, or the place in the queue."""
        self.leave()

    def leave(self) -> None:
        """Give the unit back if granted, else leave the queue; a second call does nothing."""
        if not self.given_up:
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
        self._used: set[int] = set()

    def request(self, priority: int = 0) -> Turn:
        """Ask for a unit."""
        turn = Turn(self)
        self._note()
        if self._free and not self.queue and self.busy < self.units:
            self._grant(turn)
        else:
            self._sequence += 1
            heappush(self._heap, (priority, self._sequence, turn))
            self.queue += 1
        if self.watch is not None:
            self.watch(self)
        return turn

    def take_back(self, turn: Turn) -> None:
        """Take the unit of `turn` back, or strike it from the queue."""
        self._note()
        if turn.index < 0:
            self.queue -= 1
            if not self.queue:
                self._heap.clear()
        elif self.turnover:
            rest = self.clock.timeout(self.turnover, turn.index)
            assert rest.callbacks is not None
            rest.callbacks.append(self._rested)
            return
        else:
            self._return(turn.index)
        if self.watch is not None:
            self.watch(self)

    def resize(self, units: int) -> None:
        """Change the number of units: busy ones finish before they leave, new ones serve the queue at once."""
        self._note()
        for index in range(self.units, units):
            self._add(index)
        self.units = units
        self._free = [index for index in self._free if index < units]
        self._serve()
        if self.watch is not None:
            self.watch(self)

    def _add(self, index: int) -> None:
        if index not in self._used:
            heappush(self._free, index)

    def _rested(self, event: Event) -> None:
        self._note()
        self._return(int(str(event.value)))
        if self.watch is not None:
            self.watch(self)

    def _return(self, index: int) -> None:
        self.busy -= 1
        self._used.remove(index)
        if index < self.units:
            heappush(self._free, index)
        self._serve()

    def _serve(self) -> None:
        while self.queue and self._free and self.busy < self.units:
            turn = heappop(self._heap)[2]
            if not turn.given_up:
                self.queue -= 1
                self._grant(turn)

    def _grant(self, turn: Turn) -> None:
        turn.index = heappop(self._free)
        self._used.add(turn.index)
        self.busy += 1
        turn._ok, turn._value = True, None
        self.clock.schedule(turn)

    def _note(self) -> None:
        now = self.clock.now
        passed = now - self.since
        if passed:
            self.busy_minutes += passed * self.busy
            self.queue_minutes += passed * self.queue
            self.since = now

    def is_consistent(self) -> bool:
        """Whether every unit in use is one unit, used once, and no count is negative; units that were taken away finish first."""
        return self.busy == len(self._used) and self.queue >= 0 and self._used.isdisjoint(self._free)

    def integrals(self) -> tuple[float, float]:
        """Busy unit-minutes and queue minutes up to now; asking changes nothing."""
        passed = self.clock.now - self.since
        return self.busy_minutes + passed * self.busy, self.queue_minutes + passed * self.queue

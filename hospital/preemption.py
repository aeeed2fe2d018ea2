"""A pool whose units are taken from whoever holds them when somebody more urgent asks; the rest of the work is done afterwards.

`yield from work(pool, priority, minutes)` is work that may be broken off and taken up again where it stopped (preemptive-resume).
"""

from __future__ import annotations

from heapq import heappush
from typing import TYPE_CHECKING

from simpy.events import Event

from clinsim.hospital.clock import Clock
from clinsim.hospital.pool import Pool, Turn, Watch

if TYPE_CHECKING:
    from simpy.events import ProcessGenerator


class Held(Turn):
    """A request whose unit may be taken away again: `taken` then happens; `rank` is its place in the order of all requests."""

    __slots__ = ("rank", "taken")

    def __init__(self, pool: Pool, rank: tuple[int, int]) -> None:
        """Ask `pool` for a unit."""
        super().__init__(pool)
        self.rank = rank
        self.taken: Event = pool.clock.event()


class PreemptivePool(Pool):
    """Units that go to whoever ranks first by priority (smaller first), then by order of asking, also while they are held.

    A unit is never taken for an equal priority. Units need no turnover.
    """

    __slots__ = ("asked",)

    def __init__(self, clock: Clock, name: str, units: int, watch: Watch | None = None) -> None:
        """A pool of `units` units; `watch` is called after every change."""
        super().__init__(clock, name, units, watch=watch)
        self.asked: list[Held] = []

    def request(self, priority: int = 0, sequence: int | None = None) -> Held:
        """Ask for a unit.

        Args:
            priority: Smaller goes first.
            sequence: Place among those of the same priority that an earlier request had (None: the last).
        """
        self._sequence += 1
        turn = Held(self, (priority, self._sequence if sequence is None else sequence))
        self._note()
        self.asked.append(turn)
        heappush(self._heap, (*turn.rank, turn))
        self.queue += 1
        self._serve()
        if turn.index < 0:
            self._make_room(priority)
        if self.watch is not None:
            self.watch(self)
        return turn

    def take_back(self, turn: Turn) -> None:
        """Take the unit of `turn` back, or strike it from the queue."""
        self.asked = [other for other in self.asked if other is not turn]
        super().take_back(turn)

    def _make_room(self, priority: int) -> None:
        """Take the unit of whoever ranks last, if that is somebody less urgent; it goes to the head of the queue."""
        last = max((turn for turn in self.asked if turn.index >= 0), key=lambda turn: turn.rank, default=None)
        if last is None or last.rank[0] <= priority:
            return
        self.asked.remove(last)
        last.given_up = True
        last.taken.succeed()
        self._return(last.index)


def work(pool: PreemptivePool, priority: int, minutes: float) -> ProcessGenerator:
    """Hold a unit for some minutes in all, however often it is taken away in between.

    Args:
        pool: Whose unit.
        priority: Smaller goes first.
        minutes: Minutes of work.
    """
    sequence = None
    while True:
        turn = pool.request(priority, sequence)
        sequence = turn.rank[1]
        with turn:
            yield turn
            since = pool.clock.now
            yield pool.clock.first_of(turn.taken, pool.clock.timeout(minutes))
            minutes = max(0.0, minutes - (pool.clock.now - since))
            if not turn.taken.triggered or not minutes:
                return

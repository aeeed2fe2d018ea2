"""The live world: what a tool may touch while the clock runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from clinsim.errors import ToolError
from clinsim.hospital.charts import Chart, Desk, Knowledge
from clinsim.record import Actor, Order, Receipt

if TYPE_CHECKING:
    from clinsim.hospital.hospital import Hospital


class Rehearsed(Exception):  # noqa: N818  # no error: it says that all is well
    """A rehearsal reached the door: every precondition of the tool holds."""


class LiveWorld:
    """The hospital as one agent's tools see it.

    `asked` is set by a request that was not refused: a tool that leaves it alone has only read. With `rehearsing`, `request` checks what the
    hospital would refuse and then stops at the door, so that preconditions are known before time is spent.
    """

    __slots__ = ("_hospital", "_requests", "actor", "asked", "rehearsing")

    def __init__(self, hospital: Hospital, actor: Actor, rehearsing: bool = False) -> None:
        """See `hospital` with the eyes of `actor`."""
        from clinsim.hospital.requests import REQUESTS

        self._requests = REQUESTS
        self._hospital = hospital
        self.actor = actor
        self.rehearsing = rehearsing
        self.asked = False

    @property
    def charts(self) -> Mapping[str, Chart]:
        """Charts by patient id."""
        return self._hospital.charts

    @property
    def knowledge(self) -> Knowledge:
        """Catalogues and formulary."""
        return self._hospital.knowledge

    @property
    def desk(self) -> Desk:
        """Work lists and the department at a glance."""
        return self._hospital.desk

    @property
    def now(self) -> float:
        """Minutes since the start."""
        return self._hospital.now

    def request(self, order: Order) -> Receipt:
        """Start the pathway of an order, or say why not.

        Raises:
            ToolError: The hospital refuses; the message says what is allowed.
        """
        known = self._requests.get(order.kind)
        if known is None:
            raise ToolError(f"the hospital knows no request {order.kind!r}; it knows {', '.join(self._requests)}")
        known.check(self._hospital, self.actor, order)
        if self.rehearsing:
            raise Rehearsed
        self.asked = True
        return known.start(self._hospital, self.actor, order)

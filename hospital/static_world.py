"""The static world: the same tools on a frozen chart, without a clock.

Nothing happens by itself. What is asked for is answered at once from what the chart holds back, and written down on
the world's own copy of the charts, so that the state left behind can be compared with the one that was wanted.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from clinsim.errors import ToolError
from clinsim.hospital.charts import Chart, Desk, Knowledge
from clinsim.hospital.static_requests import ANSWERS
from clinsim.record import Actor, Order, Receipt

Key = tuple[str, str, str]
Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Frozen:
    """Charts and work lists as they stood at minute `now`, and what can still be learnt by asking.

    `held_back` gives facts by (patient, kind of order, code): what a history, a test, a view would tell.
    """

    charts: Mapping[str, Chart]
    knowledge: Knowledge
    desk: Desk
    now: float
    held_back: Mapping[Key, Facts] = field(default_factory=dict)

    def world(self, actor: Actor) -> StaticWorld:
        """A fresh static world for `actor`: what is done in it stays in it."""
        return StaticWorld(self.charts, self.knowledge, self.desk, actor, self.now, self.held_back)


def freeze(
    charts: Mapping[str, Chart],
    knowledge: Knowledge,
    desk: Desk,
    now: float = 0.0,
    held_back: Mapping[Key, Facts] | None = None,
) -> Frozen:
    """Copy charts and desk as they stand at minute `now`: what happens to the originals afterwards does not show."""
    return Frozen(deepcopy(dict(charts)), knowledge, deepcopy(desk), now, deepcopy(dict(held_back or {})))


class StaticWorld:
    """A world without a clock: `request` answers at once from what is held back, and records what was asked for.

    `requested` lists the orders as they were made; `charts` and `desk` show the state that they left behind.
    """

    __slots__ = ("_issued", "actor", "charts", "desk", "held_back", "knowledge", "now", "requested")

    def __init__(
        self,
        charts: Mapping[str, Chart],
        knowledge: Knowledge,
        desk: Desk,
        actor: Actor,
        now: float = 0.0,
        held_back: Mapping[Key, Facts] | None = None,
    ) -> None:
        """Take copies of `charts` and `desk`, to be seen with the eyes of `actor` at minute `now`."""
        self.charts: dict[str, Chart] = deepcopy(dict(charts))
        self.knowledge = knowledge
        self.desk: Desk = deepcopy(desk)
        self.actor = actor
        self.now = now
        self.held_back: dict[Key, Facts] = dict(held_back or {})
        self.requested: list[Order] = []
        self._issued = 0

    def request(self, order: Order) -> Receipt:
        """Answer an order at once.

        Raises:
            ToolError: No such request is known.
        """
        answer = ANSWERS.get(order.kind)
        if answer is None:
            raise ToolError(f"the hospital knows no request {order.kind!r}; it knows {', '.join(ANSWERS)}")
        receipt = answer(self, order)
        self.requested.append(order)
        return receipt

    def held(self, patient: str, kind: str, code: str) -> Facts:
        """What is held back under a key; empty if nothing is."""
        return self.held_back.get((patient, kind, code), {})

    def new_id(self, kind: str) -> str:
        """An id that nothing in charts or desk bears yet, for example O9001."""
        self._issued += 1
        return f"{kind}{9000 + self._issued}"

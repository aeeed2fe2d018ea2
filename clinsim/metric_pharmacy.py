"""Key figures of the pharmacist over all drug orders: sensitivity, false alarms, net benefit, and the minutes that stops cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import fsum
from typing import Any

from clinsim.record import Entry
from clinsim.reward_book import STOPPED

Figure = dict[str, Any]
"""`{"value": float or None, "unit": str, "n": int}`; the value is None where n is 0."""
THRESHOLD = 0.1
"""Probability of a significant error from which an order is worth stopping: one caught error is worth nine needless stops (assumption)."""


def figure(value: float, unit: str, n: int) -> Figure:
    """A key figure; its value is None where `n` is 0."""
    return {"value": value if n else None, "unit": unit, "n": n}


@dataclass(slots=True)
class Verdicts:
    """What became of one order: what was wrong with it when first decided on, the expected loss, whether it was ever stopped."""

    error: str
    significant: bool
    loss: float
    stopped: bool = False


@dataclass(slots=True)
class PharmacyTally:
    """Decisions by order, minutes of prescribers, minutes that orders stood queried; an order released unverified counts as let pass."""

    orders: dict[str, Verdicts] = field(default_factory=dict)
    doctor_minutes: list[float] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    queried_at: dict[str, float] = field(default_factory=dict)

    def graded(self, entry: Entry) -> None:
        """A decision of a pharmacist, or that none came in time."""
        data = entry.data
        order = self.orders.setdefault(entry.subject, Verdicts(data["error"], data["significant"], data.get("loss", 0.0)))
        order.stopped = order.stopped or data["verdict"] in STOPPED
        if data.get("doctor_minutes"):
            self.doctor_minutes.append(data["doctor_minutes"])

    def moved(self, entry: Entry) -> None:
        """An order is queried, or goes on after it was."""
        asked_at = self.queried_at.pop(entry.subject, None)
        if asked_at is not None:
            self.delays.append(entry.minute - asked_at)
        if entry.data["state"] == "queried":
            self.queried_at[entry.subject] = entry.minute

    def figures(self) -> Iterator[tuple[str, Figure]]:
        """The key figures by name.

        Net benefit per order is the share of orders with a significant error that were stopped, less that of orders without error that were
        stopped, weighted by the odds of the threshold. Source: Vickers and Elkin, Med Decis Making 2006;26:565.
        """
        orders = list(self.orders.values())
        wrong = [order for order in orders if order.significant]
        right = [order for order in orders if not order.error]
        caught, needless = (sum(order.stopped for order in group) for group in (wrong, right))
        odds = THRESHOLD / (1.0 - THRESHOLD)
        yield "pharmacist_sensitivity", figure(caught / max(1, len(wrong)), "share", len(wrong))
        yield "pharmacist_false_alarms", figure(needless / max(1, len(right)), "share", len(right))
        yield "pharmacist_net_benefit", figure((caught - odds * needless) / max(1, len(orders)), "per order", len(orders))
        yield "pharmacist_loss_averted", figure(fsum(order.loss for order in wrong if order.stopped), "utility", len(wrong))
        yield "query_doctor_minutes", figure(fsum(self.doctor_minutes), "minutes", len(orders))
        yield "query_delay", figure(fsum(self.delays), "minutes", len(orders))

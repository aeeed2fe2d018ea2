"""What a reward component is.

A component is a function `(book, entry) -> dues`. The book has read the log up to and including the entry: it is
the state of the fold. Values are before weights, within [-1, 1]; the weights stand in the scenario.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from clinsim.record import Entry, Role
from clinsim.reward_book import Book

DOCTOR: frozenset[Role] = frozenset({"doctor"})
PHARMACIST: frozenset[Role] = frozenset({"pharmacist"})
RADIOLOGIST: frozenset[Role] = frozenset({"radiologist"})
EVERYBODY: frozenset[Role] = DOCTOR | PHARMACIST | RADIOLOGIST


class Due(NamedTuple):
    """What one component owes one agent for one patient, before the weight.

    `item` parts what may be earned separately on one patient (a treatment, an order, a share); a positive due is paid once for
    each (patient, item).
    """

    agent: str
    patient: str
    value: float
    item: str = ""


@dataclass(frozen=True, slots=True)
class Component:
    """A named part of the reward: what finds the dues, the roles it is for, the kinds of entry it looks at."""

    due: Callable[[Book, Entry], Iterable[Due]]
    roles: frozenset[Role]
    kinds: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its name in `rewards` of a scenario."""
        return self.due.__name__

    @property
    def about(self) -> str:
        """What it pays, for whom, and where its target comes from."""
        return (self.due.__doc__ or "").strip()


def promptness(minutes: float, target: float) -> float:
    """1 up to the target (minutes), 0 at twice and -0.5 from two and a half times the target on (an assumption)."""
    return min(1.0, max(-0.5, 2.0 - minutes / target))


def bounded(value: float) -> float:
    """`value` within [-1, 1]."""
    return min(1.0, max(-1.0, value))

"""A tape of what was worked out while an episode was played: a replay of the same actions reads it back instead of working it out again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Tape:
    """Values in the order in which they were worked out.

    Only what follows from records and draws, changes nothing and is not changed later may be put on it, and only by pathways and by what is
    committed: those come in the same order whenever the same actions are replayed, while reading is left out of a replay.
    """

    __slots__ = ("_at", "_values")

    def __init__(self, before: Tape | None = None) -> None:
        """An empty tape; or a copy of one, to be read from its start and then written on."""
        self._values: list[Any] = [] if before is None else before._values.copy()
        self._at = 0

    def once(self, work: Callable[[], T]) -> T:
        """What `work` gives, or gave when this was played before."""
        if self._at < len(self._values):
            value: T = self._values[self._at]
        else:
            value = work()
            self._values.append(value)
        self._at += 1
        return value

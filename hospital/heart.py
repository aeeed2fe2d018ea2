"""When the heart stands still: how much hazard of death a person bears, and what is seen before a death.

One keyed draw says how much hazard this person bears. Before a death the heart stands still, which is seen; another keyed draw says whether it does
so once without a death.
"""

from __future__ import annotations

from math import inf

from clinsim.hospital.streams import Streams

DYING_MINUTES = 20.0
"""From the arrest to when resuscitation is given up (assumption; grid minutes)."""
REVIVED_AFTER_MINUTES = 10.0
"""From an arrest that is survived to the first pulse (assumption)."""
REVIVED_FOR_EACH_DEATH = 0.25 / 0.75
"""Arrests that are survived for each that is not. Source: about 25 % of adults with an arrest in hospital survive it (Andersen, JAMA 2019)."""


class Heart:
    """The heart of one patient; `troubled` says that it has stood still, or will not beat again. Minutes since the start."""

    __slots__ = ("_collapsed_at", "_revived_from", "_scare", "_threshold", "bears", "troubled")

    def __init__(self, person: str, streams: Streams) -> None:
        """A beating heart; `bears` is the cumulative hazard up to which it beats on (infinite once there is nothing left to befall it)."""
        self._threshold = streams.exponential(1.0, "course.death", person)
        self._scare = streams.exponential(1.0 / REVIVED_FOR_EACH_DEATH, "course.arrest", person)
        self._collapsed_at = self._revived_from = inf
        self.bears = min(self._scare, self._threshold)
        self.troubled = False

    def stand_still(self, hazard: float, minute: float) -> float:
        """It stands still from `minute` on, by what `hazard` has passed; the hazard at which it next does so."""
        self.troubled = True
        if self._revived_from == inf and hazard >= self._scare:
            self._revived_from = minute
        if self._collapsed_at == inf and hazard >= self._threshold:
            self._collapsed_at = minute
        self.bears = min(self._scare if self._revived_from == inf else inf, self._threshold if self._collapsed_at == inf else inf)
        return self.bears

    def still_since(self, minute: float) -> float | None:
        """Since when it has stood still at `minute`, if it does: before a death, or before it beats again."""
        if not self.troubled:
            return None
        spans = ((self._collapsed_at, DYING_MINUTES), (self._revived_from, REVIVED_AFTER_MINUTES))
        return next((start for start, lasts in spans if start <= minute < start + lasts), None)

    def dead_since(self, minute: float) -> float | None:
        """The minute of death, if that was by `minute`."""
        at = self._collapsed_at + DYING_MINUTES
        return at if at <= minute else None

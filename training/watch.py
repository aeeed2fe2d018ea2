"""Watchers for the ways in which training is known to collapse: they compare a step with the run's own beginning."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any, NamedTuple

FIRST = 3
"""Steps at the beginning that the rest is compared with."""
LAST = 3
"""Steps at the end that are looked at, so that one odd step raises no alarm."""
Row = Mapping[str, Any]


class Watcher(NamedTuple):
    """A figure of the metrics, when its change is a collapse, and what it is called."""

    figure: str
    is_collapse: Callable[[float, float], bool]
    warning: str


WATCHERS = (
    Watcher("tokens_per_turn", lambda before, now: now > 2.0 * before, "replies grow without bound"),
    Watcher("turns_per_episode", lambda before, now: now < 0.4 * before, "agents stop acting"),
    Watcher("turns_per_episode", lambda before, now: now > 3.0 * before, "agents act without end"),
    Watcher("refused_share", lambda before, now: now > 0.3 and now > 2.0 * before, "most calls are refused"),
    Watcher("entropy", lambda before, now: now < 0.05 * before, "nothing is tried any more"),
    Watcher("flat_share", lambda before, now: now > 0.9, "all of a group earn the same: nothing to learn from"),
)


def warnings(rows: Sequence[Row]) -> list[str]:
    """What is wrong with the last steps of a run, compared with its first; empty while there are too few, or if all is well."""
    if len(rows) < FIRST + LAST:
        return []
    return [told for watcher in WATCHERS if (told := _told(watcher, rows))]


def _told(watcher: Watcher, rows: Sequence[Row]) -> str:
    """What a watcher has to say; steps that taught nothing have no entropy, and are passed over."""
    known = [float(row[watcher.figure]) for row in rows if watcher.figure in row]
    if len(known) < FIRST + LAST:
        return ""
    before, now = fmean(known[:FIRST]), fmean(known[-LAST:])
    return f"{watcher.figure}: {watcher.warning} ({before:.3g} at first, {now:.3g} now)" if watcher.is_collapse(before, now) else ""
